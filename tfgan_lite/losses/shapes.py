"""Shapes that must be equal, whether they are known before a program runs or not.

TensorFlow would broadcast a batch of one against any other batch, without an error.
"""

from __future__ import annotations

import tensorflow as tf

from tfgan_lite.losses.reduction import as_written


@as_written
def of_equal_shape(
    first: tf.Tensor, second: tf.Tensor, first_name: str, second_name: str
) -> tuple[tf.Tensor, tf.Tensor]:
    """Gives both tensors back, the second behind a check where shapes are not known yet.

    Args:
      first: A tensor of a known rank.
      second: Another.
      first_name: What the caller calls it, for the message.
      second_name: The same for the second.

    Raises:
      ValueError: If the shapes differ, or a rank is unknown.
      tf.errors.InvalidArgumentError: If shapes that were unknown differ when the program runs.
    """
    if first.shape.rank is None or second.shape.rank is None:
        raise ValueError(
            f"The ranks of {first_name} {first.shape} and {second_name} {second.shape} must be"
            " known. Use tf.ensure_shape."
        )
    if not first.shape.is_compatible_with(second.shape):
        raise ValueError(
            f"{first_name} has shape {first.shape} and {second_name} {second.shape}: they must be"
            " equal."
        )
    if first.shape.is_fully_defined() and second.shape.is_fully_defined():
        return first, second
    message = f"The shapes of {first_name} and {second_name} differ."
    return first, with_shape(second, tf.shape(first), message)


@as_written
def with_shape(tensor: tf.Tensor, shape: tf.Tensor, message: str) -> tf.Tensor:
    """Gives the tensor back after asserting its shape at run time."""
    assertion = tf.debugging.assert_equal(tf.shape(tensor), shape, message)
    with tf.control_dependencies([] if assertion is None else [assertion]):
        # XLA drops the assertion; it keeps the reshape, which fails where the sizes differ.
        return tf.reshape(tensor, shape)
