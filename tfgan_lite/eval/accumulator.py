"""What the streaming accumulators share: a state in variables, updated in one step."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.worlds import in_plain_graph

__all__ = ["Accumulator"]


class Accumulator(tf.Module):
    """Sums over a stream of batches.

    It works like Keras's metrics: eagerly, in a `tf.function` and in a `tf.Graph`:

        statistics = GaussianStatistics(num_features=2048)
        for batch in batches:
            statistics.update_state(features_of(batch))
        distance = frechet_distance(statistics, reference)

    Every example has the same weight, however the stream is cut into batches. Replicas and workers
    have one accumulator each, made outside of the strategy's scope, and `merge_state` adds them up:

        statistics = [GaussianStatistics(2048) for _ in range(strategy.num_replicas_in_sync)]
        for batch in strategy.experimental_distribute_dataset(dataset):
            features = strategy.run(features_of, args=(batch,))
            for each, part in zip(statistics, strategy.experimental_local_results(features)):
                each.update_state(part)
        statistics[0].merge_state(statistics[1:])

    `tf.train.Checkpoint` saves the
    state. In a graph the variables are local (`tf.compat.v1.local_variables_initializer`).
    """

    def update_state(self, *args: Any) -> tf.Tensor:
        """Adds a batch; gives the number of examples so far, int64."""
        raise NotImplementedError

    def result(self) -> Any:
        """What the examples so far amount to."""
        raise NotImplementedError

    def merge_state(self, others: Sequence[Accumulator]) -> tf.Tensor:
        """Adds what other accumulators have seen; gives the number of examples so far, int64.

        Args:
          others: accumulators of this class and with as many features or classes; they are not
            changed. In a `tf.distribute` program, those of the other replicas or workers.

        Raises:
          TypeError: `others` is not a sequence of accumulators of this class.
          ValueError: their shapes differ from this one's, or this one is among them.
        """
        others = self._checked(others)
        total = self._state()
        for other in others:
            total = self._merged(total, other._state())
        return self._assign(total)

    def reset_state(self) -> tf.Tensor:
        """Forgets all examples; gives their number, int64 zero."""
        return self._assign([tf.zeros(v.shape, v.dtype) for v in self._variables()])

    def _merged(self, first: Sequence[tf.Tensor], second: Sequence[tf.Tensor]) -> Any:
        """The state of two streams together."""
        raise NotImplementedError

    def _variables(self) -> list[tf.Variable]:
        """The state's variables; the first is the number of examples."""
        raise NotImplementedError

    def _state(self) -> list[tf.Tensor]:
        return [v.read_value() for v in self._variables()]

    def _assign(self, values: Sequence[tf.Tensor]) -> tf.Tensor:
        # All values are computed before any is assigned: in a graph nothing else orders them.
        with tf.control_dependencies(list(values) if in_plain_graph() else []):
            assignments = [v.assign(x) for v, x in zip(self._variables(), values)]
        return self._count_after(assignments)

    def _check_replicas(self) -> None:
        """Raises a ValueError where each replica would update a copy, and one would be read."""
        alone = tf.distribute.get_strategy().num_replicas_in_sync < 2
        if alone or tf.distribute.in_cross_replica_context():
            return
        if isinstance(self._variables()[0], tf.distribute.DistributedValues):
            raise ValueError(
                f"{self.name} was made in a strategy's scope, so each replica would have a copy of"
                " its own, and results would be those of the first alone. Make one accumulator"
                " for each replica outside of the scope, and add them up with merge_state."
            )

    def _count_after(self, assignments: Sequence[Any]) -> tf.Tensor:
        operations = assignments if in_plain_graph() else []
        with tf.control_dependencies(operations):
            return self._variables()[0].read_value()

    def _checked(self, others: Sequence[Accumulator]) -> Sequence[Accumulator]:
        if isinstance(others, tf.Module) or not isinstance(others, Sequence):
            raise TypeError(f"others must be a sequence of {type(self).__name__}, not {others!r}.")
        shapes = [tuple(v.shape) for v in self._variables()]
        for other in others:
            if type(other) is not type(self):
                raise TypeError(
                    f"others must be accumulators of the class {type(self).__name__}, but one is "
                    f"of {type(other).__name__}."
                )
            if other is self:
                raise ValueError("others has this accumulator itself, which would count twice.")
            theirs = [tuple(v.shape) for v in other._variables()]
            if theirs != shapes:
                raise ValueError(
                    f"others must have states of the shapes {shapes}, but one has {theirs}. All "
                    "must have as many features or classes."
                )
        return others


def local_variable(shape: Sequence[int], dtype: tf.DType, name: str) -> tf.Variable:
    """A variable of zeros that no optimizer sees and, in a graph, no checkpoint of the model."""
    # A function, so that a large one becomes no constant of a graph.
    initial = functools.partial(tf.zeros, shape, dtype)
    if not in_plain_graph():
        return tf.Variable(initial, trainable=False, name=name)
    keys = tf.compat.v1.GraphKeys
    return tf.compat.v1.Variable(
        initial,
        trainable=False,
        collections=[keys.LOCAL_VARIABLES, keys.METRIC_VARIABLES],
        use_resource=True,
        name=name,
    )
