"""The Fréchet distance between Gaussians fitted to features: the FID, if they are Inception's."""

from __future__ import annotations

import warnings

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.checks import Array, as_matrix, check_same_columns, result_dtype
from tfgan_lite.eval.deferrable import deferrable
from tfgan_lite.eval.gaussian_statistics import GaussianStatistics, Moments, moments
from tfgan_lite.eval.matrix_roots import sqrt_of_clipped, trace_sqrt_product
from tfgan_lite.eval.workspace import Workspace

__all__ = [
    "diagonal_only_frechet_classifier_distance_from_activations",
    "frechet_classifier_distance_from_activations",
    "frechet_distance",
    "mean_only_frechet_classifier_distance_from_activations",
]

_NAMES = ("activations1", "activations2")


@deferrable
def frechet_distance(
    statistics1: Moments | GaussianStatistics,
    statistics2: Moments | GaussianStatistics,
    allow_rank_deficient: bool = False,
) -> tf.Tensor:
    """Returns the Fréchet distance between two Gaussians that are given by their moments.

    The distance is `|m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2))`.

    Args:
      statistics1: Moments, or an accumulator of them.
      statistics2: the same, of equally many features.
      allow_rank_deficient: whether to allow N <= D. With so few examples a covariance cannot have
        full rank, and the distance says more of their number than of the features.

    Returns:
      A float64 scalar >= 0; exactly 0 for equal moments.

    Raises:
      ValueError: shapes that do not fit, numbers that are not finite, fewer than two examples, or
        too few of them for the features. A graph does not know how many there are, and so does not
        complain.

    Paper: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", arXiv:1706.08500.

    Example:
      >>> first = tfgan.eval.Moments(100, np.zeros(2), np.eye(2))
      >>> second = first._replace(mean=np.full(2, 3.0))
      >>> round(float(tfgan.eval.frechet_distance(first, second)), 4)
      18.0
    """
    first = _checked_moments(statistics1, "statistics1")
    second = _checked_moments(statistics2, "statistics2")
    num_features = first.mean.shape[0]
    if second.mean.shape[0] != num_features:
        raise ValueError(
            "statistics1 and statistics2 must be of equally many features, but they are of "
            f"{num_features} and {second.mean.shape[0]}. Take both from the same layer."
        )
    if not allow_rank_deficient:
        for name, each in (("statistics1", first), ("statistics2", second)):
            count = tf.get_static_value(each.count)
            if count is not None and count <= num_features:
                raise ValueError(
                    f"{name} is of {count} examples, too few for a covariance of {num_features} "
                    f"features: it takes more than {num_features}, better 10 times as many. Give "
                    "more samples, use a kernel distance (KID), or say allow_rank_deficient=True."
                )
    return _distance(first, second)


@deferrable
def frechet_classifier_distance_from_activations(
    activations1: Array, activations2: Array
) -> tf.Tensor:
    """Returns the Fréchet distance between Gaussians fitted to two sets of activations.

    The distance is `|m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2))` with the means `m` and the
    unbiased covariances `C`. It is zero for equal moments and has no upper bound. Its bias falls
    with the number of samples: compare only values computed from equally many. With no more
    samples than activations it is mostly bias, and a `RuntimeWarning` says so.

    Args:
      activations1: finite real numbers of shape [N, D], N >= 2: one row per sample.
      activations2: finite real numbers of shape [M, D], M >= 2. M may differ from N.

    Returns:
      A scalar >= 0: float64 if `activations1` is, float32 otherwise.

    Raises:
      ValueError: If an argument is not a matrix, has fewer than two rows, is not finite, or if the
        numbers of columns differ or a graph knows neither. What a graph knows only as it runs is
        an `InvalidArgumentError` then.

    Paper: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", arXiv:1706.08500.

    Example:
      >>> distance = tfgan.eval.frechet_classifier_distance_from_activations(data, data + 1.0)
      >>> round(float(distance), 3)  # Three means, each off by 1.
      3.0
    """
    dtype, samples = _pair(activations1, activations2, min_rows=2)
    samples = _of_known_width(samples)
    _warn_of_few(samples)
    workspace = Workspace()
    statistics = [moments(x, name, workspace) for x, name in zip(samples, _NAMES)]
    del workspace  # Its memory serves for the distance.
    root = None
    few = [i for i in range(2) if _is_few(samples[i])]
    if few:
        # So few that they are, about their mean, the smallest root of their covariance.
        least = min(few, key=lambda i: samples[i].shape[0])
        statistics = [statistics[least], statistics[1 - least]]
        centred = tf.cast(samples[least], tf.float64) - statistics[0].mean
        root = tf.transpose(centred) / np.sqrt(samples[least].shape[0] - 1)
    return tf.cast(_distance(*statistics, root), dtype)


