"""The trace of the square root of a product of covariances: the costly term of a Fréchet distance.

With C1 = R R^T, the product C1 C2 has the eigenvalues of the symmetric R^T C2 R, and further ones
that are zero. So no root of an unsymmetric matrix is taken, and no complex number appears.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.checks import Array

__all__ = ["sqrt_of_clipped", "trace_sqrt_product"]

_BLOCK = 256  # Columns.


def trace_sqrt_product(
    first: Array,
    second: Array,
    first_rank: int,
    second_rank: int,
    root: Array | None = None,
) -> Array:
    """Returns the trace of (C1 C2)^(1/2).

    Args:
      first: a covariance, float64 [D, D].
      second: another one, of the same shape.
      first_rank: the most that the first one's rank can be, from 1 to D.
      second_rank: the second one's.
      root: float64 [D, K] whose product with its transpose is the first covariance, if it is known.

    Returns:
      A float64 scalar >= 0; of arrays no tensor, outside of a graph.
    """
    if root is None and second_rank < first_rank:
        first, second, first_rank, second_rank = second, first, second_rank, first_rank
    given = [first, second] if root is None else [first, second, root]

    def by_tensorflow(*given: tf.Tensor) -> tf.Tensor:
        root = given[2] if len(given) > 2 else _root(given[0], first_rank)
        rotated = tf.matmul(root, tf.matmul(given[1], root), transpose_a=True)
        eigenvalues = tf.linalg.eigvalsh((rotated + tf.transpose(rotated)) / 2.0)
        # The others, the lowest, are zero: what is computed for them is the rounding, whose roots
        # are not small.
        return tf.reduce_sum(sqrt_of_clipped(eigenvalues[-min(first_rank, second_rank) :]))

    def by_numpy(*given: np.ndarray) -> np.float64:
        """The same, several times as quick."""
        # LAPACK's columns are NumPy's rows: transposed matrices are copied in their own order.
        eigenvalues = np.linalg.eigvalsh(_rotated(*given, rank=first_rank).T, UPLO="U")
        return np.sqrt(np.maximum(eigenvalues[-min(first_rank, second_rank) :], 0.0)).sum()

    @tf.custom_gradient
    def with_gradient(*given: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> list[tf.Tensor | None]:
            with tf.GradientTape() as tape:
                tape.watch(given)
                trace = by_tensorflow(*given)
            return tape.gradient(trace, given, upstream)

        return tf.constant(by_numpy(*map(np.asarray, given))), gradient

    if not tf.executing_eagerly():
        return by_tensorflow(*given)
    if all(isinstance(each, np.ndarray) for each in given):
        return by_numpy(*given)
    return with_gradient(*map(tf.convert_to_tensor, given))


def sqrt_of_clipped(values: tf.Tensor) -> tf.Tensor:
    """Square roots, with zero for what rounding made negative, and no gradient there."""
    kept = tf.logical_not(values <= 0.0)  # Not `values > 0`, which would make a NaN zero.
    return tf.where(kept, tf.sqrt(tf.where(kept, values, 1.0)), 0.0)


def _root(covariance: tf.Tensor, rank: int) -> tf.Tensor:
    """R [D, rank] with R R^T = `covariance`, which may be singular."""
    values, vectors = tf.linalg.eigh(covariance)
    return vectors[:, -rank:] * sqrt_of_clipped(values[-rank:])


def _rotated(
    first: np.ndarray, second: np.ndarray, root: np.ndarray | None = None, *, rank: int
) -> np.ndarray:
    """R^T C2 R, whose lower triangle is all that counts."""
    if root is None and rank == len(first):
        # Several times as quick as eigenvectors, but there is none of a singular matrix.
        try:
            return _rotated_by_triangle(np.linalg.cholesky(first.T), second)
        except np.linalg.LinAlgError:
            pass
    if root is None:
        root = _root(tf.constant(first), rank).numpy()
    return root.T @ (second @ root)


def _rotated_by_triangle(root: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The lower triangle of R^T C R, with at least half of R's zeros left out of the products."""
    rotated = np.zeros_like(matrix)
    for start in range(0, len(root), _BLOCK):
        columns = slice(start, start + _BLOCK)
        below = root[start:, start:]
        rotated[start:, columns] = below.T @ (matrix[start:, start:] @ root[start:, columns])
    return rotated
