"""What every loss formula ends with.

`weighted_loss` turns a loss per element into the value returned, and `publish` offers that value
to summaries and collections.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfgan_lite import runs
from tfgan_lite.worlds import in_plain_graph

Reduction = tf.compat.v1.losses.Reduction

# Autograph has nothing to convert in formulas, and would only lengthen their tracebacks.
as_written = tf.autograph.experimental.do_not_convert


@as_written
def weighted_loss(
    losses: tf.Tensor, weights: float | tf.Tensor, reduction: str, name: str = "weights"
) -> tf.Tensor:
    """Weights a loss per element and reduces it.

    Args:
      losses: The unweighted losses, float32, of any known rank.
      weights: Factors >= 0, a scalar or of the rank of `losses` and broadcastable to it.
      reduction: One of tf.compat.v1.losses.Reduction.
      name: What the caller calls `weights`, for the error message.

    Returns:
      A float32 scalar, or a tensor shaped like `losses` when `reduction` is NONE.

    Raises:
      ValueError: If `weights` is None, negative or of an unfit shape, or `reduction` is unknown.
    """
    if weights is None:
        raise ValueError(f"{name} is None: give 1.0 for unweighted losses.")
    for leaf in tf.nest.flatten(weights):
        if isinstance(leaf, (int, float, np.number, np.ndarray)) and not np.all(leaf >= 0):
            raise ValueError(
                f"{name} must be >= 0, not {weights}: a negative weight would flip the loss's sign."
            )
    return tf.compat.v1.losses.compute_weighted_loss(
        losses, weights, loss_collection=None, reduction=reduction
    )


@as_written
def publish(
    loss: tf.Tensor,
    loss_collection: str | None,
    add_summaries: bool,
    summaries: Mapping[str, tf.Tensor],
) -> tf.Tensor:
    """Returns the loss after offering it to a collection and its parts to summaries.

    Args:
      loss: The value that the loss function returns.
      loss_collection: The collection of the tf.Graph that gets `loss`, or None for none.
      add_summaries: Whether to summarise `summaries`.
      summaries: Values by tag; of those that are not scalars the mean is summarised.

    Returns:
      `loss`.

    Raises:
      ValueError: If a collection is named outside a tf.Graph.
    """
    if loss_collection is not None:
        if not in_plain_graph():
            raise ValueError(
                f"loss_collection={loss_collection!r}: collections exist only in a tf.Graph. Here, "
                "leave it None and keep the loss that is returned."
            )
        tf.compat.v1.add_to_collection(loss_collection, loss)
    if add_summaries:
        summarise = tf.compat.v1.summary.scalar if in_plain_graph() else runs.report
        for tag, value in summaries.items():
            summarise(tag, tf.reduce_mean(value))
    return loss
