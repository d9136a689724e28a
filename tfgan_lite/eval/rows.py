"""Rows that come in batches: all features of a set of samples, in one array."""

from __future__ import annotations

import os
import tempfile

import numpy as np

__all__ = ["Rows"]

_IN_MEMORY = 2**27  # Bytes.
_FIRST = 2048  # Rows, where nobody knows how many will come.


class Rows:
    """One array of all rows, which never exists twice.

    A large one is a file of its own in the folder for temporary files, mapped into memory: the
    operating system writes out of its pages what does not fit beside everything else. The file has
    no name, and is gone with the array. Where there is no room for it, the array is in memory.

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
