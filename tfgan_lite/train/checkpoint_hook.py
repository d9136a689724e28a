"""When checkpoints are written, and what becomes of a run that cannot write one (TF2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.train.run_checkpoints import RunCheckpoints
from tfgan_lite.train.training_run import TrainingHook, next_multiple

__all__ = ["CheckpointHook"]


class CheckpointHook(TrainingHook):
    """Saves in intervals and at the end.

    Args:
      checkpoints: those of the run.
      save_secs: seconds between two checkpoints; None for no such interval.
      save_steps: rounds between two checkpoints; None for no such interval.
      goes_on: whether training goes on where a checkpoint cannot be written.
      clock: gives seconds.
    """

    def __init__(
        self,
        checkpoints: RunCheckpoints,
        save_secs: float | None,
        save_steps: int | None = None,
        goes_on: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._checkpoints = checkpoints
        self._save_secs = save_secs
        self._save_steps = save_steps
        self._goes_on = goes_on
        self._clock = clock
        self._saved_at = clock()

    def next_due(self, global_step: int) -> int | None:
        return None if self._save_steps is None else next_multiple(global_step, self._save_steps)

    def after_round(self, run_context: Any, global_step: int) -> None:
        late = self._save_secs is not None and self._clock() - self._saved_at >= self._save_secs
        late = self._checkpoints.workers.chief_says(late)  # All save, or none.
        if late or (self._save_steps is not None and global_step % self._save_steps == 0):
            self.save()

    def end(self, session: Any) -> None:
        self.save()

    def save(self) -> bool:
        """Saves, unless nothing changed since the last time; says whether it is saved.

        Raises:
          OSError, tf.errors.OpError: it cannot be written, and training is not to go on then. The
            checkpoints before are whole.
        """
        self._saved_at = self._clock()
        try:
            self._checkpoints.save()
        except (OSError, tf.errors.OpError) as error:
            if not self._goes_on:
                raise
            logging.error(
                "Cannot write a checkpoint (%s). Training goes on, and tries again next time; the"
                " last checkpoint that is whole is %s.",
                getattr(error, "message", error),
                self._checkpoints.latest,
            )
            return False
        return True
