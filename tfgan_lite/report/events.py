"""What TensorBoard's event files hold, read without TensorBoard."""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
from typing import Any

import tensorflow as tf
from absl import logging

__all__ = ["Events", "read_events"]

_Steps = dict[int, Any]


@dataclasses.dataclass
class Events:
    """Curves and pictures of a run.

    Attributes:
      scalars: tag -> step -> value, in the order of steps; what is not finite is left out.
      pictures: tag -> step -> the content of a PNG file.
      not_finite: tag -> how many of its values were NaN or infinite.
    """

    scalars: dict[str, dict[int, float]] = dataclasses.field(default_factory=dict)
    pictures: dict[str, dict[int, bytes]] = dataclasses.field(default_factory=dict)
    not_finite: dict[str, int] = dataclasses.field(default_factory=dict)


def read_events(logdir: str | os.PathLike[str]) -> Events:
    """All scalars and pictures of a folder and of the folders in it.

    Where a run went on from a checkpoint, a step has been trained more than once: the last counts.
    A file that is being written, or is damaged, is read as far as it goes.

    Args:
      logdir: the run's folder.
    """
    events = Events()
    files = pathlib.Path(logdir).rglob("events.out.tfevents.*")
    for path in sorted(files, key=lambda path: path.stat().st_mtime):
        try:
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                for value in event.summary.value:
                    _take(events, value, event.step)
        except tf.errors.DataLossError as error:
            logging.warning("%s is incomplete: %s", path, error.message)
    events.scalars = {tag: _sorted(steps) for tag, steps in sorted(events.scalars.items())}
    events.pictures = {tag: _sorted(steps) for tag, steps in sorted(events.pictures.items())}
    return events


def _sorted(steps: _Steps) -> _Steps:
    return dict(sorted(steps.items()))


def _take(events: Events, value: Any, step: int) -> None:
    plugin = value.metadata.plugin_data.plugin_name
    if value.HasField("simple_value"):
        _take_scalar(events, value.tag, step, value.simple_value)
    elif value.HasField("image"):
        events.pictures.setdefault(value.tag, {})[step] = value.image.encoded_image_string
    elif value.HasField("tensor") and plugin == "scalars":
        _take_scalar(events, value.tag, step, float(tf.make_ndarray(value.tensor)))
    elif value.HasField("tensor") and plugin == "images":
        content = tf.make_ndarray(value.tensor)  # Width, height, and one PNG for each image.
        if len(content) > 2:
            events.pictures.setdefault(value.tag, {})[step] = bytes(content[2])


def _take_scalar(events: Events, tag: str, step: int, value: float) -> None:
    if math.isfinite(value):
        events.scalars.setdefault(tag, {})[step] = value
    else:
        events.not_finite[tag] = events.not_finite.get(tag, 0) + 1
