"""What each network minimises: adversarial loss, penalties, regularisers; `gan_loss` sums them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.losses import tuple_losses, wargs
from tfgan_lite.losses.on_models import name_of
from tfgan_lite.losses.penalty_terms import Penalty, penalty_term, warn_of_batch_norm
from tfgan_lite.losses.terms import Terms, check_weight, is_off, supported_kwargs, terms_of
from tfgan_lite.networks import networks_of
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
LossFn = Callable[..., Any]


@tf.autograph.experimental.do_not_convert
def gan_loss(
    model: Model,
    generator_loss_fn: LossFn = tuple_losses.wasserstein_generator_loss,
    discriminator_loss_fn: LossFn = tuple_losses.wasserstein_discriminator_loss,
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
      reduction: a `tf.compat.v1.losses.Reduction`, of each part. With NONE all parts must be
        scalars or of one shape; the training takes scalars only.
      add_summaries: whether the summaries of a training run name each part of a loss beside the
        total. They are values of the updates that ran, and cost no forward pass.
      penalties: further terms, a list of `(penalty, weight, every)`. A penalty is a function of the
        model that gives a scalar, such as `losses.r1_penalty`; it joins the discriminator's loss
        unless it has an attribute `network` that is "generator". With `every=k` it is computed in
        every k-th update of its network, weighted by k (lazy regularisation,
        arXiv:1912.04958). `every` may be left out (1), and `weight` too (1).

    Returns:
      A GANLoss of tensors, or of deferred values.

    Raises:
      ValueError: a weight that is not >= 0; an argument that another kind of model needs; `every`
        above 1 inside a tf.function; a penalty that is not a scalar; parts of different shapes.
      TypeError: penalties that are no list of such tuples; a loss that is no function; a weight
        that is no number; a model that `gan_model` or its like did not make.

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
    _check_arguments(
        model,
        {"generator_loss_fn": generator_loss_fn, "discriminator_loss_fn": discriminator_loss_fn},
        {
            "gradient_penalty_weight": (gradient_penalty_weight, Model),
            "mutual_information_penalty_weight": (mutual_information_penalty_weight, InfoGANModel),
            "aux_cond_generator_weight": (aux_cond_generator_weight, ACGANModel),
            "aux_cond_discriminator_weight": (aux_cond_discriminator_weight, ACGANModel),
        },
    )
    gradient_penalty = functools.partial(
        tuple_losses.wasserstein_gradient_penalty,
        epsilon=gradient_penalty_epsilon,
        target=gradient_penalty_target,
        one_sided=gradient_penalty_one_sided,
        reduction=reduction,
    )
    wgan_gp = _wanted([Penalty(gradient_penalty, gradient_penalty_weight)])
    listed = _wanted(Penalty.parse(penalties))
    of_slopes = [penalty.name for penalty in wgan_gp + listed if penalty.is_of_slopes]
    warn_of_batch_norm(model.discriminator_fn, of_slopes)

    seen = model  # By the discriminator.
    if tensor_pool_fn is not None:
        seen = tensor_pool_adjusted_model(model, tensor_pool_fn)
    generator, discriminator = Terms("generator_loss"), Terms("discriminator_loss")
    term = functools.partial(_model_term, reduction=reduction)
    generator.add("adversarial", term(generator_loss_fn, model))
    discriminator.add("adversarial", term(discriminator_loss_fn, seen))
    for penalty in wgan_gp:
        discriminator.add("gradient_penalty", penalty_term(penalty, seen), weight=penalty.weight)

    def add(terms: Terms, name: str, loss_fn: LossFn, models: Sequence[Model], weight: Any) -> None:
        if not is_off(weight):
            terms.add(name, term(loss_fn, *models, weight=weight), weight=weight)

    information = tuple_losses.mutual_information_penalty
    for terms, of in ((generator, model), (discriminator, seen)):
        add(terms, "mutual_information", information, [of], mutual_information_penalty_weight)
    add(
        generator,
        "classification",
        tuple_losses.acgan_generator_loss,
        [model],
        aux_cond_generator_weight,
    )
    add(
        discriminator,
        "classification",
        classification_loss,
        [model, seen],
        aux_cond_discriminator_weight,
    )
    for penalty in listed:
        terms, of = (generator, model) if penalty.of_generator else (discriminator, seen)
        terms.add(penalty.name, _scalar_term(penalty, of), penalty.every, penalty.weight)
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


def _check_arguments(
    model: Any,
    loss_fns: Mapping[str, Any],
    weights: Mapping[str, tuple[Any, Any]],  # And the kind of model that each is for.
) -> None:
    if not isinstance(model, Model):
        other = {CycleGANModel: "cyclegan_loss", StarGANModel: "stargan_loss"}.get(type(model))
        hint = f" Its loss is {other}." if other else ""
        raise ValueError(
            "gan_loss needs a GANModel, an InfoGANModel or an ACGANModel, got a"
            f" {type(model).__name__}.{hint}"
        )
    networks_of(model)
    for name, loss_fn in loss_fns.items():
        if not callable(loss_fn):
            raise TypeError(f"{name} must be a function of the model, got {loss_fn!r}.")
    for name, (weight, kind) in weights.items():
        check_weight(name, weight)
        if not is_off(weight) and not isinstance(model, kind):
            maker = {InfoGANModel: "infogan_model", ACGANModel: "acgan_model"}[kind]
            raise ValueError(
                f"{name} needs an {kind.__name__}, as {maker} makes it, got a"
                f" {type(model).__name__}."
            )


def _wanted(penalties: Sequence[Penalty]) -> list[Penalty]:
    return [penalty for penalty in penalties if not is_off(penalty.weight)]


def _model_term(loss_fn: LossFn, *models: Model, reduction: str, weight: Any = None) -> Any:
    """A loss of one or more models, weighted where there is a weight, as a value."""
    kwargs = supported_kwargs(loss_fn, {"reduction": reduction, "add_summaries": False})

    def weighted(*models: Model) -> tf.Tensor:
        loss = loss_fn(*models, **kwargs)
        return loss if weight is None else loss * weight

    return defer(weighted, *models, name=name_of(loss_fn), lazily=True)


def _scalar_term(penalty: Penalty, model: Model) -> Any:
    """The penalty's term.

    Raises:
      ValueError: a penalty that is not a scalar.
    """
    term = penalty_term(penalty, model)
    if term.shape.rank not in (0, None):
        raise ValueError(
            f"Penalty {penalty.name} must give a scalar, but its shape is {term.shape}."
        )
    return term
