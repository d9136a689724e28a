"""The kernel distance between two sets of features: the KID, if they are Inception's.

It is the squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, without bias: its mean
over draws of samples does not depend on how many there are.

Paper: Bińkowski et al., "Demystifying MMD GANs", arXiv:1801.01401.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.checks import Array, as_matrix, check_same_columns, result_dtype
from tfgan_lite.eval.deferrable import deferrable
from tfgan_lite.eval.kernel_sums import KernelSums
from tfgan_lite.integers import checked_integer

__all__ = [
    "kernel_classifier_distance_and_std_from_activations",
    "kernel_classifier_distance_from_activations",
    "kernel_distance_of_subsets",
]

_NAMES = ("activations1", "activations2")


@deferrable
def kernel_classifier_distance_from_activations(
    activations1: Array,
    activations2: Array,
    max_block_size: int | None = 1024,
    dtype: tf.DType | None = None,
) -> tf.Tensor:
    """Returns the kernel distance between two sets of activations.

    As `kernel_classifier_distance_and_std_from_activations`, without the standard error.

    Example:
      >>> distance = tfgan.eval.kernel_classifier_distance_from_activations(data, data + 5.0)
      >>> float(distance) > 1.0
      True
    """
    return kernel_classifier_distance_and_std_from_activations(
        activations1, activations2, max_block_size, dtype
    )[0]


@deferrable
def kernel_classifier_distance_and_std_from_activations(
    activations1: Array,
    activations2: Array,
    max_block_size: int | None = 1024,
    dtype: tf.DType | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the kernel distance between two sets of activations, and its standard error.

    The samples are cut into blocks of nearly equal size, in the order in which they come, and the
    blocks' estimates are averaged. A single block makes the best use of the samples, in time that
    grows with their square. The memory does not: products are taken tile by tile, and added up in
    float64.

    Args:
      activations1: finite real numbers [N, D], N >= 2, one row per sample, in no particular order.
      activations2: finite real numbers [M, D], M >= 2. M may differ from N.
      max_block_size: the most samples of either set in a block; None for one block of all.
      dtype: of the matrix products, float32 or float64 (if None). float32 is about twice as fast,
        and loses about six digits of 1.0 rather than of the distance.

    Returns:
      Two scalars, float64 if `activations1` is, float32 otherwise: the distance, whose expectation
      is >= 0 though it may itself be less; and its standard error, from the spread of the blocks'
      estimates. With one block it is the first-order error of the estimate itself, from the spread
      of what each sample contributes.

    Raises:
      ValueError: no matrices of equally many columns and at least two rows; numbers that are not
        finite; a block of fewer than two samples of a set. What a graph knows only as it runs is an
        `InvalidArgumentError` then.

    Paper: Bińkowski et al., "Demystifying MMD GANs", arXiv:1801.01401.

    Example:
      >>> estimate, error = tfgan.eval.kernel_classifier_distance_and_std_from_activations(
      ...     data, data + 5.0, max_block_size=16
      ... )
      >>> float(estimate) > float(error) > 0.0
      True
    """
    if max_block_size is not None:
        max_block_size = checked_integer("max_block_size", max_block_size)
    arithmetic = tf.as_dtype(dtype or tf.float64)
    if arithmetic not in (tf.float32, tf.float64):
        raise ValueError(f"dtype must be float32 or float64, but it is {arithmetic.name}.")
    x, y = _pair(activations1, activations2)
    distances, errors = _estimates(x, y, max_block_size, arithmetic)
    count = tf.size(distances)
    spread = tf.math.reduce_std(distances) / tf.sqrt(tf.maximum(tf.cast(count, tf.float64) - 1, 1))
    result = tf.reduce_mean(distances), tf.where(count > 1, spread, errors[0])
    return tuple(tf.cast(each, result_dtype(x)) for each in result)


