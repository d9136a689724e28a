"""The Keras layers that a network is made of, wherever its function has them."""

from __future__ import annotations

import collections
import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf

__all__ = ["held_layers", "used_layers"]

_LIBRARIES = frozenset(["builtins", "keras", "numpy", "tensorflow", "tf_keras", "tfgan_lite"])
_LONGEST = 1000  # Longer lists are of data.
_DEEPEST = 4  # Steps from the function to a layer: an object, its list, a helper, what that has.


def held_layers(fn: Callable[..., Any]) -> list[Any]:
    """The outermost Keras 3 and tf_keras layers that a function may call, itself if it is one.

    Found are those that it closes over, names as globals, or is bound to, and those in functions,
    containers and attributes of objects among these.

    Args:
      fn: a layer, a model, a `tf.Module`, another object, or a function.
    """
    found: dict[int, Any] = {}
    seen: dict[int, Any] = {}  # Kept alive, so that no other object gets the same id.
    left = collections.deque([(fn, 0)])  # The nearest first.
    while left:
        part, depth = left.popleft()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        if isinstance(part, _layer_classes()):
            found[id(part)] = part
        elif isinstance(part, tf.Module):
            left += [(each, depth) for each in tf.train.TrackableView.children(part).values()]
            left += [(each, depth + 1) for each in vars(part).values() if inspect.isroutine(each)]
        elif depth < _DEEPEST:
            left += [(each, depth + 1) for each in _parts(part)]
    inner = {id(x) for layer in found.values() for x in layer._flatten_layers() if x is not layer}
    return [layer for key, layer in found.items() if key not in inner]


def used_layers(layers: Iterable[Any], is_used: Callable[[Any], bool]) -> list[Any]:
    """The layers that a network uses.

    A layer that also holds other networks is replaced by its used parts.

    Args:
      layers: that its function may call.
      is_used: tells of a layer's variable whether the network uses it.
    """
    found = []
    for layer in layers:
        parts = list(layer._flatten_layers(include_self=False, recursive=False))
        if any(map(is_used, layer.variables)):
            is_whole = not parts or all(map(is_used, layer.trainable_variables))
            found += [layer] if is_whole else used_layers(parts, is_used)
    return found


def _layer_classes() -> tuple[type, ...]:
    """Of those versions of Keras that the program has imported."""
    versions = (sys.modules.get(name) for name in ("keras", "tf_keras"))
    return tuple(keras.layers.Layer for keras in versions if keras is not None)


def _parts(holder: Any) -> Iterator[Any]:
    """What may lead to a layer."""
    if isinstance(holder, functools.partial):
        yield from (holder.func, *holder.args, *holder.keywords.values())
    elif isinstance(holder, tf.types.experimental.PolymorphicFunction):
        yield holder.python_function
    elif isinstance(holder, (dict, list, tuple)):
        if len(holder) <= _LONGEST:
            yield from holder.values() if isinstance(holder, dict) else holder
    elif inspect.ismethod(holder):
        yield from (holder.__self__, holder.__func__)
    elif inspect.isfunction(holder) and _is_a_programs(holder.__module__):
        with contextlib.suppress(ValueError):  # A variable that has no value yet.
            variables = inspect.getclosurevars(holder)
            yield from (*variables.nonlocals.values(), *variables.globals.values())
    elif not inspect.isclass(holder) and _is_a_programs(type(holder).__module__):
        yield from getattr(holder, "__dict__", {}).values()


def _is_a_programs(module: str | None) -> bool:
    """Whether what is defined there may hold layers of a program."""
    return (module or "").split(".")[0] not in _LIBRARIES
