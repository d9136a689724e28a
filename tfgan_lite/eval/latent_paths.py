"""How smoothly images change while their noise moves: perceptual path length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.integers import checked_integer

__all__ = ["lerp", "perceptual_path_length", "slerp", "trimmed"]


def perceptual_path_length(
    generator: Callable[[Any], Any],
    draw_inputs: Callable[[int, int], Any],
    feature_fn: Callable[[Any], Any],
    num_samples: int = 10_000,
    *,
    epsilon: float = 1e-4,
    interpolation: str = "slerp",
    sampling: str = "full",
    trim: tuple[float, float] = (0.01, 0.99),
    batch_size: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Returns the squared length of short steps through the latent space, as features see them.

    A step goes from t to t + epsilon on the path between two random inputs. Its length is
    `|f(G(z(t))) - f(G(z(t + epsilon)))|^2 / epsilon^2`; the path length is the mean over steps,
    after the shortest and the longest are left out.

    Args:
      generator: gives data for inputs, in inference mode. Work eagerly, or give NumPy arrays.
      draw_inputs: a function of (how many, seed) that gives inputs, a leading axis in each part. Of
        a structure (noise and labels) the first floating part moves; the others stay. It is float32
        or float64, and generator and feature_fn must compute in such, too: rounding in bfloat16 or
        float16 is longer than a step.
      feature_fn: gives features [N, ...] of data; LPIPS's for the paper's figures.
      num_samples: how many steps.
      epsilon: how long a step is, in t, > 0.
      interpolation: "slerp" along the sphere, for normal noise; "lerp" on a straight line.
      sampling: "full" for t in [0, 1]; "end" for t = 0, where paths begin.
      trim: the quantiles between which steps count, 0 <= low < high <= 1.
      batch_size: how many steps at a time.
      seed: makes the result repeatable.

    Returns:
      float64 [steps that count]; their mean is the path length.

    Raises:
      ValueError: an argument out of its range; inputs without a floating part, or with one of half
        precision; features that are not finite, or not a row for each step.
      TypeError: features by name.

    Paper: Karras et al., "A Style-Based Generator Architecture for Generative Adversarial
    Networks", https://arxiv.org/abs/1812.04948.

    Example:
      >>> draw = lambda size, seed: tf.random.stateless_normal([size, 2], [0, seed])
      >>> def lengths(speed):
      ...     return tfgan.eval.perceptual_path_length(lambda z: speed * z, draw, lambda x: x, 20)
      >>> np.allclose(lengths(2.0), 4.0 * lengths(1.0))  # Squared lengths.
      True
    """
    _check(num_samples, epsilon, interpolation, sampling, trim, batch_size)
    between = {"slerp": slerp, "lerp": lerp}[interpolation]
    random = np.random.default_rng(seed)
    lengths = []
    for start in range(0, num_samples, batch_size):
        size = min(batch_size, num_samples - start)
        seeds = random.integers(0, 2**31 - 1, 2)
        first, second = (draw_inputs(size, int(each)) for each in seeds)
        leaves, others = tf.nest.flatten(first), tf.nest.flatten(second)
        moving = _first_floating(leaves)
        if tf.as_dtype(leaves[moving].dtype).size < 4:
            raise ValueError(
                f"draw_inputs gives {tf.as_dtype(leaves[moving].dtype).name}, in which a step of"
                f" {epsilon} is lost in rounding: give float32, to a generator that computes in it."
            )
        ends = [np.asarray(each[moving], np.float64) for each in (leaves, others)]
        t = random.uniform(size=size) if sampling == "full" else np.zeros(size)
        t = t.reshape([-1] + [1] * (ends[0].ndim - 1))
        features = []
        for place in (t, t + epsilon):
            # All of them tensors: Keras models take no mixture with NumPy arrays.
            moved = [tf.convert_to_tensor(leaf) for leaf in leaves]
            moved[moving] = tf.constant(between(*ends, place), moved[moving].dtype)
            seen = feature_fn(generator(tf.nest.pack_sequence_as(first, moved)))
            features.append(_rows(seen, size))
        lengths.append(np.sum(np.square(features[1] - features[0]), axis=1) / epsilon**2)
    lengths = np.concatenate(lengths)
    if not np.isfinite(lengths).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(lengths))} of {num_samples} steps have no finite"
            " length: the generator or feature_fn gave NaN or infinity."
        )
    return trimmed(lengths, trim)


def _rows(features: Any, size: int) -> np.ndarray:
    """Returns what `feature_fn` gave as float64 [size, D]."""
    if isinstance(features, Mapping):
        raise TypeError(
            f"feature_fn gave {sorted(features)} by name: take one of them, as in"
            ' lambda data: extractor(data)["features"].'
        )
    rows = np.asarray(features, np.float64)
    if rows.ndim < 1 or len(rows) != size:
        raise ValueError(
            f"There are features of shape {rows.shape} for {size} steps: draw_inputs, generator and"
            " feature_fn must each give a row for every one."
        )
    return rows.reshape([size, -1])


def trimmed(values: np.ndarray, trim: tuple[float, float]) -> np.ndarray:
    """Returns the values from one quantile to the other, ends included; all where they are equal.

    Args:
      values: real numbers [N].
      trim: two shares, 0 <= low < high <= 1. The ends are values, not between two of them.
    """
    low = np.quantile(values, trim[0], method="lower")
    high = np.quantile(values, trim[1], method="higher")
    return values[(values >= low) & (values <= high)]


def lerp(first: np.ndarray, second: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Returns the point at `t` on the straight line from `first` (0) to `second` (1)."""
    return first + (second - first) * t


def slerp(first: np.ndarray, second: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Returns the point at `t` on the great circle from the direction of `first` to `second`'s.

    Args:
      first: real numbers [N, ...]. They are scaled to length sqrt(D), that of normal noise.
      second: the same shape.
      t: from 0 to 1, of a shape that broadcasts.

    Returns:
      The same shape, of length sqrt(D); where the directions are parallel, `first`'s.
    """
    shape = first.shape
    first, second = (_unit(each.reshape([len(each), -1])) for each in (first, second))
    cosine = np.sum(first * second, axis=1, keepdims=True)
    across = _unit(second - cosine * first)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0)) * np.reshape(t, [len(first), 1])
    moved = first * np.cos(angle) + across * np.sin(angle)
    return (_unit(moved) * np.sqrt(first.shape[1])).reshape(shape)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0.0, lengths, 1.0)


def _first_floating(leaves: list[Any]) -> int:
    for index, leaf in enumerate(leaves):
        if tf.as_dtype(leaf.dtype).is_floating:
            return index
    raise ValueError("draw_inputs must give a floating part to move, such as noise; it gave none.")


def _check(num_samples, epsilon, interpolation, sampling, trim, batch_size) -> None:
    checked_integer("num_samples", num_samples)
    checked_integer("batch_size", batch_size)
    if not 0.0 < epsilon < np.inf:
        raise ValueError(f"epsilon must be > 0, got {epsilon!r}.")
    for name, value, known in (
        ("interpolation", interpolation, ("slerp", "lerp")),
        ("sampling", sampling, ("full", "end")),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {known}, got {value!r}.")
    if not 0.0 <= trim[0] < trim[1] <= 1.0:
        raise ValueError(f"trim must be two shares, 0 <= low < high <= 1, got {trim!r}.")
