"""The number, mean and covariance of features: all that a Fréchet distance needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.accumulator import Accumulator, local_variable
from tfgan_lite.eval.checks import Array, as_matrix
from tfgan_lite.eval.workspace import Workspace
from tfgan_lite.integers import checked_integer

__all__ = ["GaussianStatistics", "Moments", "moments"]

_AT_ONCE = 2**27  # Bytes of a float64 copy: of 8192 samples of 2048 features.


class Moments(NamedTuple):
    """A Gaussian fitted to features, as published reference statistics hold it.

    Example:
      >>> tfgan.eval.Moments(100, np.zeros(2), np.eye(2)).count
      100
    """

    count: Array | int  # Examples, N: an integer scalar. The rank of C is taken as N - 1 at most.
    mean: Array  # float64 [D].
    covariance: Array  # float64 [D, D], unbiased: the scatter matrix divided by N - 1.


class GaussianStatistics(Accumulator):
    """The moments of a stream of features, in float64.

    The mean and the scatter matrix about it are updated by differences from the mean, not by sums
    of squares, so that a small spread around a large mean is not lost. Any division of the same
    examples into batches, and any order of merges, agrees to 1e-10 of the value. The memory is that
    of one [D, D] matrix: 34 MB for 2048 features.

    Paper: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances", Stanford STAN-CS-79-773, 1979.

    Args:
      num_features: D.
      name: of the module.

    Attributes:
      num_features: D.
      count: int64 variable: examples so far.
      mean: float64 [D] variable.
      scatter: float64 [D, D] variable: the sum over examples of (x - mean)(x - mean)^T.

    Example:
      >>> statistics = tfgan.eval.GaussianStatistics(3)
      >>> for batch in np.split(data, 4):
      ...     _ = statistics.update_state(batch)
      >>> bool(np.allclose(statistics.result().mean, data.mean(0)))
      True
    """

    def __init__(self, num_features: int, name: str | None = None):
        super().__init__(name=name or "gaussian_statistics")
        self.num_features = checked_integer("num_features", num_features)
        with tf.name_scope(self.name):
            self.count = local_variable([], tf.int64, "count")
            self.mean = local_variable([self.num_features], tf.float64, "mean")
            self.scatter = local_variable([self.num_features] * 2, tf.float64, "scatter")

    def update_state(self, features: Array) -> tf.Tensor:
        """Adds a batch.

        Args:
          features: finite real numbers [N, D], one row per example. N may differ from batch to
            batch, and may be zero.

        Returns:
          The number of examples so far, an int64 scalar.

        Raises:
          ValueError: another shape, NaN or infinity.
        """
        self._check_replicas()
        batch = as_matrix(features, "features", num_columns=self.num_features)
        batch = tf.ensure_shape(batch, [None, self.num_features])
        state = self.count.read_value(), self.mean.read_value()
        total, new_mean, scatter = _with_batch(*state, batch)
        with tf.control_dependencies([total, new_mean, scatter]):
            assignments = [
                self.count.assign(total),
                self.mean.assign(new_mean),
                self.scatter.assign_add(scatter),
            ]
        return self._count_after(assignments)

    def result(self) -> Moments:
        """The moments of the examples so far.

        Raises:
          ValueError: fewer than two examples, which have no covariance. In a graph and in a
            `tf.function` that is an `InvalidArgumentError` as it runs.
        """
        count, mean, scatter = self._state()
        message = "GaussianStatistics needs at least 2 examples for a covariance"
        if tf.executing_eagerly():
            if count < 2:
                raise ValueError(f"{message}, but has seen {int(count)}: update_state comes first.")
        else:
            check = tf.debugging.assert_greater_equal(count, tf.constant(2, tf.int64), message)
            with tf.control_dependencies([check]):
                count = tf.identity(count)
        return Moments(count, mean, scatter / _float(count - 1))

    def _merged(self, first: Sequence[tf.Tensor], second: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        (count, mean, scatter), (added, other_mean, other_scatter) = first, second
        new_mean, shift = _mean_of_both(count, mean, added, other_mean)
        outer = shift[:, tf.newaxis] * shift
        return [count + added, new_mean, scatter + other_scatter + outer]

    def _variables(self) -> list[tf.Variable]:
        return [self.count, self.mean, self.scatter]


def moments(features: Array, name: str = "features", workspace: Workspace | None = None) -> Moments:
    """The moments of features that are all available.

    Args:
      features: finite real numbers [N, D], N >= 2.
      name: of the argument, for messages.
      workspace: where to compute.

    Returns:
      Them, as arrays where the features are an array of float32 or float64 outside of a graph.

    Raises:
      ValueError: another shape, fewer than two rows, NaN or infinity.
    """
    samples = as_matrix(features, name, min_rows=2, dtype=None)
    if isinstance(samples, np.ndarray) or _on_cpu(samples):
        by_numpy = _by_numpy if isinstance(samples, np.ndarray) else _by_numpy_with_gradient
        mean, covariance = by_numpy(samples, workspace=workspace or Workspace())
        return Moments(tf.constant(samples.shape[0], tf.int64), mean, covariance)
    none = tf.constant(0, tf.int64), tf.zeros([], tf.float64)
    count, mean, scatter = _with_batch(*none, tf.cast(samples, tf.float64))
    if samples.shape[0]:
        count = tf.constant(samples.shape[0], tf.int64)
    return Moments(count, mean, scatter / _float(count - 1))


def _by_numpy(samples: np.ndarray, workspace: Workspace) -> tuple[np.ndarray, np.ndarray]:
    """The mean and covariance, by the library whose products in float64 are the quicker ones."""
    rows, width = samples.shape
    mean = samples.mean(axis=0, dtype=np.float64)
    # In equal chunks, because fresh memory for a float64 copy of all costs more than a few sums.
    size = -(-rows // max(1, -(-8 * samples.size // _AT_ONCE)))
    buffer, scatter = workspace.array("centred", size, width), np.empty([width, width])
    for start in range(0, rows, size):
        chunk = samples[start : start + size]
        centred = np.subtract(chunk, mean, out=buffer[: len(chunk)], dtype=np.float64)
        if start:
            scatter += np.matmul(centred.T, centred, out=workspace.array("product", width, width))
        else:
            np.matmul(centred.T, centred, out=scatter)
    scatter /= rows - 1
    return mean, scatter


def _by_numpy_with_gradient(
    samples: tf.Tensor, workspace: Workspace
) -> tuple[tf.Tensor, tf.Tensor]:
    @tf.custom_gradient
    def by_numpy(samples: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
        mean, covariance = map(tf.constant, _by_numpy(np.asarray(samples), workspace))

        def gradient(of_mean: tf.Tensor, of_covariance: tf.Tensor) -> tf.Tensor:
            rows = samples.shape[0]
            centred = tf.cast(samples, tf.float64) - mean
            both = (of_covariance + tf.transpose(of_covariance)) / (rows - 1)
            return tf.cast(of_mean / rows + tf.matmul(centred, both), samples.dtype)

        return (mean, covariance), gradient

    return by_numpy(samples)


def _with_batch(
    count: tf.Tensor, mean: tf.Tensor, batch: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The count and mean with a batch more, and what it adds to the scatter matrix."""
    added = tf.shape(batch, out_type=tf.int64)[0]
    batch_mean = tf.math.divide_no_nan(tf.reduce_sum(batch, axis=0), _float(added))
    new_mean, shift = _mean_of_both(count, mean, added, batch_mean)
    # The shift between the means is one row more, so that a single product gives all.
    rows = tf.concat([batch - batch_mean, shift[tf.newaxis]], axis=0)
    if _on_cpu(rows):
        # NumPy's library is three times as fast, because it detects the symmetric product.
        values = np.asarray(rows)
        return count + added, new_mean, tf.constant(values.T @ values)
    return count + added, new_mean, tf.matmul(rows, rows, transpose_a=True)


def _on_cpu(tensor: tf.Tensor) -> bool:
    """Whether NumPy can have it now."""
    return tf.executing_eagerly() and "CPU" in tensor.device


def _mean_of_both(
    count1: tf.Tensor, mean1: tf.Tensor, count2: tf.Tensor, mean2: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean of two sets together, and the vector whose outer product is the shift's scatter."""
    first, second = _float(count1), _float(count2)
    share = tf.math.divide_no_nan(second, first + second)
    difference = mean2 - mean1
    return mean1 + share * difference, tf.sqrt(first * share) * difference


def _float(count: tf.Tensor) -> tf.Tensor:
    return tf.cast(count, tf.float64)