def kernel_distance_of_subsets(
    activations1: Array,
    activations2: Array,
    num_subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 2020,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the mean and deviation of kernel distances between random subsets.

    That is how torch-fidelity computes the KID, and with its default seed the subsets are the same.
    One block of all samples (`max_block_size=None` of the functions above) has a smaller error. It
    works eagerly.

    Args:
      activations1: finite real numbers [N, D], N >= subset_size.
      activations2: finite real numbers [M, D], M >= subset_size.
      num_subsets: pairs of subsets, each drawn without replacement.
      subset_size: at least 2.
      seed: of `np.random.RandomState`.

    Returns:
      Two float64 scalars: the mean of the subsets' distances, and their (population) standard
      deviation, which is not a standard error: it belongs to the size of the subsets.

    Raises:
      ValueError: arguments out of these ranges.

    Example:
      >>> tested = tfgan.eval.kernel_distance_of_subsets(data, data + 5.0, 4, subset_size=32)
      >>> mean, deviation = map(float, tested)
      >>> 0.0 < deviation < mean
      True
    """
    num_subsets = checked_integer("num_subsets", num_subsets)
    subset_size = checked_integer("subset_size", subset_size, least=2)  # For one has no pairs.
    x, y = _pair(activations1, activations2, min_rows=subset_size)
    random = np.random.RandomState(seed)
    sums, distances = KernelSums(tf.float64), []
    for _ in range(num_subsets):
        first, second = (
            np.asarray(each)[random.choice(each.shape[0], subset_size, replace=False)]
            for each in (x, y)
        )
        distances.append(_block_estimate(first, second, sums)[0])
    return tf.reduce_mean(distances), tf.math.reduce_std(distances)


def _pair(activations1: Array, activations2: Array, min_rows: int = 2) -> tuple[Array, Array]:
    x, y = (
        as_matrix(values, name, min_rows=min_rows, dtype=None)
        for values, name in zip((activations1, activations2), _NAMES)
    )
    check_same_columns(x, y, _NAMES)
    return x, y


def _estimates(
    x: Array, y: Array, max_block_size: int | None, arithmetic: tf.DType
) -> tuple[tf.Tensor, tf.Tensor]:
    """Each block's estimate, and its first-order error."""
    n, m = _rows(x), _rows(y)
    sums = KernelSums(arithmetic)
    if max_block_size is None:
        blocks: Any = 1
    elif isinstance(n, int) and isinstance(m, int):
        blocks = -(-max(n, m) // max_block_size)
    else:
        blocks = -(-tf.maximum(n, m) // max_block_size)

    def estimate(i: Any) -> tuple[tf.Tensor, tf.Tensor]:
        return _block_estimate(
            x[_bound(n, blocks, i) : _bound(n, blocks, i + 1)],
            y[_bound(m, blocks, i) : _bound(m, blocks, i + 1)],
            sums,
        )

    if isinstance(blocks, int) and isinstance(n, int) and isinstance(m, int):
        if min(n, m) // blocks < 2:
            raise ValueError(
                f"max_block_size is {max_block_size}, so {n} and {m} samples make {blocks} blocks, "
                "and some have less than two samples of a set, which have no pairs. Give it a "
                "higher value, or the smaller set more samples."
            )
        distances, errors = zip(*map(estimate, range(blocks)))
        return tf.stack(distances), tf.stack(errors)

    check = tf.debugging.assert_greater_equal(
        tf.minimum(n, m) // blocks, 2, "each block must have two samples of each set"
    )
    with tf.control_dependencies([check]):
        numbers = tf.range(blocks)
    return tf.map_fn(
        estimate, numbers, parallel_iterations=1, fn_output_signature=(tf.float64, tf.float64)
    )


def _bound(rows: Any, blocks: Any, i: Any) -> Any:
    """Where block `i` begins: the larger blocks, which have one row more, come last."""
    size, rest = rows // blocks, rows % blocks
    larger = i - (blocks - rest)
    if isinstance(larger, int):
        return i * size + max(larger, 0)
    return i * size + tf.maximum(larger, 0)


def _block_estimate(x: Array, y: Array, sums: KernelSums) -> tuple[tf.Tensor, tf.Tensor]:
    """The unbiased distance of two sets, and its first-order standard error, float64."""
    n, m = (tf.cast(_rows(each), tf.float64) for each in (x, y))
    xx, yy, xy, yx = sums(x, y)
    # What each sample contributes; the two halves' means add up to the distance.
    of_x = xx / (n - 1.0) - xy / m
    of_y = yy / (m - 1.0) - yx / n
    error = 2.0 * tf.sqrt(tf.math.reduce_variance(of_x) / n + tf.math.reduce_variance(of_y) / m)
    return tf.reduce_mean(of_x) + tf.reduce_mean(of_y), error


def _rows(matrix: Array) -> Any:
    return tf.shape(matrix)[0] if matrix.shape[0] is None else matrix.shape[0]
