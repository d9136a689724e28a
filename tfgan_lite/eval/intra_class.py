"""The Fréchet distance class by class: whether each class looks and varies as its real one does."""

from __future__ import annotations

import numpy as np

from tfgan_lite.eval.distances import as_features
from tfgan_lite.eval.extrapolation import moments_in_chunks
from tfgan_lite.eval.frechet import frechet_distance

__all__ = ["class_frechet_distances"]


def class_frechet_distances(
    real_features: np.ndarray,
    real_labels: np.ndarray,
    generated_features: np.ndarray,
    generated_labels: np.ndarray,
    allow_rank_deficient: bool = False,
) -> dict[int, float]:
    """Returns the Fréchet distance between real and generated samples of each class.

    The mean over classes is the intra-FID. Unlike the distance over all samples, it notices a
    generator that mixes up classes, or knows only one picture of each.

    Args:
      real_features: real numbers [N, D].
      real_labels: integers [N].
      generated_features: real numbers [M, D].
      generated_labels: integers [M]: the classes that were asked for.
      allow_rank_deficient: whether to allow classes with no more than D samples.

    Returns:
      Distances by class, of the classes that real samples have.

    Raises:
      ValueError: features and labels of other lengths; a class with too few samples on one side, or
        that only generated samples have.

    Paper: Miyato and Koyama, "cGANs with Projection Discriminator",
    https://arxiv.org/abs/1802.05637.

    Example:
      >>> classes = labels.argmax(1)
      >>> distances = tfgan.eval.class_frechet_distances(data, classes, data, classes)
      >>> sorted(distances)
      [0, 1]
    """
    sets = {}
    for name, features, labels in (
        ("real", real_features, real_labels),
        ("generated", generated_features, generated_labels),
    ):
        features, labels = as_features(features, f"{name}_features"), np.asarray(labels)
        if labels.shape != (len(features),) or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"{name}_labels must be integers [{len(features)}], one per sample, got"
                f" {labels.dtype} {labels.shape}."
            )
        sets[name] = features, labels
    classes = np.union1d(sets["real"][1], sets["generated"][1])
    moments = {}
    for name, (features, labels) in sets.items():
        for each in classes:
            which = np.flatnonzero(labels == each)
            if len(which) < 2:
                raise ValueError(
                    f"Class {each} has {len(which)} {name} sample(s): a distance within the class"
                    " takes at least 2 of both. Give more samples, or leave the class out."
                )
            moments[name, each] = moments_in_chunks(features, which)
    return {
        int(each): float(
            frechet_distance(
                moments["generated", each],
                moments["real", each],
                allow_rank_deficient=allow_rank_deficient,
            )
        )
        for each in classes
    }
