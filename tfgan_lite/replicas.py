"""Variables that a `tf.distribute` strategy keeps on several replicas."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import tensorflow as tf

__all__ = ["whole_variables"]


def whole_variables(variables: Sequence[tf.Variable]) -> list[tf.Variable]:
    """Each variable, or the distributed variable of which it is one replica's.

    A traced function knows what it reads by the first replica's variables, while optimizers and
    checkpoints need the whole ones, to which TensorFlow keeps no way back.

    Args:
      variables: variables that a traced function reads.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return list(variables)
    wholes = {}
    for thing in gc.get_objects():
        # By type: asking `isinstance` of a proxy would run its code.
        if issubclass(type(thing), tf.distribute.DistributedValues) and isinstance(
            thing, tf.Variable
        ):
            wholes.update((id(part), thing) for part in thing.values)
    return [wholes.get(id(variable), variable) for variable in variables]
