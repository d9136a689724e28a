"""The table's sides: names and how each is built."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from benchmarks.cases import Case

__all__ = ["SIDES", "Side", "SideKind", "library", "make_loop", "why_left_out"]


class Side(Protocol):
    """Something that trains.

    Attributes:
      note: what was chosen for it, or what it chose.
    """

    note: str

    def run(self, rounds: int) -> float:
        """Trains for a number of rounds, and gives the seconds that they took."""

    def close(self) -> None:
        """Ends what the side has running."""


class SideKind(NamedTuple):
    """A row of the table."""

    title: str
    candidates: Sequence[Callable[[Case], Side]]  # The fastest of them is the side.
    fused_peer: str  # The hand-written loop that does the same.
    usual: bool = True  # Whether it is trained by default.


def _side(module: str, name: str, **options: Any) -> Callable[[Case], Side]:
    """A function that makes a side.

    Its module is imported then: a process that measures the memory of one side must not hold the
    libraries of another.
    """

    def make(case: Case) -> Side:
        return getattr(importlib.import_module(f"benchmarks.{module}"), name)(case, **options)

    return make


def library(**options: Any) -> Callable[[Case], Side]:
    """A function that makes a `benchmarks.library.Library` with these options."""
    return _side("library", "Library", **options)


def _fused(**options: Any) -> Callable[[Case], Side]:
    return _side("handwritten", "FusedLoop", **options)


SIDES = {
    "lite": SideKind("tfgan_lite", [library()], "fused"),
    "lite_joint": SideKind("tfgan_lite, joint", [library(joint=True)], "fused_joint"),
    "lite_graph": SideKind("tfgan_lite, tf.Graph", [library(in_graph=True)], "fused"),
    "lite_bfloat16": SideKind(
        "tfgan_lite, bfloat16", [library(dtype_policy="mixed_bfloat16")], "fused", usual=False
    ),
    "fused": SideKind(
        "fused loop by hand", [_fused(jit_compile=jit) for jit in (True, False)], "fused"
    ),
    "fused_joint": SideKind(
        "fused joint loop by hand",
        [_fused(jit_compile=jit, joint=True) for jit in (True, False)],
        "fused_joint",
    ),
    "plain": SideKind("two tf.functions", [_side("handwritten", "PlainLoop")], "fused"),
    "keras": SideKind(
        "Keras fit",
        [_side("keras_fit", "KerasFit", jit_compile=jit) for jit in (True, False)],
        "fused",
    ),
    "tfgan": SideKind("TF-GAN 2.1 on TF 2.15", [_side("tfgan", "TFGANProcess")], "fused"),
    "torch": SideKind(
        "PyTorch eager",
        [_side("pytorch", "TorchLoop", fused_adam=fused) for fused in (False, True)],
        "fused",
    ),
    "torch_compiled": SideKind(
        "PyTorch compiled",
        [_side("pytorch", "TorchLoop", fused_adam=True, compiled=True)],
        "fused",
    ),
}


def why_left_out(name: str) -> str | None:
    """What a side lacks on this machine, if anything."""
    if name == "tfgan":
        from benchmarks.tfgan import interpreter

        return None if interpreter() else "there is no .venv-tfgan"
    if name.startswith("torch") and importlib.util.find_spec("torch") is None:
        return "PyTorch is not installed"
    compilers = [os.environ.get("CXX") or "g++", "clang++"]
    if name == "torch_compiled" and not any(map(shutil.which, compilers)):
        return f"no C++ compiler is found: {' or '.join(compilers)}"
    return None


def make_loop(kind: str, case: Case, jit_compile: bool | str) -> Side:
    """A "lite" or "fused" side, perhaps "_joint", with a choice on XLA."""
    name, _, joint = kind.partition("_")
    make = {"lite": library, "fused": _fused}[name]
    return make(jit_compile=jit_compile, joint=bool(joint))(case)
