"""A bounded sample of the rows of a stream, for the metrics that need features themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.accumulator import Accumulator, local_variable
from tfgan_lite.eval.checks import Array, as_matrix
from tfgan_lite.integers import checked_integer

__all__ = ["FeatureStore"]

# Priorities of examples are below, those of free places above.
_FREE = 2**62


class FeatureStore(Accumulator):
    """Features of a stream: all of them up to a capacity, then a uniform sample of that size.

    Each example gets a random priority, a hash of the seed and of its position in the stream; those
    with the lowest stay. So neither the cut into batches nor the order of merges affects which
    ones stay. All places are allocated at once: `capacity x num_features x 4` bytes, 410 MB for
    50,000 features of width 2048.

    Args:
      num_features: D.
      capacity: the most rows to hold.
      seed: an integer >= 0. Workers whose stores will be merged need different ones.
      name: of the module.

    Attributes:
      num_features: D.
      capacity: the most rows to hold.
      count: int64 variable: examples so far, those that were dropped among them.
      rows: float32 [capacity, D] variable; `result` gives the part in use.
      priorities: int64 [capacity] variable: the examples' places in the queue for staying.

    Example:
      >>> store = tfgan.eval.FeatureStore(num_features=3, capacity=50)
      >>> int(store.update_state(data)), store.result().shape.as_list()
      (64, [50, 3])
    """

    def __init__(self, num_features: int, capacity: int, seed: int = 0, name: str | None = None):
        super().__init__(name=name or "feature_store")
        self.num_features = checked_integer("num_features", num_features)
        self.capacity = checked_integer("capacity", capacity)
        self.seed = checked_integer("seed", seed, least=0)
        with tf.name_scope(self.name):
            self.count = local_variable([], tf.int64, "count")
            self.rows = local_variable([self.capacity, self.num_features], tf.float32, "rows")
            # Zero means a free place, so that all states begin as zeros.
            self.priorities = local_variable([self.capacity], tf.int64, "priorities")

    def update_state(self, features: Array) -> tf.Tensor:
        """Adds a batch.

        Args:
          features: finite real numbers [N, D], one row per example; kept as float32. N may differ
            from batch to batch, and may be zero.

        Returns:
          The number of examples so far, an int64 scalar.

        Raises:
          ValueError: another shape, NaN or infinity.
        """
        self._check_replicas()
        batch = as_matrix(features, "features", num_columns=self.num_features, dtype=tf.float32)
        count = self.count.read_value()
        total = count + tf.shape(batch, out_type=tf.int64)[0]
        return self._insert(total, batch, _priorities(tf.range(count, total), self.seed))

    def merge_state(self, others: Sequence[FeatureStore]) -> tf.Tensor:
        """Adds what other stores hold, and drops what is too much; see the base class."""
        others = self._checked(others)
        states = [(s.count.read_value(), s.rows, s.priorities.read_value()) for s in others]
        used = [tf.where(priorities > 0)[:, 0] for _, _, priorities in states]
        total = tf.add_n([self.count.read_value(), *(count for count, _, _ in states)])
        batch = tf.concat([tf.gather(s[1], i) for s, i in zip(states, used)], axis=0)
        priorities = tf.concat([tf.gather(s[2], i) for s, i in zip(states, used)], axis=0)
        return self._insert(total, batch, priorities)

    def result(self) -> tf.Tensor:
        """The rows that stayed, float32 [min(count, capacity), D].

        As long as none was dropped they are in the order in which they came.
        """
        return self.rows.read_value()[: tf.minimum(self.count, self.capacity)]

    def _insert(self, total: tf.Tensor, batch: tf.Tensor, priorities: tf.Tensor) -> tf.Tensor:
        """Puts the rows that deserve it into places that are free or deserve it less."""
        held = self.priorities.read_value()
        place = tf.range(self.capacity, dtype=tf.int64)
        # Among free places the first is taken first.
        held = tf.where(held > 0, held, _FREE + self.capacity - place)
        order = tf.argsort(tf.concat([held, priorities], axis=0), stable=True)
        stay, leave = order[: self.capacity], order[self.capacity :]
        taken = tf.sort(tf.boolean_mask(leave, leave < self.capacity))
        entering = tf.sort(tf.boolean_mask(stay, stay >= self.capacity)) - self.capacity
        places = taken[:, tf.newaxis]
        rows, entering = tf.gather(batch, entering), tf.gather(priorities, entering)
        with tf.control_dependencies([total, places, rows, entering]):
            assignments = [
                self.count.assign(total),
                self.rows.scatter_nd_update(places, rows),
                self.priorities.scatter_nd_update(places, entering),
            ]
        return self._count_after(assignments)

    def _variables(self) -> list[tf.Variable]:
        return [self.count, self.rows, self.priorities]


def _priorities(positions: tf.Tensor, seed: int) -> tf.Tensor:
    """Random integers from 1 to 2^62, each a function of the seed and of one position, int64.

    The mixing function of SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
    Generators", OOPSLA 2014.
    """
    words = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    z = tf.cast(positions + 1, tf.uint64) * np.uint64(0x9E3779B97F4A7C15) + words[0]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, np.uint64(shift)))
        z *= np.uint64(factor)
    z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, np.uint64(31)))
    return tf.cast(tf.bitwise.right_shift(z, np.uint64(2)), tf.int64) + 1
