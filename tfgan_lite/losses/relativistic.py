"""Relativistic losses: is real data more real than generated data? One formula each.

Both networks' losses need both logits. The average form compares a logit with the other side's mean
over the batch (of all replicas); the paired form compares real and generated examples two by two.
"""

from __future__ import annotations

import tensorflow as tf

from tfgan_lite.losses.formula import formula, pair, tags
from tfgan_lite.losses.reduction import Reduction, publish, weighted_loss
from tfgan_lite.losses.shapes import of_equal_shape
from tfgan_lite.replicas import mean_over_replicas


@formula
def relativistic_generator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Wants generated logits above the mean real one, and real ones below (arXiv:1807.00734).

    The relativistic average GAN: the cross entropies of `D(G) - mean D(x)` with 1 and of
    `D(x) - mean D(G)` with 0. Weights do not enter the means inside.

    Example:
      >>> loss = tfgan.losses.wargs.relativistic_generator_loss(real_logits, generated_logits)
      >>> round(float(loss), 4)
      2.3934
    """
    with tf.name_scope(scope or "relativistic_generator_loss"):
        real, generated = _above_the_others_mean(
            discriminator_real_outputs, discriminator_gen_outputs
        )
        real_loss = weighted_loss(tf.nn.softplus(real), real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(
            tf.nn.softplus(-generated), generated_weights, reduction, "generated_weights"
        )
        loss = real_loss + fake_loss
    return publish(loss, loss_collection, add_summaries, {"generator_relativistic_loss": loss})


@formula
def relativistic_discriminator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Wants real logits above the mean generated one, and generated below (arXiv:1807.00734).

    The relativistic average GAN: the cross entropies of `D(x) - mean D(G)` with 1 and of
    `D(G) - mean D(x)` with 0. Weights do not enter the means inside.

    Example:
      >>> loss = tfgan.losses.wargs.relativistic_discriminator_loss(real_logits, generated_logits)
      >>> round(float(loss), 4)
      1.3934
    """
    with tf.name_scope(scope or "relativistic_discriminator_loss"):
        real, generated = _above_the_others_mean(
            discriminator_real_outputs, discriminator_gen_outputs
        )
        real_loss = weighted_loss(tf.nn.softplus(-real), real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(
            tf.nn.softplus(generated), generated_weights, reduction, "generated_weights"
        )
        loss = real_loss + fake_loss
    return publish(
        loss, loss_collection, add_summaries, tags("relativistic", loss, real_loss, fake_loss)
    )


@formula
def relativistic_paired_generator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Wants each generated logit above its real partner (RpGAN, arXiv:1807.00734).

    The loss is `softplus(D(x) - D(G))`, as R3GAN has it (arXiv:2501.05441).

    Example:
      >>> zeros = tf.zeros([4, 1])  # Nobody is ahead: log 2.
      >>> round(float(tfgan.losses.wargs.relativistic_paired_generator_loss(zeros, zeros)), 4)
      0.6931
    """
    with tf.name_scope(scope or "relativistic_paired_generator_loss"):
        lead = _lead_of_real(discriminator_real_outputs, discriminator_gen_outputs)
        loss = weighted_loss(tf.nn.softplus(lead), weights, reduction)
    return publish(
        loss, loss_collection, add_summaries, {"generator_relativistic_paired_loss": loss}
    )


@formula
def relativistic_paired_discriminator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Wants each real logit above its generated partner (RpGAN, arXiv:1807.00734).

    The loss is `softplus(D(G) - D(x))`, as R3GAN has it (arXiv:2501.05441).

    Example:
      >>> zeros = tf.zeros([4, 1])  # Nobody is ahead: log 2.
      >>> round(float(tfgan.losses.wargs.relativistic_paired_discriminator_loss(zeros, zeros)), 4)
      0.6931
    """
    with tf.name_scope(scope or "relativistic_paired_discriminator_loss"):
        lead = _lead_of_real(discriminator_real_outputs, discriminator_gen_outputs)
        loss = weighted_loss(tf.nn.softplus(-lead), weights, reduction)
    return publish(
        loss, loss_collection, add_summaries, {"discriminator_relativistic_paired_loss": loss}
    )


def _above_the_others_mean(real: tf.Tensor, generated: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    real, generated = pair(real, generated)
    # The averages are those of the global batch.
    real_mean, generated_mean = (mean_over_replicas(tf.reduce_mean(x)) for x in (real, generated))
    return real - generated_mean, generated - real_mean


def _lead_of_real(real: tf.Tensor, generated: tf.Tensor) -> tf.Tensor:
    real, generated = of_equal_shape(
        *pair(real, generated), "discriminator_real_outputs", "discriminator_gen_outputs"
    )
    return real - generated
