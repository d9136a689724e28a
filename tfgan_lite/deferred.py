"""Deferred values: what a graph calls a tensor, in a world without a graph.

A graph tensor names a computation that every `session.run` evaluates anew. A `Deferred` is the same
thing for TensorFlow 2: a named computation, evaluated inside a *run*. Within a run every value is
computed once and shared; two runs never share a draw. Called outside a run, a deferred value makes
one of its own and gives an eager tensor.

This module knows nothing of GANs.
"""

from __future__ import annotations

import functools
import itertools
import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.kept import keeping
from tfgan_lite.noise_keys import SINGLE_CALLS
from tfgan_lite.runs import Run, Source, current_run, random_key
from tfgan_lite.tracing import trace_of

__all__ = [
    "Deferred",
    "defer",
    "deferred_from",
    "leaves",
    "materialise",
]


class Deferred:
    """A computation that runs give values to.

    Args:
      compute: called with no arguments inside a run; gives a tensor or a structure of tensors.
      name: for `repr` and for messages.
      opaque: whether the value is an object that TensorFlow does not know, such as a distribution.

    Example:
      >>> model.generated_data
      <Deferred 'generated_data' shape=(8, 3) dtype=float32>
      >>> model.generated_data().shape.as_list()  # A run of its own, an eager tensor.
      [8, 3]
      >>> 2.0 * model.generated_data - 1.0  # Deferred again.
      <Deferred 'sub' shape=(8, 3) dtype=float32>
    """

    __array_priority__ = 1000  # `array + deferred` is ours to defer, not NumPy's to compute.

    def __init__(self, compute: Callable[[], Any], name: str, opaque: bool = False):
        self.compute = keeping(compute)
        self.merged: Any = None  # The MergedCalls that can compute this node together with another.
        self.name = name
        self.opaque = opaque

    def __call__(self) -> Any:
        """The value: the current run's, or that of a new run of its own."""
        run = current_run()
        if run is not None:
            return run.value(self)
        if not tf.executing_eagerly():
            raise TypeError(
                f"{self!r} is used inside a tf.function or a tf.Graph, where its value would be"
                " frozen. Call gan_model inside the tf.function or the graph, on its tensors."
            )
        with Run(key=_next_eager_key(), iterators=_EagerIterators()) as run:
            return run.value(self)

    def numpy(self) -> Any:
        """The value as NumPy arrays."""
        return tf.nest.map_structure(lambda x: x.numpy(), self())

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype=dtype)

    @functools.cached_property
    def trace(self) -> Any:
        """What the computation gives and needs, found by tracing it once without running it."""
        return trace_of(self)

    @property
    def spec(self) -> Any:
        """`tf.TensorSpec`s in the structure of the value."""
        return self.trace.spec

    @property
    def shape(self) -> tf.TensorShape:
        return self._single_spec().shape

    @property
    def dtype(self) -> tf.DType:
        return self._single_spec().dtype

    def _single_spec(self) -> tf.TensorSpec:
        if not isinstance(self.spec, tf.TensorSpec):
            raise AttributeError(f"{self.name} is a structure of tensors: {self.spec}")
        return self.spec

    def __repr__(self) -> str:
        if isinstance(self.spec, tf.TensorSpec):
            return f"<Deferred '{self.name}' shape={self.shape} dtype={self.dtype.name}>"
        return f"<Deferred '{self.name}' {self.spec}>"

    def __bool__(self):
        raise TypeError(f"{self!r} has no truth value: call it first.")

    def __iter__(self):
        raise TypeError(f"{self!r} cannot be iterated over: call it first.")


def defer(fn: Callable[..., Any], *args: Any, name: str | None = None, lazily: bool = False) -> Any:
    """`fn(*args)`, now or in every run.

    Args:
      fn: a function of tensors.
      *args: tensors, deferred values, or structures of them.
      name: the result's name; the function's own by default.
      lazily: named tuples reach `fn` as views whose fields are computed when they are read.

    Returns:
      With tensors only, or inside a run, the value. Otherwise a structure with a `Deferred` at each
      leaf, all tied to one evaluation of `fn` in each run.

    Example:
      >>> tfgan.defer(tf.reduce_mean, model.generated_data, name="mean")
      <Deferred 'mean' shape=() dtype=float32>
      >>> float(tfgan.defer(tf.reduce_mean, tf.constant([1.0, 3.0])))  # Of tensors, the value.
      2.0
    """
    if not any(isinstance(leaf, Deferred) for leaf in tf.nest.flatten(args)):
        return fn(*args)
    if current_run() is not None:
        return fn(*(_materialise(arg, lazily) for arg in args))
    name = name or getattr(fn, "__name__", "deferred")
    node = Deferred(lambda: fn(*(_materialise(arg, lazily) for arg in args)), name)
    return leaves(node)


