"""RunTrainOpsHook and FinalOpsHook: a round's sub-steps, and what is evaluated at the end.

They follow TensorFlow's SessionRunHook protocol and only ever call `run_context.session.run`, so
that they never ask which world they are in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.deferred import Deferred
from tfgan_lite.integers import checked_integer
from tfgan_lite.train.ops import report_of, update_of

__all__ = ["FinalOpsHook", "RunTrainOpsHook"]

SessionRunHook = tf.compat.v1.train.SessionRunHook


class RunTrainOpsHook(SessionRunHook):
    """Runs train ops a number of times, before the session's own run of a round.

    Args:
      train_ops: one train op, or a list of them that run together in each sub-step.
      train_steps: how many times, at least 0.

    Attributes:
      values: what the ops returned, for each sub-step since the last call of `after_run`: float
        array [sub-steps, len(value_names)]. Values of other ops than `gan_train_ops` makes are kept
        as they come.
      value_names: names of the columns, "generator_loss" for instance.
      sub_step: the one in progress or, after an error, the one that failed, from 1; otherwise 0.

    Raises:
      ValueError: `train_steps` is negative or not an integer.

    Example:
      >>> hook = tfgan.RunTrainOpsHook(train_ops.discriminator_train_op, 2)
      >>> hook.value_names[0]
      'discriminator_loss'
      >>> train(get_hooks_fn=lambda train_ops: [hook], rounds=1)
      >>> hook.values.shape[0]  # Sub-steps.
      2
    """

    def __init__(self, train_ops: Any, train_steps: int):
        self.train_ops = list(train_ops) if isinstance(train_ops, (list, tuple)) else [train_ops]
        self.train_steps = checked_integer("train_steps", train_steps, least=0)
        self.updates = [update_of(op) for op in self.train_ops]
        self.value_names = (
            [name for update in self.updates for name in update.value_names]
            if all(self.updates)
            else [getattr(op, "name", str(op)) for op in self.train_ops]
        )
        self.values: Any = np.zeros([0, len(self.value_names)], np.float32)
        self.sub_step = 0
        self._fetches = self.train_ops
        self._prepared_for = self._prepared = None

    def begin(self) -> None:
        self._fetches = [report_of(op) for op in self.train_ops]

    def before_run(self, run_context: Any) -> None:
        run = self._run_of(run_context.session)
        rows = []
        for index in range(self.train_steps):
            self.sub_step = index + 1
            rows.append(_row(run()))
        self.sub_step = 0
        if rows:
            self.values = np.stack(rows)

    def _run_of(self, session: Any) -> Callable[[], Sequence[Any]]:
        """`session.run` of the train ops; of a graph's session prepared, which is much faster."""
        if not isinstance(session, tf.compat.v1.Session):
            return lambda: session.run(self._fetches)
        if self._prepared_for is not session:
            self._prepared_for = session
            self._prepared = session.make_callable(self._fetches)
        return self._prepared

    def take(self, values: np.ndarray) -> None:
        """Takes the values of sub-steps that a compiled session ran in this hook's place."""
        self.values = values


class FinalOpsHook(SessionRunHook):
    """Evaluates ops when training ends normally: samples and metrics, for instance.

    It draws no training data: in TF2, what depends on a dataset reads a fresh pass over it, so that
    it also works after the data ran out.

    Args:
      final_ops: a tensor, a deferred value, a callable of nothing that gives one (or an array), or
        a structure of them. A graph calls callables while it is built, TF2 when training has ended.
      final_ops_feed_dict: values to feed.

    Example:
      >>> samples = tfgan.FinalOpsHook(lambda: tfgan.generate(model, 10, seed=0))
      >>> train(samples, rounds=1)
      >>> samples.final_ops_values.shape
      (10, 3)
    """

    def __init__(self, final_ops: Any, final_ops_feed_dict: dict[Any, Any] | None = None):
        self._final_ops = final_ops
        self._feed_dict = final_ops_feed_dict
        self._values: Any = None

    @property
    def final_ops_values(self) -> Any:
        """The values as NumPy arrays, in the structure of `final_ops`; None before the end."""
        return self._values

    def next_due(self, global_step: int) -> None:
        """Never due: it acts only in `end`."""

    def begin(self) -> None:
        if not tf.executing_eagerly():
            self._final_ops = _called(self._final_ops)

    def end(self, session: Any) -> None:
        if self._final_ops is None:
            return
        try:
            final_ops = _called(self._final_ops)
            leaves = tf.nest.flatten(final_ops)
            # Arrays that callables gave are values already, which a session cannot fetch.
            wanted = [leaf for leaf in leaves if not _is_array(leaf)]
            fetched = iter(session.run(wanted, feed_dict=self._feed_dict) if wanted else [])
            values = [np.asarray(leaf) if _is_array(leaf) else next(fetched) for leaf in leaves]
            self._values = tf.nest.pack_sequence_as(final_ops, values)
        except tf.errors.OutOfRangeError:
            logging.error(
                "FinalOpsHook: the final ops read from data that has run out. Let them depend on"
                " noise alone (model.generated_data, generate(...)), or repeat() the dataset."
            )
            raise


def _row(fetched: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(value)) for value in fetched])


def _called(ops: Any) -> Any:
    return tf.nest.map_structure(lambda op: op() if _is_plain_callable(op) else op, ops)


def _is_plain_callable(op: Any) -> bool:
    return callable(op) and not isinstance(op, Deferred) and not tf.is_tensor(op)


def _is_array(op: Any) -> bool:
    return isinstance(op, (np.ndarray, np.generic, int, float)) or (
        isinstance(op, tf.Tensor) and hasattr(op, "numpy")
    )
