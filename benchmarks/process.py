"""A side in a process of its own, for what one process cannot have both of."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
from collections.abc import Sequence

__all__ = ["ROOT", "ProcessSide"]

ROOT = pathlib.Path(__file__).parents[1]


class ProcessSide:
    """A program that trains for as many rounds as each line of its input says.

    Args:
      command: its arguments. It prints the seconds that the rounds took, a line for each.
    """

    note = ""

    def __init__(self, command: Sequence[str]):
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, rounds: int) -> float:
        """Trains, and gives the seconds that it took."""
        with contextlib.suppress(BrokenPipeError):  # It ended; then it does not answer either.
            self._process.stdin.write(f"{rounds}\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(
                "A side's process ended. To see why, give a number of rounds to: echo 10 |"
                f" {' '.join(self._process.args)}"
            )
        return float(answer)

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()
