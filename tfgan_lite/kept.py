"""Lets functions inside a deferred value keep state, such as variables, from run to run.

A deferred value is computed in many runs, and traced into several programs. A function that has
state, such as a history of images, must make its variables in the first of them and use the same
ones in all others. This module knows nobody.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["keeping", "kept"]


def keeping(compute: Callable[[], Any]) -> Callable[[], Any]:
    """The same computation, in which functions may keep what they make from call to call."""
    things: dict[int, Any] = {}

    @functools.wraps(compute)
    def compute_keeping() -> Any:
        stack = _stack()
        stack.append((things, itertools.count()))
        try:
            return compute()
        finally:
            stack.pop()

    return compute_keeping


def kept(make: Callable[[], Any]) -> Any:
    """The object `make` created the first time this call was reached in the current computation.

    A place is a number: the n-th call within a computation gets what the n-th call made.

    Args:
      make: makes the thing, in the first computation only.

    Returns:
      The thing; None where no computation is in progress that keeps any.
    """
    if not _stack():
        return None
    things, places = _stack()[-1]
    place = next(places)
    if place not in things:
        things[place] = make()
    return things[place]


_local = threading.local()


def _stack() -> list[tuple[dict[int, Any], Iterator[int]]]:
    if not hasattr(_local, "computations"):
        _local.computations = []
    return _local.computations
