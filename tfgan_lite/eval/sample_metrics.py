"""Metrics that are means over samples: neighbours, duplicates, similarity of pairs, paths."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfgan_lite.eval import memorisation, neighbours, structural_similarity
from tfgan_lite.eval.latent_paths import perceptual_path_length
from tfgan_lite.eval.metric import Collected, Estimate, Metric

__all__ = [
    "DataCopying",
    "DensityCoverage",
    "MultiscaleSSIM",
    "NearDuplicates",
    "PerceptualPathLength",
    "PrecisionRecall",
]

_FEATURES = frozenset({"features"})


@dataclasses.dataclass(frozen=True)
class PrecisionRecall(Metric):
    """Two values, improved "precision" and "recall"; see `precision_recall`.

    Args:
      k: how far a ball reaches.

    Paper: arXiv:1904.06991.

    Example:
      >>> tfgan.eval.evaluate(data, data, [tfgan.eval.PrecisionRecall()])["precision"]
      1.0
    """

    k: int = 3

    name = "precision_recall"
    needs = _FEATURES
    needs_of_reference = _FEATURES
    higher_is_better = True

    @property
    def value_names(self) -> tuple[str, ...]:
        return ("precision", "recall")

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        found = _neighbourhoods(collected, self.k)
        return {
            "precision": Estimate.of_mean(found.in_real_region),
            "recall": Estimate.of_mean(found.in_generated_region),
        }


@dataclasses.dataclass(frozen=True)
class DensityCoverage(Metric):
    """Two values, "density" and "coverage"; see `density_coverage`.

    Args:
      k: how far a ball reaches.

    Paper: arXiv:2002.09797.

    Example:
      >>> tfgan.eval.evaluate(data, data, [tfgan.eval.DensityCoverage()])["coverage"]
      1.0
    """

    k: int = 5

    name = "density_coverage"
    needs = _FEATURES
    needs_of_reference = _FEATURES
    higher_is_better = True

    @property
    def value_names(self) -> tuple[str, ...]:
        return ("density", "coverage")

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        found = _neighbourhoods(collected, self.k)
        return {
            "density": Estimate.of_mean(found.inside, self.k),
            "coverage": Estimate.of_mean(found.covered),
        }


@dataclasses.dataclass(frozen=True)
class NearDuplicates(Metric):
    """The share of generated samples that nearly repeat another one; see `near_duplicates`.

    Example:
      >>> each_twice = np.concatenate([data[:8], data[:8]])
      >>> tfgan.eval.evaluate(each_twice, data, [tfgan.eval.NearDuplicates()])["near_duplicates"]
      1.0
    """

    name = "near_duplicates"
    needs = _FEATURES
    needs_of_reference = _FEATURES

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        repeated = memorisation.near_duplicates(
            collected.generated.features, collected.reference.features
        )
        return {self.name: Estimate.of_mean(repeated)}


@dataclasses.dataclass(frozen=True)
class DataCopying(Metric):
    """Whether generated samples are nearer to the training samples than unseen real ones are.

    Gives "copying_distance_ratio", "copying_z_score" and "copied_share"; see `data_copying`. The
    reference must be real samples that were not trained on.

    Args:
      training: the samples that were trained on: an array, a dataset or `ReferenceStatistics`.

    Paper: arXiv:2004.05675.

    Example:
      >>> metric = tfgan.eval.DataCopying(training=data[:32])
      >>> tfgan.eval.evaluate(data[:32], data[32:], [metric])["copied_share"]
      1.0
    """

    training: Any = dataclasses.field(repr=False)

    name = "data_copying"
    needs = _FEATURES
    needs_of_reference = _FEATURES
    needs_of_further_data = _FEATURES

    @property
    def further_data(self) -> Mapping[str, Any]:
        return {"training": self.training}

    @property
    def value_names(self) -> tuple[str, ...]:
        return ("copying_distance_ratio", "copying_z_score", "copied_share")

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        found = memorisation.data_copying(
            collected.generated.features,
            collected.others["training"].features,
            collected.reference.features,
        )
        return {
            "copying_distance_ratio": Estimate(found.distance_ratio),
            "copying_z_score": Estimate(found.z_score),
            "copied_share": Estimate.of_mean(found.copied),
        }


@dataclasses.dataclass(frozen=True)
class MultiscaleSSIM(Metric):
    """The mean MS-SSIM of random pairs of generated images: the lower, the more diverse.

    Pairs are of any classes; Odena et al. pair images within a class, which are more alike. For
    their figure, evaluate the samples of one class at a time.

    Args:
      num_pairs: the most pairs.
      value_range: what images hold; by default the extractor's, and (0, 255) for uint8.

    Papers: Wang et al., 2003 (MS-SSIM); Odena et al., arXiv:1610.09585 (of pairs, as diversity).

    Example:
      >>> same = np.tile(np.linspace(0.0, 1.0, 16, dtype=np.float32)[:, None, None], [8, 1, 16, 1])
      >>> flat = lambda images: tf.reshape(images, [-1, 256])
      >>> pixels = tfgan.eval.Extractor(
      ...     flat, name="pixels", image_shape=(16, 16, 1), value_range=(0, 1)
      ... )
      >>> diversity = tfgan.eval.MultiscaleSSIM()
      >>> result = tfgan.eval.evaluate(same, None, [diversity], extractor=pixels)
      >>> round(result["ms_ssim"], 4)
      1.0
    """

    num_pairs: int = 100
    value_range: tuple[float, float] | None = None

    name = "ms_ssim"
    needs = frozenset({"images"})

    @property
    def num_images(self) -> int:
        return 2 * self.num_pairs

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        images = collected.generated.images
        pairs = structural_similarity.diversity_pairs(len(images), self.num_pairs, collected.seed)
        similarity = structural_similarity.ms_ssim(
            images[pairs[:, 0]], images[pairs[:, 1]], self._range(images, collected.extractor)
        )
        return {self.name: Estimate.of_mean(similarity)}

    def _range(self, images: np.ndarray, extractor: Any) -> tuple[float, float]:
        if self.value_range is not None:
            return self.value_range
        if images.dtype == np.uint8:
            return 0.0, 255.0
        declared = getattr(extractor, "value_range", None)
        if declared is None or isinstance(declared, str):
            raise ValueError("MultiscaleSSIM: give value_range, what images hold: (-1, 1), say.")
        return declared


@dataclasses.dataclass(frozen=True)
class PerceptualPathLength(Metric):
    """The perceptual path length of a generator through the extractor's features.

    For a model only, drawn from its own inputs. See `perceptual_path_length` for the arguments;
    there are 1000 steps by default here.

    Paper: arXiv:1812.04948.

    Example:
      >>> smoothness = tfgan.eval.PerceptualPathLength(num_samples=50)
      >>> result = tfgan.eval.evaluate(model, None, [smoothness], num_samples=8)
      >>> result["perceptual_path_length"] > 0.0
      True
    """

    num_samples: int = 1000
    epsilon: float = 1e-4
    interpolation: str = "slerp"
    sampling: str = "full"

    name = "perceptual_path_length"
    needs = frozenset({"sampler"})

    def compute(self, collected: Collected) -> dict[str, Estimate]:
        extractor = collected.extractor
        lengths = perceptual_path_length(
            collected.sampler.generate,
            collected.sampler.draw_inputs,
            lambda data: extractor(data)["features"] if extractor is not None else data,
            self.num_samples,
            epsilon=self.epsilon,
            interpolation=self.interpolation,
            sampling=self.sampling,
            seed=collected.seed,
        )
        return {self.name: Estimate.of_mean(lengths)}


def _neighbourhoods(collected: Collected, k: int) -> neighbours.Neighbourhoods:
    return neighbours.neighbourhoods(collected.reference.features, collected.generated.features, k)
