"""What is trained: two kinds of nets, batch sizes, ratios and losses, the same for every side."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "ADAM",
    "CASES",
    "NOISE_DIMS",
    "NUM_CLASSES",
    "PENALTY_WEIGHT",
    "Case",
    "Networks",
    "images",
    "labels",
    "make_dataset",
    "make_networks",
]

NOISE_DIMS = 64
NUM_CLASSES = 10
PENALTY_WEIGHT = 10.0
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
      kind: "gan", "conditional" (both networks get one-hot labels; dense nets) or "wgan-gp"
        (Wasserstein losses and the gradient penalty).
      width: what all units and filters are multiplied by.
    """

    nets: str
    batch_size: int
    steps: tuple[int, int] = (1, 1)
    kind: str = "gan"
    width: int = 1

    def __post_init__(self) -> None:
        if self.kind == "conditional" and self.nets != "dense":
            raise ValueError(f"Only dense nets are conditional, not {self.nets!r}.")

    def check_width(self) -> None:
        """Raises ValueError for wider nets, for sides that have only the plain ones."""
        if self.width != 1:
            raise ValueError(f"This side has nets of width 1 alone, not {self.width}.")

    @property
    def name(self) -> str:
        trained = self.nets if self.kind == "gan" else f"{self.kind}-{self.nets}"
        return f"{trained}/{self.batch_size}/{self.steps[0]}:{self.steps[1]}"

    @property
    def usual(self) -> bool:
        """Whether it is trained by default: large batches with many sub-steps take minutes."""
        return self.batch_size < 256 or self.steps == (1, 1)

    @property
    def conditional(self) -> bool:
        return self.kind == "conditional"


CASES = [
    *(Case("dense", batch_size, steps) for batch_size in (32, 256) for steps in ((1, 1), (1, 5))),
    Case("dense", 32, kind="conditional"),
    Case("dense", 64, (1, 5), kind="wgan-gp"),
    Case("dcgan", 32),
    Case("dcgan", 32, (1, 5)),
    Case("dcgan", 64),
    Case("dcgan", 256),
    Case("dcgan", 256, (1, 5)),
]


class Networks(NamedTuple):
    """Keras models and their optimizers."""

    generator: Any
    discriminator: Any
    generator_optimizer: Any
    discriminator_optimizer: Any


def make_networks(case: Case, dtype_policy: str = "float32") -> Networks:
    """New networks, the same layers as `benchmarks.pytorch_networks` has.

    Those of a conditional case are called with pairs: the generator with noise and labels, the
    discriminator with images and labels.

    Args:
      case: what is trained.
      dtype_policy: of all layers but the last with weights, which computes in float32.
    """
    import keras

    make_layers = _dense_layers if case.nets == "dense" else _dcgan_layers
    generator, discriminator = make_layers(keras.layers, case.width)
    for layers in (generator, discriminator):
        last = max(i for i, layer in enumerate(layers) if hasattr(layer, "kernel_initializer"))
        for layer in layers[:last]:
            layer.dtype_policy = keras.DTypePolicy(dtype_policy)
    noise, image = keras.Input([NOISE_DIMS]), keras.Input([28, 28, 1])
    if case.conditional:
        label, join = keras.Input([NUM_CLASSES]), keras.layers.Concatenate()
        told = [join([noise, label]), join([keras.layers.Flatten()(image), label])]
        models = [
            keras.Model([given, label], _chained(layers, joined))
            for given, layers, joined in zip((noise, image), (generator, discriminator), told)
        ]
    else:
        models = [keras.Sequential([noise, *generator]), keras.Sequential([image, *discriminator])]
    adam = keras.optimizers.Adam
    return Networks(*models, adam(**ADAM), adam(**ADAM))


def _dense_layers(layers: Any, width: int) -> tuple[list[Any], list[Any]]:
    generator = [
        layers.Dense(128 * width, "relu"),
        layers.Dense(784, "tanh"),
        layers.Reshape([28, 28, 1]),
    ]
    discriminator = [
        layers.Flatten(),
        layers.Dense(128 * width),
        layers.LeakyReLU(negative_slope=_LEAK),
        layers.Dense(1),
    ]
    return generator, discriminator


def _dcgan_layers(layers: Any, width: int) -> tuple[list[Any], list[Any]]:
    generator = [
        layers.Dense(1024 * width, "relu"),
        layers.Dense(7 * 7 * 128 * width, "relu"),
        layers.Reshape([7, 7, 128 * width]),
        layers.Conv2DTranspose(64 * width, 4, 2, "same", activation="relu"),
        layers.Conv2DTranspose(32 * width, 4, 2, "same", activation="relu"),
        layers.Conv2D(1, 3, padding="same", activation="tanh"),
    ]
    discriminator = [
        layers.Conv2D(64 * width, 4, 2, "same"),
        layers.LeakyReLU(negative_slope=_LEAK),
        layers.Conv2D(128 * width, 4, 2, "same"),
        layers.LeakyReLU(negative_slope=_LEAK),
        layers.Flatten(),
        layers.Dense(1024 * width),
        layers.LeakyReLU(negative_slope=_LEAK),
        layers.Dense(1),
    ]
    return generator, discriminator


def _chained(layers: list[Any], value: Any) -> Any:
    return functools.reduce(lambda value, layer: layer(value), layers, value)


def images() -> np.ndarray:
    """Made-up images: float32 [4096, 28, 28, 1] in [-1, 1]. What they show costs no time."""
    return np.random.default_rng(0).uniform(-1, 1, [_NUM_IMAGES, 28, 28, 1]).astype(np.float32)


def labels() -> np.ndarray:
    """Their labels: float32 [4096, 10], one-hot."""
    return np.eye(NUM_CLASSES, dtype=np.float32)[np.arange(_NUM_IMAGES) % NUM_CLASSES]


def make_dataset(case: Case) -> Any:
    """Shuffled batches without end: images, or (images, labels) of a conditional case."""
    import tensorflow as tf

    arrays = (images(), labels()) if case.conditional else images()
    dataset = tf.data.Dataset.from_tensor_slices(arrays).shuffle(_NUM_IMAGES).repeat()
    return dataset.batch(case.batch_size, drop_remainder=True).prefetch(4)
