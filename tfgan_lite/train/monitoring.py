"""Hooks that watch training and stop it, in both worlds.

They read the values of the very updates that ran.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.integers import checked_integer
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.training_run import Means, TrainingHook, TrainingRun, next_multiple

__all__ = ["LossLoggingHook", "NanGuardHook", "StopAtStepHook", "global_step_of"]


class StopAtStepHook(TrainingHook):
    """Stops training at a global step.

    Args:
      num_steps: rounds to run in this session.
      last_step: or the global step to stop at, wherever this session began.

    Raises:
      ValueError: both or neither are given, or not a positive integer.

    Example:
      >>> rounds = train_ops.global_step_inc_op.counters.global_step
      >>> before = int(rounds)
      >>> train(tfgan.StopAtStepHook(num_steps=2))
      >>> int(rounds) - before
      2
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None):
        if (num_steps is None) == (last_step is None):
            raise ValueError(
                f"Give one of num_steps and last_step; got {num_steps!r} and {last_step!r}."
            )
        for name, value in (("num_steps", num_steps), ("last_step", last_step)):
            if value is not None:
                checked_integer(name, value)
        self._num_steps = num_steps
        self.last_step = last_step

    def after_create_session(self, session: Any, coord: Any) -> None:
        step = int(session.run(global_step_of(self._attached_to)))
        if self._num_steps is not None:
            self.last_step = step + self._num_steps
        if step >= self.last_step:  # A run that was finished before and is called again.
            coord.request_stop()

    def next_due(self, global_step: int) -> int:
        return self.last_step

    def before_run(self, run_context: Any) -> Any:
        return super().before_run(run_context) if self._attached_to else None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        results = run_values.results  # None in a session that gan_train did not make.
        step = run_context.session.run(global_step_of(None)) if results is None else results
        if int(step) >= self.last_step:
            run_context.request_stop()


class LossLoggingHook(TrainingHook):
    """Logs the mean of each loss over the rounds since the last line.

    Args:
      every_n_steps: rounds between two lines.
      log: takes the finished line.

    Example:
      >>> train(tfgan.LossLoggingHook(2, log=print), rounds=2)
      round 2: generator_loss = ..., discriminator_loss = ...
    """

    def __init__(self, every_n_steps: int = 100, log: Callable[[str], None] = logging.info):
        self._every = checked_integer("every_n_steps", every_n_steps)
        self._log = log
        self._seen = Means()

    def next_due(self, global_step: int) -> int:
        return next_multiple(global_step, self._every)

    def after_round(self, run_context: Any, global_step: int) -> None:
        self._seen.add(self.run.values())
        if global_step % self._every == 0:
            means = ", ".join(f"{k} = {v:.4g}" for k, v in self._seen.take().items())
            self._log(f"round {global_step}: {means}")


class NanGuardHook(TrainingHook):
    """Stops training when a reported value is NaN or infinite.

    With `check_numerics` on (the default of `gan_train_ops`) such an update is not even applied;
    this hook guards train ops of your own, and runs without that check.

    Args:
      fail_on_nan_loss: raise NanLossError; otherwise ask for a normal stop.

    Example:
      >>> train(tfgan.NanGuardHook(), rounds=1)  # Nothing to say: all values are finite.
    """

    def __init__(self, fail_on_nan_loss: bool = True):
        self._fail = fail_on_nan_loss

    def next_due(self, global_step: int) -> None:
        return None

    def after_round(self, run_context: Any, global_step: int) -> None:
        for name, values in self.run.values().items():
            bad = np.flatnonzero(~np.isfinite(values.astype(np.float64)))
            if not bad.size:
                continue
            message = (
                f"{name} = {values[bad[0]]} at or before round {global_step}, in sub-step"
                f" {bad[0] + 1} of the {len(values)} since the hook's last call."
            )
            if self._fail:
                raise NanLossError(message)
            logging.error("%s Stopping.", message)
            run_context.request_stop()
            return


def global_step_of(run: TrainingRun | None) -> Any:
    """The counter itself, whose value is that of the last finished round."""
    if run is not None and tf.executing_eagerly():
        return run.train_ops.global_step_inc_op.counters.global_step
    return tf.compat.v1.train.get_global_step()
