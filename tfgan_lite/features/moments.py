"""Mean and variance as normalisation needs them."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

__all__ = ["moments", "wide_dtype"]


def wide_dtype(dtype: tf.DType) -> tf.DType:
    """What to compute in, and to keep variables in: float32 for the 16-bit dtypes, or itself."""
    return tf.float32 if dtype in (tf.float16, tf.bfloat16) else dtype


@tf.autograph.experimental.do_not_convert
def moments(
    inputs: tf.Tensor, axes: Sequence[int], keepdims: bool = False
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and population variance, exact also where the mean is much larger than the deviation.

    In float32 a sum of many large numbers loses digits: the mean of 4,096 numbers near 10,000 is
    off by 0.01. So both moments are taken about that first mean, and corrected for what it is off
    (Chan, Golub and LeVeque, Algorithms for Computing the Sample Variance, 1983).

    Args:
      inputs: a tensor of float32 or float64.
      axes: the axes to reduce.
      keepdims: whether to keep them, of size 1.

    Returns:
      The mean and the variance, which is >= 0.
    """
    # Neither moment depends on what it is taken about, so nor do the gradients, of any order.
    about = tf.stop_gradient(tf.reduce_mean(inputs, axes, keepdims=True))
    distance = inputs - about
    off = tf.reduce_mean(distance, axes, keepdims=True)
    square = tf.reduce_mean(tf.square(distance), axes, keepdims=True)
    mean, variance = about + off, tf.maximum(square - tf.square(off), 0.0)
    if keepdims:
        return mean, variance
    return tf.squeeze(mean, axes), tf.squeeze(variance, axes)
