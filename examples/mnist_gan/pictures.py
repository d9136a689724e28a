"""Generated digits as a picture that one can look at."""

import io
import os
import pathlib

import numpy as np

_GAP = 2
_GAP_LEVEL = 128  # Grey, so that one sees where a black image ends.


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
    if not np.all(np.isfinite(images)):
        raise ValueError("images hold NaN or infinite numbers: the generator has diverged.")
    if columns < 1:
        raise ValueError(f"columns={columns} must be at least 1.")
    # Clipped, then rounded, then cast: a cast alone wraps what is over 255 around to black.
    levels = (images[..., 0].astype(np.float64) + 1.0) * 127.5
    pixels = np.rint(np.clip(levels, 0.0, 255.0)).astype(np.uint8)
    rows = -(-len(pixels) // columns)
    cells = np.full((rows * columns, 28 + _GAP, 28 + _GAP), _GAP_LEVEL, np.uint8)
    cells[: len(pixels), :28, :28] = pixels
    cells = cells.reshape(rows, columns, 28 + _GAP, 28 + _GAP)
    grid = cells.transpose(0, 2, 1, 3).reshape(rows * (28 + _GAP), columns * (28 + _GAP))
    return grid[:-_GAP, :-_GAP]


def save_png(path: str | os.PathLike[str], grid: np.ndarray) -> None:
    """Writes a picture as a PNG file, whole or not at all, over an earlier one.

    Args:
      path: Where to. Its directory is made if need be.
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
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_bytes(buffer.getvalue())
    os.replace(unfinished, path)
