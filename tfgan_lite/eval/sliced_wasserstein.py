"""The sliced Wasserstein distance between patches of images, scale by scale.

Images are split into the levels of a Laplacian pyramid. On each level, small patches of real and of
generated images are two clouds of points, compared by the mean Wasserstein distance between their
projections on random lines, where it needs no more than sorting.

Paper: Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation",
arXiv:1710.10196, section 5.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.checks import Array
from tfgan_lite.eval.deferrable import deferrable
from tfgan_lite.integers import checked_integer

__all__ = [
    "laplacian_pyramid",
    "random_corners",
    "random_directions",
    "sliced_wasserstein_distance",
]

# Added to variances: flat patches stay flat, and others change by less than 1e-5.
_EPSILON = 1e-8
_BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256.0


@deferrable
def sliced_wasserstein_distance(
    real_images: Array,
    fake_images: Array,
    resolution_min: int = 16,
    patches_per_image: int = 64,
    patch_size: int = 7,
    random_sampling_count: int = 1,
    random_projection_dim: int = 147,
    use_svd: bool = False,
    seed: int = 0,
    *,
    per_channel: bool = False,
) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Returns how far generated images are from real ones on each scale.

    Both numbers of a level compare clouds of equal size: those of one half of the real images with
    those of the other half, which is what two equal distributions would give; and those of each
    half with those of half of the generated images.

    The defaults are TF-GAN's, which normalises each patch by its own mean and variance. The paper
    normalises each channel over the whole cloud of patches (`per_channel`), and takes 16,384 images
    of each kind, 128 patches of each and 512 lines: only such numbers compare with its own.

    Args:
      real_images: [N, H, W, C], N >= 2: uint8, or real numbers around [-1, 1]. If N is odd, the
        last is left out.
      fake_images: the same, of the same shape.
      resolution_min: the smallest height or width that the pyramid's last level may have.
        Halving ends earlier where a side is odd.
      patches_per_image: patches of each image on each level.
      patch_size: the length of their sides in pixels, on each level; at most the last level's.
      random_sampling_count: how many times lines are drawn; results are averaged.
      random_projection_dim: lines in each.
      use_svd: project on the principal directions of both clouds instead of random lines.
      seed: of patches and lines; the same gives the same numbers.
      per_channel: whether mean 0 and variance 1 are those of each channel over all patches of a
        level, of real images and of generated ones by themselves; else they are each patch's.

    Returns:
      From the finest level to the coarsest, `(real against real, real against generated)`: float32
      scalars >= 0, of normalised patches.

    Raises:
      ValueError: images of another rank, of different shapes or of sizes that the graph does not
        know; fewer than two images; NaN or infinity; options out of their ranges.

    Paper: Karras et al., "Progressive Growing of GANs", arXiv:1710.10196.

    Example:
      >>> images = tf.random.stateless_uniform([8, 16, 16, 3], [1, 2])
      >>> same, other = tfgan.eval.sliced_wasserstein_distance(images, images)[0]
      >>> float(other) >= 0.0
      True
    """
    for name, value in (
        ("resolution_min", resolution_min),
        ("patches_per_image", patches_per_image),
        ("patch_size", patch_size),
        ("random_sampling_count", random_sampling_count),
        ("random_projection_dim", random_projection_dim),
    ):
        checked_integer(name, value)
    real, fake = _as_images(real_images, "real_images"), _as_images(fake_images, "fake_images")
    if real.shape != fake.shape:
        raise ValueError(
            "real_images and fake_images must have the same shape, but they have "
            f"{real.shape} and {fake.shape}."
        )
    levels = _num_levels(real.shape, resolution_min, patch_size)
    distances = []
    pyramids = (laplacian_pyramid(each, levels) for each in (real, fake))
    for level, (real_level, fake_level) in enumerate(zip(*pyramids)):
        clouds = []
        for number, images in enumerate((real_level, fake_level)):
            corners = random_corners(
                images.shape, patches_per_image, patch_size, seed, level, number
            )
            patches = _normalised(_patches(images, corners, patch_size), per_channel)
            clouds.extend(tf.split(tf.reshape(patches, [-1, _size(patches)]), 2))
        pairs = [(clouds[0], clouds[1]), (clouds[0], clouds[2]), (clouds[1], clouds[3])]
        if use_svd:
            floor, *against = (_projected(a, b, _principal_directions(a, b)) for a, b in pairs)
        else:
            drawn = [
                random_directions(
                    clouds[0].shape[1], random_projection_dim, seed, level * 1000 + count
                )
                for count in range(random_sampling_count)
            ]
            floor, *against = (
                tf.add_n([_projected(a, b, lines) for lines in drawn]) / len(drawn)
                for a, b in pairs
            )
        distances.append((floor, (against[0] + against[1]) / 2.0))
    return distances


