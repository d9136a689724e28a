"""tfgan_lite against its peers, or against itself: `python -m benchmarks.run`."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

# Read when TensorFlow and PyTorch are imported. PyTorch's threads would spin while others need the
# core: on a busy machine that makes it ten times as slow, and it disturbs the side after it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import tensorflow as tf
from absl import app, flags, logging

from benchmarks import report
from benchmarks.cases import CASES, Case
from benchmarks.constancy import constancy
from benchmarks.jit import jit
from benchmarks.machine import Rates, machine, measure_rates
from benchmarks.measure import Measurement, measure
from benchmarks.memory import peak_megabytes
from benchmarks.scaling import scaling
from benchmarks.sides import SIDES, why_left_out
from benchmarks.work import Work, work_of_round
from examples import command_line

_CASES = flags.DEFINE_list(
    "cases",
    None,
    f"Cases, or what their names begin with: {', '.join(c.name for c in CASES)}. All but those of"
    " batch 256 and 1:5, which take minutes each, by default.",
)
_SIDES = flags.DEFINE_multi_enum(
    "sides",
    [name for name, kind in SIDES.items() if kind.usual],
    list(SIDES),
    "Sides; repeat the flag. All but lite_bfloat16 by default.",
)
_REPEATS = flags.DEFINE_integer("repeats", 7, "Turns of each case.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 0.4, "Seconds of a side's slice.", lower_bound=0.01)
_MEMORY = flags.DEFINE_bool("memory", True, "Measure peak memory, on plain 1:1 cases.")
_QUICK = flags.DEFINE_bool("quick", False, "Dense nets, batch 32, 1:1, five short turns.")
_SCALING = flags.DEFINE_bool(
    "scaling", False, "Instead of peers: batch sizes, widths and logical devices."
)
_CONSTANCY = flags.DEFINE_bool(
    "constancy", False, "Instead of peers: the speed of a run of 100,000 rounds (quick: 5,000)."
)
_JIT = flags.DEFINE_bool(
    "jit", False, 'Instead of peers: jit_compile="auto" beside each fixed setting.'
)
_JSON = flags.DEFINE_string("json", None, "Also write all numbers to this file.")
_DRY_RUN = command_line.define_dry_run()


def main(argv: Sequence[str]) -> None:
    command_line.refuse_arguments(argv)
    logging.set_verbosity(logging.WARNING)
    repeats, seconds = (5, 0.15) if _QUICK.value else (_REPEATS.value, _SECONDS.value)
    cases, names = _chosen_cases(), [name for name in SIDES if name in _SIDES.value]
    if _DRY_RUN.value:
        chosen = {"cases": [case.name for case in cases], "repeats": repeats, "seconds": seconds}
        command_line.print_configuration(command_line.flag_values(__name__) | chosen)
        return
    if _JSON.value:
        _check_writable(_JSON.value)
    tf.get_logger().setLevel("ERROR")  # The profiler says of itself that it is TF1's.
    began = time.perf_counter()
    facts, rates = machine(), measure_rates()
    print(", ".join(f"{name}: {value}" for name, value in facts.items()))
    print(rates, "\n", flush=True)
    numbers: dict[str, Any] = {"machine": facts | rates._asdict()}
    if _SCALING.value:
        nets = dict.fromkeys(case.nets for case in cases)
        numbers["scaling"] = scaling(nets, rates, repeats, seconds)
    if _CONSTANCY.value:
        numbers["constancy"] = constancy(CASES[0], 5_000 if _QUICK.value else 100_000)
    if _JIT.value:
        numbers["jit"] = _plain(jit(cases, repeats, seconds))
    if not (_SCALING.value or _CONSTANCY.value or _JIT.value):
        numbers |= _beside_peers(cases, names, rates, repeats, seconds)
    print(f"Took {time.perf_counter() - began:.0f} s.")
    if _JSON.value:
        with open(_JSON.value, "w", encoding="utf-8") as file:
            json.dump(numbers, file, indent=2)


def _check_writable(path: str) -> None:
    """Tells of a mistyped folder before hours of measuring, and not after them."""
    try:
        with open(path, "a", encoding="utf-8"):
            pass
    except OSError as error:
        raise app.UsageError(f"--json cannot be written: {error}.") from None


def _chosen_cases() -> list[Case]:
    if not (_CASES.value or _QUICK.value):
        return [case for case in CASES if case.usual]
    beginnings = _CASES.value or ["dense/32/1:1"]
    cases = [case for case in CASES if case.name.startswith(tuple(beginnings))]
    if not cases:
        raise app.UsageError(f"No case's name begins with {' or '.join(beginnings)}.")
    return cases


def _beside_peers(
    cases: list[Case], names: list[str], rates: Rates, repeats: int, seconds: float
) -> dict[str, Any]:
    """Prints the tables of peers, and returns their numbers."""
    print(report.legend(repeats, seconds), "\n")
    missing = {name: reason for name in names if (reason := why_left_out(name))}
    for name, reason in missing.items():
        print(f"Left out: {SIDES[name].title}, as {reason}.\n")
    names = [name for name in names if name not in missing]
    sides = {name: SIDES[name].candidates for name in names}
    results: dict[Case, dict[str, Measurement]] = {}
    works: dict[Case, dict[str, Work]] = {}
    for case in cases:
        results[case] = measure(case, sides, repeats, seconds)
        works[case] = {"fused": work_of_round(case), "fused_joint": work_of_round(case, joint=True)}
        print(report.case_table(case, results[case], works[case], rates), flush=True)
        gc.collect()
    memory = {}
    if _MEMORY.value and {"lite", "fused"} <= set(names):
        measured = [case for case in cases if (case.kind, case.steps) == ("gan", (1, 1))]
        memory = {case: _peaks(case, results[case]) for case in measured}
        print(report.memory_table(memory))
    for line in report.targets(results, works, rates, memory):
        print(line)
    return {
        "cases": _plain({case.name: found for case, found in results.items()}),
        "work": {
            case.name: {name: work._asdict() for name, work in of_case.items()}
            for case, of_case in works.items()
        },
        "memory_megabytes": {case.name: peaks for case, peaks in memory.items()},
    }


def _peaks(case: Case, found: dict[str, Measurement]) -> dict[str, float]:
    jit_compile = found["fused"].note == "XLA on"
    rounds = 3 * found["fused"].rounds
    choices = {
        "fused": ("fused", jit_compile),
        "tfgan_lite, same XLA": ("lite", jit_compile),
        "tfgan_lite, auto": ("lite", "auto"),
    }
    return {name: peak_megabytes(case, *choice, rounds) for name, choice in choices.items()}


def _plain(results: Mapping[str, Mapping[str, Measurement]]) -> dict[str, Any]:
    return {
        case: {name: vars(measured) for name, measured in found.items()}
        for case, found in results.items()
    }


if __name__ == "__main__":
    app.run(main)
