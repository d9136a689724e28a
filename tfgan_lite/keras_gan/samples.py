"""Samples of a KerasGAN that need no training data."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.connections import as_network
from tfgan_lite.sources import as_values, from_dataset

__all__ = ["samples_of"]


class _Sampled(NamedTuple):
    """What `generate` looks at of a model."""

    generator_inputs: Any
    generator_fn: Any


def samples_of(
    kind: str, generator: Any, noise: Any, codes: Any, given: Any = None, batch_size: int = 100
) -> Any:
    """Something that `generate` samples.

    Args:
      kind: of GAN.
      generator: its network.
      noise: the distribution of its noise, or None.
      codes: the distributions of its codes, or None.
      given: what samples are made of beside noise, arrays with a leading axis: conditions, images,
        or images and targets. None for noise alone.
      batch_size: how much of `given` is taken at once.

    Raises:
      ValueError: nothing is given where the kind needs something, or the other way round.
    """
    made_of = {"acgan": "labels", "cyclegan": "images", "stargan": "(images, targets)"}
    if given is None and kind in made_of:
        raise ValueError(
            f"Samples of kind={kind!r} are made of {made_of[kind]}, not of a number alone."
        )
    if given is not None and kind == "infogan":
        raise ValueError("Samples of kind='infogan' are made of noise and codes: give a number.")
    values = None
    if given is not None:
        given = tf.nest.map_structure(tf.convert_to_tensor, given)
        values = from_dataset(tf.data.Dataset.from_tensor_slices(given).batch(batch_size))
    if kind in ("cyclegan", "stargan"):
        fn = _on_pair(generator) if kind == "stargan" else generator
        return _Sampled(values, as_network(fn, "generator", None))
    like = None if values is None else tf.nest.flatten(values)[0]
    inputs = [noise, *(codes or [])] if codes else noise
    drawn = as_values(inputs, "Generator/inputs", like)
    return _Sampled(
        drawn if values is None else [drawn, values], as_network(generator, "generator", None)
    )


def _on_pair(generator: Any) -> Any:
    network = as_network(generator, "generator", None)
    return lambda pair, training=False: network(*pair, training=training)
