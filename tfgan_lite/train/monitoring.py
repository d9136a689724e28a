"""Hooks that watch training, in both worlds. They read the values of the very updates that ran.

`gan_train` attaches each to the run before the session begins. A hook that says when it is next due
(`next_due`) lets the rounds before run in one compiled call.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.hooks import RunTrainOpsHook

__all__ = [
    "LossLoggingHook",
    "NanGuardHook",
    "StopAtStepHook",
    "SummaryHook",
    "TrainingHook",
    "TrainingRun",
]

_v1 = tf.compat.v1.train


@dataclasses.dataclass
class TrainingRun:
    """What a hook may know of the run it is attached to.

    Attributes:
      train_ops: what is trained.
      train_hooks: the hooks that run the sub-steps; their `values` are those of the last round, or
        of all rounds since the last call of `after_run`.
      logdir: where the run writes, or None.
      batch_size: real examples in a sub-step's batch, where it is known.
      initial_step: the global step when the session began.
      skips: whether updates that are not finite are skipped: `values` leaves them out.
      schedule: a round in words.
      jit_compile: in TF2, what `gan_train` was told of XLA.
      stop_reason: why training stopped; empty while it runs, and after an error.
      notes: what hooks found last and people want to read at the end, by name.

    Example:
      >>> class Watch(tfgan.TrainingHook):
      ...     def after_round(self, run_context, global_step):
      ...         print(sorted(self.run.values()), self.run.images_per_round)
      >>> train(Watch(), rounds=1)
      ['discriminator_loss', 'generator_loss'] 8
    """

    train_ops: GANTrainOps
    train_hooks: Sequence[RunTrainOpsHook]
    logdir: str | None = None
    batch_size: int | None = None
    initial_step: int = 0
    skips: bool = False
    schedule: str = ""
    jit_compile: bool | str | None = None
    stop_reason: str = ""
    notes: dict[str, str] = dataclasses.field(default_factory=dict)

    def values(self) -> dict[str, np.ndarray]:
        """Reported values by name ("generator_loss"), one for each sub-step, in their order."""
        return {name: self.kept(all_.ravel()) for name, all_ in self.values_by_round().items()}

    def values_by_round(self) -> dict[str, np.ndarray]:
        """The same as [rounds, sub-steps in a round]."""
        found: dict[str, list[np.ndarray]] = {}
        for hook in self.train_hooks:
            for name, column in zip(hook.value_names, np.asarray(hook.values).T):
                by_round = column.reshape([-1, max(1, hook.train_steps)])
                if len(by_round):
                    found.setdefault(name, []).append(by_round)
        return {name: np.concatenate(parts, axis=1) for name, parts in found.items()}

    def gradient_norms(self) -> dict[str, np.ndarray]:
        """By network, the norm of the whole gradient in each sub-step.

        Empty without `gan_train_ops(summarize_gradients=True)`.
        """
        values, found = self.values_by_round(), {}
        for hook in self.train_hooks:
            for update in filter(None, hook.updates):
                norms = [values[n].ravel() for n in update.gradient_norm_names if n in values]
                if norms:
                    found[update.name] = self.kept(np.sqrt(np.sum(np.square(norms), axis=0)))
        return found

    def kept(self, values: np.ndarray) -> np.ndarray:
        """Those of some values [N] that belong to updates which were not skipped."""
        return values[np.isfinite(values)] if self.skips else values

    @property
    def images_per_round(self) -> int | None:
        """Real examples that the discriminator is updated on in a round."""
        if self.batch_size is None:
            return None
        steps = sum(
            hook.train_steps
            for hook in self.train_hooks
            if any(update and update.role == "discriminator" for update in hook.updates)
        )
        return self.batch_size * steps


class TrainingHook(_v1.SessionRunHook):
    """A hook that is called with the global step after rounds. Override `after_round`.

    Example:
      >>> class Printer(tfgan.TrainingHook):
      ...     def after_round(self, run_context, global_step):
      ...         print("rounds so far:", global_step - self.run.initial_step)
      >>> train(Printer(), rounds=2)
      rounds so far: 1
      rounds so far: 2
    """

    run: TrainingRun | None = None

    def attach(self, run: TrainingRun) -> None:
        """Called once by `gan_train`, before `begin`."""
        self.run = run

    def next_due(self, global_step: int) -> int | None:
        """The global step at which the hook must be called next; None if any time will do."""
        return global_step + 1

    def after_round(self, run_context: Any, global_step: int) -> None:
        """Called after a round, or after several that ended with `global_step`."""

    def before_run(self, run_context: Any) -> Any:
        if self.run is None:
            raise RuntimeError(
                f"{type(self).__name__} is not attached to a run: pass it to gan_train(hooks=[...])"
                " or call hook.attach(TrainingRun(train_ops, train_hooks)) first."
            )
        return _v1.SessionRunArgs(self.run.train_ops.global_step_inc_op)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.after_round(run_context, int(run_values.results))


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
            if value is not None and (isinstance(value, bool) or int(value) != value or value < 1):
                raise ValueError(f"{name} must be a positive integer, got {value!r}.")
        self._num_steps = num_steps
        self.last_step = last_step

    def after_create_session(self, session: Any, coord: Any) -> None:
        step = int(session.run(_global_step(self.run)))
        if self._num_steps is not None:
            self.last_step = step + self._num_steps
        if step >= self.last_step:  # A run that was finished before and is called again.
            coord.request_stop()

    def next_due(self, global_step: int) -> int:
        return self.last_step

    def before_run(self, run_context: Any) -> Any:
        return super().before_run(run_context) if self.run else None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        results = run_values.results  # None in a session that gan_train did not make.
        step = run_context.session.run(_global_step(None)) if results is None else results
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
        self._every = _checked_period("every_n_steps", every_n_steps)
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


class SummaryHook(TrainingHook):
    """Writes how training goes to TensorBoard.

    The mean of each reported value; of a loss, where a round has several sub-steps, that of each of
    them ("discriminator_loss/sub_step_2"); the norm of each network's gradient, where
    `gan_train_ops(summarize_gradients=True)` reports it; rounds and images per second; and once the
    hyper-parameters. It also writes `run.json`: networks, data, schedule, devices and versions.

    Args:
      every_n_steps: rounds between two points of a curve.
      logdir: where to; the run's own logdir by default.
      hparams: further hyper-parameters, by name: flags, for instance.
      clock: gives seconds.

    Example:
      >>> train(tfgan.SummaryHook(1, "runs/summaries"), rounds=1)
      >>> tf.io.gfile.listdir("runs/summaries")
      ['events...']
    """

    def __init__(
        self,
        every_n_steps: int = 100,
        logdir: str | None = None,
        hparams: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._every = _checked_period("every_n_steps", every_n_steps)
        self._logdir = logdir
        self._hparams = dict(hparams or {})
        self._clock = clock
        self._seen = Means()
        self._writer: Any = None
        self._written: tuple[int, float] | None = None

    def next_due(self, global_step: int) -> int:
        return next_multiple(global_step, self._every)

    def begin(self) -> None:
        from tfgan_lite.train.hparams import hparams_summary
        from tfgan_lite.train.run_facts import hyperparameters, run_facts, save_run_facts

        logdir = self._logdir or (self.run and self.run.logdir)
        if logdir is None:
            raise ValueError("SummaryHook has no logdir: give it one, or give gan_train one.")
        facts = run_facts(self.run)
        save_run_facts(logdir, facts)
        self._writer = scalar_writer(logdir)
        summary = hparams_summary({**hyperparameters(facts), **self._hparams})
        if summary is not None:
            self._writer.write_summary(summary)

    def after_round(self, run_context: Any, global_step: int) -> None:
        self._seen.add(self.run.values())
        for name, values in self.run.values_by_round().items():
            if name.endswith("_loss") and values.shape[1] > 1:
                for i, column in enumerate(values.T, start=1):
                    self._seen.add({f"{name}/sub_step_{i}": self.run.kept(column)})
        norms = self.run.gradient_norms().items()
        self._seen.add({f"{name}_gradient_norm": norm for name, norm in norms})
        if global_step % self._every == 0:
            self._writer.write({**self._seen.take(), **self._speed(global_step)}, global_step)

    def end(self, session: Any) -> None:
        self._writer.flush()

    def close(self) -> None:
        """Closes the file; `gan_train` calls it after errors, too."""
        if self._writer is not None:
            self._writer.close()

    def _speed(self, global_step: int) -> dict[str, float]:
        """Since the last point; the first rounds took the time that compiling took."""
        before, self._written = self._written, (global_step, self._clock())
        if before is None:
            return {}
        rate = (global_step - before[0]) / max(self._written[1] - before[1], 1e-9)
        images = self.run.images_per_round
        return {
            "speed/rounds_per_second": rate,
            **({"speed/images_per_second": rate * images} if images else {}),
        }


class Means:
    """Means of reported values, over any number of calls."""

    def __init__(self):
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, values: dict[str, np.ndarray]) -> None:
        for name, column in values.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + float(np.sum(column, dtype=np.float64)), count + len(column)

    def means(self) -> dict[str, float]:
        return {name: total / count for name, (total, count) in self._sums.items() if count}

    def take(self) -> dict[str, float]:
        means = self.means()
        self._sums.clear()
        return means


def scalar_writer(logdir: str) -> Any:
    """What writes for TensorBoard: scalars by name at a step, and `Summary` protos."""
    return _EagerWriter(logdir) if tf.executing_eagerly() else _GraphWriter(logdir)


class _EagerWriter:
    def __init__(self, logdir: str):
        self._writer = tf.summary.create_file_writer(logdir)

    def write(self, scalars: dict[str, float], step: int) -> None:
        with self._writer.as_default():
            for name, value in scalars.items():
                tf.summary.scalar(name, value, step)

    def write_summary(self, summary: Any) -> None:
        with self._writer.as_default():
            tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=0)

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _GraphWriter:
    def __init__(self, logdir: str):
        self._writer = tf.compat.v1.summary.FileWriterCache.get(logdir)

    def write(self, scalars: dict[str, float], step: int) -> None:
        summary = tf.compat.v1.Summary()
        for name, value in scalars.items():
            summary.value.add(tag=name, simple_value=value)
        self._writer.add_summary(summary, step)

    def write_summary(self, summary: Any) -> None:
        self._writer.add_summary(summary.SerializeToString(), 0)

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.flush()  # The file is shared with TensorFlow's own hooks.


def _global_step(run: TrainingRun | None) -> Any:
    """The counter itself, whose value is that of the last finished round."""
    if run is not None and tf.executing_eagerly():
        return run.train_ops.global_step_inc_op.counters.global_step
    return tf.compat.v1.train.get_global_step()


def next_multiple(step: int, period: int) -> int:
    return (math.floor(step / period) + 1) * period


def _checked_period(name: str, period: int) -> int:
    if isinstance(period, bool) or int(period) != period or period < 1:
        raise ValueError(f"{name} must be a positive integer, got {period!r}.")
    return int(period)
