"""Runs a classifier batch by batch over more samples than fit into memory at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.eval.deferrable import deferrable
from tfgan_lite.integers import checked_integer
from tfgan_lite.worlds import in_plain_graph

__all__ = ["run_classifier_fn", "sample_and_run_classifier_fn"]


@deferrable
def run_classifier_fn(
    input_tensor: Any,
    classifier_fn: Callable[[Any], Any],
    num_batches: int = 1,
    dtypes: Any = None,
    name: str = "RunClassifierFn",
) -> Any:
    """Returns what a classifier gives for samples, computed in batches, one after another.

    Args:
      input_tensor: samples [N, ...] of any dtype.
      classifier_fn: a function of a batch [n, ...] that gives a tensor [n, ...] or a structure of
        them. It is the same function in all batches: in a graph its variables are reused.
      num_batches: how many batches, from 1 to N. They need not divide N: sizes then differ by one.
      dtypes: not needed; kept for old programs.
      name: of the operations.

    Returns:
      The structure that `classifier_fn` gives, of tensors [N, ...].

    Raises:
      ValueError: `num_batches` out of its range, or a result that has no row for each sample.

    Example:
      >>> tfgan.eval.run_classifier_fn(data, lambda x: x**2, num_batches=4).shape.as_list()
      [64, 3]
    """
    del dtypes
    num_batches = checked_integer("num_batches", num_batches)
    with tf.name_scope(name):
        samples = tf.convert_to_tensor(input_tensor)
        if samples.shape.rank == 0:
            raise ValueError("input_tensor must be samples [N, ...], but it is a scalar.")
        count = samples.shape[0]
        if count is not None and num_batches > max(count, 1):
            raise ValueError(
                f"num_batches must be at most the number of samples, {count}, but it is "
                f"{num_batches}."
            )
        if num_batches == 1:
            return _checked(classifier_fn(samples), count)
        total = tf.shape(samples)[0] if count is None else count
        bounds = [total * i // num_batches for i in range(num_batches + 1)]
        outputs = _in_batches(classifier_fn, samples, bounds)
        return tf.nest.map_structure(lambda x: tf.ensure_shape(x, [count, *x.shape[1:]]), outputs)


@deferrable
def sample_and_run_classifier_fn(
    sample_fn: Callable[[Any], Any],
    sample_inputs: Sequence[Any],
    classifier_fn: Callable[[Any], Any],
    dtypes: Any = None,
    name: str = "SampleAndRunClassifierFn",
) -> Any:
    """Returns what a classifier gives for generated samples, of which one batch exists at a time.

    Args:
      sample_fn: makes a batch of samples from one element of `sample_inputs`: a generator.
      sample_inputs: tensors [n, ...], or structures of them, one for each batch. Their n may
        differ; but where one is a scalar, all batches' must have the same shapes.
      classifier_fn: as in `run_classifier_fn`.
      dtypes: not needed; here for old programs.
      name: of the operations.

    Returns:
      The structure that `classifier_fn` gives, of tensors with the rows of all batches in order.

    Raises:
      ValueError: `sample_inputs` is empty or not a sequence.

    Example:
      >>> noises = [tf.zeros([8, 2]), tf.zeros([4, 2])]
      >>> tfgan.eval.sample_and_run_classifier_fn(
      ...     generator, noises, lambda x: 2.0 * x
      ... ).shape.as_list()
      [12, 3]
    """
    del dtypes
    if not isinstance(sample_inputs, (list, tuple)) or not sample_inputs:
        raise ValueError(
            "sample_inputs must be a list with the inputs of each batch, but it is "
            f"{sample_inputs!r}."
        )

    def classify_samples(inputs: Any) -> Any:
        return classifier_fn(sample_fn(inputs))

    with tf.name_scope(name):
        if len(sample_inputs) == 1:
            return _checked(classify_samples(sample_inputs[0]))
        if tf.executing_eagerly():
            return _concatenated([_checked(classify_samples(each)) for each in sample_inputs])
        sample_inputs = [tf.nest.map_structure(tf.convert_to_tensor, x) for x in sample_inputs]
        if any(leaf.shape.rank == 0 for leaf in tf.nest.flatten(sample_inputs)):
            # Scalars have no rows, so each batch's inputs become a row.
            rows = tf.nest.map_structure(lambda *each: tf.stack(each), *sample_inputs)
            return _in_batches(
                lambda row: classify_samples(tf.nest.map_structure(lambda x: x[0], row)),
                rows,
                range(len(sample_inputs) + 1),
            )
        bounds = [0]
        for each in sample_inputs:
            bounds.append(bounds[-1] + tf.shape(tf.nest.flatten(each)[0])[0])
        return _in_batches(classify_samples, _concatenated(sample_inputs), bounds)


def _in_batches(fn: Callable[[Any], Any], inputs: Any, bounds: Sequence[Any]) -> Any:
    """`fn` of the rows between each two bounds, put together."""

    def batch(start: Any, end: Any) -> Any:
        return _checked(fn(tf.nest.map_structure(lambda x: x[start:end], inputs)))

    if tf.executing_eagerly():
        return _concatenated([batch(*pair) for pair in zip(bounds, bounds[1:])])
    # The first batch is outside the loop: it makes variables, and shows what comes out.
    first = batch(bounds[0], bounds[1])
    leaves = tf.nest.flatten(first)
    count, bounds = len(bounds) - 1, tf.stack(bounds)
    arrays = [
        tf.TensorArray(
            leaf.dtype, count, infer_shape=False, element_shape=[None, *leaf.shape[1:]]
        ).write(0, leaf)
        for leaf in leaves
    ]

    in_graph = in_plain_graph()  # Not within the loop, whose body is a function.

    def step(i: tf.Tensor, *arrays: tf.TensorArray) -> tuple:
        with _same_variables() if in_graph else contextlib.nullcontext():
            values = tf.nest.flatten(batch(bounds[i], bounds[i + 1]))
        return i + 1, *(array.write(i, value) for array, value in zip(arrays, values))

    _, *arrays = tf.while_loop(
        lambda i, *_: i < count, step, (tf.constant(1), *arrays), parallel_iterations=1
    )
    return tf.nest.pack_sequence_as(first, [array.concat() for array in arrays])


def _same_variables() -> Any:
    """A scope in which a function that has made variables of a graph finds them."""
    v1 = tf.compat.v1
    return v1.variable_scope(v1.get_variable_scope(), reuse=v1.AUTO_REUSE)


def _concatenated(parts: Sequence[Any]) -> Any:
    return tf.nest.map_structure(lambda *each: tf.concat(each, axis=0), *parts)


def _checked(outputs: Any, rows: int | None = None) -> Any:
    """The classifier's outputs, if each has a row for each sample."""
    outputs = tf.nest.map_structure(tf.convert_to_tensor, outputs)
    for leaf in tf.nest.flatten(outputs):
        given = leaf.shape[0] if leaf.shape.rank else 0
        if leaf.shape.rank == 0 or None not in (given, rows) and given != rows:
            raise ValueError(
                "classifier_fn must give a row for each sample, but of "
                f"{'some' if rows is None else rows} samples it makes the shape {leaf.shape}."
            )
    return outputs
