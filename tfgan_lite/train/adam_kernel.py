"""Keras's Adam by TensorFlow's kernel of it.

Keras writes the update as a dozen operations, each of which goes through memory of the weights'
size: with millions of weights that is a quarter of a sub-step on a CPU. The kernel reads and writes
once, in place. Its formula is Keras's (Kingma and Ba, https://arxiv.org/abs/1412.6980), so that
weights differ by rounding alone.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfgan_lite.train.loss_scaling import wrapped
from tfgan_lite.variables import unwrapped

__all__ = ["adam_kernel", "has_adam_kernel"]


def has_adam_kernel(optimizer: Any) -> bool:
    """Whether it is a Keras 3 optimizer that updates as Adam does, AdamW among them."""
    optimizer = wrapped(optimizer)
    keras = sys.modules.get("keras")
    adam = getattr(getattr(keras, "optimizers", None), "Adam", None)
    return (
        adam is not None
        and isinstance(optimizer, adam)
        and type(optimizer).update_step is adam.update_step
        and not optimizer.amsgrad
    )


@contextlib.contextmanager
def adam_kernel(optimizer: Any) -> Iterator[None]:
    """Updates that the optimizer makes inside go through the kernel, where it has one.

    All that surrounds an update stays Keras's: clipping, weight decay, averages, constraints.

    Args:
      optimizer: any; of others than `has_adam_kernel` nothing changes.
    """
    if not has_adam_kernel(optimizer):
        yield
        return
    adam = wrapped(optimizer)
    vars(adam)["update_step"] = functools.partial(_update_step, adam)
    try:
        yield
    finally:
        # Replicas share the optimizer, so another may have removed it already.
        vars(adam).pop("update_step", None)


def _update_step(adam: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
    if isinstance(gradient, tf.IndexedSlices):  # Of rows; the kernel takes all.
        type(adam).update_step(adam, gradient, variable, learning_rate)
        return
    index = adam._get_variable_index(variable)
    variable = unwrapped(variable)
    number = functools.partial(tf.cast, dtype=variable.dtype)
    steps = number(adam.iterations + 1)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=unwrapped(adam._momentums[index]).handle,
        v=unwrapped(adam._velocities[index]).handle,
        beta1_power=tf.pow(number(adam.beta_1), steps),
        beta2_power=tf.pow(number(adam.beta_2), steps),
        lr=number(learning_rate),
        beta1=number(adam.beta_1),
        beta2=number(adam.beta_2),
        epsilon=number(adam.epsilon),
        grad=number(gradient),
    )
