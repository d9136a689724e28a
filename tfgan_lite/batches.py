"""How many examples a batch has."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["batch_size_of"]


def batch_size_of(batch: tf.Tensor) -> Any:
    """The length of the leading axis: an int where it is known, or else an int32 scalar."""
    return tf.shape(batch)[0] if batch.shape[0] is None else batch.shape[0]
