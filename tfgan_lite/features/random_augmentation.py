"""ADA's augmentations: each applied to each image with a probability."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.features import augment_ops

__all__ = ["ADA_OPERATIONS", "check_operations", "random_augment"]

ADA_OPERATIONS = (
    "flip",
    "rotate90",
    "translation",
    "scale",
    "rotation",
    "brightness",
    "contrast",
    "saturation",
)


@tf.autograph.experimental.do_not_convert
def random_augment(
    images: Any,
    probability: Any,
    operations: Sequence[str] = ADA_OPERATIONS,
    seed: Any = None,
) -> tf.Tensor:
    """Applies each of ADA's operations to each image with a probability, and otherwise not.

    The operations, in their order: a horizontal flip (half the time, when applied); a
    multiple of 90 degrees (square images); a shift by whole pixels, up to an eighth of the size;
    isotropic scaling by `2 ** N(0, 0.2)`; rotation by any angle; brightness `+ N(0, 0.2)`; contrast
    `* 2 ** N(0, 0.5)`; saturation `* 2 ** N(0, 1)`. Shifted, scaled and turned images are mirrored
    at their borders and interpolated bilinearly.

    Paper: Karras et al., Training Generative Adversarial Networks with Limited Data,
    arXiv:2006.06676, whose pixel blitting, geometric and colour operations these are, without
    anisotropic scaling, fractional shifts, luma flip and hue.

    Args:
      images: floating [B, H, W, C], in [-1, 1]. Results may exceed that: nothing is clipped.
      probability: a scalar in [0, 1]; with 0 the images come back exactly as they are.
      operations: which, of `ADA_OPERATIONS`; their order is the one above.
      seed: an int or an integer tensor [2], with which every call draws the same; or None for a
        seed of the run in progress, another in every call, or else TensorFlow's.

    Returns:
      The augmented images, of the same shape and dtype. The arithmetic is in float32.

    Raises:
      ValueError: an unknown operation; a probability out of its range; images of another rank or of
        no floating dtype, or for "rotate90" not square.

    Example:
      >>> tfgan.features.random_augment(tf.zeros([2, 8, 8, 3]), 0.5, seed=1).shape.as_list()
      [2, 8, 8, 3]
    """
    check_operations(operations)
    if isinstance(probability, numbers.Real) and not 0 <= probability <= 1:
        raise ValueError(f"probability must be in [0, 1], got {probability}.")
    augmented = augment_ops.as_images(images)
    drawn = augment_ops.uniforms(augmented, 17, seed, "random_augment")
    choices, numbers_drawn = drawn[:8], drawn[8:]

    def chosen(name: str, value: tf.Tensor, otherwise: Any) -> tf.Tensor:
        index = ADA_OPERATIONS.index(name)
        applied = (choices[index] < probability) if name in operations else tf.constant(False)
        return tf.where(applied, value, otherwise)

    flip, turn, down, right, scale, angle, bright, contrast, saturation = numbers_drawn
    if "flip" in operations:
        augmented = augment_ops.flip(augmented, chosen("flip", flip < 0.5, False))
    if "rotate90" in operations:
        quarters = chosen("rotate90", tf.cast(turn * 4.0, tf.int32), 0)
        augmented = augment_ops.rotate90(augmented, quarters)
    if {"translation", "scale", "rotation"} & set(operations):
        size = tf.cast(tf.shape(augmented), tf.float32)
        augmented = augment_ops.warp(
            augmented,
            chosen("translation", tf.round((down - 0.5) * 0.25 * size[1]), 0.0),
            chosen("translation", tf.round((right - 0.5) * 0.25 * size[2]), 0.0),
            chosen("scale", _power_of_two(scale, 0.2), 1.0),
            chosen("rotation", (angle - 0.5) * (2.0 * math.pi), 0.0),
        )
    if "brightness" in operations:
        shift = chosen("brightness", 0.2 * _normal(bright), 0.0)
        augmented = augment_ops.brightness(augmented, shift)
    if "contrast" in operations:
        factor = chosen("contrast", _power_of_two(contrast, 0.5), 1.0)
        augmented = augment_ops.contrast(augmented, factor)
    if "saturation" in operations:
        factor = chosen("saturation", _power_of_two(saturation, 1.0), 1.0)
        augmented = augment_ops.saturation(augmented, factor)
    return tf.cast(augmented, tf.convert_to_tensor(images).dtype)


def check_operations(operations: Sequence[str]) -> None:
    """Raises ValueError where something is not the name of an operation."""
    given = [operations] if isinstance(operations, str) else list(operations)
    unknown = [name for name in given if name not in ADA_OPERATIONS]
    if unknown or isinstance(operations, str):
        raise ValueError(f"operations must be a list of {ADA_OPERATIONS}, got {operations!r}.")


def _normal(uniform: tf.Tensor) -> tf.Tensor:
    """Standard normal numbers from uniform ones."""
    return tf.math.ndtri(tf.maximum(uniform, 1e-7))


def _power_of_two(uniform: tf.Tensor, deviation: float) -> tf.Tensor:
    return tf.pow(2.0, deviation * _normal(uniform))
