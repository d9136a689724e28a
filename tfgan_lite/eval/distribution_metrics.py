"""Metrics of whole distributions: Fréchet and kernel distances, and the classifier score."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tfgan_lite.eval.extrapolation import frechet_distance_infinity, moments_in_chunks
from tfgan_lite.eval.frechet import frechet_distance
from tfgan_lite.eval.intra_class import class_frechet_distances
from tfgan_lite.eval.kernel_distance import (
    kernel_classifier_distance_and_std_from_activations as kernel_distance,
)
from tfgan_lite.eval.metric import Collected, Estimate, Metric, check_counts
from tfgan_lite.eval.rows import take
from tfgan_lite.eval.sample_statistics import ClassSums
from tfgan_lite.integers import checked_integer

__all__ = [
    "ClassFrechetDistance",
    "ClassifierScore",
    "FrechetDistance",
    "FrechetDistanceInfinity",
    "KernelDistance",
]

# Multiplications that a bootstrap may cost: about a second.
_AFFORDABLE = 1e11


@dataclasses.dataclass(frozen=True)
class FrechetDistance(Metric):
    """The Fréchet distance; with Inception's features the FID. See `frechet_distance`.

    It has a standard error where another metric needs the features and resampling them is quick
    (64 features: always; 2048: not).

    Args:
      resamples: of the bootstrap; 0 for none.

    Paper: arXiv:1706.08500.

    Example:
      >>> result = tfgan.eval.evaluate(data, data, [tfgan.eval.FrechetDistance()])
      >>> abs(result["frechet_distance"]) < 1e-6
      True
    """

    resamples: int = 20

    name = "frechet_distance"
    needs = frozenset({"moments"})
    needs_of_reference = frozenset({"moments"})

    def check(self, counts, num_features, allow_rank_deficient):
        check_counts(self.name, counts, num_features, allow_rank_deficient)

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        both = collected.generated, collected.reference
        for name, each in zip(("generated", "reference"), both):
            if each.moments is None:
                raise ValueError(f"{self.name} needs at least 2 {name} samples, got {each.count}.")
        allow = collected.allow_rank_deficient
        value = float(
            frechet_distance(*(each.moments for each in both), allow_rank_deficient=allow)
        )
        width = both[0].num_features
        cost = self.resamples * (sum(each.count for each in both) * width**2 + 20 * width**3)
        if not self.resamples or cost > _AFFORDABLE or any(e.features is None for e in both):
            return {self.name: Estimate(value)}

        def resampled(random: np.random.Generator) -> float:
            # A resample has fewer different rows, so that its covariance may lose its rank.
            draws = [
                moments_in_chunks(e.features, random.integers(0, e.count, e.count)) for e in both
            ]
            return float(frechet_distance(*draws, allow_rank_deficient=True))

        return {self.name: Estimate(value, _bootstrap(resampled, self.resamples, collected.seed))}


@dataclasses.dataclass(frozen=True)
class KernelDistance(Metric):
    """The kernel distance; with Inception's features the KID. It is unbiased for any sample size.

    It is the mean over blocks of samples, which are shuffled: the order in which they came may be
    that of their classes.

    Args:
      max_block_size: samples in a block, at most.

    Paper: arXiv:1801.01401.

    Example:
      >>> result = tfgan.eval.evaluate(data, data + 5.0, [tfgan.eval.KernelDistance()])
      >>> result["kernel_distance"] > 1.0
      True
    """

    max_block_size: int = 1000

    name = "kernel_distance"
    needs = frozenset({"features"})
    needs_of_reference = frozenset({"features"})

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        sets = collected.reference.features, collected.generated.features
        blocks = -(-max(map(len, sets)) // self.max_block_size)
        if min(map(len, sets)) < 2 * blocks:
            reference, generated = map(len, sets)
            raise ValueError(
                f"{self.name}: {generated} generated and {reference} reference samples make"
                f" {blocks} blocks of at most {self.max_block_size}, and each needs two samples of"
                " both. Take more of the fewer, or a higher max_block_size."
            )
        random = np.random.default_rng(collected.seed)
        orders = [np.array_split(random.permutation(len(each)), blocks) for each in sets]
        found = np.empty([blocks, 2])
        for block, pair in enumerate(zip(*orders)):
            found[block] = kernel_distance(*map(take, sets, pair), max_block_size=None)
        if blocks > 1:
            # Blocks are few, so that their deviation is taken about a mean that is estimated, too.
            error = found[:, 0].std(ddof=1) / np.sqrt(blocks)
            return {self.name: Estimate(float(found[:, 0].mean()), float(error))}
        return {self.name: Estimate(*map(float, found[0]))}


@dataclasses.dataclass(frozen=True)
class FrechetDistanceInfinity(Metric):
    """The Fréchet distance extrapolated to infinitely many samples.

    See `frechet_distance_infinity` for its arguments. The standard error is the line's.

    Paper: arXiv:1911.07023.

    Example:
      >>> result = tfgan.eval.evaluate(data[:32], data[32:], [tfgan.eval.FrechetDistanceInfinity()])
      >>> sorted(result.values), sorted(result.standard_errors)
      (['frechet_distance_infinity'], ['frechet_distance_infinity'])
    """

    num_points: int = 15
    min_samples: int | None = None

    name = "frechet_distance_infinity"
    needs = frozenset({"features"})
    needs_of_reference = frozenset({"moments"})

    def check(self, counts, num_features, allow_rank_deficient):
        check_counts(self.name, counts, num_features, allow_rank_deficient)

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        found = frechet_distance_infinity(
            collected.generated.features,
            collected.reference.moments,
            self.num_points,
            self.min_samples,
            collected.seed,
            collected.allow_rank_deficient,
        )
        error = found.standard_error if np.isfinite(found.standard_error) else None
        return {self.name: Estimate(found.distance, error)}


@dataclasses.dataclass(frozen=True)
class ClassFrechetDistance(Metric):
    """The mean over classes of the Fréchet distance within a class, known as intra-FID.

    Args:
      by_class: whether to give each class's distance, too.

    Paper: arXiv:1802.05637.

    Example:
      >>> classed = data, np.arange(64) % 2
      >>> by_class = tfgan.eval.ClassFrechetDistance(by_class=True)
      >>> sorted(tfgan.eval.evaluate(classed, classed, [by_class]).values)
      ['class_frechet_distance', 'class_frechet_distance/0', 'class_frechet_distance/1']
    """

    by_class: bool = False

    name = "class_frechet_distance"
    needs = frozenset({"features", "labels"})
    needs_of_reference = frozenset({"features", "labels"})

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        generated, reference = collected.generated, collected.reference
        for name, each in (("generated", generated), ("reference", reference)):
            smallest = {name: int(np.unique(each.labels, return_counts=True)[1].min())}
            check_counts(
                f"{self.name} (smallest class)",
                smallest,
                each.num_features,
                collected.allow_rank_deficient,
            )
        found = class_frechet_distances(
            reference.features,
            reference.labels,
            generated.features,
            generated.labels,
            collected.allow_rank_deficient,
        )
        values = {self.name: Estimate(float(np.mean(list(found.values()))))}
        if self.by_class:
            values |= {f"{self.name}/{each}": Estimate(v) for each, v in found.items()}
        return values


@dataclasses.dataclass(frozen=True)
class ClassifierScore(Metric):
    """The classifier score; with Inception's logits the Inception score.

    All samples are one set by default. Published Inception scores are mostly means over ten parts
    of 50,000 samples, which are lower; `num_splits=10` gives such.

    The standard error is that of a bootstrap of blocks of samples, a hundred of them; of several
    parts, as it is published, the deviation over the parts.

    Args:
      resamples: of the bootstrap; 0 for none. Of no account where there are several parts.
      num_splits: into how many parts samples are cut, in their order, as equal as blocks allow.

    Paper: arXiv:1606.03498.

    Example:
      >>> four_classes = np.eye(4, dtype=np.float32)[np.arange(64) % 4].reshape([64, 2, 2, 1])
      >>> flat = lambda images: tf.reshape(images, [-1, 4])
      >>> reader = tfgan.eval.Extractor(
      ...     lambda images: {"features": flat(images), "logits": 100.0 * flat(images)},
      ...     name="reader",
      ...     image_shape=(2, 2, 1),
      ... )
      >>> score = tfgan.eval.ClassifierScore()
      >>> result = tfgan.eval.evaluate(four_classes, None, [score], extractor=reader)
      >>> round(result["classifier_score"], 3)
      4.0
    """

    resamples: int = 200
    num_splits: int = 1

    name = "classifier_score"
    needs = frozenset({"logits"})
    higher_is_better = True

    def __post_init__(self):
        checked_integer("num_splits", self.num_splits)

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        sums = collected.generated.class_sums
        blocks = np.flatnonzero(sums.counts)
        if self.num_splits > 1:
            if len(blocks) < self.num_splits:
                raise ValueError(
                    f"{self.name}: {collected.generated.count} samples make {len(blocks)} blocks,"
                    f" too few for num_splits={self.num_splits}."
                )
            scores = [_score(sums, part) for part in np.array_split(blocks, self.num_splits)]
            return {self.name: Estimate(float(np.mean(scores)), float(np.std(scores)))}
        value = _score(sums, blocks)
        if not self.resamples or len(blocks) < 2:
            return {self.name: Estimate(value)}
        error = _bootstrap(
            lambda random: _score(sums, random.choice(blocks, len(blocks))),
            self.resamples,
            collected.seed,
        )
        return {self.name: Estimate(value, error)}


def _score(sums: ClassSums, blocks: np.ndarray) -> float:
    count = sums.counts[blocks].sum()
    marginal = sums.probabilities[blocks].sum(axis=0) / count
    # 0 log 0 is 0: a class whose probability underflows in every sample adds nothing.
    entropy = -np.sum(marginal * np.log(np.where(marginal > 0.0, marginal, 1.0)))
    divergence = sums.negative_entropies[blocks].sum() / count + entropy
    return float(np.exp(max(divergence, 0.0)))


def _bootstrap(
    statistic: Callable[[np.random.Generator], float], resamples: int, seed: int
) -> float:
    """Returns the deviation of a statistic of resamples: the bootstrap's standard error."""
    random = np.random.default_rng(seed)
    return float(np.std([statistic(random) for _ in range(resamples)], ddof=1))
