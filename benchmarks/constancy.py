"""Whether tfgan_lite's speed stays what it was, over a long run of small networks."""

from __future__ import annotations

import contextlib
import statistics
from typing import Any

from benchmarks.cases import Case
from benchmarks.measure import fastest
from benchmarks.sides import SIDES

__all__ = ["constancy"]

_PARTS = 10
_SLICES = 10  # Of a part.


def constancy(case: Case, rounds: int) -> dict[str, Any]:
    """Prints the table, and returns its numbers.

    The machine's own speed changes, too: slices of the loop by hand stand between those of the
    run, and the ratio tells which of both it was.

    Args:
      case: what is trained.
      rounds: of the whole run; cut into 10 parts of 10 slices.
    """
    in_slice = max(1, rounds // (_PARTS * _SLICES))
    print(f"Constancy of tfgan_lite on {case.name}: medians of slices of {in_slice:,} rounds, in")
    print(f"{_PARTS} parts of one run. / fused: over slices of the loop by hand between them.")
    print(f"{'to round':>10}{'rounds/s':>12}{'/ fused':>10}")
    speeds, ratios = [], []
    with contextlib.ExitStack() as stack:
        ours, by_hand = (
            stack.enter_context(contextlib.closing(fastest(SIDES[name].candidates, case, 0.1)[0]))
            for name in ("lite", "fused")
        )
        for part in range(_PARTS):
            pairs = [(ours.run(in_slice), by_hand.run(in_slice)) for _ in range(_SLICES)]
            speeds.append(statistics.median(in_slice / taken for taken, _ in pairs))
            ratios.append(statistics.median(other / taken for taken, other in pairs))
            to_round = (part + 1) * _SLICES * in_slice
            print(f"{to_round:>10,}{speeds[-1]:>12,.1f}{ratios[-1]:>10.3f}", flush=True)
    found = {"rounds_per_second": speeds, "over_fused": ratios}
    spans = {name: max(values) / min(values) for name, values in found.items()}
    print("max / min  {rounds_per_second:>11.3f}{over_fused:>10.3f}\n".format(**spans))
    return found | {"max_over_min": spans}
