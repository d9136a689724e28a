"""What `fit` trains on: batches, and how many rounds see all of them."""

from __future__ import annotations

import numbers
import os
from typing import Any

import tensorflow as tf

__all__ = ["Batches"]


class Batches:
    """A dataset of batches.

    Args:
      data: such a dataset; or an array, or a structure of arrays, to shuffle and batch.
      batch_size: of arrays; 32 by default.
      seed: of the shuffling.

    Attributes:
      dataset: the dataset.
      end: whether it ends.

    Raises:
      ValueError: a batch size for a dataset; fewer examples than a batch; a path, a
        Python generator or what else is no array.
    """

    def __init__(self, data: Any, batch_size: int | None, seed: int):
        self._given = [*tf.nest.flatten(data), batch_size]
        if isinstance(data, tf.data.Dataset):
            if batch_size is not None:
                raise ValueError("batch_size is for arrays: a dataset has batches of its own.")
            self.dataset = data
        else:
            if any(isinstance(leaf, (str, os.PathLike)) for leaf in tf.nest.flatten(data)):
                raise ValueError(
                    f"data must be a tf.data.Dataset of batches, or arrays, got {data!r}. Images of"
                    f" a path: tfgan_lite.data.load({data!r}).batches(n)."
                )
            for leaf in tf.nest.flatten(data):
                if not _is_array(leaf):
                    raise ValueError(
                        "data must be a tf.data.Dataset of batches, or arrays, got a"
                        f" {type(leaf).__name__}. Of a function that gives batches one by one,"
                        " tf.data.Dataset.from_generator(function, output_signature=tf.TensorSpec("
                        "[batch_size, ...], tf.float32)) makes a dataset."
                    )
            size = batch_size or 32
            examples = tf.data.Dataset.from_tensor_slices(data)
            count = int(examples.cardinality())
            if count < size:
                raise ValueError(f"A batch has {size} examples, but there are only {count}.")
            self.dataset = examples.shuffle(count, seed=seed).batch(size, drop_remainder=True)
        self._count = int(self.dataset.cardinality())
        self.end = self._count != tf.data.INFINITE_CARDINALITY

    def are_those_of(self, other: Batches) -> bool:
        """Whether the other's data are the very same objects."""
        pairs = zip(self._given, other._given)
        return len(self._given) == len(other._given) and all(a is b for a, b in pairs)

    def rounds_in_a_pass(self, get_hooks_fn: Any) -> int | None:
        """How many rounds show all batches to the discriminator; None where nobody knows.

        Args:
          get_hooks_fn: the schedule; what `get_phased_train_hooks` made knows its phases.
        """
        phases = getattr(get_hooks_fn, "phases", None)
        if phases is None or self._count < 0:  # It does not end, or nobody knows where.
            return None
        steps = [phase.steps for phase in phases if "discriminator" in phase.networks]
        if any(callable(each) for each in steps):
            return None
        return max(1, self._count // max(1, sum(steps)))


def _is_array(leaf: Any) -> bool:
    return tf.is_tensor(leaf) or hasattr(leaf, "__array__") or isinstance(leaf, numbers.Number)
