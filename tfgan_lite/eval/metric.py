"""What a metric is: a name, its needs, and a function of collected statistics."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from tfgan_lite.eval.sample_statistics import SampleStatistics

__all__ = ["Collected", "Estimate", "Metric", "Sampler", "check_counts"]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A metric's value, and how much another draw of samples would change it.

    Attributes:
      value: the value.
      standard_error: by bootstrap of what a metric draws anew, of which `docs/metrics.md` has a
        table; None where that makes no sense or would take too long.

    Example:
      >>> tfgan.eval.Estimate.of_mean(np.array([0.0, 1.0, 0.0, 1.0]))
      Estimate(value=0.5, standard_error=0.25)
    """

    value: float
    standard_error: float | None = None

    @classmethod
    def of_mean(cls, values: np.ndarray, divisor: float = 1.0) -> Estimate:
        """Returns the mean of values [N], one for each sample, over a divisor.

        The bootstrap's standard error of a mean has a closed form: the (population) deviation over
        the square root of N.
        """
        values = np.asarray(values, np.float64)
        error = values.std() / math.sqrt(len(values))
        return cls(float(values.mean() / divisor), float(error / divisor))


@dataclasses.dataclass(frozen=True)
class Sampler:
    """A generator whose inputs a metric chooses.

    Attributes:
      draw_inputs: a function of (how many, seed) that gives inputs.
      generate: gives data for inputs, in inference mode.

    Example:
      >>> sampler = tfgan.eval.Sampler(lambda n, seed: np.full([n, 2], seed), lambda z: z + 1)
      >>> sampler.generate(sampler.draw_inputs(1, 4))
      array([[5, 5]])
    """

    draw_inputs: Callable[[int, int], Any]
    generate: Callable[[Any], Any]


@dataclasses.dataclass
class Collected:
    """All that a metric may look at.

    Attributes:
      generated: statistics of the generated samples.
      reference: those of the real ones; None where no metric needs them.
      others: those of further sets that metrics ask for, by name.
      sampler: the generator, where it is a model.
      extractor: gives features of images; None where samples are features.
      seed: for whatever a metric draws.
      allow_rank_deficient: whether to allow covariances of too few samples.

    Example:
      >>> known = tfgan.eval.ReferenceStatistics.compute(data)
      >>> collected = tfgan.eval.Collected(generated=known, reference=known)
      >>> abs(tfgan.eval.FrechetDistance().compute(collected)["frechet_distance"].value) < 1e-6
      True
    """

    generated: SampleStatistics
    reference: SampleStatistics | None = None
    others: Mapping[str, SampleStatistics] = dataclasses.field(default_factory=dict)
    sampler: Sampler | None = None
    extractor: Any = None
    seed: int = 0
    allow_rank_deficient: bool = False


class Metric:
    """A score of generated samples. Override `compute`, and say what it needs.

    Attributes:
      name: what results call it; where it gives several values, they have names of their own.
      needs: what has to be collected of generated samples: "moments", "features", "logits",
        "images", "labels"; or "sampler" for the generator itself.
      needs_of_reference: the same for real samples; empty if it is not compared with any.
      num_images: of how many images, for "images".
      further_data: further real data that it compares with, by name: arrays, datasets or
        `ReferenceStatistics`.
      needs_of_further_data: what has to be collected of them.
      higher_is_better: whether samples are better where its values are higher.

    Example:
      >>> class Spread(tfgan.eval.Metric):
      ...     name, needs = "spread", frozenset({"features"})
      ...
      ...     def compute(self, collected):
      ...         return {"spread": tfgan.eval.Estimate(float(collected.generated.features.std()))}
      >>> tfgan.eval.evaluate(np.ones([4, 3], np.float32), None, [Spread()])["spread"]
      0.0
    """

    name: ClassVar[str]
    needs: frozenset[str] = frozenset()
    needs_of_reference: frozenset[str] = frozenset()
    needs_of_further_data: frozenset[str] = frozenset()
    num_images: int = 0
    higher_is_better: bool = False

    @property
    def further_data(self) -> Mapping[str, Any]:
        return {}

    @property
    def value_names(self) -> tuple[str, ...]:
        """The names of what `compute` gives."""
        return (self.name,)

    def check(
        self, counts: Mapping[str, int | None], num_features: int | None, allow_rank_deficient: bool
    ) -> None:
        """Raises or warns before anything is drawn.

        Args:
          counts: samples by set, "generated" and "reference"; None where nobody knows yet.
          num_features: D, where it is known.
          allow_rank_deficient: as for `evaluate`.
        """

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        """Returns the values by name."""
        raise NotImplementedError


def check_counts(
    metric: str, counts: Mapping[str, int | None], num_features: int | None, allow: bool
) -> None:
    """Warns of too few samples for a covariance, and raises where it cannot have full rank.

    Args:
      metric: for the message.
      counts: samples by set.
      num_features: D.
      allow: whether a covariance without full rank is wanted; then it is a warning, too.

    Raises:
      ValueError: N <= D in some set, and it is not allowed.
    """
    for name, count in counts.items():
        if count is None or num_features is None or count >= 10 * num_features:
            continue
        if count > num_features:
            warnings.warn(
                f"{metric}: {count} {name} samples are few for {num_features} features: the value"
                f" is biased upwards. Take {10 * num_features} or more, and compare only values of"
                " equally many.",
                stacklevel=3,
            )
            continue
        message = (
            f"{metric}: {count} {name} samples for {num_features} features: their covariance cannot"
            f" have full rank, which takes at least {num_features + 1}."
        )
        if not allow:
            raise ValueError(
                f"{message} Take more samples or KernelDistance, or say allow_rank_deficient=True."
            )
        warnings.warn(f"{message} The value says little.", stacklevel=3)
