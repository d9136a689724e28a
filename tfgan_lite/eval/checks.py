"""What metrics ask of the numbers they are given, with errors that say what is wrong."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

__all__ = ["Array", "as_matrix", "check_same_columns", "result_dtype"]

Array = np.ndarray | tf.Tensor


def as_matrix(
    values: Array,
    name: str,
    *,
    min_rows: int = 0,
    num_columns: int | None = None,
    dtype: tf.DType | None = tf.float64,
) -> Array:
    """Checks that `values` is a matrix of finite numbers, one row per sample.

    Args:
      values: real numbers of shape [N, D], of any real dtype.
      name: of the argument, for messages.
      min_rows: N has to be at least this.
      num_columns: D has to be this; any if None.
      dtype: of the result; that of `values` if None.

    Returns:
      `values` as a tensor of `dtype`. Where `dtype` is None, an array of float32 or float64 is
      returned as it is, outside of graphs: a copy of many features takes time and memory.

    Raises:
      TypeError: they are not real numbers.
      ValueError: another rank or width, too few rows, NaN or infinity. What only the run of a graph
        or of a `tf.function` knows is an `InvalidArgumentError` then.
    """
    if not (dtype is None and tf.executing_eagerly() and _is_plain(values)):
        values = tf.convert_to_tensor(values)
    shape = tf.TensorShape(values.shape)
    if isinstance(values, tf.Tensor) and not (values.dtype.is_floating or values.dtype.is_integer):
        raise TypeError(f"{name} must be real numbers, but its dtype is {values.dtype.name}.")
    if shape.rank != 2:
        raise ValueError(
            f"{name} must be a matrix with one row per sample, but its shape is {shape}. "
            "Flatten what comes after the first axis."
        )
    rows, columns = shape
    if num_columns is not None and columns not in (None, num_columns):
        raise ValueError(
            f"{name} must have {num_columns} columns, but its shape is {shape}. Take all "
            "features from the same layer of the same network."
        )
    message = f"{name} must have at least {min_rows} row(s), one per sample"
    if rows is not None and rows < min_rows:
        raise ValueError(f"{message}, but its shape is {shape}. Give more samples.")
    values = _finite(values, name)
    if rows is None and min_rows > 0:
        check = tf.debugging.assert_greater_equal(tf.shape(values)[0], min_rows, message)
        with tf.control_dependencies([check]):
            values = tf.identity(values)
    return values if dtype is None else tf.cast(values, dtype)


def check_same_columns(first: Array, second: Array, names: tuple[str, str]) -> None:
    """Raises a `ValueError` unless two matrices have equally many columns."""
    if not tf.TensorShape(first.shape[1:]).is_compatible_with(second.shape[1:]):
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of columns, but their shapes are "
            f"{first.shape} and {second.shape}. Take both from the same layer."
        )


def result_dtype(values: Array) -> tf.DType:
    """The dtype of a metric of `values`: float64 if they are, float32 otherwise."""
    # Half precision would overflow at 65,504, which a distance passes early in training.
    dtype = getattr(values, "dtype", tf.float32)  # Lists have none.
    return tf.float64 if tf.as_dtype(dtype) == tf.float64 else tf.float32


def _is_plain(values: Array) -> bool:
    return isinstance(values, np.ndarray) and values.dtype in (np.float32, np.float64)


def _finite(values: Array, name: str) -> Array:
    if isinstance(values, tf.Tensor) and not values.dtype.is_floating:
        return values
    if not tf.executing_eagerly():
        return tf.debugging.check_numerics(values, f"{name} must be finite")
    # A sum is finite unless a number is not, or it overflows: then all numbers are looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum() if isinstance(values, np.ndarray) else tf.reduce_sum(values).numpy()
    if not np.isfinite(total):
        bad = np.flatnonzero(~np.isfinite(np.asarray(values, np.float64)).all(axis=1))
        if bad.size:
            raise ValueError(
                f"{name} must be finite, but {bad.size} of its {values.shape[0]} rows have NaN or "
                f"infinity; the first is row {bad[0]}. See whether the images or the network's "
                "weights have them, too."
            )
    return values
