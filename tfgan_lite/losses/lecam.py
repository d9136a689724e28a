"""LeCam regularisation: logits stay near the other side's average, for training on few data."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.losses.formula import formula, pair
from tfgan_lite.losses.moving_average import MovingAverage
from tfgan_lite.losses.reduction import Reduction, as_written, publish, weighted_loss
from tfgan_lite.losses.safe_math import safe_sqrt
from tfgan_lite.losses.slopes import logits_of


@formula
def lecam_penalty(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    real_average: float | tf.Tensor,
    generated_average: float | tf.Tensor,
    logit_scale: float | tf.Tensor = 1.0,
    one_sided: bool = False,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Squares the distance of each logit from the other side's average (LeCam, arXiv:2104.03310).

    `(D(x) - generated_average)^2 + (D(G) - real_average)^2`, equation 3 there. `LeCam` keeps the
    averages.

    Example:
      >>> lecam = tfgan.losses.wargs.lecam_penalty  # (0 + 1) / 2 + (1.5² + 2.5²) / 2
      >>> float(lecam(real_logits, generated_logits, real_average=1.5, generated_average=1.0))
      4.75
    """
    with tf.name_scope(scope or "lecam_penalty"):
        real, generated = pair(discriminator_real_outputs, discriminator_gen_outputs)
        real, generated = real - generated_average, real_average - generated
        if one_sided:
            real, generated = tf.nn.relu(real), tf.nn.relu(generated)
        real, generated = (
            tf.square(tf.math.divide_no_nan(part, tf.cast(logit_scale, tf.float32)))
            for part in (real, generated)
        )
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = real_loss + fake_loss
    return publish(loss, loss_collection, add_summaries, {"lecam_penalty_loss": loss})


class LeCam(tf.Module):
    """The LeCam penalty of a model, with the averages of the logits that it needs.

    One penalty of `gan_loss`: `penalties=[(LeCam(), 0.3, 1)]`. Make it once, as a network is made.
    The averages move where the discriminator trains, by the batch that it trains on (of all
    replicas), before they are used; they are saved with the training run.

    Paper: Tseng et al., Regularizing GANs under Limited Data, arXiv:2104.03310.

    Args:
      decay: Of the averages, in [0, 1).
      normalize: Whether distances are divided by the logits' root mean square, a moving average as
        well. The penalty is then the same for a discriminator whose logits are all c times as
        large. The paper does not do so.
      one_sided: Whether a logit beyond the other side's average is free, as in the authors' code:
        real ones below that of generated data and generated ones above that of real data.
      name: Name of the variables, in checkpoints and messages.

    Raises:
      ValueError: If `decay` is out of its range, or this is made inside a tf.function.

    Example:
      >>> loss = tfgan.gan_loss(model, penalties=[(tfgan.losses.LeCam(), 0.3)])
      >>> loss.discriminator_loss.shape.as_list()
      []
    """

    network = "discriminator"

    def __init__(
        self,
        decay: float = 0.99,
        normalize: bool = False,
        one_sided: bool = False,
        name: str = "lecam",
    ):
        super().__init__(name=name)
        self._one_sided = one_sided
        self._real_average = MovingAverage(decay, f"{name}_real_average")
        self._generated_average = MovingAverage(decay, f"{name}_generated_average")
        self._mean_square = MovingAverage(decay, f"{name}_mean_square") if normalize else None

    def __call__(self, model: Any) -> Any:
        """The penalty of the model's logits, a float32 scalar >= 0."""
        return defer(self._on_values, model, name=self.name, lazily=True)

    @as_written
    def _on_values(self, model: Any) -> tf.Tensor:
        real = logits_of(model.discriminator_real_outputs)
        generated = logits_of(model.discriminator_gen_outputs)
        real, generated = pair(real, generated)
        network = getattr(model, "discriminator_fn", None)
        network = network if hasattr(network, "update_ops") else None
        scale = 1.0
        if self._mean_square is not None:
            square = (tf.reduce_mean(tf.square(real)) + tf.reduce_mean(tf.square(generated))) / 2
            scale = safe_sqrt(self._mean_square.updated(square, network))
        return lecam_penalty(
            real,
            generated,
            self._real_average.updated(tf.reduce_mean(real), network),
            self._generated_average.updated(tf.reduce_mean(generated), network),
            logit_scale=scale,
            one_sided=self._one_sided,
        )
