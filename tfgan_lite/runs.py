"""Runs: evaluations in which every draw happens once, and every value is computed once.

What is drawn and computed, sources and deferred values, is defined elsewhere.
"""

from __future__ import annotations

import collections
import hashlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tfgan_lite.deferred import Deferred

__all__ = ["Run", "Source", "current_run", "random_key", "random_seed", "report"]


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
