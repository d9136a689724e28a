"""The same noise drawn again and again while the generator learns: `SampleGridHook`."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.evaluation import run_eagerly
from tfgan_lite.eval.image_ranges import as_bytes
from tfgan_lite.eval.periodic_look import PeriodicLook
from tfgan_lite.integers import checked_integer
from tfgan_lite.replaced_file import replaced_file
from tfgan_lite.sampling import generate

__all__ = ["SampleGridHook", "spaced_grid"]

_GAP, _GAP_LEVEL = 2, 128  # Grey, so that one sees where a black image ends.


class SampleGridHook(PeriodicLook):
    """Writes a grid of samples to TensorBoard before training, every now and then, and at the end.

        grids = tfgan.eval.SampleGridHook(model, every_n_steps=500)
        gan_train(train_ops, logdir, hooks=[grids, ...])

    The noise is the same each time, so that you see how each image develops. It works in TF2
    and in a graph. A failure is logged, and training goes on.

    Args:
      samples: a model with `generator_inputs`; or a callable without arguments that gives images
        [N, H, W, C], which a graph calls once.
      every_n_steps: rounds between two grids; give this or every_secs.
      every_secs: seconds between them.
      num_samples: how many images, for a model.
      columns: images in a row; by default as many as there are rows.
      average: a `WeightAverage` whose weights draw, for a model.
      seed: of the noise, for a model.
      value_range: what black and white are.
      name: of the pictures in TensorBoard.
      folder: where PNG files go as well, with the round in their names; None for nowhere.
      logdir: where to write; the run's own by default.
      clock: gives seconds.

    Raises:
      ValueError: periods or numbers out of range; when training begins, no logdir.

    Example:
      >>> train(tfgan.eval.SampleGridHook(image_model, 2, folder="grids", logdir="grids"), rounds=2)
      >>> bool(tf.io.gfile.glob("grids/*.png"))
      True
    """

    def __init__(
        self,
        samples: Any,
        every_n_steps: int | None = None,
        every_secs: float | None = None,
        *,
        num_samples: int = 64,
        columns: int | None = None,
        average: Any = None,
        seed: int = 0,
        value_range: tuple[float, float] = (-1.0, 1.0),
        name: str = "samples",
        folder: str | os.PathLike[str] | None = None,
        logdir: str | os.PathLike[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(every_n_steps, every_secs, logdir, clock=clock)
        num_samples = checked_integer("num_samples", num_samples)
        if columns is not None:
            columns = checked_integer("columns", columns)
        if hasattr(samples, "generator_inputs"):
            self._draw = lambda: generate(samples, num_samples, seed, average=average)
        elif callable(samples):
            self._draw = samples
        else:
            raise ValueError(
                "samples must be a model with generator_inputs or a function that gives images,"
                f" got {type(samples).__name__}."
            )
        self._columns, self._value_range, self._name = columns, value_range, name
        self._folder = None if folder is None else os.fspath(folder)
        self._tensor: Any = None
        self._pictures: Any = None
        self._drawn: int | None = None
        self._step = 0

    def begin(self) -> None:
        super().begin()
        if self._logdir is None:
            raise ValueError("SampleGridHook has no logdir: give it one, or give gan_train one.")
        if not tf.executing_eagerly():  # A session's graph cannot grow later.
            self._tensor = self._draw()
        # TensorFlow's v1 writer takes finished PNGs, in both worlds, once it is made in a graph.
        with tf.Graph().as_default():
            self._pictures = tf.compat.v1.summary.FileWriter(
                self._logdir, filename_suffix=f".{self._name}"
            )

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._step = self.run.initial_step
        if not self._step:
            self._look_safely(session, 0)

    def after_round(self, run_context: Any, global_step: int) -> None:
        self._step = global_step
        super().after_round(run_context, global_step)

    def end(self, session: Any) -> None:
        if self._drawn != self._step:
            self._look_safely(session, self._step)
        super().end(session)

    def close(self) -> None:
        """Closes the file; `gan_train` calls it even after errors."""
        if self._pictures is not None:
            self._pictures.close()

    def look(self, session: Any, global_step: int) -> dict[str, Any]:
        self._drawn = global_step  # Or failed to: at the end it would fail again.
        images = self._draw() if self._tensor is None else session.run(self._tensor)
        images = np.asarray(images)
        columns = self._columns or max(1, math.isqrt(len(images)))
        grid = spaced_grid(images, columns, self._value_range)
        picture = run_eagerly(lambda: tf.io.encode_png(grid).numpy())
        image = tf.compat.v1.Summary.Image(
            height=grid.shape[0],
            width=grid.shape[1],
            colorspace=grid.shape[2],
            encoded_image_string=picture,
        )
        value = tf.compat.v1.Summary.Value(tag=self._name, image=image)
        self._pictures.add_summary(tf.compat.v1.Summary(value=[value]), global_step)
        self._pictures.flush()
        if self._folder is not None:
            with replaced_file(os.path.join(self._folder, f"{global_step:06d}.png")) as file:
                file.write(picture)
        return {"pictures": [self._name]}


def spaced_grid(
    images: np.ndarray, columns: int, value_range: tuple[float, float] = (-1.0, 1.0)
) -> np.ndarray:
    """Images side by side, row by row, with grey between them and where the last row ends.

    Args:
      images: real numbers [N, H, W, C], N >= 1, C one of 1, 3 and 4.
      columns: images in a row.
      value_range: what becomes 0 and 255; what is beyond is clipped.

    Returns:
      uint8 [rows * (H + 2) - 2, columns * (W + 2) - 2, C].

    Raises:
      ValueError: another shape; a number that is NaN or infinite.

    Example:
      >>> tfgan.eval.spaced_grid(np.zeros([6, 8, 8, 1]), columns=3).shape
      (18, 28, 1)
    """
    if images.ndim != 4 or not len(images) or images.shape[3] not in (1, 3, 4):
        raise ValueError(f"images must be [N, H, W, 1, 3 or 4], but their shape is {images.shape}.")
    if not np.isfinite(images).all():
        raise ValueError("images hold NaN or infinite numbers: the generator has diverged.")
    pixels = run_eagerly(lambda: as_bytes(images, value_range, rounded=True).numpy())
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cell = [height + _GAP, width + _GAP]
    cells = np.full([rows * columns, *cell, channels], _GAP_LEVEL, np.uint8)
    cells[:count, :height, :width] = pixels
    grid = cells.reshape([rows, columns, *cell, channels]).swapaxes(1, 2)
    return grid.reshape([rows * cell[0], columns * cell[1], channels])[:-_GAP, :-_GAP]
