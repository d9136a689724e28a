"""DiffAugment: the discriminator sees augmented images only, and the gradient goes through."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_lite.features import augment_ops

__all__ = ["diff_augment"]

_SHIFT = 0.125  # The largest translation, as a share of the image's size.
_CUTOUT = 0.5  # The size of the cut square, as a share of the image's.


@tf.autograph.experimental.do_not_convert
def diff_augment(
    images: Any, policy: str = "color,translation,cutout", seed: Any = None
) -> tf.Tensor:
    """Augments each image by random amounts of its own, differentiably.

    Wrap the discriminator with `augmented(discriminator, diff_augment)`, so that real and generated
    images are augmented whenever it trains or trains the generator.

    Paper: Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training,
    arXiv:2006.10738, whose amounts these are.

    Args:
      images: floating [B, H, W, C], in [-1, 1]. Results may exceed that: nothing is clipped.
      policy: comma-separated names, applied in this order. "color": brightness (added,
        -0.5 to 0.5), saturation (0 to 2 times) and contrast (0.5 to 1.5 times); "translation": by
        whole pixels, up to an eighth of the size, zeros coming in; "cutout": a rectangle of half
        the size becomes zero; "flip": left and right, for half of the images (not the paper's).
      seed: an int or an integer tensor [2], with which every call draws the same; or None for a
        seed of the run in progress, another in every call, or else TensorFlow's.

    Returns:
      The augmented images, of the same shape and dtype. The arithmetic is in float32.

    Raises:
      ValueError: an unknown name in `policy`; images of another rank or of no floating dtype.

    Example:
      >>> tfgan.features.diff_augment(tf.zeros([2, 8, 8, 3]), seed=1).shape.as_list()
      [2, 8, 8, 3]
    """
    names = [name.strip() for name in policy.split(",") if name.strip()]
    unknown = [name for name in names if name not in _POLICIES]
    if unknown:
        raise ValueError(f"policy has {unknown}; it may have {', '.join(_POLICIES)}.")
    augmented = augment_ops.as_images(images)
    # All numbers are drawn whatever the policy, so that leaving one out changes no other.
    drawn = augment_ops.uniforms(augmented, 8, seed, "diff_augment")
    for name in names:
        function, first, last = _POLICIES[name]
        augmented = function(augmented, *drawn[first:last])
    return tf.cast(augmented, tf.convert_to_tensor(images).dtype)


def _color(images, brightness, saturation, contrast):
    images = augment_ops.brightness(images, brightness - 0.5)
    images = augment_ops.saturation(images, 2.0 * saturation)
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return augment_ops.contrast(images, contrast + 0.5, about=mean)


def _translation(images, row, column):
    def shift(size, uniform):
        most = tf.cast(tf.cast(size, tf.float32) * _SHIFT + 0.5, tf.int32)
        # Each of the whole numbers from -most to most is equally likely.
        return tf.cast(uniform * tf.cast(2 * most + 1, tf.float32), tf.int32) - most

    size = tf.shape(images)
    return augment_ops.translate(images, shift(size[1], row), shift(size[2], column))


def _cutout(images, row, column):
    return augment_ops.cutout(images, row, column, _CUTOUT)


def _flip(images, uniform):
    return augment_ops.flip(images, uniform < 0.5)


# For each name, its function, and which of the drawn numbers are its.
_POLICIES = {
    "color": (_color, 0, 3),
    "translation": (_translation, 3, 5),
    "cutout": (_cutout, 5, 7),
    "flip": (_flip, 7, 8),
}