def laplacian_pyramid(batch: tf.Tensor, num_levels: int) -> list[tf.Tensor]:
    """Returns images as details of falling scale, and a coarse rest.

    Args:
      batch: float [N, H, W, C]; H and W can be halved `num_levels - 1` times, and are above 2 then.
      num_levels: at least 1.

    Returns:
      Images [N, H, W, C], [N, H / 2, W / 2, C], ...: each level's difference from what the next
      coarser one says of it; the last is the coarsest version of the images.

    Paper: Burt, Adelson, "The Laplacian Pyramid as a Compact Image Code", 1983.
    """
    pyramid = [batch]
    for _ in range(num_levels - 1):
        fine = pyramid[-1]
        coarse = _blurred(fine)[:, ::2, ::2]
        n, height, width, channels = fine.shape
        # Zeros between the pixels; the filter, four times as strong, fills them.
        spread = tf.reshape(coarse, [-1, height // 2, 1, width // 2, 1, channels])
        spread = tf.pad(spread, [[0, 0], [0, 0], [0, 1], [0, 0], [0, 1], [0, 0]])
        spread = tf.reshape(spread, [-1 if n is None else n, height, width, channels])
        pyramid[-1] = fine - 4.0 * _blurred(spread)
        pyramid.append(coarse)
    return pyramid


def random_corners(
    shape: tf.TensorShape, count: int, patch_size: int, seed: int, level: int, number: int
) -> tf.Tensor:
    """Returns where patches begin: int32 [N, count, 2], rows and columns.

    Args:
      shape: [N, H, W, C], of the level's images.
      count: patches per image.
      patch_size: their sides.
      seed: the distance's.
      level: the level's number, 0 for the finest.
      number: 0 for real images, 1 for generated ones.
    """
    ends = [shape[1] - patch_size + 1, shape[2] - patch_size + 1]
    return tf.stack(
        [
            tf.random.stateless_uniform(
                [shape[0], count], [seed, 4 * level + 2 * number + axis], 0, end, tf.int32, "philox"
            )
            for axis, end in enumerate(ends)
        ],
        axis=-1,
    )


def random_directions(width: int, count: int, seed: int, draw: int) -> tf.Tensor:
    """Returns unit vectors of random directions as columns, float32 [width, count].

    Args:
      width: of the space.
      count: how many.
      seed: the distance's.
      draw: 1000 times the level, plus the number of the draw.
    """
    lines = tf.random.stateless_normal([width, count], [seed, -1 - draw], alg="philox")
    return lines / tf.norm(lines, axis=0, keepdims=True)


def _as_images(images: Array, name: str) -> tf.Tensor:
    images = tf.convert_to_tensor(images)
    if images.shape.rank != 4 or not images.shape.is_fully_defined():
        raise ValueError(
            f"{name} must be [N, H, W, C] of known sizes, but its shape is {images.shape}."
        )
    if images.shape[0] < 2:
        raise ValueError(f"{name} must be at least 2 images, but its shape is {images.shape}.")
    images = images[: images.shape[0] // 2 * 2]
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) / 127.5 - 1.0
    images = tf.cast(images, tf.float32)
    if not tf.executing_eagerly():
        return tf.debugging.check_numerics(images, f"{name} must be finite")
    if not bool(tf.reduce_all(tf.math.is_finite(images))):
        raise ValueError(f"{name} must be finite, but has NaN or infinity.")
    return images


def _num_levels(shape: tf.TensorShape, resolution_min: int, patch_size: int) -> int:
    height, width, levels = shape[1], shape[2], 1
    while not (height % 2 or width % 2) and min(height, width) // 2 >= max(resolution_min, 3):
        height, width, levels = height // 2, width // 2, levels + 1
    if min(height, width) < patch_size:
        raise ValueError(
            f"patch_size is {patch_size}, but the coarsest level has only {height} x {width} "
            "pixels: give a higher resolution_min or a smaller patch_size."
        )
    return levels


def _blurred(images: tf.Tensor) -> tf.Tensor:
    """Each channel, filtered by the binomial 5 x 5 kernel, with mirrored borders."""
    channels = images.shape[3]
    kernel = np.tile(_BINOMIAL[:, :, np.newaxis, np.newaxis], [1, 1, channels, 1])
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
    kernel = tf.constant(kernel, images.dtype)
    return tf.nn.depthwise_conv2d(padded, kernel, strides=[1, 1, 1, 1], padding="VALID")


def _patches(images: tf.Tensor, corners: tf.Tensor, patch_size: int) -> tf.Tensor:
    """The patches that begin at corners [N, P, 2]: [N, P, pixels, C]."""
    n, height, width, channels = images.shape
    row, column = np.divmod(np.arange(patch_size**2, dtype=np.int32), patch_size)
    places = (corners[..., :1] + row) * width + corners[..., 1:] + column
    return tf.gather(tf.reshape(images, [n, height * width, channels]), places, batch_dims=1)


def _normalised(patches: tf.Tensor, per_channel: bool) -> tf.Tensor:
    mean, variance = tf.nn.moments(patches, [0, 1, 2] if per_channel else [2, 3], keepdims=True)
    return (patches - mean) / tf.sqrt(variance + _EPSILON)


def _size(patches: tf.Tensor) -> int:
    return patches.shape[2] * patches.shape[3]


def _principal_directions(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """The right singular vectors of both clouds, as eigenvectors of a smaller matrix."""
    points = tf.cast(tf.concat([first, second], axis=0), tf.float64)
    _, vectors = tf.linalg.eigh(tf.matmul(points, points, transpose_a=True))
    return tf.cast(vectors[:, -min(points.shape) :], tf.float32)


def _projected(first: tf.Tensor, second: tf.Tensor, lines: tf.Tensor) -> tf.Tensor:
    """The mean over lines of the Wasserstein distance between projections."""
    sorted1, sorted2 = (tf.sort(tf.matmul(each, lines), axis=0) for each in (first, second))
    return tf.reduce_mean(tf.abs(sorted1 - sorted2))
