"""Extrapolates the Fréchet distance to infinitely many generated samples."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfgan_lite.eval.distances import as_features
from tfgan_lite.eval.frechet import frechet_distance
from tfgan_lite.eval.gaussian_statistics import GaussianStatistics, Moments
from tfgan_lite.eval.rows import release, take

__all__ = ["Extrapolation", "frechet_distance_infinity", "moments_in_chunks"]

_ROWS_AT_ONCE = 2048


@dataclasses.dataclass(frozen=True)
class Extrapolation:
    """A line fitted to distances of ever more samples, against one over their number.

    Attributes:
      distance: the line's value for infinitely many. It can fall a little below 0.
      standard_error: of `distance`, from how far the points are from the line; NaN for two points.
      slope: of the line: the distance's bias is about `slope / N`.
      counts: int [P]: samples in each subset.
      distances: float64 [P]: their distances.

    Example:
      >>> real = tfgan.eval.ReferenceStatistics.compute(data[:32]).moments
      >>> line = tfgan.eval.frechet_distance_infinity(data[32:], real)
      >>> bool(line.slope > 0.0 and line.distance < line.distances[-1])  # Few look worse.
      True
    """

    distance: float
    standard_error: float
    slope: float
    counts: np.ndarray
    distances: np.ndarray


def frechet_distance_infinity(
    generated_features: np.ndarray,
    reference: Moments,
    num_points: int = 15,
    min_samples: int | None = None,
    seed: int = 0,
    allow_rank_deficient: bool = False,
) -> Extrapolation:
    """Fits a line to the distances of random subsets of the generated samples.

    The distance's bias is proportional to 1/N, so generators can be compared by values from
    different numbers of samples. What is left is the bias of the reference, the same for all.

    Args:
      generated_features: real numbers [N, D].
      reference: the moments of all real samples.
      num_points: how many subsets, at least 2; their sizes are evenly spaced up to N.
      min_samples: the smallest size; a tenth of N by default, as in the paper, but more than D.
      seed: which samples.
      allow_rank_deficient: whether to allow sizes <= D.

    Returns:
      The `Extrapolation`.

    Raises:
      ValueError: arguments out of range; too few samples for the features.

    Paper: Chong and Forsyth, "Effectively Unbiased FID and Inception Score and where to find them",
    https://arxiv.org/abs/1911.07023.

    Example:
      >>> real = tfgan.eval.ReferenceStatistics.compute(data).moments
      >>> tfgan.eval.frechet_distance_infinity(data, real, num_points=5).counts.tolist()
      [6, 20, 35, 49, 64]
    """
    features = as_features(generated_features, "generated_features", 3)
    count, width = features.shape
    if min_samples is None:
        min_samples = max(count // 10, 2, min(width + 1, count - 1))
    if num_points < 2 or not 2 <= min_samples < count:
        raise ValueError(
            f"num_points={num_points} must be at least 2, and min_samples={min_samples} from 2 to"
            f" below the number of samples, {count}."
        )
    counts = np.unique(np.linspace(min_samples, count, num_points).astype(np.int64))
    random = np.random.default_rng(seed)
    distances = np.array(
        [
            float(
                frechet_distance(
                    moments_in_chunks(features, random.permutation(count)[:size]),
                    reference,
                    allow_rank_deficient=allow_rank_deficient,
                )
            )
            for size in counts
        ]
    )
    x = 1.0 / counts
    spread = np.sum((x - x.mean()) ** 2)
    slope = np.sum((x - x.mean()) * (distances - distances.mean())) / spread
    distance = distances.mean() - slope * x.mean()
    freedom = len(counts) - 2
    residuals = np.sum((distances - distance - slope * x) ** 2)
    variance = residuals / freedom if freedom else np.nan
    error = np.sqrt(variance * (1.0 / len(counts) + x.mean() ** 2 / spread))
    return Extrapolation(float(distance), float(error), float(slope), counts, distances)


def moments_in_chunks(features: np.ndarray, which: np.ndarray | None = None) -> Moments:
    """Returns the moments of features [N, D], or of some of their rows, in bounded memory."""
    statistics = GaussianStatistics(features.shape[1])
    count = len(features) if which is None else len(which)
    for start in range(0, count, _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        statistics.update_state(features[part] if which is None else take(features, which[part]))
        release(features)
    return statistics.result()
