"""ADA's augmentations: how often each is applied, and by how much."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.features import random_augment
from tfgan_lite.features.random_augmentation import ADA_OPERATIONS
from tfgan_lite.runs import Run, random_key

every_operation = pytest.mark.parametrize("operation", ADA_OPERATIONS)


def images(count=100, size=8, channels=3):
    values = np.random.default_rng(0).uniform(-1, 1, [count, size, size, channels])
    return tf.constant(values, tf.float32)


def changed(before, after):
    return np.any(np.not_equal(before, after), axis=(1, 2, 3))


# The operations


@pytest.mark.parametrize("jit_compile", [False, True])
def test_probability_zero_changes_no_bit(jit_compile):
    augment = tf.function(lambda x: random_augment(x, 0.0), jit_compile=jit_compile)
    np.testing.assert_array_equal(augment(images()), images())


# Of the cases in which an operation is applied, the share in which it leaves the image: no flip, a
# turn by 0 degrees, a shift by (0, 0) of the 8 x 8 image: round(u) is 0 for half of u in [-1, 1].
IDENTITY = {"flip": 1 / 2, "rotate90": 1 / 4, "translation": 1 / 4}


@every_operation
@pytest.mark.parametrize("probability", [0.3, 1.0])
def test_each_image_is_changed_with_the_probability(operation, probability):
    before = images(2000)
    after = random_augment(before, probability, [operation], seed=1)
    expected = probability * (1 - IDENTITY.get(operation, 0.0))
    deviation = np.sqrt(expected * (1 - expected) / 2000)
    assert abs(changed(before, after).mean() - expected) <= 4 * deviation


def test_operations_are_applied_independently():
    before = images(4000)
    alone = [
        changed(before, random_augment(before, 0.5, [name], seed=2))
        for name in ("scale", "rotation", "brightness", "contrast", "saturation")
    ]
    correlations = np.corrcoef(np.array(alone, float)) - np.eye(5)
    assert np.abs(correlations).max() < 4 / np.sqrt(4000)


@pytest.mark.parametrize(
    ("operation", "mean", "deviation", "measure"),
    [
        ("brightness", 0.0, 0.2, lambda x, y: (y - x).mean(axis=(1, 2, 3))),
        ("contrast", 0.0, 0.5, lambda x, y: np.log2((y / x).mean(axis=(1, 2, 3)))),
        (
            "saturation",
            0.0,
            1.0,
            lambda x, y: (
                np.log2((y - y.mean(3, keepdims=True)).std((1, 2, 3)))
                - np.log2((x - x.mean(3, keepdims=True)).std((1, 2, 3)))
            ),
        ),
    ],
)
def test_amounts_are_the_papers(operation, mean, deviation, measure):
    before = images(4000)
    after = random_augment(before, 1.0, [operation], seed=3)
    amounts = measure(before.numpy().astype(np.float64), after.numpy().astype(np.float64))
    assert abs(amounts.mean() - mean) < 4 * deviation / np.sqrt(4000)
    assert abs(amounts.std() / deviation - 1) < 0.05


def test_scale_and_rotation_move_a_ramp_by_the_papers_amounts():
    """A ramp's gradient after the warp has the length 1 / scale and the angle of rotation."""
    ramp = tf.tile(tf.range(16, dtype=tf.float32)[None, None, :, None] / 16, [4000, 16, 1, 1])

    def gradients(operation):
        x = 16 * random_augment(ramp, 1.0, [operation], seed=4).numpy()[:, 6:10, 6:10, 0]
        return x[:, 2, 1] - x[:, 1, 1], x[:, 1, 2] - x[:, 1, 1]

    down, right = gradients("scale")
    np.testing.assert_allclose(down, 0.0, atol=1e-5)
    assert abs(np.log2(right).mean()) < 4 * 0.2 / np.sqrt(4000)
    assert abs(np.log2(right).std() / 0.2 - 1) < 0.05
    down, right = gradients("rotation")
    np.testing.assert_allclose(np.hypot(down, right), 1.0, atol=1e-4)
    angles, _ = np.histogram(np.arctan2(down, right), bins=8, range=(-np.pi, np.pi))
    assert np.abs(angles - 500).max() < 5 * np.sqrt(500)


def test_leaving_an_operation_out_changes_no_other():
    both = random_augment(images(), 0.5, ["flip", "contrast"], seed=5)
    one_by_one = random_augment(images(), 0.5, ["flip"], seed=5)
    one_by_one = random_augment(one_by_one, 0.5, ["contrast"], seed=5)
    np.testing.assert_array_equal(both, one_by_one)


def test_each_call_of_a_run_draws_anew():
    with Run(key=random_key(0, 0)):
        first, second = (random_augment(images(), 1.0) for _ in range(2))
    assert changed(first, second).all()


@pytest.mark.slow
def test_gradient_is_that_of_finite_differences():
    theirs, numeric = tf.test.compute_gradient(
        lambda x: random_augment(x, 0.7, seed=6), [images(2, size=4)], delta=1 / 64
    )
    np.testing.assert_allclose(theirs[0], numeric[0], atol=3e-4)


def test_xla_draws_the_same():
    augment = tf.function(lambda x: random_augment(x, 0.5, seed=7), jit_compile=True)
    np.testing.assert_allclose(augment(images()), random_augment(images(), 0.5, seed=7), atol=1e-4)


def test_dtype_stays():
    half = tf.cast(images(4), tf.float16)
    assert random_augment(half, 1.0).dtype == tf.float16
    np.testing.assert_array_equal(random_augment(half, 0.0), half)


def test_images_that_are_not_square_are_told():
    with pytest.raises(ValueError, match='leave "rotate90" out'):
        random_augment(tf.zeros([1, 4, 6, 3]), 0.5)
    random_augment(tf.zeros([1, 4, 6, 3]), 0.5, [n for n in ADA_OPERATIONS if n != "rotate90"])
