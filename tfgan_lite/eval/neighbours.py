"""Fidelity and diversity of samples, told apart by nearest neighbours.

Each set of samples covers the region of balls around its own samples, each as wide as the distance
to the k-th nearest other one. How many generated samples lie where real ones are is fidelity; how
much of the real region generated samples reach is diversity.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfgan_lite.eval.distances import (
    as_features,
    nearest_squared_distances,
    squared_distance_tiles,
    where,
)
from tfgan_lite.integers import checked_integer

__all__ = ["Neighbourhoods", "density_coverage", "neighbourhoods", "precision_recall"]

# Two distances that differ by less are equal up to rounding, and so tie.
_TIE = 1e-12


@dataclasses.dataclass(frozen=True)
class Neighbourhoods:
    """Who lies in whose ball, for N real and M generated samples.

    Attributes:
      in_real_region: bool [M]: generated samples in or on some ball of a real one. Its mean is
        precision.
      in_generated_region: bool [N]: real samples in or on some ball of a generated one. Its mean is
        recall.
      inside: int64 [M]: how many real balls a generated sample is inside. Its mean over k is
        density, which can exceed 1.
      covered: bool [N]: real balls with a generated sample inside. Its mean is coverage.
    """

    in_real_region: np.ndarray
    in_generated_region: np.ndarray
    inside: np.ndarray
    covered: np.ndarray


def neighbourhoods(
    real_features: np.ndarray, generated_features: np.ndarray, k: int = 5
) -> Neighbourhoods:
    """Returns per sample what precision, recall, density and coverage are means of.

    A sample exactly on the surface of a ball counts for precision and recall, but not for density
    and coverage, as in the papers' own programs. Memory is bounded by tiles of distances.

    Args:
      real_features: real numbers [N, D], N > k.
      generated_features: real numbers [M, D], M > k.
      k: a ball reaches to the k-th nearest other sample of its own set.

    Returns:
      The `Neighbourhoods`.

    Raises:
      ValueError: features that are no matrices of equal width, that are not finite, or too few for
        k; a k that is not a positive integer.

    Papers: Kynkäänniemi et al., arXiv:1904.06991 (precision, recall); Naeem et al.,
    arXiv:2002.09797 (density, coverage).
    """
    k = checked_integer("k", k)
    real = as_features(real_features, "real_features", k + 1)
    generated = as_features(generated_features, "generated_features", k + 1)
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            "real_features and generated_features must have the same number of columns, got"
            f" {real.shape} and {generated.shape}. Take both from the same layer."
        )
    # Of k + 1 nearest the first is the sample itself.
    real_radii = nearest_squared_distances(real, None, k + 1)[:, -1]
    generated_radii = nearest_squared_distances(generated, None, k + 1)[:, -1]
    in_real_region = np.zeros(len(generated), bool)
    in_generated_region = np.zeros(len(real), bool)
    inside = np.zeros(len(generated), np.int64)
    covered = np.zeros(len(real), bool)
    for rows, columns, squares in squared_distance_tiles(real, generated):
        # Most samples are outside of most balls: whatever is done with the others is cheap.
        who, whom = where(squares <= real_radii[rows, np.newaxis] * (1.0 + _TIE))
        in_real_region[columns.start + whom] = True
        strictly = squares[who, whom] < real_radii[rows][who] * (1.0 - _TIE)
        covered[rows.start + who[strictly]] = True
        inside[columns] += np.bincount(whom[strictly], minlength=squares.shape[1])
        who, _ = where(squares <= generated_radii[columns] * (1.0 + _TIE))
        in_generated_region[rows.start + who] = True
    return Neighbourhoods(in_real_region, in_generated_region, inside, covered)


def precision_recall(
    real_features: np.ndarray, generated_features: np.ndarray, k: int = 3
) -> tuple[float, float]:
    """Returns improved precision and recall.

    Args:
      real_features: real numbers [N, D], N > k.
      generated_features: real numbers [M, D], M > k.
      k: how far a ball reaches; the paper's 3 by default.

    Returns:
      Precision, the share of generated samples in the real region, and recall, the share of real
      samples in the generated region; both in [0, 1].

    Raises:
      ValueError: see `neighbourhoods`.

    Paper: Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative
    Models", https://arxiv.org/abs/1904.06991.

    Example:
      >>> float(tfgan.eval.precision_recall(data, data)[0])
      1.0
    """
    found = neighbourhoods(real_features, generated_features, k)
    return float(found.in_real_region.mean()), float(found.in_generated_region.mean())


def density_coverage(
    real_features: np.ndarray, generated_features: np.ndarray, k: int = 5
) -> tuple[float, float]:
    """Returns density and coverage, which outliers move less than precision and recall.

    Args:
      real_features: real numbers [N, D], N > k.
      generated_features: real numbers [M, D], M > k.
      k: how far a ball reaches; the paper's 5 by default.

    Returns:
      Density >= 0, in expectation 1 for two sets of one distribution, and coverage in [0, 1].

    Raises:
      ValueError: see `neighbourhoods`.

    Paper: Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models",
    https://arxiv.org/abs/2002.09797.

    Example:
      >>> float(tfgan.eval.density_coverage(data, data)[1])
      1.0
    """
    found = neighbourhoods(real_features, generated_features, k)
    return float(found.inside.mean() / k), float(found.covered.mean())
