"""A scalar that shows whether a tensor is finite."""

from __future__ import annotations

import tensorflow as tf

from tfgan_lite.quick_gradients import origin

__all__ = ["checksum"]


def checksum(tensor: tf.Tensor) -> tf.Tensor:
    """A scalar that is finite only if all values of a tensor are.

    It is their sum, or a bound of it where they are products of fewer values, as gradients of large
    weights are: going through those once more costs a fifth of the update that they are for.

    Args:
      tensor: float32, of any shape. In a graph or function it knows what it was computed from.
    """
    bound = None if tf.executing_eagerly() else _bound(tensor)
    if bound is not None:
        return bound
    width = tensor.shape[-1] if tensor.shape.rank else None
    if not width or tensor.shape.rank < 2:
        return tf.reduce_sum(tensor)
    return tf.reduce_sum(_row_sums(tf.reshape(tensor, [-1, width])))


def _bound(tensor: tf.Tensor) -> tf.Tensor | None:
    """An upper bound on the sum of absolute values, from the product's factors.

    None where summing directly is cheaper.
    """
    operation = origin(tensor)
    if operation.type == "AddN":
        bounds = [_bound(each) for each in operation.inputs]
        return None if any(each is None for each in bounds) else tf.add_n(bounds)
    if operation.type == "Cast" and operation.inputs[0].dtype == tf.bfloat16:
        bound = _bound(operation.inputs[0])
        return None if bound is None else 2.0 * bound  # bfloat16 may have rounded up.
    if operation.type != "MatMul" or not _is_larger_than(tensor, operation.inputs):
        return None
    left, right = (tf.abs(tf.cast(factor, tf.float32)) for factor in operation.inputs)
    transpose_left, transpose_right = map(operation.get_attr, ("transpose_a", "transpose_b"))
    columns = _row_sums(left, transpose=not transpose_left)
    rows = _row_sums(right, transpose=transpose_right)
    return tf.reduce_sum(columns * rows)


def _row_sums(matrix: tf.Tensor, transpose: bool = False) -> tf.Tensor:
    """By a product, which is twice as fast as a reduction, with XLA more so."""
    ones = tf.ones([matrix.shape[0 if transpose else 1]])
    return tf.linalg.matvec(matrix, ones, transpose_a=transpose)


def _is_larger_than(tensor: tf.Tensor, others: list[tf.Tensor]) -> bool:
    size, *sizes = (x.shape.num_elements() for x in (tensor, *others))
    return None not in (size, *sizes) and size > sum(sizes)
