"""Consecutive RunTrainOpsHooks as one compiled function of a number of rounds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.runs import random_key
from tfgan_lite.sources import DatasetSource
from tfgan_lite.tracing import program_of
from tfgan_lite.train.fused_rounds import FusedRounds, may_fuse, rounds_in_one_launch
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.scheduled_hook import MOST_STEPS, ScheduledTrainOpsHook
from tfgan_lite.train.session import Session
from tfgan_lite.train.sub_step import SubStep
from tfgan_lite.train.updates import joint_name

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
        sources = dict.fromkeys(s for step in self._steps for s in step.dataset_sources)
        self._sources = list(sources)
        self._call = program_of(self._rounds)
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
            self._call(
                tf.constant(rounds),
                [tf.constant(h.train_steps) for h in self._scheduled],
                self._session.iterators_of(self._sources),
            )
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
                name = joint_name(hook.updates)
                return f"{name} sub-step {sub_step + 1} of {hook.train_steps}"
            updates -= hook.train_steps * _counted(hook)
        return "an update"

    def _rounds(
        self, rounds: tf.Tensor, scheduled: Sequence[tf.Tensor], iterators: Sequence[Any]
    ) -> tf.Tensor:
        iterators = dict(zip(self._sources, iterators))
        scheduled = dict(zip(self._scheduled, scheduled))
        counts = [scheduled.get(hook, hook.train_steps) for hook in self._hooks]
        start = self._session.noise_round()
        launches = [] if self._scheduled else self._launches()
        steps = [each.step for each in launches]
        if not (may_fuse(steps) and all(step.draws_ahead for step in steps)):
            in_phases = functools.partial(self._in_phases, iterators, counts, start)
            return _repeat(tf.constant(0), rounds, in_phases)
        # Also where calls are shorter: the number of rounds in a program may change last bits.
        fused = FusedRounds(steps, rounds_in_one_launch(steps))
        many, one = (
            functools.partial(self._in_one_launch, iterators, fused, launches, start, count)
            for count in (fused.most, 1)
        )
        done = tf.constant(0)
        if 1 < fused.most <= self.max_rounds:
            done = _repeat(done, rounds // fused.most * fused.most, many)
        return _repeat(done, rounds, one)

    def _launches(self) -> list[_Launch]:
        """The sub-steps of a round, in their order."""
        return [
            _Launch(step, buffer, hook.train_steps, k)
            for hook, step, buffer in zip(self._hooks, self._steps, self._buffers)
            for k in range(hook.train_steps)
        ]

    def _in_one_launch(
        self,
        iterators: Mapping[DatasetSource, Any],
        fused: FusedRounds,
        launches: Sequence[_Launch],
        start: tf.Tensor,
        count: int,
        first: tf.Tensor,
    ) -> tf.Tensor:
        """Runs so many rounds, from the call's round `first` on; gives the one after."""
        places = [(i, position) for i in range(count) for position in range(len(launches))]
        keys = [random_key(start + first + i, position) for i, position in places]
        steps = [launches[position].step for _, position in places]
        samples = [step.sample(key) for step, key in zip(steps, keys)]
        drawn = [step.draw_ahead(iterators) for step in steps]

        def by_round(values: Sequence[Any]) -> list[Sequence[Any]]:
            return [values[i : i + len(launches)] for i in range(0, len(values), len(launches))]

        def whole() -> tf.Tensor:
            draws = [
                step.inputs(step.taken(optionals), key, samples=sample)
                for step, optionals, key, sample in zip(steps, drawn, keys, samples)
            ]
            ran = fused(by_round(draws), by_round(keys))
            with tf.control_dependencies(ran.reports):
                done = [each.write(first, x[:count]) for each, x in zip(launches, ran.reports)]
                done.append(self._end_rounds(tf.cast(ran.finished, tf.int64)))
            # Only now: hooks are to see the rounds before one that is bad.
            with tf.control_dependencies(fused.assert_finite(ran, done)):
                return first + count

        def as_far_as_data_goes() -> tf.Tensor:
            last = first
            for step, optionals, key, sample in zip(steps, drawn, keys, samples):
                with tf.control_dependencies([last]):
                    last = step(step.taken(optionals), key, samples=sample).report
            return tf.identity(first)

        # Data that may end needs a conditional, which is slow: it hands over all variables.
        if all(source.is_endless for step in steps for source in step.dataset_sources):
            return whole()
        found = [optional.has_value() for optionals in drawn for optional in optionals]
        return tf.cond(tf.reduce_all(found), whole, as_far_as_data_goes)

    def _end_rounds(self, rounds: Any) -> Any:
        """Counts rounds, where the program does."""
        step = self._session.counters.global_step
        return step.assign_add(rounds) if self._ends_round else tf.no_op()

    def _in_phases(
        self,
        iterators: Mapping[DatasetSource, Any],
        counts: Sequence[Any],
        start: tf.Tensor,
        index: tf.Tensor,
    ) -> tf.Tensor:
        position, last = 0, index
        for count, step, buffer in zip(counts, self._steps, self._buffers):
            last = self._phase(iterators, count, step, buffer, start, index, position, last)
            position += count
        with tf.control_dependencies([last]):
            self._end_rounds(1)
            return index + 1

    def _phase(
        self,
        iterators: Mapping[DatasetSource, Any],
        count: Any,
        step: SubStep,
        buffer: tf.Variable,
        start: tf.Tensor,
        index: tf.Tensor,
        position: int,
        after: tf.Tensor,
    ) -> tf.Tensor:
        def sub_step(k: Any) -> tf.Tensor:
            key = random_key(start + index, position + k)
            samples = step.sample(key)
            ahead = step.draw_ahead(iterators) if step.draws_ahead else None
            # A sub-step that fails or finds no data must find all earlier ones whole.
            with tf.control_dependencies([after]):
                elements = step.draw(iterators) if ahead is None else step.taken(ahead)
                result = step(elements, key, samples=samples)
            with tf.control_dependencies([result.report]):
                _Launch(step, buffer, count, k).write(index, result.report[tf.newaxis])
                return tf.convert_to_tensor(k) + 1

        if isinstance(count, int) and count == 1:
            return sub_step(0)
        with tf.control_dependencies([after]):
            return _repeat(tf.constant(0), tf.convert_to_tensor(count), sub_step)


