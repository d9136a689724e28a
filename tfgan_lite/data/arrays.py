"""Images that are arrays already: .npz and idx files."""

from __future__ import annotations

import contextlib
import gzip
import math
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from tfgan_lite.data.bad_files import MissingSplitError
from tfgan_lite.data.source import existing

__all__ = ["checked_arrays", "holds_idx_files", "idx_arrays", "npz_arrays"]

Arrays = tuple[np.ndarray, np.ndarray | None]

# A packed file of a few megabytes can unpack to any size.
_MAX_BYTES = 2**34
# What reading a damaged zip archive or gzip stream can raise besides OSError. NumPy reports a
# member cut short, or one that only pickle could read, as a ValueError.
_DAMAGED = (ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error)
_IDX_PREFIXES = {"train": "train", "test": "t10k"}


def npz_arrays(path: str, split: str) -> Arrays:
    """Returns the images and labels of an .npz file.

    Args:
      path: Of a file that numpy.savez wrote, with x_train and, where there are labels, y_train; for
        other splits x_test and so on. Without splits: images and labels, x and y, or one array.
      split: The part to read.

    Raises:
      FileNotFoundError: There is no such file.
      MissingSplitError: There is no such array.
      ValueError: The file is damaged, or holds something else.
    """
    file = existing(path)
    if file.is_dir():
        raise ValueError(f"{file} is a folder, but an .npz file was expected.")
    names = [(f"x_{split}", f"y_{split}")]
    if split == "train":
        names += [("images", "labels"), ("x", "y"), ("arr_0", "arr_1")]
    try:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it is a single array")
        with archive:
            _check_size(file, sum(member.file_size for member in archive.zip.infolist()))
            keys = archive.files
            pair = next((pair for pair in names if pair[0] in keys), None)
            arrays = [archive[key] for key in pair or () if key in keys]
    except _DAMAGED as error:
        raise ValueError(
            f"{file} is not a readable .npz archive of plain arrays ({error}). It may be cut short "
            "or of another kind: fetch it again, or write it with numpy.savez."
        ) from error
    if pair is None:
        raise MissingSplitError(
            f"{file} has no array {names[0][0]!r}, only {sorted(keys)}. Rename or add it."
        )
    images, labels = (*arrays, None)[:2]
    return checked_arrays(images, labels, str(file))


def holds_idx_files(folder: pathlib.Path) -> bool:
    """Whether a folder has idx files with MNIST's names."""
    return any(folder.glob("*-images-idx3-ubyte*"))


def idx_arrays(path: str, split: str) -> Arrays:
    """Returns the images and labels of idx files, plain or packed with gzip.

    Args:
      path: A folder with the files of MNIST's names, also those of Fashion-MNIST and the like:
        train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
        t10k-labels-idx1-ubyte.
      split: "train" or "test".

    Raises:
      FileNotFoundError: There is no such folder or file.
      MissingSplitError: A split of another name.
      ValueError: A file is damaged, or holds something else.
    """
    folder = existing(path)
    if split not in _IDX_PREFIXES:
        raise MissingSplitError(f"{folder} has no split {split!r}, only train, test.")
    prefix = _IDX_PREFIXES[split]
    images = _read_idx(folder, f"{prefix}-images-idx3-ubyte", rank=3)
    labels = _read_idx(folder, f"{prefix}-labels-idx1-ubyte", rank=1)
    return checked_arrays(images, labels, str(folder))


def checked_arrays(images: np.ndarray, labels: np.ndarray | None, path: str) -> Arrays:
    """Returns images uint8 [N, H, W, C] and labels int64 [N], or raises a ValueError.

    Args:
      images: uint8 [N, H, W] or [N, H, W, C] with one, three or four channels.
      labels: Integers [N] from 0 on, or None.
      path: For messages.
    """
    if images.dtype != np.uint8:
        raise ValueError(
            f"The images of {path} are {images.dtype}, expected uint8 from 0 to 255. Convert them "
            "first."
        )
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4) or 0 in images.shape[1:]:
        raise ValueError(
            f"The images of {path} have the shape {images.shape}, expected [N, H, W] or "
            "[N, H, W, C] with 1, 3 or 4 channels, which come last."
        )
    if not len(images):
        raise ValueError(f"{path} has no images in this split. Give at least one.")
    if labels is None:
        return images, None
    if not np.issubdtype(labels.dtype, np.integer) or labels.shape != (len(images),):
        raise ValueError(
            f"The labels of {path} are {labels.dtype} {labels.shape}, expected integers "
            f"({len(images)},): one for each image."
        )
    if labels.min() < 0:
        raise ValueError(f"The labels of {path} begin at {labels.min()}, expected 0 or more.")
    return images, labels.astype(np.int64)


def _read_idx(folder: pathlib.Path, name: str, rank: int) -> np.ndarray:
    """Returns the bytes of an idx file: magic number, `rank` sizes, then the values."""
    plain, packed = folder / name, folder / f"{name}.gz"
    if not plain.exists() and not packed.exists():
        raise FileNotFoundError(
            f"{folder} has neither {name} nor {name}.gz. Put the four idx files there."
        )
    path = plain if plain.exists() else packed
    with _opened(path) as file:
        header_size = 4 * (1 + rank)
        header = file.read(header_size)
        if len(header) < header_size:
            raise ValueError(
                f"{path} is cut short: {len(header)} bytes, the header alone has {header_size}. "
                "Fetch it again."
            )
        magic, *shape = struct.unpack(f">{1 + rank}I", header)
        expected_magic = 0x0800 + rank  # 0x08 says unsigned bytes, the last byte is the rank.
        if magic != expected_magic:
            raise ValueError(
                f"{path} starts with the magic number {magic}, expected {expected_magic}. It is "
                "not the file that its name says: fetch it again."
            )
        size = math.prod(shape)
        _check_size(path, size)
        content = file.read(size + 1)  # One more, to see whether it ends there.
    if len(content) != size:
        follow = "more" if len(content) > size else f"only {len(content)}"
        raise ValueError(
            f"{path} says it has {size} values in the shape {tuple(shape)}, but {follow} follow. "
            "It is cut short or damaged: fetch it again."
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[BinaryIO]:
    if path.suffix != ".gz":
        with open(path, "rb") as file:
            yield file
        return
    try:
        with gzip.open(path, "rb") as file:
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is no whole gzip file ({error}). Fetch it again.") from error


def _check_size(path: pathlib.Path, size: int) -> None:
    if size > _MAX_BYTES:
        raise ValueError(
            f"{path} would take {size / 2**30:.0f} GiB of memory, more than {_MAX_BYTES >> 30}: "
            "keep as many images in a folder or a zip archive, which are read bit by bit"
        )
