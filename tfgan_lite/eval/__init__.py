"""How good generated samples are."""

from __future__ import annotations

import importlib
from typing import Any

from tfgan_lite.eval.classifier_metrics import (
    classifier_score,
    frechet_classifier_distance,
    kernel_classifier_distance,
    kernel_classifier_distance_and_std,
)
from tfgan_lite.eval.classifier_score import (
    ClassifierScoreStatistics,
    classifier_score_and_std_from_logits,
    classifier_score_from_logits,
)
from tfgan_lite.eval.diagnostics import diagnose, verdict
from tfgan_lite.eval.diagnostics_hook import DiagnosticsHook
from tfgan_lite.eval.distribution_metrics import (
    ClassFrechetDistance,
    ClassifierScore,
    FrechetDistance,
    FrechetDistanceInfinity,
    KernelDistance,
)
from tfgan_lite.eval.evaluation import evaluate
from tfgan_lite.eval.evaluation_result import EvaluationResult
from tfgan_lite.eval.extractors import Extractor
from tfgan_lite.eval.extrapolation import Extrapolation, frechet_distance_infinity
from tfgan_lite.eval.feature_store import FeatureStore
from tfgan_lite.eval.frechet import (
    diagonal_only_frechet_classifier_distance_from_activations,
    frechet_classifier_distance_from_activations,
    frechet_distance,
    mean_only_frechet_classifier_distance_from_activations,
)
from tfgan_lite.eval.gaussian_statistics import GaussianStatistics, Moments
from tfgan_lite.eval.image_grids import image_grid, image_reshaper, python_image_grid
from tfgan_lite.eval.intra_class import class_frechet_distances
from tfgan_lite.eval.kernel_distance import (
    kernel_classifier_distance_and_std_from_activations,
    kernel_classifier_distance_from_activations,
    kernel_distance_of_subsets,
)
from tfgan_lite.eval.latent_paths import perceptual_path_length
from tfgan_lite.eval.latent_walk import latent_walk
from tfgan_lite.eval.memorisation import Copying, data_copying, near_duplicates, nearest_distances
from tfgan_lite.eval.metric import Collected, Estimate, Metric, Sampler
from tfgan_lite.eval.metric_hook import MetricHook
from tfgan_lite.eval.neighbours import density_coverage, precision_recall
from tfgan_lite.eval.reference_statistics import ReferenceStatistics
from tfgan_lite.eval.resizing import RESIZE_MODES, resize
from tfgan_lite.eval.run_classifier import run_classifier_fn, sample_and_run_classifier_fn
from tfgan_lite.eval.sample_grid_hook import SampleGridHook, spaced_grid
from tfgan_lite.eval.sample_metrics import (
    DataCopying,
    DensityCoverage,
    MultiscaleSSIM,
    NearDuplicates,
    PerceptualPathLength,
    PrecisionRecall,
)
from tfgan_lite.eval.sample_statistics import SampleStatistics
from tfgan_lite.eval.sliced_wasserstein import sliced_wasserstein_distance
from tfgan_lite.eval.streaming import (
    classifier_score_from_logits_streaming,
    classifier_score_streaming,
    frechet_classifier_distance_from_activations_streaming,
    frechet_classifier_distance_streaming,
)
from tfgan_lite.eval.structural_similarity import ms_ssim
from tfgan_lite.eval.summaries import (
    Summary,
    add_cyclegan_image_summaries,
    add_gan_model_image_summaries,
    add_gan_model_summaries,
    add_image_comparison_summaries,
    add_regularization_loss_summaries,
    add_stargan_image_summaries,
)
from tfgan_lite.eval.summary_hook import ImageSummaryHook, write_summaries