class _Launch(NamedTuple):
    """A sub-step of a round."""

    step: SubStep
    buffer: tf.Variable  # Where the values of its phase go, one row for each sub-step.
    count: Any  # Sub-steps of its phase in a round.
    k: Any  # Its place in its phase.

    def write(self, first: tf.Tensor, reports: tf.Tensor) -> tf.Tensor:
        """Keeps the values that it reported in rounds of the call, from `first` on."""
        rows = (first + tf.range(reports.shape[0])) * self.count + self.k
        return self.buffer.scatter_nd_update(rows[:, tf.newaxis], reports)


def _counted(hook: RunTrainOpsHook) -> int:
    """By how much one of the hook's sub-steps raises the counters of updates."""
    return sum(update.counts for update in hook.updates)


def _variable(value: tf.Tensor) -> tf.Variable:
    """A variable of the host's own, in a strategy's scope too, where it would be mirrored."""
    variable = tf.Variable(value, trainable=False)
    return tf.distribute.get_strategy().experimental_local_results(variable)[0]


def _repeat(first: tf.Tensor, end: tf.Tensor, body: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Calls the body with `first`, then with what it gave, while that is before `end`."""
    if tf.executing_eagerly():  # For debugging with tf.config.run_functions_eagerly(True).
        while first < end:
            first = body(first)
        return first
    return tf.while_loop(lambda i: i < end, lambda i: (body(i),), [first], parallel_iterations=1)[0]
