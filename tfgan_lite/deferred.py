"""Deferred values: what a graph calls a tensor, in a world without a graph.

A graph tensor names a computation that every `session.run` evaluates anew. A `Deferred` is the same
thing for TensorFlow 2: a named computation, evaluated inside a *run*. Within a run every value is
computed once and shared; two runs never share a draw. Called outside a run, a deferred value makes
one of its own and gives an eager tensor.

This module knows nothing of GANs.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import itertools
import operator
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from tfgan_lite.kept import keeping
from tfgan_lite.noise_keys import SINGLE_CALLS

__all__ = [
    "Deferred",
    "Run",
    "Source",
    "current_run",
    "defer",
    "deferred_from",
    "leaves",
    "materialise",
    "random_key",
    "random_seed",
    "report",
]


class Source(Protocol):
    """Where fresh values come from; `tfgan_lite.sources` has the kinds."""

    name: str
    order: int  # Its place among all sources, in which they were made: runs draw in this order.
    specs: list[tf.TensorSpec]  # One for each leaf that a draw gives.
    requires: tuple[Source, ...]  # Sources that this one reads in the same draw.

    def draw(self, run: Run) -> list[tf.Tensor]: ...


class Run:
    """One evaluation: one draw from each source, each value computed at most once.

    Args:
      draws: values that are drawn already, one list for each source.
      key: int32 tensor [2], different for every run; all of the run's randomness derives from it.
      seed: the program's seed, a Python integer.
      training: what networks get as their `training` argument.
      values: values that are known already, as a graph's `feed_dict` gives them.
      iterators: a dataset source's iterator, for runs that draw by themselves.
      batch_size: examples to draw where the number does not follow from the data.
      merges: the `MergedCalls` to use in this run: each computes several nodes in one forward pass.
    """

    def __init__(
        self,
        draws: Mapping[Source, list[tf.Tensor]] | None = None,
        *,
        key: tf.Tensor | None = None,
        seed: int = 0,
        training: bool = False,
        values: Mapping[Deferred, Any] | None = None,
        iterators: Mapping[Source, Any] | None = None,
        batch_size: int | tf.Tensor | None = None,
        merges: frozenset[Any] = frozenset(),
    ):
        self.draws = dict(draws or {})
        self.iterators = iterators if iterators is not None else {}
        self.seed = seed
        self.training = training
        self.batch_size = batch_size
        self.merges = merges
        self.reports: dict[str, tf.Tensor] = {}
        self.key = key
        self.seeds_given: collections.Counter[str] = collections.Counter()
        self.fed = dict(values or {})
        self._values = dict(self.fed)

    def draw(self, source: Source) -> list[tf.Tensor]:
        """The source's values in this run."""
        if source not in self.draws:
            for each in source.requires:
                self.draw(each)
            self.draws[source] = source.draw(self)
        return self.draws[source]

    def value(self, node: Deferred) -> Any:
        """The node's value in this run."""
        if node not in self._values:
            self._values[node] = node.compute()
        return self._values[node]

    def know(self, node: Deferred, value: Any) -> None:
        """Takes a value that was computed together with another."""
        self._values[node] = value

    def random_seed(self, salt: str) -> tf.Tensor:
        """An int32 seed [2], a pure function of (seed, key, replica, salt)."""
        digest = hashlib.blake2b(f"{self.seed}/{salt}".encode(), digest_size=8).digest()
        offset = tf.constant(np.frombuffer(digest, np.int32))
        return self.key + offset + _replica_offset()

    def __enter__(self) -> Run:
        self.graph = tf.compat.v1.get_default_graph()
        _stack().append(self)
        return self

    def __exit__(self, *unused_error) -> None:
        _stack().pop()


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
        from tfgan_lite.tracing import trace_of

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


def current_run() -> Run | None:
    """The run in progress in this thread, if any."""
    return _stack()[-1] if _stack() else None


def random_key(round_number: Any, sub_step: Any) -> tf.Tensor:
    """The key of a run: its round and its place in the round, int32 [2]; see `noise_keys`."""
    return tf.stack([tf.cast(round_number, tf.int32), tf.cast(sub_step, tf.int32)])


def random_seed(salt: str) -> tf.Tensor | None:
    """A stateless seed of the current run, another in every call; None outside a run."""
    run = current_run()
    if run is None:
        return None
    number = run.seeds_given[salt]
    run.seeds_given[salt] += 1
    return run.random_seed(f"{salt}/{number}" if number else salt)


def report(name: str, value: tf.Tensor) -> None:
    """Notes a scalar of the current run, for an update to report with its loss.

    Does nothing outside a run, in a conditional, or in a nested `tf.function`, whose tensors nobody
    outside may read.
    """
    run = current_run()
    if run is not None and run.graph is tf.compat.v1.get_default_graph():
        run.reports[name] = value


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


_local = threading.local()


def _stack() -> list[Run]:
    if not hasattr(_local, "runs"):
        _local.runs = []
    return _local.runs


def _replica_offset() -> Any:
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    # The odd constant keeps replicas apart from neighbouring rounds and sub-steps.
    return tf.stack([0, context.replica_id_in_sync_group * 0x3779B1])


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
