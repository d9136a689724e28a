"""Changes to a batch of images, each image by its own amount; what augmentations are made of.

Images are float32 [B, H, W, C] with values around zero; the amounts are tensors [B]. All of it is
differentiable in the images, twice too, and compiles under XLA.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_lite.batches import batch_size_of
from tfgan_lite.losses.draws import seed_for, uniform

__all__ = [
    "as_images",
    "brightness",
    "contrast",
    "cutout",
    "flip",
    "rotate90",
    "saturation",
    "translate",
    "uniforms",
    "warp",
]


def as_images(images: Any) -> tf.Tensor:
    """The images as float32.

    Raises:
      ValueError: they are not floating, or not of rank 4.
    """
    if not (tf.is_tensor(images) or hasattr(images, "shape")):
        raise ValueError(
            f"images must be one tensor [B, H, W, C], got {images!r}: of a structure, augment the"
            " images in a function of your own."
        )
    images = tf.convert_to_tensor(images)
    if not images.dtype.is_floating:
        raise ValueError(
            f"images must be floating with values in [-1, 1], got {images.dtype.name}: scale them"
            " first."
        )
    if images.shape.rank != 4:
        raise ValueError(f"images must have the shape [B, H, W, C], got {images.shape}.")
    return tf.cast(images, tf.float32)


def uniforms(images: tf.Tensor, count: int, seed: Any, salt: str) -> list[tf.Tensor]:
    """`count` numbers in [0, 1) for each image.

    Args:
      images: [B, ...].
      count: how many.
      seed: an int or an integer tensor [2], with which every call draws the same; or None for a
        seed of the run in progress, another in every call, or else TensorFlow's.
      salt: keeps the draws of different purposes in a run apart.

    Returns:
      So many float32 tensors [B].
    """
    return tf.unstack(uniform([count, batch_size_of(images)], seed_for(salt, seed)), count)


def brightness(images: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Adds `shift`."""
    return images + _per_image(shift)


def contrast(images: tf.Tensor, factor: tf.Tensor, about: Any = 0.0) -> tf.Tensor:
    """Multiplies the distance from `about`, mid-grey or another broadcastable value."""
    return images + _per_image(factor - 1.0) * (images - about)


