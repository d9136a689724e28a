"""Pictures for TensorBoard while training goes on, in TF2."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred, materialise
from tfgan_lite.eval.periodic_look import PeriodicLook
from tfgan_lite.eval.summaries import Summary

__all__ = ["ImageSummaryHook", "values_of", "write_summaries"]


def write_summaries(summaries: Sequence[Summary], step: int) -> None:
    """Writes summaries to the default `tf.summary` writer, all from a run of their own.

    The run draws from iterators of its own, so that training misses no data, and its networks do
    not train.

    Args:
      summaries: what the `add_..._summaries` functions give in TF2.
      step: the global step.

    Raises:
      RuntimeError: in a graph, where `tf.compat.v1.train.SummarySaverHook` does it.

    Example:
      >>> with tf.summary.create_file_writer("written").as_default():
      ...     tfgan.eval.write_summaries(tfgan.eval.add_gan_model_summaries(model), step=0)
      >>> len(tf.io.gfile.glob("written/events.out.*"))
      1
    """
    if not tf.executing_eagerly():
        raise RuntimeError(
            "write_summaries is for TF2. In a graph the summaries are part of it: use "
            "tf.compat.v1.train.SummarySaverHook or tf.compat.v1.summary.merge_all."
        )
    write = {
        "image": tf.summary.image,
        "histogram": tf.summary.histogram,
        "scalar": tf.summary.scalar,
    }
    for summary, value in zip(summaries, values_of(summaries)):
        write[summary.kind](summary.name, value, step)


class ImageSummaryHook(PeriodicLook):
    """Writes pictures of a model to TensorBoard every now and then.

        pictures = tfgan.eval.add_gan_model_image_summaries(model)
        gan_train(train_ops, logdir, hooks=[tfgan.eval.ImageSummaryHook(pictures, 1000), ...])

    They are taken by `write_summaries`, after the round. A failure is logged, and training goes on.

    Args:
      summaries: what the `add_..._summaries` functions give in TF2; several lists can be added.
      every_n_steps: rounds between two pictures; give this or every_secs.
      every_secs: seconds between them.
      logdir: where to write; the run's own by default.
      clock: gives seconds.

    Raises:
      ValueError: no summaries, or periods out of range; when training begins, no logdir.
      RuntimeError: when training begins, in a graph, where `tf.compat.v1.train.SummarySaverHook`
        writes them.

    Example:
      >>> pictures = tfgan.eval.add_gan_model_image_summaries(image_model)
      >>> train(tfgan.eval.ImageSummaryHook(pictures, every_n_steps=2, logdir="pictures"), rounds=2)
      >>> bool(tf.io.gfile.glob("pictures/events.out.*"))
      True
    """

    def __init__(
        self,
        summaries: Sequence[Summary],
        every_n_steps: int | None = None,
        every_secs: float | None = None,
        logdir: str | os.PathLike[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(every_n_steps, every_secs, logdir, clock=clock)
        if not summaries or not all(isinstance(each, Summary) for each in summaries):
            raise ValueError(
                "summaries must be a list that an add_..._summaries function gave, but it is "
                f"{summaries!r}."
            )
        self._summaries = list(summaries)
        self._pictures: Any = None

    def begin(self) -> None:
        if not tf.executing_eagerly():
            raise RuntimeError(
                "ImageSummaryHook is for TF2. In a graph the summaries are part of it: use "
                "tf.compat.v1.train.SummarySaverHook."
            )
        super().begin()
        if self._logdir is None:
            raise ValueError("ImageSummaryHook has no logdir: give it one, or give gan_train one.")
        self._pictures = tf.summary.create_file_writer(self._logdir, filename_suffix=".pictures")

    def look(self, session: Any, global_step: int) -> dict[str, Any]:
        with self._pictures.as_default():
            write_summaries(self._summaries, global_step)
        self._pictures.flush()
        return {"pictures": [each.name for each in self._summaries if each.kind == "image"]}

    def close(self) -> None:
        """Closes the file; `gan_train` calls it after errors, too."""
        if self._pictures is not None:
            self._pictures.close()


def values_of(summaries: Sequence[Summary]) -> list[Any]:
    """All values of one run."""

    def compute() -> list[Any]:
        return [materialise(summary.value) for summary in summaries]

    return Deferred(compute, "summaries", opaque=True)()
