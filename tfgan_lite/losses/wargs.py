"""The adversarial losses as functions of plain arguments, one formula each."""

from __future__ import annotations

import inspect

import tensorflow as tf

from tfgan_lite.losses.penalties import wasserstein_gradient_penalty as wasserstein_gradient_penalty
from tfgan_lite.losses.reduction import Reduction, as_written, publish, weighted_loss

# A name means the same in every formula, so it is described once, here.
_ARGS = {
    "discriminator_real_outputs": "Logits of real data, [B], [B, K] or [B, H, W, C], of any dtype.",
    "discriminator_gen_outputs": "Logits of generated data, likewise, and of the real ones' shape.",
    "label_smoothing": "In [0, 1]; the target 1 becomes 1 - label_smoothing / 2 (0.25: 0.875).",
    "real_hinge": "Where the loss of a real logit becomes 0, a number.",
    "generated_hinge": "Minus the place where the loss of a generated logit becomes 0, a number.",
    "real_label": "The logit of real data, a number; the generator's aim as well.",
    "fake_label": "The logit that generated data should have, a number.",
    "weights": "Factors >= 0, a scalar or of the logits' rank and broadcastable to their shape.",
    "real_weights": "Factors >= 0 for the real logits, shaped as `weights` elsewhere: a scalar or\n"
    "    of the logits' rank and broadcastable to their shape.",
    "generated_weights": "The same for the generated logits.",
    "scope": "Name scope of the operations, or None for the function's name.",
    "loss_collection": "A collection of the tf.Graph that gets the returned value, or None.",
    "reduction": "One of tf.compat.v1.losses.Reduction.",
    "add_summaries": "Whether to summarise the loss and its parts.",
}
_RESULT = """
Returns:
  The loss, a float32 scalar; shaped like the logits when `reduction` is NONE.

Raises:
  ValueError: If real and generated logits differ in shape, weights are negative or do not fit the
    logits, `label_smoothing` is outside [0, 1], `reduction` is unknown, or a collection is named
    outside a tf.Graph.
"""


def _formula(function):
    """Completes the docstring of a loss and keeps autograph out of it."""
    arguments = "".join(
        f"  {name}: {_ARGS[name]}\n" for name in inspect.signature(function).parameters
    )
    function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\nArgs:\n{arguments}{_RESULT}"
    return as_written(function)


