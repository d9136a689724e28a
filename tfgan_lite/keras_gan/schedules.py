"""A schedule as people like to write it."""

from __future__ import annotations

from typing import Any

from tfgan_lite.structures import GANTrainSteps
from tfgan_lite.train import get_phased_train_hooks, get_sequential_train_hooks

__all__ = ["hooks_of"]


def hooks_of(schedule: Any) -> Any:
    """What `gan_train` takes as `get_hooks_fn`.

    Args:
      schedule: GANTrainSteps, a list of Phases, such a function itself, or None for one step each.
    """
    if schedule is None:
        return get_sequential_train_hooks()
    if isinstance(schedule, GANTrainSteps):
        return get_sequential_train_hooks(schedule)
    return schedule if callable(schedule) else get_phased_train_hooks(schedule)
