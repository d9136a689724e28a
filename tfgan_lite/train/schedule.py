"""A round as data: which networks are updated, together or alone, how often, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tfgan_lite.integers import checked_integer
from tfgan_lite.structures import GANTrainSteps
from tfgan_lite.train.scheduled_hook import AdaptiveSteps

__all__ = ["Phase", "checked_phases", "describe", "during", "joint", "sequential", "warm_up"]

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
ORDERS = ("generator_first", "discriminator_first")

Steps = int | Callable[[int], int]


class Phase(NamedTuple):
    """Some sub-steps of a round, all alike.

    Attributes:
      networks: "generator", "discriminator", or both, which are then updated together, from one
        draw, at the same weights.
      steps: how many sub-steps; a number, a function of the round (from 0) that gives one, or an
        `AdaptiveSteps`.

    Example:
      >>> tfgan.train.Phase("generator", 2)
      Phase(networks='generator', steps=2)
    """

    networks: str | tuple[str, ...]
    steps: Steps


def sequential(
    train_steps: GANTrainSteps = GANTrainSteps(1, 1), order: str = "generator_first"
) -> tuple[Phase, ...]:
    """Each network in turn: all of its sub-steps, then the other's.

    Args:
      train_steps: sub-steps of each network in a round; 0 or more, not both 0.
      order: "generator_first", as in TF-GAN, or "discriminator_first".

    Raises:
      ValueError: numbers of sub-steps out of their range; an unknown order.

    Example:
      >>> tfgan.train.sequential(tfgan.GANTrainSteps(1, 5), order="discriminator_first")
      (Phase(networks=('discriminator',), steps=5), Phase(networks=('generator',), steps=1))
    """
    g_steps, d_steps = _checked(train_steps)
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {order!r}.")
    phases = (Phase((GENERATOR,), g_steps), Phase((DISCRIMINATOR,), d_steps))
    return phases if order == ORDERS[0] else phases[::-1]


def joint(train_steps: GANTrainSteps = GANTrainSteps(1, 1)) -> tuple[Phase, ...]:
    """Both networks at once as often as both have sub-steps, then what is left of either.

    Args:
      train_steps: as for `sequential`.

    Raises:
      ValueError: numbers of sub-steps out of their range.

    Example:
      >>> tfgan.train.joint(tfgan.GANTrainSteps(1, 3))[0]
      Phase(networks=('generator', 'discriminator'), steps=1)
    """
    g_steps, d_steps = _checked(train_steps)
    together = min(g_steps, d_steps)
    return (
        Phase((GENERATOR, DISCRIMINATOR), together),
        Phase((GENERATOR,), g_steps - together),
        Phase((DISCRIMINATOR,), d_steps - together),
    )


def warm_up(rounds: int, first: Sequence[Phase], then: Sequence[Phase]) -> tuple[Phase, ...]:
    """Rounds of one kind, and after them rounds of another.

    Args:
      rounds: how many rounds of the first kind, at least 0.
      first: the phases of these rounds.
      then: the phases of all later rounds.

    Raises:
      ValueError: numbers that are not integers of at least 0.
      TypeError: a phase with `AdaptiveSteps`, which count only in rounds of one kind.

    Example:
      >>> from tfgan_lite.train import Phase, joint, warm_up
      >>> first, *_ = warm_up(100, [Phase("discriminator", 1)], joint())
      >>> first.steps(99), first.steps(100)
      (1, 0)
    """
    checked_integer("rounds", rounds, least=0)
    early = tuple(Phase(phase.networks, during(phase.steps, 0, rounds)) for phase in first)
    late = tuple(Phase(phase.networks, during(phase.steps, rounds)) for phase in then)
    return early + late


def during(steps: Steps, start: int, stop: int | None = None) -> Callable[[int], int]:
    """`steps` in the rounds from `start` to before `stop`, and none in others.

    Args:
      steps: a number of sub-steps, or a function of the round, counted from the first of all.
      start: the first round, at least 0.
      stop: the round after the last, not below `start`; None for no end.

    Raises:
      ValueError: numbers that are not integers, or out of their ranges.
      TypeError: `steps` is an `AdaptiveSteps`.

    Example:
      >>> steps = tfgan.train.during(5, start=10, stop=20)
      >>> steps(9), steps(10), steps(20)
      (0, 5, 0)
    """
    if isinstance(steps, AdaptiveSteps):
        raise TypeError(
            "AdaptiveSteps cannot be limited to some rounds by during or warm_up: give them a phase"
            " that all rounds have, or pass a number or a function of the round."
        )
    if not callable(steps):
        checked_integer("steps", steps, least=0)
    checked_integer("start", start, least=0)
    if stop is not None and checked_integer("stop", stop, least=0) < start:
        raise ValueError(f"stop must not be before start, got {stop} and {start}.")

    def steps_at(round_number: int) -> int:
        if round_number < start or (stop is not None and round_number >= stop):
            return 0
        return steps(round_number) if callable(steps) else steps

    last = "the end" if stop is None else stop - 1
    steps_at.description = f"{_in_words(steps)} (rounds {start} to {last})"
    return steps_at


def checked_phases(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """The phases, with the networks of each in a tuple.

    Raises:
      ValueError: no phases; an unknown network, or the same twice; a number of sub-steps that is
        negative; numbers that are all 0.
      TypeError: a number of sub-steps that is neither a number nor a function.
    """
    checked = []
    for phase in phases:
        names, steps = phase
        networks = (names,) if isinstance(names, str) else tuple(names)
        known = set(networks) <= {GENERATOR, DISCRIMINATOR}
        if not networks or not known or len(set(networks)) < len(networks):
            raise ValueError(
                f'The networks of a phase are "generator", "discriminator" or both, got {names!r}.'
            )
        if not callable(steps):
            checked_integer("The steps of a phase", steps, least=0)
        checked.append(Phase(networks, steps))
    if not any(phase.steps for phase in checked):
        raise ValueError(f"No phase has any sub-steps: {list(phases)}. A round trains nothing.")
    return tuple(checked)


def describe(phases: Sequence[Phase]) -> str:
    """The round in words: "1 generator, then 5 discriminator"."""
    parts = [f"{_in_words(p.steps)} {' + '.join(p.networks)}" for p in phases if p.steps]
    return ", then ".join(parts)


def _in_words(steps: Any) -> str:
    if not callable(steps):
        return str(steps)
    name = getattr(steps, "__name__", "steps").replace("<lambda>", "steps")
    return getattr(steps, "description", f"{name}(round)")


def _checked(train_steps: GANTrainSteps) -> tuple[int, int]:
    for name, steps in zip(GANTrainSteps._fields, train_steps):
        checked_integer(name, steps, least=0)
    if not any(train_steps):
        raise ValueError(
            "Both generator_train_steps and discriminator_train_steps are 0: a round would train"
            " nothing. Give at least one of them a positive number."
        )
    return int(train_steps[0]), int(train_steps[1])
