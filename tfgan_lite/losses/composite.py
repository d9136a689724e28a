"""What each network minimises: adversarial loss, penalties, regularisers; `gan_loss` sums them."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.graph_notes import note, noted
from tfgan_lite.losses import tuple_losses
from tfgan_lite.networks import Network
from tfgan_lite.structures import GANLoss, GANModel

__all__ = ["gan_loss", "terms_of"]


@tf.autograph.experimental.do_not_convert
def gan_loss(
    model: GANModel,
    generator_loss_fn: Callable[..., Any] = tuple_losses.wasserstein_generator_loss,
    discriminator_loss_fn: Callable[..., Any] = tuple_losses.wasserstein_discriminator_loss,
    gradient_penalty_weight: float | None = None,
    gradient_penalty_epsilon: float = 1e-10,
    gradient_penalty_target: float = 1.0,
    gradient_penalty_one_sided: bool = False,
    mutual_information_penalty_weight: float | None = None,
    aux_cond_generator_weight: float | None = None,
    aux_cond_discriminator_weight: float | None = None,
    tensor_pool_fn: Callable[..., Any] | None = None,
    reduction: str = tf.compat.v1.losses.Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = True,
) -> GANLoss:
    """The losses of both networks of a GAN.

    The regularisation losses that a network's layers declare are added to its own loss.

    Args:
      model: a GANModel.
      generator_loss_fn: a function of the model, as `losses` has them, or your own; `reduction` is
        passed on if its signature has it.
      discriminator_loss_fn: the same for the discriminator.
      gradient_penalty_weight: weight >= 0 of `losses.wasserstein_gradient_penalty`; None or 0 for
        none.
      gradient_penalty_epsilon: added to the squared slope, >= 0.
      gradient_penalty_target: the wanted slope, > 0.
      gradient_penalty_one_sided: whether only slopes above the target are penalised.
      mutual_information_penalty_weight: not supported yet.
      aux_cond_generator_weight: not supported yet.
      aux_cond_discriminator_weight: not supported yet.
      tensor_pool_fn: not supported yet.
      reduction: a `tf.compat.v1.losses.Reduction`.
      add_summaries: whether the summaries of a training run name each part of a loss beside the
        total. They are values of the updates that ran, and cost no forward pass.

    Returns:
      A GANLoss of tensors, or of deferred values.

    Raises:
      ValueError: a weight that is not >= 0.
      NotImplementedError: an argument that is not supported yet is given.
    """
    unsupported = {
        "mutual_information_penalty_weight": mutual_information_penalty_weight,
        "aux_cond_generator_weight": aux_cond_generator_weight,
        "aux_cond_discriminator_weight": aux_cond_discriminator_weight,
        "tensor_pool_fn": tensor_pool_fn,
    }
    for name, value in unsupported.items():
        if value is not None:
            raise NotImplementedError(f"gan_loss does not support {name} yet (got {value!r}).")
    if isinstance(gradient_penalty_weight, numbers.Real) and not gradient_penalty_weight >= 0:
        raise ValueError(f"gradient_penalty_weight must be >= 0, got {gradient_penalty_weight}.")

    def adversarial(loss_fn: Callable[..., Any]) -> Any:
        offered = {"reduction": reduction, "add_summaries": False}
        kwargs = _accepted(loss_fn, offered)
        return defer(lambda m: loss_fn(m, **kwargs), model, name=_name(loss_fn), lazily=True)

    generator_terms = {"adversarial": adversarial(generator_loss_fn)}
    discriminator_terms = {"adversarial": adversarial(discriminator_loss_fn)}
    if gradient_penalty_weight is not None and not _is_zero(gradient_penalty_weight):

        def penalty(m: GANModel) -> tf.Tensor:
            with m.discriminator_fn.statistics_kept():
                value = tuple_losses.wasserstein_gradient_penalty(
                    m,
                    epsilon=gradient_penalty_epsilon,
                    target=gradient_penalty_target,
                    one_sided=gradient_penalty_one_sided,
                    reduction=reduction,
                )
            return value * gradient_penalty_weight

        discriminator_terms["gradient_penalty"] = defer(
            penalty, model, name="gradient_penalty", lazily=True
        )
    _add_regularization(generator_terms, model.generator_fn)
    _add_regularization(discriminator_terms, model.discriminator_fn)
    return GANLoss(
        _total("generator_loss", generator_terms, add_summaries),
        _total("discriminator_loss", discriminator_terms, add_summaries),
    )


def terms_of(loss: Any) -> dict[str, Any]:
    """The named parts of a loss that `gan_loss` made; empty where it is one part, or another's."""
    if isinstance(loss, Deferred):
        return getattr(loss, "terms", {})
    return noted(loss, "terms") or {}


def _total(name: str, terms: dict[str, Any], name_terms: bool) -> Any:
    total = defer(lambda *parts: tf.add_n(parts), *terms.values(), name=name)
    named = terms if name_terms and len(terms) > 1 else {}
    if isinstance(total, Deferred):
        total.terms = named
    elif not (tf.executing_eagerly() or tf.inside_function()):
        note(total, terms=named)
    return total


def _add_regularization(terms: dict[str, Any], network: Network) -> None:
    def regularization(*losses: tf.Tensor) -> tf.Tensor:
        return tf.add_n([tf.cast(loss, tf.float32) for loss in losses])

    if network.regularization_losses:
        terms["regularization"] = defer(regularization, *network.regularization_losses)


def _accepted(loss_fn: Callable[..., Any], offered: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(loss_fn).parameters
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        return offered
    return {name: value for name, value in offered.items() if name in parameters}


def _name(loss_fn: Callable[..., Any]) -> str:
    return getattr(loss_fn, "__name__", "loss")


def _is_zero(weight: Any) -> bool:
    return isinstance(weight, numbers.Real) and weight == 0
