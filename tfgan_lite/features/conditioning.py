"""Conditioning a tensor on another one, by functions for a tf.Graph."""

from __future__ import annotations

import tensorflow as tf

from tfgan_lite.features.graph_variables import check_can_make_variables
from tfgan_lite.features.moments import wide_dtype
from tfgan_lite.integers import checked_integer

__all__ = ["condition_tensor", "condition_tensor_from_onehot"]

_LAYER = "the Keras layer tfgan.features.ConditionTensor"


@tf.autograph.experimental.do_not_convert
def condition_tensor(tensor: tf.Tensor, conditioning: tf.Tensor) -> tf.Tensor:
    """Adds an affine function of the conditioning to the tensor.

    The variables are `dense/kernel` and `dense/bias`. In TF2 use the layer `ConditionTensor`.

    Args:
      tensor: a floating tensor [B, ...] whose sizes but B are known.
      conditioning: a tensor [B, ...] of rank >= 2 whose sizes but B are known; it is flattened.

    Returns:
      A tensor of the shape and dtype of `tensor`.

    Raises:
      ValueError: a shape is not as described, the batches are unequal, or there is no tf.Graph.

    Example:
      >>> with tf.Graph().as_default():
      ...     tfgan.features.condition_tensor(tf.zeros([2, 3]), tf.zeros([2, 5])).shape.as_list()
      [2, 3]
    """
    check_can_make_variables("condition_tensor", _LAYER)
    tensor, conditioning = tf.convert_to_tensor(tensor), tf.convert_to_tensor(conditioning)
    inputs, outputs = check_conditioning(tensor.shape, conditioning.shape)
    if not tensor.dtype.is_floating:
        raise ValueError(f"tensor must be floating, not {tensor.dtype.name}.")
    dtype = wide_dtype(tensor.dtype)
    with tf.compat.v1.variable_scope(None, "dense"):
        kernel = tf.compat.v1.get_variable("kernel", [inputs, outputs], dtype)
        bias = tf.compat.v1.get_variable("bias", [outputs], dtype, tf.compat.v1.zeros_initializer())
    conditioning = of_equal_batch(conditioning, tensor)
    flat = tf.reshape(tf.cast(conditioning, dtype), [-1, inputs])
    mapped = tf.matmul(flat, kernel) + bias
    return tensor + tf.cast(tf.reshape(mapped, tf.shape(tensor)), tensor.dtype)


@tf.autograph.experimental.do_not_convert
def condition_tensor_from_onehot(
    tensor: tf.Tensor, one_hot_labels: tf.Tensor, embedding_size: int = 256
) -> tf.Tensor:
    """Adds an affine function of an embedding of the labels to the tensor.

    The embeddings are a variable `embedding` [K, embedding_size], which all calls in one variable
    scope share. In TF2 use the layer `ConditionTensor`.

    Args:
      tensor: a floating tensor [B, ...] whose sizes but B are known.
      one_hot_labels: [B, K] with a known K.
      embedding_size: numbers per embedding, > 0.

    Returns:
      A tensor of the shape and dtype of `tensor`.

    Raises:
      ValueError: a shape or size is not as described, the batches are unequal, or there is no
        tf.Graph.

    Example:
      >>> condition = tfgan.features.condition_tensor_from_onehot
      >>> with tf.Graph().as_default():
      ...     condition(tf.zeros([2, 3]), tf.eye(2)).shape.as_list()
      [2, 3]
    """
    check_can_make_variables("condition_tensor_from_onehot", _LAYER)
    tensor, labels = tf.convert_to_tensor(tensor), tf.convert_to_tensor(one_hot_labels)
    if labels.shape.rank != 2 or labels.shape[1] is None:
        raise ValueError(
            f"one_hot_labels must have a shape [B, K] with a known K, not {labels.shape}. Make"
            " them of integers by tf.one_hot(labels, K)."
        )
    check_embedding_size(embedding_size)
    embedding = tf.compat.v1.get_variable(
        "embedding", [labels.shape[1], embedding_size], wide_dtype(tensor.dtype)
    )
    return condition_tensor(tensor, tf.gather(embedding, tf.argmax(labels, axis=1)))


def of_equal_batch(conditioning: tf.Tensor, inputs: tf.Tensor, batch_axis: int = 0) -> tf.Tensor:
    """Returns the conditioning after checking at run time that its batch size equals the inputs'.

    Otherwise one example's conditioning would spread over all of them.
    """
    sizes = conditioning.shape[0], inputs.shape[batch_axis]
    if None not in sizes:
        return conditioning
    assertion = tf.debugging.assert_equal(
        tf.shape(conditioning)[0],
        tf.shape(inputs)[batch_axis],
        "The conditioning must have the batch size of what is conditioned.",
    )
    with tf.control_dependencies([assertion]):
        return tf.identity(conditioning)


def check_embedding_size(size: int) -> None:
    """Raises ValueError unless `size` is a positive integer."""
    checked_integer("embedding_size", size)


def check_conditioning(tensor: tf.TensorShape, conditioning: tf.TensorShape) -> tuple[int, int]:
    """How many numbers an example of either has.

    Args:
      tensor: the shape of what is conditioned.
      conditioning: the shape of what it is conditioned on.

    Returns:
      The sizes of an example of `conditioning` and of `tensor`.

    Raises:
      ValueError: they are not known, `conditioning` has no axis besides B, or the batches differ.
    """
    for name, shape in (("tensor", tensor), ("conditioning", conditioning)):
        if shape.rank is None or shape.rank < 2 or not shape[1:].is_fully_defined():
            raise ValueError(
                f"{name} must have a shape [B, ...] of rank >= 2 whose sizes but B are known, not"
                f" {shape}."
            )
    if not tensor[:1].is_compatible_with(conditioning[:1]):
        raise ValueError(
            f"tensor {tensor} and conditioning {conditioning} must have one batch size."
        )
    return conditioning[1:].num_elements(), tensor[1:].num_elements()
