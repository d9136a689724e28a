"""The library beside other packages on the same inputs; the tests print it as a table.

The packages, PyTorch among them, may be in another environment: TFGAN_LITE_PEERS_PYTHON names its
Python. `make parity` makes one. It takes minutes, most of them for the peers' matrix roots.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable

import numpy as np
from PIL import Image
from scipy import linalg, spatial

IMAGE_SIZES = [(28, 28), (32, 32), (64, 48), (256, 256), (299, 299), (300, 310), (512, 512)]
PEERS = ("torch-fidelity", "clean-fid", "PyTorch", "prdc")


@dataclasses.dataclass(frozen=True)
class Row:
    """One value beside another's.

    Attributes:
      name: What is computed.
      peer: By whom else.
      ours: The library's value; None for an array.
      theirs: The other one.
      error: Relative to theirs; of images, of a pixel's 255 steps, the largest.
      allowed: The error up to which both count as equal.
    """

    name: str
    peer: str
    ours: float | None
    theirs: float | None
    error: float
    allowed: float


def inputs() -> dict[str, np.ndarray]:
    """What the library and its peers are both given, by name."""
    few = np.random.default_rng(3)
    pixels = np.random.default_rng(1)
    return {
        "wide 1": features(3000, 2048, seed=1),
        "wide 2": features(2500, 2048, seed=2),
        "narrow 1": features(2000, 256, seed=1),
        "narrow 2": features(2000, 256, seed=2),
        # Nearest neighbours among which all shares are partial.
        "real": few.normal(size=[800, 6]),
        "generated": 0.8 * few.normal(size=[700, 6]) + 0.3,
        "logits": 3.0 * np.random.default_rng(0).normal(size=[5000, 40]),
        **{
            f"image {height}x{width}": pixels.uniform(0, 255, [height, width, 3]).astype("f")
            for height, width in IMAGE_SIZES
        },
    }


def features(count: int, width: int, seed: int) -> np.ndarray:
    """Features as those of a network's last pool: not negative, skewed, correlated; float64."""
    mixing = np.random.default_rng(0).normal(size=[width, width]) / np.sqrt(width)
    noise = np.random.default_rng(seed).normal(size=[count, width])
    return np.maximum(noise * np.linspace(0.2, 1.5, width) @ mixing + 0.1 * seed, 0.0)


def own_values(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The library's values, by the peers' names of them."""
    import tfgan_lite.eval as tfgan_eval
    from tfgan_lite.eval.kernel_distance import (
        kernel_classifier_distance_from_activations,
        kernel_distance_of_subsets,
    )

    values = {}
    for name, width in (("wide", 2048), ("narrow", 256)):
        values[f"FID, {width} features"] = tfgan_eval.frechet_classifier_distance_from_activations(
            given[f"{name} 1"], given[f"{name} 2"]
        )
    pair = given["narrow 1"], given["narrow 2"]
    mean, deviation = kernel_distance_of_subsets(*pair)
    values["KID, mean of 100 subsets"] = mean
    values["KID, deviation of 100 subsets"] = deviation
    values["KID, all samples"] = kernel_classifier_distance_from_activations(*pair, None)
    mean, deviation = tfgan_eval.classifier_score_and_std_from_logits(given["logits"], 10)
    values["IS, mean of 10 parts"], values["IS, deviation of 10 parts"] = mean, deviation
    for k in (3, 5):
        pairs = {
            ("precision", "recall"): tfgan_eval.precision_recall,
            ("density", "coverage"): tfgan_eval.density_coverage,
        }
        for names, function in pairs.items():
            found = function(given["real"], given["generated"], k)
            values |= {f"{name}, k = {k}": value for name, value in zip(names, found)}
    for mode in tfgan_eval.RESIZE_MODES:
        for name, image in given.items():
            if name.startswith("image "):
                resized = tfgan_eval.resize(image[np.newaxis], (299, 299), mode)[0]
                values[f"resize {mode} {name.removeprefix('image ')}"] = resized
    return {name: np.asarray(value) for name, value in values.items()}


def peers_values(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What packages say that are there, by "peer: name"."""
    python = os.environ.get("TFGAN_LITE_PEERS_PYTHON", sys.executable)
    program = pathlib.Path(__file__).with_name("parity_peers.py")
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, name) for name in ("inputs.npz", "values.npz")]
        np.savez(files[0], **given)
        subprocess.run([python, str(program), *files], check=True)
        with np.load(files[1]) as values:
            return dict(values)