def deferred_from(source: Source, structure: Any) -> Any:
    """`structure` with a deferred value at each leaf, all tied to the same draw of `source`."""

    def leaf(index: int) -> Deferred:
        name = f"{source.name}/{index}" if len(source.specs) > 1 else source.name
        return Deferred(lambda: current_run().draw(source)[index], name)

    return tf.nest.pack_sequence_as(structure, [leaf(i) for i in range(len(source.specs))])


def materialise(structure: Any) -> Any:
    """`structure` with the current run's values in place of deferred values."""
    return _materialise(structure, lazily=False)


def leaves(node: Deferred) -> Any:
    """The node itself, or the structure of its value with a deferred value at each leaf."""
    if isinstance(node.spec, tf.TensorSpec):
        return node

    def leaf(index: int) -> Deferred:
        return Deferred(lambda: tf.nest.flatten(node())[index], f"{node.name}/{index}")

    count = len(tf.nest.flatten(node.spec))
    return tf.nest.pack_sequence_as(node.spec, [leaf(i) for i in range(count)])


# How it works.


def _materialise(structure: Any, lazily: bool) -> Any:
    if lazily and hasattr(structure, "_fields"):
        return _view_type(type(structure))._make(structure)
    return tf.nest.map_structure(lambda x: x() if isinstance(x, Deferred) else x, structure)


@functools.cache
def _view_type(cls: type) -> type:
    """A subclass of a named tuple whose fields are materialised when they are read.

    A loss is a function of a whole model, of which it reads a field or two: the generator's loss
    must not pay for a pass over the real data.
    """

    def field(index: int) -> property:
        return property(lambda self: _materialise(tuple.__getitem__(self, index), lazily=True))

    fields = {name: field(index) for index, name in enumerate(cls._fields)}
    return type(cls.__name__, (cls,), {"__slots__": (), **fields})


_eager_runs = itertools.count()


def _next_eager_key() -> tf.Tensor:
    return random_key(-1 - next(_eager_runs) % SINGLE_CALLS, 0)


class _EagerIterators(dict):
    """Iterators for calls outside a session: each dataset has one, made at its first use."""

    def __missing__(self, source: Source) -> Iterator:
        if not hasattr(source, "eager_iterator"):
            source.eager_iterator = iter(source.dataset)
        return source.eager_iterator


def _operator(function: Callable[..., Any], reverse: bool = False) -> Callable[..., Any]:
    def method(self, *others):
        args = (*others, self) if reverse else (self, *others)
        return defer(function, *args, name=function.__name__)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    _function = getattr(operator, _name)
    setattr(Deferred, f"__{_name}__", _operator(_function))
    setattr(Deferred, f"__r{_name}__", _operator(_function, reverse=True))
for _name in ("neg", "abs", "getitem", "lt", "le", "gt", "ge"):
    setattr(Deferred, f"__{_name}__", _operator(getattr(operator, _name)))


def _to_tensor(value: Deferred, dtype=None, name=None, as_ref=False) -> tf.Tensor:
    del as_ref
    tensor = tf.convert_to_tensor(value(), dtype=dtype, name=name)
    if current_run() is None:
        warnings.warn(
            f"{value!r} is given to a TensorFlow function, which takes one draw of it: what comes"
            " out stays the same in all runs. To compute it in every run, pass the function to"
            " tfgan_lite.defer, as in tfgan_lite.defer(tf.one_hot, labels, 10), or map the"
            " dataset; to look at one draw, call the value.",
            stacklevel=2,
        )
    return tensor


tf.register_tensor_conversion_function(Deferred, _to_tensor)
