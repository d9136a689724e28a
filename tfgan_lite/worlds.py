"""Which of the two worlds the code that runs is in: a tf.Graph's, or TF2's."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["in_plain_graph"]


def in_plain_graph() -> bool:
    """Says whether ops go to a tf.Graph that is not the body of a function."""
    return not (tf.executing_eagerly() or tf.inside_function())
