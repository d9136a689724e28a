"""A hook that looks at the generator now and then, writes down what it sees, and stops nothing."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.integers import checked_integer
from tfgan_lite.train.summary_hook import scalar_writer
from tfgan_lite.train.training_run import TrainingHook, next_multiple

__all__ = ["JSONL", "PeriodicLook", "append_line"]

JSONL = "metrics.jsonl"


class PeriodicLook(TrainingHook):
    """A hook that looks at the generator every now and then, and cannot stop training.

    Override `look`, which returns what to record. Whatever it raises is logged, and training goes
    on. Values go to TensorBoard and, one line for each look, to `metrics.jsonl` in the logdir.

    Args:
      every_n_steps: rounds between two looks.
      every_secs: or seconds between them.
      logdir: where to write; the run's own by default. Without either, only the log gets them.
      prefix: for the names in TensorBoard.
      clock: gives seconds.

    Raises:
      ValueError: both or neither period, or one that is not positive.
    """

    def __init__(
        self,
        every_n_steps: int | None = None,
        every_secs: float | None = None,
        logdir: str | os.PathLike[str] | None = None,
        prefix: str = "",
        clock: Callable[[], float] = time.monotonic,
    ):
        if (every_n_steps is None) == (every_secs is None):
            raise ValueError(
                f"Give one of every_n_steps and every_secs, got {every_n_steps!r} and"
                f" {every_secs!r}."
            )
        if every_n_steps is not None:
            every_n_steps = checked_integer("every_n_steps", every_n_steps)
        if every_secs is not None and not 0.0 < every_secs < math.inf:
            raise ValueError(f"every_secs must be positive, got {every_secs!r}.")
        self._every_n_steps, self._every_secs = every_n_steps, every_secs
        self._logdir = None if logdir is None else os.fspath(logdir)
        self._prefix, self._clock = prefix, clock
        self._writer: Any = None
        self._looked_at = clock()
        self.failures = 0

    def look(self, session: Any, global_step: int) -> dict[str, Any]:
        """Returns what to record: numbers for TensorBoard, anything JSON can hold for the file."""
        raise NotImplementedError

    def next_due(self, global_step: int) -> int | None:
        if self._every_n_steps is None:
            return None
        return next_multiple(global_step, self._every_n_steps)

    def begin(self) -> None:
        self._logdir = self._logdir or (self._attached_to and self._attached_to.logdir)
        if self._logdir is not None:
            self._writer = scalar_writer(self._logdir)
        self._looked_at = self._clock()

    def after_round(self, run_context: Any, global_step: int) -> None:
        if self._every_n_steps is None:
            due = self._clock() - self._looked_at >= self._every_secs
        else:
            due = global_step % self._every_n_steps == 0
        if due:
            self._look_safely(run_context.session, global_step)
            self._looked_at = self._clock()

    def end(self, session: Any) -> None:
        if self._writer is not None:
            self._writer.flush()

    def _look_safely(self, session: Any, global_step: int) -> None:
        start = time.perf_counter()
        try:
            found = self.look(session, global_step)
            self._write(found, global_step, time.perf_counter() - start)
        except Exception as error:  # Whatever it is, hours of training are worth more.
            self.failures += 1
            name = type(self).__name__
            logging.exception("%s failed at round %d; training goes on.", name, global_step)
            try:
                self._append({"step": global_step, "hook": name, "error": repr(error)})
            except tf.errors.OpError:  # Which may be what failed.
                logging.error("%s cannot write to %s.", name, self._logdir)

    def _write(self, found: dict[str, Any], global_step: int, seconds: float) -> None:
        scalars = {
            f"{self._prefix}{name}": float(value)
            for name, value in found.items()
            if isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        }
        if self._writer is not None:
            self._writer.write(scalars, global_step)
            self._writer.flush()
        self._append({"step": global_step, "seconds": round(seconds, 3), **found})

    def _append(self, line: dict[str, Any]) -> None:
        if self._logdir is not None:
            append_line(os.path.join(self._logdir, JSONL), line)


def append_line(path: str, values: dict[str, Any]) -> None:
    """Adds a line of JSON to a file; numbers that are not finite are null there."""
    tf.io.gfile.makedirs(os.path.dirname(path) or ".")
    with tf.io.gfile.GFile(path, "a") as file:
        file.write(json.dumps(_plain(values), allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
