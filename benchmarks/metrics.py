"""The statistics stage of metrics against its peers: `python -m benchmarks.metrics`.

The features are there already: what is timed is all that follows. Every side runs once in each
turn. Peers that are not installed are left out; `pip install torch-fidelity` brings one. Where it
cannot be in one environment with TensorFlow, --peers_python names the interpreter of another.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence

# Read when TensorFlow and PyTorch are imported; see benchmarks/run.py.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.machine import machine
from benchmarks.measure import median_and_spread
from benchmarks.metrics_peers import Peers
from examples import command_line

_SAMPLES = flags.DEFINE_integer("samples", 10_000, "Samples in each of two sets.", lower_bound=4)
_FEATURES = flags.DEFINE_integer("features", 2048, "Their width.", lower_bound=1)
_TURNS = flags.DEFINE_integer("turns", 3, "Turns of each side.", lower_bound=1)
_PYTHON = flags.DEFINE_string(
    "peers_python",
    os.environ.get("TFGAN_LITE_PEERS_PYTHON", sys.executable),
    "The interpreter that has torch-fidelity and SciPy.",
)
_SQRTM_TURNS = flags.DEFINE_integer("sqrtm_turns", 1, "Turns with SciPy's square root.")
_DRY_RUN = command_line.define_dry_run()


def main(argv: Sequence[str]) -> None:
    command_line.refuse_arguments(argv)
    if _DRY_RUN.value:
        command_line.print_configuration(command_line.flag_values(__name__))
        return
    print(", ".join(f"{name}: {value}" for name, value in machine().items()))
    real, generated = _features(0), _features(1)
    print(f"{_SAMPLES.value} against {_SAMPLES.value} samples of {_FEATURES.value} features\n")
    _frechet(real, generated)
    _products(real, generated)


def _features(seed: int) -> np.ndarray:
    """Non-negative and correlated, as those after a pooling layer are; float32 [N, D]."""
    width = _FEATURES.value
    mixing = np.random.default_rng(9).normal(size=(width, width)) / np.sqrt(width)
    random = np.random.default_rng(seed)
    raw = random.normal(0.1 * seed, 1.0, (_SAMPLES.value, width)) * np.geomspace(1.0, 0.01, width)
    return np.maximum(raw @ mixing, 0.0).astype(np.float32)


def _frechet(real: np.ndarray, generated: np.ndarray) -> None:
    """Moments of both sets and the distance: seconds, the value, and how many times as quick."""
    from tfgan_lite.eval import frechet_classifier_distance_from_activations as ours

    seconds: dict[str, list[float]] = {}
    values = {}
    ours(real[:20, :4], generated[:20, :4])
    with contextlib.closing(Peers(_PYTHON.value, real, generated)) as peers:
        for turn in range(_TURNS.value):
            for name in ("tfgan_lite", *peers.names):
                if name == "tfgan_lite":
                    start = time.perf_counter()
                    values[name] = float(ours(real, generated))
                    taken = time.perf_counter() - start
                elif name != "SciPy's sqrtm" or turn < _SQRTM_TURNS.value:
                    taken, values[name] = peers.measure(name)
                else:
                    continue
                seconds.setdefault(name, []).append(taken)
    print(f"{'Frechet distance':<24}{'seconds':>10}{'spread':>9}{'ours is':>12}{'value':>20}")
    least = statistics.median(seconds["tfgan_lite"])
    for name, taken in seconds.items():
        median, spread = median_and_spread(taken)
        ratio = f"{median / least:.1f}x quicker"
        print(f"{name:<24}{median:>10.1f}{spread:>9.1f}{ratio:>15}{values[name]:>20.10f}")
    print(flush=True)


def _products(real: np.ndarray, generated: np.ndarray) -> None:
    """Metrics made of matrix products: their rate, as a share of that of one plain product.

    A pair of samples of one set counts once, though some are computed twice.
    """
    from tfgan_lite.eval import kernel_classifier_distance_from_activations, precision_recall

    n, width = real.shape
    product, blocks = 2.0 * width * n * n, -(-n // 1024)
    sides: dict[str, tuple[type, float, Callable[[], object]]] = {}
    for dtype in (np.float64, np.float32):
        for size, count in ((None, 2.0 * product), (1024, 2.0 * product / blocks)):
            name = f"KID, {'one block' if size is None else 'blocks of 1024'}, {dtype.__name__}"

            def kernel(size=size, dtype=dtype) -> float:
                return kernel_classifier_distance_from_activations(
                    real, generated, size, tf.as_dtype(dtype)
                ).numpy()

            sides[name] = dtype, count, kernel
    sides["precision, recall, float64"] = (
        np.float64,
        2.0 * product,
        lambda: precision_recall(real, generated),
    )
    plain = {dtype: _plain_product(real, dtype) for dtype in (np.float64, np.float32)}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    shares: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(_TURNS.value):
        for name, (dtype, operations, side) in sides.items():
            before = plain[dtype]()
            start = time.perf_counter()
            side()
            rate = operations / (time.perf_counter() - start)
            rates[name].append(rate / 1e9)
            # What else the machine does changes from second to second: on both sides.
            shares[name].append(rate / ((before + plain[dtype]()) / 2.0))
    print(
        f"{'Matrix products':<32}{'GFLOP/s':>9}{'spread':>9}{'of a plain product':>22}{'spread':>9}"
    )
    for name in sides:
        rate, rate_spread = median_and_spread(rates[name])
        share, share_spread = median_and_spread(shares[name])
        print(f"{name:<32}{rate:>9.1f}{rate_spread:>9.1f}{share:>21.0%}{share_spread:>10.0%}")


def _plain_product(features: np.ndarray, dtype: type) -> Callable[[], float]:
    """Gives the rate, in operations per second, of the product of two large matrices.

    By the library that is the quicker one: TensorFlow or NumPy.
    """
    left = features[:4096].astype(dtype)
    right = left.copy()  # NumPy would compute half of a product with itself.
    out = np.empty([len(left)] * 2, dtype)
    tensors = tf.constant(left), tf.constant(right)
    products = (
        lambda: np.matmul(left, right.T, out=out),
        lambda: tf.matmul(*tensors, transpose_b=True).numpy(),
    )

    def seconds(multiply: Callable[[], object]) -> float:
        start = time.perf_counter()
        multiply()
        return time.perf_counter() - start

    quickest = min(products, key=lambda each: min(seconds(each) for _ in range(3)))
    return lambda: 2.0 * left.shape[0] ** 2 * left.shape[1] / seconds(quickest)


if __name__ == "__main__":
    app.run(main)
