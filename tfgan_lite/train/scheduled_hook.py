"""Train hooks whose number of sub-steps changes from round to round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.integers import checked_integer
from tfgan_lite.train.hooks import RunTrainOpsHook

__all__ = ["MOST_STEPS", "AdaptiveSteps", "ScheduledTrainOpsHook"]

MOST_STEPS = 10_000


class AdaptiveSteps(tf.Module):
    """A number of sub-steps that follows a value which the phase's own updates report.

    After every few rounds their mean of the value is looked at: below `low` a round gets one
    sub-step more, above `high` one less. With the discriminator's accuracy this trains the
    discriminator more where it is too weak, and less where it is too sure. The number is saved in
    checkpoints. Make it where the model is made: in its `tf.Graph`, if it has one.

    Args:
      value: a name such as "discriminator_accuracy"; see `gan_train_ops`' `discriminator_metrics`.
      low: the mean below which a sub-step is added.
      high: the mean above which a sub-step is taken away, not below `low`.
      least: the smallest number of sub-steps, at least 1.
      most: the largest number of sub-steps.
      every: how many rounds a mean is over.

    Raises:
      ValueError: numbers out of their ranges.
      TypeError: `value` is not a name.

    Example:
      >>> steps = tfgan.train.AdaptiveSteps("discriminator_accuracy", low=0.6, high=0.8)
      >>> hooks = tfgan.get_phased_train_hooks([tfgan.train.Phase("discriminator", steps)])
    """

    def __init__(
        self,
        value: str,
        low: float,
        high: float,
        least: int = 1,
        most: int = 5,
        every: int = 10,
    ):
        super().__init__(name="adaptive_steps")
        if not isinstance(value, str):
            raise TypeError(f"value must be the name of a reported value, got {value!r}.")
        if not low <= high:
            raise ValueError(f"low must not be above high, got {low} and {high}.")
        least, most = checked_integer("least", least), checked_integer("most", most)
        if not least <= most <= MOST_STEPS:
            raise ValueError(f"least <= most <= {MOST_STEPS} must hold, got {least} and {most}.")
        self.value = value
        self.description = f"{least} to {most} (by {value})"
        self._low, self._high = low, high
        self._least, self._most = least, most
        self._every = checked_integer("every", every)
        # The sub-steps of a round, and the sum and number of the rounds' means so far.
        self._state = tf.Variable([float(least), 0.0, 0.0], trainable=False, name="adaptive_steps")
        self._known = np.array([least, 0.0, 0.0], np.float32)
        self._assign: Any = None
        if not tf.executing_eagerly():
            self._fed = tf.compat.v1.placeholder(tf.float32, [3])
            self._assign = self._state.assign(self._fed).op

    def __call__(self, round_number: int) -> int:
        """The sub-steps of the round."""
        del round_number
        return int(self._known[0])

    def rounds_alike(self) -> int:
        """For how many rounds the number is sure to stay."""
        return self._every - int(self._known[2])

    def restore(self, session: Any) -> None:
        """Reads the state that a checkpoint brought."""
        self._known = np.asarray(session.run(self._state)).copy()

    def observe(self, means: np.ndarray, session: Any) -> None:
        """Takes the value's mean in each of some rounds."""
        steps, total, count = self._known
        for mean in means:
            total, count = total + mean, count + 1
            if count == self._every:
                mean = total / count
                steps += float(mean < self._low) - float(mean > self._high)
                steps, total, count = min(max(steps, self._least), self._most), 0.0, 0.0
        self._known = np.array([steps, total, count], np.float32)
        if self._assign is None:
            self._state.assign(self._known)
        else:
            session.run(self._assign, {self._fed: self._known})


class ScheduledTrainOpsHook(RunTrainOpsHook):
    """A RunTrainOpsHook whose `train_steps` is that of the round in progress.

    Args:
      train_ops: as RunTrainOpsHook's, made by `gan_train_ops`.
      steps: a function of the round, or an AdaptiveSteps.

    Raises:
      ValueError: the value that AdaptiveSteps follows is not one that the train ops report.
    """

    def __init__(self, train_ops: Any, steps: Callable[[int], int]):
        super().__init__(train_ops, 1)
        self.steps = steps
        self._session: Any = None
        if isinstance(steps, AdaptiveSteps) and steps.value not in self.value_names:
            raise ValueError(
                f"AdaptiveSteps follows {steps.value!r}, which this phase does not report; it"
                f" reports {', '.join(self.value_names)}."
            )

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._session = session
        if isinstance(self.steps, AdaptiveSteps):
            self.steps.restore(session)

    def before_run(self, run_context: Any) -> None:
        self._session = run_context.session
        counters = self.updates[0].counters
        self.prepare(int(run_context.session.run(counters.global_step)), 1)
        if not self.train_steps:
            self.values = self.values[:0]
        super().before_run(run_context)
        if self.train_steps:
            self._observe()

    def prepare(self, round_number: int, rounds: int) -> int:
        """Sets `train_steps` for the next rounds; gives for how many of them it is the same."""
        self.train_steps = self._steps_at(round_number)
        if isinstance(self.steps, AdaptiveSteps):
            alike = min(rounds, self.steps.rounds_alike())
        else:
            later = range(round_number + 1, round_number + rounds)
            others = (r for r in later if self._steps_at(r) != self.train_steps)
            alike = next(others, round_number + rounds) - round_number
        return max(1, min(alike, MOST_STEPS // max(1, self.train_steps)))

    def take(self, values: np.ndarray) -> None:
        super().take(values)
        self._observe()

    def _observe(self) -> None:
        if isinstance(self.steps, AdaptiveSteps):
            column = self.values[:, self.value_names.index(self.steps.value)]
            self.steps.observe(column.reshape([-1, self.train_steps]).mean(1), self._session)

    def _steps_at(self, round_number: int) -> int:
        name = f"The schedule's number of sub-steps for round {round_number}"
        steps = checked_integer(name, self.steps(round_number), least=0)
        if steps > MOST_STEPS:
            raise ValueError(f"{name} must be at most {MOST_STEPS}, got {steps}.")
        return steps
