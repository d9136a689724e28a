"""One loss out of an adversarial one and another, as pix2pix and super-resolution need it."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import tensorflow as tf

from tfgan_lite.losses.reduction import as_written, publish
from tfgan_lite.losses.safe_math import numerically_stable_global_norm
from tfgan_lite.variables import unwrapped


@as_written
def combine_adversarial_loss(
    main_loss: tf.Tensor,
    adversarial_loss: tf.Tensor,
    weight_factor: float | tf.Tensor | None = None,
    gradient_ratio: float | tf.Tensor | None = None,
    gradient_ratio_epsilon: float = 1e-6,
    variables: Sequence[tf.Variable] | None = None,
    scalar_summaries: bool = True,
    gradient_summaries: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Adds an adversarial loss to another one, with a weight or with a share of the gradient.

    The result is `main_loss + weight * adversarial_loss`, where the weight is `weight_factor`, or
    `|grad main| / (|grad adversarial| + gradient_ratio_epsilon) / gradient_ratio`: the main loss
    then moves the variables `gradient_ratio` times as strongly. No gradient flows into the weight.

    Gradients are found where the losses' computation is known: in a tf.Graph, and in the
    tf.function that computed both losses; not for eager tensors. `losses.combine_adversarial_loss`
    takes deferred values as well.

    Args:
      main_loss: A scalar, or losses [B, ...].
      adversarial_loss: The same. Where the shapes differ, both are averaged to [B].
      weight_factor: The weight of the adversarial loss, >= 0; 0 gives `main_loss` back.
      gradient_ratio: The wanted ratio of the gradients' norms, > 0. Exactly one of both is given.
      gradient_ratio_epsilon: Keeps the weight finite, >= 0; with 0, no gradient gives the weight 0.
      variables: What the gradients are taken in; in a tf.Graph by default all its trainable
        variables.
      scalar_summaries: Whether to summarise both losses, their sum and the weight.
      gradient_summaries: Whether to summarise the gradients' norms, where `gradient_ratio` needs
        them anyway.
      scope: Name scope of the operations.

    Returns:
      The loss, float32, of the losses' shape.

    Raises:
      ValueError: If not exactly one of weight and ratio is given or one is out of its range, the
        batch sizes differ, there are no variables, or a loss depends on none of them.
      RuntimeError: If gradients are asked for where the computation is not known.

    Example:
      >>> float(
      ...     tfgan.losses.wargs.combine_adversarial_loss(tf.constant(2.0), tf.constant(3.0), 0.5)
      ... )
      3.5
    """
    check_combination(weight_factor, gradient_ratio, gradient_ratio_epsilon)
    if is_zero(weight_factor):
        return tf.cast(main_loss, tf.float32)
    if gradient_ratio is not None and tf.executing_eagerly():
        raise RuntimeError(
            "gradient_ratio needs the computation of both losses, which eager tensors do not know:"
            " compute the losses and combine them in one tf.function, or in a tf.Graph, or give"
            " losses.combine_adversarial_loss the deferred values of gan_loss."
        )
    norms = None
    if gradient_ratio is not None:
        if variables is None:  # A function that is being traced does not tell what it has read.
            in_function = tf.inside_function()
            variables = [] if in_function else tf.compat.v1.trainable_variables()
        norms = gradient_norms(main_loss, adversarial_loss, variables)
    with tf.name_scope(scope or "combine_adversarial_loss"):
        return combined(
            main_loss,
            adversarial_loss,
            weight_factor,
            gradient_ratio,
            gradient_ratio_epsilon,
            norms,
            scalar_summaries,
            gradient_summaries,
        )


