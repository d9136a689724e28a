"""From one latent point to the next in small steps: strips and videos of what a generator knows."""

from __future__ import annotations

import numpy as np

from tfgan_lite.eval.latent_paths import slerp
from tfgan_lite.integers import checked_integer

__all__ = ["latent_walk"]


def latent_walk(points: np.ndarray, steps: int, closed: bool = False) -> np.ndarray:
    """Evenly paced points on a path through some points of normal noise.

    Directions turn along the great circle from each point to the next, and lengths change evenly:
    normal noise lies near a sphere, whose inside a straight line would cross, where the generator
    has never been (White, "Sampling Generative Networks", https://arxiv.org/abs/1609.04468).

    Args:
      points: real numbers [K, N, D], K >= 2: N walks go at once, each through K points.
      steps: how many points on the path, at least 2.
      closed: whether a walk returns to where it began. Its last point is then the one before that,
        so that a video loops smoothly.

    Returns:
      The same dtype, [steps, N, D].

    Raises:
      ValueError: fewer than two points or steps.

    Example:
      >>> points = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])  # One walk through two points.
      >>> tfgan.eval.latent_walk(points, steps=3)[:, 0].round(2).tolist()
      [[1.0, 0.0], [0.71, 0.71], [0.0, 1.0]]
    """
    points = np.asarray(points)
    if points.ndim != 3 or len(points) < 2:
        raise ValueError(f"points must be [K, N, D], K >= 2, but their shape is {points.shape}.")
    steps = checked_integer("steps", steps, least=2)
    ends = np.concatenate([points, points[:1]]) if closed else points
    walk = []
    for place in np.linspace(0.0, len(ends) - 1, steps, endpoint=not closed):
        first = min(int(place), len(ends) - 2)
        t = place - first
        before, after = (ends[i].astype(np.float64) for i in (first, first + 1))
        direction = slerp(before, after, np.full([len(before), 1], t))
        lengths = [np.linalg.norm(each, axis=1, keepdims=True) for each in (before, after)]
        length = lengths[0] + (lengths[1] - lengths[0]) * t
        walk.append(direction / np.sqrt(points.shape[2]) * length)
    return np.stack(walk).astype(points.dtype)
