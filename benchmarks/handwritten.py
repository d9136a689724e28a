"""The loops that people write by hand in TensorFlow 2, without a library."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from benchmarks.cases import NOISE_DIMS, Case, make_dataset, make_networks

__all__ = ["FusedLoop", "PlainLoop", "noise", "sub_steps"]

_ROUNDS_PER_CALL = 20


class SubSteps(NamedTuple):
    """Updates as plain functions of tensors; each returns its loss or losses."""

    generator: Callable[[tf.Tensor], tf.Tensor]
    discriminator: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    joint: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class FusedLoop:
    """20 rounds in one tf.function, data and noise drawn inside: the best of an expert.

    Args:
      case: what to train.
      jit_compile: whether XLA compiles the sub-steps.
      joint: whether both networks are updated from one draw and one forward pass.
    """

    def __init__(self, case: Case, jit_compile: bool, joint: bool = False):
        self.note = f"XLA {'on' if jit_compile else 'off'}"
        iterator = iter(make_dataset(case))
        train_g, train_d, train_both = (
            tf.function(step, jit_compile=jit_compile or None) for step in sub_steps(case)
        )
        g_steps, d_steps = case.steps

        @tf.function
        def train(rounds):
            losses = tf.TensorArray(tf.float32, rounds, element_shape=[2])
            for i in tf.range(rounds):
                if joint:
                    g_loss, d_loss = train_both(noise(case), next(iterator))
                    for _ in range(d_steps - g_steps):
                        d_loss = train_d(noise(case), next(iterator))
                else:
                    for _ in range(g_steps):
                        g_loss = train_g(noise(case))
                    for _ in range(d_steps):
                        d_loss = train_d(noise(case), next(iterator))
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
        self._iterator = iter(make_dataset(case))
        generator, discriminator, _ = sub_steps(case)

        @tf.function
        def train_generator():
            return generator(noise(case))

        @tf.function
        def train_discriminator(images):
            return discriminator(noise(case), images)

        self._train_generator = train_generator
        self._train_discriminator = train_discriminator

    def run(self, rounds: int) -> float:
        """Trains, and gives the seconds that it took."""
        g_steps, d_steps = self._steps
        start = time.perf_counter()
        for _ in range(rounds):
            for _ in range(g_steps):
                self._train_generator()
            for _ in range(d_steps):
                loss = self._train_discriminator(next(self._iterator))
        loss.numpy()
        return time.perf_counter() - start

    def close(self) -> None:
        pass


def noise(case: Case) -> tf.Tensor:
    """A batch of it."""
    return tf.random.normal([case.batch_size, NOISE_DIMS])


def sub_steps(case: Case) -> SubSteps:
    """The updates of new networks."""
    networks = make_networks(case)
    generator, discriminator, g_optimizer, d_optimizer = networks
    g_variables = generator.trainable_variables
    d_variables = discriminator.trainable_variables
    g_optimizer.build(g_variables)
    d_optimizer.build(d_variables)

    def generator_loss(fake_logits):
        return tf.reduce_mean(tf.nn.softplus(-fake_logits))

    def discriminator_loss(real_logits, fake_logits):
        real_loss = tf.reduce_mean(tf.nn.softplus(-real_logits))
        return real_loss + tf.reduce_mean(tf.nn.softplus(fake_logits))

    def train_generator(z):
        with tf.GradientTape() as tape:
            fakes = generator(z, training=True)
            loss = generator_loss(discriminator(fakes, training=True))
        g_optimizer.apply(tape.gradient(loss, g_variables), g_variables)
        return loss

    def train_discriminator(z, images):
        fakes = generator(z, training=True)
        with tf.GradientTape() as tape:
            real_logits = discriminator(images, training=True)
            loss = discriminator_loss(real_logits, discriminator(fakes, training=True))
        d_optimizer.apply(tape.gradient(loss, d_variables), d_variables)
        return loss

    def train_both(z, images):
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake_logits = discriminator(generator(z, training=True), training=True)
            real_logits = discriminator(images, training=True)
            g_loss = generator_loss(fake_logits)
            d_loss = discriminator_loss(real_logits, fake_logits)
        g_gradients = g_tape.gradient(g_loss, g_variables)
        d_gradients = d_tape.gradient(d_loss, d_variables)
        g_optimizer.apply(g_gradients, g_variables)
        d_optimizer.apply(d_gradients, d_variables)
        return g_loss, d_loss

    return SubSteps(train_generator, train_discriminator, train_both)
