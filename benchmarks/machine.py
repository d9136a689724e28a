"""The machine: its facts, and how fast it multiplies and copies."""

from __future__ import annotations

import concurrent.futures
import os
import platform
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.sides import why_left_out

__all__ = ["Rates", "machine", "measure_rates"]

_SIZES = (512, 1024, 2048, 4096)
_COPIED_BYTES = 2**27  # More than caches hold that belong to one core.
_SECONDS = 0.5


class Rates(NamedTuple):
    """What the machine reaches.

    Attributes:
      flops_per_second: of TensorFlow's float32 product of square matrices, all cores.
      matrix_size: with which this is highest.
      bytes_per_second: read and written by copying float32 arrays, all cores.
    """

    flops_per_second: float
    matrix_size: int
    bytes_per_second: float

    def __str__(self) -> str:
        return (
            f"float32 matrix product: {self.flops_per_second / 1e9:,.0f} GFLOP/s (of {_SIZES} the"
            f" best is {self.matrix_size}), copy: {self.bytes_per_second / 1e9:,.1f} GB/s read and"
            f" written ({_COPIED_BYTES // 2**20} MB)"
        )


def machine() -> dict[str, Any]:
    """Facts that the numbers depend on."""
    import tensorflow as tf

    facts = {
        "cpu": _cpu_model(),
        "cores": _cores(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
    }
    if not why_left_out("torch"):
        import torch

        facts["torch"] = torch.__version__
    return facts


def measure_rates(seconds: float = _SECONDS) -> Rates:
    """Measures the machine: the best of what is done in some seconds, for each size."""
    import tensorflow as tf

    found = {}
    for size in _SIZES:
        matrix = tf.random.normal([size, size])
        taken = _shortest(lambda matrix=matrix: tf.matmul(matrix, matrix).numpy(), seconds)
        found[size] = 2 * size**3 / taken
    best = max(found, key=found.__getitem__)
    return Rates(found[best], best, 2 * _COPIED_BYTES / _shortest(_copying(), seconds))


def _copying() -> Callable[[], Any]:
    """A function that copies: each core its part."""
    source = np.ones(_COPIED_BYTES // 4, np.float32)
    target = np.zeros_like(source)
    parts = list(zip(*(np.array_split(each, _cores()) for each in (target, source))))
    pool = concurrent.futures.ThreadPoolExecutor(_cores())
    return lambda: list(pool.map(lambda part: np.copyto(*part), parts))


def _shortest(function: Callable[[], Any], seconds: float) -> float:
    function()  # Which warms it up.
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor()
