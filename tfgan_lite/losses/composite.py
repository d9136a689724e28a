"""What each network minimises: adversarial loss, penalties, regularisers; `gan_loss` sums them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.losses import tuple_losses, wargs
from tfgan_lite.losses.penalty_terms import Penalty, penalty_term, warn_of_batch_norm
from tfgan_lite.losses.terms import Terms, accepted, check_weight, is_off, terms_of
from tfgan_lite.pooling import tensor_pool_adjusted_model
from tfgan_lite.structures import (
    ACGANModel,
    CycleGANModel,
    GANLoss,
    GANModel,
    InfoGANModel,
    StarGANModel,
)

__all__ = ["gan_loss", "terms_of"]

Model = GANModel | InfoGANModel | ACGANModel


@tf.autograph.experimental.do_not_convert
def gan_loss(
    model: Model,
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
    *,
    penalties: Sequence[Any] = (),
) -> GANLoss:
    """The losses of both networks of a GAN.

    The regularisation losses that a network's layers declare are added to its own loss. A weight is
    a number >= 0, a variable or a tensor; None or 0 means that its term is left out.

    Args:
      model: a GANModel, an InfoGANModel or an ACGANModel.
      generator_loss_fn: a function of the model, as `losses` has them, or your own; `reduction` is
        passed on if its signature has it and it is not bound by a `functools.partial`.
      discriminator_loss_fn: the same for the discriminator.
      gradient_penalty_weight: weight of `losses.wasserstein_gradient_penalty`.
      gradient_penalty_epsilon: added to the squared slope, >= 0.
      gradient_penalty_target: the wanted slope, > 0.
      gradient_penalty_one_sided: whether only slopes above the target are penalised.
      mutual_information_penalty_weight: of an InfoGANModel, the weight in both losses of
        `losses.mutual_information_penalty`.
      aux_cond_generator_weight: of an ACGANModel, the weight of `losses.acgan_generator_loss`.
      aux_cond_discriminator_weight: the same of `losses.acgan_discriminator_loss`.
      tensor_pool_fn: shows earlier generated data to the discriminator, whose loss and penalties
        then see them in place of this batch's; see `tensor_pool_adjusted_model`.
      reduction: a `tf.compat.v1.losses.Reduction`.
      add_summaries: whether the summaries of a training run name each part of a loss beside the
        total. They are values of the updates that ran, and cost no forward pass.
      penalties: further terms, a list of `(penalty, weight, every)`. A penalty is a function of the
        model that gives a scalar, such as `losses.r1_penalty`; it joins the discriminator's loss
        unless it has an attribute `network` that is "generator". With `every=k` it is computed in
        each k-th update of its network and counts k times there (lazy regularisation,
        arXiv:1912.04958). `every` may be left out (1), and `weight` too (1).

    Returns:
      A GANLoss of tensors, or of deferred values.

    Raises:
      ValueError: a weight that is not >= 0; an argument that another kind of model needs; `every`
        above 1 inside a tf.function; a penalty that is not a scalar.
      TypeError: penalties that are no list of such tuples; a loss that is no function; a weight
        that is no number.

    Example:
      >>> loss = tfgan.gan_loss(
      ...     model,
      ...     tfgan.losses.modified_generator_loss,
      ...     tfgan.losses.modified_discriminator_loss,
      ...     penalties=[(tfgan.losses.r1_penalty, 0.1, 4)],
      ... )
      >>> loss.discriminator_loss.shape.as_list()
      []
    """
    _check_model(model)
    kinds = {
        "mutual_information_penalty_weight": (mutual_information_penalty_weight, InfoGANModel),
        "aux_cond_generator_weight": (aux_cond_generator_weight, ACGANModel),
        "aux_cond_discriminator_weight": (aux_cond_discriminator_weight, ACGANModel),
    }
    for name, loss_fn in (
        ("generator_loss_fn", generator_loss_fn),
        ("discriminator_loss_fn", discriminator_loss_fn),
    ):
        if not callable(loss_fn):
            raise TypeError(f"{name} must be a function of the model, got {loss_fn!r}.")
    check_weight("gradient_penalty_weight", gradient_penalty_weight)
    for name, (weight, kind) in kinds.items():
        _check_weight_of_kind(name, weight, kind, model)
    gradient_penalty = Penalty(
        functools.partial(
            tuple_losses.wasserstein_gradient_penalty,
            epsilon=gradient_penalty_epsilon,
            target=gradient_penalty_target,
            one_sided=gradient_penalty_one_sided,
            reduction=reduction,
        ),
        gradient_penalty_weight,
    )
    listed = [p for p in Penalty.parse(penalties) if not is_off(p.weight)]
    slopes = [] if is_off(gradient_penalty_weight) else [gradient_penalty]
    of_slopes = [penalty.name for penalty in slopes + listed if penalty.is_of_slopes]
    warn_of_batch_norm(model.discriminator_fn, of_slopes)

    seen = model  # By the discriminator.
    if tensor_pool_fn is not None:
        seen = tensor_pool_adjusted_model(model, tensor_pool_fn)
    generator, discriminator = Terms("generator_loss"), Terms("discriminator_loss")

    def value(loss_fn: Callable[..., Any], *models: Model, weight: Any = 1.0) -> Any:
        kwargs = accepted(loss_fn, {"reduction": reduction, "add_summaries": False})

        def weighted(*models: Model) -> tf.Tensor:
            loss = loss_fn(*models, **kwargs)
            return loss if _is_one(weight) else loss * weight

        return defer(weighted, *models, name=_name(loss_fn), lazily=True)

    generator.add("adversarial", value(generator_loss_fn, model))
    discriminator.add("adversarial", value(discriminator_loss_fn, seen))
    if slopes:
        discriminator.add(
            "gradient_penalty", penalty_term(gradient_penalty, seen), 1, gradient_penalty_weight
        )
    if not is_off(mutual_information_penalty_weight):
        for terms, of in ((generator, model), (discriminator, seen)):
            terms.add(
                "mutual_information",
                value(
                    tuple_losses.mutual_information_penalty,
                    of,
                    weight=mutual_information_penalty_weight,
                ),
                weight=mutual_information_penalty_weight,
            )
    if not is_off(aux_cond_generator_weight):
        generator.add(
            "classification",
            value(tuple_losses.acgan_generator_loss, model, weight=aux_cond_generator_weight),
            weight=aux_cond_generator_weight,
        )
    if not is_off(aux_cond_discriminator_weight):
        discriminator.add(
            "classification",
            value(classification_loss, model, seen, weight=aux_cond_discriminator_weight),
            weight=aux_cond_discriminator_weight,
        )
    for penalty in listed:
        terms, of = (generator, model) if penalty.of_generator else (discriminator, seen)
        term = penalty_term(penalty, of)
        if term.shape.rank not in (0, None):
            raise ValueError(
                f"Penalty {penalty.name} must give a scalar, but its shape is {term.shape}."
            )
        terms.add(penalty.name, term, penalty.every, penalty.weight)
    generator.add_regularization(model.generator_fn)
    discriminator.add_regularization(model.discriminator_fn)
    return GANLoss(generator.total(add_summaries), discriminator.total(add_summaries))


def classification_loss(model: ACGANModel, seen: ACGANModel, reduction: str) -> tf.Tensor:
    """The classifier's loss on real data, and on the data that it sees as generated ones.

    Each has labels of its own: those of pooled data are of other batches.
    """
    real = wargs.acgan_generator_loss(
        model.discriminator_real_classification_logits, model.one_hot_labels, reduction=reduction
    )
    generated = wargs.acgan_generator_loss(
        seen.discriminator_gen_classification_logits, seen.one_hot_labels, reduction=reduction
    )
    return real + generated


def _check_model(model: Any) -> None:
    if not isinstance(model, Model):
        other = {CycleGANModel: "cyclegan_loss", StarGANModel: "stargan_loss"}.get(type(model))
        hint = f" Its loss is {other}." if other else ""
        raise ValueError(
            "gan_loss needs a GANModel, an InfoGANModel or an ACGANModel, got a"
            f" {type(model).__name__}.{hint}"
        )


def _check_weight_of_kind(name: str, weight: Any, kind: type, model: Model) -> None:
    check_weight(name, weight)
    if not is_off(weight) and not isinstance(model, kind):
        maker = {InfoGANModel: "infogan_model", ACGANModel: "acgan_model"}[kind]
        raise ValueError(
            f"{name} needs an {kind.__name__}, as {maker} makes it, got a {type(model).__name__}."
        )


def _name(loss_fn: Callable[..., Any]) -> str:
    return getattr(loss_fn, "__name__", "loss")


def _is_one(weight: Any) -> bool:
    return isinstance(weight, float) and weight == 1.0
