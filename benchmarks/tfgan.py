"""TF-GAN itself, in a process of its own: it needs a TensorFlow that is older than ours.

`make bench` makes the environment where there is a Python that such a TensorFlow runs on;
TFGAN_LITE_TFGAN_PYTHON names the interpreter of another one.
"""

from __future__ import annotations

import os
import pathlib

from benchmarks.cases import Case
from benchmarks.process import ROOT, ProcessSide

__all__ = ["TFGANProcess", "interpreter"]


def interpreter() -> str | None:
    """The Python that has TF-GAN, if any."""
    path = os.environ.get("TFGAN_LITE_TFGAN_PYTHON") or ROOT / ".venv-tfgan" / "bin" / "python"
    return str(path) if pathlib.Path(path).exists() else None


class TFGANProcess(ProcessSide):
    """`tfgan.gan_train` on case, which pauses between slices of rounds."""

    def __init__(self, case: Case):
        case.check_width()
        super().__init__([str(interpreter()), "-m", "benchmarks.tfgan_program", case.name])
