"""Times sides in alternation.

A shared machine changes its speed from second to second, so sides take turns in short slices of
time, and only slices of the same turn are compared: a ratio is the median of the turns' ratios.
"""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.cases import Case
from benchmarks.sides import Side

__all__ = ["Measurement", "fastest", "measure", "median_and_spread", "ratio"]


@dataclasses.dataclass
class Measurement:
    """How fast one side trained.

    Attributes:
      note: what the side chose.
      first_round_seconds: building, compiling and running the first round.
      rounds: rounds in a slice.
      images_per_second: rounds x batch size / seconds, for each turn.
    """

    note: str
    first_round_seconds: float
    rounds: int
    images_per_second: list[float] = dataclasses.field(default_factory=list)


def measure(
    case: Case,
    candidates: Mapping[str, Sequence[Callable[[Case], Side]]],
    repeats: int,
    seconds: float,
) -> dict[str, Measurement]:
    """Times sides on one case.

    Args:
      case: what they train.
      candidates: the sides by name, each the fastest of what is given for it.
      repeats: turns.
      seconds: of a slice.
    """
    sides: dict[str, Side] = {}
    found: dict[str, Measurement] = {}
    with contextlib.ExitStack() as stack:
        for name, ways in candidates.items():
            sides[name], first, rounds = fastest(ways, case, seconds)
            stack.callback(sides[name].close)
            found[name] = Measurement(sides[name].note, first, rounds)
        for turn in range(repeats):
            for name in sides if turn % 2 else reversed(sides):
                rounds = found[name].rounds
                rate = rounds * case.batch_size / sides[name].run(rounds)
                found[name].images_per_second.append(rate)
    return found


def ratio(side: Measurement, other: Measurement) -> tuple[float, float]:
    """How many times as fast as another a side is: the median over turns, and its spread."""
    return median_and_spread(
        [a / b for a, b in zip(side.images_per_second, other.images_per_second)]
    )


def median_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The median, and half the distance between the quartiles."""
    if len(values) < 2:
        return values[0], 0.0
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return median, (high - low) / 2


def fastest(
    candidates: Sequence[Callable[[Case], Side]], case: Case, seconds: float
) -> tuple[Side, float, int]:
    """The fastest of some sides, the seconds to its first round, and the rounds of a slice.

    The caller closes that side; the others are closed, and after an error all are.
    """
    sides, firsts = [], []
    with contextlib.ExitStack() as after_an_error:
        for make in candidates:
            start = time.perf_counter()
            sides.append(make(case))
            after_an_error.callback(sides[-1].close)
            sides[-1].run(1)
            firsts.append(time.perf_counter() - start)
        rounds = [_rounds_in(side, seconds) for side in sides]
        best = 0
        if len(sides) > 1:
            times = [
                [side.run(n) / n for side, n in zip(sides, rounds)] for _ in range(3)
            ]  # In turn, so that a busy moment hits all.
            best = min(range(len(sides)), key=lambda i: min(each[i] for each in times))
        after_an_error.pop_all()
    for i, side in enumerate(sides):
        if i != best:
            side.close()
    return sides[best], firsts[best], rounds[best]


def _rounds_in(side: Side, seconds: float) -> int:
    """How many rounds take about so many seconds, found by a warm-up."""
    rounds = 1
    while (taken := side.run(rounds)) < seconds / 2:
        rounds *= 2
    return max(1, round(rounds * seconds / taken))
