"""What deferred values give and need, found by tracing their computations without running them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from tfgan_lite.runs import Run, Source

if TYPE_CHECKING:
    from tfgan_lite.deferred import Deferred

__all__ = [
    "Trace",
    "needed_by",
    "program_of",
    "rehearse",
    "reports_of",
    "sources_of",
    "trace_of",
    "variables_of",
]


class Trace(NamedTuple):
    """What is known of a deferred value without running it."""

    spec: Any  # tf.TensorSpecs in the structure of the value.
    needs: tuple[Deferred, ...]  # The deferred values it reads directly, in order of first use.
    sources: tuple[Source, ...]  # The sources it reads directly.
    variables: tuple[tf.Variable, ...]  # The variables it reads directly, in order of first use.
    operations: frozenset[str]  # The kinds of TensorFlow's operations that compute it from these.
    reports: tuple[str, ...]  # Names of the scalars that it reports.


def sources_of(fetches: Iterable[Deferred], known: Collection[Deferred] = ()) -> tuple[Source, ...]:
    """The sources that a run of `fetches` draws from, each after those it requires."""
    direct = [s for node in needed_by(fetches, known) for s in node.trace.sources]
    found = dict.fromkeys(each for source in direct for each in (*source.requires, source))
    return tuple(sorted(found, key=lambda source: (len(source.requires), source.order)))


def variables_of(fetches: Iterable[Deferred]) -> list[tf.Variable]:
    """The variables that a run of `fetches` touches, in a fixed order."""
    found = [v for node in needed_by(fetches, ()) for v in node.trace.variables]
    return list({id(v): v for v in found}.values())


def reports_of(fetches: Iterable[Deferred]) -> list[str]:
    """Names of the scalars that a run of `fetches` reports, in a fixed order."""
    return list(dict.fromkeys(x for node in needed_by(fetches, ()) for x in node.trace.reports))


def needed_by(fetches: Iterable[Deferred], known: Collection[Deferred]) -> Iterator[Deferred]:
    """Each deferred value that a run of `fetches` computes, those aside that are known."""
    seen, stack = set(known), list(fetches)[::-1]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            yield node
            stack.extend(node.trace.needs)


class _TracingRun(Run):
    """Gives stand-ins in place of values, and notes what was asked for."""

    def __init__(self, stand_in: Callable[[tf.TensorSpec], tf.Tensor], training: bool):
        super().__init__(key=tf.zeros([2], tf.int32), training=training)
        self._stand_in = stand_in
        self.needs: dict[Deferred, None] = {}
        self.sources: dict[Source, None] = {}

    def value(self, node: Deferred) -> Any:
        if node.opaque:  # It has no placeholder: who reads it computes it, and needs its needs.
            return super().value(node)
        if node not in self._values:
            self.needs.setdefault(node)
            self._values[node] = tf.nest.map_structure(self._stand_in, node.spec)
        return self._values[node]

    def draw(self, source: Source) -> list[tf.Tensor]:
        if source not in self.draws:
            self.sources.setdefault(source)
            self.draws[source] = [self._stand_in(spec) for spec in source.specs]
        return self.draws[source]


def trace_of(node: Deferred) -> Trace:
    """Traces the value's computation once, without running it."""
    run = _TracingRun(_placeholder, training=True)

    def body():
        with run:
            value = node.compute()
            return () if node.opaque else value

    made = tf.function(body, autograph=False).get_concrete_function()
    spec = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), made.structured_outputs)
    return Trace(
        spec,
        tuple(run.needs),
        tuple(run.sources),
        _variables_of(made.graph),
        _operations(made.graph),
        tuple(run.reports),
    )


def rehearse(node: Deferred) -> None:
    """Computes the value once, of zeros and at inference, so that networks build themselves."""
    with _TracingRun(_zeros, training=False):
        node.compute()


def _variables_of(graph: Any) -> tuple[tf.Variable, ...]:
    """A function graph's variables; `graph.variables` has them, in no fixed order."""
    order = {id(outer): index for index, (outer, _) in enumerate(graph.captures)}
    return tuple(sorted(graph.variables, key=lambda v: order.get(id(v.handle), len(order))))


def _operations(graph: Any) -> frozenset[str]:
    """The kinds of a graph's operations, those of functions that it calls among them."""
    bodies = [function.node_def for function in graph.as_graph_def().library.function]
    called = {node.op for body in bodies for node in body}
    return frozenset(called | {operation.type for operation in graph.get_operations()})


def _placeholder(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.compat.v1.placeholder(spec.dtype, spec.shape)


def _zeros(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.zeros([1 if size is None else size for size in spec.shape], spec.dtype)


def program_of(function: Callable[..., Any], **options: Any) -> Any:
    """A `tf.function` of its own, for functions that are made again and again of one code.

    TensorFlow warns of a function that is traced too often, and takes all of one code for one.

    Args:
      function: called as it is, without autograph.
      **options: those of `tf.function`.
    """
    return tf.function(functools.partial(function), autograph=False, **options)
