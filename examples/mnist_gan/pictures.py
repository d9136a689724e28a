"""Generated digits as a picture that one can look at."""

import io
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan
from examples.mnist_gan import runs

_GAP = 2
_GAP_LEVEL = 128  # Grey, so that one sees where a black image ends.


def grey_levels(images: np.ndarray) -> np.ndarray:
    """Returns images as uint8 of the same shape.

    Args:
      images: Real numbers. -1 becomes 0, 1 becomes 255, and so does what is beyond.

    Raises:
      ValueError: If a number is NaN or infinite.
    """
    images = np.asarray(images)
    if not np.all(np.isfinite(images)):
        raise ValueError("images hold NaN or infinite numbers: the generator has diverged.")
    # Clipped, then rounded, then cast: a cast alone wraps what is over 255 around to black.
    levels = (images.astype(np.float64) + 1.0) * 127.5
    return np.rint(np.clip(levels, 0.0, 255.0)).astype(np.uint8)


def image_grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Returns images side by side, row by row, with a gap of 2 grey pixels between them.

    Args:
      images: Real numbers of shape [N, 28, 28, 1], N >= 1. -1 is black, 1 is white, and what is
        beyond is drawn as black or white.
      columns: Images per row, at least 1. Where the last row is not full, it is grey.

    Returns:
      uint8 [30 * rows - 2, 30 * columns - 2].

    Raises:
      ValueError: If the shape is another, a number is NaN or infinite, or `columns` is below 1.
    """
    images = np.asarray(images)
    if images.shape[1:] != (28, 28, 1) or not len(images):
        raise ValueError(f"images have the shape {images.shape}, expected [N, 28, 28, 1], N >= 1.")
    if columns < 1:
        raise ValueError(f"columns={columns} must be at least 1.")
    pixels = grey_levels(images)[..., 0]
    rows = -(-len(pixels) // columns)
    cells = np.full((rows * columns, 28 + _GAP, 28 + _GAP), _GAP_LEVEL, np.uint8)
    cells[: len(pixels), :28, :28] = pixels
    cells = cells.reshape(rows, columns, 28 + _GAP, 28 + _GAP)
    grid = cells.transpose(0, 2, 1, 3).reshape(rows * (28 + _GAP), columns * (28 + _GAP))
    return grid[:-_GAP, :-_GAP]


def png(grid: np.ndarray) -> bytes:
    """Returns a picture as the content of a PNG file.

    Args:
      grid: uint8 [H, W], as from `image_grid`.

    Raises:
      ImportError: If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Writing a PNG needs Pillow: pip install tfgan_lite[examples]") from error
    buffer = io.BytesIO()
    Image.fromarray(grid).save(buffer, format="PNG")
    return buffer.getvalue()


def save_png(path: str | os.PathLike[str], grid: np.ndarray) -> None:
    """Writes a picture as a PNG file, whole or not at all, over an earlier one.

    Args:
      path: Where to. Its directory is made if need be.
      grid: uint8 [H, W], as from `image_grid`.

    Raises:
      ImportError: If Pillow is not installed.
    """
    runs.write_file(pathlib.Path(path), png(grid))


class PictureHook(tfgan.TrainingHook):
    """Draws a grid of images every few rounds, and when training ends.

    It works in TF2 and in a graph. The pictures are PNG files with the round in their names, and
    images for TensorBoard.

    Args:
      images: A callable of nothing that gives images [N, 28, 28, 1]. In TF2 it is called for each
        picture; in a graph it is called once, and its tensor evaluated for each. They should be
        made from the same noise each time, so that one sees how each image becomes a digit.
      directory: Where to.
      every_n_steps: Rounds between two pictures.
      columns: Images per row.
    """

    def __init__(
        self,
        images: Callable[[], Any],
        directory: str | os.PathLike[str],
        every_n_steps: int,
        columns: int = 10,
    ):
        self._images = images
        self._tensor: Any = None
        self._directory = pathlib.Path(directory)
        self._every = every_n_steps
        self._columns = columns
        self._writer: Any = None
        self._step = 0
        self._drawn: int | None = None

    def next_due(self, global_step: int) -> int:
        return (global_step // self._every + 1) * self._every

    def begin(self) -> None:
        if not tf.executing_eagerly():
            self._tensor = self._images()
        # TensorFlow's v1 writer takes finished PNGs, in both worlds, once it is made in a graph.
        with tf.Graph().as_default():
            self._writer = tf.compat.v1.summary.FileWriter(str(self._directory))

    def after_round(self, run_context: Any, global_step: int) -> None:
        self._step = global_step
        if global_step % self._every == 0:
            self._draw(run_context.session)

    def end(self, session: Any) -> None:
        if self._drawn != self._step:
            self._draw(session)

    def close(self) -> None:
        """Closes the file for TensorBoard; `gan_train` calls it after errors, too."""
        if self._writer is not None:
            self._writer.close()

    def _draw(self, session: Any) -> None:
        images = self._images() if self._tensor is None else session.run(self._tensor)
        picture = png(image_grid(images, self._columns))
        runs.write_file(self._directory / f"{self._step:06d}.png", picture)
        image = tf.compat.v1.Summary.Image(encoded_image_string=picture)
        value = tf.compat.v1.Summary.Value(tag="generated", image=image)
        self._writer.add_summary(tf.compat.v1.Summary(value=[value]), self._step)
        self._drawn = self._step
