"""Samples from a model's generator: `generate`, and `sample_chunks` for very many."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.deferred import Deferred, materialise
from tfgan_lite.end_of_passes import end_passes
from tfgan_lite.graph_notes import noted
from tfgan_lite.integers import checked_integer
from tfgan_lite.noise_keys import SAMPLING_ROUND
from tfgan_lite.runs import Run, random_key
from tfgan_lite.sources import DatasetSource
from tfgan_lite.structures import GANModel
from tfgan_lite.tracing import sources_of

__all__ = ["generate", "sample_chunks", "sample_inputs", "sample_with_inputs"]


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
      seed: makes the samples repeatable where the inputs are distributions or constants; with other
        `num_samples` or another `batch_size` they may be others. None draws new ones in every call.
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

    Example:
      >>> samples = tfgan.generate(model, 1000, seed=0)
      >>> samples.shape.as_list()
      [1000, 3]
      >>> bool(tf.reduce_all(samples == tfgan.generate(model, 1000, seed=0)))
      True
    """
    if not hasattr(model, "generator_inputs"):
        raise TypeError(
            f"A {type(model).__name__} has no generator_inputs to draw. For a CycleGANModel pass"
            " one direction (model.model_x2y); with a StarGANModel call its generator_fn(data,"
            " target)."
        )
    batch_size = 100 if batch_size is None else batch_size
    num_samples = checked_integer("num_samples", num_samples)
    chunk = min(checked_integer("batch_size", batch_size), num_samples)
    _, data = _sampled(model, num_samples, chunk, seed, average)
    return data


def sample_with_inputs(
    model: GANModel, num_samples: int, seed: int | None = None, average: Any = None
) -> tuple[Any, Any]:
    """The generator's inputs, and the data that it makes of them, in both worlds.

    Args:
      model, num_samples, seed, average: as for `generate`; all samples are drawn in one chunk.
    """
    return _sampled(model, num_samples, num_samples, seed, average)


def _sampled(
    model: GANModel, num_samples: int, chunk: int, seed: int | None, average: Any
) -> tuple[Any, Any]:
    chunks_of = _chunks_in_tf2 if _in_tf2(model) else _chunks_in_graph
    with average.averaged() if average is not None else _its_own() as restored:
        chunks = list(chunks_of(model, num_samples, chunk, seed))
        return restored(tf.nest.map_structure(_joined, *chunks))


def _joined(*parts: tf.Tensor) -> tf.Tensor:
    # An input without examples, a number that holds for all of them, is in every chunk the same.
    return tf.concat(parts, 0) if parts[0].shape.rank else parts[0]


def sample_chunks(
    model: GANModel,
    num_samples: int,
    seed: int | None = None,
    batch_size: int | None = None,
    training: bool = False,
) -> Iterator[tuple[Any, Any]]:
    """In TF2, what `generate` joins, chunk by chunk, for more samples than fit into memory.

    Args:
      model: as for `generate`, made in TF2; with the weights that it has.
      num_samples: how many in all.
      seed: as for `generate`.
      batch_size: examples in a chunk, 100 by default.
      training: whether batch norm and its like normalise by the chunk, and so as in training; their
        statistics stay as they are.

    Yields:
      The generator's inputs, and the data that it made of them.

    Raises:
      ValueError: a model made in a `tf.Graph`.
    """
    if not _in_tf2(model):
        raise ValueError(
            "A model made in a tf.Graph gives no samples outside of a session: pass a function of"
            " (num_samples, seed) that runs generate's tensor in one, or an array of samples."
        )
    chunk = min(batch_size or 100, num_samples)
    return _chunks_in_tf2(model, num_samples, chunk, seed, training)


def sample_inputs(model: GANModel, num_samples: int, seed: int | None = None) -> Any:
    """In TF2, inputs for the generator, which `num_samples` samples could be made of."""
    return next(_inputs_in_tf2(model, num_samples, seed))


@contextlib.contextmanager
def _its_own() -> Iterator[Callable[[Any], Any]]:
    """The generator's own weights, in the manner of `WeightAverage.averaged`."""
    yield lambda samples: samples


def _in_tf2(model: GANModel) -> bool:
    return any(isinstance(x, Deferred) for x in tf.nest.flatten(model.generator_inputs))


def _chunks_in_tf2(
    model: GANModel, num_samples: int, chunk: int, seed: int | None, training: bool = False
) -> Iterator[tuple[Any, Any]]:
    drawn = 0
    for inputs in _inputs_in_tf2(model, chunk, seed):
        if training:
            with model.generator_fn.statistics_kept():
                data = model.generator_fn(inputs, training=True)
        else:
            data = model.generator_fn.sampler(inputs)
        left, size = num_samples - drawn, tf.nest.flatten(data)[0].shape[0]
        yield tf.nest.map_structure(functools.partial(_first, left, size), (inputs, data))
        drawn += size
        if drawn >= num_samples:
            return
    raise ValueError(
        f"The generator_inputs' dataset ended after {drawn} of {num_samples} samples: repeat() it,"
        " or ask for fewer."
    )


def _inputs_in_tf2(model: GANModel, chunk: int, seed: int | None) -> Iterator[Any]:
    """The generator's inputs, chunk by chunk, until a dataset among them ends."""
    inputs = [x for x in tf.nest.flatten(model.generator_inputs) if isinstance(x, Deferred)]
    datasets = [s for s in sources_of(inputs) if isinstance(s, DatasetSource)]
    iterators = {source: iter(source.dataset) for source in datasets}
    options = {"iterators": iterators, "batch_size": None if iterators else chunk}
    try:
        for i in itertools.count():
            random = np.random.SeedSequence().entropy if seed is None else seed
            with Run(key=random_key(SAMPLING_ROUND, i), seed=random, **options):
                drawn = materialise(model.generator_inputs)
            yield drawn
    except tf.errors.OutOfRangeError:
        return
    finally:
        end_passes(iterators)


def _first(count: int, size: int, value: Any) -> Any:
    """The first examples of a value that has `size` of them; other values are as they are."""
    has_examples = tf.is_tensor(value) and value.shape.rank and value.shape[0] == size
    return value[:count] if has_examples else value


def _chunks_in_graph(
    model: GANModel, num_samples: int, chunk: int, seed: int | None
) -> Iterator[tuple[Any, Any]]:
    samplers = [noted(leaf, "sample") for leaf in tf.nest.flatten(model.generator_inputs)]
    if None in samplers:
        raise ValueError(
            "generate() in a tf.Graph needs generator_inputs that gan_model sampled itself: a"
            " distribution or a callable of the batch size. These are plain tensors; fetch"
            " model.generated_data in a session instead."
        )
    numbers = itertools.count()  # Each draw has a seed of its own.
    for start in range(0, num_samples, chunk):
        size = min(chunk, num_samples - start)
        seeds = [
            None if seed is None else tf.constant([seed, number], tf.int32)
            for number in itertools.islice(numbers, len(samplers))
        ]
        flat = [sampler(size, seed=s) for sampler, s in zip(samplers, seeds)]
        inputs = tf.nest.pack_sequence_as(model.generator_inputs, flat)
        yield inputs, model.generator_fn(inputs, training=False)