def saturation(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Multiplies each pixel's distance from its own grey; images of one channel stay."""
    return contrast(images, factor, tf.reduce_mean(images, axis=3, keepdims=True))


def flip(images: tf.Tensor, flipped: tf.Tensor) -> tf.Tensor:
    """Exchanges left and right where `flipped` (bool)."""
    return tf.where(_per_image(flipped), images[:, :, ::-1], images)


def rotate90(images: tf.Tensor, quarters: tf.Tensor) -> tf.Tensor:
    """Turns square images by `quarters` (int32, 0 to 3) right angles, counterclockwise.

    Raises:
      ValueError: the images are not square.
    """
    if images.shape[1] is None or images.shape[1] != images.shape[2]:
        raise ValueError(
            f"Only square images of a known size turn by 90 degrees, got {images.shape}: leave"
            ' "rotate90" out.'
        )
    # A quarter turn transposes and then exchanges top and bottom, a half turn reverses both axes.
    odd, lower, upper = tf.equal(quarters % 2, 1), quarters % 4 >= 2, (quarters + 1) % 4 >= 2
    images = tf.where(_per_image(odd), tf.transpose(images, [0, 2, 1, 3]), images)
    images = tf.where(_per_image(upper), images[:, ::-1], images)
    return tf.where(_per_image(lower), images[:, :, ::-1], images)


def translate(images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Shifts down by `rows` and right by `columns` (int32); zeros come in."""
    height, width = _size(images)
    images = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])

    def sources(size: Any, shift: tf.Tensor) -> tf.Tensor:
        # Places outside fall on the one pixel of padding.
        return tf.clip_by_value(tf.range(size) - shift[:, tf.newaxis] + 1, 0, size + 1)

    images = tf.gather(images, sources(height, rows), axis=1, batch_dims=1)
    return tf.gather(images, sources(width, columns), axis=2, batch_dims=1)


def cutout(images: tf.Tensor, row: tf.Tensor, column: tf.Tensor, share: float) -> tf.Tensor:
    """Sets a rectangle to zero.

    Args:
      images: the images.
      row: the rectangle's middle, as a share of the height, in [0, 1).
      column: the same of the width.
      share: the rectangle's size, as a share of the image's.

    Returns:
      The images; what of the rectangle lies outside an image cuts nothing.
    """

    def inside(size: Any, middle: tf.Tensor) -> tf.Tensor:
        length = tf.cast(tf.cast(size, tf.float32) * share + 0.5, tf.int32)
        # An even length has its middle between two pixels, and one place more.
        places = tf.cast(size + 1 - length % 2, tf.float32)
        first = tf.cast(middle * places, tf.int32) - length // 2
        offset = tf.range(size) - first[:, tf.newaxis]
        return (offset >= 0) & (offset < length)

    height, width = _size(images)
    rows, columns = inside(height, row), inside(width, column)
    cut = rows[:, :, tf.newaxis, tf.newaxis] & columns[:, tf.newaxis, :, tf.newaxis]
    return tf.where(cut, 0.0, images)


def warp(
    images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, scale: tf.Tensor, angle: tf.Tensor
) -> tf.Tensor:
    """Shifts, then scales, then turns about the middle; bilinear, with mirrored borders.

    Args:
      images: the images.
      rows: pixels to go down.
      columns: pixels to go right.
      scale: a factor > 0.
      angle: in radians, counterclockwise.

    Returns:
      The images; those with amounts 0, 0, 1 and 0 are exactly as they were.
    """
    height, width = _size(images)
    channels = images.shape[3]
    middle_row = (tf.cast(height, tf.float32) - 1.0) / 2.0
    middle_column = (tf.cast(width, tf.float32) - 1.0) / 2.0
    down = (tf.range(height, dtype=tf.float32) - middle_row)[tf.newaxis, :, tf.newaxis]
    right = (tf.range(width, dtype=tf.float32) - middle_column)[tf.newaxis, tf.newaxis]
    cosine, sine, scale, rows, columns = (
        x[:, tf.newaxis, tf.newaxis] for x in (tf.cos(angle), tf.sin(angle), scale, rows, columns)
    )
    # Where each pixel comes from: all three, undone in reverse.
    from_row = (cosine * down + sine * right) / scale - rows + middle_row
    from_column = (cosine * right - sine * down) / scale - columns + middle_column
    above, below, share_below = _neighbours(from_row, height)
    left, right_of, share_right = _neighbours(from_column, width)
    pixels = tf.reshape(images, [-1, height * width, channels])

    def at(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        return tf.gather(pixels, row * width + column, axis=1, batch_dims=1)

    upper = at(above, left) * (1.0 - share_right) + at(above, right_of) * share_right
    lower = at(below, left) * (1.0 - share_right) + at(below, right_of) * share_right
    return upper * (1.0 - share_below) + lower * share_below


def _neighbours(place: tf.Tensor, size: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The two pixels around a place, mirrored at the borders, and the share of the second."""
    last = tf.cast(size, tf.float32) - 1.0
    mirrored = last - tf.abs(tf.math.floormod(place, tf.maximum(2.0 * last, 1.0)) - last)
    mirrored = tf.clip_by_value(mirrored, 0.0, last)
    first = tf.floor(mirrored)
    second = tf.minimum(first + 1.0, last)
    share = (mirrored - first)[..., tf.newaxis]
    return tf.cast(first, tf.int32), tf.cast(second, tf.int32), share


def _per_image(amount: tf.Tensor) -> tf.Tensor:
    return amount[:, tf.newaxis, tf.newaxis, tf.newaxis]


def _size(images: tf.Tensor) -> tuple[Any, Any]:
    """Height and width: numbers where they are known, so that XLA has static shapes."""
    shape = tf.shape(images)
    return tuple(images.shape[i] if images.shape[i] is not None else shape[i] for i in (1, 2))
