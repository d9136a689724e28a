"""Which of the two worlds the code that runs is in: a tf.Graph's, or TF2's."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["check_tensor_shapes", "in_plain_graph"]


def in_plain_graph() -> bool:
    """Says whether ops go to a tf.Graph that is not the body of a function."""
    return not (tf.executing_eagerly() or tf.inside_function())


def check_tensor_shapes() -> None:
    """Raises ValueError where shapes are TensorFlow 1's, whose dimensions are not integers."""
    if not isinstance(tf.TensorShape([1])[0], int):
        raise ValueError(
            "tf.compat.v1.disable_v2_behavior() made shapes those of TensorFlow 1, which tfgan_lite"
            " does not work with. Call tf.compat.v1.enable_v2_tensorshape() after it."
        )
