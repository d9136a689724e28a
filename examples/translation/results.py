"""A run's folder, and the picture of what its generator makes."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from examples import files
from examples.mnist_gan import pictures, runs


def claim(logdir: str, program: str, config: Mapping[str, Any]) -> int:
    """Makes a folder this run's own, to begin a run or to resume one; returns the rounds behind it.

    Raises:
      ValueError: If the folder cannot be written to or holds another run.
    """
    return runs.claim(
        pathlib.Path(logdir),
        {"program": program, **config},
        fixed=("program", "graph_mode"),
        program=f"examples.translation.{program}",
    )


def save(logdir: str, rows: Sequence[np.ndarray], metrics: Mapping[str, Any]) -> None:
    """Writes samples.png and metrics.json, and prints the metrics.

    Args:
      logdir: Where to.
      rows: One or more equally many drawings [N, 28, 28, 1 or 3] in [-1, 1] for each row.
      metrics: Numbers and texts by name.
    """
    columns = len(rows[0])
    drawings = np.concatenate([np.broadcast_to(row, (columns, 28, 28, 3)) for row in rows])
    channels = [pictures.image_grid(drawings[..., i : i + 1], columns) for i in range(3)]
    folder = pathlib.Path(logdir)
    pictures.save_png(folder / "samples.png", np.stack(channels, axis=-1))
    files.write_json(folder / "metrics.json", metrics)
    for name, value in metrics.items():
        print(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")
    print(f"Pictures: {folder / 'samples.png'}   Metrics: {folder / 'metrics.json'}")
