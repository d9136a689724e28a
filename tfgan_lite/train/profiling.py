"""Where the time of a run goes: TensorFlow's trace of some rounds, and a table of their phases."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.integers import checked_integer
from tfgan_lite.replicas import is_distributed
from tfgan_lite.train.checkpoint_hook import CheckpointHook
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.monitoring import global_step_of
from tfgan_lite.train.phase_times import seconds_apart
from tfgan_lite.train.training_run import TrainingHook
from tfgan_lite.train.updates import joint_name

__all__ = ["ProfileHook"]

_TIMED = ("before_run", "after_run")


class ProfileHook(TrainingHook):
    """Traces some rounds with TensorFlow's profiler, and tells what their time was spent on.

    The trace is for TensorBoard's profiler (`pip install tensorboard-plugin-profile`) and for
    Perfetto. The table goes to the log and to the closing block of `ProgressHook`: the share of the
    sub-steps of each network, of penalties, of waiting for data, of each other hook, and of
    checkpoints.

    In TF2 the sub-steps of a round are one program, whose time is measured as a whole. How it
    divides is measured after these rounds: each sub-step alone, on data of its own, and then every
    variable is put back. Under a strategy, where that is not done, the program is one row. In a
    `tf.Graph` a row of sub-steps has the waiting for their data in it, and checkpoints are among
    what is left. Before and after these rounds the hook costs nothing.

    Args:
      first_round: the first round that is traced, from 0; not the very first, which are compiled.
      last_round: the round before which the trace ends.
      logdir: where the trace goes; the run's by default.
      log: takes each line of the table.
      clock: gives seconds.

    Attributes:
      shares: of the rounds' time, by phase, in the end; they add up to 1.

    Raises:
      ValueError: rounds that are not integers, or out of order; no logdir.

    Example:
      >>> done = int(train_ops.global_step_inc_op.counters.global_step.numpy())
      >>> hook = tfgan.ProfileHook(done + 1, done + 3, "runs/profile", log=lambda line: None)
      >>> train(hook, rounds=3)
      >>> sorted(hook.shares)
      ['data', 'discriminator', 'generator', 'hooks: StopAtStepHook', 'rest']
    """

    def __init__(
        self,
        first_round: int = 10,
        last_round: int = 20,
        logdir: str | os.PathLike[str] | None = None,
        log: Callable[[str], None] = logging.info,
        clock: Callable[[], float] = time.perf_counter,
    ):
        last_round = checked_integer("last_round", last_round)
        if checked_integer("first_round", first_round, least=0) >= last_round:
            raise ValueError(
                f"first_round must be below last_round, got {first_round} and {last_round}."
            )
        self._rounds = first_round, last_round
        self._logdir = None if logdir is None else os.fspath(logdir)
        self._log = log
        self._clock = clock
        self._step: int | None = None
        self._started: float | None = None
        self._seconds: dict[str, float] = {}
        self.shares: dict[str, float] = {}

    def next_due(self, global_step: int) -> int | None:
        first, last = self._rounds
        if global_step >= last:
            return None
        return last if global_step >= first else first

    def begin(self) -> None:
        self._logdir = self._logdir or self.run.logdir
        if self._logdir is None:
            raise ValueError("ProfileHook has no logdir: give it one, or give gan_train one.")

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._step = int(session.run(global_step_of(self.run)))

    def before_run(self, run_context: Any) -> Any:
        first, last = self._rounds
        if self._started is None and first <= self._step < last:
            self._start(run_context.session)
        return super().before_run(run_context)

    def after_round(self, run_context: Any, global_step: int) -> None:
        self._step = global_step
        if self._started is not None and global_step >= self._rounds[1]:
            self._tell(self._stopped(save=True), run_context.session)

    def close(self) -> None:
        """Ends a trace that training did not come to the end of."""
        if self._started is not None:
            self._stopped(save=False)
            self._log("Training ended before the rounds that were to be profiled did.")

    def _start(self, session: Any) -> None:
        self._began_at = self._step
        for hook in self.run.hooks:
            if hook is not self:
                self._time(hook)
        self._program_seconds = getattr(session, "program_seconds", 0.0)
        tf.profiler.experimental.start(self._logdir)
        self._started = self._clock()

    def _stopped(self, save: bool) -> float:
        """Ends trace and timing; gives the seconds that the rounds took."""
        seconds = self._clock() - self._started
        self._started = None
        tf.profiler.experimental.stop(save=save)
        for hook in self.run.hooks:
            for name in _TIMED:
                vars(hook).pop(name, None)
        return seconds

    def _time(self, hook: Any) -> None:
        """Times a hook's calls, by attributes of the object that hide its methods."""
        row = _row(hook)

        def timed(method: Callable[..., Any], *args: Any) -> Any:
            start = self._clock()
            try:
                return method(*args)
            finally:
                self._seconds[row] = self._seconds.get(row, 0.0) + self._clock() - start

        for name in _TIMED:
            setattr(hook, name, functools.partial(timed, getattr(hook, name)))

    def _tell(self, total: float, session: Any) -> None:
        seconds = dict(self._seconds)
        programs = getattr(session, "program_seconds", 0.0) - self._program_seconds
        if programs:
            apart = {}
            if not is_distributed(session.strategy):
                apart = seconds_apart(session, self.run.train_hooks, self._clock)
            whole = sum(apart.values())
            parts = {name: programs * each / whole for name, each in apart.items()}
            for name, each in (parts or {"sub-steps": programs}).items():
                seconds[name] = seconds.get(name, 0.0) + each
        seconds["rest"] = max(0.0, total - sum(seconds.values()))
        whole = sum(seconds.values())
        self.shares = {name: each / whole for name, each in seconds.items()}
        rows = sorted(self.shares.items(), key=lambda row: -row[1])
        count = self._step - self._began_at
        self._log(
            f"Profile of {count} rounds from round {self._began_at}: {1e3 * total / count:.2f} ms"
            f" a round; the trace is in {self._logdir}."
        )
        for name, share in rows:
            self._log(f"  {100 * share:5.1f} %  {name}")
        if programs:
            self._log("  (data and sub-steps in one program: divided as each takes alone)")
        shown = [f"{name} {100 * share:.0f} %" for name, share in rows if share >= 0.005]
        self.run.notes["time"] = ", ".join(shown)


def _row(hook: Any) -> str:
    """The row of the table that a hook's time belongs to."""
    if isinstance(hook, CheckpointHook):
        return "checkpoints"
    if isinstance(hook, RunTrainOpsHook) and all(hook.updates):
        return joint_name(hook.updates)
    return f"hooks: {type(hook).__name__}"
