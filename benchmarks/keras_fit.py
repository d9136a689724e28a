"""A GAN as Keras's own guides have it: `fit` of a model with a `train_step` of its own."""

from __future__ import annotations

import itertools

import keras
import tensorflow as tf

from benchmarks.cases import Case, make_dataset
from benchmarks.slices import Slices
from benchmarks.updates import Draws, sub_steps

__all__ = ["KerasFit"]

_STEPS_PER_EXECUTION = 20


class KerasFit:
    """`keras.Model.fit`, with 20 rounds in a call of the compiled step.

    Args:
      case: what to train.
      jit_compile: whether XLA compiles a round.
    """

    def __init__(self, case: Case, jit_compile: bool):
        self.note = f"XLA {'on' if jit_compile else 'off'}"
        self._case = case
        self._jit_compile = jit_compile
        self._slices = Slices(self._train)
        self.run, self.close = self._slices.run, self._slices.close

    def _train(self) -> None:
        # A step takes a round's batches at once, as `fit` gives it one element of the dataset.
        g_steps, d_steps = self._case.steps
        batches = d_steps + g_steps * self._case.conditional
        dataset = make_dataset(self._case).batch(batches, drop_remainder=True)
        model = _GAN(self._case)
        model.compile(jit_compile=self._jit_compile, steps_per_execution=_STEPS_PER_EXECUTION)
        callbacks = [_SliceCallback(self._slices)]
        model.fit(dataset, steps_per_epoch=10**9, verbose=0, shuffle=False, callbacks=callbacks)


class _GAN(keras.Model):
    def __init__(self, case: Case):
        super().__init__()
        self._case = case
        self._train_generator, self._train_discriminator, _ = sub_steps(case)
        self.built = True

    def train_step(self, batches):
        g_steps, d_steps = self._case.steps
        count = itertools.count()

        def next_batch():
            i = next(count)
            return tf.nest.map_structure(lambda each: each[i], batches)

        draws = Draws(self._case, next_batch)
        for _ in range(g_steps):
            g_loss = self._train_generator(*draws.generator())
        for _ in range(d_steps):
            d_loss = self._train_discriminator(*draws.discriminator())
        return {"generator_loss": g_loss, "discriminator_loss": d_loss}


class _SliceCallback(keras.callbacks.Callback):
    def __init__(self, slices: Slices):
        super().__init__()
        self._slices = slices

    def on_train_begin(self, logs=None):
        self._slices.begin()

    def on_train_batch_end(self, batch, logs=None):
        tf.nest.map_structure(float, logs)  # Fit does not wait for a step; its losses do.
        if not self._slices.end(batch + 1):
            self.model.stop_training = True