# What few programs need is imported at the first use of a name.
_LAZY: dict[str, str] = {  # Name: the module of this package that defines it.
    "INCEPTION_DEFAULT_IMAGE_SIZE": "inception",
    "INCEPTION_FINAL_POOL": "inception",
    "INCEPTION_OUTPUT": "inception",
    "INCEPTION_TFHUB": "inception_metrics",
    "classifier_fn_from_tfhub": "inception_metrics",
    "extractor_from_frozen_graph": "extractor_sources",
    "extractor_from_hub": "extractor_sources",
    "extractor_from_keras": "extractor_sources",
    "extractor_from_saved_model": "extractor_sources",
    "frechet_inception_distance": "inception_metrics",
    "frechet_inception_distance_streaming": "inception_metrics",
    "inception_extractor": "inception",
    "inception_score": "inception_metrics",
    "inception_score_streaming": "inception_metrics",
    "keras_inception_extractor": "inception",
    "kernel_inception_distance": "inception_metrics",
    "kernel_inception_distance_and_std": "inception_metrics",
    "run_inception": "inception_metrics",
    "sample_and_run_inception": "inception_metrics",
}

__all__ = [
    "ClassFrechetDistance",
    "ClassifierScore",
    "ClassifierScoreStatistics",
    "Collected",
    "Copying",
    "DataCopying",
    "DensityCoverage",
    "DiagnosticsHook",
    "Estimate",
    "EvaluationResult",
    "Extractor",
    "Extrapolation",
    "FeatureStore",
    "FrechetDistance",
    "FrechetDistanceInfinity",
    "GaussianStatistics",
    "INCEPTION_DEFAULT_IMAGE_SIZE",
    "INCEPTION_FINAL_POOL",
    "INCEPTION_OUTPUT",
    "INCEPTION_TFHUB",
    "ImageSummaryHook",
    "KernelDistance",
    "Metric",
    "MetricHook",
    "Moments",
    "MultiscaleSSIM",
    "NearDuplicates",
    "PerceptualPathLength",
    "PrecisionRecall",
    "RESIZE_MODES",
    "ReferenceStatistics",
    "SampleGridHook",
    "SampleStatistics",
    "Sampler",
    "Summary",
    "add_cyclegan_image_summaries",
    "add_gan_model_image_summaries",
    "add_gan_model_summaries",
    "add_image_comparison_summaries",
    "add_regularization_loss_summaries",
    "add_stargan_image_summaries",
    "class_frechet_distances",
    "classifier_fn_from_tfhub",
    "classifier_score",
    "classifier_score_and_std_from_logits",
    "classifier_score_from_logits",
    "classifier_score_from_logits_streaming",
    "classifier_score_streaming",
    "data_copying",
    "density_coverage",
    "diagnose",
    "diagonal_only_frechet_classifier_distance_from_activations",
    "evaluate",
    "extractor_from_frozen_graph",
    "extractor_from_hub",
    "extractor_from_keras",
    "extractor_from_saved_model",
    "frechet_classifier_distance",
    "frechet_classifier_distance_from_activations",
    "frechet_classifier_distance_from_activations_streaming",
    "frechet_classifier_distance_streaming",
    "frechet_distance",
    "frechet_distance_infinity",
    "frechet_inception_distance",
    "frechet_inception_distance_streaming",
    "image_grid",
    "image_reshaper",
    "inception_extractor",
    "inception_score",
    "inception_score_streaming",
    "keras_inception_extractor",
    "kernel_classifier_distance",
    "kernel_classifier_distance_and_std",
    "kernel_classifier_distance_and_std_from_activations",
    "kernel_classifier_distance_from_activations",
    "kernel_distance_of_subsets",
    "kernel_inception_distance",
    "kernel_inception_distance_and_std",
    "latent_walk",
    "mean_only_frechet_classifier_distance_from_activations",
    "ms_ssim",
    "near_duplicates",
    "nearest_distances",
    "perceptual_path_length",
    "precision_recall",
    "python_image_grid",
    "resize",
    "run_classifier_fn",
    "run_inception",
    "sample_and_run_classifier_fn",
    "sample_and_run_inception",
    "sliced_wasserstein_distance",
    "spaced_grid",
    "verdict",
    "write_summaries",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
