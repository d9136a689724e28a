"""Rows that come in batches: all features of a set of samples, in one array."""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np

__all__ = ["Rows", "release", "take"]

_IN_MEMORY = 2**27  # Bytes.
_FIRST = 2048  # Rows, where nobody knows how many will come.
_AT_ONCE = 64  # Rows from anywhere: with each the system may read much of what is around it.


class Rows:
    """One array of all rows, which never exists twice.

    A large one is a file of its own in the folder for temporary files, mapped into memory. Of that
    only what is looked at takes memory, if one calls `release` now and then. The file has no name,
    and is gone with the array. Where there is no room for it, the array is in memory.

    Args:
      count: how many rows will come; None if nobody knows.
      in_memory: the most bytes that need no file.
    """

    def __init__(self, count: int | None = None, in_memory: int = _IN_MEMORY):
        self._capacity, self._in_memory = count or _FIRST, in_memory
        self._array: np.ndarray | None = None
        self._used = 0

    def append(self, rows: np.ndarray) -> None:
        """Adds rows [B, D], of the same D and dtype each time."""
        end = self._used + len(rows)
        if self._array is None:
            self._array = self._empty(max(end, self._capacity), rows)
        elif end > len(self._array):  # Only of streams whose length nobody knew.
            larger = self._empty(max(end, 2 * len(self._array)), rows)
            larger[: self._used] = self.result()
            self._array = larger
        self._array[self._used : end] = rows
        self._used = end
        release(self._array)

    def result(self) -> np.ndarray:
        """Returns all rows so far [N, D]."""
        return self._array[: self._used]

    def _empty(self, count: int, like: np.ndarray) -> np.ndarray:
        shape, dtype = (count, like.shape[1]), like.dtype
        size = count * like[:1].nbytes
        if size > self._in_memory and hasattr(os, "posix_fallocate"):
            with tempfile.TemporaryFile() as file:
                try:
                    # A page that the disk turned out to have no room for would end the process.
                    os.posix_fallocate(file.fileno(), 0, size)
                    return np.asarray(np.memmap(file, dtype, "r+", shape=shape))
                except OSError:
                    pass
        return np.empty(shape, dtype)


def release(*arrays: np.ndarray) -> None:
    """Gives back the memory of what was looked at of mapped arrays; they are as before.

    Args:
      arrays: from `Rows.result`, parts of such, or any others, which are left alone.
    """
    for array in arrays:
        while isinstance(array, np.ndarray):
            array = array.base
        if isinstance(array, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            array.madvise(mmap.MADV_DONTNEED)


def take(array: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Returns a copy of the rows of these numbers, in little memory besides; see `release`."""
    taken = np.empty((len(which), *array.shape[1:]), array.dtype)
    for start in range(0, len(which), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        taken[part] = array[which[part]]
        release(array)
    return taken
