"""Two replicas have the moments of the whole batch."""

import numpy as np
import pytest
import tensorflow as tf

from tests.tpu.replicas import SIZES, batch, loss_in_numpy, outcomes, parts
from tfgan_lite import tpu

both_ways = pytest.mark.parametrize("way", ["parallel", "in turn"])


def moments_in_numpy(whole):
    return whole.mean((0, 1)), whole.var((0, 1))


def assert_moments(of_replicas, expected, **tolerance):
    for found, numbers in zip(of_replicas, expected, strict=True):
        np.testing.assert_allclose(found, numbers, **tolerance)


@pytest.mark.slow
@both_ways
@pytest.mark.parametrize("sizes", SIZES)
def test_moments_are_those_of_the_whole_batch(way, sizes):
    """Replicas with batches of different sizes have shares in proportion, an empty one none."""
    expected = [moments_in_numpy(batch())] * 2
    assert_moments(outcomes()[f"moments, {way}, {sizes}"], expected, rtol=1e-5)


@both_ways
def test_group_size_is_honoured_for_mean_and_variance(way):
    """TF-GAN's mean was of all replicas, and the variance reduced twice (fault B51)."""
    whole, each = moments_in_numpy(batch()), [moments_in_numpy(part) for part in parts(batch())]
    assert_moments(outcomes()[f"moments, {way}, groups of one"], each, rtol=1e-5)
    assert_moments(outcomes()[f"moments, {way}, groups of two"], [whole] * 2, rtol=1e-5)


@both_ways
def test_variance_is_exact_where_the_mean_is_much_larger_than_the_deviation(way):
    """1e4 +- 0.03, in float32: one pass would find it to be anything (fault B47)."""
    expected = [moments_in_numpy(batch(large_mean=True))] * 2
    for found, (mean, variance) in zip(outcomes()[f"moments, {way}, large mean"], expected):
        np.testing.assert_allclose(found[0], mean, rtol=1e-7)
        np.testing.assert_allclose(found[1], variance, rtol=0.05)


@both_ways
def test_gradient_is_that_of_finite_differences(way):
    """Each of the two replicas adds the loss of the whole batch."""
    whole, step = batch(), 1e-6
    expected = np.zeros_like(whole)
    for index in np.ndindex(whole.shape):
        nudge = np.zeros_like(whole)
        nudge[index] = step
        difference = loss_in_numpy(whole + nudge) - loss_in_numpy(whole - nudge)
        expected[index] = 2 * difference / (2 * step)
    found = np.concatenate(outcomes()[f"gradients, {way}"])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_mean_is_over_replicas_element_by_element():
    first, second = parts(batch())
    found = outcomes()["mean"]
    np.testing.assert_allclose(found, [(first + second) / 2] * 2, rtol=1e-5)
    np.testing.assert_allclose(outcomes()["mean, groups of one"], [first, second], rtol=1e-5)


def test_nan_stays_in_its_group():
    found = outcomes()["mean, groups of one, NaN"]
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], parts(batch())[1], rtol=1e-6)


@pytest.mark.parametrize("size", [0, 3])
def test_group_size_that_does_not_divide_the_replicas_is_an_error(size):
    message = f"group_size must divide the number of replicas, which is 2; {size} does not."
    assert outcomes()[f"error, {size}"] == message


# Without a strategy


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("axis", [0, -1, (0, 1), [0, -1]])
@pytest.mark.parametrize("jit", [False, True])
def test_one_replica_has_its_own_moments(parallel, axis, jit):
    call = tf.function(lambda x: tpu.cross_replica_moments(x, axis, parallel), jit_compile=jit)
    axes = tuple(axis) if isinstance(axis, list) else axis
    expected = batch().mean(axes), batch().var(axes)
    assert_moments(call(tf.constant(batch(), tf.float32)), expected, rtol=1e-5)


def test_one_replica_has_its_own_mean():
    np.testing.assert_array_equal(tpu.cross_replica_mean(tf.constant([1.0, 2.0]), 1), [1.0, 2.0])


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_moments_of_16_bit_inputs_are_float32(dtype):
    """The variance, a million, is no float16."""
    mean, variance = tpu.cross_replica_moments(tf.cast([0.0, 2000.0], dtype), 0)
    assert (mean.dtype, variance.dtype) == (tf.float32, tf.float32)
    np.testing.assert_allclose([mean, variance], [1e3, 1e6])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axis": 3}, "axis 3 is out of range"),
        ({"axis": [0, -4]}, r"axis \[0, -4\] is out of range"),
        ({"axis": 0, "group_size": 2}, "number of replicas, which is 1; 2 does not"),
    ],
)
def test_bad_argument_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        tpu.cross_replica_moments(tf.ones([2, 3, 4]), **arguments)


def test_integers_are_an_error():
    with pytest.raises(ValueError, match="inputs must be floating, not int32"):
        tpu.cross_replica_moments(tf.ones([2], tf.int32), 0)
