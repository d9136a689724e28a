"""Makes losses on plain arguments take a StarGANModel (arXiv:1711.09020)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tfgan_lite.deferred import defer
from tfgan_lite.losses.on_models import described_as, name_of, signature_on
from tfgan_lite.structures import StarGANModel


def stargan_generator_loss_wrapper(loss_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a generator's loss on logits take a StarGANModel.

    Args:
      loss_fn: a function of the logits of generated data, such as
        `losses.wargs.wasserstein_generator_loss`, or, where its first parameter is named
        `discriminator_real_outputs`, of those of real and generated data.

    Returns:
      A function of `(stargan_model, **kwargs)`, which passes keywords on. With deferred values in
      the model its result is a deferred value.

    Example:
      >>> hinge = tfgan.losses.wargs.wasserstein_hinge_generator_loss
      >>> tfgan.losses.stargan_generator_loss_wrapper(hinge).__name__  # For stargan_loss.
      'wasserstein_hinge_generator_loss'
    """

    def arguments(model: StarGANModel) -> tuple[Any, ...]:
        if _needs_both(loss_fn):
            return _both_logits(model)
        return (model.discriminator_generated_data_source_predication,)

    return _on_stargan_model(loss_fn, arguments, 2 if _needs_both(loss_fn) else 1)


def stargan_discriminator_loss_wrapper(loss_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a discriminator's loss on logits take a StarGANModel.

    Args:
      loss_fn: a function of the logits of real and of generated data, such as
        `losses.wargs.wasserstein_discriminator_loss`.

    Returns:
      A function of `(stargan_model, **kwargs)`, which passes keywords on. With deferred values in
      the model its result is a deferred value.

    Example:
      >>> hinge = tfgan.losses.wargs.wasserstein_hinge_discriminator_loss
      >>> tfgan.losses.stargan_discriminator_loss_wrapper(hinge).__name__  # For stargan_loss.
      'wasserstein_hinge_discriminator_loss'
    """
    return _on_stargan_model(loss_fn, _both_logits, 2)


def stargan_gradient_penalty_wrapper(loss_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a gradient penalty on plain arguments take a StarGANModel.

    Args:
      loss_fn: a function of `(real_data, generated_data, generator_inputs, discriminator_fn,
        discriminator_scope)`, such as `losses.wargs.wasserstein_gradient_penalty`. It gets the
        number of domains as `generator_inputs`, which is what StarGAN's discriminator takes.

    Returns:
      A function of `(stargan_model, **kwargs)`, which passes keywords on. With deferred values in
      the model its result is a deferred value.

    Example:
      >>> penalty = tfgan.losses.wargs.wasserstein_gradient_penalty
      >>> tfgan.losses.stargan_gradient_penalty_wrapper(penalty).network
      'discriminator'
    """

    def arguments(model: StarGANModel) -> tuple[Any, ...]:
        domains = model.input_data_domain_label.shape[-1]
        return (
            model.input_data,
            model.generated_data,
            domains,
            model.discriminator_fn,
            model.discriminator_scope,
        )

    wrapped = _on_stargan_model(loss_fn, arguments, 5)
    wrapped.network = "discriminator"
    return wrapped


def _both_logits(model: StarGANModel) -> tuple[Any, ...]:
    return (
        model.discriminator_input_data_source_predication,
        model.discriminator_generated_data_source_predication,
    )


def _needs_both(loss_fn: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(loss_fn).parameters), None) == "discriminator_real_outputs"


def _on_stargan_model(
    loss_fn: Callable[..., Any], arguments: Callable[[StarGANModel], tuple[Any, ...]], given: int
) -> Callable[..., Any]:
    name = name_of(loss_fn)

    def loss_on_model(stargan_model: StarGANModel, **kwargs: Any) -> Any:
        if not isinstance(stargan_model, StarGANModel):
            raise ValueError(
                f"This {name} needs a StarGANModel, as stargan_model makes it, not a"
                f" {type(stargan_model).__name__}."
            )

        def on_values(model: StarGANModel) -> Any:
            return loss_fn(*arguments(model), **kwargs)

        return defer(on_values, stargan_model, name=name, lazily=True)

    others = list(inspect.signature(loss_fn).parameters.values())[given:]
    return described_as(loss_on_model, loss_fn, signature_on("stargan_model", others))
