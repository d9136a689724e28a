"""How often a run is saved."""

from __future__ import annotations

import dataclasses
import numbers

from tfgan_lite.integers import checked_integer

__all__ = ["Saving"]


@dataclasses.dataclass(frozen=True)
class Saving:
    """What `gan_train` was told of checkpoints; its arguments have longer names.

    Attributes:
      seconds: between checkpoints, or None; 0 for as many as there can be.
      steps: rounds between checkpoints, or None.
      max_to_keep: how many are kept, or None for all.
      allow_changes: whether a run goes on from one of another configuration.
      ignore_errors: whether training goes on where one cannot be written.

    Raises:
      ValueError: steps or a number to keep that is no positive integer; seconds below zero.
    """

    seconds: float | None
    steps: int | None
    max_to_keep: int | None
    allow_changes: bool = False
    ignore_errors: bool = False

    def __post_init__(self) -> None:
        for name, value in (
            ("save_checkpoint_steps", self.steps),
            ("max_to_keep", self.max_to_keep),
        ):
            if value is not None:
                checked_integer(name, value)
        seconds = self.seconds
        if seconds is not None and not (isinstance(seconds, numbers.Real) and seconds >= 0):
            raise ValueError(f"save_checkpoint_secs must be seconds or None, got {seconds!r}.")

    @property
    def is_on(self) -> bool:
        return self.seconds is not None or self.steps is not None
