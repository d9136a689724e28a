"""The sub-steps of a round, or of several rounds, as one XLA program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.train.computation import all_finite
from tfgan_lite.train.sub_step import SubStep

__all__ = ["FusedRounds", "may_fuse", "rounds_in_one_launch"]

_MOST_SUB_STEPS = 6  # Of a round.
_MOST_BYTES = 8 << 20
_MOST_ROUNDS = 8
_MOST_BATCH_BYTES = 4 << 20


def may_fuse(steps: Sequence[SubStep]) -> bool:
    """Whether one XLA program is to run all of some sub-steps.

    It saves launches, which small networks feel. Large ones lose by it: each sub-step is compiled
    anew, which takes seconds, and guards its update inside the program, which copies its variables.

    Args:
      steps: sub-steps in their order, each as often as it runs in a round.
    """
    kinds = list(dict.fromkeys(steps))
    if not 1 <= len(steps) <= _MOST_SUB_STEPS:
        return False
    if not all(step.jit_compile and step.is_always_alike for step in kinds):
        return False
    changed = {id(v): v for step in kinds for v in step.changeable_variables()}
    return _size(changed.values()) <= _MOST_BYTES


def rounds_in_one_launch(steps: Sequence[SubStep]) -> int:
    """How many rounds one XLA program is to run at most.

    One, unless a sub-step asks for more. Also one where the data may end inside the program, where
    eight rounds' batches would take memory for no gain, and where there are convolutions, which
    XLA's loops run several times slower on a CPU.

    Args:
      steps: the sub-steps of a round, which may be fused.
    """
    if not any(step.many_rounds for step in steps):
        return 1
    sources = [source for step in steps for source in step.dataset_sources]
    specs = [spec for source in sources for spec in source.specs]
    if not all(source.is_endless for source in sources) or _size(specs) > _MOST_BATCH_BYTES:
        return 1
    return 1 if any(step.convolutions for step in steps) else _MOST_ROUNDS


def _size(tensors: Iterable[Any]) -> int:
    """Bytes of tensors, variables or specs, whose shapes are known."""
    return sum(x.shape.num_elements() * x.dtype.size for x in tensors)


class Ran(NamedTuple):
    """What a launch gives; nothing is asserted yet.

    Attributes:
      reports: for each sub-step of a round, the reported values [rounds, n].
      finished: how many rounds were finished, int32: fewer than asked for where an update was bad.
      checked: for each sub-step, what must be finite in the last round.
    """

    reports: list[tf.Tensor]
    finished: tf.Tensor
    checked: list[tf.Tensor]


class FusedRounds:
    """Runs sub-steps one after the other in one launch, and counts them.

    Small networks spend a good part of a round between programs. What happens is the same as with a
    program for each: an update that is not finite is not applied, and stops those after it. Any
    number of rounds runs the same program, so that none rounds its numbers in another way.

    Args:
      steps: the sub-steps of a round, compiled by XLA, in their order.
      most: the most rounds of a launch.
    """

    def __init__(self, steps: Sequence[SubStep], most: int = 1):
        self.most = most
        self._steps = steps
        self.compute = tf.function(self._computed, jit_compile=True, autograph=False)

    def assert_finite(self, ran: Ran, after: Sequence[Any]) -> Sequence[Any]:
        """Asserts, after some operations, that no update of a launch was bad; gives operations."""
        # One after the other, so that the first that was bad is what the error tells.
        for step, values in zip(self._steps, ran.checked):
            if step.computation.asserts:
                with tf.control_dependencies(after):
                    after = [step.computation.assert_finite(values)]
        return after

    def __call__(self, draws: Sequence[Any], keys: Sequence[Any]) -> Ran:
        """Runs rounds.

        Args:
          draws: for each round, what each sub-step's `inputs` gave.
          keys: for each round, the key of each sub-step.
        """
        rounds = len(draws)
        filled = [*range(rounds), *[rounds - 1] * (self.most - rounds)]
        given = [(*of_round, self._real_counts(of_round[0])) for of_round in zip(draws, keys)]
        return self.compute([given[i] for i in filled], tf.constant(rounds))

    def _real_counts(self, draws: Sequence[Any]) -> list[tf.Tensor]:
        """How many real examples each sub-step of a round updates the discriminator on."""
        # Not in the program: data that no loss reads may have a size that XLA cannot know.
        found = [
            step.real_count(dict(zip(step.sources, drawn)))
            for step, drawn in zip(self._steps, draws)
        ]
        return [tf.cast(count, tf.int64) for count in found]

    def _computed(self, given: Sequence[Any], rounds: tf.Tensor) -> Ran:
        """The program: rounds, each of what is given for it."""
        if self.most == 1:
            reports, checked, passed = self._round(*given[0])
            return Ran([x[tf.newaxis] for x in reports], tf.cast(passed, tf.int32), checked)

        def given_for(i: int) -> Callable[[], Any]:
            return lambda: tf.nest.map_structure(tf.identity, given[i])

        def one_round(i, proceed, rows, unused_checked):
            of_round = tf.switch_case(i, [given_for(j) for j in range(self.most)])
            reports, checked, passed = self._round(*of_round)
            rows = [
                tf.tensor_scatter_nd_update(x, [[i]], [report]) for x, report in zip(rows, reports)
            ]
            return i + tf.cast(passed, tf.int32), passed, rows, checked

        sizes = [step.report_size for step in self._steps]
        nothing = [tf.zeros([self.most, size]) for size in sizes]
        unchecked = [tf.zeros([step.computation.checked_size]) for step in self._steps]
        finished, _, reports, checked = tf.while_loop(
            lambda i, proceed, *unused: (i < rounds) & proceed,
            one_round,
            (tf.constant(0), tf.constant(True), nothing, unchecked),
        )
        return Ran(reports, finished, checked)

    def _round(
        self, draws, keys, real_counts
    ) -> tuple[list[tf.Tensor], list[tf.Tensor], tf.Tensor]:
        """For each sub-step its report and what must be finite; and whether none was bad."""
        reports, checks = [], []
        proceed = tf.constant(True)
        for step, drawn, key, seen in zip(self._steps, draws, keys, real_counts):
            found = step.gradients(drawn, key)
            finite = all_finite(found.checked) if step.computation.checks else True
            step.computation.apply_where(proceed & finite, found)
            # Here and not after the launch: averages of weights read the images of all updates.
            step.count(seen, tf.cast(proceed & finite, tf.int64))
            if step.computation.asserts:
                proceed = proceed & finite
            reports.append(found.report)
            checks.append(found.checked)
        return reports, checks, proceed
