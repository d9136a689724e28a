"""The named terms of a network's loss, and their sum."""

from __future__ import annotations

import functools
import inspect
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.graph_notes import note, noted
from tfgan_lite.networks import Network
from tfgan_lite.worlds import in_plain_graph

__all__ = [
    "Terms",
    "supported_kwargs",
    "check_weight",
    "every_of",
    "with_extra_terms",
    "is_off",
    "recipe_of",
    "terms_of",
]


class Terms:
    """What one network minimises, term by term.

    Args:
      name: the name of the sum.
    """

    def __init__(self, name: str):
        self._name = name
        self._parts: dict[str, Any] = {}
        self._every: dict[str, int] = {}
        self._recipe: dict[str, dict[str, Any]] = {}

    def add(self, name: str, value: Any, every: int = 1, weight: Any = 1.0) -> None:
        """Adds a scalar, which the training computes in every k-th sub-step only.

        Args:
          name: the term's.
          value: a scalar, weighted already.
          every: k.
          weight: what it was weighted by, for the record.
        """
        unique, number = name, 1
        while unique in self._parts:
            number += 1
            unique = f"{name}_{number}"
        self._parts[unique] = value
        what = value.name if isinstance(value, Deferred) else name
        self._recipe[unique] = _entry(what, weight, every)
        if every > 1:
            self._every[unique] = every

    def add_regularization(self, network: Network) -> None:
        """Adds the regularisation losses that the network's layers declare."""

        def regularization(*losses: tf.Tensor) -> tf.Tensor:
            return tf.add_n([tf.cast(loss, tf.float32) for loss in losses])

        if network.regularization_losses:
            self.add("regularization", defer(regularization, *network.regularization_losses))

    def total(self, name_terms: bool) -> Any:
        """The sum, which knows its terms: all or, without names, those that are not always due."""
        named = self._parts if name_terms and len(self._parts) > 1 else {}
        named = {**{name: self._parts[name] for name in self._every}, **named}
        total = _sum(self._name, self._parts)
        return _attach_terms(total, _in_order(named, self._parts), self._every, self._recipe)


def with_extra_terms(
    loss: Any, extra: Mapping[str, Any], name_terms: bool, weights: Mapping[str, Any]
) -> Any:
    """A sum of `Terms` and further terms, weighted already, which knows them all."""
    named = terms_of(loss)
    if name_terms:
        named = {**(named or {"adversarial": loss}), **extra}
    total = _sum(_name_of(loss), {"adversarial": loss, **extra})
    recipe = {**recipe_of(loss), **{name: _entry(name, weights[name], 1) for name in extra}}
    return _attach_terms(total, named, every_of(loss), recipe)


def terms_of(loss: Any) -> dict[str, Any]:
    """The named parts of a loss that `gan_loss` made; empty where it is one part, or another's."""
    if isinstance(loss, Deferred):
        return getattr(loss, "terms", {})
    return noted(loss, "terms") or {}


def every_of(loss: Any) -> dict[str, int]:
    """Of the parts of a loss that are due in every k-th update only, the k."""
    if isinstance(loss, Deferred):
        return getattr(loss, "every", {})
    return noted(loss, "every") or {}


def recipe_of(loss: Any) -> dict[str, Any]:
    """How a loss is made up, in plain words and numbers, to be compared with another's."""
    if isinstance(loss, Deferred):
        return getattr(loss, "recipe", {"": {"what": loss.name}})
    return noted(loss, "recipe") or {}


def supported_kwargs(loss_fn: Callable[..., Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Of the keywords offered those that a function takes, and that are not bound already."""
    parameters = inspect.signature(loss_fn).parameters
    bound = getattr(loss_fn, "keywords", {})  # Of a functools.partial.
    offered = {name: value for name, value in offered.items() if name not in bound}
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        return offered
    return {name: value for name, value in offered.items() if name in parameters}


def check_weight(name: str, weight: Any) -> None:
    """Raises ValueError where a number is not >= 0, TypeError where it is no number at all."""
    if isinstance(weight, numbers.Real):
        if not weight >= 0:
            raise ValueError(f"{name} must be >= 0, got {weight}.")
    elif weight is not None and not hasattr(weight, "dtype"):
        raise TypeError(f"{name} must be a number, a variable or a tensor, got {weight!r}.")


def is_off(weight: Any) -> bool:
    """Whether a weight says that its term is not wanted."""
    return weight is None or (isinstance(weight, numbers.Real) and weight == 0)


def _entry(what: str, weight: Any, every: int) -> dict[str, Any]:
    """A line of a recipe."""
    known = isinstance(weight, numbers.Real)
    return {"what": what, "weight": float(weight) if known else "a variable", "every": int(every)}


def _sum(name: str, parts: Mapping[str, Any]) -> Any:
    def total(*values: tf.Tensor) -> tf.Tensor:
        return _total(dict(zip(parts, values)))

    return defer(total, *parts.values(), name=name)


def _total(values: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """The sum; where a loss is one of each element, scalars are added to each.

    Raises:
      ValueError: parts of different shapes other than a scalar's, such as [B, 1] and [B], whose sum
        would broadcast to a square.
    """
    shapes = {name: value.shape for name, value in values.items() if value.shape.rank != 0}
    first = next(iter(shapes.values()), None)
    if not all(shape.is_compatible_with(first) for shape in shapes.values()):
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"The parts of a loss must be scalars or have one shape, but they have: {told}. With"
            " another reduction than NONE each is a scalar."
        )
    if len(shapes) in (0, len(values)):
        return tf.add_n(list(values.values()))
    return functools.reduce(tf.add, values.values())


def _name_of(loss: Any) -> str:
    return loss.name if isinstance(loss, Deferred) else "loss"


def _in_order(named: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any]:
    return {name: named[name] for name in order if name in named}


def _attach_terms(
    total: Any, terms: dict[str, Any], every: dict[str, int], recipe: dict[str, Any]
) -> Any:
    if isinstance(total, Deferred):
        total.terms, total.every, total.recipe = terms, dict(every), dict(recipe)
    elif in_plain_graph():
        note(total, terms=terms, every=dict(every), recipe=dict(recipe))
    return total
