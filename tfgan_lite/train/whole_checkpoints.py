"""Checkpoints of which none is left half-written where one cannot be saved."""

from __future__ import annotations

import os

import tensorflow as tf
from absl import logging

__all__ = ["WholeCheckpoints"]


class WholeCheckpoints(tf.train.CheckpointManager):
    """A `tf.train.CheckpointManager` that removes what a save that fails has written.

    Args:
      checkpoint: what is saved.
      directory: where to.
      max_to_keep: how many checkpoints are kept, the newest; None for all.
      checkpoint_name: what their names begin with.
    """

    def __init__(
        self,
        checkpoint: tf.train.Checkpoint,
        directory: str,
        max_to_keep: int | None,
        checkpoint_name: str = "ckpt",
    ):
        super().__init__(checkpoint, directory, max_to_keep, checkpoint_name=checkpoint_name)
        self._name = checkpoint_name

    def save(self, checkpoint_number: int) -> str:
        """Saves, and gives the path.

        Raises:
          OSError, tf.errors.OpError: the checkpoint cannot be written, or is whole, but the list of
            checkpoints cannot be written, or those that are too many cannot be removed.
        """
        path = os.path.join(self.directory, f"{self._name}-{checkpoint_number}")
        try:
            return super().save(checkpoint_number)
        except BaseException:
            # The newest is whole, and those before it may be removed already.
            if self.latest_checkpoint != path:
                _remove_parts(path)
            raise


def _remove_parts(prefix: str) -> None:
    """Removes what a save that failed has written, as far as that is possible."""
    for path in tf.io.gfile.glob([f"{prefix}.*", f"{prefix}_temp"]):
        try:
            (tf.io.gfile.rmtree if tf.io.gfile.isdir(path) else tf.io.gfile.remove)(path)
        except (OSError, tf.errors.OpError) as error:
            logging.warning("Cannot remove %s: %s", path, error)
