"""Samples from a model's generator: `generate`."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.deferred import Deferred, Run, materialise, random_key
from tfgan_lite.graph_notes import noted
from tfgan_lite.sources import DatasetSource
from tfgan_lite.structures import GANModel
from tfgan_lite.tracing import sources_of

__all__ = ["generate"]

_SAMPLING_ROUND = -(2**31)  # No session counts a round of this number.


def generate(
    model: GANModel,
    num_samples: int,
    seed: int | None = None,
    batch_size: int | None = None,
    average: Any = None,
) -> Any:
    """Any number of samples from the generator, in inference mode, drawn in chunks.

    Args:
      model: a model with `generated_data`, `generator_inputs` and `generator_fn`.
      num_samples: how many, at least 1.
      seed: makes the samples repeatable where the inputs are distributions or constants; None draws
        new ones in every call.
      batch_size: examples in a chunk; 100 by default. Ignored where the inputs come from a dataset.
      average: the `features.WeightAverage` whose weights are to be used in place of the generator's
        own; None for its own.

    Returns:
      Generated data with leading axis `num_samples`: an eager tensor, or a tensor in a `tf.Graph`
      (which samples anew in every `session.run` unless `seed` is given).

    Raises:
      ValueError: a number that is not positive; inputs from a dataset that ends too early; in a
        graph, inputs that are plain tensors.
      TypeError: a model without generator_inputs, such as a CycleGANModel as a whole.
    """
    if not hasattr(model, "generator_inputs"):
        raise TypeError(
            f"A {type(model).__name__} has no generator_inputs to draw. Of a CycleGANModel pass one"
            " direction (model.model_x2y); with a StarGANModel call its generator_fn(data, target)."
        )
    batch_size = 100 if batch_size is None else batch_size
    for name, value in (("num_samples", num_samples), ("batch_size", batch_size)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    chunk = min(int(batch_size), int(num_samples))
    with average.averaged() if average is not None else _its_own() as restored:
        if any(isinstance(x, Deferred) for x in tf.nest.flatten(model.generator_inputs)):
            return restored(_generate_in_tf2(model, num_samples, chunk, seed))
        return restored(_generate_in_graph(model, num_samples, chunk, seed))


@contextlib.contextmanager
def _its_own() -> Iterator[Callable[[Any], Any]]:
    """The generator's own weights, in the manner of `WeightAverage.averaged`."""
    yield lambda samples: samples


def _generate_in_tf2(model: GANModel, num_samples: int, chunk: int, seed: int | None) -> Any:
    inputs = [x for x in tf.nest.flatten(model.generator_inputs) if isinstance(x, Deferred)]
    datasets = [s for s in sources_of(inputs) if isinstance(s, DatasetSource)]
    iterators = {source: iter(source.dataset) for source in datasets}
    keys = (random_key(_SAMPLING_ROUND, i) for i in itertools.count())
    chunks, drawn = [], 0
    while drawn < num_samples:
        run = Run(
            key=next(keys),
            seed=np.random.SeedSequence().entropy if seed is None else seed,
            iterators=iterators,
            batch_size=None if iterators else chunk,
        )
        try:
            with run:
                drawn_inputs = materialise(model.generator_inputs)
        except tf.errors.OutOfRangeError:
            raise ValueError(
                f"The generator_inputs' dataset ended after {drawn} of {num_samples} samples:"
                " repeat() it, or ask for fewer."
            ) from None
        chunks.append(model.generator_fn.sampler(drawn_inputs))
        drawn += tf.nest.flatten(chunks[-1])[0].shape[0]
    return tf.nest.map_structure(lambda *parts: tf.concat(parts, 0)[:num_samples], *chunks)


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
