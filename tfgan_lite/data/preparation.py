"""What is done to every image, by rule, so that all have one size and the same channels."""

from __future__ import annotations

import dataclasses
import numbers
from typing import Any

import numpy as np
import tensorflow as tf

__all__ = ["Preparation", "Wishes"]

_FITS = ("crop", "stretch")

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG files.
_CHUNK = 256


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a user asks for; None is for the images to say. See `load`.

    Raises:
      ValueError: What is asked for makes no sense.
    """

    image_size: int | tuple[int, int] | None = None
    channels: int | None = None
    fit: str = "crop"
    background: int = 255

    def __post_init__(self):
        size = self.image_size
        sides = (size, size) if isinstance(size, numbers.Integral) else size
        if sides is not None and not _are_sides(sides):
            raise ValueError(f"image_size must be a side or (height, width) >= 1, not {size!r}.")
        if self.channels not in (None, 1, 3, 4):
            raise ValueError(
                f"channels must be 1 (grey), 3 (colour) or 4 (with opacity), not {self.channels!r}."
            )
        if self.fit not in _FITS:
            raise ValueError(f"fit must be one of {', '.join(_FITS)}, not {self.fit!r}.")
        if not 0 <= self.background <= 255:
            raise ValueError(f"background must be from 0 to 255, not {self.background!r}.")

    def preparation(self, size: tuple[int, int], channels: int) -> Preparation:
        """Returns what to do to images.

        Args:
          size: The (height, width) where none was asked for.
          channels: How many where none were asked for.
        """
        wanted = self.image_size or size
        height, width = (wanted, wanted) if isinstance(wanted, numbers.Integral) else wanted
        return Preparation(height, width, self.channels or channels, self.fit, self.background)


def _are_sides(sides: Any) -> bool:
    pair = isinstance(sides, (tuple, list)) and len(sides) == 2
    return pair and all(isinstance(side, numbers.Integral) and side >= 1 for side in sides)


@dataclasses.dataclass(frozen=True)
class Preparation:
    """From an image as it is kept to uint8 [height, width, channels].

    The rules, in this order:
      Decoding gives uint8: 16-bit PNGs lose their lower bits, animations all but their first frame.
      Grey becomes colour with three equal channels; colour becomes grey by ITU-R BT.601's weights.
      Transparent pixels are laid on a grey background, unless four channels are asked for; then
        images that have no transparency get an opaque fourth channel.
      "crop" cuts out the largest rectangle of the new proportions, in the middle; "stretch" does
        not, and changes proportions.
      Resizing is bicubic and antialiased, as Pillow's, and rounds to whole levels.

    Attributes:
      height: Of the result, in pixels.
      width: Of the result, in pixels.
      channels: 1, 3 or 4.
      fit: "crop" or "stretch".
      background: What transparent pixels are laid on, from 0 (black) to 255 (white).
    """

    height: int
    width: int
    channels: int
    fit: str = "crop"
    background: int = 255

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the result."""
        return self.height, self.width, self.channels

    def of_encoded(self, content: tf.Tensor) -> tf.Tensor:
        """Prepares one JPEG, PNG, GIF or BMP file; inside a graph.

        Args:
          content: A string, the file.

        Returns:
          uint8 [height, width, channels].
        """

        @tf.autograph.experimental.do_not_convert
        def jpeg() -> tf.Tensor:
            # Only so are CMYK images understood, and not taken for transparent ones.
            colours = min(self.channels, 3)
            return self._coloured(tf.io.decode_jpeg(content, colours), colours)

        @tf.autograph.experimental.do_not_convert
        def other() -> tf.Tensor:
            image = tf.io.decode_image(content, expand_animations=False)

            def from_channels(count: int):
                return lambda: self._coloured(tf.ensure_shape(image, [None, None, count]), count)

            return tf.switch_case(tf.shape(image)[2] - 1, [*map(from_channels, (1, 2, 3, 4))])

        image = tf.cond(tf.io.is_jpeg(content), jpeg, other)
        return self._resized(image[tf.newaxis])[0]

    def of_arrays(self, images: np.ndarray) -> np.ndarray:
        """Prepares arrays.

        Args:
          images: uint8 [N, H, W, C] with 1, 3 or 4 channels.

        Returns:
          uint8 [N, height, width, channels]; the very same array if nothing is to be done.
        """
        if images.shape[1:] == self.shape:
            return images
        # In a graph and a session, so that it works while another graph is being built.
        with tf.Graph().as_default(), tf.device("cpu"), tf.compat.v1.Session() as session:
            chunk = tf.compat.v1.placeholder(tf.uint8, [None, *images.shape[1:]])
            run = session.make_callable(
                self._resized(self._coloured(chunk, images.shape[3])), [chunk]
            )
            chunks = [run(images[i : i + _CHUNK]) for i in range(0, len(images), _CHUNK)]
        return np.concatenate(chunks)

    def _coloured(self, image: tf.Tensor, count: int) -> tf.Tensor:
        """From uint8 with `count` channels to uint8 or float32 with those that are wanted."""
        if count == self.channels:
            return image
        colour, alpha = image, None
        if count in (2, 4):
            colour, alpha = image[..., :-1], image[..., -1:]
        if colour.shape[-1] == 1 and self.channels > 1:
            colour = tf.repeat(colour, 3, axis=-1)
        if self.channels == 4:
            opaque = tf.fill(tf.concat([tf.shape(colour)[:-1], [1]], 0), np.uint8(255))
            return tf.concat([colour, opaque if alpha is None else alpha], axis=-1)
        colour = tf.cast(colour, tf.float32)
        if colour.shape[-1] == 3 and self.channels == 1:
            colour = tf.reduce_sum(colour * tf.constant(_GREY), axis=-1, keepdims=True)
        if alpha is not None:
            share = tf.cast(alpha, tf.float32) / 255.0
            colour = colour * share + self.background * (1.0 - share)
        return _levels(colour)

    def _resized(self, images: tf.Tensor) -> tf.Tensor:
        """From uint8 [B, H, W, channels] to the wanted size."""
        if self.fit == "crop":
            images = self._cropped(images)
        size = tf.shape(images)[1:3]

        @tf.autograph.experimental.do_not_convert
        def resize() -> tf.Tensor:
            return _levels(
                tf.image.resize(images, (self.height, self.width), "bicubic", antialias=True)
            )

        wanted = tf.constant([self.height, self.width])
        images = tf.cond(tf.reduce_all(size == wanted), lambda: images, resize)
        return tf.ensure_shape(images, [None, self.height, self.width, self.channels])

    def _cropped(self, images: tf.Tensor) -> tf.Tensor:
        height, width = tf.unstack(tf.cast(tf.shape(images)[1:3], tf.int64))
        # The side that is too long is cut: width / height > self.width / self.height, in integers.
        one = tf.ones([], tf.int64)
        new_height = tf.minimum(height, tf.maximum(one, width * self.height // self.width))
        new_width = tf.minimum(width, tf.maximum(one, height * self.width // self.height))
        top, left = (height - new_height) // 2, (width - new_width) // 2
        return images[:, top : top + new_height, left : left + new_width]


def _levels(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.clip_by_value(tf.round(values), 0.0, 255.0), tf.uint8)
