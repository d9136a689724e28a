"""How good generated samples are."""

from tfgan_lite.eval.classifier_metrics import (
    classifier_score_from_logits,
    frechet_classifier_distance_from_activations,
)

__all__ = [
    "classifier_score_from_logits",
    "frechet_classifier_distance_from_activations",
]
