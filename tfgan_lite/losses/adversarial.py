"""The classic adversarial losses as functions of logits, one formula each."""

from __future__ import annotations

import tensorflow as tf

from tfgan_lite.losses.formula import cross_entropy_with_one, formula, pair, tags
from tfgan_lite.losses.reduction import Reduction, publish, weighted_loss


@formula
def wasserstein_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Minus the critic's score of generated data (Wasserstein GAN, arXiv:1701.07875).

    Example:
      >>> float(tfgan.losses.wargs.wasserstein_generator_loss(generated_logits))
      -1.0
    """
    with tf.name_scope(scope or "wasserstein_generator_loss"):
        logits = tf.cast(discriminator_gen_outputs, tf.float32)
        loss = weighted_loss(-logits, weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_wass_loss": loss})


@formula
def wasserstein_discriminator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """The critic's score of generated data minus that of real data (arXiv:1701.07875).

    Example:
      >>> float(tfgan.losses.wargs.wasserstein_discriminator_loss(real_logits, generated_logits))
      -0.5
    """
    with tf.name_scope(scope or "wasserstein_discriminator_loss"):
        real, generated = pair(discriminator_real_outputs, discriminator_gen_outputs)
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = fake_loss - real_loss
    return publish(loss, loss_collection, add_summaries, tags("wass", loss, real_loss, fake_loss))


@formula
def wasserstein_hinge_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Minus the score of generated data, as the hinge GAN does (arXiv:1705.02894).

    Example:
      >>> float(tfgan.losses.wargs.wasserstein_hinge_generator_loss(generated_logits))
      -1.0
    """
    scope = scope or "wasserstein_hinge_generator_loss"
    return wasserstein_generator_loss(
        discriminator_gen_outputs, weights, scope, loss_collection, reduction, add_summaries
    )


@formula
def wasserstein_hinge_discriminator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    real_hinge: float | tf.Tensor = 1.0,
    generated_hinge: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Penalises real logits below and generated ones above their hinges (arXiv:1705.02894).

    Example:
      >>> hinge = tfgan.losses.wargs.wasserstein_hinge_discriminator_loss
      >>> float(hinge(real_logits, generated_logits))
      2.0
    """
    with tf.name_scope(scope or "wasserstein_hinge_discriminator_loss"):
        real, generated = pair(discriminator_real_outputs, discriminator_gen_outputs)
        real, generated = tf.nn.relu(real_hinge - real), tf.nn.relu(generated_hinge + generated)
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = real_loss + fake_loss
    return publish(
        loss, loss_collection, add_summaries, tags("wass_hinge", loss, real_loss, fake_loss)
    )


@formula
def minimax_discriminator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    label_smoothing: float | tf.Tensor = 0.25,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Classifies real data as 1 and generated data as 0 by cross entropy (arXiv:1406.2661).

    Only the target of real data is smoothed (arXiv:1606.03498).

    Example:
      >>> loss = tfgan.losses.wargs.minimax_discriminator_loss(real_logits, generated_logits)
      >>> round(float(loss), 4)
      2.0885
    """
    with tf.name_scope(scope or "minimax_discriminator_loss"):
        real, generated = pair(discriminator_real_outputs, discriminator_gen_outputs)
        real, generated = cross_entropy_with_one(real, label_smoothing), tf.nn.softplus(generated)
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = real_loss + fake_loss
    return publish(
        loss, loss_collection, add_summaries, tags("minimax", loss, real_loss, fake_loss)
    )


@formula
def minimax_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    label_smoothing: float | tf.Tensor = 0.0,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Minus the minimax discriminator loss (arXiv:1406.2661).

    The real logits, which the generator cannot change, count as 1: a constant of -0.3133 at weight
    1 and no smoothing. Where D is sure, the gradient vanishes; see `modified_generator_loss`.

    Example:
      >>> round(float(tfgan.losses.wargs.minimax_generator_loss(generated_logits)), 4)
      -1.9942
    """
    with tf.name_scope(scope or "minimax_generator_loss"):
        logits = tf.cast(discriminator_gen_outputs, tf.float32)
        real = cross_entropy_with_one(tf.ones_like(logits), label_smoothing)
        loss = weighted_loss(-real - tf.nn.softplus(logits), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_minimax_loss": loss})


@formula
def modified_discriminator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    label_smoothing: float | tf.Tensor = 0.25,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Equals the minimax discriminator loss, beside the modified generator (arXiv:1406.2661).

    Example:
      >>> loss = tfgan.losses.wargs.modified_discriminator_loss(real_logits, generated_logits)
      >>> round(float(loss), 4)
      2.0885
    """
    return minimax_discriminator_loss(
        discriminator_real_outputs,
        discriminator_gen_outputs,
        label_smoothing,
        real_weights,
        generated_weights,
        scope or "modified_discriminator_loss",
        loss_collection,
        reduction,
        add_summaries,
    )


@formula
def modified_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    label_smoothing: float | tf.Tensor = 0.0,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """The cross entropy of generated data with the target 1 (arXiv:1406.2661, section 3).

    Unlike the minimax loss it has a gradient where D is sure that data are generated.

    Example:
      >>> round(float(tfgan.losses.wargs.modified_generator_loss(generated_logits)), 4)
      0.6809
    """
    with tf.name_scope(scope or "modified_generator_loss"):
        logits = tf.cast(discriminator_gen_outputs, tf.float32)
        loss = weighted_loss(cross_entropy_with_one(logits, label_smoothing), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_modified_loss": loss})


@formula
def least_squares_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    real_label: float | tf.Tensor = 1,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Half the squared distance of the logits from the real label (arXiv:1611.04076).

    Example:
      >>> float(tfgan.losses.wargs.least_squares_generator_loss(generated_logits))
      2.0
    """
    with tf.name_scope(scope or "least_squares_generator_loss"):
        logits = tf.cast(discriminator_gen_outputs, tf.float32)
        loss = weighted_loss(tf.square(logits - real_label) / 2, weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_lsq_loss": loss})


@formula
def least_squares_discriminator_loss(
    discriminator_real_outputs: tf.Tensor,
    discriminator_gen_outputs: tf.Tensor,
    real_label: float | tf.Tensor = 1,
    fake_label: float | tf.Tensor = 0,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Half the squared distances of the logits from their labels (arXiv:1611.04076).

    Example:
      >>> float(tfgan.losses.wargs.least_squares_discriminator_loss(real_logits, generated_logits))
      2.75
    """
    with tf.name_scope(scope or "least_squares_discriminator_loss"):
        real, generated = pair(discriminator_real_outputs, discriminator_gen_outputs)
        real, generated = tf.square(real - real_label) / 2, tf.square(generated - fake_label) / 2
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = real_loss + fake_loss
    return publish(loss, loss_collection, add_summaries, tags("lsq", loss, real_loss, fake_loss))
