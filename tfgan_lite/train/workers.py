"""The processes that train together, and what they must agree on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import logging

__all__ = ["Workers"]


class Workers:
    """The workers of a MultiWorkerMirroredStrategy; under any other strategy there is one.

    All of them run the same compiled calls in the same order, or they wait for each other for ever.
    So what one process alone would decide by its clock, its hooks or its signals, all decide.

    Args:
      strategy: the strategy that the networks were made under.

    Attributes:
      count: how many there are.
      index: which one this process is.
      is_chief: whether this is the one that writes checkpoints and summaries.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        self.count, self.index = 1, 0
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            tasks = resolver.cluster_spec().as_dict()
            chiefs, workers = len(tasks.get("chief", ())), len(tasks.get("worker", ()))
            self.count = max(1, chiefs + workers)
            self.index = (resolver.task_id or 0) + (chiefs * (resolver.task_type == "worker"))
        self.is_chief = self.index == 0
        # A function of its own: called eagerly, `gather` would be traced anew each time.
        self._gathered = tf.function(lambda x: strategy.gather(x, axis=0), autograph=False)

    def any(self, flag: bool) -> bool:
        """Whether any worker says so."""
        return bool(self.gather(int(flag)).max())

    def all(self, flag: bool) -> bool:
        """Whether all workers say so."""
        return bool(self.gather(int(flag)).min())

    def minimum(self, number: int) -> int:
        """The least of all workers' numbers."""
        return int(self.gather(number).min())

    def chief_says(self, flag: bool) -> bool:
        """What the chief says."""
        return bool(self.gather(int(flag))[0])

    @contextlib.contextmanager
    def logging_lost_workers(self) -> Iterator[None]:
        """Logs what to do where another worker's end has also ended this one's work."""
        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError):
            if self.count > 1:
                logging.error(
                    "Another worker is gone. Start all workers again, each with the same command:"
                    " training resumes from the last checkpoint."
                )
            raise

    def gather(self, number: int) -> np.ndarray:
        """Every worker's number, in their order; each waits for all others to tell theirs."""
        if self.count == 1:
            return np.array([number])
        mine = self._strategy.experimental_distribute_values_from_function(
            lambda unused_context: tf.constant([number], tf.int64)
        )
        of_replicas = self._gathered(mine).numpy()
        return of_replicas[:: len(of_replicas) // self.count]
