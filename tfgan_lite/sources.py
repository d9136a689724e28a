"""What fresh values come from: datasets, distributions, callables and constants.

Each becomes deferred values in TF2, and tensors in a `tf.Graph`, so that one program text runs in
both worlds.
"""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.batches import batch_size_of
from tfgan_lite.deferred import Deferred, deferred_from
from tfgan_lite.graph_notes import note
from tfgan_lite.python_callables import python_side, spec_of_python, unknown_size
from tfgan_lite.runs import Run
from tfgan_lite.source_checks import check_array, check_dataset, check_given
from tfgan_lite.tracing import sources_of

__all__ = [
    "DatasetSource",
    "SampledSource",
    "as_values",
    "constant",
    "from_callable",
    "from_dataset",
    "from_distribution",
]

_creation_order = itertools.count()


class DatasetSource:
    """One element of a dataset in each run."""

    requires = ()

    def __init__(self, dataset: tf.data.Dataset):
        self.dataset = dataset
        self.specs = tf.nest.flatten(dataset.element_spec)
        self.name = "dataset"
        self.is_endless = int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY
        self.order = next(_creation_order)

    def draw(self, run: Run) -> list[tf.Tensor]:
        return tf.nest.flatten(run.iterators[self].get_next())


class SampledSource:
    """A fresh sample in each run.

    Args:
      sample: called with a number of examples and a stateless seed; gives a structure of tensors.
      like: the batch of real data that says how many examples to draw, or None.
      name: for messages, and to keep the randomness of two sources apart.
    """

    def __init__(self, sample: Callable[[Any, tf.Tensor], Any], like: Any, name: str):
        self._sample = sample
        self._like = like
        self.name = name
        self.order = next(_creation_order)
        self.dataset_sources = sources_of([like]) if isinstance(like, Deferred) else ()
        size = _static_size(like)
        self.requires = self.dataset_sources if size is None else ()
        self.structure = _spec_of(
            lambda: sample(unknown_size() if size is None else size, tf.zeros([2], tf.int32))
        )
        self.specs = tf.nest.flatten(self.structure)

    def draw(self, run: Run) -> list[tf.Tensor]:
        return tf.nest.flatten(self._sample(self._size(run), run.random_seed(self.name)))

    def _size(self, run: Run) -> Any:
        if run.batch_size is not None:
            return run.batch_size
        if self.dataset_sources and all(each in run.draws for each in self.dataset_sources):
            return batch_size_of(run.value(self._like))
        size = _static_size(self._like)
        if size is None:
            unlike = "it was made without like=, which says so"
            unsized = "the real data has no static batch size and none of it is drawn here"
            raise ValueError(
                f"How many examples of {self.name} to draw is unknown:"
                f" {unlike if self._like is None else unsized}. Batch with drop_remainder=True and"
                " pass like=model.real_data, or call generate(model, num_samples)."
            )
        return size // tf.distribute.get_strategy().num_replicas_in_sync


def from_dataset(dataset: tf.data.Dataset) -> Any:
    """The next element of a dataset, the counterpart of `iterator.get_next()`.

    Args:
      dataset: a batched dataset whose elements are tensors or structures of tensors.

    Returns:
      The element's structure with a value at each leaf, all tied to the same draw.

    Raises:
      ValueError: elements without a batch axis, batches of 0, an empty dataset, a dataset of
        another tf.Graph.

    Example:
      >>> images, labels = tfgan.from_dataset(labelled)
      >>> labels
      <Deferred 'dataset/1' shape=(8, 2) dtype=float32>
    """
    check_dataset(dataset)
    if tf.executing_eagerly():
        return deferred_from(DatasetSource(dataset), dataset.element_spec)
    if tf.inside_function():
        raise ValueError(
            "A dataset cannot be drawn from inside a tf.function that gan_model is called in:"
            " pass the tensors of next(iterator)."
        )
    try:
        iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
    except ValueError as error:
        raise ValueError(
            "The dataset was made outside this tf.Graph: make it inside, under graph.as_default()."
        ) from error
    # A MonitoredSession runs table initializers when it makes or recovers its session.
    tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    return iterator.get_next()


def from_distribution(distribution: Any, like: Any = None, name: str = "noise") -> Any:
    """A sample of a TFP distribution that describes one example.

    Args:
      distribution: for instance `tfd.Normal(tf.zeros([64]), 1.)`, 64 noise numbers.
      like: the value whose leading axis says how many examples to draw.
      name: keeps the randomness of two distributions apart.

    Returns:
      A value of shape [B, *event]. Its seed is a pure function of (seed, round, sub-step, replica).

    Raises:
      ValueError: `like` has no batch axis; in a graph, there is no `like`.

    Example:
      >>> noise = tfgan.from_distribution(tfd.Normal(tf.zeros([64]), 1.0), like=model.real_data)
      >>> noise
      <Deferred 'noise' shape=(8, 64) dtype=float32>
    """

    def sample(size, seed=None):
        return distribution.sample(size, seed=seed)

    return _sampled(sample, like, name)


