"""Encoded images as they are kept: names, labels, and a way to read one."""

from __future__ import annotations

import dataclasses
import pathlib
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from tfgan_lite.data.bad_files import BadFile

__all__ = ["Source", "existing", "is_image", "sort_files", "source_of_files"]

# Files with these extensions are meant as images, whether they can be decoded or not. Others, such
# as a README beside the images, are left alone.
_EXTENSIONS = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib"),
    *(".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".ppm", ".pgm", ".tga", ".ico"),
}


@dataclasses.dataclass(frozen=True)
class Source:
    """Encoded images.

    Attributes:
      path: Where they are, for messages.
      kind: What they are kept in: "folder", "zip", "tfrecord" or "tfds".
      names: One for each image.
      read: Called with an image's index and a number of bytes; gives the encoded image, or raises
        ValueError or OSError where it cannot be read or is longer.
      labels: int64 [N], or None.
      class_names: What labels mean, by label.
      bad_files: What cannot be read, as far as that shows without reading.
      ignored: How many files that are no images were left out, by extension.
    """

    path: str
    kind: str
    names: Sequence[str]
    read: Callable[[int, int], bytes]
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    bad_files: Sequence[BadFile] = ()
    ignored: Counter[str] = dataclasses.field(default_factory=Counter)


def existing(path: str) -> pathlib.Path:
    """Returns the path of something that is there, or raises FileNotFoundError."""
    found = pathlib.Path(path).expanduser()
    if not found.exists():
        raise FileNotFoundError(f"There is no {found}. Check the path {str(path)!r}.")
    return found


def is_image(name: str) -> bool:
    """Whether a file is meant as an image."""
    return pathlib.PurePosixPath(name).suffix.lower() in _EXTENSIONS


def sort_files(names: Sequence[str]) -> tuple[list[str], Counter[str]]:
    """Returns what is meant as images, in order, and counts the rest by extension.

    Files and folders that systems hide or add (".DS_Store", "__MACOSX") are not mentioned at all.
    """
    images, ignored = [], Counter()
    for name in sorted(names):
        parts = pathlib.PurePosixPath(name).parts
        if any((p.startswith(".") and p != "..") or p == "__MACOSX" for p in parts):
            continue
        if is_image(name):
            images.append(name)
        else:
            ignored[pathlib.PurePosixPath(name).suffix.lower() or "no extension"] += 1
    return images, ignored


def source_of_files(
    path: str,
    kind: str,
    names: Sequence[str],
    read: Callable[[str, int], bytes],
    bad_files: Sequence[BadFile],
    ignored: Counter[str],
) -> Source:
    """Returns a source of files in folders, whose names are those of the classes.

    Args:
      path: For messages.
      kind: See `Source`.
      names: The images' paths, with "/" between folders.
      read: As `Source.read`, but called with a name.
      bad_files: See `Source`.
      ignored: See `Source`.

    Raises:
      ValueError: Some images are in a class's folder and some in none.
    """
    class_names, labels = _classes(path, names)
    return Source(
        path,
        kind,
        names,
        lambda index, max_bytes: read(names[index], max_bytes),
        labels,
        class_names,
        bad_files,
        ignored,
    )


def _classes(path: str, names: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray | None]:
    """The first folder on the way is the class; a folder that holds all images is none."""
    ways = [pathlib.PurePosixPath(name).parts for name in names]
    while ways and all(len(way) > 1 and way[0] == ways[0][0] for way in ways):
        ways = [way[1:] for way in ways]
    beside = [name for name, way in zip(names, ways) if len(way) == 1]
    if len(beside) == len(names):
        return (), None
    if beside:
        raise ValueError(
            f"{path} has images in folders, which are classes, and {len(beside)} beside them, such "
            f"as {beside[0]!r}: of which class are those? Put every image in a class's folder, or "
            "all of them in one."
        )
    class_names = sorted({way[0] for way in ways})
    numbers = {name: number for number, name in enumerate(class_names)}
    return tuple(class_names), np.array([numbers[way[0]] for way in ways], np.int64)
