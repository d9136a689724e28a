"""A progress bar for training, in both worlds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from absl import logging

from tfgan_lite.train.monitoring import TrainingHook

__all__ = ["ProgressHook"]


class ProgressHook(TrainingHook):
    """Shows rounds and images per second, the time left, and both losses.

    In a terminal it is a rich progress bar; elsewhere, in a log file, a line every now and then.

    Args:
      last_step: the global step that training stops at, for the bar and the time left.
      every_secs: seconds between two lines where there is no terminal.
      clock: gives seconds.
      console: a rich Console; by default one on stderr.

    Example:
      >>> train(tfgan.ProgressHook(last_step=3), rounds=3)  # Draws on stderr, or logs.
    """

    def __init__(
        self,
        last_step: int | None = None,
        every_secs: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        console: Any = None,
    ):
        self._last_step = last_step
        self._every_secs = every_secs
        self._clock = clock
        self._console = console
        self._progress: Any = None

    def next_due(self, global_step: int) -> None:
        return None

    def begin(self) -> None:
        from rich import console, progress

        self._console = self._console or console.Console(file=sys.stderr)
        if self._console.is_terminal:
            self._progress = progress.Progress(
                progress.TextColumn("round"),
                progress.MofNCompleteColumn(),
                progress.BarColumn(),
                progress.TextColumn("{task.fields[state]}"),
                progress.TimeRemainingColumn(),
                console=self._console,
            )

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._line_time: float | None = None
        if self._progress is not None:
            self._progress.start()
            self._task = self._progress.add_task(
                "train", total=self._last_step, completed=self.run.initial_step, state="compiling"
            )

    def after_round(self, run_context: Any, global_step: int) -> None:
        now = self._clock()
        if self._line_time is None:  # The first rounds took the time that compiling took.
            self._line_step, self._line_time = global_step, now
        elapsed = now - self._line_time
        due = 0.5 if self._progress is not None else self._every_secs
        if elapsed < due and global_step != self._last_step:
            return
        rate = (global_step - self._line_step) / max(elapsed, 1e-9)
        self._line_step, self._line_time = global_step, now
        state = self._state(rate)
        if self._progress is not None:
            self._progress.update(self._task, completed=global_step, state=state)
        else:
            logging.info("round %d%s: %s", global_step, self._left(global_step, rate), state)

    def end(self, session: Any) -> None:
        self.close()

    def close(self) -> None:
        """Stops drawing; `gan_train` calls it after errors, too."""
        if self._progress is not None:
            self._progress.stop()

    def _state(self, rate: float) -> str:
        parts = [f"{rate:,.1f} rounds/s"] if rate else []
        if rate and self.run.images_per_round:
            parts.append(f"{rate * self.run.images_per_round:,.0f} images/s")
        values = self.run.values()
        for letter, name in (("G", "generator_loss"), ("D", "discriminator_loss")):
            if len(values.get(name, ())):
                parts.append(f"{letter} loss {values[name][-1]:.3f}")
        return ", ".join(parts)

    def _left(self, global_step: int, rate: float) -> str:
        if self._last_step is None or rate <= 0 or global_step >= self._last_step:
            return ""
        seconds = (self._last_step - global_step) / rate
        return f" of {self._last_step}, {seconds:.0f} s left"
