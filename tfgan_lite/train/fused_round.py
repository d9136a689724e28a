"""The sub-steps of a round as one XLA program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.train.computation import all_finite
from tfgan_lite.train.sub_step import SubStep

__all__ = ["FusedRound", "may_fuse"]

_MOST_LAUNCHES = 6
_MOST_BYTES = 8 << 20


def may_fuse(launches: Sequence[SubStep]) -> bool:
    """Whether one XLA program is to run all of some sub-steps.

    It saves launches, which small networks feel. Large ones lose by it: each sub-step is compiled
    anew, which takes seconds, and guards its update inside the program, which copies its variables.

    Args:
      launches: sub-steps in their order, each as often as it runs in a round.
    """
    steps = list(dict.fromkeys(launches))
    if not 1 <= len(launches) <= _MOST_LAUNCHES:
        return False
    compiled = all(step.jit_compile for step in steps)
    if not (compiled and all(step.is_always_alike and step.draws_ahead for step in steps)):
        return False
    changed = {id(v): v for step in steps for v in step.changeable_variables()}
    return sum(v.shape.num_elements() * v.dtype.size for v in changed.values()) <= _MOST_BYTES


class FusedRound:
    """Runs sub-steps one after the other in one launch.

    Small networks spend a good part of a round between programs. What happens is the same as with a
    program for each: an update that is not finite is not applied, and stops those after it.

    Args:
      steps: sub-steps that XLA compiles, in their order.
    """

    def __init__(self, steps: Sequence[SubStep]):
        self._steps = steps
        self.compute = tf.function(self._computed, jit_compile=True, autograph=False)

    def __call__(
        self, elements: Sequence[Any], keys: Sequence[tf.Tensor], samples: Sequence[Any]
    ) -> list[tf.Tensor]:
        """Runs the round; each argument has one item for each sub-step, as `SubStep` takes it.

        Returns:
          The reported values of each sub-step.

        Raises:
          tf.errors.InvalidArgumentError: marked NOT_FINITE; earlier sub-steps are applied.
        """
        steps = self._steps
        draws = [s.inputs(e, k, samples=x) for s, e, k, x in zip(steps, elements, keys, samples)]
        reports, checked, applied = self.compute(draws, keys)
        done = [
            count
            for step, drawn, times in zip(steps, elements, tf.unstack(applied))
            for count in step.count(step.images(drawn), times)
        ]
        for step, values in zip(steps, checked):
            if step.computation.asserts:
                with tf.control_dependencies(done):
                    done = [step.computation.assert_finite(values)]
        with tf.control_dependencies(done):
            return [tf.identity(report) for report in reports]

    def _computed(self, draws, keys) -> tuple[list[tf.Tensor], list[tf.Tensor], tf.Tensor]:
        """The program: reports, what must be finite, and how often each update was applied."""
        reports, checks, applied = [], [], []
        proceed = tf.constant(True)
        for step, drawn, key in zip(self._steps, draws, keys):
            found = step.gradients(drawn, key)
            finite = all_finite(found.checked) if step.computation.checks else True
            step.computation.apply_where(proceed & finite, found)
            reports.append(found.report)
            checks.append(found.checked)
            applied.append(tf.cast(proceed & finite, tf.int64))
            if step.computation.asserts:
                proceed = proceed & finite
        return reports, checks, tf.stack(applied)
