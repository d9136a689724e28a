"""A history of generated images, from which the discriminator is shown some.

A discriminator that sees the newest images only forgets what the generator made before, and the two
oscillate (Shrivastava et al., arXiv:1612.07828; CycleGAN, Zhu et al., arXiv:1703.10593).
"""

from __future__ import annotations

import numbers
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.integers import checked_integer
from tfgan_lite.kept import kept
from tfgan_lite.runs import current_run, random_seed
from tfgan_lite.worlds import in_plain_graph

__all__ = ["TensorPool", "tensor_pool"]


def tensor_pool(
    input_values: Any,
    pool_size: int = 50,
    pooling_probability: float = 0.5,
    name: str = "tensor_pool",
) -> Any:
    """Passes records through a history of earlier ones: see `TensorPool`.

    For `gan_loss(..., tensor_pool_fn=tensor_pool)`, or a `functools.partial` of it. Each call in a
    program has a pool of its own; in TF2 that is a call on deferred values, or within the
    computation of one. In a loop of your own, make a `TensorPool` and call that.

    Args:
      input_values: a record, or a structure of them, as `TensorPool` takes it.
      pool_size: as there.
      pooling_probability: as there.
      name: as there.

    Returns:
      A structure like `input_values`.

    Raises:
      ValueError: as there; an eager call, which has nowhere to keep the pool.

    Example:
      >>> loss = tfgan.gan_loss(model, tensor_pool_fn=tfgan.features.tensor_pool)
      >>> loss.discriminator_loss.shape.as_list()
      []
    """
    if pool_size == 0:
        return input_values

    def make() -> TensorPool:
        return TensorPool(pool_size, pooling_probability, name)

    is_deferred = any(isinstance(leaf, Deferred) for leaf in tf.nest.flatten(input_values))
    if in_plain_graph() or (is_deferred and current_run() is None):
        pool = make()
    else:
        pool = kept(make)
    if pool is None:
        raise ValueError(
            "tensor_pool has nowhere to keep its pool between eager calls or calls of a"
            " tf.function. Make pool = tfgan_lite.features.TensorPool(...) once, and call"
            " pool(input_values)."
        )
    return defer(pool, input_values, name=name)


