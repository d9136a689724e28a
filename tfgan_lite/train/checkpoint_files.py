"""Checkpoint files as data of unknown origin: what is checked before TensorFlow acts on them."""

from __future__ import annotations

import math
import os
from typing import Any

import tensorflow as tf

__all__ = ["check_logdir_state", "newest_of", "open_checkpoint", "remove_unfinished"]


def check_logdir_state(logdir: str) -> None:
    """Raises ValueError where a folder's list of checkpoints points out of the folder.

    Training removes the oldest checkpoints of the list, wherever they are. The same goes for a
    folder whose name TensorFlow takes for a pattern, which other folders may match.
    """
    if set(logdir) & set("*?["):
        raise ValueError(
            f"{logdir!r} holds *, ? or [, so that TensorFlow takes it for a pattern of names: it"
            " does not find its checkpoints again, or removes those of other folders. Name the"
            " folder otherwise."
        )
    try:
        state = tf.train.get_checkpoint_state(logdir)
    except tf.errors.OpError as error:
        raise ValueError(f"Cannot read the list of checkpoints in {logdir}: {error}") from error
    if state is None:
        return
    home = _resolved(logdir)
    listed = {state.model_checkpoint_path, *state.all_model_checkpoint_paths}
    outside = sorted(path for path in listed if os.path.dirname(_resolved(path)) != home)
    if outside:
        raise ValueError(
            f"{os.path.join(logdir, 'checkpoint')} lists checkpoints that are not in this folder:"
            f" {', '.join(outside)}. If the folder was moved, remove that file's lines or write"
            " their paths anew; of a stranger's folder use the checkpoint that you want by its"
            " path, with warm_start."
        )


def newest_of(path: str | os.PathLike[str]) -> str:
    """A checkpoint's path as it is, or that of the newest in a folder.

    Raises:
      ValueError: there is none, or the folder's list of checkpoints points elsewhere.
    """
    path = os.fspath(path)
    if not tf.io.gfile.isdir(path):
        return path
    check_logdir_state(path)
    found = tf.train.latest_checkpoint(path)
    if found is None:
        raise ValueError(f"There is no checkpoint in {path}.")
    return found


def open_checkpoint(path: str) -> Any:
    """A `tf.train.CheckpointReader`, of a checkpoint that holds as much as it declares.

    Args:
      path: a checkpoint's path without `.index`.

    Raises:
      ValueError: it cannot be read, or its data is shorter than the shapes in its index say,
        because it was cut short or made up.
    """
    try:
        reader = tf.train.load_checkpoint(path)
        shapes = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise ValueError(f"Cannot read the checkpoint {path}: {error}") from error
    declared = sum(
        math.prod(shape) * dtypes[name].size
        for name, shape in shapes.items()
        if dtypes[name] not in (tf.string, tf.variant, tf.resource)
    )
    files = tf.io.gfile.glob(f"{path}.data-*")
    held = sum(tf.io.gfile.stat(file).length for file in files)
    if declared > held:
        raise ValueError(
            f"The checkpoint {path} declares {declared:,} bytes of numbers, but its data has only"
            f" {held:,}: it was cut short, or is not what it says. Use another one."
        )
    return reader


def remove_unfinished(logdir: str) -> None:
    """Removes what a process that was killed while it saved has left."""
    for folder in tf.io.gfile.glob(os.path.join(logdir, "ckpt-*_temp")):
        if tf.io.gfile.isdir(folder):
            tf.io.gfile.rmtree(folder)


def _resolved(path: str) -> str:
    return path.rstrip("/") if "://" in path else os.path.realpath(path)
