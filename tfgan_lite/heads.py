"""Discriminators of several heads, and the labels and codes that they tell: what has to fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.deferred import Deferred
from tfgan_lite.structures import as_list
from tfgan_lite.tracing import sources_of

__all__ = ["check_labels", "check_one_hot", "with_classes", "with_distributions"]


def check_one_hot(name: str, labels: Any, example: Any) -> None:
    """Raises ValueError where labels are not one-hot [B, classes], as far as is known.

    Args:
      name: of the argument, for the message.
      labels: the labels.
      example: data of the batch that they are labels of.
    """
    check_labels(name, labels, example)
    values = _known_value(labels)
    if values is None:
        return
    zeros_and_ones = np.all((values == 0) | (values == 1))
    if not (zeros_and_ones and np.all(np.sum(values, 1) == 1)):
        raise ValueError(
            f"{name} must be one-hot, each row a 1 among zeros; got {values.tolist()}."
        )


def check_labels(name: str, labels: Any, example: Any) -> None:
    """Raises ValueError where labels are not [B, classes] with a known number of classes."""
    expected = f"{name} must be one-hot labels [B, classes], one row for each example;"
    if tf.nest.is_nested(labels):
        raise ValueError(f"{expected} got a structure: {labels}.")
    shape = labels.shape
    if shape.rank != 2 or not shape[1]:
        raise ValueError(
            f"{expected} got shape {shape}. Convert class indices [B] with tf.one_hot(indices,"
            " num_classes); if the number of classes is unknown, set it with tf.ensure_shape."
        )
    if not example.shape[:1].is_compatible_with(shape[:1]):
        raise ValueError(f"{expected} got shape {shape} for {example.shape[0]} examples.")


def with_classes(outputs: Any, classes: int) -> tuple[tf.Tensor, tf.Tensor]:
    """A discriminator's logits and class logits, of as many classes as the labels have.

    Raises:
      TypeError: not a pair of tensors.
      ValueError: class logits that are not [B, classes].
    """
    _check_pair(outputs, "(logits, class_logits)")
    logits, class_logits = outputs
    if not (tf.is_tensor(logits) and tf.is_tensor(class_logits)):
        raise TypeError(
            f"discriminator_fn must give a pair of tensors, (logits, class_logits); got {outputs}."
        )
    # The batch may be a replica's part of what the labels' shape tells.
    if not class_logits.shape.is_compatible_with([None, classes]):
        raise ValueError(
            f"discriminator_fn gives class logits of shape {class_logits.shape}, while the one-hot"
            f" labels have {classes} classes."
        )
    return logits, class_logits


def with_distributions(outputs: Any, codes: list[Any]) -> tuple[Any, list[Any]]:
    """A discriminator's logits, and one distribution for each code.

    Raises:
      TypeError: not a pair.
      ValueError: not one distribution for each code; an object without `log_prob`.
    """
    _check_pair(outputs, "(logits, distributions)")
    logits, distributions = outputs[0], as_list(outputs[1])
    if len(distributions) != len(codes):
        raise ValueError(
            f"discriminator_fn gives {len(distributions)} distributions, while"
            f" structured_generator_inputs has {len(codes)} codes: give one for each, in order."
        )
    for i, distribution in enumerate(distributions):
        if not callable(getattr(distribution, "log_prob", None)):
            raise ValueError(
                f"discriminator_fn's distribution {i} has no log_prob: {distribution!r}. Give a"
                " distribution, such as TFP's, of the code."
            )
    return logits, distributions


def _check_pair(outputs: Any, expected: str) -> None:
    """Raises TypeError where a discriminator's output is not a pair."""
    if not (isinstance(outputs, (tuple, list)) and len(outputs) == 2):
        raise TypeError(f"discriminator_fn must give a pair, {expected}; got {outputs!r}.")


def _known_value(labels: Any) -> np.ndarray | None:
    """The labels where they are the same in every run."""
    if not isinstance(labels, Deferred):
        return tf.get_static_value(labels)
    return labels.numpy() if tf.executing_eagerly() and not sources_of([labels]) else None
