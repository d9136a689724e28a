"""What comes before training and beside it: `python -m benchmarks.start`.

Seconds of importing, seconds from the start of a process to the end of its first round, and what a
round of `gan_train` takes beyond the same round in a loop fused by hand, in microseconds.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read when TensorFlow is imported.

from absl import app, flags, logging

from benchmarks.cases import Case
from benchmarks.measure import fastest, median_and_spread
from benchmarks.process import ROOT
from benchmarks.scaling import Devices
from benchmarks.sides import make_loop
from examples import command_line

_TURNS = flags.DEFINE_integer("turns", 5, "Processes, or turns, of each row.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 1.0, "Seconds of a side's slice.", lower_bound=0.01)
_DRY_RUN = command_line.define_dry_run()

_IMPORTS = """
import time
start = time.perf_counter()
import tensorflow
between = time.perf_counter()
import tfgan_lite
print(between - start, time.perf_counter() - between)
"""
_KINDS = ("lite", "fused")
_COLUMNS = "{:<58}{:>10}{:>9}{:>11}"


def main(argv: Sequence[str]) -> None:
    command_line.refuse_arguments(argv)
    logging.set_verbosity(logging.WARNING)
    if _DRY_RUN.value:
        command_line.print_configuration(command_line.flag_values(__name__))
        return
    print(_COLUMNS.format("", "median", "spread", "target"))
    imports = [import_seconds() for _ in range(_TURNS.value)]
    _print("import tensorflow, s", [each for each, _ in imports])
    _print("import tfgan_lite after it, ms", [1e3 * each for _, each in imports], "< 150")
    firsts = [first_round_seconds(Case("dcgan", 32)) for _ in range(_TURNS.value)]
    _print("process start to the first round's end, DCGAN, s", firsts, "< 8")
    for case in (Case("dense", 1), Case("dense", 32)):
        for jit_compile in (False, True):
            ours, by_hand, outside = round_microseconds(
                case, jit_compile, _TURNS.value, _SECONDS.value
            )
            name = f"a round of {case.name}, XLA {'on' if jit_compile else 'off'}: "
            _print(f"{name}gan_train, us", ours)
            _print(
                f"{name}beyond fused by hand, us", [a - b for a, b in zip(ours, by_hand)], "< 20"
            )
            _print(f"{name}outside its program, us", outside, "< 20")


def import_seconds() -> tuple[float, float]:
    """Importing TensorFlow in a new process, and then tfgan_lite."""
    command = [sys.executable, "-c", _IMPORTS]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
    )
    tensorflow, ours = map(float, done.stdout.split())
    return tensorflow, ours


def first_round_seconds(case: Case) -> float:
    """From the start of a process until it has trained a round; imports and compiling are in it."""
    start = time.perf_counter()
    side = Devices(case, 1)
    side.run(1)
    taken = time.perf_counter() - start
    side.close()
    return taken


def round_microseconds(
    case: Case, jit_compile: bool, turns: int, seconds: float
) -> tuple[list[float], ...]:
    """A round of `gan_train`, of the loop fused by hand, and what the first spends out of programs.

    The difference of the first two tells what a user pays. It is below zero where the library's
    mathematics are the quicker, and then hides what scheduling costs, which the third tells: hooks,
    counters and whatever else Python does between two calls of many rounds.

    Args:
      case: what both train.
      jit_compile: whether XLA compiles the sub-steps of both.
      turns: of both, in alternation.
      seconds: of a slice.

    Returns:
      A list for each, a number for each turn.
    """
    ways = [functools.partial(make_loop, kind, jit_compile=jit_compile) for kind in _KINDS]
    sides, _, counts = zip(*(fastest([way], case, seconds) for way in ways))
    ours, by_hand = sides
    found: list[tuple[float, ...]] = []
    for _ in range(turns):
        before = ours.program_seconds
        taken = ours.run(counts[0])
        outside = taken - (ours.program_seconds - before)
        other = by_hand.run(counts[1])
        found.append((taken / counts[0], other / counts[1], outside / counts[0]))
    for side in sides:
        side.close()
    return tuple([1e6 * each for each in column] for column in zip(*found))


def _print(name: str, values: Sequence[float], target: str = "") -> None:
    median, spread = median_and_spread(values)
    print(_COLUMNS.format(name, f"{median:,.1f}", f"±{spread:.1f}", target).rstrip(), flush=True)


if __name__ == "__main__":
    app.run(main)
