"""Samples from a model's generator: `generate`."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.deferred import Deferred, Run, random_key, sources_of
from tfgan_lite.graph_notes import noted
from tfgan_lite.sources import DatasetSource
from tfgan_lite.structures import GANModel

__all__ = ["generate"]

_programs: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
_SAMPLING_ROUND = -(2**31)  # No session counts a round of this number.


def generate(
    model: GANModel, num_samples: int, seed: int | None = None, batch_size: int | None = None
) -> Any:
    """Any number of samples from the generator, in inference mode, drawn in chunks.

    Args:
      model: a model with `generated_data`, `generator_inputs` and `generator_fn`.
      num_samples: how many, at least 1.
      seed: makes the samples repeatable where the inputs are distributions or constants; None draws
        new ones in every call.
      batch_size: examples in a chunk; 100 by default. Ignored where the inputs come from a dataset.

    Returns:
      Generated data with leading axis `num_samples`: an eager tensor, or a tensor in a `tf.Graph`
      (which samples anew in every `session.run` unless `seed` is given).

    Raises:
      ValueError: a number that is not positive; in a graph, inputs that are plain tensors.
    """
    for name, value in (("num_samples", num_samples), ("batch_size", batch_size)):
        if value is not None and (isinstance(value, bool) or int(value) != value or value < 1):
            raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    chunk = min(batch_size or 100, num_samples)
    if not any(isinstance(leaf, Deferred) for leaf in tf.nest.flatten(model.generator_inputs)):
        return _generate_in_graph(model, num_samples, chunk, seed)
    program, sources = _program(model)
    iterators = {s: iter(s.dataset) for s in sources if isinstance(s, DatasetSource)}
    keys = (random_key(_SAMPLING_ROUND, i) for i in itertools.count())
    chunks, drawn = [], 0
    while drawn < num_samples:
        run = Run(
            key=next(keys),
            seed=np.random.SeedSequence().entropy if seed is None else seed,
            iterators=iterators,
            batch_size=None if iterators else chunk,
        )
        with run:
            draws = [run.draw(source) for source in sources]
        chunks.append(program(draws))
        drawn += tf.nest.flatten(chunks[-1])[0].shape[0]
    return tf.nest.map_structure(lambda *parts: tf.concat(parts, 0)[:num_samples], *chunks)


def _program(model: GANModel) -> tuple[Any, tuple[Any, ...]]:
    """The generator as a compiled function of its sources' draws."""
    key = model.generator_fn
    if key not in _programs:
        sources = sources_of(
            leaf for leaf in tf.nest.flatten(model.generator_inputs) if isinstance(leaf, Deferred)
        )

        @tf.function(autograph=False, reduce_retracing=True)
        def program(draws):
            with Run(dict(zip(sources, draws)), key=tf.zeros([2], tf.int32)):
                inputs = tf.nest.map_structure(
                    lambda x: x() if isinstance(x, Deferred) else x, model.generator_inputs
                )
                return model.generator_fn(inputs, training=False)

        _programs[key] = program, sources
    return _programs[key]


def _generate_in_graph(model: GANModel, num_samples: int, chunk: int, seed: int | None) -> Any:
    samplers = [noted(leaf, "sample") for leaf in tf.nest.flatten(model.generator_inputs)]
    if None in samplers:
        raise ValueError(
            "generate() in a tf.Graph needs generator_inputs that gan_model sampled itself: a"
            " distribution or a callable of the batch size. These are plain tensors; fetch"
            " model.generated_data in a session instead."
        )
    parts = []
    for start in range(0, num_samples, chunk):
        size = min(chunk, num_samples - start)
        seeds = [
            None if seed is None else tf.constant([seed, start + i], tf.int32)
            for i in range(len(samplers))
        ]
        flat = [sampler(size, seed=s) for sampler, s in zip(samplers, seeds)]
        inputs = tf.nest.pack_sequence_as(model.generator_inputs, flat)
        parts.append(model.generator_fn(inputs, training=False))
    return tf.nest.map_structure(lambda *tensors: tf.concat(tensors, 0), *parts)
