"""Means and moments over the replicas of a tf.distribute strategy."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfgan_lite.features.moments import moments, wide_dtype
from tfgan_lite.integers import checked_integer

__all__ = ["cross_replica_mean", "cross_replica_moments", "has_replicas"]


@tf.autograph.experimental.do_not_convert
def cross_replica_mean(inputs: tf.Tensor, group_size: int | None = None) -> tf.Tensor:
    """The mean of a tensor over the replicas of a group.

    Args:
      inputs: a floating tensor, of one shape on all replicas.
      group_size: replicas per group of neighbours; divides their number. None for all of them.

    Returns:
      A tensor like `inputs`, the same on all replicas of a group. Where there is one replica, or
      outside of any, `inputs`.

    Raises:
      ValueError: `group_size` does not divide the number of replicas.

    Example:
      >>> float(tfgan.tpu.cross_replica_mean(tf.constant(3.0)))  # On the only replica there is.
      3.0
    """
    return tf.reduce_mean(_of_group(tf.convert_to_tensor(inputs), group_size), axis=0)


@tf.autograph.experimental.do_not_convert
def cross_replica_moments(
    inputs: tf.Tensor,
    axis: int | Sequence[int],
    parallel: bool = True,
    group_size: int | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance over axes of the inputs of all replicas of a group together.

    Replicas may have batches of different sizes: every element counts once. The variance is a mean
    of squared distances from the mean, hence never negative, and exact also where the mean is much
    larger than the deviation.

    Args:
      inputs: a floating tensor, on all replicas of one shape but for the axes in `axis`.
      axis: the axis or axes to reduce.
      parallel: whether the replicas exchange their means and variances in one message, or first
        their means and then, as they know the common mean, their squared distances from it.
      group_size: replicas per group of neighbours; divides their number. None for all of them.

    Returns:
      The mean and the (population) variance, without the reduced axes, of the dtype of `inputs`,
      or float32 for 16-bit inputs.

    Raises:
      ValueError: `inputs` are not floating, an axis is out of range, or `group_size` does not
        divide the number of replicas.

    Example:
      >>> mean, variance = tfgan.tpu.cross_replica_moments(tf.constant([[1.0], [5.0]]), axis=0)
      >>> float(mean[0]), float(variance[0])
      (3.0, 4.0)
    """
    inputs = tf.convert_to_tensor(inputs)
    if not inputs.dtype.is_floating:
        raise ValueError(f"inputs must be floating, not {inputs.dtype.name}.")
    axes = _axes(inputs, axis)
    inputs = tf.cast(inputs, wide_dtype(inputs.dtype))
    if not has_replicas():
        _check_group_size(group_size, 1)
        return moments(inputs, axes)

    count = tf.cast(tf.reduce_prod(tf.gather(tf.shape(inputs), axes)), inputs.dtype)
    shares = _of_group(count, group_size)  # [replicas of the group]
    shares /= tf.reduce_sum(shares)
    # An empty batch has no moments, and no share in the common ones.
    own = [tf.where(count > 0, value, 0.0) for value in moments(inputs, axes)]
    if parallel:
        means, variances = tf.unstack(_of_group(tf.stack(own), group_size), axis=1)
        mean = _weighted(shares, means)
        return mean, _weighted(shares, variances + tf.square(means - mean))
    mean = _weighted(shares, _of_group(own[0], group_size))
    distance = tf.square(own[0] - mean)
    return mean, _weighted(shares, _of_group(own[1] + distance, group_size))


def has_replicas() -> bool:
    """Whether the code runs on one of several replicas."""
    context = tf.distribute.get_replica_context()
    return context is not None and context.num_replicas_in_sync > 1


def _of_group(value: tf.Tensor, group_size: int | None) -> tf.Tensor:
    """The values of the replicas of this one's group, [replicas of the group, ...]."""
    if not has_replicas():
        _check_group_size(group_size, 1)
        return value[tf.newaxis]
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    _check_group_size(group_size, replicas)
    # Strategies reduce over all replicas, never over some. So each adds its value to zeros, at a
    # place of its own, and takes what it wants of the sum.
    replica = tf.cast(context.replica_id_in_sync_group, tf.int32)
    mine = tf.one_hot(replica, replicas, on_value=True, off_value=False, dtype=tf.bool)
    mine = tf.reshape(mine, [replicas] + [1] * value.shape.rank)
    # Not a product with 0 and 1: zero times NaN would spread it to other groups.
    placed = tf.where(mine, value, tf.zeros_like(value))
    values = context.all_reduce(tf.distribute.ReduceOp.SUM, placed)
    if group_size is None or group_size == replicas:
        return values
    first = replica // group_size * group_size
    others = value.shape.rank
    return tf.slice(values, [first] + [0] * others, [group_size] + [-1] * others)


def _check_group_size(group_size: int | None, replicas: int) -> None:
    if group_size is None:
        return
    size = checked_integer("group_size", group_size, least=None)
    if size < 1 or replicas % size:
        raise ValueError(
            f"group_size must divide the number of replicas, which is {replicas};"
            f" {group_size!r} does not."
        )


def _axes(inputs: tf.Tensor, axis: int | Sequence[int]) -> list[int]:
    rank = inputs.shape.rank
    given = [axis] if isinstance(axis, int) else list(axis)
    if rank is None or any(not -rank <= each < rank for each in given):
        raise ValueError(f"axis {axis} is out of range for inputs of shape {inputs.shape}.")
    return sorted({each % rank for each in given})


def _weighted(shares: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    return tf.tensordot(shares, values, 1)
