"""Many images as one: grids of them, in TensorFlow and in NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.checks import Array
from tfgan_lite.eval.deferrable import deferrable
from tfgan_lite.integers import checked_integer

__all__ = ["image_grid", "image_reshaper", "padded_grid", "python_image_grid"]


@deferrable
def image_grid(
    input_tensor: Array,
    grid_shape: Sequence[int],
    image_shape: Sequence[int] = (32, 32),
    num_channels: int = 3,
) -> tf.Tensor:
    """Returns images side by side, row after row.

    Args:
      input_tensor: images [N, H, W, C], or flattened ones [N, H * W * C]; N = rows * columns.
      grid_shape: (rows, columns).
      image_shape: (H, W) of flattened images.
      num_channels: C of flattened images.

    Returns:
      One image, [1, rows * H, columns * W, C], of the same dtype.

    Raises:
      ValueError: another rank, or another number of images.

    Example:
      >>> tfgan.eval.image_grid(tf.zeros([6, 8, 8, 1]), (2, 3), (8, 8), 1).shape.as_list()
      [1, 16, 24, 1]
    """
    images = tf.convert_to_tensor(input_tensor)
    rows, columns = _checked_grid(grid_shape)
    if images.shape.rank == 2:
        shape = [*image_shape, num_channels]
        if images.shape[1] not in (None, math.prod(shape)):
            raise ValueError(
                f"input_tensor has {images.shape[1]} numbers per image, but image_shape and "
                f"num_channels say {shape}."
            )
        images = tf.reshape(images, [-1 if images.shape[0] is None else images.shape[0], *shape])
    if images.shape.rank != 4 or images.shape[0] != rows * columns:
        raise ValueError(
            f"input_tensor must be {rows * columns} images [N, H, W, C] or [N, H * W * C] for a "
            f"grid of {rows} x {columns}, but its shape is {images.shape}."
        )
    return _grid(images, rows, columns)


def python_image_grid(input_array: np.ndarray, grid_shape: Sequence[int]) -> np.ndarray:
    """Returns images side by side, row after row, as an array.

    Args:
      input_array: [N, H, W, C]; N = rows * columns.
      grid_shape: (rows, columns).

    Returns:
      One image, [rows * H, columns * W, C], of the same dtype.

    Raises:
      ValueError: another rank, or another number of images.

    Example:
      >>> tfgan.eval.python_image_grid(np.zeros([6, 8, 8, 1]), (2, 3)).shape
      (16, 24, 1)
    """
    images = np.asarray(input_array)
    rows, columns = _checked_grid(grid_shape)
    if images.ndim != 4 or len(images) != rows * columns:
        raise ValueError(
            f"input_array must be {rows * columns} images [N, H, W, C] for a grid of {rows} x "
            f"{columns}, but its shape is {images.shape}."
        )
    _, height, width, channels = images.shape
    by_row = images.reshape([rows, columns, height, width, channels]).swapaxes(1, 2)
    return by_row.reshape([rows * height, columns * width, channels])


@deferrable
def image_reshaper(images: Any, num_cols: int | None = None) -> tf.Tensor:
    """Returns images side by side in a grid that is nearly square, or has `num_cols` columns.

    Args:
      images: [N, H, W, C], N >= 1 and known, or a list of [H, W, C]; C is 1 or 3.
      num_cols: columns; by default the square root of N, rounded up.

    Returns:
      One image, [1, rows * H, columns * W, C], of the same dtype. What the last row lacks is zero.

    Raises:
      ValueError: another rank, no images, or another number of channels.

    Example:
      >>> tfgan.eval.image_reshaper(tf.zeros([6, 8, 8, 1]), num_cols=3).shape.as_list()
      [1, 16, 24, 1]
    """
    if isinstance(images, (list, tuple)):
        if not images:
            raise ValueError("images must be at least one, but the list is empty.")
        images = tf.stack(images)
    images = tf.convert_to_tensor(images)
    if images.shape.rank != 4 or not images.shape[0]:
        raise ValueError(
            "images must be [N, H, W, C] with a known N >= 1, or a list of [H, W, C], but the "
            f"shape is {images.shape}."
        )
    if images.shape[3] not in (None, 1, 3):
        raise ValueError(f"images must have 1 or 3 channels, but their shape is {images.shape}.")
    count = images.shape[0]
    if num_cols is None:
        columns = math.isqrt(count - 1) + 1
    else:
        columns = checked_integer("num_cols", num_cols)
    return padded_grid(images, -(-count // columns), columns)


def padded_grid(images: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    """The first images in a grid, and zeros where there are not enough of them.

    Args:
      images: [N, H, W, C], of any N.
      rows: of the grid.
      columns: of the grid.

    Returns:
      One image, [1, rows * H, columns * W, C].
    """
    places = rows * columns
    images = images[:places]
    missing = places - tf.shape(images)[0]
    padded = tf.pad(images, [[0, missing], [0, 0], [0, 0], [0, 0]])
    return _grid(tf.ensure_shape(padded, [places, *images.shape[1:]]), rows, columns)


def _grid(images: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    sizes = [tf.shape(images)[i] if n is None else n for i, n in enumerate(images.shape)]
    _, height, width, channels = sizes
    by_row = tf.reshape(images, [rows, columns, height, width, channels])
    by_row = tf.transpose(by_row, [0, 2, 1, 3, 4])
    return tf.reshape(by_row, [1, rows * height, columns * width, channels])


def _checked_grid(grid_shape: Sequence[int]) -> tuple[int, int]:
    if len(grid_shape) != 2:
        raise ValueError(f"grid_shape must be (rows, columns), but it is {grid_shape!r}.")
    rows, columns = grid_shape
    return checked_integer("grid_shape[0]", rows), checked_integer("grid_shape[1]", columns)
