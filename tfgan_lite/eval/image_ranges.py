"""What images hold: the range that an extractor declares, and the checks against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

ValueRange = tuple[float, float] | str
_RANGES = ((-1.0, 1.0), (0.0, 1.0), "uint8")
# What rounding of float16 images may leave outside, relative to a pixel's 255 steps.
_TOLERANCE = 1e-3


def checked_range(value_range: Any) -> ValueRange:
    """Returns (-1.0, 1.0), (0.0, 1.0) or "uint8"; anything else is a ValueError."""
    if isinstance(value_range, Sequence) and not isinstance(value_range, str):
        value_range = tuple(value_range)
    if value_range not in _RANGES:
        raise ValueError(f'value_range must be (-1, 1), (0, 1) or "uint8", not {value_range!r}.')
    return _RANGES[_RANGES.index(value_range)]


def check_images(
    images: tf.Tensor, image_shape: Sequence[int | None], value_range: ValueRange, name: str
) -> None:
    """Raises a ValueError unless shape and dtype are what an extractor takes."""
    expected = f"[N, {', '.join('any' if n is None else str(n) for n in image_shape)}]"
    if images.shape.rank is not None and images.shape.rank != 4:
        raise ValueError(
            f"images must have the shape {expected} for extractor {name!r}, but it is "
            f"{images.shape}."
        )
    if not images.shape.is_compatible_with([None, *image_shape]):
        hint = ""
        if image_shape[2] == 3 and images.shape[3] == 1:
            hint = " Turn grey images into colour with tf.image.grayscale_to_rgb(images)."
        elif image_shape[2] == 3 and images.shape[1] == 3:
            hint = " Channels come last here: tf.transpose(images, [0, 2, 3, 1])."
        raise ValueError(
            f"images must have the shape {expected} for extractor {name!r}, but it is "
            f"{images.shape}.{hint}"
        )
    if images.shape[0] == 0:
        raise ValueError("images has no rows: there is nothing to extract features from.")
    if images.dtype == tf.uint8 or (images.dtype.is_floating and value_range != "uint8"):
        return
    convert = "tf.cast(images, tf.uint8), if they are integers from 0 to 255"
    if images.dtype.is_floating:
        convert = "tf.cast(tf.clip_by_value(tf.round(255 * x), 0, 255), tf.uint8), for x in [0, 1]"
    raise ValueError(
        f"images are {images.dtype.name}, but extractor {name!r} takes {_described(value_range)}. "
        f"Convert them: {convert}."
    )


def check_values(images: tf.Tensor, value_range: ValueRange, name: str, start: int = 0) -> None:
    """Raises a ValueError unless eager images [N, H, W, C] are finite and in range.

    Args:
      images: Checked by `check_images`.
      value_range: What they should hold.
      name: The extractor's.
      start: The number of images before these, for the message.
    """
    if images.dtype == tf.uint8:
        return
    finite = tf.math.is_finite(images)
    if not tf.reduce_all(finite):
        bad = tf.where(~tf.reduce_all(finite, axis=[1, 2, 3]))[:, 0].numpy() + start
        raise ValueError(
            f"images hold NaN or infinity in {len(bad)} of {images.shape[0]} images (the first is "
            f"number {bad[0]}), so no metric of them has a meaning. Look at what made them."
        )
    low, high = float(tf.reduce_min(images)), float(tf.reduce_max(images))
    least, most = _bounds(value_range)
    if low < least or high > most:
        raise ValueError(
            f"images hold values from {low:.6g} to {high:.6g}, but extractor {name!r} takes "
            f"{_described(value_range)}. Scale them, or declare another value_range; if a generator"
            " without bounds made them, let it clip them where it does not train."
        )


def asserted(images: tf.Tensor, value_range: ValueRange, name: str) -> tf.Tensor:
    """Returns scaled images that the run checks as `check_values` does."""
    if images.dtype == tf.uint8:
        return scaled(images, value_range)
    least, most = _bounds(value_range)
    inside = tf.reduce_all((images >= tf.cast(least, images.dtype)) & (images <= most))  # Nor NaN.
    message = (
        f"images must be finite and in range: extractor {name!r} takes {_described(value_range)}"
    )
    values = [message, tf.reduce_min(images), tf.reduce_max(images)]
    with tf.control_dependencies([tf.debugging.Assert(inside, values)]):
        return scaled(images, value_range)


def scaled(images: tf.Tensor, value_range: ValueRange) -> tf.Tensor:
    """Returns images in the range, of which those in uint8 are scaled: float32, or uint8 as is."""
    if images.dtype != tf.uint8:
        return tf.cast(images, tf.float32)
    if value_range == "uint8":
        return images
    low, high = value_range
    return tf.cast(images, tf.float32) * ((high - low) / 255.0) + low


def as_bytes(images: tf.Tensor, value_range: ValueRange, rounded: bool) -> tf.Tensor:
    """Returns images in [0, 255] in float32, rounded to integers if asked.

    Rounding is what saving them as PNG does: half way goes to the even number, and what is a
    little out of range goes to its end (a cast without clipping would turn white into black).
    """
    values = tf.cast(images, tf.float32)
    if value_range == "uint8":
        return values
    low, high = value_range
    values = (values - low) * (255.0 / (high - low))
    return tf.clip_by_value(tf.round(values), 0.0, 255.0) if rounded else values


def _bounds(value_range: ValueRange) -> tuple[float, float]:
    low, high = value_range
    slack = _TOLERANCE * (high - low)
    return low - slack, high + slack


def _described(value_range: ValueRange) -> str:
    if value_range == "uint8":
        return "uint8 images"
    return f"values from {value_range[0]:g} to {value_range[1]:g}"
