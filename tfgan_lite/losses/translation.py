"""What networks that translate between domains minimise: `cyclegan_loss` and `stargan_loss`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.heads import check_one_hot
from tfgan_lite.losses import tuple_losses, wargs
from tfgan_lite.losses.composite import gan_loss
from tfgan_lite.losses.penalty_terms import Penalty, penalty_term, warn_of_batch_norm
from tfgan_lite.losses.reduction import Reduction
from tfgan_lite.losses.stargan import (
    stargan_discriminator_loss_wrapper,
    stargan_generator_loss_wrapper,
    stargan_gradient_penalty_wrapper,
)
from tfgan_lite.losses.terms import Terms, check_weight, is_off, supported_kwargs, with_extra_terms
from tfgan_lite.structures import CycleGANLoss, CycleGANModel, GANLoss, GANModel, StarGANModel

__all__ = ["cyclegan_loss", "stargan_loss"]

LossFn = Callable[..., Any]

_wasserstein_generator_loss = stargan_generator_loss_wrapper(wargs.wasserstein_generator_loss)
_wasserstein_discriminator_loss = stargan_discriminator_loss_wrapper(
    wargs.wasserstein_discriminator_loss
)
_gradient_penalty = stargan_gradient_penalty_wrapper(wargs.wasserstein_gradient_penalty)


@tf.autograph.experimental.do_not_convert
def cyclegan_loss(
    model: CycleGANModel,
    generator_loss_fn: LossFn = tuple_losses.least_squares_generator_loss,
    discriminator_loss_fn: LossFn = tuple_losses.least_squares_discriminator_loss,
    cycle_consistency_loss_fn: LossFn = tuple_losses.cycle_consistency_loss,
    cycle_consistency_loss_weight: float | None = 10.0,
    *,
    identity_loss_weight: float | None = None,
    **kwargs: Any,
) -> CycleGANLoss:
    """The losses of all four networks of a CycleGAN (Zhu et al., arXiv:1703.10593).

    Args:
      model: a CycleGANModel.
      generator_loss_fn: a function of each direction's GANModel.
      discriminator_loss_fn: the same for the discriminators.
      cycle_consistency_loss_fn: a function of the CycleGANModel; its value joins both generators'
        losses.
      cycle_consistency_loss_weight: its weight >= 0. The default function halves the paper's sum,
        as TF-GAN does: the paper's lambda of 10 is the weight 20.
      identity_loss_weight: weight >= 0 of `mean |G(y) - y|` in the loss of the generator G to y,
        and likewise of the other, so that what is in the wanted domain already stays as it is
        (section 5.2 there, where it is half of lambda: 5). Both domains have one shape then.
      **kwargs: further arguments of `gan_loss`, for both directions. `tensor_pool_fn` may be a pair
        `(x2y, y2x)`, and has to be where a pool is an object that keeps images: one for both would
        mix the domains.

    Returns:
      A CycleGANLoss of tensors, or of deferred values.

    Raises:
      ValueError: another kind of model; a weight that is not >= 0; one pool for both directions;
        whatever `gan_loss` raises.
      TypeError: an argument that `gan_loss` does not have.

    Example:
      >>> model = tfgan.cyclegan_model((net(3), net(3)), (net(1), net(1)), dataset, dataset)
      >>> loss = tfgan.cyclegan_loss(model, cycle_consistency_loss_weight=20.0)
      >>> loss.loss_y2x.discriminator_loss.shape.as_list()
      []
    """
    if not isinstance(model, CycleGANModel):
        raise ValueError(
            "cyclegan_loss needs a CycleGANModel, as cyclegan_model makes it, got a"
            f" {type(model).__name__}."
        )
    check_weight("cycle_consistency_loss_weight", cycle_consistency_loss_weight)
    check_weight("identity_loss_weight", identity_loss_weight)
    unknown = sorted(set(kwargs) - set(inspect.signature(gan_loss).parameters))
    if unknown:
        raise TypeError(f"cyclegan_loss has no argument {', '.join(unknown)}, nor has gan_loss.")
    pools = _pools(kwargs.pop("tensor_pool_fn", None))
    name_terms = kwargs.get("add_summaries", True)

    cycle = {}
    if not is_off(cycle_consistency_loss_weight):

        def weighted(m: CycleGANModel) -> tf.Tensor:
            return cycle_consistency_loss_fn(m) * cycle_consistency_loss_weight

        cycle["cycle_consistency"] = defer(weighted, model, name="cycle_consistency", lazily=True)

    def direction(gan: GANModel, pool: LossFn | None, name: str) -> GANLoss:
        with tf.name_scope(f"cyclegan_loss_{name}"):
            loss = gan_loss(
                gan, generator_loss_fn, discriminator_loss_fn, tensor_pool_fn=pool, **kwargs
            )
            extra = dict(cycle)
            if not is_off(identity_loss_weight):
                extra["identity"] = _identity_loss(gan, identity_loss_weight)
            if not extra:
                return loss
            weights = {
                "cycle_consistency": cycle_consistency_loss_weight,
                "identity": identity_loss_weight,
            }
            total = with_extra_terms(loss.generator_loss, extra, name_terms, weights)
            return loss._replace(generator_loss=total)

    return CycleGANLoss(
        direction(model.model_x2y, pools[0], "x2y"), direction(model.model_y2x, pools[1], "y2x")
    )


@tf.autograph.experimental.do_not_convert
def stargan_loss(
    model: StarGANModel,
    generator_loss_fn: LossFn = _wasserstein_generator_loss,
    discriminator_loss_fn: LossFn = _wasserstein_discriminator_loss,
    gradient_penalty_weight: float | None = 10.0,
    gradient_penalty_epsilon: float = 1e-10,
    gradient_penalty_target: float = 1.0,
    gradient_penalty_one_sided: bool = False,
    reconstruction_loss_fn: LossFn = tf.compat.v1.losses.absolute_difference,
    reconstruction_loss_weight: float | None = 10.0,
    classification_loss_fn: LossFn = tf.compat.v1.losses.softmax_cross_entropy,
    classification_loss_weight: float | None = 1.0,
    classification_one_hot: bool = True,
    add_summaries: bool = True,
) -> GANLoss:
    """The losses of both networks of a StarGAN (Choi et al., arXiv:1711.09020).

    The regularisation losses that a network's layers declare are added to its own loss.

    Args:
      model: a StarGANModel.
      generator_loss_fn: a function of the model; see `losses.stargan_generator_loss_wrapper`.
      discriminator_loss_fn: the same for the discriminator.
      gradient_penalty_weight: weight >= 0 of the gradient penalty; None or 0 for none.
      gradient_penalty_epsilon: added to the squared slope, >= 0.
      gradient_penalty_target: the wanted slope, > 0.
      gradient_penalty_one_sided: whether only slopes above the target are penalised.
      reconstruction_loss_fn: a function of (input data, reconstructed data).
      reconstruction_loss_weight: its weight >= 0 in the generator's loss; None or 0 for none.
      classification_loss_fn: a function of labels [B, domains] and logits; its parameters may be
        named `onehot_labels`, `multi_class_labels` or `labels`, and `logits`.
      classification_loss_weight: its weight >= 0 in both losses; None or 0 for none.
      classification_one_hot: whether domains exclude each other. If not, each is a class of its own
        and their losses are added: the mean over the batch of the sum over the domains. The default
        function is then `tf.compat.v1.losses.sigmoid_cross_entropy`.
      add_summaries: whether the summaries of a training run name each part of a loss beside the
        total.

    Returns:
      A GANLoss of tensors, or of deferred values.

    Raises:
      ValueError: another kind of model; a weight that is not >= 0; labels that are not one-hot
        though `classification_one_hot` says so, as far as is known.

    Example:
      >>> images, domains = tfgan.from_dataset(labelled)
      >>> translator = net(3)
      >>> model = tfgan.stargan_model(
      ...     lambda images, target: translator(tf.concat([images, target], 1)),
      ...     lambda images, domains: tf.split(classifier(images), [1, domains], 1),
      ...     images,
      ...     domains,
      ... )
      >>> loss = tfgan.stargan_loss(model, classification_loss_weight=2.0)
    """
    if not isinstance(model, StarGANModel):
        raise ValueError(
            "stargan_loss needs a StarGANModel, as stargan_model makes it, got a"
            f" {type(model).__name__}."
        )
    check_weight("gradient_penalty_weight", gradient_penalty_weight)
    check_weight("reconstruction_loss_weight", reconstruction_loss_weight)
    check_weight("classification_loss_weight", classification_loss_weight)
    if classification_one_hot and not is_off(classification_loss_weight):
        check_one_hot("input_data_domain_label", model.input_data_domain_label, model.input_data)
    generator, discriminator = Terms("generator_loss"), Terms("discriminator_loss")

    def add(terms: Terms, name: str, fn: LossFn, weight: Any = 1.0) -> None:
        if not is_off(weight):
            value = defer(lambda m: fn(m) * weight, model, name=name, lazily=True)
            terms.add(name, value, weight=weight)

    def adversarial(loss_fn: LossFn) -> LossFn:
        kwargs = supported_kwargs(loss_fn, {"add_summaries": False})
        return lambda m: loss_fn(m, **kwargs)

    def classify(labels: str, logits: str) -> LossFn:
        def classification(m: StarGANModel) -> tf.Tensor:
            arguments = getattr(m, labels), getattr(m, logits)
            return _classification_loss(classification_loss_fn, classification_one_hot, *arguments)

        return classification

    def reconstruction(m: StarGANModel) -> tf.Tensor:
        kwargs = supported_kwargs(reconstruction_loss_fn, {"loss_collection": None})
        return reconstruction_loss_fn(m.input_data, m.reconstructed_data, **kwargs)

    add(generator, "adversarial", adversarial(generator_loss_fn))
    add(discriminator, "adversarial", adversarial(discriminator_loss_fn))
    if not is_off(gradient_penalty_weight):
        penalty = functools.partial(
            _gradient_penalty,
            epsilon=gradient_penalty_epsilon,
            target=gradient_penalty_target,
            one_sided=gradient_penalty_one_sided,
        )
        warn_of_batch_norm(model.discriminator_fn, ["wasserstein_gradient_penalty"])
        term = penalty_term(Penalty(penalty, gradient_penalty_weight), model)
        discriminator.add("gradient_penalty", term, weight=gradient_penalty_weight)
    add(generator, "reconstruction", reconstruction, reconstruction_loss_weight)
    add(
        generator,
        "classification",
        classify("generated_data_domain_target", "discriminator_generated_data_domain_predication"),
        classification_loss_weight,
    )
    add(
        discriminator,
        "classification",
        classify("input_data_domain_label", "discriminator_input_data_domain_predication"),
        classification_loss_weight,
    )
    generator.add_regularization(model.generator_fn)
    discriminator.add_regularization(model.discriminator_fn)
    return GANLoss(generator.total(add_summaries), discriminator.total(add_summaries))


def _identity_loss(model: GANModel, weight: Any) -> Any:
    """How much a generator changes what is in its domain already."""
    inputs, real = model.generator_inputs, model.real_data
    if not (hasattr(inputs, "shape") and hasattr(real, "shape")):
        raise ValueError("identity_loss_weight needs data that are single tensors.")
    if not inputs.shape.is_compatible_with(real.shape):
        raise ValueError(
            "identity_loss_weight needs both domains to have one shape, for a generator sees its"
            f" own domain too; the shapes are {inputs.shape} and {real.shape}."
        )

    def identity(m: GANModel) -> tf.Tensor:
        with m.generator_fn.statistics_kept():
            same = m.generator_fn(m.real_data)
        difference = tf.cast(same, tf.float32) - tf.cast(m.real_data, tf.float32)
        return tf.reduce_mean(tf.abs(difference)) * weight

    return defer(identity, model, name="identity", lazily=True)


def _pools(given: Any) -> tuple[LossFn | None, LossFn | None]:
    """One pool for each direction."""
    if isinstance(given, (tuple, list)):
        if len(given) != 2:
            raise ValueError(
                f"tensor_pool_fn must be a function or a pair (x2y, y2x), got {given!r}."
            )
        x2y, y2x = given
    else:
        x2y = y2x = given
    if x2y is y2x and isinstance(x2y, tf.Module):
        raise ValueError(
            "tensor_pool_fn is one pool for both directions, which would mix the domains: pass a"
            " pair, tensor_pool_fn=(x2y, y2x)."
        )
    return x2y, y2x


def _classification_loss(loss_fn: LossFn, one_hot: bool, labels: Any, logits: Any) -> tf.Tensor:
    if not one_hot and loss_fn is tf.compat.v1.losses.softmax_cross_entropy:
        loss_fn = tf.compat.v1.losses.sigmoid_cross_entropy
    kwargs = {"loss_collection": None}
    if not one_hot:
        kwargs["reduction"] = Reduction.NONE
    kwargs = supported_kwargs(loss_fn, kwargs)
    logits = tf.cast(logits, tf.float32)
    names = inspect.signature(loss_fn).parameters
    named = [n for n in ("onehot_labels", "multi_class_labels", "labels") if n in names]
    if named and "logits" in names:
        loss = loss_fn(**{named[0]: labels}, logits=logits, **kwargs)
    else:
        loss = loss_fn(labels, logits, **kwargs)
    if loss.shape.rank == 2:
        loss = tf.reduce_sum(loss, 1)
    return tf.reduce_mean(loss)
