"""A run in TensorBoard: the values of the very updates that ran, in both worlds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tfgan_lite.integers import checked_integer
from tfgan_lite.train.hparams import hparams_summary
from tfgan_lite.train.run_facts import hyperparameters, run_facts, save_run_facts
from tfgan_lite.train.training_run import Means, TrainingHook, next_multiple

__all__ = ["SummaryHook", "scalar_writer"]


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
      >>> sorted(tf.io.gfile.listdir("runs/summaries"))
      ['events...', 'run.json']
    """

    def __init__(
        self,
        every_n_steps: int = 100,
        logdir: str | os.PathLike[str] | None = None,
        hparams: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._every = checked_integer("every_n_steps", every_n_steps)
        self._logdir = None if logdir is None else os.fspath(logdir)
        self._hparams = dict(hparams or {})
        self._clock = clock
        self._seen = Means()
        self._writer: Any = None
        self._written: tuple[int, float] | None = None

    def next_due(self, global_step: int) -> int:
        return next_multiple(global_step, self._every)

    def begin(self) -> None:
        logdir = self._logdir or self.run.logdir
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
                    self._seen.add({f"{name}/sub_step_{i}": self.run.kept(column, name)})
        norms = self.run.gradient_norms().items()
        self._seen.add({f"{name}_gradient_norm": norm for name, norm in norms})
        if global_step % self._every == 0:
            self._writer.write({**self._seen.take(), **self._speed(global_step)}, global_step)

    def end(self, session: Any) -> None:
        self._writer.flush()

    def close(self) -> None:
        """Closes the file; `gan_train` calls it even after errors."""
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
