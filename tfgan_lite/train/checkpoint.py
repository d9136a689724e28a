"""One checkpoint that holds the run: networks, optimizers, counters, state and data (TF2)."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.replicas import is_distributed
from tfgan_lite.sources import DatasetSource
from tfgan_lite.structures import GANTrainOps
from tfgan_lite.tracing import sources_of
from tfgan_lite.train.monitoring import TrainingHook
from tfgan_lite.train.session import Session
from tfgan_lite.train.train_ops import IncrementOp, TrainOp
from tfgan_lite.train.updates import Update

__all__ = ["CheckpointHook", "check_writable", "checkpoint_of"]


def checkpoint_of(
    train_ops: GANTrainOps, train_hooks: Sequence[Any] = (), session: Session | None = None
) -> tf.train.Checkpoint:
    """A checkpoint of all that TF2 training changes.

    Models and modules are saved as objects, so that `tf.train.Checkpoint(generator=model)` reads
    the same file; the variables of plain functions are saved as a list.

    Args:
      train_ops: what is trained.
      train_hooks: the hooks that train; some have state.
      session: reads the data, whose position is saved too where that is possible.
    """
    ops = [op for op in tf.nest.flatten(tuple(train_ops[:2])) if isinstance(op, TrainOp)]
    updates = [op.update for op in ops]
    increment: IncrementOp = train_ops.global_step_inc_op
    parts: dict[str, Any] = {"counters": increment.counters}
    for update in updates:
        parts[update.name] = _trackable(update.network)
        parts[f"{update.role}_optimizer"] = update.optimizer
        if update.average is not None:
            parts[f"{update.name}_average"] = update.average
        if update.state:
            parts[f"{update.name}_loss"] = list(update.state)
    schedules = [getattr(hook, "steps", None) for hook in train_hooks]
    adaptive = [steps for steps in schedules if isinstance(steps, tf.Module)]
    if adaptive:
        parts["schedule"] = adaptive
    if session is not None:
        parts["jit"] = session.jit
        iterators = _iterators(session, updates)
        if iterators:
            parts["data"] = iterators
    return tf.train.Checkpoint(**parts)


def _iterators(session: Session, updates: Sequence[Update]) -> list[Any]:
    """The iterators of the data that training reads, if their position can be saved."""
    sources = [s for s in sources_of([u.loss for u in updates]) if isinstance(s, DatasetSource)]
    if not sources:
        return []
    why = "it is distributed over replicas"
    if not is_distributed(session.strategy):
        session.make_iterators(sources)
        iterators = [session.iterators[source] for source in sources]
        try:
            with tempfile.TemporaryDirectory() as folder:
                tf.train.Checkpoint(data=iterators).write(os.path.join(folder, "data"))
            return iterators
        except (tf.errors.OpError, NotImplementedError) as error:
            why = str(getattr(error, "message", error)).splitlines()[0]
    logging.warning(
        "The position in the data cannot be saved (%s): a run that is resumed reads the data from"
        " the beginning. tf.data saves what is made of tensors, files and TensorFlow's functions,"
        " not Python generators and callbacks.",
        why,
    )
    return []


def restore(checkpoint: tf.train.Checkpoint, path: str) -> None:
    """Restores all of a checkpoint.

    Raises:
      ValueError: the file is of another model or other optimizers; lists what does not fit.
    """
    try:
        status = checkpoint.restore(path)
        status.assert_existing_objects_matched()
        status.assert_consumed()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise ValueError(
            f"The checkpoint {path} is not of this model and these optimizers: {error}\n"
            "Pass another logdir, or remove this one, to start anew."
        ) from error


def check_writable(logdir: str) -> None:
    """Raises ValueError where checkpoints could not be written, before any work is lost."""
    try:
        tf.io.gfile.makedirs(logdir)
        if os.path.isdir(logdir):  # Not so for remote file systems such as gs://.
            tempfile.NamedTemporaryFile(dir=logdir).close()
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(
            f"Cannot write to logdir {logdir!r}: {error}. Pass a folder that can be written to, or"
            " logdir=None with save_checkpoint_secs=None and save_summaries_steps=None."
        ) from error


class CheckpointHook(TrainingHook):
    """Restores the newest checkpoint when the session begins; saves in intervals and at the end.

    Args:
      manager: where checkpoints go.
      save_secs: seconds between two checkpoints; None saves only at the end.
      counters: the counters of the run.
      clock: gives seconds.
    """

    def __init__(
        self,
        manager: tf.train.CheckpointManager,
        save_secs: float | None,
        counters: Any,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._manager = manager
        self._save_secs = save_secs
        self._counters = counters
        self._clock = clock
        self._saved_at = clock()
        self._saved_step: int | None = None

    def next_due(self, global_step: int) -> None:
        return None

    def before_run(self, run_context: Any) -> None:
        return None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if self._save_secs is not None and self._clock() - self._saved_at >= self._save_secs:
            self.save()

    def end(self, session: Any) -> None:
        self.save()

    def restore(self) -> None:
        """Restores the newest checkpoint of the logdir, if there is one."""
        path = self._manager.latest_checkpoint
        if path is None:
            return
        restore(self._manager.checkpoint, path)
        self._saved_step = int(self._counters.global_step.numpy())
        logging.info("Resumed from %s at round %d.", path, self._saved_step)

    def save(self) -> None:
        """Saves, unless nothing changed since the last time."""
        step = int(self._counters.global_step.numpy())
        if step != self._saved_step:
            self._manager.save(checkpoint_number=step)
            self._saved_step = step
        self._saved_at = self._clock()


def _trackable(network: Any) -> Any:
    if hasattr(network.fn, "trainable_variables"):
        return network.fn
    return list(network.variables)