def from_callable(fn: Callable[..., Any], like: Any = None, name: str = "callable") -> Any:
    """What a function gives, called anew in every run.

    Args:
      fn: takes the number of examples, or nothing. It draws as it likes, so a run that is resumed
        does not repeat it exactly; a distribution does.
      like: the value whose leading axis says how many examples to draw.
      name: for messages.

    Returns:
      What `fn` gives: a value, or a structure of them, all tied to the same call.

    Raises:
      ValueError: `fn` requires more than one argument; `like` has no batch axis; in a graph, `fn`
        takes the number of examples and there is no `like`.

    Example:
      >>> tfgan.from_callable(lambda size: tf.random.uniform([size, 2]), like=model.real_data)
      <Deferred 'callable' shape=(8, 2) dtype=float32>
    """
    parameters = inspect.signature(fn).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.default is p.empty and p.kind in positional]
    if len(required) > 1:
        raise ValueError(
            f"{name} is a callable with {len(required)} parameters; expected none, or one: the"
            " number of examples to draw."
        )

    def call(size):
        return fn(size) if required else fn()

    def sample(size, seed=None):
        del seed
        return call(size)

    spec = spec_of_python(call, _static_size(like), name)
    return _sampled(
        sample if spec is None else python_side(call, spec), like if required else 0, name
    )


def constant(value: Any) -> Any:
    """The same value in every run, said on purpose.

    Args:
      value: a tensor, an array, or a structure of them.

    Returns:
      A value in place of each tensor, in the same structure.

    Raises:
      ValueError: something that cannot be a tensor.

    Example:
      >>> inputs = tfgan.constant(tf.ones([8, 2]))
      >>> model = tfgan.gan_model(generator, discriminator, dataset, inputs)
      >>> model.generator_inputs
      <Deferred 'constant' shape=(8, 2) dtype=float32>
    """
    if not tf.executing_eagerly():
        return tf.nest.map_structure(tf.convert_to_tensor, value)

    def leaf(tensor):
        tensor = tf.convert_to_tensor(tensor)
        return Deferred(lambda: tf.convert_to_tensor(tensor), "constant")

    return tf.nest.map_structure(leaf, value)


def as_values(structure: Any, name: str, like: Any = None) -> Any:
    """A structure of sources, values and tensors, with each source replaced by its values.

    Args:
      structure: a dataset, a distribution, a callable, a value, an array, or a structure of them.
      name: for messages, and to keep the randomness of two sources apart.
      like: the value whose leading axis says how many examples to draw.
    """
    check_given(structure, name)
    leaves = tf.nest.flatten(structure)
    names = [name] if len(leaves) == 1 else [f"{name}/{i}" for i in range(len(leaves))]
    values = [_as_value(leaf, leaf_name, like) for leaf, leaf_name in zip(leaves, names)]
    return tf.nest.pack_sequence_as(structure, values)


def _as_value(leaf: Any, name: str, like: Any) -> Any:
    if isinstance(leaf, Deferred):
        return leaf
    if isinstance(leaf, tf.data.Dataset):
        return from_dataset(leaf)
    if hasattr(leaf, "sample") and hasattr(leaf, "event_shape"):
        return from_distribution(leaf, like, name)
    if callable(leaf) and not tf.is_tensor(leaf):
        return from_callable(leaf, like, name)
    check_array(leaf, name, "a tf.data.Dataset, a distribution, a callable, ")
    if tf.executing_eagerly():
        warnings.warn(
            f"{name} is a constant: the same batch of shape {np.shape(leaf)} will be used in every"
            " sub-step. Pass a tf.data.Dataset, a distribution or a callable; if a constant is"
            " what you want, pass tfgan_lite.constant(...).",
            stacklevel=4,
        )
        return constant(leaf)
    return tf.convert_to_tensor(leaf)


def _sampled(sample: Callable[..., Any], like: Any, name: str) -> Any:
    if tf.executing_eagerly():
        source = SampledSource(sample, like, name)
        return deferred_from(source, source.structure)
    size = _static_size(like)
    if size is None:
        if like is None:
            raise ValueError(f"{name}: the number of examples to draw is unknown.")
        size = tf.shape(like)[0]
    value = sample(size)
    as_it_likes = isinstance(like, int)  # A callable without parameters.
    if tf.is_tensor(value) and not as_it_likes and not tf.inside_function():
        note(value, sample=sample)  # So that generate can sample it again at another size.
    return value


def _static_size(like: Any) -> int | None:
    """The leading axis of an int or a value, where it is known."""
    if like is None or isinstance(like, int):
        return like
    shape = like.shape
    if shape.rank == 0:
        raise ValueError(
            "The data has shape (), without a batch axis: that of an image, for instance, is"
            " [batch, height, width, channels]."
        )
    return None if shape.rank is None else shape[0]


def _spec_of(fn: Callable[[], Any]) -> Any:
    outputs = tf.function(fn, autograph=False).get_concrete_function().structured_outputs
    return tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), outputs)
