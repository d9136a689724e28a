"""Minibatch standard deviation, a Keras layer."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_lite.features.moments import wide_dtype
from tfgan_lite.integers import checked_integer

__all__ = ["MinibatchStdDev"]


@tf.keras.utils.register_keras_serializable(package="tfgan_lite")
class MinibatchStdDev(tf.keras.layers.Layer):
    """Tells a discriminator how much the examples of a batch differ.

    The batch is cut into groups. The standard deviation over a group, of each number of an example,
    is averaged over all numbers; the average becomes one more channel of the group's examples. A
    discriminator that sees it catches a generator whose images are all alike.

    Groups have `group_size` examples where that divides the batch, or else the largest divisor
    below. Where that is one, which tells nothing, the whole batch is one group. Example `i`
    belongs to group `i` modulo the number of groups.

    Paper: Karras et al., Progressive Growing of GANs, arXiv:1710.10196; groups as in its code.

    Args:
      group_size: examples per group, >= 2; or None for the whole batch.
      num_channels: into how many parts of equal size the channels are split, each of which has an
        average, and so a new channel, of its own.
      **kwargs: arguments of every Keras layer: `name`, `dtype`.

    When called: takes a floating tensor [B, ..., C] of rank >= 2, whose batch size need not be
    known; returns it with `num_channels` more channels. It computes in float32 at least.

    Example:
      >>> tfgan.features.MinibatchStdDev()(tf.zeros([4, 8, 8, 3])).shape.as_list()
      [4, 8, 8, 4]
    """

    def __init__(self, group_size: int | None = 4, num_channels: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        if group_size is not None:  # One example does not deviate.
            group_size = checked_integer("group_size", group_size, least=2)
        self.group_size = group_size
        self.num_channels = checked_integer("num_channels", num_channels)

    def build(self, input_shape: Any) -> None:
        shape = tf.TensorShape(input_shape)
        if shape.rank is None or shape.rank < 2 or shape[-1] is None:
            raise ValueError(
                f"inputs must have a shape [B, ..., C] with a known number of channels C, not"
                f" {shape}."
            )
        if shape[-1] % self.num_channels:
            raise ValueError(
                f"num_channels must divide the {shape[-1]} channels of inputs {shape};"
                f" {self.num_channels} does not."
            )
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        values = tf.cast(inputs, wide_dtype(inputs.dtype))
        shape = [tf.shape(inputs)[i] if n is None else n for i, n in enumerate(inputs.shape)]
        batch, *places, channels = shape
        size = self._examples_per_group(inputs.shape[0] or batch)
        parts = [self.num_channels, channels // self.num_channels]
        groups = tf.reshape(values, [size, batch // size, *places, *parts])
        variance = tf.math.reduce_variance(groups, axis=0)
        # The constant is the paper's; it also keeps the root's gradient finite.
        deviation = tf.sqrt(variance + 1e-8)
        averaged = [*range(1, 1 + len(places)), len(places) + 2]
        average = tf.reduce_mean(deviation, averaged, keepdims=True)
        average = tf.reshape(average, [batch // size, *[1] * len(places), self.num_channels])
        average = tf.tile(average, [size, *places, 1])
        outputs = tf.concat([inputs, tf.cast(average, inputs.dtype)], axis=-1)
        return tf.ensure_shape(outputs, self.compute_output_shape(inputs.shape))

    def _examples_per_group(self, batch: int | tf.Tensor) -> int | tf.Tensor:
        if self.group_size is None:
            return batch
        sizes = range(2, self.group_size + 1)
        if isinstance(batch, int):
            return max((size for size in sizes if batch % size == 0), default=batch)
        sizes = tf.range(2, self.group_size + 1)
        largest = tf.reduce_max(tf.where(batch % sizes == 0, sizes, 1))
        return tf.where(largest > 1, largest, batch)

    def compute_output_shape(self, input_shape: Any) -> Any:
        *others, channels = tuple(input_shape)
        return (*others, channels + self.num_channels)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "num_channels": self.num_channels,
        }
