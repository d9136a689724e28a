"""A GAN's updates written by hand in TensorFlow 2, as plain functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from benchmarks.cases import NOISE_DIMS, PENALTY_WEIGHT, Case, make_networks

__all__ = ["Draws", "SubSteps", "sub_steps"]


class SubSteps(NamedTuple):
    """Updates; each returns its loss or losses. `inputs` are noise, or (noise, labels)."""

    generator: Callable[[Any], tf.Tensor]
    discriminator: Callable[[Any, tf.Tensor], tf.Tensor]
    joint: Callable[[Any, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class Draws(NamedTuple):
    """What the updates of a case take, drawn anew by each call.

    Attributes:
      case: what is trained.
      next_batch: gives the dataset's next element.
    """

    case: Case
    next_batch: Callable[[], Any]

    def generator(self) -> tuple[Any]:
        """(inputs,); labels are those of a batch."""
        return (self._inputs(self.next_batch()) if self.case.conditional else self._noise(),)

    def discriminator(self) -> tuple[Any, tf.Tensor]:
        """(inputs, images); of a joint update, too."""
        batch = self.next_batch()
        if self.case.conditional:
            return self._inputs(batch), batch[0]
        return self._noise(), batch

    def _inputs(self, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        return self._noise(), batch[1]

    def _noise(self) -> tf.Tensor:
        return tf.random.normal([self.case.batch_size, NOISE_DIMS])


def sub_steps(case: Case) -> SubSteps:
    """The updates of new networks."""
    generator, discriminator, g_optimizer, d_optimizer = make_networks(case)
    g_variables = generator.trainable_variables
    d_variables = discriminator.trainable_variables
    g_optimizer.build(g_variables)
    d_optimizer.build(d_variables)
    generator_loss, discriminator_loss = (
        (_critics_estimate, _critic_loss)
        if case.kind == "wgan-gp"
        else (_non_saturating_loss, _cross_entropy)
    )

    def logits_of(images, inputs):
        return discriminator((images, inputs[1]) if case.conditional else images, training=True)

    def penalty(images, fakes, inputs):
        if case.kind != "wgan-gp":
            return 0.0
        return PENALTY_WEIGHT * _gradient_penalty(lambda x: logits_of(x, inputs), images, fakes)

    def train_generator(inputs):
        with tf.GradientTape() as tape:
            loss = generator_loss(logits_of(generator(inputs, training=True), inputs))
        g_optimizer.apply(tape.gradient(loss, g_variables), g_variables)
        return loss

    def train_discriminator(inputs, images):
        fakes = generator(inputs, training=True)
        with tf.GradientTape() as tape:
            real_logits = logits_of(images, inputs)
            loss = discriminator_loss(real_logits, logits_of(fakes, inputs))
            loss += penalty(images, fakes, inputs)
        d_optimizer.apply(tape.gradient(loss, d_variables), d_variables)
        return loss

    def train_both(inputs, images):
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fakes = generator(inputs, training=True)
            fake_logits = logits_of(fakes, inputs)
            g_loss = generator_loss(fake_logits)
            d_loss = discriminator_loss(logits_of(images, inputs), fake_logits)
            d_loss += penalty(images, tf.stop_gradient(fakes), inputs)
        g_gradients = g_tape.gradient(g_loss, g_variables)
        d_gradients = d_tape.gradient(d_loss, d_variables)
        g_optimizer.apply(g_gradients, g_variables)
        d_optimizer.apply(d_gradients, d_variables)
        return g_loss, d_loss

    return SubSteps(train_generator, train_discriminator, train_both)


def _non_saturating_loss(fake_logits):
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def _cross_entropy(real_logits, fake_logits):
    real_loss = tf.reduce_mean(tf.nn.softplus(-real_logits))
    return real_loss + tf.reduce_mean(tf.nn.softplus(fake_logits))


def _critics_estimate(fake_logits):
    return -tf.reduce_mean(fake_logits)


def _critic_loss(real_logits, fake_logits):
    return tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)


def _gradient_penalty(critic, images, fakes):
    places = tf.random.uniform([tf.shape(images)[0], 1, 1, 1])
    between = images + places * (fakes - images)
    with tf.GradientTape() as tape:
        tape.watch(between)
        logits = critic(between)
    gradients = tape.gradient(logits, between)
    slopes = tf.sqrt(tf.reduce_sum(gradients**2, axis=[1, 2, 3]) + 1e-10)
    return tf.reduce_mean((slopes - 1.0) ** 2)
