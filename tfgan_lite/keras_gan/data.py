"""What `fit` trains on: batches, and how many rounds see all of them."""

from __future__ import annotations

import numbers
import os
from typing import Any

import tensorflow as tf

from tfgan_lite.integers import checked_integer

__all__ = ["Batches"]


class Batches:
    """A dataset of batches.

    Args:
      data: such a dataset; or an array, or a structure of arrays, to shuffle and batch. What does
        not fill a batch at the end of a pass is left out of that pass.
      batch_size: of arrays; 32 by default.
      seed: of the shuffling.

    Attributes:
      dataset: the dataset.
      end: whether it ends.

    Raises:
      ValueError: a batch size for a dataset, or one below 1; fewer examples than a batch; arrays of
        different lengths; a path, a Python generator or what else is no array.
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
            size = 32 if batch_size is None else checked_integer("batch_size", batch_size)
            self.dataset = _shuffled(data, size, seed)
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


def _shuffled(data: Any, size: int, seed: int) -> tf.data.Dataset:
    """Full batches of arrays, in another order in each pass.

    What is shuffled is numbers: a buffer of examples would be a copy of the data.
    """
    with tf.device("cpu"):
        # Tensors in the structure that datasets make of the data.
        examples = tf.data.Dataset.from_tensors(data).get_single_element()
    counts = {len(leaf) if leaf.shape.rank else 0 for leaf in tf.nest.flatten(examples)}
    if len(counts) > 1:
        raise ValueError(f"The arrays of data have different lengths: {sorted(counts)}.")
    (count,) = counts
    if count < size:
        raise ValueError(f"A batch has {size} examples, but there are only {count}.")

    def pick(indices: tf.Tensor) -> Any:
        return tf.nest.map_structure(lambda leaf: tf.gather(leaf, indices), examples)

    rows = tf.data.Dataset.range(count).shuffle(count, seed=seed)
    return rows.batch(size, drop_remainder=True).map(pick)


def _is_array(leaf: Any) -> bool:
    return tf.is_tensor(leaf) or hasattr(leaf, "__array__") or isinstance(leaf, numbers.Number)
