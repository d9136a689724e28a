"""How many rounds a `fit` has, and how many of them make an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgan_lite.integers import checked_integer
from tfgan_lite.keras_gan.data import Batches

__all__ = ["check_counts", "rounds_of"]


def check_counts(**counts: Any) -> None:
    """Raises ValueError for a number of rounds or epochs, by its name, that is not a positive
    integer."""
    for name, count in counts.items():
        if np.ndim(count):  # Keras's y; and an array is too long to be told.
            raise ValueError(
                f"{name} must be a positive integer, got a {type(count).__name__}: fit takes all"
                " data as one argument, such as fit((images, labels))."
            )
        if count is not None:
            checked_integer(name, count)


def rounds_of(
    batches: Batches,
    get_hooks_fn: Any,
    epochs: int,
    initial_epoch: int,
    rounds: int | None,
    steps_per_epoch: int | None,
) -> tuple[int, int]:
    """How many rounds to train, and how many are an epoch.

    Args:
      batches: the data.
      get_hooks_fn: the schedule.
      epochs, initial_epoch, rounds, steps_per_epoch: see `KerasGAN.fit`.

    Raises:
      ValueError: nobody knows how long an epoch is.
    """
    per_epoch = steps_per_epoch or batches.rounds_in_a_pass(get_hooks_fn) or rounds
    if per_epoch is None:
        raise ValueError(
            "How many rounds an epoch has is unknown: the data have no known end, or the"
            " schedule's steps are a function. Pass steps_per_epoch, or rounds."
        )
    return (epochs - initial_epoch) * per_epoch if rounds is None else rounds, per_epoch
