"""A dataset's elements, cut for the replicas of a `tf.distribute` strategy."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["ReplicaIterator"]


class ReplicaIterator(tf.Module):
    """Reads a dataset of global batches; each element has a part for each replica of this machine.

    `tf.distribute` shards and cuts the dataset. It is read on the host, while the iterators of
    `tf.distribute` read ahead into the devices: so its position can be saved.

    Args:
      dataset: global batches.
      strategy: says how many replicas there are, and which of them are on this machine.

    Attributes:
      iterator: what to save.

    Raises:
      ValueError: batches whose size is unknown, or no multiple of the number of replicas; data that
        ends, where it is cut for several machines.
    """

    def __init__(self, dataset: tf.data.Dataset, strategy: tf.distribute.Strategy):
        super().__init__(name="data")
        self._strategy = strategy
        self._replicas_here = len(strategy.extended.worker_devices)
        replicas = strategy.num_replicas_in_sync
        if replicas > 1:
            spec = _part_of_batch(dataset.element_spec, replicas)
            _check_endless(dataset, replicas // self._replicas_here)
            # A cut has no symbolic checkpoints, which tfgan.data asks for to keep them small.
            options = tf.data.Options()
            options.experimental_symbolic_checkpoint = False
            dataset = dataset.with_options(options)
            distributed = strategy.experimental_distribute_dataset(dataset)
            [variant] = tf.nest.flatten(distributed, expand_composites=True)
            dataset = tf.data.experimental.from_variant(variant, spec)
        self.iterator = iter(dataset)

    def get_next(self) -> Any:
        """The next element, in which each tensor has a value for each replica.

        Raises:
          tf.errors.OutOfRangeError: the dataset has ended.
        """
        parts = [self.iterator.get_next() for _ in range(self._replicas_here)]
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group % self._replicas_here]
        )


def _part_of_batch(element_spec: Any, replicas: int) -> Any:
    def part(spec: tf.TensorSpec) -> tf.TensorSpec:
        size = spec.shape[0]
        if size is None:
            raise ValueError(
                f"The dataset's batch size is unknown (element_spec {element_spec}), but {replicas}"
                " replicas need equal parts of it: batch(batch_size, drop_remainder=True)."
            )
        if size % replicas:
            raise ValueError(
                f"A batch of {size} examples cannot be cut into equal parts for {replicas}"
                f" replicas: choose a multiple of {replicas}."
            )
        return tf.TensorSpec([size // replicas, *spec.shape[1:]], spec.dtype)

    return tf.nest.map_structure(part, element_spec)


def _check_endless(dataset: tf.data.Dataset, machines: int) -> None:
    if machines > 1 and int(dataset.cardinality()) != tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The dataset ends, and several machines read it: one whose part is shorter would leave"
            " the others waiting. Call repeat(), and stop by StopAtStepHook."
        )
