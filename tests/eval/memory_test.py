"""How much memory many samples take, in a process of its own."""

import pathlib
import subprocess
import sys

import pytest

STATUS = pathlib.Path("/proc/self/status")
PROGRAM = """
import pathlib

import tensorflow as tf

from tfgan_lite import eval as tfeval


def samples(seed):
    def batch(number):
        return tf.random.stateless_normal([100, 2048], [seed, number]) + 0.1 * seed

    return tf.data.Dataset.range(500).map(batch)


metrics = [tfeval.FrechetDistance(), tfeval.KernelDistance()]
result = tfeval.evaluate(samples(0), samples(1), metrics, progress=False)
counts = [result.protocol[name]["count"] for name in ("generated", "reference")]
assert counts == [50_000, 50_000], counts
status = pathlib.Path("/proc/self/status").read_text()
print(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells the peak of a program itself")
def test_distances_of_50_000_samples_of_2048_features_take_less_than_1_5_gigabytes():
    done = subprocess.run([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) * 1024 < 1.5e9
