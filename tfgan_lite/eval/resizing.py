"""How images are resized before a network sees them: the three ways of published FIDs.

A wrong filter moves an FID by more than most papers improve it (Parmar et al., "On Aliased Resizing
and Surprising Subtleties in GAN Evaluation", arXiv:2104.11222), so the way is a part of the
protocol:

  legacy_tf: bilinear without antialiasing, corners at pixel 0: TensorFlow 1's resize, which is in
    the graph of 2015. TTUR, TF-GAN, torch-fidelity, and clean-fid's "legacy_tensorflow".
  legacy_torch: bilinear without antialiasing, pixels with their centres at halves: PyTorch's
    `interpolate(mode="bilinear", align_corners=False)`. pytorch-fid, and clean-fid's
    "legacy_pytorch".
  clean: bicubic with antialiasing, in float32, clipped to [0, 255]: Pillow's. clean-fid's "clean".
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["RESIZE_MODES", "resize"]

RESIZE_MODES = ("legacy_tf", "legacy_torch", "clean")

_SUPPORT = 2.0  # The cubic reaches two pixels to either side.
_SHARPNESS = -0.5  # Catmull and Rom's, as in Pillow; OpenCV and PyTorch take -0.75.


def resize(images: Any, size: tuple[int, int], mode: str) -> tf.Tensor:
    """Returns images in another size, resized as for published FIDs.

    Works eagerly, in a `tf.function` and in a `tf.Graph`, for sizes that are known beforehand and
    those that are not.

    Args:
      images: Real numbers [B, H, W, C]. "clean" takes them to be from 0 to 255.
      size: (height, width) >= 1.
      mode: "legacy_tf", "legacy_torch" or "clean", see the module. They differ even where images
        are made larger.

    Returns:
      float32 [B, height, width, C].

    Raises:
      ValueError: `images` of another rank, a size < 1, or an unknown mode.

    Example:
      >>> stripes = tf.reshape(tf.constant([0.0, 255.0] * 4), [1, 1, 8, 1])
      >>> tfgan.eval.resize(
      ...     stripes, (1, 4), "legacy_tf"
      ... ).numpy().ravel().tolist()  # Every second one.
      [0.0, 0.0, 0.0, 0.0]
      >>> bool(tf.reduce_min(tfgan.eval.resize(stripes, (1, 4), "clean")) > 100.0)
      True
    """
    check_mode(mode)
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"size must be (height, width) >= 1, but it is {size}.")
    images = tf.cast(tf.convert_to_tensor(images), tf.float32)
    if images.shape.rank not in (4, None):
        raise ValueError(
            f"images must be [batch, height, width, channels], but the shape is {images.shape}."
        )
    if mode == "clean":
        return _clean(images, height, width)
    return tf.raw_ops.ResizeBilinear(
        images=images,
        size=[height, width],
        align_corners=False,
        half_pixel_centers=mode == "legacy_torch",
    )


def check_mode(mode: str) -> str:
    """Returns `mode`; a ValueError unless it is one of `RESIZE_MODES`."""
    if mode not in RESIZE_MODES:
        raise ValueError(f"The resize mode must be one of {', '.join(RESIZE_MODES)}, not {mode!r}.")
    return mode


def _clean(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Pillow's bicubic in its mode "F", without rounding, and then clipped.

    As Pillow does: sums in float64, float32 between the two axes, of which the width comes first
    unless the height gets less, and by more than the width does.
    """

    @tf.autograph.experimental.do_not_convert
    def height_first() -> tf.Tensor:
        return _along_width(_along_height(images, height), width)

    @tf.autograph.experimental.do_not_convert
    def width_first() -> tf.Tensor:
        return _along_height(_along_width(images, width), height)

    rows, columns = images.shape[1], images.shape[2]
    if rows is None or columns is None:
        rows, columns = tf.unstack(tf.shape(images)[1:3])
        shrinks_more = (rows > height) & (rows * width > columns * height)
        images = tf.cond(shrinks_more, height_first, width_first)
    else:
        shrinks_more = rows > height and rows * width > columns * height
        images = height_first() if shrinks_more else width_first()
    return tf.clip_by_value(images, 0.0, 255.0)


def _along_width(images: tf.Tensor, size: int) -> tf.Tensor:
    weights = _weights(tf.shape(images)[2], size)
    return tf.cast(tf.einsum("vw,bhwc->bhvc", weights, tf.cast(images, tf.float64)), tf.float32)


def _along_height(images: tf.Tensor, size: int) -> tf.Tensor:
    weights = _weights(tf.shape(images)[1], size)
    return tf.cast(tf.einsum("uh,bhwc->buwc", weights, tf.cast(images, tf.float64)), tf.float32)


def _weights(size_in: tf.Tensor, size_out: int) -> tf.Tensor:
    """Returns what each pixel of a line adds to each one of a resized line, [size_out, size_in].

    The cubic is stretched by how much smaller the line gets, which is the antialiasing, and cut at
    the line's ends, where the weights of what is there are divided by their sum.
    """
    size_in = tf.cast(size_in, tf.float64)
    scale = size_in / size_out
    stretch = tf.maximum(scale, 1.0)
    centres = (tf.range(size_out, dtype=tf.float64) + 0.5) * scale
    # A pixel counts from the rounded ends of the support on, as Pillow has it.
    first = tf.maximum(tf.floor(centres - _SUPPORT * stretch + 0.5), 0.0)
    end = tf.minimum(tf.floor(centres + _SUPPORT * stretch + 0.5), size_in)
    pixels = tf.range(size_in, dtype=tf.float64)
    inside = (pixels >= first[:, tf.newaxis]) & (pixels < end[:, tf.newaxis])
    weights = _cubic((pixels + 0.5 - centres[:, tf.newaxis]) / stretch)
    weights = tf.where(inside, weights, 0.0)
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def _cubic(x: tf.Tensor) -> tf.Tensor:
    """Keys's cubic convolution kernel (IEEE Trans. ASSP 29(6), 1981)."""
    a, x = _SHARPNESS, tf.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return tf.where(x < 1.0, near, tf.where(x < 2.0, far, 0.0))
