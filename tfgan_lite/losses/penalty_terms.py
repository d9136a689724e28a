"""Penalties as terms of a loss: weighted, due in every k-th update, and leaving no trace."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.integers import checked_integer
from tfgan_lite.losses import tuple_losses
from tfgan_lite.losses.on_models import name_of, unwrapped
from tfgan_lite.losses.terms import check_weight
from tfgan_lite.networks import Network
from tfgan_lite.worlds import in_plain_graph

__all__ = ["Penalty", "is_penalty", "penalty_term", "warn_of_batch_norm"]

# They take the gradient of each example's own logit.
_OF_SLOPES = frozenset(
    {
        tuple_losses.wasserstein_gradient_penalty,
        tuple_losses.r1_penalty,
        tuple_losses.r2_penalty,
        tuple_losses.dragan_penalty,
    }
)


class Penalty(NamedTuple):
    """One entry of `gan_loss`'s penalties.

    Attributes:
      fn: a function of a model that gives a scalar.
      weight: its factor, >= 0.
      every: in which sub-steps of its network it is computed, every k-th; its gain makes up for the
        others.
    """

    fn: Callable[[Any], Any]
    weight: Any = 1.0
    every: int = 1

    @property
    def name(self) -> str:
        return name_of(self.fn)

    @property
    def of_generator(self) -> bool:
        return getattr(unwrapped(self.fn), "network", "discriminator") == "generator"

    @property
    def is_of_slopes(self) -> bool:
        return unwrapped(self.fn) in _OF_SLOPES

    @classmethod
    def parse(cls, penalties: Sequence[Any]) -> list[Penalty]:
        """Entries `(penalty, weight, every)`, of which the last may be left out, as Penalties.

        Raises:
          TypeError: not a list of such entries.
          ValueError: a weight below 0, or an `every` that is not an integer >= 1.
        """
        form = "penalties must be a list of tuples (penalty, weight, every)"
        if not isinstance(penalties, (list, tuple)):
            raise TypeError(f"{form}, got {penalties!r}.")
        parsed = []
        for entry in penalties:
            parts = (entry,) if callable(entry) else entry
            if not (isinstance(parts, (list, tuple)) and 1 <= len(parts) <= 3):
                raise TypeError(f"{form}; an entry is {entry!r}.")
            penalty = cls(*parts)
            if not callable(penalty.fn):
                raise TypeError(f"{form}, of which penalty is a function; it is {penalty.fn!r}.")
            check_weight(f"The weight of penalty {penalty.name}", penalty.weight)
            checked_integer(f"every of penalty {penalty.name}", penalty.every)
            parsed.append(penalty)
        return parsed


def penalty_term(penalty: Penalty, model: Any) -> Any:
    """The penalty of the model with its weight and its gain, as a value.

    The networks that it probes learn nothing from that: their statistics stay.

    Raises:
      ValueError: a penalty that is not always due, inside a tf.function.
    """
    if penalty.every > 1 and tf.inside_function():
        raise ValueError(
            f"Penalty {penalty.name} has every={penalty.every}, but nobody counts updates inside a"
            " tf.function of your own: leave it out of penalties, call it in the steps in which you"
            f" want it, and multiply it by {penalty.every}."
        )

    def on_values(m: Any) -> tf.Tensor:
        with m.generator_fn.statistics_kept(), m.discriminator_fn.statistics_kept():
            value = tf.cast(penalty.fn(m), tf.float32)
        return value * penalty.weight * float(penalty.every)

    if penalty.every > 1 and in_plain_graph():
        return _in_every_kth_update(lambda: on_values(model), penalty)
    term = defer(on_values, model, name=penalty.name, lazily=True)
    if isinstance(term, Deferred):
        term.is_penalty = True
    return term


def is_penalty(term: Deferred) -> bool:
    """Whether `penalty_term` made the term of a loss."""
    return getattr(term, "is_penalty", False)


def warn_of_batch_norm(discriminator: Network, penalty_names: Sequence[str]) -> None:
    """Warns of penalties of each example's slope where a layer mixes the examples of a batch."""
    parts = [discriminator.fn, *discriminator.layers] if penalty_names else []
    kind = next(filter(None, map(_batch_norm_in, parts)), None)
    if kind is not None:
        warnings.warn(
            f"The discriminator has a layer of kind {kind}, which mixes the examples of a batch,"
            f" while {', '.join(penalty_names)} is about the slope at each example by itself. Use"
            " a layer that normalises within an example, such as LayerNormalization"
            " (arXiv:1704.00028, section 4).",
            stacklevel=4,
        )


def _in_every_kth_update(compute: Callable[[], tf.Tensor], penalty: Penalty) -> tf.Tensor:
    """In a graph, the value in every k-th update of the network, the first included, and else 0."""
    network = "generator" if penalty.of_generator else "discriminator"
    updates = Counters().updates_of(network)

    # A function, because a branch of a plain graph would not keep its assignments in order.
    @tf.function(autograph=False)
    def term() -> tf.Tensor:
        due = tf.equal(updates % penalty.every, 0)
        return tf.cond(due, compute, lambda: tf.zeros([]))

    return term()


def _batch_norm_in(fn: Any) -> str | None:
    """The kind of a batch norm layer in a Keras model or a module."""
    flatten = getattr(fn, "_flatten_layers", None)
    layers = flatten() if callable(flatten) else getattr(fn, "submodules", ())
    for layer in layers:
        if any("BatchNorm" in cls.__name__ for cls in type(layer).__mro__):
            return type(layer).__name__
    return None
