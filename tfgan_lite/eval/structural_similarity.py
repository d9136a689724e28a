"""How alike two images look (MS-SSIM), and how diverse many images are by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["diversity_pairs", "ms_ssim", "num_scales"]

POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_FILTER_SIZE = 11
_FILTER_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03


def ms_ssim(
    first: np.ndarray,
    second: np.ndarray,
    value_range: tuple[float, float] = (-1.0, 1.0),
    powers: Sequence[float] | None = None,
) -> np.ndarray:
    """Returns the multi-scale structural similarity of pairs of images.

    Every scale but the last compares contrast and structure (what is below 0 there counts as 0),
    the last one luminance, too; between scales images shrink by 2. Channels are averaged.

    Args:
      first: real numbers [N, H, W, C]; any number of channels.
      second: the same shape.
      value_range: the smallest and the largest possible value. Only their difference matters.
      powers: the exponent of each scale. By default the paper's five as far as the images have
        11 pixels a side at that scale, made to sum to 1 where they are fewer.

    Returns:
      float64 [N] in [0, 1]; 1 for equal images.

    Raises:
      ValueError: shapes that differ or are not images', values outside the range or not finite,
        images too small for `powers`, an empty range.

    Paper: Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality
    assessment", 2003.

    Example:
      >>> images = np.zeros([2, 176, 176, 1], np.float32)
      >>> tfgan.eval.ms_ssim(images, images).tolist()
      [1.0, 1.0]
    """
    low, high = (float(v) for v in value_range)
    if not high > low:
        raise ValueError(f"value_range must be (low, high) with low < high, got {value_range!r}.")
    first, second = (_as_images(x, n, low, high) for x, n in ((first, "first"), (second, "second")))
    if first.shape != second.shape:
        raise ValueError(
            f"first and second must have the same shape, got {first.shape} and {second.shape}."
        )
    if powers is None:
        used = np.array(POWERS[: num_scales(first.shape[1:3])])
        powers = used / used.sum() if len(used) < len(POWERS) else used
    elif not len(powers) or num_scales(first.shape[1:3], len(powers)) < len(powers):
        raise ValueError(
            f"powers has {len(powers)} scales, but images of {first.shape[1:3]} pixels have from 1"
            f" to {num_scales(first.shape[1:3])}. Give fewer, or None."
        )
    result = np.ones(first.shape[::3])  # [N, C]
    # Luminance is not invariant to an offset, and the formula is one of values from 0.
    first, second = first - low, second - low
    for scale, power in enumerate(powers):
        if scale:
            first, second = _halved(first), _halved(second)
        luminance, structure = _similarities(first, second, high - low)
        last = scale == len(powers) - 1
        similarity = np.mean(luminance * structure if last else structure, axis=(1, 2))
        result *= np.clip(similarity, 0.0, 1.0) ** power
    return result.mean(axis=-1)


def num_scales(size: Sequence[int], most: int = len(POWERS)) -> int:
    """Returns at how many scales images of a size can be compared.

    Args:
      size: height and width in pixels.
      most: the most to look for.

    Raises:
      ValueError: a side shorter than the filter's 11 pixels.
    """
    side, scales = min(size), 0
    while side >= _FILTER_SIZE and scales < most:
        side, scales = (side + 1) // 2, scales + 1
    if not scales:
        raise ValueError(
            f"MS-SSIM needs images of at least {_FILTER_SIZE} x {_FILTER_SIZE} pixels, got"
            f" {tuple(size)}."
        )
    return scales


def diversity_pairs(count: int, num_pairs: int, seed: int) -> np.ndarray:
    """Returns random pairs of different samples, with no sample in two pairs.

    Args:
      count: how many samples there are.
      num_pairs: the most pairs wanted.
      seed: makes them repeatable.

    Returns:
      Indices, int [P, 2], 1 <= P <= num_pairs.

    Raises:
      ValueError: not two samples.
    """
    random = np.random.default_rng(seed)
    pairs = random.permutation(count)[: count // 2 * 2].reshape([-1, 2])
    pairs = random.permutation(np.sort(pairs, axis=1))[:num_pairs]
    if not len(pairs):
        raise ValueError(f"No pair to compare: {count} sample(s). Give at least two.")
    return pairs


def _similarities(
    first: np.ndarray, second: np.ndarray, span: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns luminance, and contrast and structure, at each place of a scale."""
    c1, c2 = (_K1 * span) ** 2, (_K2 * span) ** 2  # What keeps flat patches from 0 / 0.
    mean1, mean2 = _blurred(first), _blurred(second)
    product, squares = mean1 * mean2, mean1**2 + mean2**2
    luminance = (2.0 * product + c1) / (squares + c1)
    covariance = _blurred(first * second) - product
    variances = _blurred(first**2 + second**2) - squares
    return luminance, (2.0 * covariance + c2) / (variances + c2)


def _blurred(images: np.ndarray) -> np.ndarray:
    """Returns images blurred by a Gaussian, without the border that it does not fit on."""
    places = np.arange(_FILTER_SIZE) - (_FILTER_SIZE - 1) / 2
    weights = np.exp(-(places**2) / (2.0 * _FILTER_SIGMA**2))
    weights /= weights.sum()
    for axis in (1, 2):
        size = images.shape[axis] - _FILTER_SIZE + 1
        images = sum(
            weight * images.take(range(start, start + size), axis)
            for start, weight in enumerate(weights)
        )
    return images


def _halved(images: np.ndarray) -> np.ndarray:
    """Returns means of 2 x 2 pixels; a last odd row or column counts twice."""
    odd = [(0, side % 2) for side in images.shape[1:3]]
    images = np.pad(images, [(0, 0), *odd, (0, 0)], mode="edge")
    n, height, width, channels = images.shape
    return images.reshape([n, height // 2, 2, width // 2, 2, channels]).mean(axis=(2, 4))


def _as_images(values: np.ndarray, name: str, low: float, high: float) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 4 or 0 in values.shape:
        raise ValueError(f"{name} must be images [N, H, W, C], got shape {values.shape}.")
    values = values.astype(np.float64)
    # Written so that NaN is outside of every range.
    if not (values.min() >= low and values.max() <= high):
        raise ValueError(
            f"{name} must be within value_range ({low}, {high}), got {values.min()} to"
            f" {values.max()}. Scale the images, or name their range."
        )
    return values
