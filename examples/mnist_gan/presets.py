"""The recipes that --preset chooses from: networks, losses and how they are minimised."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

import tfgan_lite as tfgan
from examples.mnist_gan import networks, r3gan

LOSSES = {
    "wasserstein": (
        tfgan.losses.wasserstein_generator_loss,
        tfgan.losses.wasserstein_discriminator_loss,
    ),
    "hinge": (
        tfgan.losses.wasserstein_hinge_generator_loss,
        tfgan.losses.wasserstein_hinge_discriminator_loss,
    ),
    "minimax": (
        tfgan.losses.minimax_generator_loss,
        tfgan.losses.minimax_discriminator_loss,
    ),
    "modified": (
        tfgan.losses.modified_generator_loss,
        tfgan.losses.modified_discriminator_loss,
    ),
    "least_squares": (
        tfgan.losses.least_squares_generator_loss,
        tfgan.losses.least_squares_discriminator_loss,
    ),
    "relativistic_paired": (
        tfgan.losses.relativistic_paired_generator_loss,
        tfgan.losses.relativistic_paired_discriminator_loss,
    ),
}


@dataclasses.dataclass(frozen=True)
class Preset:
    """A recipe. Flags change what is in `defaults`.

    Attributes:
      generator: A function of the number of inputs that gives a generator.
      features: A function of whether to use batch norm that gives a discriminator up to its heads.
      defaults: Values of the flags that a user does not give, by name.
      beta_1: Adam's decay of the gradients' mean.
      beta_2: Adam's decay of their squares' mean.
    """

    generator: Callable[[int], tf.keras.Model]
    features: Callable[[bool], tf.keras.Model]
    defaults: Mapping[str, Any]
    beta_1: float
    beta_2: float

    def optimizer(self, rate: Any) -> tf.keras.optimizers.Optimizer:
        """Returns a new Adam with a learning rate or a schedule of it."""
        return tf.keras.optimizers.Adam(rate, beta_1=self.beta_1, beta_2=self.beta_2)


PRESETS = {
    # DCGAN (https://arxiv.org/abs/1511.06434), with a higher rate.
    "default": Preset(
        generator=networks.generator,
        features=networks.features,
        defaults={
            "loss": "modified",
            "generator_lr": 1e-3,
            "discriminator_lr": 1e-3,
            "gamma": 0.0,
            "ema_half_life_images": 0.0,
        },
        beta_1=0.5,
        beta_2=0.999,
    ),
    # R3GAN (https://arxiv.org/abs/2501.05441), scaled to MNIST.
    "r3gan": Preset(
        generator=r3gan.generator,
        features=r3gan.features,
        defaults={
            "loss": "relativistic_paired",
            "generator_lr": 2e-3,
            "discriminator_lr": 2e-3,
            "gamma": 1.0,
            "ema_half_life_images": 10_000.0,
        },
        beta_1=0.0,
        beta_2=0.99,
    ),
}
