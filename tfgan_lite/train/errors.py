"""Errors of training runs."""

from __future__ import annotations

__all__ = ["NanLossError"]


class NanLossError(RuntimeError):
    """A loss was NaN or infinite; the update that it belongs to was not applied.

    Example:
      >>> def diverging(model):
      ...     return tf.reduce_mean(model.discriminator_gen_outputs) * float("nan")
      >>> loss = tfgan.gan_loss(model, diverging)
      >>> sgd = tf.keras.optimizers.SGD
      >>> try:
      ...     tfgan.gan_train_ops(model, loss, sgd(), sgd()).generator_train_op()
      ... except tfgan.NanLossError as error:
      ...     print(error)
      Loss is not finite: ...
    """
