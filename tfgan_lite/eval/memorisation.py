"""Whether a generator repeats itself, or the very samples that it was trained on."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from tfgan_lite.eval.distances import as_features, nearest_squared_distances
from tfgan_lite.eval.rows import take

__all__ = ["Copying", "data_copying", "near_duplicates", "nearest_distances"]

# Nearer than this share of the usual distance between neighbours is a duplicate.
_DUPLICATE = 0.1


@dataclasses.dataclass(frozen=True)
class Copying:
    """How near generated samples are to training samples, relative to how near unseen ones are.

    Attributes:
      distance_ratio: the median distance of generated samples to their nearest training sample,
        over that of held-out samples. About 1 for a perfect generator, 0 for a copier.
      z_score: of the Mann-Whitney U test of those distances: about standard normal for a perfect
        generator, far below 0 for one that copies, and far above 0 for one that is far away.
      copied: bool [M]: generated samples nearer to a training sample than a tenth of the held-out
        samples' median.
      distances: float64 [M]: those of the generated samples.

    Example:
      >>> copying = tfgan.eval.data_copying(data[:20], data[:32], data[32:])
      >>> copying.distance_ratio, bool(copying.copied.all())
      (0.0, True)
    """

    distance_ratio: float
    z_score: float
    copied: np.ndarray
    distances: np.ndarray


def nearest_distances(samples: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """Returns the distance of each sample to the nearest of the others.

    Args:
      samples: real numbers [N, D].
      others: real numbers [M, D]; None for the samples themselves, each without itself (N >= 2).

    Returns:
      float64 [N].

    Raises:
      ValueError: no finite matrices of equal width, or too few rows.

    Example:
      >>> tfgan.eval.nearest_distances(data[:2], data).tolist()
      [0.0, 0.0]
    """
    samples = as_features(samples, "samples", 2 if others is None else 1)
    if others is None:  # The nearest of all is the sample itself.
        return np.sqrt(nearest_squared_distances(samples, None, 2)[:, 1])
    others = as_features(others, "others")
    if samples.shape[1] != others.shape[1]:
        raise ValueError(
            f"samples and others must have the same number of columns, got {samples.shape} and"
            f" {others.shape}. Take both from the same layer."
        )
    return np.sqrt(nearest_squared_distances(samples, others, 1)[:, 0])


def near_duplicates(samples: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Returns which samples nearly repeat another one.

    A near-duplicate has another sample nearer than a tenth of the median distance between nearest
    neighbours among equally many real samples (fewer samples are farther apart). Where that median
    is 0, only equal samples are duplicates.

    Args:
      samples: real numbers [N, D], N >= 2.
      real: real numbers [M, D], M >= 2.

    Returns:
      bool [N].

    Raises:
      ValueError: see `nearest_distances`.

    Example:
      >>> tfgan.eval.near_duplicates(data[:5], data).shape
      (5,)
    """
    real = np.asarray(real)
    count = min(len(real), max(2, len(samples)))
    # Not the first ones: data sets are often sorted by class.
    some = np.random.default_rng(0).choice(len(real), count, replace=False)
    usual = np.median(nearest_distances(real if count == len(real) else take(real, np.sort(some))))
    return nearest_distances(samples) <= _DUPLICATE * usual


def data_copying(generated: np.ndarray, training: np.ndarray, held_out: np.ndarray) -> Copying:
    """Compares the distances of generated and of held-out samples to the training samples.

    Args:
      generated: features of generated samples, real numbers [M, D].
      training: features of the samples that were trained on [N, D].
      held_out: features of real samples that were not trained on [L, D].

    Returns:
      The `Copying`.

    Raises:
      ValueError: no finite matrices of equal width.

    Paper: Meehan et al., "A Non-Parametric Test to Detect Data-Copying in Generative Models",
    https://arxiv.org/abs/2004.05675 (with one cell).

    Example:
      >>> copying = tfgan.eval.data_copying(data[:20] + 0.01, data[:32], data[32:])
    """
    distances = nearest_distances(generated, training)
    usual = nearest_distances(held_out, training)
    median = float(np.median(usual))
    mine = float(np.median(distances))
    # Held-out samples that are training samples make every ratio meaningless but that of equals.
    ratio = mine / median if median else (1.0 if mine == 0.0 else math.inf)
    return Copying(
        distance_ratio=ratio,
        z_score=_mann_whitney_z(distances, usual),
        copied=distances <= _DUPLICATE * median,
        distances=distances,
    )


def _mann_whitney_z(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the z-score of U: how often `first` exceeds `second`, corrected for ties."""
    n, m = len(first), len(second)
    values = np.concatenate([first, second])
    # Equal up to rounding is equal.
    values = np.round(values / (values.max() or 1.0), 12)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]  # Equal values share their ranks.
    u = ranks[:n].sum() - n * (n + 1) / 2.0
    total = n + m
    ties = np.sum(counts.astype(np.float64) ** 3 - counts) / (total * max(1, total - 1))
    variance = n * m / 12.0 * (total + 1 - ties)
    return float((u - n * m / 2.0) / math.sqrt(variance)) if variance > 0.0 else 0.0
