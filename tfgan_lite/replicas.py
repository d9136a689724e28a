"""Variables that a `tf.distribute` strategy keeps on several replicas."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import tensorflow as tf

__all__ = ["is_distributed", "mean_over_replicas", "whole_variables"]


def whole_variables(variables: Sequence[tf.Variable]) -> list[tf.Variable]:
    """Each variable, or the distributed variable of which it is one replica's.

    A traced function knows what it reads by the first replica's variables, while optimizers and
    checkpoints need the whole ones, to which TensorFlow keeps no way back.

    Args:
      variables: variables that a traced function reads.
    """
    if not is_distributed(tf.distribute.get_strategy()):
        return list(variables)
    wholes = {}
    for thing in gc.get_objects():
        # By type: asking `isinstance` of a proxy would run its code.
        if issubclass(type(thing), tf.distribute.DistributedValues) and isinstance(
            thing, tf.Variable
        ):
            wholes.update((id(part), thing) for part in thing.values)
    return [wholes.get(id(variable), variable) for variable in variables]


def is_distributed(strategy: tf.distribute.Strategy) -> bool:
    """Whether somebody chose the strategy: then a replica, even the only one, has a context."""
    return type(strategy).__name__ != "_DefaultDistributionStrategy"


def mean_over_replicas(value: tf.Tensor) -> tf.Tensor:
    """The mean of all replicas' values; outside a replica the value itself."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)
