"""A schedule as people like to write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfgan_lite.structures import GANTrainSteps
from tfgan_lite.train import get_phased_train_hooks, get_sequential_train_hooks

__all__ = ["hooks_of"]


def hooks_of(schedule: Any) -> Any:
    """What `gan_train` takes as `get_hooks_fn`.

    Args:
      schedule: GANTrainSteps, a list of Phases, such a function itself, or None for one step each.

    Raises:
      TypeError: it is something else.
    """
    if schedule is None:
        return get_sequential_train_hooks()
    if isinstance(schedule, GANTrainSteps):
        return get_sequential_train_hooks(schedule)
    if callable(schedule):
        return schedule
    if not isinstance(schedule, Iterable):
        raise TypeError(
            "schedule must be GANTrainSteps(generator, discriminator), such as GANTrainSteps(1, 5),"
            f" or a list of Phases, got {schedule!r}."
        )
    return get_phased_train_hooks(schedule)
