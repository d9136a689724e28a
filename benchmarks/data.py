"""The input pipeline against what training consumes: `python -m benchmarks.data`.

A folder of JPEG files is made and read in two ways: with its pixels in memory, and decoded anew.
The training of `benchmarks.cases` says how many images a loop takes.
"""

from __future__ import annotations

import os
import pathlib
import tempfile
import time
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags, logging

import tfgan_lite as tfgan
from benchmarks.cases import CASES
from benchmarks.machine import machine
from benchmarks.measure import measure, median_and_spread
from benchmarks.sides import SIDES
from examples import command_line

_IMAGES = flags.DEFINE_integer("images", 512, "JPEG files.", lower_bound=32)
_SIDE = flags.DEFINE_integer("side", 64, "Their height and width.", lower_bound=8)
_TURNS = flags.DEFINE_integer("turns", 5, "Turns of each side.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 1.0, "Seconds of a turn.", lower_bound=0.01)
_DRY_RUN = command_line.define_dry_run()
_BATCH_SIZE = 32


def main(argv: Sequence[str]) -> None:
    command_line.refuse_arguments(argv)
    if _DRY_RUN.value:
        command_line.print_configuration(command_line.flag_values(__name__))
        return
    logging.set_verbosity(logging.WARNING)
    print(", ".join(f"{name}: {value}" for name, value in machine().items()))
    print(f"{_IMAGES.value} JPEG files of {_SIDE.value} x {_SIDE.value}, to 28 x 28 grey\n")
    with tempfile.TemporaryDirectory() as folder:
        _write(pathlib.Path(folder))
        sides = {}
        for name, limit in (("kept in memory", 2**30), ("decoded in each pass", 0)):
            start = time.perf_counter()
            images = tfgan.data.load(folder, image_size=28, channels=1, memory_limit=limit)
            print(f"{name}: checked in {time.perf_counter() - start:.1f} s")
            sides[name] = iter(images.batches(_BATCH_SIZE, flip=True))
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(_TURNS.value):
            for name, iterator in sides.items():
                rates[name].append(_images_per_second(iterator))
    lite = {"lite": SIDES["lite"].candidates}
    for case in CASES:
        if (case.kind, case.batch_size, case.steps) == ("gan", _BATCH_SIZE, (1, 1)):
            measured = measure(case, lite, _TURNS.value, _SECONDS.value)["lite"]
            # A round of both networks, one after the other, draws two batches.
            rates[f"{case.nets} networks consume"] = [2 * r for r in measured.images_per_second]
    print(f"\n{'images per second':<32}{'median':>10}{'spread':>10}")
    for name, values in rates.items():
        median, spread = median_and_spread(values)
        print(f"{name:<32}{median:>10.0f}{spread:>10.0f}")


def _write(folder: pathlib.Path) -> None:
    random = np.random.default_rng(0)
    for number in range(_IMAGES.value):
        blurred = tf.image.resize(random.uniform(0.0, 255.0, (8, 8, 3)), [_SIDE.value] * 2)
        image = tf.cast(tf.clip_by_value(blurred, 0.0, 255.0), tf.uint8)
        (folder / f"{number}.jpg").write_bytes(tf.io.encode_jpeg(image).numpy())


def _images_per_second(iterator) -> float:
    start, batches = time.perf_counter(), 0
    while (taken := time.perf_counter() - start) < _SECONDS.value:
        next(iterator)
        batches += 1
    return batches * _BATCH_SIZE / taken


if __name__ == "__main__":
    app.run(main)
