"""How a GAN's training goes, in numbers and in one sentence."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from tfgan_lite.eval.distances import as_features, squared_distance_tiles
from tfgan_lite.eval.memorisation import near_duplicates

__all__ = ["diagnose", "is_healthy", "mean_pairwise_distance", "verdict"]

# What the verdict calls bad: between what healthy runs show and what failed ones do. The runs of
# tests/eval/diagnosed_runs_test.py had, in this order, healthy, collapsed and with too good a D:
COLLAPSED, NARROW = 0.1, 0.5  # Diversity, as a share of the real samples': 0.99, 0.02, 1.1.
MANY_DUPLICATES, SOME_DUPLICATES = 0.5, 0.1  # Shares of the samples: 0.01, 0.96, 0.
# D's accuracy on both sides, at which non-saturating losses alone still teach G; the lower of the
# two was 0.4, 0 and 1.
SURE = 0.99
LOPSIDED = 0.1  # Accuracy on one side, when D calls nearly all samples the other.
CHANCE = 0.55  # Accuracy, or the share of pairs in the right order.
OVERFITTED = 0.9  # r_t; Karras et al., arXiv:2006.06676, want 0.6.


def diagnose(
    generated: np.ndarray,
    real: np.ndarray,
    generated_logits: np.ndarray | None = None,
    real_logits: np.ndarray | None = None,
    classes: np.ndarray | None = None,
    num_classes: int | None = None,
) -> dict[str, Any]:
    """Returns what a batch of samples of fixed noise and a batch of real ones show.

    Args:
      generated: features of generated samples, or the samples themselves [N, D].
      real: the same of real samples [M, D].
      generated_logits: the discriminator's logits for generated samples.
      real_logits: its logits for real ones.
      classes: integers [N]: what a classifier sees in generated samples.
      num_classes: how many classes there are.

    Returns:
      "finite", whether all numbers of `generated` are. Where they are, also "diversity", the mean
      distance between two generated samples over that of two real ones (1 is right, 0 is
      collapse); "near_duplicates", how many generated samples nearly repeat another one; and
      "num_samples", N. With both logits "accuracy_on_real", "accuracy_on_generated", "separation"
      (the share of pairs of a real and a generated sample in which the real one's logit is the
      higher; ties count half) and "r_t" (the mean sign of real logits). With classes
      "class_histogram" and "classes_found".

    Raises:
      ValueError: real samples that are not finite, or fewer than two samples of either kind.

    Example:
      >>> found = tfgan.eval.diagnose(generated=np.zeros([64, 3]), real=data)
      >>> tfgan.eval.verdict(found)
      '...'
    """
    finite = np.isfinite(generated).all()
    found: dict[str, Any] = {"finite": bool(finite)}
    if finite:
        usual = mean_pairwise_distance(real)
        mine = mean_pairwise_distance(generated)
        found["diversity"] = mine / usual if usual else (1.0 if mine == 0.0 else math.inf)
        found["near_duplicates"] = int(near_duplicates(generated, real).sum())
        found["num_samples"] = len(generated)
    if real_logits is not None and generated_logits is not None:
        found["accuracy_on_real"] = float(np.mean(np.asarray(real_logits) > 0.0))
        found["accuracy_on_generated"] = float(np.mean(np.asarray(generated_logits) < 0.0))
        found["separation"] = _separation(np.ravel(real_logits), np.ravel(generated_logits))
        found["r_t"] = float(np.mean(np.sign(real_logits)))
    if classes is not None:
        histogram = np.bincount(classes, minlength=num_classes or 0)
        found["class_histogram"] = histogram.tolist()
        found["classes_found"] = int(np.count_nonzero(histogram))
    return found


def _separation(higher: np.ndarray, lower: np.ndarray) -> float:
    lower = np.sort(lower)
    below, not_above = (np.searchsorted(lower, higher, side) for side in ("left", "right"))
    return float(np.mean(below + not_above) / (2 * len(lower)))


def mean_pairwise_distance(samples: np.ndarray) -> float:
    """Returns the mean distance of two different samples of [N, D], N >= 2."""
    samples = as_features(samples, "samples", 2)
    total = sum(np.sqrt(d).sum() for _, _, d in squared_distance_tiles(samples, samples))
    return float(total / (len(samples) * (len(samples) - 1)))


@dataclasses.dataclass(frozen=True)
class _Finding:
    holds: bool
    text: str


def verdict(found: dict[str, Any]) -> str:
    """Returns the worst that the numbers of `diagnose` show, in a plain sentence.

    Args:
      found: what `diagnose` returned.

    Returns:
      A sentence; "Nothing looks wrong: ..." where nothing does.

    Example:
      >>> tfgan.eval.verdict(tfgan.eval.diagnose(generated=data, real=data + 0.1))
      '...'
    """
    return _worst(found) or f"Nothing looks wrong: {_shown(found)}."


def is_healthy(found: dict[str, Any]) -> bool:
    """Whether nothing looks wrong in what `diagnose` returned."""
    return _worst(found) is None


def _shown(found: dict[str, Any]) -> str:
    duplicates = found["near_duplicates"] / found["num_samples"]
    return (
        f"samples differ {found['diversity']:.0%} as much as real ones, {duplicates:.0%}"
        " near-duplicates"
    )


def _worst(found: dict[str, Any]) -> str | None:
    if not found["finite"]:
        return "The generator makes NaN or infinity: go back to an earlier checkpoint."
    diversity = found["diversity"]
    duplicates = found["near_duplicates"] / found["num_samples"]
    on_real = found.get("accuracy_on_real", math.nan)
    on_generated = found.get("accuracy_on_generated", math.nan)
    separation = found.get("separation", math.nan)
    histogram = found.get("class_histogram", [])
    shown = _shown(found)
    accuracy = f"it is right on {on_real:.0%} of real and {on_generated:.0%} of generated samples"
    findings = [
        _Finding(
            diversity < COLLAPSED or duplicates > MANY_DUPLICATES,
            f"The generator has collapsed: {shown}.",
        ),
        _Finding(
            diversity < NARROW or duplicates > SOME_DUPLICATES,
            f"The generator loses variety: {shown}.",
        ),
        _Finding(
            0 < found.get("classes_found", 0) <= len(histogram) / 2,
            f"Modes are missing: {found.get('classes_found')} of {len(histogram)} classes appear.",
        ),
        _Finding(
            min(on_real, on_generated) >= SURE,
            f"The discriminator wins: {accuracy}, which may teach the generator nothing.",
        ),
        _Finding(
            separation < CHANCE or max(on_real, on_generated) < CHANCE,
            f"The discriminator is at or below chance: {accuracy}. It is too weak, or training is"
            " over.",
        ),
        _Finding(
            min(on_real, on_generated) < LOPSIDED,
            f"The discriminator calls nearly all {'real' if on_real > 0.5 else 'generated'}, though"
            f" real samples rank higher in {separation:.0%} of pairs: {accuracy}. No fault"
            " with a Wasserstein or relativistic loss, whose zero means nothing.",
        ),
        _Finding(
            found.get("r_t", 0.0) > OVERFITTED,
            f"The discriminator may know the real samples by heart: r_t ="
            f" {found.get('r_t', 0.0):.2f}, where 0.6 is usual.",
        ),
    ]
    return next((finding.text for finding in findings if finding.holds), None)
