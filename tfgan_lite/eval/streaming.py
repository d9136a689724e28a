"""Scores that grow from run to run: a value to read and an operation that adds a batch to it.

In a graph both are tensors, and in TF2, made of deferred values, both are deferred values. So one
program serves both:

    value, update = tfgan.eval.frechet_classifier_distance_streaming(real, generated, classifier_fn)
    for _ in range(num_batches):
        session.run(update)
    distance = session.run(value)

Every example weighs the same, whatever the sizes of batches. An update costs no eigenvalues: they
are computed where the value is read. If you already have the batches, use the accumulators
directly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.eval.accumulator import Accumulator
from tfgan_lite.eval.checks import result_dtype
from tfgan_lite.eval.classifier_score import ClassifierScoreStatistics
from tfgan_lite.eval.frechet import frechet_distance
from tfgan_lite.eval.gaussian_statistics import GaussianStatistics
from tfgan_lite.eval.run_classifier import run_classifier_fn
from tfgan_lite.worlds import in_plain_graph

__all__ = [
    "classifier_score_from_logits_streaming",
    "classifier_score_streaming",
    "frechet_classifier_distance_from_activations_streaming",
    "frechet_classifier_distance_streaming",
]


def classifier_score_streaming(
    input_tensor: Any, classifier_fn: Callable[[Any], Any], num_batches: int = 1
) -> tuple[Any, Any]:
    """The classifier score of all samples of all runs.

    Args:
      input_tensor: samples [N, ...] that each run draws anew: a deferred value or a graph's tensor.
      classifier_fn: gives the logits [n, K] of a batch [n, ...].
      num_batches: in how many batches to classify the samples of a run.

    Returns:
      See `classifier_score_from_logits_streaming`.

    Example:
      >>> images, logits_of = model.generated_data, lambda x: 2.0 * x
      >>> score, update = tfgan.eval.classifier_score_streaming(images, logits_of)
      >>> int(update()), int(update()), bool(1.0 <= score() <= 3.0)
      (8, 16, True)
    """
    logits = run_classifier_fn(input_tensor, classifier_fn, num_batches)
    return classifier_score_from_logits_streaming(logits)


def classifier_score_from_logits_streaming(logits: Any) -> tuple[Any, Any]:
    """The classifier score of the logits of all runs.

    Args:
      logits: [N, K], a deferred value or a graph's tensor. N may differ from run to run.

    Returns:
      The score so far, an error before the first update; and the update, whose value is the number
      of examples so far. In a graph its state is in local variables.

    Raises:
      TypeError: `logits` is neither.
      ValueError: it is not a matrix with a known number of columns.

    Example:
      >>> score, update = tfgan.eval.classifier_score_from_logits_streaming(model.generated_data)
      >>> int(update()), int(update()), bool(1.0 <= score() <= 3.0)
      (8, 16, True)
    """
    return _streaming(
        [logits],
        ["logits"],
        ClassifierScoreStatistics,
        lambda statistics: statistics.result(),
    )


def frechet_classifier_distance_streaming(
    input_tensor1: Any,
    input_tensor2: Any,
    classifier_fn: Callable[[Any], Any],
    num_batches: int = 1,
) -> tuple[Any, Any]:
    """The Fréchet distance between all samples of all runs.

    Args:
      input_tensor1: samples [N, ...] that each run draws anew: a deferred value or a graph's
        tensor.
      input_tensor2: the same, [M, ...].
      classifier_fn: gives the activations [n, D] of a batch [n, ...].
      num_batches: in how many batches to classify the samples of a run.

    Returns:
      See `frechet_classifier_distance_from_activations_streaming`.

    Example:
      >>> both, activations_of = (model.real_data, model.generated_data), lambda x: 2.0 * x
      >>> value, update = tfgan.eval.frechet_classifier_distance_streaming(*both, activations_of)
      >>> int(update()), int(update()), bool(value() > 0.0)
      (8, 16, True)
    """
    activations = [
        run_classifier_fn(x, classifier_fn, num_batches) for x in (input_tensor1, input_tensor2)
    ]
    return frechet_classifier_distance_from_activations_streaming(*activations)


def frechet_classifier_distance_from_activations_streaming(
    activations1: Any, activations2: Any
) -> tuple[Any, Any]:
    """The Fréchet distance between the activations of all runs.

    Args:
      activations1: [N, D], a deferred value or a graph's tensor. N may differ from run to run.
      activations2: [M, D], the same.

    Returns:
      The distance so far, an error before two examples of each; and the update, whose value is the
      number of examples of the first so far. In a graph its state is in local variables. With no
      more examples than features the distance is mostly bias, and there is no warning here.

    Raises:
      TypeError: an argument is neither.
      ValueError: one is not a matrix with a known number of columns, or these differ.

    Example:
      >>> both = model.real_data, model.generated_data
      >>> value, update = tfgan.eval.frechet_classifier_distance_from_activations_streaming(*both)
      >>> int(update()), int(update()), bool(value() > 0.0)
      (8, 16, True)
    """
    return _streaming(
        [activations1, activations2],
        ["activations1", "activations2"],
        GaussianStatistics,
        lambda first, second: frechet_distance(first, second, allow_rank_deficient=True),
    )


def _streaming(
    values: Sequence[Any],
    names: Sequence[str],
    accumulator: Callable[[int], Accumulator],
    result: Callable[..., tf.Tensor],
) -> tuple[Any, Any]:
    statistics = []
    for value, name in zip(values, names):
        if not isinstance(value, Deferred) and not (in_plain_graph() and tf.is_tensor(value)):
            raise TypeError(
                f"{name} must be a deferred value or a tensor of a tf.Graph, which every run "
                f"evaluates anew, but it is a {type(value).__name__}. For batches that you have, "
                f"make a tfgan.eval.{accumulator.__name__} and call update_state and result."
            )
        shape = value.shape
        if shape.rank != 2 or shape[1] is None:
            raise ValueError(
                f"{name} must be a matrix whose number of columns is known, but its shape is "
                f"{shape}. Flatten what comes after the first axis, or set the shape."
            )
        statistics.append(accumulator(shape[1]))
    if len({each.shape[1] for each in values}) > 1:
        raise ValueError(
            f"{' and '.join(names)} must have the same number of columns, but their shapes are "
            f"{' and '.join(str(each.shape) for each in values)}. Take both from the same layer."
        )
    dtype = result_dtype(values[0])

    def read() -> tf.Tensor:
        return tf.cast(result(*statistics), dtype)

    def update(*batches: tf.Tensor) -> tf.Tensor:
        counts = [each.update_state(batch) for each, batch in zip(statistics, batches)]
        with tf.control_dependencies(counts):
            return tf.identity(counts[0])

    if in_plain_graph():
        return read(), update(*values)
    return Deferred(read, "streaming_value"), defer(update, *values, name="streaming_update")
