"""The table, and whether the targets are met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchmarks.cases import Case
from benchmarks.machine import Rates
from benchmarks.measure import Measurement, median_and_spread, ratio
from benchmarks.sides import SIDES
from benchmarks.work import Work

__all__ = ["case_table", "legend", "memory_table", "targets"]

Results = Mapping[Case, Mapping[str, Measurement]]
Works = Mapping[Case, Mapping[str, Work]]
Memory = Mapping[Case, Mapping[str, float]]

_OURS = ["lite", "lite_joint"]

_PEERS = {
    "plain": "plain",
    "keras": "Keras",
    "tfgan": "TF-GAN",
    "torch": "PyTorch",
    "torch_compiled": "compiled",
}
_COLUMNS = "{:<26}{:>10}{:>8}" + "{:>13}" * (1 + len(_PEERS)) + "{:>9}{:>9}{:>11}  {}"


def legend(repeats: int, seconds: float) -> str:
    """What the table's columns mean."""
    return (
        f"Images per second = rounds x batch size / seconds: median of {repeats} turns, sides"
        f" alternating in slices of about {seconds} s.\nRatios are medians of the turns' ratios; ±"
        " is half the distance between the quartiles.\n/ fused compares joint training with the"
        " fused joint loop, all others with the fused loop.\n1st round: seconds to build, compile"
        " and run the first round; tfgan_lite's include trying with and without XLA.\nOf peak,"
        " of roof: the arithmetic of a round at the rate of the matrix product, without and with"
        " its\nmemory traffic at the rate of copying, over the time of a round."
    )


def case_table(
    case: Case, found: Mapping[str, Measurement], work: Mapping[str, Work], rates: Rates
) -> str:
    """All sides on one case.

    Args:
      case: what they trained.
      found: how fast, by side.
      work: of a round of "fused" and of "fused_joint".
      rates: the machine's.
    """
    over = [f"/ {peer}" for peer in ("fused", *_PEERS.values())]
    header = ["images/s", "spread", *over, "of peak", "of roof", "1st round", "chosen"]
    lines = [f"{case.name} (nets/batch/G:D)", _COLUMNS.format("", *header)]
    for name, measured in found.items():
        rate, spread = median_and_spread(measured.images_per_second)
        peers = [SIDES[name].fused_peer, *_PEERS]
        ratios = [_ratio_text(found, name, peer) for peer in peers]
        fractions = _fractions(case, found, name, work, rates)
        first = f"{measured.first_round_seconds:.1f} s"
        lines.append(
            _COLUMNS.format(
                SIDES[name].title,
                f"{rate:,.0f}",
                f"±{spread / rate:.0%}",
                *ratios,
                *(f"{fraction:.2f}" for fraction in fractions),
                first,
                measured.note,
            ).rstrip()
        )
    return "\n".join(lines) + "\n"


def memory_table(memory: Memory) -> str:
    """Peak memory of each case, in MB."""
    lines = ["Peak memory of a process that builds and trains one side, MB"]
    for case, peaks in memory.items():
        base = peaks["fused"]
        rows = [f"{name} {peak:,.0f} ({peak / base:.3f})" for name, peak in peaks.items()]
        lines.append(f"{case.name:<18}" + "   ".join(rows))
    return "\n".join(lines) + "\n"


def targets(results: Results, works: Works, rates: Rates, memory: Memory) -> list[str]:
    """One line for each target.

    Args:
      results: how fast, by case and side.
      works: of a round of "fused" and of "fused_joint", by case.
      rates: the machine's.
      memory: peaks by case and process.
    """

    def ratios(sides: Iterable[str], peer: str | None, cases: Iterable[Case]) -> dict[str, float]:
        values = {}
        for case in cases:
            for name in sides:
                other = peer or SIDES[name].fused_peer
                if name in results[case] and other in results[case]:
                    value = ratio(results[case][name], results[case][other])[0]
                    values[f"{SIDES[name].title} {case.name}"] = value
        return values

    even = [case for case in results if case.steps == (1, 1) and case.kind == "gan"]
    dense = [case for case in even if case.nets == "dense"]
    roofs = {
        f"{SIDES[name].title} {case.name}": _fractions(case, found, name, works[case], rates)[1]
        for case, found in results.items()
        if case.nets == "dcgan"
        for name in _OURS
        if name in found
    }
    small_dcgan = [case for case in even if case.nets == "dcgan" and case.batch_size == 32]
    lines = [
        _verdict(
            "never under 0.97 of the fused loop",
            ratios(_OURS, None, results),
            at_least=0.97,
        ),
        _verdict(
            "1.8 times the plain two-function loop, dense 1:1",
            ratios(_OURS, "plain", dense),
            at_least=1.8,
        ),
        _verdict(
            "1.5 times PyTorch eager, DCGAN batch 32",
            ratios(_OURS, "torch", small_dcgan),
            at_least=1.5,
        ),
        _verdict("1.15 times TF-GAN, DCGAN batch 32", ratios(_OURS, "tfgan", small_dcgan), 1.15),
        _verdict(
            "1.4 times TF-GAN in bfloat16, DCGAN batch 32 (--sides=lite_bfloat16 --sides=tfgan)",
            ratios(["lite_bfloat16"], "tfgan", small_dcgan),
            at_least=1.4,
        ),
        _verdict("1.8 times TF-GAN, dense nets", ratios(_OURS, "tfgan", dense), 1.8),
        _verdict("0.8 of the roofline, DCGAN", roofs, at_least=0.8),
        *(
            _verdict(f"no case under {title}", ratios(_OURS, peer, results), 1.0)
            for peer, title in _PEERS.items()
        ),
    ]
    peaks = {
        f"{name} {case.name}": peak / found["fused"]
        for case, found in memory.items()
        for name, peak in found.items()
        if name != "fused"
    }
    return [*lines, _verdict("peak memory within 5 % of the fused loop", peaks, at_most=1.05)]


def _verdict(
    text: str, values: Mapping[str, float], at_least: float = 0.0, at_most: float = float("inf")
) -> str:
    if not values:
        return f"[not measured] {text}"
    missed = {k: v for k, v in values.items() if not at_least <= v <= at_most}
    shown = ", ".join(f"{k} {v:.3f}" for k, v in (missed or values).items())
    return f"[{'MISSED' if missed else 'met'}] {text}: {shown}"


def _fractions(
    case: Case, found: Mapping[str, Measurement], name: str, work: Mapping[str, Work], rates: Rates
) -> tuple[float, float]:
    """Of the matrix product's rate, and of the roofline."""
    rounds_per_second = median_and_spread(found[name].images_per_second)[0] / case.batch_size
    of_round = work[SIDES[name].fused_peer]
    peak = of_round.flops / rates.flops_per_second
    roof = of_round.seconds(rates.flops_per_second, rates.bytes_per_second)
    return peak * rounds_per_second, roof * rounds_per_second


def _ratio_text(found: Mapping[str, Measurement], name: str, peer: str | None) -> str:
    if peer not in found or peer == name:
        return ""
    value, spread = ratio(found[name], found[peer])
    return f"{value:.2f} ±{spread:.2f}"
