"""One checkpoint that holds the run: networks, optimizers, counters, state and data (TF2)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.networks import Network
from tfgan_lite.sources import DatasetSource
from tfgan_lite.structures import GANTrainOps
from tfgan_lite.tracing import sources_of
from tfgan_lite.train.checkpoint_files import open_checkpoint
from tfgan_lite.train.ops import IncrementOp, updates_behind
from tfgan_lite.train.session import Session
from tfgan_lite.train.updates import Update
from tfgan_lite.variables import unwrapped

__all__ = [
    "check_writable",
    "checkpoint_of",
    "checkpoint_parts",
    "data_iterators",
    "restore",
    "trackable",
]


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
    return tf.train.Checkpoint(**checkpoint_parts(train_ops, train_hooks, session))


def checkpoint_parts(
    train_ops: GANTrainOps, train_hooks: Sequence[Any] = (), session: Session | None = None
) -> dict[str, Any]:
    """The parts of `checkpoint_of` by their names: "generator", "discriminator_optimizer", ..."""
    updates = updates_behind(train_ops)
    increment: IncrementOp = train_ops.global_step_inc_op
    parts: dict[str, Any] = {"counters": increment.counters}
    for update in updates:
        parts[update.name] = trackable(update.network)
        untracked = _untracked(update.network)
        if untracked:
            parts[f"{update.name}_random"] = untracked
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
        parts["rollbacks"] = session.rollbacks
        # Of several workers, each has its own position: see worker_checkpoints.
        iterators = data_iterators(session, updates) if session.workers.count == 1 else []
        if iterators:
            parts["data"] = iterators
    return parts


def _untracked(network: Network) -> list[tf.Variable]:
    """What `trackable` leaves out: the random states of Keras 3's dropout and noise layers."""
    saved = tf.train.Checkpoint(network=trackable(network))
    tracked = {id(unwrapped(part)) for part in tf.train.TrackableView(saved).descendants()}
    return [v for v in network.variables if id(v) not in tracked]


def data_iterators(session: Session, updates: Sequence[Update]) -> list[Any]:
    """The iterators of the data that training reads, if their position can be saved."""
    sources = [s for s in sources_of([u.loss for u in updates]) if isinstance(s, DatasetSource)]
    if not sources:
        return []
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
        " not Python generators, callbacks and random state: augment with tf.image.stateless_* and"
        " a seed of tf.data.Dataset.random.",
        why,
    )
    return []


def restore(checkpoint: tf.train.Checkpoint, path: str, partially: bool = False) -> None:
    """Restores a checkpoint.

    Args:
      checkpoint: what is to be restored.
      path: a checkpoint without `.index`.
      partially: whether the file may hold more, and less, than that.

    Raises:
      ValueError: the file is of another model or other optimizers, which is told; it was cut short.
    """
    open_checkpoint(path)
    try:
        status = checkpoint.restore(path)
        if partially:
            status.expect_partial()
        else:
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


def trackable(network: Any) -> Any:
    """A network as checkpoints save it: a model or module, or a function's list of variables."""
    fn = network.fn if isinstance(network, Network) else network
    return fn if hasattr(fn, "trainable_variables") else list(network.variables)