class TensorPool(tf.Module):
    """A pool of `pool_size` earlier records (arXiv:1703.10593, section 4; arXiv:1612.07828).

    Until the pool is full, each record enters it and is returned. Then, with the probability
    `pooling_probability`, a record is exchanged: it takes the place of a random one, which is
    returned instead; otherwise it is returned itself. This is decided for each record in turn, not
    for a batch. A record is the slices at one index of all tensors: what
    belongs together stays together.

    The records are kept in variables, so that checkpoints have them. In TF2, a run that trains
    nothing leaves the pool as it is; in a `tf.Graph` it changes whenever its outputs are evaluated.
    Replicas share a pool.

    Args:
      pool_size: records to keep, >= 0; 0 returns what is given.
      pooling_probability: of an exchange, in [0, 1]; a number or a scalar tensor.
      name: the name of the variables.

    Attributes:
      count: the variable with the number of records that the pool holds, int32; None before the
        first call.
      buffers: one variable [pool_size, ...] for each tensor of a record; None before the first
        call.

    Raises:
      ValueError: `pool_size` is not an integer >= 0; `pooling_probability` is out of its range.

    Example:
      >>> loss = tfgan.gan_loss(model, tensor_pool_fn=tfgan.features.TensorPool(50))
      >>> loss.discriminator_loss.shape.as_list()
      []
    """

    def __init__(
        self, pool_size: int = 50, pooling_probability: float = 0.5, name: str = "tensor_pool"
    ):
        if isinstance(pooling_probability, numbers.Real) and not 0.0 <= pooling_probability <= 1.0:
            raise ValueError(f"pooling_probability must be in [0, 1], got {pooling_probability}.")
        super().__init__(name=name)
        self._pool_size = checked_integer("pool_size", pool_size, least=0)
        self._probability = pooling_probability
        self.count: tf.Variable | None = None
        self.buffers: list[tf.Variable] | None = None

    @tf.autograph.experimental.do_not_convert
    def __call__(self, input_values: Any) -> Any:
        """Passes records through the pool.

        Args:
          input_values: a tensor [B, ...], or a structure of them with one B; static but for B.

        Returns:
          A structure like `input_values` of tensors like them.

        Raises:
          ValueError: a tensor is a scalar, or of an unknown shape; batch sizes differ; a record is
            unlike those of the first call.
        """
        if self._pool_size == 0:
            return input_values
        values = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(input_values)]
        _check(values)
        self._make_variables(values)
        slots, exchanged, earlier, last = self._plan(tf.shape(values[0])[0])
        outputs, written = [], []
        for value, buffer in zip(values, self.buffers, strict=True):
            stored = tf.gather(buffer, slots)
            outputs.append(_chosen(exchanged, _at(value, earlier, stored), value))
            written.append(_at(value, last, stored))
        run = current_run()
        if run is None or run.training:
            outputs = self._write(slots, written, outputs)
        return tf.nest.pack_sequence_as(input_values, outputs)

    def _plan(self, size: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """What happens to each record of a batch of this size, as if they came one by one.

        Returns:
          int32 [B], the slot of each record; bool [B], whether it is exchanged for what was there;
          int32 [B], the last record before it in the batch that went into the same slot, or -1; and
          int32 [B], the last record of all that did, or -1.
        """
        index = tf.range(size)
        free = tf.convert_to_tensor(self.count) + index
        fills = free < self._pool_size
        chance, place = self._draw(size)
        exchanged = ~fills & (chance < tf.cast(self._probability, tf.float32))
        slots = tf.where(fills, free, place)
        enters = fills | exchanged
        same = tf.equal(slots[:, tf.newaxis], slots) & enters
        entered = tf.where(same, index, -1)  # [B, B]; a row has those that went into its slot.
        before = tf.where(index < index[:, tf.newaxis], entered, -1)
        return slots, exchanged, tf.reduce_max(before, 1), tf.reduce_max(entered, 1)

    def _draw(self, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A number in [0, 1) and a slot for each record."""
        seed, many = random_seed("tensor_pool"), 2**24  # All exact in float32.
        if seed is None:
            drawn = tf.random.uniform([2, size], 0, many, tf.int32)
        else:  # Philox's integers, unlike its floats, are the same with XLA and without.
            drawn = tf.random.stateless_uniform([2, size], seed, 0, many, tf.int32, alg="philox")
        chance, place = tf.unstack(drawn)
        return tf.cast(chance, tf.float32) / many, place % self._pool_size

    def _write(self, slots: tf.Tensor, written: list[Any], outputs: list[Any]) -> list[Any]:
        """Writes the batch into the pool; in a graph, when the outputs are evaluated."""
        size = tf.minimum(tf.convert_to_tensor(self.count) + tf.shape(slots)[0], self._pool_size)
        if tf.executing_eagerly():
            self._assign(slots, written, size)
            return outputs
        with tf.control_dependencies([size, *written, *outputs]):
            assignments = self._assign(slots, written, size)
        with tf.control_dependencies(assignments):
            return [tf.identity(output) for output in outputs]

    def _assign(self, slots: tf.Tensor, written: list[Any], size: tf.Tensor) -> list[Any]:
        # Records with the same slot write the same there, so that their order does not matter.
        assignments = [
            buffer.scatter_update(tf.IndexedSlices(value, slots))
            for buffer, value in zip(self.buffers, written, strict=True)
        ]
        return [*assignments, self.count.assign(size)]

    def _make_variables(self, values: list[tf.Tensor]) -> None:
        """Makes the variables in the first call, and checks that later ones fit them."""
        if self.buffers is not None:
            self._check_like_first(values)
            return
        with tf.init_scope():
            self.count = self._variable([], tf.int32, "count")
            self.buffers = [
                self._variable(value.shape[1:].as_list(), value.dtype, f"buffer_{i}", rows=True)
                for i, value in enumerate(values)
            ]

    def _variable(
        self, shape: list[int], dtype: tf.DType, name: str, rows: bool = False
    ) -> tf.Variable:
        shape = [self._pool_size, *shape] if rows else shape
        variable = tf.Variable(
            lambda: tf.zeros(shape, dtype), trainable=False, name=f"{self.name}/{name}"
        )
        # In a strategy's scope too there is one: a history that all replicas write to.
        return tf.distribute.get_strategy().experimental_local_results(variable)[0]

    def _check_like_first(self, values: list[tf.Tensor]) -> None:
        given = [(value.dtype.name, value.shape[1:].as_list()) for value in values]
        first = [(buffer.dtype.name, buffer.shape[1:].as_list()) for buffer in self.buffers]
        if given != first:
            raise ValueError(
                f"input_values has records of {given}, but the pool holds records of {first}: give"
                " each kind of record a pool of its own."
            )


def _check(values: list[tf.Tensor]) -> None:
    shapes = [value.shape for value in values]
    if not values:
        raise ValueError("input_values is empty.")
    if any(shape.rank in (0, None) or not shape[1:].is_fully_defined() for shape in shapes):
        raise ValueError(
            "input_values must be tensors [B, ...] whose shape is static but for B, got shapes"
            f" {', '.join(map(str, shapes))}."
        )
    if len({shape[0] for shape in shapes} - {None}) > 1:
        raise ValueError(
            "input_values must have one batch size: the slices at an index are one record. Their"
            f" shapes are {', '.join(map(str, shapes))}."
        )


def _at(value: tf.Tensor, index: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
    """`value[index]`, or `otherwise` where the index is -1."""
    return _chosen(index >= 0, tf.gather(value, tf.maximum(index, 0)), otherwise)


def _chosen(condition: tf.Tensor, value: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
    condition = tf.reshape(condition, [-1] + [1] * (value.shape.rank - 1))
    return tf.where(condition, value, otherwise)
