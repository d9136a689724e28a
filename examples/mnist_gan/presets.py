"""The recipes that --preset chooses from: networks, losses and how they are minimised."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

import tfgan_lite as tfgan
from examples.mnist_gan import networks, r3gan

PRECISIONS = ("float32", "bfloat16", "float16")

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
      precision: What the networks compute in. Weights, Adam's moments, the images that are drawn
        and the discriminator's heads are float32 in any case.
    """

    generator: Callable[[int], tf.keras.Model]
    features: Callable[[bool], tf.keras.Model]
    defaults: Mapping[str, Any]
    beta_1: float
    beta_2: float
    precision: str = "float32"

    def optimizer(self, rate: Any) -> tf.keras.optimizers.Optimizer:
        """Returns a new Adam with a learning rate or a schedule of it."""
        adam = tf.keras.optimizers.Adam(rate, beta_1=self.beta_1, beta_2=self.beta_2)
        # float16 has no numbers below 6e-8, which many gradients are; bfloat16 has.
        needs_scale = self.precision == "float16"
        return tf.keras.mixed_precision.LossScaleOptimizer(adam) if needs_scale else adam

    def computing_in(self, precision: str) -> "Preset":
        """Returns the same recipe for networks that compute in another of PRECISIONS."""
        if precision == "float32":
            return self

        def generator(input_dims: int) -> tf.keras.Model:
            whole = self.generator(input_dims)
            return _with_policy(whole, f"mixed_{precision}", whole.layers[:-1])

        def features(batch_norm: bool) -> tf.keras.Model:
            whole = self.features(batch_norm)
            return _with_policy(whole, f"mixed_{precision}", whole.layers)

        return dataclasses.replace(
            self, generator=generator, features=features, precision=precision
        )


def _with_policy(
    model: tf.keras.Model, policy: str, layers: Sequence[tf.keras.layers.Layer]
) -> tf.keras.Model:
    """Returns the model anew, some of its layers with a dtype policy."""
    names = {layer.name for layer in layers}

    def remade(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
        config = layer.get_config()
        if layer.name in names:
            config["dtype"] = policy
        return type(layer).from_config(config)

    return tf.keras.models.clone_model(model, clone_function=remade)


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
