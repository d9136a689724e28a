"""How well a discriminator tells real data from generated data: to watch, and to steer by."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.losses.slopes import logits_of

__all__ = ["discriminator_accuracy"]


def discriminator_accuracy(model: Any) -> Any:
    """The share of logits that are on the right side of 0, over real and generated data alike.

    For `gan_train_ops(discriminator_metrics={"accuracy": losses.discriminator_accuracy})`.

    Args:
      model: a model tuple with `discriminator_real_outputs` and `discriminator_gen_outputs`.

    Returns:
      A float32 scalar in [0, 1]; 0.5 is chance.

    Example:
      >>> train_ops = tfgan.gan_train_ops(
      ...     model,
      ...     loss,
      ...     tf.keras.optimizers.Adam(),
      ...     tf.keras.optimizers.Adam(),
      ...     discriminator_metrics={"accuracy": tfgan.losses.discriminator_accuracy},
      ... )
      >>> 0.0 <= float(tfgan.losses.discriminator_accuracy(model)()) <= 1.0
      True
    """
    return defer(_accuracy, model, name="discriminator_accuracy", lazily=True)


def _accuracy(model: Any) -> tf.Tensor:
    real, generated = model.discriminator_real_outputs, model.discriminator_gen_outputs
    right = [logits_of(real) > 0.0, logits_of(generated) < 0.0]
    return tf.add_n([tf.reduce_mean(tf.cast(each, tf.float32)) for each in right]) / 2.0
