"""Scores of samples through the eyes of a classifier, in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.eval.checks import Array
from tfgan_lite.eval.classifier_score import classifier_score_from_logits
from tfgan_lite.eval.deferrable import deferrable
from tfgan_lite.eval.frechet import frechet_classifier_distance_from_activations
from tfgan_lite.eval.kernel_distance import kernel_classifier_distance_and_std_from_activations
from tfgan_lite.eval.run_classifier import run_classifier_fn

__all__ = [
    "classifier_score",
    "frechet_classifier_distance",
    "kernel_classifier_distance",
    "kernel_classifier_distance_and_std",
]

ClassifierFn = Callable[[Any], tf.Tensor]


@deferrable
def classifier_score(
    input_tensor: Array, classifier_fn: ClassifierFn, num_batches: int = 1
) -> tf.Tensor:
    """Returns the classifier score (Inception score) of samples.

    Args:
      input_tensor: samples [N, ...], N >= 1.
      classifier_fn: gives the logits [n, K] of a batch [n, ...].
      num_batches: in how many batches to classify them; it need not divide N.

    Returns:
      See `classifier_score_from_logits`.

    Raises:
      ValueError: as `run_classifier_fn` and `classifier_score_from_logits`.

    Example:
      >>> float(
      ...     tfgan.eval.classifier_score(tf.zeros([4, 3]), lambda images: images)
      ... )  # Unsure of all.
      1.0
    """
    return classifier_score_from_logits(run_classifier_fn(input_tensor, classifier_fn, num_batches))


@deferrable
def frechet_classifier_distance(
    input_tensor1: Array, input_tensor2: Array, classifier_fn: ClassifierFn, num_batches: int = 1
) -> tf.Tensor:
    """Returns the Fréchet distance between two sets of samples.

    Args:
      input_tensor1: samples [N, ...], N >= 2.
      input_tensor2: samples [M, ...], M >= 2. M may differ from N.
      classifier_fn: gives the activations [n, D] of a batch [n, ...].
      num_batches: in how many batches to classify each set; it need not divide N or M.

    Returns:
      See `frechet_classifier_distance_from_activations`.

    Raises:
      ValueError: as `run_classifier_fn` and `frechet_classifier_distance_from_activations`.

    Example:
      >>> distance = tfgan.eval.frechet_classifier_distance(data, data + 1.0, lambda images: images)
      >>> round(float(distance), 3)
      3.0
    """
    activations = _activations(input_tensor1, input_tensor2, classifier_fn, num_batches)
    return frechet_classifier_distance_from_activations(*activations)


@deferrable
def kernel_classifier_distance(
    input_tensor1: Array,
    input_tensor2: Array,
    classifier_fn: ClassifierFn,
    num_batches: int = 1,
    max_block_size: int | None = 1024,
    dtype: tf.DType | None = None,
) -> tf.Tensor:
    """Returns the kernel distance between two sets of samples.

    As `kernel_classifier_distance_and_std`, without the standard error.

    Example:
      >>> float(
      ...     tfgan.eval.kernel_classifier_distance(data, data + 5.0, lambda images: images)
      ... ) > 1.0
      True
    """
    return kernel_classifier_distance_and_std(
        input_tensor1, input_tensor2, classifier_fn, num_batches, max_block_size, dtype
    )[0]


@deferrable
def kernel_classifier_distance_and_std(
    input_tensor1: Array,
    input_tensor2: Array,
    classifier_fn: ClassifierFn,
    num_batches: int = 1,
    max_block_size: int | None = 1024,
    dtype: tf.DType | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the kernel distance between two sets of samples, and its standard error.

    Args:
      input_tensor1: samples [N, ...], N >= 2.
      input_tensor2: samples [M, ...], M >= 2. M may differ from N.
      classifier_fn: gives the activations [n, D] of a batch [n, ...].
      num_batches: in how many batches to classify each set; it need not divide N or M.
      max_block_size: see `kernel_classifier_distance_and_std_from_activations`.
      dtype: see there.

    Returns:
      See `kernel_classifier_distance_and_std_from_activations`.

    Raises:
      ValueError: as `run_classifier_fn`, and as there.

    Example:
      >>> estimate, error = tfgan.eval.kernel_classifier_distance_and_std(
      ...     data, data + 5.0, lambda images: images, max_block_size=16
      ... )
      >>> float(estimate) > float(error) > 0.0
      True
    """
    activations = _activations(input_tensor1, input_tensor2, classifier_fn, num_batches)
    return kernel_classifier_distance_and_std_from_activations(*activations, max_block_size, dtype)


def _activations(
    input_tensor1: Array, input_tensor2: Array, classifier_fn: ClassifierFn, num_batches: int
) -> list[tf.Tensor]:
    return [
        run_classifier_fn(x, classifier_fn, num_batches) for x in (input_tensor1, input_tensor2)
    ]
