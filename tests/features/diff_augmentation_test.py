"""DiffAugment: its amounts, its randomness, and that it is differentiable."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.features import diff_augment
from tfgan_lite.runs import Run, random_key

POLICIES = ["color", "translation", "cutout", "flip", "color,translation,cutout"]
every_policy = pytest.mark.parametrize("policy", POLICIES)


def images(count=200, size=8, channels=3):
    values = np.random.default_rng(0).uniform(-1, 1, [count, size, size, channels])
    return tf.constant(values, tf.float32)


def same(one, other):
    return np.all(np.equal(one, other), axis=(1, 2, 3))


# What it does


def test_color_changes_brightness_saturation_and_contrast_by_the_papers_amounts():
    before = images(2000).numpy().astype(np.float64)
    after = diff_augment(images(2000), "color", seed=1).numpy().astype(np.float64)
    # Brightness moves the image's mean, which the other two keep.
    shift = (after - before).mean(axis=(1, 2, 3))
    # Contrast scales greys about it; saturation scales, before it, colours about the grey.
    grey_before, grey_after = before.mean(axis=3), after.mean(axis=3)
    contrast = grey_after.std(axis=(1, 2)) / grey_before.std(axis=(1, 2))
    colour = [(x - x.mean(axis=3, keepdims=True)).std(axis=(1, 2, 3)) for x in (before, after)]
    saturation = colour[1] / colour[0] / contrast
    for amount, low, high in [(shift, -0.5, 0.5), (contrast, 0.5, 1.5), (saturation, 0.0, 2.0)]:
        width = high - low
        assert low - 1e-5 <= amount.min() < low + 0.01 * width
        assert high - 0.01 * width < amount.max() <= high + 1e-5
        assert abs(amount.mean() - (low + high) / 2) < 0.02 * width


def test_translation_is_up_to_an_eighth_of_the_size_in_whole_pixels_each_as_likely():
    dot = np.zeros([9000, 16, 8, 1], np.float32)
    dot[:, 8, 4] = 1.0
    moved = np.argwhere(diff_augment(dot, "translation", seed=2).numpy()[..., 0])
    assert len(moved) == len(dot)  # Nothing leaves the image.
    places, counts = np.unique(moved[:, 1:], axis=0, return_counts=True)
    expected = [[r, c] for r in range(6, 11) for c in range(3, 6)]
    np.testing.assert_array_equal(places, expected)
    assert np.abs(counts - 600).max() < 5 * np.sqrt(600)


def test_cutout_zeroes_at_most_a_square_of_half_the_size():
    ones = tf.ones([2000, 8, 8, 1])
    cut = 1.0 - diff_augment(ones, "cutout", seed=3).numpy()[..., 0]
    heights, widths = cut.max(axis=2).sum(axis=1), cut.max(axis=1).sum(axis=1)
    np.testing.assert_array_equal(cut.sum(axis=(1, 2)), heights * widths)
    # The middle is at one of 9 places: 2, 3, then five times 4, 3 and 2 rows are cut.
    sizes, counts = np.unique(heights, return_counts=True)
    np.testing.assert_array_equal(sizes, [2, 3, 4])
    np.testing.assert_allclose(counts / 2000, [2 / 9, 2 / 9, 5 / 9], atol=0.05)


def test_flip_exchanges_left_and_right_in_half_of_the_images():
    before = images(2000)
    after = diff_augment(before, "flip", seed=4)
    kept, flipped = same(after, before), same(after, before[:, :, ::-1])
    assert np.all(kept ^ flipped)
    assert abs(kept.mean() - 0.5) < 0.05


def test_an_empty_policy_changes_nothing():
    np.testing.assert_array_equal(diff_augment(images(), ""), images())


def test_leaving_a_part_of_the_policy_out_changes_no_other():
    both = diff_augment(images(), "translation, flip", seed=5)
    one_by_one = diff_augment(diff_augment(images(), "translation", seed=5), "flip", seed=5)
    np.testing.assert_array_equal(both, one_by_one)


# Randomness


@every_policy
def test_a_seed_repeats_and_another_does_not(policy):
    first = diff_augment(images(), policy, seed=6)
    np.testing.assert_array_equal(diff_augment(images(), policy, seed=[0, 6]), first)
    assert not same(diff_augment(images(), policy, seed=7), first).all()


@every_policy
def test_images_of_a_batch_are_augmented_differently(policy):
    one = tf.repeat(images(1), 64, axis=0)
    augmented = diff_augment(one, policy, seed=8).numpy()
    assert len(np.unique(augmented.reshape([64, -1]), axis=0)) > 1


def test_each_call_of_a_run_draws_anew_and_the_same_run_the_same():
    def two_calls(round_number):
        with Run(key=random_key(round_number, 0)):
            return diff_augment(images()), diff_augment(images())

    first, second = two_calls(0)
    assert not same(first, second).any()
    np.testing.assert_array_equal(two_calls(0)[1], second)
    assert not same(two_calls(1)[0], first).any()


def test_outside_a_run_each_call_draws_anew():
    assert not same(diff_augment(images()), diff_augment(images())).any()


# TensorFlow


@pytest.mark.slow
@every_policy
def test_gradient_is_that_of_finite_differences(policy):
    x = images(2, size=4)
    theirs, numeric = tf.test.compute_gradient(
        lambda y: diff_augment(y, policy, seed=9), [x], delta=1 / 64
    )
    np.testing.assert_allclose(theirs[0], numeric[0], atol=1e-4)


@every_policy
def test_xla_and_unknown_sizes_draw_the_same(policy):
    expected = diff_augment(images(4), policy, seed=10)

    def augment(x):
        return diff_augment(x, policy, seed=10)

    compiled = tf.function(augment, jit_compile=True)(images(4))
    unknown = tf.function(augment, input_signature=[tf.TensorSpec([None, None, None, 3])])
    np.testing.assert_allclose(compiled, expected, atol=1e-6)
    np.testing.assert_allclose(unknown(images(4)), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_dtype_stays_and_the_arithmetic_is_float32(dtype):
    x = tf.cast(images(4, size=32), dtype)
    augmented = diff_augment(x, seed=11)
    assert augmented.dtype == dtype
    expected = tf.cast(diff_augment(tf.cast(x, tf.float32), seed=11), dtype)
    np.testing.assert_array_equal(augmented, expected)


def test_bad_input_is_told():
    with pytest.raises(ValueError, match=r"policy has \['colour'\]; it may have color, translati"):
        diff_augment(images(), "colour,flip")
    with pytest.raises(ValueError, match=r"images must have the shape \[B, H, W, C\], got \(8, 8"):
        diff_augment(images()[0])
    with pytest.raises(ValueError, match=r"images must be floating .* got uint8"):
        diff_augment(tf.zeros([1, 4, 4, 3], tf.uint8))
    with pytest.raises(ValueError, match="images must be one tensor"):
        diff_augment({"images": images()})
