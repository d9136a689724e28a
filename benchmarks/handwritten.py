"""The loops that people write by hand in TensorFlow 2, without a library."""

from __future__ import annotations

import time

import tensorflow as tf

from benchmarks.cases import Case, make_dataset
from benchmarks.updates import Draws, sub_steps

__all__ = ["FusedLoop", "PlainLoop"]

_ROUNDS_PER_CALL = 20


class FusedLoop:
    """20 rounds in one tf.function, data and noise drawn inside: the best of an expert.

    Args:
      case: what to train.
      jit_compile: whether XLA compiles the sub-steps.
      joint: whether both networks are updated from one draw and one forward pass.
    """

    def __init__(self, case: Case, jit_compile: bool, joint: bool = False):
        self.note = f"XLA {'on' if jit_compile else 'off'}"
        draws = Draws(case, iter(make_dataset(case)).get_next)
        train_g, train_d, train_both = (
            tf.function(step, jit_compile=jit_compile or None) for step in sub_steps(case)
        )
        g_steps, d_steps = case.steps

        @tf.function
        def train(rounds):
            losses = tf.TensorArray(tf.float32, rounds, element_shape=[2])
            for i in tf.range(rounds):
                if joint:
                    g_loss, d_loss = train_both(*draws.discriminator())
                    for _ in range(d_steps - g_steps):
                        d_loss = train_d(*draws.discriminator())
                else:
                    for _ in range(g_steps):
                        g_loss = train_g(*draws.generator())
                    for _ in range(d_steps):
                        d_loss = train_d(*draws.discriminator())
                losses = losses.write(i, tf.stack([g_loss, d_loss]))
            return losses.stack()

        self._train = train

    def run(self, rounds: int) -> float:
        """Trains, and gives the seconds that it took."""
        start = time.perf_counter()
        for done in range(0, rounds, _ROUNDS_PER_CALL):
            self._train(tf.constant(min(_ROUNDS_PER_CALL, rounds - done))).numpy()
        return time.perf_counter() - start

    def close(self) -> None:
        pass


class PlainLoop:
    """A tf.function for each network, called from a Python loop, as tutorials have it."""

    note = ""

    def __init__(self, case: Case):
        self._steps = case.steps
        self._next_batch = iter(make_dataset(case)).get_next
        generator, discriminator, _ = sub_steps(case)
        # A generator that needs no labels draws no batch.
        self._next_g_batch = self._next_batch if case.conditional else lambda: None

        @tf.function
        def train_generator(batch):
            return generator(*Draws(case, lambda: batch).generator())

        @tf.function
        def train_discriminator(batch):
            return discriminator(*Draws(case, lambda: batch).discriminator())

        self._train_generator = train_generator
        self._train_discriminator = train_discriminator

    def run(self, rounds: int) -> float:
        """Trains, and gives the seconds that it took."""
        g_steps, d_steps = self._steps
        start = time.perf_counter()
        for _ in range(rounds):
            for _ in range(g_steps):
                self._train_generator(self._next_g_batch())
            for _ in range(d_steps):
                loss = self._train_discriminator(self._next_batch())
        loss.numpy()
        return time.perf_counter() - start

    def close(self) -> None:
        pass
