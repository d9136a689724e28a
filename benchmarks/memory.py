"""The peak memory of one side, in a process of its own.

Run as a program: `python -m benchmarks.memory dense/32/1:1 lite auto 100`.
"""

from __future__ import annotations

import pathlib
import resource
import subprocess
import sys

from benchmarks.cases import CASES, Case
from benchmarks.sides import make_loop

__all__ = ["peak_megabytes"]

_CHOICES = {"auto": "auto", "on": True, "off": False}


def peak_megabytes(case: Case, kind: str, jit_compile: bool | str, rounds: int) -> float:
    """The peak resident memory of a new process that trains.

    Args:
      case: what it trains.
      kind: "lite", "lite_joint", "fused" or "fused_joint".
      jit_compile: whether XLA compiles the sub-steps; "auto" for "lite" alone.
      rounds: how long.
    """
    choice = next(name for name, value in _CHOICES.items() if value is jit_compile)
    command = [sys.executable, "-m", "benchmarks.memory", case.name, kind, choice, str(rounds)]
    done = subprocess.run(
        command,
        cwd=pathlib.Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _own_peak_megabytes() -> float:
    # A child's ru_maxrss begins with what its parent held when it forked; the kernel's high-water
    # mark of the program itself does not.
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    name, kind, choice, rounds = sys.argv[1:]
    case = next(case for case in CASES if case.name == name)
    side = make_loop(kind, case, _CHOICES[choice])
    side.run(int(rounds))
    side.close()
    print(_own_peak_megabytes())


if __name__ == "__main__":
    main()
