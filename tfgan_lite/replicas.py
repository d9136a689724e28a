"""The strategies of `tf.distribute`: which are supported, and means over their replicas."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["check_supported", "is_distributed", "mean_over_replicas"]


def is_distributed(strategy: tf.distribute.Strategy) -> bool:
    """Whether somebody chose the strategy: then a replica, even the only one, has a context."""
    return type(strategy).__name__ != "_DefaultDistributionStrategy"


def check_supported(strategy: tf.distribute.Strategy) -> None:
    """Raises ValueError for a strategy under which rounds of updates make no sense."""
    kinds = ("OneDevice", "Mirrored", "MultiWorkerMirrored", "TPU")
    supported = tuple(getattr(tf.distribute, f"{kind}Strategy") for kind in kinds)
    if is_distributed(strategy) and not isinstance(strategy, supported):
        raise ValueError(
            f"{type(strategy).__name__} is not supported: a round is a sequence of updates, which a"
            " strategy with parameter servers hands out in no order. Use MirroredStrategy or"
            " MultiWorkerMirroredStrategy, or parameter servers in a tf.Graph, with gan_train's"
            " master and is_chief."
        )


def mean_over_replicas(value: tf.Tensor) -> tf.Tensor:
    """The mean of all replicas' values; outside a replica the value itself."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)