def _pair(real: tf.Tensor, generated: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Casts both logits to float32 after comparing their shapes."""
    real, generated = tf.cast(real, tf.float32), tf.cast(generated, tf.float32)
    if not real.shape.is_compatible_with(generated.shape):
        raise ValueError(
            f"discriminator_real_outputs has shape {real.shape} and discriminator_gen_outputs "
            f"{generated.shape}: they must be equal."
        )
    return real, generated


def _tags(kind: str, loss: tf.Tensor, real_loss: tf.Tensor, fake_loss: tf.Tensor) -> dict:
    """Names a discriminator's loss and its two parts as TF-GAN's summaries do."""
    return {
        f"discriminator_gen_{kind}_loss": fake_loss,
        f"discriminator_real_{kind}_loss": real_loss,
        f"discriminator_{kind}_loss": loss,
    }


def _cross_entropy_with_one(logits: tf.Tensor, label_smoothing: float | tf.Tensor) -> tf.Tensor:
    """Cross entropy of sigmoid(logits) with the target 1 - label_smoothing / 2."""
    if not (tf.is_tensor(label_smoothing) or 0 <= label_smoothing <= 1):
        raise ValueError(f"label_smoothing must be in [0, 1], not {label_smoothing}.")
    return tf.nn.softplus(-logits) + label_smoothing / 2 * logits


@_formula
def wasserstein_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Takes minus the critic's score of generated data (Wasserstein GAN, arXiv:1701.07875)."""
    with tf.name_scope(scope or "wasserstein_generator_loss"):
        logits = tf.cast(discriminator_gen_outputs, tf.float32)
        loss = weighted_loss(-logits, weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_wass_loss": loss})


@_formula
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
    """Takes the critic's score of generated data minus that of real data (arXiv:1701.07875)."""
    with tf.name_scope(scope or "wasserstein_discriminator_loss"):
        real, generated = _pair(discriminator_real_outputs, discriminator_gen_outputs)
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = fake_loss - real_loss
    return publish(loss, loss_collection, add_summaries, _tags("wass", loss, real_loss, fake_loss))


@_formula
def wasserstein_hinge_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Takes minus the score of generated data, as the hinge GAN does (arXiv:1705.02894)."""
    scope = scope or "wasserstein_hinge_generator_loss"
    return wasserstein_generator_loss(
        discriminator_gen_outputs, weights, scope, loss_collection, reduction, add_summaries
    )


@_formula
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
    """Penalises real logits below and generated ones above their hinges (arXiv:1705.02894)."""
    with tf.name_scope(scope or "wasserstein_hinge_discriminator_loss"):
        real, generated = _pair(discriminator_real_outputs, discriminator_gen_outputs)
        real, generated = tf.nn.relu(real_hinge - real), tf.nn.relu(generated_hinge + generated)
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = real_loss + fake_loss
    return publish(
        loss, loss_collection, add_summaries, _tags("wass_hinge", loss, real_loss, fake_loss)
    )


@_formula
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
    """
    with tf.name_scope(scope or "minimax_discriminator_loss"):
        real, generated = _pair(discriminator_real_outputs, discriminator_gen_outputs)
        real, generated = _cross_entropy_with_one(real, label_smoothing), tf.nn.softplus(generated)
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = real_loss + fake_loss
    return publish(
        loss, loss_collection, add_summaries, _tags("minimax", loss, real_loss, fake_loss)
    )


@_formula
def minimax_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    label_smoothing: float | tf.Tensor = 0.0,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Takes minus the minimax discriminator loss (arXiv:1406.2661).

    The real logits, which the generator cannot change, count as 1: a constant of -0.3133 at weight
    1 and no smoothing. Where D is sure, the gradient vanishes; see `modified_generator_loss`.
    """
    with tf.name_scope(scope or "minimax_generator_loss"):
        logits = tf.cast(discriminator_gen_outputs, tf.float32)
        real = _cross_entropy_with_one(tf.ones_like(logits), label_smoothing)
        loss = weighted_loss(-real - tf.nn.softplus(logits), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_minimax_loss": loss})


@_formula
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
    """Equals the minimax discriminator loss, beside the modified generator (arXiv:1406.2661)."""
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


@_formula
def modified_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    label_smoothing: float | tf.Tensor = 0.0,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Takes the cross entropy of generated data with the target 1 (arXiv:1406.2661, section 3).

    Unlike the minimax loss it has a gradient where D is sure that data are generated.
    """
    with tf.name_scope(scope or "modified_generator_loss"):
        logits = tf.cast(discriminator_gen_outputs, tf.float32)
        loss = weighted_loss(_cross_entropy_with_one(logits, label_smoothing), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_modified_loss": loss})


@_formula
def least_squares_generator_loss(
    discriminator_gen_outputs: tf.Tensor,
    real_label: float | tf.Tensor = 1,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Takes half the squared distance of the logits from the real label (arXiv:1611.04076)."""
    with tf.name_scope(scope or "least_squares_generator_loss"):
        logits = tf.cast(discriminator_gen_outputs, tf.float32)
        loss = weighted_loss(tf.square(logits - real_label) / 2, weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_lsq_loss": loss})


@_formula
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
    """Takes half the squared distances of the logits from their labels (arXiv:1611.04076)."""
    with tf.name_scope(scope or "least_squares_discriminator_loss"):
        real, generated = _pair(discriminator_real_outputs, discriminator_gen_outputs)
        real, generated = tf.square(real - real_label) / 2, tf.square(generated - fake_label) / 2
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = real_loss + fake_loss
    return publish(loss, loss_collection, add_summaries, _tags("lsq", loss, real_loss, fake_loss))
