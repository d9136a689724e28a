"""Memory for intermediate arrays that is taken once and used again."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Workspace"]


class Workspace:
    """Named arrays that are overwritten by whoever asks for the same name next.

    A fresh array of many megabytes costs about as much time as the product that fills it, because
    the system hands it out page by page.
    """

    def __init__(self):
        self._memory: dict[str, np.ndarray] = {}

    def array(self, name: str, rows: int, columns: int, dtype: Any = np.float64) -> np.ndarray:
        """Returns an array [rows, columns] of any content; a name keeps its dtype."""
        size = rows * columns
        if name not in self._memory or self._memory[name].size < size:
            self._memory[name] = np.empty(size, dtype)
        return self._memory[name][:size].reshape(rows, columns)
