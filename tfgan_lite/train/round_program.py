"""Consecutive RunTrainOpsHooks as one compiled function of a number of rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.deferred import random_key
from tfgan_lite.train.fused_round import FusedRound, may_fuse
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.scheduled_hook import MOST_STEPS, ScheduledTrainOpsHook
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
        self._scheduled = [h for h in self._hooks if isinstance(h, ScheduledTrainOpsHook)]
        self.max_rounds = max_rounds
        self._ends_round = ends_round
        self._steps = [session.sub_step(hook.updates) for hook in self._hooks]
        # Variables keep the values of sub-steps before an error; a function's outputs would not.
        rows = [
            MOST_STEPS if hook in self._scheduled else max_rounds * hook.train_steps
            for hook in self._hooks
        ]
        self._buffers = [
            _variable(tf.zeros([size, step.report_size])) for size, step in zip(rows, self._steps)
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
            failure, self._failure = self._failure, None
            raise failure
        before = self._updates_done()
        step = int(self._session.counters.global_step.numpy())
        rounds = min([rounds, *(hook.prepare(step, rounds) for hook in self._scheduled)])
        try:
            self._call(tf.constant(rounds), [tf.constant(h.train_steps) for h in self._scheduled])
        except (tf.errors.OutOfRangeError, tf.errors.InvalidArgumentError) as error:
            per_round = sum(hook.train_steps * _counted(hook) for hook in self._hooks)
            # Not by counting updates: some may have been skipped.
            rounds = int(self._session.counters.global_step.numpy()) - step
            place = self._updates_done() - before - rounds * per_round
            failure = self._session.explain(error, self._place(place))
            if rounds == 0:
                raise failure from None
            self._failure = failure
        self._hand_over(rounds)
        return rounds

    def _hand_over(self, rounds: int) -> None:
        for hook, buffer in zip(self._hooks, self._buffers):
            hook.take(buffer.numpy()[: rounds * hook.train_steps])

    def _updates_done(self) -> int:
        counters = self._session.counters
        return int(counters.generator_updates.numpy() + counters.discriminator_updates.numpy())

    def _place(self, updates: int) -> str:
        """The sub-step that comes after so many updates of a round."""
        for hook in self._hooks:
            sub_step = updates // _counted(hook)
            if sub_step < hook.train_steps:
                networks = " + ".join(update.name for update in hook.updates)
                return f"{networks} sub-step {sub_step + 1} of {hook.train_steps}"
            updates -= hook.train_steps * _counted(hook)
        return "an update"

    def _rounds(self, rounds: tf.Tensor, scheduled: Sequence[tf.Tensor]) -> tf.Tensor:
        known = {hook: hook.train_steps for hook in self._hooks}
        counts = [{**known, **dict(zip(self._scheduled, scheduled))}[h] for h in self._hooks]
        start = self._session.noise_round()
        launches = [] if self._scheduled else self._launches()
        steps = [each.step for each in launches]
        fused = FusedRound(steps) if may_fuse(steps) else None

        def one_round(index: tf.Tensor) -> tf.Tensor:
            if fused is None:
                last = self._in_phases(counts, start, index)
            else:
                last = self._in_one_launch(fused, launches, start, index)
            with tf.control_dependencies([last]):
                if self._ends_round:
                    self._session.counters.global_step.assign_add(1)
                return index + 1

        return _repeat(rounds, one_round)

    def _launches(self) -> list[_Launch]:
        """The sub-steps of a round, in their order."""
        return [
            _Launch(step, buffer, hook.train_steps, k)
            for hook, step, buffer in zip(self._hooks, self._steps, self._buffers)
            for k in range(hook.train_steps)
        ]

    def _in_one_launch(
        self, fused: FusedRound, launches: Sequence[_Launch], start: tf.Tensor, index: tf.Tensor
    ) -> tf.Tensor:
        keys = [random_key(start + index, position) for position in range(len(launches))]
        samples = [each.step.sample(key) for each, key in zip(launches, keys)]
        drawn = [each.step.draw_ahead(self._session.iterators) for each in launches]

        def whole() -> tf.Tensor:
            elements = [each.step.taken(optionals) for each, optionals in zip(launches, drawn)]
            reports = fused(elements, keys, samples)
            with tf.control_dependencies(reports):
                for each, report in zip(launches, reports):
                    each.write(index, report)
                return tf.identity(index)

        def as_far_as_data_goes() -> tf.Tensor:
            last = index
            for each, optionals, key, sample in zip(launches, drawn, keys, samples):
                with tf.control_dependencies([last]):
                    result = each.step(each.step.taken(optionals), key, samples=sample)
                    last = result.report
            return tf.identity(index)

        # Data that may end needs a conditional, which is slow: it hands over all variables.
        sources = [source for each in launches for source in each.step.dataset_sources]
        if all(source.is_endless for source in sources):
            return whole()
        found = [optional.has_value() for optionals in drawn for optional in optionals]
        return tf.cond(tf.reduce_all(found), whole, as_far_as_data_goes)

    def _in_phases(self, counts: Sequence[Any], start: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        position, last = 0, index
        for count, step, buffer in zip(counts, self._steps, self._buffers):
            last = self._phase(count, step, buffer, start, index, position, last)
            position += count
        return last

    def _phase(
        self,
        count: Any,
        step: SubStep,
        buffer: tf.Variable,
        start: tf.Tensor,
        index: tf.Tensor,
        position: int,
        after: tf.Tensor,
    ) -> tf.Tensor:
        iterators = self._session.iterators

        def sub_step(k: Any) -> tf.Tensor:
            key = random_key(start + index, position + k)
            samples = step.sample(key)
            ahead = step.draw_ahead(iterators) if step.draws_ahead else None
            # A sub-step that fails or finds no data must find all earlier ones whole.
            with tf.control_dependencies([after]):
                elements = step.draw(iterators) if ahead is None else step.taken(ahead)
                result = step(elements, key, samples=samples)
            with tf.control_dependencies([result.report]):
                _Launch(step, buffer, count, k).write(index, result.report)
                return tf.convert_to_tensor(k) + 1

        if isinstance(count, int) and count == 1:
            return sub_step(0)
        with tf.control_dependencies([after]):
            return _repeat(tf.convert_to_tensor(count), sub_step)


class _Launch(NamedTuple):
    """A sub-step of a round."""

    step: SubStep
    buffer: tf.Variable  # Where the values of its phase go, one row for each sub-step.
    count: Any  # Sub-steps of its phase in a round.
    k: Any  # Its place in its phase.

    def write(self, index: tf.Tensor, report: tf.Tensor) -> None:
        """Keeps the values that it reported in a round of the call."""
        self.buffer.scatter_nd_update([[index * self.count + self.k]], [report])


def _counted(hook: RunTrainOpsHook) -> int:
    """By how much one of the hook's sub-steps raises the counters of updates."""
    return sum(update.counts for update in hook.updates)


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
