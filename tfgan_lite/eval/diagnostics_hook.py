"""Collapse and imbalance, told while training goes on: `DiagnosticsHook`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.eval.diagnostics import diagnose, is_healthy, verdict
from tfgan_lite.eval.evaluation import run_eagerly
from tfgan_lite.eval.periodic_look import PeriodicLook
from tfgan_lite.integers import checked_integer
from tfgan_lite.losses.slopes import logits_of
from tfgan_lite.sampling import sample_with_inputs

__all__ = ["DiagnosticsHook"]


class DiagnosticsHook(PeriodicLook):
    """Reports every now and then how training is going, in numbers and in one plain sentence.

    It looks at samples of the same noise each time and at the same real samples, in inference mode,
    and changes nothing. Numbers: those of `diagnose`; the norm of each network's last gradient,
    where `gan_train_ops(summarize_gradients=True)` reports them, and how far each network's weights
    moved since the last look, relative to their length and per round.

    Args:
      model: the model that is trained.
      real_data: a batch of real samples [N, ...], N >= 2. It is never drawn from training's data.
      every_n_steps: rounds between two looks; give this or every_secs.
      every_secs: seconds between them.
      real_inputs: for a conditional model, the generator's inputs that belong to the real samples;
        by default those of the generated ones.
      num_samples: how many to generate; as many as there are real ones by default.
      extractor: distances are between its features; by default between the samples themselves. If
        it gives logits, too, what it sees is counted as a histogram of classes.
      average: a `WeightAverage` whose weights draw.
      seed: of the noise.
      log: is called with the sentence.
      logdir: where to write; the run's own by default.
      clock: gives seconds.

    Attributes:
      verdict: the last sentence.
      findings: the numbers behind it.
      failures: how many looks failed.

    Raises:
      ValueError: periods or numbers out of range, fewer than two real samples.

    Example:
      >>> watch = tfgan.eval.DiagnosticsHook(model, data, every_n_steps=100)
    """

    def __init__(
        self,
        model: Any,
        real_data: Any,
        *,
        every_n_steps: int | None = None,
        every_secs: float | None = None,
        real_inputs: Any = None,
        num_samples: int | None = None,
        extractor: Any = None,
        average: Any = None,
        seed: int = 0,
        log: Callable[[str], None] = logging.info,
        logdir: str | os.PathLike[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(every_n_steps, every_secs, logdir, "diagnostics/", clock)
        self._real = np.asarray(real_data)
        if self._real.ndim < 2 or len(self._real) < 2:
            raise ValueError(
                f"real_data must be at least two samples [N, ...], got shape {self._real.shape}."
            )
        wanted = len(self._real) if num_samples is None else num_samples
        self._num_samples = checked_integer("num_samples", wanted, least=2)
        if not hasattr(model, "generator_inputs"):
            raise ValueError(f"A {type(model).__name__} has no generator_inputs to sample from.")
        self._model, self._real_inputs, self._extractor = model, real_inputs, extractor
        self._average, self._seed, self._log = average, seed, log
        self._tensors: Any = None
        self._variables: dict[str, Any] = {}
        self._weights: dict[str, np.ndarray] = {}
        self._weights_step = 0
        self.verdict = ""
        self.findings: dict[str, Any] = {}

    def begin(self) -> None:
        super().begin()
        self._variables = {
            name: list(getattr(self._model, f"{name}_fn").trainable_variables)
            for name in ("generator", "discriminator")
        }
        if not tf.executing_eagerly():  # A session's graph cannot grow later.
            self._tensors = self._outputs()

    def look(self, session: Any, global_step: int) -> dict[str, Any]:
        outputs = self._outputs() if self._tensors is None else session.run(self._tensors)
        samples, generated_logits, real_logits = (np.asarray(each) for each in outputs)
        seen = run_eagerly(lambda: [self._seen(each) for each in (samples, self._real)])
        (generated, logits), (real, _) = seen
        classes = None if logits is None else logits.argmax(axis=1)
        self.findings = {
            **diagnose(
                generated,
                real,
                generated_logits,
                real_logits,
                classes,
                None if logits is None else logits.shape[1],
            ),
            **self._gradient_norms(),
            **self._weight_changes(session, global_step),
        }
        self.verdict = verdict(self.findings)
        self.run.notes["verdict"] = self.verdict
        self._log(f"round {global_step}: {self.verdict}")
        healthy = is_healthy(self.findings)
        return {**self.findings, "verdict": self.verdict, "healthy": healthy}

    def _outputs(self) -> Any:
        """Samples, and what the discriminator says of them and of the real ones."""
        model = self._model
        inputs, samples = sample_with_inputs(
            model, self._num_samples, self._seed, average=self._average
        )
        real_inputs = self._real_inputs
        if real_inputs is None:  # As many as there are real samples.
            real_inputs = tf.nest.map_structure(self._as_many, inputs)
        judge = model.discriminator_fn
        logits = logits_of(judge(samples, inputs, training=False))
        real_logits = logits_of(judge(tf.constant(self._real), real_inputs, training=False))
        return samples, logits, real_logits

    def _as_many(self, leaf: tf.Tensor) -> tf.Tensor:
        if not leaf.shape.rank:
            return leaf
        return tf.gather(leaf, np.arange(len(self._real)) % self._num_samples)

    def _seen(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Features [N, D] of samples, and logits if there are any."""
        flat = samples.reshape([len(samples), -1])
        if self._extractor is None or not np.isfinite(flat).all():
            return flat, None
        found = self._extractor(samples)
        logits = found.get("logits")
        return np.asarray(found["features"]), None if logits is None else np.asarray(logits)

    def _gradient_norms(self) -> dict[str, float]:
        norms = self.run.gradient_norms()
        return {f"{name}_gradient_norm": float(norm[-1]) for name, norm in norms.items()}

    def _weight_changes(self, session: Any, global_step: int) -> dict[str, float]:
        rounds, found = global_step - self._weights_step, {}
        for name, variables in self._variables.items():
            values = [np.ravel(value) for value in session.run(variables)]
            weights = np.concatenate(values).astype(np.float32)
            before = self._weights.get(name)
            if before is not None and rounds > 0:
                length = np.linalg.norm(before)
                change = np.linalg.norm(weights - before) / rounds
                found[f"{name}_relative_update"] = float(change / length) if length else 0.0
            self._weights[name] = weights
        self._weights_step = global_step
        return found
