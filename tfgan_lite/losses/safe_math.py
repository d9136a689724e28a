"""Roots and norms that are finite at zero, in value and in gradient."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfgan_lite.losses.reduction import as_written


@as_written
def safe_sqrt(squares: tf.Tensor) -> tf.Tensor:
    """The square root of numbers >= 0, whose gradient at 0 is taken as 0."""
    # The root's derivative is infinite at zero. The inner `where` keeps that infinity out of the
    # gradient, where zero times it would be nan. Not `squares > 0`, which would hide a nan.
    zero = tf.equal(squares, 0.0)
    return tf.where(zero, 0.0, tf.sqrt(tf.where(zero, 1.0, squares)))


@as_written
def numerically_stable_global_norm(
    tensor_list: Sequence[tf.Tensor | tf.IndexedSlices | None],
) -> tf.Tensor:
    """The Euclidean norm of all numbers in some tensors, with no overflow on the way.

    Args:
      tensor_list: Floating tensors, of which None, a missing gradient, counts as zero.

    Returns:
      A float32 scalar; 0, with a gradient of 0, where all numbers are 0 or all tensors None.

    Example:
      >>> norm = tfgan.losses.wargs.numerically_stable_global_norm
      >>> round(float(norm([tf.constant(3e30), tf.constant(4e30)])) / 1e30, 3)
      5.0
    """
    tensors = [tf.cast(tf.convert_to_tensor(t), tf.float32) for t in tensor_list if t is not None]
    tensors = [tensor for tensor in tensors if tensor.shape.num_elements() != 0]
    if not tensors:
        return tf.constant(0.0)
    largest = tf.reduce_max([tf.reduce_max(tf.abs(tensor)) for tensor in tensors])
    # The norm does not depend on the scale, and so neither does its gradient.
    scale = tf.stop_gradient(tf.where(tf.equal(largest, 0.0), 1.0, largest))
    squares = tf.add_n([tf.reduce_sum(tf.square(tensor / scale)) for tensor in tensors])
    return scale * safe_sqrt(squares)