@deferrable
def mean_only_frechet_classifier_distance_from_activations(
    activations1: Array, activations2: Array
) -> tf.Tensor:
    """Returns the squared distance of the means of two sets of activations.

    It is the Fréchet distance between Gaussians of equal covariance: quick, and blind to variety.

    Args:
      activations1: finite real numbers of shape [N, D], N >= 1: one row per sample.
      activations2: finite real numbers of shape [M, D], M >= 1.

    Returns:
      A scalar >= 0: float64 if `activations1` is, float32 otherwise.

    Raises:
      ValueError: as `frechet_classifier_distance_from_activations`.

    Example:
      >>> distance = tfgan.eval.mean_only_frechet_classifier_distance_from_activations(
      ...     data, data + 1.0
      ... )
      >>> round(float(distance), 3)
      3.0
    """
    dtype, samples = _pair(activations1, activations2, min_rows=1)
    mean1, mean2 = (tf.reduce_mean(tf.cast(x, tf.float64), axis=0) for x in samples)
    return tf.cast(tf.reduce_sum(tf.math.squared_difference(mean1, mean2)), dtype)


@deferrable
def diagonal_only_frechet_classifier_distance_from_activations(
    activations1: Array, activations2: Array
) -> tf.Tensor:
    """Returns the Fréchet distance between Gaussians with independent components.

    It is `|m1 - m2|^2 + |s1 - s2|^2`, with each activation's mean m and standard deviation s. The
    variances are those of the population (divided by N), as in TF-GAN.

    Args:
      activations1: finite real numbers of shape [N, D], N >= 1: one row per sample.
      activations2: finite real numbers of shape [M, D], M >= 1.

    Returns:
      A scalar >= 0: float64 if `activations1` is, float32 otherwise.

    Raises:
      ValueError: as `frechet_classifier_distance_from_activations`.

    Example:
      >>> distance = tfgan.eval.diagonal_only_frechet_classifier_distance_from_activations
      >>> round(float(distance(data, data + 1.0)), 3)
      3.0
    """
    dtype, samples = _pair(activations1, activations2, min_rows=1)
    (mean1, variance1), (mean2, variance2) = (
        tf.nn.moments(tf.cast(x, tf.float64), axes=[0]) for x in samples
    )
    difference = tf.math.squared_difference(mean1, mean2) + tf.math.squared_difference(
        sqrt_of_clipped(variance1), sqrt_of_clipped(variance2)
    )
    return tf.cast(tf.reduce_sum(difference), dtype)


def _distance(first: Moments, second: Moments, root: tf.Tensor | None = None) -> tf.Tensor:
    """The distance; `root` is one of the first covariance, if it is known."""
    if all(isinstance(each.covariance, np.ndarray) for each in (first, second)):
        return tf.constant(_distance_of_arrays(first, second, root), tf.float64)
    equal = tf.reduce_all(tf.equal(first.mean, second.mean)) & tf.reduce_all(
        tf.equal(first.covariance, second.covariance)
    )
    shift = tf.reduce_sum(tf.math.squared_difference(first.mean, second.mean))
    if tf.executing_eagerly() and equal:
        return shift
    distance = (
        shift
        + tf.linalg.trace(first.covariance)
        + tf.linalg.trace(second.covariance)
        - 2.0
        * trace_sqrt_product(first.covariance, second.covariance, _rank(first), _rank(second), root)
    )
    # Rounding may leave a little, to either side of zero.
    return tf.where(equal, shift, tf.maximum(distance, 0.0))


