"""The parts that data comes in: "train" and others."""

from __future__ import annotations

from collections.abc import Set

from tfgan_lite.data.bad_files import MissingSplitError

__all__ = ["SPLITS", "chosen_part"]

SPLITS = ("train", "test", "val", "valid", "validation")


def chosen_part(path: str, parts: Set[str], split: str) -> str | None:
    """Returns which part to read; None for all of it.

    Data has parts only if it has "train" and another one. Data without parts is "train".

    Args:
      path: For messages.
      parts: Those of `SPLITS` that are there by name.
      split: What was asked for.

    Raises:
      MissingSplitError: There is no such part.
    """
    has_parts = "train" in parts and len(parts) > 1
    if has_parts and split in parts:
        return split
    if not has_parts and split == "train":
        return None
    known = f"only {', '.join(sorted(parts))}" if has_parts else "for it is all one: train"
    raise MissingSplitError(f"{path} has no split {split!r}, {known}.")
