"""Keras methods a GAN does not support, and what to use instead."""

from __future__ import annotations

from typing import Any, NoReturn

import tensorflow as tf

__all__ = ["WithoutBatchMethods"]


class WithoutBatchMethods(tf.keras.Model):
    """A Keras model of which no batch can be trained on, and which as a whole is not exported."""

    def train_on_batch(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Always a NotImplementedError."""
        raise NotImplementedError(
            "A GAN has no train_on_batch: each sub-step of a round draws a batch of its own."
            " fit(dataset, rounds=n) trains n rounds, and callbacks see the end of each."
            " For a loop of your own, call gan_model and gan_loss inside your tf.function."
        )

    def test_on_batch(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Always a NotImplementedError."""
        raise NotImplementedError(
            "A GAN has no test_on_batch: evaluate(real, metrics) scores samples against real ones."
        )

    def export(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Always a NotImplementedError."""
        raise NotImplementedError(
            "A GAN is two networks, of which one draws: tfgan_lite.export(gan.gan_model, path)"
            " exports that after fit, with average= the averaged weights, and"
            " gan.generator.export(path) exports it as Keras does."
        )
