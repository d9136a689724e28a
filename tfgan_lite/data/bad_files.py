"""What is wrong with data, told all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["BadFile", "BadFilesError", "MissingSplitError"]

_MOST_TOLD = 100


class BadFile(NamedTuple):
    """A file that cannot be trained on.

    Attributes:
      name: Its path below the folder or in the archive.
      reason: What is wrong with it.

    Example:
      >>> bad = tfgan.data.BadFile("cats/7.png", "is empty")
      >>> f"{bad.name} {bad.reason}"
      'cats/7.png is empty'
    """

    name: str
    reason: str


class BadFilesError(ValueError):
    """Some files cannot be trained on.

    Attributes:
      bad_files: All of them; the message tells the first hundred.

    Example:
      >>> tf.io.write_file("torn/one.png", "")
      >>> try:
      ...     _ = tfgan.data.load("torn")
      ... except tfgan.data.BadFilesError as error:
      ...     print(error.bad_files[0].name, error.bad_files[0].reason)
      one.png is empty
    """

    def __init__(self, path: str, bad_files: Sequence[BadFile], num_files: int):
        self.bad_files = tuple(sorted(bad_files))
        told = [f"  {_printable(name)}: {reason}" for name, reason in self.bad_files[:_MOST_TOLD]]
        if len(self.bad_files) > _MOST_TOLD:
            told.append(f"  ... and {len(self.bad_files) - _MOST_TOLD} more")
        super().__init__(
            f"{len(self.bad_files)} of {num_files} files in {path} cannot be trained on. Mend or "
            "remove them, or leave them out with skip_bad=True (--skip_bad in a shell):\n"
            + "\n".join(told)
        )


class MissingSplitError(ValueError):
    """The data has no part of the name that was asked for.

    Example:
      >>> np.savez("unsplit.npz", x_train=np.zeros([3, 8, 8], np.uint8))
      >>> try:
      ...     _ = tfgan.data.load("unsplit.npz", split="test")
      ... except tfgan.data.MissingSplitError:
      ...     print("It has training images only.")
      It has training images only.
    """


def _printable(name: str) -> str:
    """A name from elsewhere may hold what would command a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
