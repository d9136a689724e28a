"""Checkpoints of several workers, who all save at once and of whom one keeps what it saved."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.train.whole_checkpoints import WholeCheckpoints
from tfgan_lite.train.workers import Workers

__all__ = ["WorkerCheckpoints"]


class WorkerCheckpoints:
    """A `tf.train.CheckpointManager` of a training with several workers.

    The chief's checkpoint is the one that all restore. The others save theirs, too, since reading
    a variable may take all workers; it goes to a temporary folder. Each worker's position in the
    data is its own, and is in the logdir's folder worker_<index>.

    Args:
      checkpoint: all but the position in the data.
      logdir: on a file system that all workers share.
      data: the iterators whose position is saved.
      workers: who they are.
      max_to_keep: how many checkpoints are kept.
    """

    def __init__(
        self,
        checkpoint: tf.train.Checkpoint,
        logdir: str,
        data: Sequence[Any],
        workers: Workers,
        max_to_keep: int | None = 5,
    ):
        self.checkpoint = checkpoint
        self._logdir = logdir
        self._workers = workers
        self._temporary = None if workers.is_chief else tempfile.TemporaryDirectory()
        folder = logdir if workers.is_chief else self._temporary.name
        self._manager = WholeCheckpoints(checkpoint, folder, max_to_keep)
        self._data = tf.train.Checkpoint(data=list(data)) if data else None
        self._folder = os.path.join(logdir, f"worker_{workers.index}")
        self._positions = self._data and WholeCheckpoints(
            self._data, self._folder, max_to_keep, checkpoint_name="data"
        )

    @property
    def latest_checkpoint(self) -> str | None:
        """The chief's newest.

        Raises:
          ValueError: workers find different ones.
        """
        path = tf.train.latest_checkpoint(self._logdir)
        step = -1 if path is None else _step_of(path)
        found = self._workers.gather(step).tolist()
        if len(set(found)) > 1:
            raise ValueError(
                f"The workers find checkpoints of different rounds in their logdir: {found}"
                " (-1: none). It must be on a file system that all workers share."
            )
        return path

    def save(self, checkpoint_number: int) -> None:
        """Saves; when the chief's checkpoint is there, so are all positions.

        Raises:
          OSError, tf.errors.OpError: a worker cannot write its files; all workers raise then.
        """
        self._save_together(self._positions, checkpoint_number)
        self._save_together(self._manager, checkpoint_number)

    def _save_together(self, manager: WholeCheckpoints | None, checkpoint_number: int) -> None:
        """Saves on all workers, or raises on all: they must go on with the same."""
        error: Exception | None = None
        try:
            if manager is not None:
                manager.save(checkpoint_number)
        except (OSError, tf.errors.OpError) as mine:
            error = mine
        if not self._workers.all(error is None):
            raise error or OSError("another worker cannot write its files: its log says why")

    def restore_position(self) -> None:
        """Goes on with the data where this worker was when the newest checkpoint was saved."""
        path = self.latest_checkpoint
        if path is None or self._data is None:
            return
        position = os.path.join(self._folder, f"data-{_step_of(path)}")
        if tf.io.gfile.exists(f"{position}.index"):
            self._data.read(position).assert_existing_objects_matched()
        else:
            logging.warning("There is no %s: this worker reads its data from the start.", position)


def _step_of(path: str) -> int:
    return int(path.rsplit("-", 1)[1])