def formulas_values(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The published formulas, written here with NumPy, SciPy and Pillow alone, which are there."""
    first, second = given["narrow 1"], given["narrow 2"]
    values = {"SciPy: FID, 256 features": _frechet(first, second)}
    width = first.shape[1]
    xx, yy, xy = (
        (a @ b.T / width + 1) ** 3 for a, b in [(first, first), (second, second), (first, second)]
    )
    within = sum((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (xx, yy))
    values["NumPy: KID, all samples"] = within - 2 * xy.mean()
    parts = [_score(part) for part in np.split(given["logits"], 10)]
    values["NumPy: IS, mean of 10 parts"] = np.mean(parts)
    values["NumPy: IS, deviation of 10 parts"] = np.std(parts)
    for k in (3, 5):
        found = _neighbours(given["real"], given["generated"], k)
        values |= {f"SciPy: {name}, k = {k}": value for name, value in found.items()}
    for name, image in given.items():
        if name.startswith("image "):
            channels = [
                Image.fromarray(channel).resize((299, 299), Image.Resampling.BICUBIC)
                for channel in np.moveaxis(image, -1, 0)
            ]
            key = f"Pillow: resize clean {name.removeprefix('image ')}"
            values[key] = np.stack(channels, axis=-1).clip(0, 255)
    return {name: np.asarray(value) for name, value in values.items()}


def _frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Heusel et al., arXiv:1706.08500, with SciPy's matrix root."""
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    shift = first.mean(axis=0) - second.mean(axis=0)
    return shift @ shift + sum(np.trace(c) for c in covariances) - 2 * np.trace(root)


def _score(logits: np.ndarray) -> float:
    """Salimans et al., arXiv:1606.03498."""
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return np.exp(np.mean(np.sum(p * (np.log(p) - np.log(p.mean(axis=0))), axis=1)))


def _neighbours(real: np.ndarray, generated: np.ndarray, k: int) -> dict[str, float]:
    """Kynkäänniemi et al., arXiv:1904.06991, and Naeem et al., arXiv:2002.09797."""
    cdist = spatial.distance.cdist
    real_radii = np.sort(cdist(real, real), axis=1)[:, k, np.newaxis]
    generated_radii = np.sort(cdist(generated, generated), axis=1)[:, k]
    distances = cdist(real, generated)
    return {
        "precision": (distances <= real_radii).any(axis=0).mean(),
        "recall": (distances <= generated_radii).any(axis=1).mean(),
        "density": (distances < real_radii).sum(axis=0).mean() / k,
        "coverage": (distances < real_radii).any(axis=1).mean(),
    }


def rows(own: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> list[Row]:
    """Each of the others' values beside the library's of the same name."""
    table = []
    for key, theirs in others.items():
        peer, name = key.split(": ", 1)
        ours = own[name]
        if ours.ndim:
            error = float(np.max(np.abs(ours - theirs)) / 255)
            table.append(Row(name, peer, None, None, error, allowed=1e-5))
        else:
            shares = name.split(",")[0] in ("precision", "recall", "density", "coverage")
            error = float(abs(ours - theirs) / abs(theirs))
            # Identical: the same counts. A mean of float32, as torch-fidelity's is, has 7 digits.
            allowed = 1e-6 if not shares else 1e-7
            table.append(Row(name, peer, float(ours), float(theirs), error, allowed))
    return table


def shown(table: Iterable[Row]) -> str:
    """Returns a Markdown table."""
    lines = ["| value | of | tfgan_lite | theirs | error |", "|---|---|---|---|---|"]
    for row in table:
        numbers = ["" if x is None else f"{x:.10g}" for x in (row.ours, row.theirs)]
        lines.append(f"| {row.name} | {row.peer} | {' | '.join(numbers)} | {row.error:.1e} |")
    return "\n".join(lines)
