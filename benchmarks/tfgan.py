"""TF-GAN itself, in a process of its own: it needs a TensorFlow that is older than ours.

`make bench` makes the environment where there is a Python that such a TensorFlow runs on;
TFGAN_LITE_TFGAN_PYTHON names the interpreter of another one.
"""

from __future__ import annotations

import os
import pathlib
import subprocess

from benchmarks.cases import Case

__all__ = ["TFGANProcess", "interpreter"]

_ROOT = pathlib.Path(__file__).parents[1]


def interpreter() -> str | None:
    """The Python that has TF-GAN, if any."""
    path = os.environ.get("TFGAN_LITE_TFGAN_PYTHON") or _ROOT / ".venv-tfgan" / "bin" / "python"
    return str(path) if pathlib.Path(path).exists() else None


class TFGANProcess:
    """`tfgan.gan_train` on case, which pauses between slices of rounds."""

    note = ""

    def __init__(self, case: Case):
        self._process = subprocess.Popen(
            [interpreter(), "-m", "benchmarks.tfgan_program", case.name],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, rounds: int) -> float:
        """Trains, and gives the seconds that it took."""
        self._process.stdin.write(f"{rounds}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(
                "TF-GAN's process ended. To see why, give a number of rounds to: echo 10 |"
                f" {' '.join(self._process.args)}"
            )
        return float(answer)

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()
