"""The one check of arguments that are integers."""

from __future__ import annotations

import operator
from typing import Any

__all__ = ["checked_integer"]


def checked_integer(name: str, value: Any, least: int | None = 1) -> int:
    """The value as an int.

    Args:
      name: the argument's, for the message.
      value: an integer of Python, NumPy or TensorFlow; True and 2.0 do not count.
      least: the smallest that it may be; None for no bound.

    Raises:
      ValueError: it is not an integer, or smaller.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or (least is not None and number < least):
        bound = "" if least is None else f" of at least {least}"
        wanted = "a positive integer" if least == 1 else f"an integer{bound}"
        raise ValueError(f"{name} must be {wanted}, got {value!r}.")
    return number
