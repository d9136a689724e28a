"""Loss scales, which keep float16's small gradients from becoming zero.

Keras has them: an optimizer with a `loss_scale_factor`, or inside a `LossScaleOptimizer`, whose
scale moves and which leaves an update out where a gradient is not finite. Here is what Keras 3 and
tf_keras do not share: the one applies scaled gradients, the other unscaled ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

__all__ = [
    "gradients_to_apply",
    "has_scale",
    "moves",
    "scale_of",
    "scaled_loss",
    "scaling_state",
    "unscaled",
    "wrapped",
]

Gradient = tf.Tensor | tf.IndexedSlices


def has_scale(optimizer: Any) -> bool:
    """Whether the loss has to be scaled for this optimizer."""
    return moves(optimizer) or getattr(optimizer, "loss_scale_factor", None) is not None


def moves(optimizer: Any) -> bool:
    """Whether the scale adapts: an overflow halves it, and the update is left out."""
    dynamic = getattr(optimizer, "dynamic", True)  # tf_keras's may be fixed.
    return wrapped(optimizer) is not optimizer and dynamic


def wrapped(optimizer: Any) -> Any:
    """The optimizer inside a LossScaleOptimizer; any other is itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def scale_of(optimizer: Any) -> tf.Tensor:
    """The scale as it is, a float32 scalar."""
    if _is_tf_keras(optimizer):
        return optimizer.loss_scale
    return tf.convert_to_tensor(optimizer.scale_loss(tf.constant(1.0)))


def scaled_loss(optimizer: Any, loss: tf.Tensor) -> tf.Tensor:
    """The loss times the scale, float32; without a scale the loss itself."""
    if not has_scale(optimizer) and not _is_tf_keras(optimizer):
        return loss
    loss = tf.cast(loss, tf.float32)
    if _is_tf_keras(optimizer):  # It warns where its own functions are not used.
        return optimizer.get_scaled_loss(loss)
    return tf.convert_to_tensor(optimizer.scale_loss(loss))


def unscaled(optimizer: Any, gradients: Sequence[Gradient]) -> list[Gradient]:
    """The gradients of the loss itself, of those of the scaled loss."""
    if _is_tf_keras(optimizer):
        return optimizer.get_unscaled_gradients(gradients)
    if not has_scale(optimizer):
        return list(gradients)
    return [_times(g, 1.0 / scale_of(optimizer)) for g in gradients]


def gradients_to_apply(
    optimizer: Any, gradients: Sequence[Gradient], raw_checksum: tf.Tensor
) -> list[Gradient]:
    """What the optimizer's `apply_gradients` takes.

    Args:
      optimizer: one that has a scale.
      gradients: unscaled ones, which may have been clipped since.
      raw_checksum: a number that is finite if the gradients were before that, on all replicas.
        Where it is not, none of these is: clipping hides an overflow, and Keras 3 asks one replica
        only.
    """
    factor = tf.ones([]) if _is_tf_keras(optimizer) else scale_of(optimizer)
    if moves(optimizer):
        factor = tf.where(tf.math.is_finite(raw_checksum), factor, float("nan"))
    return [_times(g, factor) for g in gradients]


def scaling_state(optimizer: Any) -> list[tf.Variable]:
    """What changes with the scale and is not among the optimizer's `variables`."""
    if not (_is_tf_keras(optimizer) and optimizer.dynamic):
        return []
    state = optimizer._loss_scale
    return [state.current_loss_scale, state.counter]


def _is_tf_keras(optimizer: Any) -> bool:
    """Whether it is a LossScaleOptimizer of tf_keras."""
    return hasattr(optimizer, "get_unscaled_gradients")


def _times(gradient: Gradient, factor: tf.Tensor) -> Gradient:
    if isinstance(gradient, tf.IndexedSlices):
        values = gradient.values * tf.cast(factor, gradient.values.dtype)
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return gradient * tf.cast(factor, gradient.dtype)
