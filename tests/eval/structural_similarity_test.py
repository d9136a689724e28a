"""MS-SSIM against TensorFlow's own, and what it has to be."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.eval import structural_similarity as similarity


def images(*shape, seed=0):
    """Smooth noise, so that scales differ."""
    noise = np.random.default_rng(seed).uniform(size=shape)
    return noise if min(shape[1:3]) < 20 else (noise + noise[:, ::-1, ::-1]) / 2


def of_tensorflow(first, second, span, powers):
    return tf.image.ssim_multiscale(
        tf.constant(first, tf.float32), tf.constant(second, tf.float32), span, powers
    ).numpy()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_five_scales_are_those_of_tensorflow(channels):
    first = images(2, 181, 176, channels)
    second = 0.7 * first + 0.3 * images(2, 181, 176, channels, seed=1)
    expected = of_tensorflow(first, second, 1.0, similarity.POWERS)
    found = similarity.ms_ssim(first, second, (0.0, 1.0), similarity.POWERS)
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_small_images_have_as_many_scales_as_fit():
    """28 and 14 pixels hold the filter's 11, and 7 do not."""
    assert [similarity.num_scales((s, 999)) for s in (11, 21, 28, 41, 81, 176, 500)] == [
        1, 2, 2, 3, 4, 5, 5,
    ]  # fmt: skip
    first, second = images(3, 28, 28, 1), images(3, 28, 28, 1, seed=1)
    powers = np.array([0.0448, 0.2856]) / (0.0448 + 0.2856)
    expected = of_tensorflow(first, second, 1.0, tuple(powers))
    found = similarity.ms_ssim(first, second, (0.0, 1.0))
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_equal_images_are_one_and_the_measure_is_symmetric():
    first, second = images(2, 40, 40, 3), images(2, 40, 40, 3, seed=1)
    np.testing.assert_allclose(similarity.ms_ssim(first, first, (0.0, 1.0)), 1.0, rtol=1e-12)
    np.testing.assert_allclose(
        similarity.ms_ssim(first, second, (0.0, 1.0)), similarity.ms_ssim(second, first, (0.0, 1.0))
    )


def test_the_range_is_a_matter_of_scale():
    first, second = images(2, 40, 40, 1), images(2, 40, 40, 1, seed=1)
    expected = similarity.ms_ssim(first, second, (0.0, 1.0))
    for low, high in ((-1.0, 1.0), (0.0, 255.0)):
        scaled = [low + (high - low) * x for x in (first, second)]
        found = similarity.ms_ssim(*scaled, value_range=(low, high))
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_flat_images_have_a_closed_form():
    """Contrast and structure are equal there; luminance is (2 a b + c) / (a^2 + b^2 + c)."""
    a, b, c = 0.25, 0.75, 0.01**2
    first, second = np.full([1, 11, 11, 2], a), np.full([1, 11, 11, 2], b)
    expected = (2 * a * b + c) / (a**2 + b**2 + c)
    assert similarity.ms_ssim(first, second, (0.0, 1.0))[0] == pytest.approx(expected)


def test_opposite_images_are_zero_and_not_a_root_of_a_negative_number():
    first = images(1, 50, 50, 1)
    assert similarity.ms_ssim(first, 1.0 - first, (0.0, 1.0))[0] == 0.0


def test_pairs_are_of_different_samples_and_each_sample_is_in_one():
    pairs = similarity.diversity_pairs(20, 100, seed=0)
    assert sorted(pairs.ravel()) == list(range(20))
    assert (similarity.diversity_pairs(20, 3, seed=0) != similarity.diversity_pairs(20, 3, 1)).any()
    assert len(similarity.diversity_pairs(20, 3, seed=0)) == 3


@pytest.mark.parametrize(
    ("first", "options", "message"),
    [
        (np.zeros([1, 10, 40, 1]), {}, "at least 11 x 11 pixels"),
        (np.zeros([1, 28, 28]), {}, "first must be images"),
        (np.full([1, 28, 28, 1], 2.0), {}, "first must be within value_range"),
        (np.full([1, 28, 28, 1], np.nan), {}, "first must be within value_range"),
        (np.zeros([1, 28, 28, 1]), {"powers": (0.3, 0.3, 0.4)}, "from 1 to 2"),
        (np.zeros([1, 28, 28, 1]), {"powers": ()}, "powers has 0 scales"),
        (np.zeros([1, 28, 28, 1]), {"value_range": (1.0, 1.0)}, "low < high"),
        (np.zeros([2, 28, 28, 1]), {"second": np.zeros([1, 28, 28, 1])}, "same shape"),
    ],
)
def test_bad_input_is_named(first, options, message):
    with pytest.raises(ValueError, match=message):
        similarity.ms_ssim(first, **{"second": first, **options})


def test_one_sample_is_no_pair():
    with pytest.raises(ValueError, match="No pair to compare"):
        similarity.diversity_pairs(1, 10, seed=0)
