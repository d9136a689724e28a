"""The `tf.Variable`s behind what Keras and `tf.distribute` make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

__all__ = ["unwrapped", "whole_variables"]


def unwrapped(variable: Any) -> tf.Variable:
    """The tf.Variable inside a Keras 3 variable, or inside tf_keras's that casts itself.

    Any other is itself.
    """
    value = getattr(variable, "value", None)
    variable = variable if value is None or callable(value) else value
    casts_itself = hasattr(variable, "_cast_dtype") and isinstance(variable, tf.Variable)
    return variable._variable if casts_itself else variable


def whole_variables(variables: Sequence[tf.Variable]) -> list[tf.Variable]:
    """Each variable, or the distributed variable of which it is one replica's, once.

    A traced function knows what it reads by the first replica's variables, while optimizers and
    checkpoints need the whole ones.

    Args:
      variables: variables that a traced function reads.
    """
    wholes = [tf.distribute.get_strategy().extended.value_container(v) for v in variables]
    return list({id(v): v for v in wholes}.values())
