"""Consecutive RunTrainOpsHooks as one compiled function of a number of rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import random_key
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.session import Session
from tfgan_lite.train.sub_step import SubStep

__all__ = ["RoundProgram"]


class RoundProgram:
    """Runs the sub-steps of some hooks, in their order, for any number of rounds in one call.

    The hooks get the values of the sub-steps that ran, also where the call ends with an error.

    Args:
      session: the session whose runs these are.
      hooks: plain RunTrainOpsHooks on train ops that `gan_train_ops` made.
      max_rounds: the most rounds of one call.
      ends_round: whether the global step rises after the sub-steps.
    """

    def __init__(
        self, session: Session, hooks: Sequence[RunTrainOpsHook], max_rounds: int, ends_round: bool
    ):
        self._session = session
        self._hooks = [hook for hook in hooks if hook.train_steps]
        self.max_rounds = max_rounds
        self._ends_round = ends_round
        self._steps = [session.sub_step(hook.updates) for hook in self._hooks]
        # Variables keep the values of sub-steps before an error; a function's outputs would not.
        self._buffers = [
            _variable(tf.zeros([max_rounds, hook.train_steps, step.report_size]))
            for hook, step in zip(self._hooks, self._steps)
        ]
        self._call = tf.function(self._rounds, autograph=False)
        self._failure: Exception | None = None

    def __call__(self, rounds: int) -> int:
        """Runs rounds.

        Returns:
          How many rounds were finished: fewer than asked for where an error stopped them.

        Raises:
          tf.errors.OutOfRangeError: a dataset ended before one round was finished.
          NanLossError: a loss is not finite in the first round. After an error in a later one, the
            call returns what was finished, so that hooks see it, and the next call raises.
        """
        if self._failure is not None:
            raise self._failure
        before = self._updates_done()
        try:
            self._call(tf.constant(rounds))
        except (tf.errors.OutOfRangeError, tf.errors.InvalidArgumentError) as error:
            per_round = sum(hook.train_steps * len(hook.updates) for hook in self._hooks)
            rounds, place = divmod(self._updates_done() - before, per_round)
            self._failure = self._session.explain(error, self._place(place))
            if rounds == 0:
                raise self._failure from None
        self._hand_over(rounds)
        return rounds

    def _hand_over(self, rounds: int) -> None:
        for hook, buffer in zip(self._hooks, self._buffers):
            values = buffer.numpy()[:rounds]
            hook.take(values.reshape([-1, values.shape[-1]]))

    def _updates_done(self) -> int:
        counters = self._session.counters
        return int(counters.generator_updates.numpy() + counters.discriminator_updates.numpy())

    def _place(self, updates: int) -> str:
        """The sub-step that comes after so many updates of a round."""
        for hook in self._hooks:
            sub_step = updates // len(hook.updates)
            if sub_step < hook.train_steps:
                networks = " + ".join(update.name for update in hook.updates)
                return f"{networks} sub-step {sub_step + 1} of {hook.train_steps}"
            updates -= hook.train_steps * len(hook.updates)
        return "an update"

    def _rounds(self, rounds: tf.Tensor) -> tf.Tensor:
        start = tf.cast(self._session.counters.global_step, tf.int32)

        def one_round(index: tf.Tensor) -> tf.Tensor:
            position, last = 0, index
            for hook, step, buffer in zip(self._hooks, self._steps, self._buffers):
                last = self._phase(hook.train_steps, step, buffer, start, index, position, last)
                position += hook.train_steps
            with tf.control_dependencies([last]):
                if self._ends_round:
                    self._session.counters.global_step.assign_add(1)
                return index + 1

        return _repeat(rounds, one_round)

    def _phase(
        self,
        count: int,
        step: SubStep,
        buffer: tf.Variable,
        start: tf.Tensor,
        index: tf.Tensor,
        position: int,
        after: tf.Tensor,
    ) -> tf.Tensor:
        session = self._session

        def sub_step(k: Any) -> tf.Tensor:
            key = random_key(start + index, position + k)
            samples, take = step.sample(key), step.draw_ahead(session.iterators)
            # A sub-step that fails or finds no data must find all earlier ones whole.
            with tf.control_dependencies([after]):
                result = step(take(), key, samples=samples)
            with tf.control_dependencies([result.report]):
                buffer.scatter_nd_update([[index, k]], [result.report])
                return tf.convert_to_tensor(k) + 1

        if count == 1:
            return sub_step(0)
        with tf.control_dependencies([after]):
            return _repeat(tf.constant(count), sub_step)


def _variable(value: tf.Tensor) -> tf.Variable:
    """A variable of the host's own, in a strategy's scope too, where it would be mirrored."""
    variable = tf.Variable(value, trainable=False)
    return tf.distribute.get_strategy().experimental_local_results(variable)[0]


def _repeat(times: tf.Tensor, body: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Calls body(0), body(1), ..., one after the other; body gives the next index."""
    if tf.executing_eagerly():  # For debugging with tf.config.run_functions_eagerly(True).
        for i in range(int(times)):
            body(tf.constant(i))
        return times
    return tf.while_loop(
        lambda i: i < times, lambda i: (body(i),), [tf.constant(0)], parallel_iterations=1
    )[0]
