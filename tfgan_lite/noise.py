"""The noise that most generators start from, without the import of a library of distributions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

__all__ = ["StandardNormal", "normal"]


@dataclasses.dataclass(frozen=True)
class StandardNormal:
    """Independent numbers of mean 0 and standard deviation 1, sampled as TFP's distributions are.

    Attributes:
      event_shape: of one example.
      dtype: a floating dtype.
    """

    event_shape: tf.TensorShape
    dtype: tf.DType = tf.float32

    def sample(self, num_examples: Any, seed: Any = None) -> tf.Tensor:
        """Numbers of shape [num_examples, *event_shape].

        Args:
          num_examples: how many, an integer or an integer scalar.
          seed: a stateless seed, int32 [2]; without one, other numbers in every call.
        """
        shape = [num_examples, *self.event_shape]
        if seed is None:
            return tf.random.normal(shape, dtype=self.dtype)
        return tf.random.stateless_normal(shape, seed, dtype=self.dtype)


def normal(shape: int | Sequence[int], dtype: tf.DType = tf.float32) -> StandardNormal:
    """Standard normal noise, for a model's `generator_inputs`.

    Draws as `tfp.distributions.Normal(tf.zeros(shape), 1.0)` would, other numbers but as exactly
    resumable, and starts a second sooner, since TensorFlow Probability is not imported.

    Args:
      shape: of one example's noise, such as [64]; a number is the size of a vector.
      dtype: a floating dtype.

    Raises:
      ValueError: a dimension that is not a positive integer.
      TypeError: a dtype that is not floating.

    Example:
      >>> tfgan.normal([64]).sample(3).shape.as_list()
      [3, 64]
    """
    shape = tf.TensorShape(shape)
    if not shape.is_fully_defined() or 0 in shape:
        raise ValueError(f"shape must be that of one example's noise, such as [64], got {shape}.")
    dtype = tf.as_dtype(dtype)
    if not dtype.is_floating:
        raise TypeError(f"dtype must be floating, got {dtype.name}.")
    return StandardNormal(shape, dtype)
