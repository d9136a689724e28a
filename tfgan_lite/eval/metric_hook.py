"""Scores while training goes on: `MetricHook`."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.eval.best_checkpoints import BestCheckpoints
from tfgan_lite.eval.distribution_metrics import KernelDistance
from tfgan_lite.eval.evaluation import evaluate, run_eagerly
from tfgan_lite.eval.metric import Metric
from tfgan_lite.eval.periodic_look import PeriodicLook
from tfgan_lite.eval.reference_statistics import read_once
from tfgan_lite.integers import checked_integer
from tfgan_lite.sampling import generate

__all__ = ["MetricHook"]


class MetricHook(PeriodicLook):
    """Scores the generator every now and then, on samples of its own from a fixed seed.

    It never draws training data, nor the noise that training draws. By default it takes a small
    kernel distance, which is unbiased, and so is meaningful for few samples.

    Args:
      model: the model that is trained; of a CycleGAN one direction, such as `model.model_x2y`, in
        TF2.
      reference: real samples, or `ReferenceStatistics`; read once, at the first score.
      extractor: see `evaluate`; None where samples are features.
      metrics: what to compute; `[KernelDistance()]` by default.
      num_samples: how many to generate for each score.
      every_n_steps: rounds between two scores; give this or every_secs.
      every_secs: seconds between them.
      average: the `WeightAverage` to score; None for the weights that are trained.
      keep_best: how many of the best checkpoints to keep, in `best/` in the logdir; 0 for none.
      best_by: the value to rank by; the first metric's by default.
      higher_is_better: whether it is better where it is higher; as the metric says by default.
      seed: of the samples.
      batch_size: samples that are drawn together.
      logdir: where to write; the run's own by default.
      clock: gives seconds.

    Attributes:
      results: step -> `EvaluationResult`, of this session.
      failures: how many scores failed.

    Raises:
      ValueError: periods or numbers out of range, or best_by is not a value of the metrics.

    Example:
      >>> metrics = tfgan.eval.MetricHook(model, data, num_samples=64, every_n_steps=2)
      >>> train(metrics, rounds=2)
      >>> len(metrics.results)
      1
    """

    def __init__(
        self,
        model: Any,
        reference: Any,
        extractor: Any = None,
        metrics: Sequence[Metric] | None = None,
        num_samples: int = 1000,
        *,
        every_n_steps: int | None = None,
        every_secs: float | None = None,
        average: Any = None,
        keep_best: int = 0,
        best_by: str | None = None,
        higher_is_better: bool | None = None,
        seed: int = 0,
        batch_size: int = 100,
        logdir: str | os.PathLike[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(every_n_steps, every_secs, logdir, "metrics/", clock)
        self._metrics = [KernelDistance()] if metrics is None else list(metrics)
        names = [name for metric in self._metrics for name in metric.value_names]
        self._best_by = names[0] if best_by is None else best_by
        if self._best_by not in names:
            raise ValueError(f"best_by={best_by!r} is none of the metrics' values, {names}.")
        num_samples = checked_integer("num_samples", num_samples, least=2)
        keep_best = checked_integer("keep_best", keep_best, least=0)
        if not hasattr(model, "generator_inputs"):
            raise ValueError(f"A {type(model).__name__} has no generator_inputs to sample from.")
        self._model, self._reference, self._extractor = model, reference, extractor
        self._num_samples, self._batch_size, self._seed = num_samples, batch_size, seed
        self._average = average
        deciding = next(m for m in self._metrics if self._best_by in m.value_names)
        self._keep_best = keep_best
        self._higher_is_better = (
            deciding.higher_is_better if higher_is_better is None else higher_is_better
        )
        self._best: BestCheckpoints | None = None
        self._samples: Any = None
        self.results: dict[int, Any] = {}

    def begin(self) -> None:
        super().begin()
        if self._keep_best:
            if self._logdir is None:
                raise ValueError("MetricHook has no logdir for the best checkpoints: give it one.")
            folder = os.path.join(self._logdir, "best")
            self._best = BestCheckpoints(folder, self.run, self._keep_best, self._higher_is_better)
        if not tf.executing_eagerly():  # A session's graph cannot grow later.
            self._samples = generate(
                self._model, self._num_samples, self._seed, self._batch_size, self._average
            )

    def look(self, session: Any, global_step: int) -> dict[str, Any]:
        source, average = self._model, self._average
        if self._samples is not None:
            source, average = session.run(self._samples), None
        result = run_eagerly(lambda: self._evaluate(source, average))
        if self._samples is not None:
            weights = "training" if self._average is None else "averaged"
            result.protocol["generated"] |= {"weights": weights, "batch_norm": "inference"}
        self.results[global_step] = result
        score = result[self._best_by]
        found: dict[str, Any] = {**result.values, "standard_errors": result.standard_errors}
        if self._best is not None and math.isfinite(score):
            found["kept"] = self._best.offer(score, global_step, session)
        shown = ", ".join(f"{name} = {value:.4g}" for name, value in result.values.items())
        self.run.notes["metrics"] = f"{shown} (round {global_step})"
        logging.info("round %d: %s", global_step, shown)
        return {**found, "protocol": result.protocol}

    def _evaluate(self, source: Any, average: Any) -> Any:
        self._reference = read_once(self._reference, self._extractor, self._metrics, self._seed)
        return evaluate(
            source,
            self._reference,
            self._metrics,
            self._num_samples,
            self._extractor,
            seed=self._seed,
            batch_size=self._batch_size,
            average=average,
            progress=False,
        )
