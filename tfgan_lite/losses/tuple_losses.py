"""The losses of `losses.wargs`, taking a GANModel in place of its parts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from tfgan_lite.deferred import defer
from tfgan_lite.losses import wargs
from tfgan_lite.losses.penalties import logits_of

_LOGITS = ("discriminator_real_outputs", "discriminator_gen_outputs")


def args_to_gan_model(loss_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a loss on plain arguments take a model tuple.

    Args:
      loss_fn: a function whose parameters may be named like fields of a model tuple.

    Returns:
      A function of `(gan_model, **kwargs)`. Parameters named like fields come from the tuple, the
      others are keywords. With deferred values in the tuple its result is a deferred value.
      It raises ValueError when a keyword repeats a field, or a parameter is missing.
    """
    parameters = inspect.signature(loss_fn).parameters

    @functools.wraps(loss_fn)
    def loss_on_model(gan_model: Any, **kwargs: Any) -> Any:
        fields = [name for name in parameters if name in gan_model._fields]
        repeated = sorted(set(fields) & set(kwargs))
        if repeated:
            raise ValueError(
                f"{loss_fn.__name__} takes {', '.join(repeated)} from the model: use"
                " model._replace(...) or losses.wargs to give another."
            )
        unknown = sorted(set(kwargs) - set(parameters))
        if unknown:
            raise TypeError(f"{loss_fn.__name__} has no argument {', '.join(unknown)}.")
        missing = [
            name
            for name, p in parameters.items()
            if p.default is p.empty and name not in fields and name not in kwargs
        ]
        if missing:
            raise ValueError(f"{loss_fn.__name__} needs {', '.join(missing)}.")

        def on_values(model: Any) -> Any:
            return loss_fn(**{name: _field(model, name) for name in fields}, **kwargs)

        return defer(on_values, gan_model, name=loss_fn.__name__, lazily=True)

    first = inspect.Parameter("gan_model", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    others = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters.values()]
    loss_on_model.__signature__ = inspect.Signature([first, *others])
    return loss_on_model


def _field(model: Any, name: str) -> Any:
    value = getattr(model, name)
    return logits_of(value) if name in _LOGITS else value


wasserstein_generator_loss = args_to_gan_model(wargs.wasserstein_generator_loss)
wasserstein_discriminator_loss = args_to_gan_model(wargs.wasserstein_discriminator_loss)
wasserstein_hinge_generator_loss = args_to_gan_model(wargs.wasserstein_hinge_generator_loss)
wasserstein_hinge_discriminator_loss = args_to_gan_model(wargs.wasserstein_hinge_discriminator_loss)
wasserstein_gradient_penalty = args_to_gan_model(wargs.wasserstein_gradient_penalty)
minimax_generator_loss = args_to_gan_model(wargs.minimax_generator_loss)
minimax_discriminator_loss = args_to_gan_model(wargs.minimax_discriminator_loss)
modified_generator_loss = args_to_gan_model(wargs.modified_generator_loss)
modified_discriminator_loss = args_to_gan_model(wargs.modified_discriminator_loss)
least_squares_generator_loss = args_to_gan_model(wargs.least_squares_generator_loss)
least_squares_discriminator_loss = args_to_gan_model(wargs.least_squares_discriminator_loss)
