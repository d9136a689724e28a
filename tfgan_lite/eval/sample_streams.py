"""Samples in batches, wherever they come from: a model, a function, an array or a dataset."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.end_of_passes import end_passes
from tfgan_lite.integers import checked_integer
from tfgan_lite.sampling import sample_chunks

__all__ = ["SampleStream", "is_generator", "open_stream"]

Batch = tuple[np.ndarray, np.ndarray | None]


@dataclasses.dataclass
class SampleStream:
    """Batches of samples, and how they are made.

    Attributes:
      count: how many samples come; None for a dataset that does not know.
      batches: gives (samples, labels or None) as NumPy arrays; can be read once.
      protocol: what a reader of the score must know of them, for JSON.
    """

    count: int | None
    batches: Iterator[Batch]
    protocol: dict[str, Any]


def is_generator(source: Any) -> bool:
    """Whether samples are made for the asking, as many as wanted."""
    return _is_model(source) or (callable(source) and not isinstance(source, tf.data.Dataset))


def open_stream(
    source: Any,
    num_samples: int | None = None,
    *,
    batch_size: int = 100,
    seed: int = 0,
    average: Any = None,
    training: bool = False,
    labels_fn: Callable[[Any], Any] | None = None,
) -> SampleStream:
    """Returns the stream of a source.

    Args:
      source: a TF2 model tuple with `generator_inputs`; a function of (n, seed) or (n) that gives n
        samples; an array or tensor; a dataset of batches. All may give pairs of samples and labels,
        integers or one-hot.
      num_samples: how many; required of models and functions. Of a longer array a random subset,
        of a longer dataset the first ones.
      batch_size: samples in a batch.
      seed: makes samples and subsets repeatable.
      average: a `features.WeightAverage` whose weights a model draws with; None for its own.
      training: whether a model's batch norm works as in training.
      labels_fn: of a model, a function of its inputs that gives the labels asked for: one-hot or
        integers. They take the place of labels that it generates.

    Raises:
      ValueError: numbers that are not positive; more samples wanted than there are; labels of
        another length; options that only a model has.
      TypeError: a source of no known kind.
    """
    for name, value in (("num_samples", num_samples), ("batch_size", batch_size)):
        if value is not None:
            checked_integer(name, value)
    options = {"average": average is not None, "training": training, "labels_fn": bool(labels_fn)}
    if any(options.values()) and not _is_model(source):
        given = ", ".join(name for name, is_given in options.items() if is_given)
        raise ValueError(
            f"{given} goes with a model tuple, whose generator this call runs itself; the samples"
            f" come from a {type(source).__name__}."
        )
    if hasattr(source, "trainable_variables"):
        raise TypeError(
            f"A {type(source).__name__} alone has no inputs to make samples of: pass what gan_model"
            " gave, or a function of the number of samples."
        )
    if is_generator(source) and num_samples is None:
        raise ValueError("num_samples is needed: a generator makes as many samples as you ask for.")
    if _is_model(source):
        batches = _of_model(source, num_samples, batch_size, seed, average, training, labels_fn)
        protocol = {
            "source": type(source).__name__,
            "weights": "training" if average is None else "averaged",
            "batch_norm": "training" if training else "inference",
        }
    elif isinstance(source, tf.data.Dataset):
        if num_samples is None and source.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError("The dataset never ends: give num_samples, or a dataset that does.")
        return SampleStream(
            num_samples, _of_dataset(source, num_samples, batch_size), {"source": "dataset"}
        )
    elif callable(source):
        batches = _of_function(source, num_samples, batch_size, seed)
        protocol = {"source": "function"}
    else:
        samples, labels = _arrays(source)
        chosen = _chosen(len(samples), num_samples, seed)
        num_samples = len(samples) if chosen is None else len(chosen)
        batches = _of_arrays(samples, labels, chosen, batch_size)
        protocol = {"source": "array", "of": len(samples)}
    return SampleStream(int(num_samples), batches, protocol)


def _is_model(source: Any) -> bool:
    return hasattr(source, "generator_inputs") and hasattr(source, "generator_fn")


def _of_model(model, num_samples, batch_size, seed, average, training, labels_fn):
    chunks = sample_chunks(model, num_samples, seed, batch_size, training)
    with average.averaged() if average is not None else contextlib.nullcontext():
        for inputs, data in chunks:
            samples, labels = _pair(data)
            yield _checked_batch(samples, labels if labels_fn is None else labels_fn(inputs))


def _of_function(function, num_samples, batch_size, seed):
    takes_seed = _num_parameters(function) > 1
    seeds = np.random.SeedSequence(seed)
    for start in range(0, num_samples, batch_size):
        size = min(batch_size, num_samples - start)
        # Masked, because many programs want a signed 32-bit seed.
        own = int(seeds.spawn(1)[0].generate_state(1)[0]) & 0x7FFFFFFF
        samples, labels = _checked_batch(
            *_pair(function(size, own) if takes_seed else function(size))
        )
        if len(samples) != size:
            raise ValueError(
                f"The generator was asked for {size} samples and gave {len(samples)}: it must give"
                " as many as its first argument says."
            )
        yield samples, labels


def _of_dataset(dataset, num_samples, batch_size):
    left = np.inf if num_samples is None else num_samples
    passes = {"dataset": iter(dataset)}
    try:
        for element in passes["dataset"]:
            samples, labels = _checked_batch(*_pair(element))
            if left < len(samples):
                samples, labels = samples[:left], None if labels is None else labels[:left]
            left -= len(samples)
            yield from _of_arrays(samples, labels, None, batch_size)
            if not left:
                return
    finally:
        end_passes(passes)
    if num_samples is not None:
        raise ValueError(
            f"The dataset ended after {num_samples - left} of {num_samples} samples: ask for fewer,"
            " or repeat() it."
        )


def _of_arrays(samples, labels, chosen, batch_size):
    for start in range(0, len(samples) if chosen is None else len(chosen), batch_size):
        part = slice(start, start + batch_size)
        which = part if chosen is None else chosen[part]
        yield samples[which], None if labels is None else labels[which]


def _chosen(length: int, num_samples: int | None, seed: int) -> np.ndarray | None:
    if num_samples is None or num_samples == length:
        return None
    if num_samples > length:
        raise ValueError(f"num_samples={num_samples}, but there are only {length} samples.")
    # Not the first ones: data sets are often sorted by class.
    return np.sort(np.random.default_rng(seed).choice(length, num_samples, replace=False))


def _arrays(source: Any) -> Batch:
    samples, labels = _pair(source)
    if not (hasattr(samples, "shape") and hasattr(samples, "dtype")):
        raise TypeError(
            "Samples must come from a model tuple, a function of (n, seed), an array, a pair of"
            f" samples and labels, or a tf.data.Dataset, got {type(source).__name__}."
        )
    return _checked_batch(samples, labels)


def _pair(value: Any) -> tuple[Any, Any]:
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2
    return tuple(value) if is_pair else (value, None)


def _checked_batch(samples: Any, labels: Any) -> Batch:
    if isinstance(samples, (Mapping, tuple)):
        raise TypeError(
            f"Samples must be one array, or a pair with labels, got a {type(samples).__name__} of"
            f" {len(samples)}: pass a function of (n, seed) that makes one array of them."
        )
    samples = np.asarray(samples)
    if samples.ndim < 2 or not len(samples):
        raise ValueError(
            f"Samples must be [N, ...] with N >= 1, got an array of shape {samples.shape}."
        )
    labels = None if labels is None else _as_labels(labels)
    if labels is not None and len(labels) != len(samples):
        raise ValueError(f"There are {len(samples)} samples and {len(labels)} labels.")
    return samples, labels


def _as_labels(labels: Any) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim == 2:
        one_hot = ((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all()
        if not one_hot:
            raise ValueError("Labels [N, K] must be one-hot; else give integers [N].")
        labels = labels.argmax(axis=1)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels must be integers [N] or one-hot [N, K], got {labels.dtype} {labels.shape}."
        )
    return labels


def _num_parameters(function: Callable[..., Any]) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds for p in parameters)
