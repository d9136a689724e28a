"""The kinds of GAN that a KerasGAN can be: what its data are, which calls it makes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite import losses
from tfgan_lite.keras_gan.inputs import CodeHeads
from tfgan_lite.losses import cyclegan_loss, gan_loss, stargan_loss
from tfgan_lite.models import acgan_model, gan_model, infogan_model
from tfgan_lite.sources import from_dataset
from tfgan_lite.translation import cyclegan_model, stargan_model

__all__ = ["KINDS", "check", "check_options", "connect", "loss_functions", "loss_of"]

KINDS = ("gan", "infogan", "acgan", "cyclegan", "stargan")

# Default losses: the non-saturating losses of the GAN paper, or those of the kind's own paper.
_DEFAULT_LOSSES = {"cyclegan": "least_squares", "stargan": "wasserstein"}


def check(kind: str, generator: Any, discriminator: Any, noise: Any, codes: Any) -> None:
    """Raises ValueError where a kind is unknown, lacks something, or gets what it does not have."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
    wanted = {"noise": kind not in ("cyclegan", "stargan"), "codes": kind == "infogan"}
    for name, value in (("noise", noise), ("codes", codes)):
        if wanted[name] and value is None:
            raise ValueError(f"kind={kind!r} needs {name}.")
        if value is not None and not wanted[name]:
            raise ValueError(f"kind={kind!r} has no {name}.")
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if _is_pair(network) != (kind == "cyclegan"):
            expected = "a pair (x2y, y2x)" if kind == "cyclegan" else "one network"
            raise ValueError(f"kind={kind!r} needs {expected} as its {name}, got {network!r}.")


def connect(
    kind: str, generator: Any, discriminator: Any, dataset: tf.data.Dataset, noise: Any, codes: Any
) -> Any:
    """The model of the networks and the data, as `gan_model` and its like make it.

    Args:
      kind: one of KINDS.
      generator, discriminator: networks; for a CycleGAN pairs of them.
      dataset: batches, or pairs of them: of data and conditions (a conditional GAN), data and
        one-hot labels (ACGAN, StarGAN), data of both domains (CycleGAN).
      noise: the distribution of the generator's noise, if it takes any.
      codes: of an InfoGAN, a list of distributions.

    Raises:
      ValueError: elements that are no pairs, where the kind needs pairs; whatever the call raises.
    """
    element = from_dataset(dataset)
    if kind == "infogan":
        heads = CodeHeads(discriminator, codes)
        return infogan_model(generator, heads, element, [noise], codes)
    if kind == "gan":
        if not _is_pair(element):
            return gan_model(generator, discriminator, element, noise)
        data, condition = element
        return gan_model(generator, discriminator, data, [noise, condition])
    if not _is_pair(element):
        wanted = "(x, y)" if kind == "cyclegan" else "(data, one-hot labels)"
        raise ValueError(
            f"The data of kind={kind!r} are pairs {wanted}, but the dataset's elements are"
            f" {dataset.element_spec}: tf.data.Dataset.zip((first, second)) makes pairs."
        )
    first, second = element
    if kind == "acgan":
        return acgan_model(generator, discriminator, first, [noise, second], second)
    make = {"cyclegan": cyclegan_model, "stargan": stargan_model}[kind]
    return make(generator, discriminator, first, second)


def loss_of(
    kind: str, model: Any, functions: Any, penalties: Sequence[Any], options: Mapping[str, Any]
) -> Any:
    """The model's losses.

    Args:
      kind: one of KINDS.
      model: what `connect` gave.
      functions: see `loss_functions`.
      penalties: as `gan_loss` takes them.
      options: further arguments of the loss call.
    """
    if penalties:
        options = {**options, "penalties": penalties}
    return _loss_call(kind)(model, *loss_functions(kind, functions), **options)


def loss_functions(kind: str, functions: Any) -> tuple[Any, Any]:
    """The generator's and the discriminator's loss function.

    Args:
      kind: one of KINDS.
      functions: a name such as "wasserstein", a pair of functions of the model, or None.

    Raises:
      ValueError: an unknown name, or not a pair of functions.
    """
    name = _DEFAULT_LOSSES.get(kind, "modified") if functions is None else functions
    if not isinstance(name, str):
        if not (_is_pair(name) and all(callable(function) for function in name)):
            raise ValueError(
                "losses must be a name or a pair (generator_loss_fn, discriminator_loss_fn) of"
                f" functions of the model, got {name!r}."
            )
        return tuple(name)
    if name not in _loss_names():
        raise ValueError(f"losses must be one of {', '.join(_loss_names())}, got {name!r}.")
    if kind != "stargan":
        return tuple(getattr(losses, f"{name}_{role}_loss") for role in _ROLES)
    wrappers = losses.stargan_generator_loss_wrapper, losses.stargan_discriminator_loss_wrapper
    plain = [getattr(losses.wargs, f"{name}_{role}_loss") for role in _ROLES]
    return tuple(wrap(function) for wrap, function in zip(wrappers, plain))


def check_options(kind: str, penalties: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Raises TypeError where the loss call of the kind has no such argument."""
    call = _loss_call(kind)
    known = set(inspect.signature(call).parameters) - {"kwargs"}
    if call is not stargan_loss:  # A CycleGAN's goes on to gan_loss.
        known |= set(inspect.signature(gan_loss).parameters)
    known -= {"model", "generator_loss_fn", "discriminator_loss_fn"}
    unknown = sorted(set(options) - known)
    if penalties and "penalties" not in known:
        unknown.append("penalties")
    if unknown:
        raise TypeError(
            f"compile of kind={kind!r} has no argument {', '.join(unknown)}; beside its own it"
            f" takes those of {call.__name__}: {', '.join(sorted(known - {'penalties'}))}."
        )


_ROLES = ("generator", "discriminator")


def _loss_call(kind: str) -> Any:
    return {"cyclegan": cyclegan_loss, "stargan": stargan_loss}.get(kind, gan_loss)


def _loss_names() -> list[str]:
    suffix = "_generator_loss"
    names = [name.removesuffix(suffix) for name in losses.__all__ if name.endswith(suffix)]
    return sorted(set(names) - {"acgan"})  # Which is a term beside an adversarial loss.


def _is_pair(element: Any) -> bool:
    return isinstance(element, (tuple, list)) and len(element) == 2
