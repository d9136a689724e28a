"""A round as data: which networks are updated, together or alone, how often, in which order."""

from __future__ import annotations

import numbers
from typing import NamedTuple

from tfgan_lite.structures import GANTrainSteps

__all__ = ["Phase", "describe", "joint", "sequential"]

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
ORDERS = ("generator_first", "discriminator_first")


class Phase(NamedTuple):
    """Some sub-steps of a round, all alike."""

    networks: tuple[str, ...]  # Updated together, from one draw, at the same weights.
    steps: int


def sequential(
    train_steps: GANTrainSteps = GANTrainSteps(1, 1), order: str = "generator_first"
) -> tuple[Phase, ...]:
    """Each network in turn: all of its sub-steps, then the other's.

    Args:
      train_steps: sub-steps of each network in a round; 0 or more, not both 0.
      order: "generator_first", as in TF-GAN, or "discriminator_first".
    """
    g_steps, d_steps = _checked(train_steps)
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {order!r}.")
    phases = (Phase((GENERATOR,), g_steps), Phase((DISCRIMINATOR,), d_steps))
    return phases if order == ORDERS[0] else phases[::-1]


def joint(train_steps: GANTrainSteps = GANTrainSteps(1, 1)) -> tuple[Phase, ...]:
    """Both networks at once as often as both have sub-steps, then what is left of either."""
    g_steps, d_steps = _checked(train_steps)
    together = min(g_steps, d_steps)
    return (
        Phase((GENERATOR, DISCRIMINATOR), together),
        Phase((GENERATOR,), g_steps - together),
        Phase((DISCRIMINATOR,), d_steps - together),
    )


def describe(phases: tuple[Phase, ...]) -> str:
    """The round in words: "1 generator, then 5 discriminator"."""
    parts = [f"{p.steps} {' + '.join(p.networks)}" for p in phases if p.steps]
    return ", then ".join(parts)


def _checked(train_steps: GANTrainSteps) -> tuple[int, int]:
    for name, steps in zip(GANTrainSteps._fields, train_steps):
        if isinstance(steps, bool) or not isinstance(steps, numbers.Integral) or steps < 0:
            raise ValueError(f"{name} must be an integer of at least 0, got {steps!r}.")
    if not any(train_steps):
        raise ValueError(
            "Both generator_train_steps and discriminator_train_steps are 0: a round would train"
            " nothing. Give at least one of them a positive number."
        )
    return int(train_steps[0]), int(train_steps[1])
