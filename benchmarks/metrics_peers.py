"""Peers of the statistics stage, in a process of their own: `python -m benchmarks.metrics_peers`.

Some builds of PyTorch and TensorFlow cannot be in one process. Arguments: two .npy files of
features. It prints the names of the peers that are installed; then, for each name on a line of its
input, the seconds that this peer takes and the Frechet distance that it finds.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from benchmarks.process import ROOT

__all__ = ["Peers"]


class Peers:
    """The process, as its parent sees it.

    Args:
      python: the interpreter that has the peers.
      real: features [N, D].
      generated: features [M, D].

    Attributes:
      names: of the peers that are installed.
    """

    def __init__(self, python: str, real: np.ndarray, generated: np.ndarray):
        self._folder = tempfile.TemporaryDirectory()
        paths = [os.path.join(self._folder.name, f"{name}.npy") for name in ("real", "generated")]
        for path, features in zip(paths, (real, generated)):
            np.save(path, features)
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.metrics_peers", *paths],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        names = self._process.stdout.readline().strip().split(",")
        self.names = [name for name in names if name]

    def measure(self, name: str) -> tuple[float, float]:
        """The seconds that a peer takes, and the distance that it finds."""
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        seconds, distance = self._process.stdout.readline().split()
        return float(seconds), float(distance)

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()


def sqrtm(real: np.ndarray, generated: np.ndarray) -> float:
    """As pytorch-fid and clean-fid compute it, with what they check."""
    import scipy.linalg

    means = [np.mean(each, axis=0, dtype=np.float64) for each in (real, generated)]
    covariances = [np.cov(each, rowvar=False) for each in (real, generated)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        root, _ = scipy.linalg.sqrtm(covariances[0].dot(covariances[1]), disp=False)
    if not np.isfinite(root).all():
        offset = 1e-6 * np.eye(len(root))
        root = scipy.linalg.sqrtm((covariances[0] + offset).dot(covariances[1] + offset))
    if np.iscomplexobj(root):
        if not np.allclose(np.diagonal(root).imag, 0.0, atol=1e-3):
            raise ValueError(f"Imaginary component {np.max(np.abs(root.imag))}")
        root = root.real
    return float(
        np.sum((means[0] - means[1]) ** 2)
        + np.trace(covariances[0])
        + np.trace(covariances[1])
        - 2.0 * np.trace(root)
    )


def torch_fidelity(real: np.ndarray, generated: np.ndarray) -> float:
    """torch-fidelity's own functions."""
    import torch
    from torch_fidelity import metric_fid

    moments = [
        metric_fid.fid_features_to_statistics(torch.from_numpy(each)) for each in (real, generated)
    ]
    return metric_fid.fid_statistics_to_metric(*moments, verbose=False)[metric_fid.KEY_METRIC_FID]


PEERS: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray], float]]] = {
    "torch-fidelity": ("torch_fidelity", torch_fidelity),
    "SciPy's sqrtm": ("scipy", sqrtm),
}


def _main(real_path: str, generated_path: str) -> None:
    real, generated = np.load(real_path), np.load(generated_path)
    names = [name for name, (package, _) in PEERS.items() if importlib.util.find_spec(package)]
    few = [each[:20, :4] for each in (real, generated)]
    for name in names:  # What it imports is not what is timed.
        PEERS[name][1](*few)
    print(",".join(names), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        distance = PEERS[line.strip()][1](real, generated)
        print(time.perf_counter() - start, distance, flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
