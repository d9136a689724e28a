"""Directories that are whole or not there, as far as a file system can do that."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

__all__ = ["replaced_directory"]


@contextlib.contextmanager
def replaced_directory(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a directory to fill that takes the place of `target` when it is done.

    After an error `target` is as it was. Only where the process is killed between two renames, of
    an earlier `target` away and of the new one into its place, there is none: both are beside it
    then, in a directory whose name begins with its name and ends with `.tmp`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = pathlib.Path(tempfile.mkdtemp(".tmp", f"{target.name}.", target.parent))
    unfinished, earlier = beside / "unfinished", beside / "earlier"
    try:
        unfinished.mkdir()  # Which others may read, unlike one that tempfile makes.
        yield unfinished
        if target.exists():  # A directory cannot be renamed over one that has content.
            os.replace(target, earlier)
        try:
            os.replace(unfinished, target)
        except BaseException:
            if earlier.exists():
                os.replace(earlier, target)
            raise
        shutil.rmtree(earlier, ignore_errors=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        with contextlib.suppress(OSError):  # It holds the earlier one, which could not go back.
            beside.rmdir()
