"""Errors of training runs."""

from __future__ import annotations

__all__ = ["NanLossError"]


class NanLossError(RuntimeError):
    """A loss was NaN or infinite; the update that it belongs to was not applied."""
