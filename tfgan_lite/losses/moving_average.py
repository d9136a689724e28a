"""A moving average of what a loss sees: state that is saved with the training run."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_lite.losses.reduction import as_written
from tfgan_lite.replicas import mean_over_replicas
from tfgan_lite.runs import current_run
from tfgan_lite.worlds import in_plain_graph


class MovingAverage(tf.Module):
    """An exponential moving average of one number, free of the bias of its start.

    It starts as the first number and soon forgets it: the average over t steps weighs a number of k
    steps ago by `decay ** k`, divided by the sum of these weights (as in Adam, arXiv:1412.6980).

    Args:
      decay: In [0, 1); the average is over about `1 / (1 - decay)` steps.
      name: Name of the variables, in checkpoints and messages.

    Raises:
      ValueError: If `decay` is out of its range, or this is made inside a tf.function.
    """

    def __init__(self, decay: float, name: str):
        super().__init__(name=name)
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be >= 0 and < 1, not {decay}.")
        if tf.inside_function():
            raise ValueError(
                f"{name} has a state, and would have a new one in each trace: make it outside of"
                " the tf.function."
            )
        self._decay = decay
        self._graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        self._average = self._variable(0.0, name)
        self._steps = self._variable(0.0, f"{name}_steps")

    @as_written
    def updated(self, value: tf.Tensor, network: Any = None) -> tf.Tensor:
        """The average with one more number, which is remembered where the network trains.

        A run that only samples or evaluates remembers nothing. Replicas remember the mean of
        their numbers. A number that is not finite is not remembered.

        Args:
          value: A scalar.
          network: In a tf.Graph, the Network in whose train op the average moves; None where the
            average is to move whenever it is read.

        Returns:
          A float32 scalar without a gradient.

        Raises:
          ValueError: If this was made in another tf.Graph or outside of any, or outside the scope
            of the strategy that it is used under.
        """
        if in_plain_graph() and self._graph is not tf.compat.v1.get_default_graph():
            raise ValueError(f"Make {self.name} in the tf.Graph that it is used in.")
        value = self._mean_over_replicas(tf.stop_gradient(tf.cast(value, tf.float32)))
        average, steps = tf.convert_to_tensor(self._average), tf.convert_to_tensor(self._steps)
        rate = (1 - self._decay) / (1 - tf.pow(self._decay, steps + 1))
        new = average + rate * (value - average)
        run = current_run()
        if run is not None and not run.training:
            return new
        finite = tf.math.is_finite(value)
        assignments = [
            self._average.assign(tf.where(finite, new, average)),
            self._steps.assign(tf.where(finite, steps + 1, steps)),
        ]
        if not in_plain_graph():
            return new
        if network is not None:
            network.update_ops.extend(assignment.op for assignment in assignments)
            return new
        with tf.control_dependencies(assignments):
            return tf.identity(new)

    def _variable(self, value: float, name: str) -> tf.Variable:
        return tf.Variable(
            value,
            trainable=False,
            name=name,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.MEAN,
        )

    def _mean_over_replicas(self, value: tf.Tensor) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return value
        if not isinstance(self._average, tf.distribute.DistributedValues):
            raise ValueError(
                f"Make {self.name} inside the strategy's scope: all replicas would write to it."
            )
        return mean_over_replicas(value)
