"""How tfgan_lite's speed scales with the batch, the networks' width and the number of devices.

Devices are logical CPUs of this machine under MirroredStrategy, each process with a number of them:
`echo 10 | python -m benchmarks.scaling dense 32 1 2` prints the seconds of 10 rounds of dense
networks, a global batch of 32, width 1 and 2 devices.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from typing import Any

from benchmarks.cases import Case
from benchmarks.machine import Rates
from benchmarks.measure import measure, median_and_spread, ratio
from benchmarks.process import ProcessSide
from benchmarks.work import work_of_round

__all__ = ["Devices", "scaling"]

_BATCH_SIZES = (32, 64, 256)
_WIDTHS = (1, 2)
_DEVICES = (1, 2)
_COLUMNS = "{:<7}{:>6}{:>7}" + "{:>12}" * 5


def scaling(
    nets: Iterable[str], rates: Rates, repeats: int, seconds: float
) -> list[dict[str, Any]]:
    """Prints the table, and returns its numbers.

    Args:
      nets: kinds of them.
      rates: the machine's.
      repeats: turns of one device and two.
      seconds: of a slice.
    """
    print("Scaling of tfgan_lite, rounds of 1:1: images per second by the global batch size, the")
    print("factor on all units and filters, and logical devices (the ratio is of turns of both).")
    print(_COLUMNS.format("nets", "width", "batch", *_titles()))
    rows = []
    for kind in nets:
        for width in _WIDTHS:
            smallest = None
            for batch_size in _BATCH_SIZES:
                case = Case(kind, batch_size, width=width)
                rows.append(_row(case, smallest, rates, repeats, seconds))
                smallest = smallest or rows[-1]["images_per_second"][0]
                print(_line(case, rows[-1]), flush=True)
    print()
    return rows


def _titles() -> list[str]:
    devices = [f"{n} device{'s' * (n > 1)}" for n in _DEVICES]
    return [*devices, "2 / 1", f"/ batch {_BATCH_SIZES[0]}", "of peak"]


def _row(
    case: Case, smallest: float | None, rates: Rates, repeats: int, seconds: float
) -> dict[str, Any]:
    sides = {f"{n}": [functools.partial(Devices, devices=n)] for n in _DEVICES}
    one, two = measure(case, sides, repeats, seconds).values()
    speeds = [median_and_spread(side.images_per_second)[0] for side in (one, two)]
    flops = work_of_round(case).flops / case.batch_size
    return {
        "nets": case.nets,
        "width": case.width,
        "batch_size": case.batch_size,
        "images_per_second": speeds,
        "two_devices_over_one": ratio(two, one)[0],
        "over_smallest_batch": speeds[0] / (smallest or speeds[0]),
        "of_peak": speeds[0] * flops / rates.flops_per_second,
    }


def _line(case: Case, row: dict[str, Any]) -> str:
    speeds = [f"{speed:,.0f}" for speed in row["images_per_second"]]
    ratios = ("two_devices_over_one", "over_smallest_batch", "of_peak")
    ratios = [f"{row[name]:.2f}" for name in ratios]
    return _COLUMNS.format(case.nets, case.width, case.batch_size, *speeds, *ratios)


class Devices(ProcessSide):
    """tfgan_lite in a process of its own that has a number of logical devices.

    Args:
      case: what to train: rounds of 1:1, its nets, batch size and width.
      devices: how many.
    """

    def __init__(self, case: Case, devices: int):
        numbers = map(str, (case.batch_size, case.width, devices))
        super().__init__([sys.executable, "-m", "benchmarks.scaling", case.nets, *numbers])


def main() -> None:
    import tensorflow as tf

    from benchmarks.library import Library

    nets, *numbers = sys.argv[1:]
    batch_size, width, devices = map(int, numbers)
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    strategy = None
    if devices > 1:
        strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(devices)])
    side = Library(Case(nets, batch_size, width=width), strategy=strategy)
    for line in sys.stdin:
        print(side.run(int(line)), flush=True)
    side.close()


if __name__ == "__main__":
    main()
