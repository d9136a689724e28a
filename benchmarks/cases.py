"""What is trained: two kinds of nets, batch sizes and ratios, the same for every side."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

__all__ = ["ADAM", "CASES", "NOISE_DIMS", "Case", "images", "make_dataset", "make_networks"]

NOISE_DIMS = 64
ADAM = {"learning_rate": 1e-4, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-8}

_LEAK = 0.2
_NUM_IMAGES = 4096


@dataclasses.dataclass(frozen=True)
class Case:
    """One row group of the table.

    Attributes:
      nets: "dense" (0.1 M weights each) or "dcgan" (6.5 M each, those of TF-GAN's MNIST example
        without normalisation).
      batch_size: real images in a sub-step.
      steps: sub-steps of the generator and of the discriminator in a round.
    """

    nets: str
    batch_size: int
    steps: tuple[int, int] = (1, 1)

    @property
    def name(self) -> str:
        return f"{self.nets}/{self.batch_size}/{self.steps[0]}:{self.steps[1]}"


CASES = [
    Case(nets, batch_size, steps)
    for nets in ("dense", "dcgan")
    for batch_size in (32, 256)
    for steps in ((1, 1), (1, 5))
]


class Networks(NamedTuple):
    """Keras models and their optimizers."""

    generator: Any
    discriminator: Any
    generator_optimizer: Any
    discriminator_optimizer: Any


def make_networks(case: Case) -> Networks:
    """New networks, the same layers as `benchmarks.pytorch` has."""
    import keras

    layers = keras.layers

    def leaky() -> Any:
        return layers.LeakyReLU(negative_slope=_LEAK)

    noise, image = keras.Input([NOISE_DIMS]), keras.Input([28, 28, 1])
    if case.nets == "dense":
        generator = [
            noise,
            layers.Dense(128, "relu"),
            layers.Dense(784, "tanh"),
            layers.Reshape([28, 28, 1]),
        ]
        discriminator = [image, layers.Flatten(), layers.Dense(128), leaky(), layers.Dense(1)]
    else:
        generator = [
            noise,
            layers.Dense(1024, "relu"),
            layers.Dense(7 * 7 * 128, "relu"),
            layers.Reshape([7, 7, 128]),
            layers.Conv2DTranspose(64, 4, 2, "same", activation="relu"),
            layers.Conv2DTranspose(32, 4, 2, "same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="tanh"),
        ]
        discriminator = [
            image,
            layers.Conv2D(64, 4, 2, "same"),
            leaky(),
            layers.Conv2D(128, 4, 2, "same"),
            leaky(),
            layers.Flatten(),
            layers.Dense(1024),
            leaky(),
            layers.Dense(1),
        ]
    adam = keras.optimizers.Adam
    return Networks(
        keras.Sequential(generator), keras.Sequential(discriminator), adam(**ADAM), adam(**ADAM)
    )


def images() -> np.ndarray:
    """Made-up images: float32 [4096, 28, 28, 1] in [-1, 1]. What they show costs no time."""
    return np.random.default_rng(0).uniform(-1, 1, [_NUM_IMAGES, 28, 28, 1]).astype(np.float32)


def make_dataset(case: Case) -> Any:
    """Shuffled batches without end."""
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(images()).shuffle(_NUM_IMAGES).repeat()
    return dataset.batch(case.batch_size, drop_remainder=True).prefetch(4)
