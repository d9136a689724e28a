"""The checkpoints with the best scores, kept apart from the newest ones, in both worlds."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow as tf

from tfgan_lite.replaced_file import replaced_file
from tfgan_lite.train.checkpoint import checkpoint_of
from tfgan_lite.train.training_run import TrainingRun

__all__ = ["BestCheckpoints"]

_RANKING = "best.json"


class BestCheckpoints:
    """Keeps the checkpoints of the k best rounds in a folder of their own.

    Each is a whole checkpoint of the run. The folder by itself means the best of them: it is what
    `tf.train.latest_checkpoint(folder)` finds, and what `gan_train(..., logdir=folder)` goes on
    from. `best.json` lists them, the best first, and a resumed run goes on with it.

    Args:
      folder: where they go.
      run: the training run. Made before a graph's session begins.
      most: k.
      higher_is_better: whether a score is better where it is higher.
    """

    def __init__(self, folder: str, run: TrainingRun, most: int, higher_is_better: bool = False):
        self._folder, self._most, self._higher = folder, most, higher_is_better
        self._ranking_path = os.path.join(folder, _RANKING)
        self.ranking: list[dict[str, Any]] = []
        if tf.io.gfile.exists(self._ranking_path):
            self.ranking = _read_ranking(self._ranking_path)
        self._run = run
        self._manager: tf.train.CheckpointManager | None = None
        self._saver: Any = None
        if not tf.executing_eagerly():
            self._saver = tf.compat.v1.train.Saver(max_to_keep=None)

    def offer(self, score: float, step: int, session: Any) -> bool:
        """Saves a checkpoint if the score is among the best; says whether it is."""
        entry = {"step": step, "score": score, "checkpoint": f"ckpt-{step}"}
        # A run that was resumed comes by the same rounds again.
        others = [each for each in self.ranking if each["step"] != step]
        # Of equal scores the earlier stays in front: sorting is stable.
        ranking = sorted([*others, entry], key=lambda e: e["score"], reverse=self._higher)
        kept, dropped = ranking[: self._most], ranking[self._most :]
        if entry not in kept:
            return False
        tf.io.gfile.makedirs(self._folder)
        self._save(session, step)
        self.ranking = kept
        with replaced_file(self._ranking_path) as file:
            file.write((json.dumps(kept, indent=2) + "\n").encode())
        self._name_the_best()
        for each in dropped:
            for path in tf.io.gfile.glob(os.path.join(self._folder, each["checkpoint"] + ".*")):
                tf.io.gfile.remove(path)
        return True

    def _name_the_best(self) -> None:
        """Writes the list that TensorFlow reads, where it would name the newest as the latest."""
        names = [entry["checkpoint"] for entry in self.ranking]
        lines = [f'model_checkpoint_path: "{names[0]}"']
        lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
        with replaced_file(os.path.join(self._folder, "checkpoint")) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def _save(self, session: Any, step: int) -> None:
        if self._saver is not None:
            prefix = os.path.join(self._folder, "ckpt")
            self._saver.save(session, prefix, step, write_meta_graph=False)
            return
        if self._manager is None:
            checkpoint = checkpoint_of(self._run.train_ops, self._run.train_hooks, session)
            self._manager = tf.train.CheckpointManager(checkpoint, self._folder, max_to_keep=None)
        self._manager.save(checkpoint_number=step)


def _read_ranking(path: str) -> list[dict[str, Any]]:
    """The ranking of an earlier session; its names become paths, so they are checked."""
    try:
        with tf.io.gfile.GFile(path) as file:
            ranking = json.loads(file.read())
        for entry in ranking:
            if entry["checkpoint"] != f"ckpt-{int(entry['step'])}":
                raise ValueError(f"{entry['checkpoint']!r} is not a checkpoint of this folder")
            float(entry["score"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            f"{path} is not a ranking of checkpoints ({error}): remove it to start anew."
        ) from error
    return ranking
