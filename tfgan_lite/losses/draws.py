"""The random numbers that penalties draw: a run's own, so that it can be resumed."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_lite import runs
from tfgan_lite.losses.reduction import as_written


@as_written
def seed_for(salt: str, seed: int | tf.Tensor | None) -> tf.Tensor | None:
    """The seed of a draw, int [2]: the one given, the run's for this salt, or None."""
    if seed is None:
        return runs.random_seed(salt)
    return tf.stack([0, seed]) if tf.convert_to_tensor(seed).shape.rank == 0 else seed


# Left to itself, TensorFlow takes another algorithm under XLA, and so other numbers.


@as_written
def uniform(shape: Any, seed: tf.Tensor | None) -> tf.Tensor:
    """float32 in [0, 1); with no seed, from TensorFlow's own generator."""
    if seed is None:
        return tf.random.uniform(shape)
    return tf.random.stateless_uniform(shape, seed, alg="philox")


@as_written
def normals(shapes: list[Any], seed: tf.Tensor | None) -> list[tf.Tensor]:
    """Standard normal float32 of each shape; with no seed, from TensorFlow's own generator."""
    if seed is None:
        return [tf.random.normal(shape) for shape in shapes]
    seeds = tf.random.experimental.stateless_split(tf.cast(seed, tf.int32), len(shapes), "philox")
    return [
        tf.random.stateless_normal(shape, each, alg="philox")
        for shape, each in zip(shapes, tf.unstack(seeds))
    ]
