"""Whether `jit_compile="auto"` chooses well: beside each setting that a user could fix."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from benchmarks.cases import Case
from benchmarks.measure import Measurement, measure, ratio
from benchmarks.sides import library

__all__ = ["jit"]

_SETTINGS = {"False": False, "True": True}
_COLUMNS = "{:<26}{:>10}{:>13}{:>13}{:>9}{:>11}  {}"


def jit(cases: Iterable[Case], repeats: int, seconds: float) -> dict[str, dict[str, Measurement]]:
    """Prints the table, and returns its numbers by the case's name and the setting.

    Args:
      cases: what is trained, in sequence and jointly.
      repeats: turns of each case.
      seconds: of a slice.
    """
    print('jit_compile="auto" after its warm-up, beside fixed settings: ratios of turns.')
    titles = [f"/ {setting}" for setting in _SETTINGS]
    print(_COLUMNS.format("", "images/s", *titles, "/ best", "1st round", "chosen"))
    found = {}
    for case in cases:
        for joint in (False, True):
            name = f"{case.name}{' joint' * joint}"
            sides = {"auto": [library(joint=joint)]} | {
                setting: [library(joint=joint, jit_compile=value)]
                for setting, value in _SETTINGS.items()
            }
            found[name] = measure(case, sides, repeats, seconds)
            print(_line(name, found[name]), flush=True)
    print()
    return found


def _line(name: str, measured: dict[str, Measurement]) -> str:
    auto = measured["auto"]
    ratios = [ratio(auto, measured[setting]) for setting in _SETTINGS]
    best = min(value for value, _ in ratios)
    return _COLUMNS.format(
        name,
        f"{statistics.median(auto.images_per_second):,.0f}",
        *(f"{value:.2f} ±{spread:.2f}" for value, spread in ratios),
        f"{best:.3f}",
        f"{auto.first_round_seconds:.1f} s",
        auto.note,
    ).rstrip()