def _distance_of_arrays(first: Moments, second: Moments, root: Array | None) -> float:
    """The same without copies of the covariances."""
    shift = np.sum((first.mean - second.mean) ** 2)
    if shift == 0.0 and np.array_equal(first.covariance, second.covariance):
        return shift
    root = None if root is None else np.asarray(root)
    common = trace_sqrt_product(
        first.covariance, second.covariance, _rank(first), _rank(second), root
    )
    distance = shift + np.trace(first.covariance) + np.trace(second.covariance) - 2.0 * common
    return max(float(distance), 0.0)


def _rank(statistics: Moments) -> int:
    """The highest rank that a covariance of so many examples can have; the width if unknown."""
    count, width = tf.get_static_value(statistics.count), statistics.mean.shape[0]
    return width if count is None else max(1, min(width, int(count) - 1))


def _pair(activations1: Array, activations2: Array, min_rows: int) -> tuple[tf.DType, list[Array]]:
    """Both as checked matrices, and the dtype of a result."""
    samples = [
        as_matrix(x, name, min_rows=min_rows, dtype=None)
        for x, name in zip((activations1, activations2), _NAMES)
    ]
    check_same_columns(*samples, _NAMES)
    return result_dtype(samples[0]), samples


def _of_known_width(samples: list[Array]) -> list[Array]:
    """Both with the number of columns that a graph may know of one of them only."""
    widths = {each.shape[1] for each in samples}
    if None not in widths:
        return samples
    (width,) = widths - {None} or {None}
    if width is None:
        raise ValueError(
            f"The number of columns of {' or of '.join(_NAMES)} must be known, but their shapes "
            f"are {' and '.join(str(each.shape) for each in samples)}. Set the shape."
        )
    return [tf.ensure_shape(each, [None, width]) for each in samples]


def _is_few(samples: Array) -> bool:
    """Whether so few samples cannot have a covariance of full rank, as far as one knows now."""
    rows, columns = samples.shape
    return rows is not None and columns is not None and rows <= columns


def _warn_of_few(samples: list[Array]) -> None:
    for name, each in zip(_NAMES, samples):
        if _is_few(each):
            rows, columns = each.shape
            warnings.warn(
                f"{name} has {rows} samples of {columns} features, too few for a covariance: the "
                f"Fréchet distance takes more than {columns}, better 10 times as many. A kernel "
                "distance (KID) is unbiased with any number.",
                RuntimeWarning,
                stacklevel=7,  # The caller of the public function.
            )


def _checked_moments(statistics: Moments | GaussianStatistics, name: str) -> Moments:
    if isinstance(statistics, GaussianStatistics):
        return statistics.result()
    if not isinstance(statistics, Moments):
        raise TypeError(
            f"{name} must be Moments(count, mean, covariance) or GaussianStatistics, not "
            f"{statistics!r}."
        )
    if statistics.count is None:
        raise ValueError(f"{name} has no count: say how many examples it is of.")
    mean, covariance = (
        tf.cast(each, tf.float64) if tf.is_tensor(each) else tf.convert_to_tensor(each, tf.float64)
        for each in (statistics.mean, statistics.covariance)
    )
    if mean.shape.rank != 1 or covariance.shape != [mean.shape[0]] * 2:
        raise ValueError(
            f"{name} must have a mean [D] and a covariance [D, D], but their shapes are "
            f"{mean.shape} and {covariance.shape}."
        )
    count = tf.get_static_value(statistics.count)
    if count is not None and count < 2:
        raise ValueError(f"{name} is of {count} example(s); a covariance needs at least 2.")
    if tf.executing_eagerly():
        _check_covariance(mean.numpy(), covariance.numpy(), name)
    return Moments(tf.convert_to_tensor(statistics.count), mean, covariance)


def _check_covariance(mean: np.ndarray, covariance: np.ndarray, name: str) -> None:
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError(f"{name} must be finite, but has NaN or infinity.")
    asymmetry = np.abs(covariance - covariance.T).max(initial=0.0)
    if asymmetry > 1e-6 * np.abs(covariance).max(initial=0.0) or (np.diag(covariance) < 0.0).any():
        raise ValueError(
            f"{name} must have a symmetric covariance with variances >= 0, but it is asymmetric or"
            " has a negative variance."
        )
