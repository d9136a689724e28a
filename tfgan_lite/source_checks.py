"""What may be given where fresh values are wanted, told before anything is drawn."""

from __future__ import annotations

import numbers
import os
from typing import Any

import tensorflow as tf

__all__ = ["check_array", "check_dataset", "check_given"]


def check_given(structure: Any, name: str) -> None:
    """Raises ValueError where an argument, or a part of it, is None, a path or empty."""
    leaves = tf.nest.flatten(structure)
    paths = [leaf for leaf in leaves if isinstance(leaf, (str, bytes, os.PathLike))]
    if not leaves or paths or any(leaf is None for leaf in leaves):
        hint = f" Images of a path: tfgan_lite.data.load({paths[0]!r}).batches(n)." if paths else ""
        raise ValueError(
            f"{name} must be a tf.data.Dataset, a distribution, a callable, a tensor or a structure"
            f" of these, got {structure!r}.{hint}"
        )


def check_dataset(dataset: tf.data.Dataset) -> None:
    for spec in tf.nest.flatten(dataset.element_spec):
        if spec.shape.rank == 0:
            raise ValueError(
                f"The dataset's elements have no batch axis (element_spec"
                f" {dataset.element_spec}): call dataset.batch(batch_size, drop_remainder=True)."
            )
        if spec.shape.rank is not None and spec.shape[0] == 0:
            raise ValueError(
                f"The dataset's batches hold 0 examples (element_spec {dataset.element_spec}):"
                " choose a batch size of at least 1."
            )
    if tf.executing_eagerly() and int(dataset.cardinality()) == 0:
        raise ValueError(
            "The dataset is empty. Fewer examples than one batch with drop_remainder=True give an"
            " empty dataset too: choose a smaller batch size or repeat() before batch()."
        )


def check_array(value: Any, what: str, sources: str = "") -> None:
    """Raises TypeError where a value cannot be a tensor; an iterable of batches cannot."""
    if tf.is_tensor(value) or hasattr(value, "__array__") or isinstance(value, numbers.Number):
        return
    hint = ""
    if hasattr(value, "__iter__") or hasattr(value, "__getitem__"):
        hint = (
            " Batches that Python yields: tf.data.Dataset.from_generator(fn, output_signature="
            "tf.TensorSpec([batch_size, ...], dtype)), where each call of fn gives an iterator."
        )
    raise TypeError(
        f"{what} is of type {type(value).__name__}; expected {sources}a tensor, an array, or a"
        f" structure of these.{hint}"
    )
