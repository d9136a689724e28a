"""What a network can be called with, by its signature."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

__all__ = ["Signature"]

_OF_KERAS = ("training", "mask")  # Parameters that layers have a meaning for.
_PLACES = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


class Signature:
    """How a network is to be called: a generator with inputs, a discriminator with data and inputs.

    Args:
      fn: a model, a module or a function.
      role: "generator" or "discriminator", for messages.

    Attributes:
      takes_training: whether it has a parameter `training`.
    """

    def __init__(self, fn: Callable[..., Any], role: str):
        self._fn, self._role = fn, role
        parameters = _parameters(fn)
        self.takes_training = "training" in parameters
        # A layer's own follow those that it is called with, and are told by name.
        others = itertools.takewhile(lambda p: p.name not in _OF_KERAS, parameters.values())
        self._positional = [p for p in others if p.kind in _PLACES]

    def takes(self, count: int, first: Any = None) -> bool:
        """Whether it can be called with so many inputs.

        Args:
          count: how many.
          first: the first of them, which a functional model may take in several parts.
        """
        parts = len(tf.nest.flatten(first))
        return self._takes_any or len(self._positional) >= count or len(self._inputs) > parts

    def fitted(self, args: Sequence[Any]) -> Sequence[Any]:
        """Those of the inputs that the network takes, in the form in which it takes them.

        Raises:
          ValueError: a functional model of another number of inputs.
        """
        self._check_none_is_left_out(args)
        if len(args) < 2 or self._takes_any or len(self._positional) >= len(args):
            return args
        if not self.takes(len(args), args[0]):
            return args[:1]
        leaves = tf.nest.flatten(args)  # A functional model takes them as one list.
        if len(leaves) != len(self._inputs):
            counts = [len(tf.nest.flatten(arg)) for arg in args]
            raise ValueError(
                f"The {self._role} is a model of {len(self._inputs)} inputs, but is called with"
                f" {' + '.join(map(str, counts))} tensors: data and, for a discriminator, the"
                " generator's inputs. Choose among them in a function, such as"
                " lambda data, inputs: model([data, inputs[1]])."
            )
        return (leaves,)

    def _check_none_is_left_out(self, args: Sequence[Any]) -> None:
        """Of a list of more tensors than it has inputs, a functional model drops the last."""
        # Of a dictionary it takes those that it names.
        is_list = args and isinstance(args[0], (list, tuple))
        count = len(tf.nest.flatten(args[0])) if is_list else 0
        if 0 < len(self._inputs) < count:
            raise ValueError(
                f"The {self._role} is a model of {len(self._inputs)} inputs, but is given {count}"
                " tensors, of which it would leave some out: make a model of as many inputs, or"
                " give it fewer. An unconditional generator takes noise alone."
            )

    @property
    def _takes_any(self) -> bool:
        return any(p.kind == p.VAR_POSITIONAL for p in self._positional)

    @property
    def _inputs(self) -> list[Any]:
        """A functional model's."""
        return tf.nest.flatten(getattr(self._fn, "inputs", None) or [])


def _parameters(fn: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Those of what is called in the end."""
    if hasattr(fn, "python_function"):  # Of a tf.function.
        return _parameters(fn.python_function)
    if isinstance(fn, functools.partial) and not fn.args:
        given = _parameters(fn.func)
        return {name: given[name] for name in given if name not in fn.keywords}
    owner = getattr(fn, "__self__", None)
    if hasattr(owner, "call") and fn.__name__ == "__call__":
        return _parameters(owner)
    call = getattr(fn, "call", None)  # A Keras layer's own signature is (*args, **kwargs).
    if call is None:
        call = fn
    try:
        return dict(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        return {}
