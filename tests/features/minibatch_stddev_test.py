"""Minibatch standard deviation against float64 NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.features import MinibatchStdDev


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, size=shape)


def in_numpy(inputs, groups, num_channels=1):
    """The new channels, example by example; `groups` says which examples are together."""
    result = np.zeros([*inputs.shape[:-1], num_channels])
    for group in groups:
        deviation = np.sqrt(inputs[group].var(0) + 1e-8)
        for channel, part in enumerate(np.split(deviation, num_channels, axis=-1)):
            result[group, ..., channel] = part.mean()
    return result


def strided(batch, size):
    return [list(range(first, batch, batch // size)) for first in range(batch // size)]


@pytest.mark.parametrize("shape", [(8, 6), (8, 5, 6), (8, 3, 5, 6)])
@pytest.mark.parametrize("num_channels", [1, 2, 3])
def test_groups_average_deviation_becomes_a_channel(shape, num_channels):
    inputs = data(*shape)
    outputs = MinibatchStdDev(4, num_channels, dtype="float64")(inputs)
    np.testing.assert_array_equal(outputs[..., :6], inputs)
    expected = in_numpy(inputs, strided(8, 4), num_channels)
    np.testing.assert_allclose(outputs[..., 6:], expected, rtol=1e-9)


def test_hand_made_example():
    """Examples 0 and 2 differ by 2 and 6 from their mean, on average by 4; 1 and 3 are equal."""
    inputs = np.array([[0.0, 0.0], [5.0, 5.0], [4.0, 12.0], [5.0, 5.0]])
    outputs = MinibatchStdDev(group_size=2, dtype="float64")(inputs)
    np.testing.assert_allclose(outputs[:, 2], [4.0, 1e-4, 4.0, 1e-4])


@pytest.mark.parametrize(
    ("batch", "group_size", "size"),
    [
        (8, 4, 4),
        (8, None, 8),
        (6, 4, 3),
        (3, 4, 3),
        (2, 4, 2),
        (10, 4, 2),
        (7, 4, 7),  # A prime number of examples has no groups.
        (1, 4, 1),
        (9, 8, 3),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_group_size_that_does_not_divide_the_batch_is_reduced(batch, group_size, size, known):
    layer, inputs = MinibatchStdDev(group_size, dtype="float64"), data(batch, 3)
    spec = tf.TensorSpec([batch if known else None, 3], tf.float64)
    outputs = tf.function(layer, input_signature=[spec])(inputs)
    expected = in_numpy(inputs, strided(batch, size))
    np.testing.assert_allclose(outputs[..., 3:], expected, rtol=1e-9)


def test_empty_batch_of_unknown_size_stays_empty():
    layer = MinibatchStdDev()
    call = tf.function(layer, input_signature=[tf.TensorSpec([None, 3])])
    assert call(tf.zeros([0, 3])).shape == [0, 4]


@pytest.mark.parametrize("jit", [False, True])
def test_value_and_gradient_of_equal_examples_are_finite(jit):
    layer = MinibatchStdDev()

    @tf.function(jit_compile=jit)
    def value_and_gradient(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = tf.reduce_sum(layer(inputs)[..., 3])
        return value, tape.gradient(value, inputs)

    value, gradient = value_and_gradient(tf.ones([4, 3]))
    np.testing.assert_allclose(value, 4e-4)
    np.testing.assert_array_equal(gradient, np.zeros([4, 3]))


def test_gradient_is_that_of_finite_differences():
    inputs, step = data(4, 2, 2), 1e-6
    layer = MinibatchStdDev(2, dtype="float64")
    values = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = tf.reduce_sum(layer(values)[:2, ..., 2])
    expected = np.zeros_like(inputs)
    for index in np.ndindex(inputs.shape):
        nudge = np.zeros_like(inputs)
        nudge[index] = step
        above, below = (
            in_numpy(inputs + sign * nudge, strided(4, 2))[:2].sum() for sign in (1, -1)
        )
        expected[index] = (above - below) / (2 * step)
    np.testing.assert_allclose(tape.gradient(outputs, values), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_numbers_are_squared_in_float32(dtype):
    """The square of 1,000 is no float16."""
    inputs = tf.cast([[0.0], [2000.0]], dtype)
    outputs = MinibatchStdDev(dtype=f"mixed_{dtype}")(inputs)
    assert outputs.dtype == dtype
    np.testing.assert_array_equal(tf.cast(outputs[:, 1], tf.float32), [1000.0, 1000.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group_size": 1}, "group_size must be an integer of at least 2, got 1"),
        ({"group_size": 2.5}, "group_size must be an integer of at least 2, got 2.5"),
        ({"num_channels": 0}, "num_channels must be a positive integer"),
    ],
)
def test_bad_argument_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        MinibatchStdDev(**arguments)


@pytest.mark.parametrize(
    ("shape", "num_channels", "message"),
    [
        ([4], 1, r"inputs must have a shape \[B, ..., C\]"),
        ([4, None], 1, r"inputs must have a shape \[B, ..., C\]"),
        ([4, 5], 2, "num_channels must divide the 5 channels .*; 2 does not"),
    ],
)
def test_unfit_shape_is_an_error(shape, num_channels, message):
    with pytest.raises(ValueError, match=message):
        MinibatchStdDev(num_channels=num_channels).build(shape)
