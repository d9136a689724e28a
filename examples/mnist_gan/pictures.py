"""Generated digits as a picture that one can look at."""

import io
import os
import pathlib
from collections.abc import Sequence

import numpy as np

import tfgan_lite as tfgan
from examples import files


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
    return tfgan.eval.spaced_grid(images, columns)[..., 0]


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
        raise ImportError("A PNG needs Pillow: pip install 'tfgan_lite[examples]'") from error
    buffer = io.BytesIO()
    Image.fromarray(grid).save(buffer, format="PNG")
    return buffer.getvalue()


def gif(grids: Sequence[np.ndarray], frames_per_second: float = 20.0) -> bytes:
    """Returns pictures as the content of an animated GIF file that begins anew at its end.

    Args:
      grids: uint8 [H, W] each, as from `image_grid`.
      frames_per_second: How fast it goes.

    Raises:
      ImportError: If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("A GIF needs Pillow: pip install 'tfgan_lite[examples]'") from error
    first, *others = (Image.fromarray(grid) for grid in grids)
    buffer = io.BytesIO()
    duration = round(1000 / frames_per_second)
    first.save(buffer, format="GIF", save_all=True, append_images=others, duration=duration, loop=0)
    return buffer.getvalue()


def save_png(path: str | os.PathLike[str], grid: np.ndarray) -> None:
    """Writes a picture as a PNG file, whole or not at all, over an earlier one.

    Args:
      path: Where to. Its directory is made if need be.
      grid: uint8 [H, W], as from `image_grid`.

    Raises:
      ImportError: If Pillow is not installed.
    """
    files.write_file(pathlib.Path(path), png(grid))
