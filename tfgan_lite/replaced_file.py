"""Files that are whole or not there, whenever the program may be stopped."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import tensorflow as tf

__all__ = ["replaced_file"]


@contextlib.contextmanager
def replaced_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Gives a file to write that takes the place of `path` when it is done, whole or not at all.

    Args:
      path: on any file system that TensorFlow knows, gs:// for instance; folders are made.

    Raises:
      tf.errors.OpError: it cannot be written.
    """
    path = os.fspath(path)
    tf.io.gfile.makedirs(os.path.dirname(path) or ".")
    unfinished = f"{path}.{os.getpid()}.tmp"
    try:
        with tf.io.gfile.GFile(unfinished, "wb") as file:
            yield _Stream(file)
        tf.io.gfile.rename(unfinished, path, overwrite=True)
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(unfinished)
        raise


class _Stream(io.RawIOBase):
    """TensorFlow's file as one of Python's, which `np.savez` asks for."""

    def __init__(self, file: tf.io.gfile.GFile):
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:
        self._file.write(bytes(content))
        return len(content)