def check_combination(
    weight_factor: float | tf.Tensor | None,
    gradient_ratio: float | tf.Tensor | None,
    gradient_ratio_epsilon: float,
) -> None:
    """Raises ValueError unless exactly one of both is given, and all are in their ranges."""
    if (weight_factor is None) == (gradient_ratio is None):
        raise ValueError(
            "Give weight_factor or gradient_ratio, and not both; they are"
            f" {weight_factor!r} and {gradient_ratio!r}."
        )
    if isinstance(weight_factor, numbers.Real) and not weight_factor >= 0:
        raise ValueError(f"weight_factor must be >= 0, not {weight_factor}.")
    if isinstance(gradient_ratio, numbers.Real) and not gradient_ratio > 0:
        raise ValueError(f"gradient_ratio must be > 0, not {gradient_ratio}.")
    if isinstance(gradient_ratio_epsilon, numbers.Real) and not gradient_ratio_epsilon >= 0:
        raise ValueError(f"gradient_ratio_epsilon must be >= 0, not {gradient_ratio_epsilon}.")


def is_zero(weight_factor: float | tf.Tensor | None) -> bool:
    """Whether the weight is known to be 0."""
    return isinstance(weight_factor, numbers.Real) and weight_factor == 0


def gradient_norms(
    main_loss: tf.Tensor,
    adversarial_loss: tf.Tensor,
    variables: Sequence[tf.Variable],
    tape: tf.GradientTape | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The global norms of both losses' gradients, found by the tape or, in a graph, without one."""
    variables = [unwrapped(variable) for variable in variables]
    if not variables:
        raise ValueError("gradient_ratio needs variables to take gradients in: give `variables`.")
    norms = []
    for name, loss in {"main_loss": main_loss, "adversarial_loss": adversarial_loss}.items():
        if _is_stand_in(loss):
            norms.append(tf.constant(0.0))
            continue
        gradients = tape.gradient(loss, variables) if tape else tf.gradients(loss, variables)
        if all(gradient is None for gradient in gradients):
            raise ValueError(
                f"{name} depends on none of the variables: with no gradient there is no ratio. Are"
                " the right loss and variables given?"
            )
        norms.append(numerically_stable_global_norm(gradients))
    return norms[0], norms[1]


def combined(
    main_loss: tf.Tensor,
    adversarial_loss: tf.Tensor,
    weight_factor: float | tf.Tensor | None,
    gradient_ratio: float | tf.Tensor | None,
    gradient_ratio_epsilon: float,
    norms: tuple[tf.Tensor, tf.Tensor] | None,
    scalar_summaries: bool,
    gradient_summaries: bool,
) -> tf.Tensor:
    """The sum, for gradient norms that are known where a ratio is asked for."""
    main_loss, adversarial_loss = _of_one_shape(main_loss, adversarial_loss)
    summaries = {}
    if norms is None:
        weight = tf.cast(weight_factor, tf.float32)
    else:
        main_norm, adversarial_norm = norms
        weight = tf.math.divide_no_nan(main_norm, adversarial_norm + gradient_ratio_epsilon)
        weight = weight / gradient_ratio
        if gradient_summaries:
            summaries["main_loss_gradient_norm"] = main_norm
            summaries["adversarial_loss_gradient_norm"] = adversarial_norm
    weight = tf.stop_gradient(weight)
    total = main_loss + weight * adversarial_loss
    if scalar_summaries:
        summaries["main_loss"], summaries["adversarial_loss"] = main_loss, adversarial_loss
        summaries["combined_loss"], summaries["adversarial_loss_weight"] = total, weight
    return publish(total, None, bool(summaries), summaries)


def _of_one_shape(main: tf.Tensor, adversarial: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    main, adversarial = tf.cast(main, tf.float32), tf.cast(adversarial, tf.float32)
    if main.shape.is_compatible_with(adversarial.shape):
        return main, adversarial
    if not (main.shape.rank and adversarial.shape.rank) or not main.shape[:1].is_compatible_with(
        adversarial.shape[:1]
    ):
        raise ValueError(
            f"main_loss has shape {main.shape} and adversarial_loss {adversarial.shape}: they must"
            " be two scalars, or have one batch size."
        )
    return tuple(tf.reduce_mean(x, list(range(1, x.shape.rank))) for x in (main, adversarial))


def _is_stand_in(loss: tf.Tensor) -> bool:
    """Whether a deferred value is only being traced, with placeholders for what it reads."""
    return not tf.executing_eagerly() and loss.op.type == "Placeholder"
