"""The kinds of GAN that --gan_type chooses from: what each adds to the same two networks.

A kind says what the generator is told besides noise, which heads the discriminator has on its
features, which loss is added, which pictures show what was learned, and how that is scored.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan
from examples.mnist_gan import data, presets, scores

CLASSES = data.NUM_CLASSES
# How far the pictures turn a continuous code: as in the paper's, twice as far as training did.
_SWEEP = 2.0


class Unconditional:
    """Noise becomes a digit, any digit (Goodfellow et al., https://arxiv.org/abs/1406.2661).

    Args:
      noise_dims: Random numbers that an image is made from.

    Attributes:
      needs_labels: Whether it learns from labels.
      asks: Whether the generator is told a class, one of ten: image i of any sample that is drawn
        with `sampled_inputs` is asked to show the class i modulo 10.
      loss_weights: Arguments of `tfgan.gan_loss`.
      penalties: What is added to a loss besides, as `tfgan.gan_loss` takes it.
      input_sizes: Numbers in each of the generator's inputs, the noise first.
    """

    needs_labels = False
    asks = False
    loss_weights: dict[str, float] = {}
    penalties: Sequence[Any] = ()

    def __init__(self, noise_dims: int):
        self.noise_dims = noise_dims
        self.input_sizes = [noise_dims]

    def generator(self, preset: presets.Preset) -> tf.keras.Model:
        """Returns the generator: a Keras model of one input, or of a list of them."""
        layers = tf.keras.layers
        body = preset.generator(sum(self.input_sizes))
        if len(self.input_sizes) == 1:
            return body
        inputs = [tf.keras.Input([size]) for size in self.input_sizes]
        noise, classes, *numbers = inputs
        # Each of its numbers then has the mean square 1, as those of the noise have.
        classes = layers.Rescaling(math.sqrt(CLASSES))(classes)
        return tf.keras.Model(inputs, body(layers.Concatenate()([noise, classes, *numbers])))

    def model(
        self, generator: tf.keras.Model, features: tf.keras.Model, dataset: tf.data.Dataset
    ) -> tfgan.GANModel:
        """Returns both networks, connected to data and to noise.

        Args:
          generator: As from `generator`.
          features: The discriminator up to its heads.
          dataset: Batches of images, with labels if the kind needs them.
        """
        logits = tf.keras.layers.Dense(1, name="logits")(features.outputs[0])
        return tfgan.gan_model(
            generator,
            tf.keras.Model(features.inputs[0], logits, name="discriminator"),
            real_data=dataset,
            generator_inputs=self._noise(),
        )

    def sampled_inputs(self, label: int | None = None, truncation: float | None = None) -> Any:
        """Returns the sources of the generator's inputs when images are drawn to be looked at.

        Args:
          label: The class that all images are asked to show; None for all in turn.
          truncation: The largest number in the noise, > 0, or None for any: the smaller, the more
            usual an image and the less variety (Brock et al., https://arxiv.org/abs/1809.11096).
        """
        del label
        return self._noise(truncation)

    def walk(self, noise: np.ndarray, label: int | None = None) -> list[np.ndarray]:
        """Returns the generator's inputs for noise that moves while all else stays.

        Args:
          noise: float32 [steps, walks, noise_dims].
          label: The class to show; None for one class in each walk, in turn.
        """
        del label
        return [noise.reshape([-1, self.noise_dims])]

    def draw(self, num_images: int, seed: int) -> Any:
        """Returns what to call the generator with for random images, each class in turn."""
        inputs = self.walk(_normal([1, num_images, self.noise_dims], seed))
        return inputs if len(inputs) > 1 else inputs[0]

    def grids(self, seed: int) -> dict[str, list[np.ndarray]]:
        """Returns the inputs of each picture that shows the kind: 10 rows of 10 images, by name."""
        return {"samples": [_normal([100, self.noise_dims], seed)]}

    def rows(self, seed: int) -> list[np.ndarray]:
        """Returns the inputs of 10 rows of 10 images, each row from one noise to another."""
        walks = self.walk(walked_noise(self.noise_dims, CLASSES, CLASSES, seed))
        # Walks go side by side, and rows one after the other.
        by_walk = [each.reshape([CLASSES, CLASSES, -1]).swapaxes(0, 1) for each in walks]
        return [each.reshape([CLASSES * CLASSES, -1]) for each in by_walk]

    def scores(self, read: np.ndarray) -> dict[str, object]:
        """Returns further scores of images drawn with `sampled_inputs`.

        Args:
          read: The digits that a classifier reads in them, integers [N].
        """
        del read
        return {}

    def _noise(self, truncation: float | None = None):
        import tensorflow_probability as tfp

        zeros = tf.zeros([self.noise_dims])
        if truncation is None:
            return tfp.distributions.Normal(zeros, 1.0)
        return tfp.distributions.TruncatedNormal(zeros, 1.0, -truncation, truncation)


class Conditional(Unconditional):
    """Both networks are told the label (Mirza and Osindero, https://arxiv.org/abs/1411.1784).

    The generator gets it beside the noise; the discriminator projects its features on an embedding
    of it (Miyato and Koyama, https://arxiv.org/abs/1802.05637).
    """

    needs_labels = True
    asks = True

    def __init__(self, noise_dims: int):
        super().__init__(noise_dims)
        self.input_sizes = [noise_dims, CLASSES]

    def model(
        self, generator: tf.keras.Model, features: tf.keras.Model, dataset: tf.data.Dataset
    ) -> tfgan.GANModel:
        images, labels = tfgan.from_dataset(dataset)
        label_input = tf.keras.Input([CLASSES])
        logits = tfgan.features.ProjectionDiscriminator(CLASSES, name="logits")(
            [features.outputs[0], label_input]
        )
        network = tf.keras.Model([features.inputs[0], label_input], logits, name="discriminator")

        def discriminator(images, generator_inputs, training):
            _, labels = generator_inputs
            return network([images, labels], training=training)

        return tfgan.gan_model(generator, discriminator, images, [self._noise(), labels])

    def sampled_inputs(
        self, label: int | None = None, truncation: float | None = None
    ) -> list[Any]:
        return [self._noise(truncation), lambda size: _one_hot(asked(size, label))]

    def walk(self, noise: np.ndarray, label: int | None = None) -> list[np.ndarray]:
        steps, walks, _ = noise.shape
        return [*super().walk(noise), _one_hot(np.tile(asked(walks, label), steps))]

    def grids(self, seed: int) -> dict[str, list[np.ndarray]]:
        """One row for each class; the images of a column are made from one noise."""
        noise = np.tile(_normal([CLASSES, self.noise_dims], seed), [CLASSES, 1])
        return {"samples": [noise, _one_hot(np.repeat(np.arange(CLASSES), CLASSES))]}

    def scores(self, read: np.ndarray) -> dict[str, object]:
        return scores.label_scores(asked(len(read)), read)


class ACGAN(Conditional):
    """The discriminator classifies, too, and both networks want it to be right.

    Odena et al., https://arxiv.org/abs/1610.09585. Unlike there, it learns to classify from real
    images alone. From generated ones, which the paper adds, it learns to read what was asked for in
    whatever was drawn, and the generator need not mend it: after 1500 rounds of MNIST 92 % of its
    digits were those asked for, and so 98 %.
    """

    loss_weights = {"aux_cond_generator_weight": 1.0}
    penalties = [
        (functools.partial(tfgan.losses.acgan_discriminator_loss, generated_weights=0.0), 1.0)
    ]

    def model(
        self, generator: tf.keras.Model, features: tf.keras.Model, dataset: tf.data.Dataset
    ) -> tfgan.ACGANModel:
        images, labels = tfgan.from_dataset(dataset)
        heads = [
            tf.keras.layers.Dense(1, name="logits")(features.outputs[0]),
            tf.keras.layers.Dense(CLASSES, name="classes")(features.outputs[0]),
        ]
        return tfgan.acgan_model(
            generator,
            tf.keras.Model(features.inputs[0], heads, name="discriminator"),
            images,
            generator_inputs=[self._noise(), labels],
            one_hot_labels=labels,
        )


class InfoGAN(Unconditional):
    """Finds out by itself, without labels, what digits differ in.

    The generator gets codes beside the noise, one of ten classes and two numbers, and the
    discriminator has to tell them from the image (Chen et al., https://arxiv.org/abs/1606.03657).
    """

    asks = True
    # Half of the paper's weight: the loss takes the mean over both codes, the paper the sum. With
    # more of it, noise has no say in what a digit looks like.
    loss_weights = {"mutual_information_penalty_weight": 1.0}

    def __init__(self, noise_dims: int):
        super().__init__(noise_dims)
        self.input_sizes = [noise_dims, CLASSES, 2]

    def model(
        self, generator: tf.keras.Model, features: tf.keras.Model, dataset: tf.data.Dataset
    ) -> tfgan.InfoGANModel:
        import tensorflow_probability as tfp

        tfd, layers = tfp.distributions, tf.keras.layers
        told = layers.Dense(128, name="told")(features.outputs[0])
        told = layers.LeakyReLU(0.2)(told)
        heads = [
            layers.Dense(1, name="logits")(features.outputs[0]),
            layers.Dense(CLASSES, name="category")(told),
            layers.Dense(2, name="numbers")(told),
        ]
        network = tf.keras.Model(features.inputs[0], heads, name="discriminator")

        def discriminator(images, training):
            logits, category, numbers = network(images, training=training)
            return logits, [
                tfd.OneHotCategorical(logits=category, dtype=tf.float32),
                tfd.Normal(numbers, 1.0),
            ]

        return tfgan.infogan_model(
            generator,
            discriminator,
            dataset,
            unstructured_generator_inputs=self._noise(),
            structured_generator_inputs=[
                tfd.OneHotCategorical(logits=tf.zeros([CLASSES]), dtype=tf.float32),
                self._numbers(),
            ],
        )

    def sampled_inputs(
        self, label: int | None = None, truncation: float | None = None
    ) -> list[Any]:
        classes = lambda size: _one_hot(asked(size, label))  # noqa: E731
        return [self._noise(truncation), classes, self._numbers()]

    def walk(self, noise: np.ndarray, label: int | None = None) -> list[np.ndarray]:
        steps, walks, _ = noise.shape
        classes = _one_hot(np.tile(asked(walks, label), steps))
        return [*super().walk(noise), classes, np.zeros([len(classes), 2], np.float32)]

    def grids(self, seed: int) -> dict[str, list[np.ndarray]]:
        """One grid for each code.

        In all of them a row has one class. From column to column the noise changes in the first;
        in the others it is the same everywhere, and one of the numbers goes from -2 to 2.
        """
        classes = _one_hot(np.repeat(np.arange(CLASSES), CLASSES))
        noise = np.tile(_normal([CLASSES, self.noise_dims], seed), [CLASSES, 1])
        still = np.zeros([CLASSES * CLASSES, 2], np.float32)
        grids = {"samples": [noise, classes, still]}
        for code in range(2):
            swept = still.copy()
            swept[:, code] = np.tile(np.linspace(-_SWEEP, _SWEEP, CLASSES), CLASSES)
            same_noise = np.broadcast_to(noise[0], noise.shape)
            grids[f"number_{code + 1}"] = [same_noise, classes, swept]
        return grids

    def scores(self, read: np.ndarray) -> dict[str, object]:
        return scores.code_scores(asked(len(read)), read)

    def _numbers(self):
        import tensorflow_probability as tfp

        return tfp.distributions.Uniform(-tf.ones([2]), tf.ones([2]))


KINDS: dict[str, type[Unconditional]] = {
    "unconditional": Unconditional,
    "conditional": Conditional,
    "acgan": ACGAN,
    "infogan": InfoGAN,
}


def sampling_model(generator: tf.keras.Model, inputs) -> tfgan.GANModel:
    """Returns a model that `tfgan.generate` draws from, in either world.

    Args:
      generator: As from a kind's `generator`.
      inputs: A kind's `sampled_inputs`; or one of its `grids`, of which the first images are drawn.
    """
    if isinstance(inputs, list) and isinstance(inputs[0], np.ndarray):
        inputs = [lambda size, array=array: array[:size] for array in inputs]
        inputs = inputs[0] if len(inputs) == 1 else inputs
    return tfgan.gan_model(
        generator,
        lambda images: tf.reduce_mean(images, [1, 2]),  # Nobody is there to discriminate,
        real_data=tfgan.constant(tf.zeros([1, *data.IMAGE_SHAPE])),  # nor any real data.
        generator_inputs=inputs,
    )


def asked(num_images: int, label: int | None = None) -> np.ndarray:
    """Returns the classes that images made from `sampled_inputs` are asked to show, integers [N].

    `tfgan.generate` draws in chunks of 100, each of which has every class ten times.
    """
    if label is None:
        return np.arange(num_images) % CLASSES
    return np.full([num_images], label)


def _one_hot(classes: np.ndarray) -> np.ndarray:
    return np.eye(CLASSES, dtype=np.float32)[classes]


def walked_noise(
    noise_dims: int,
    walks: int,
    steps: int,
    seed: int,
    closed: bool = False,
    truncation: float | None = None,
) -> np.ndarray:
    """Returns noise that moves from one random point to another.

    Args:
      noise_dims: Numbers in a point.
      walks: How many go at once.
      steps: Points on the way.
      seed: Equal seeds give equal walks.
      closed: Whether they go through four points and return to the first, for a video.
      truncation: The largest number in the random points, or None.

    Returns:
      float32 [steps, walks, noise_dims].
    """
    points = _normal([4 if closed else 2, walks, noise_dims], seed, truncation)
    return tfgan.eval.latent_walk(points, steps, closed)


def _normal(shape: list[int], seed: int, truncation: float | None = None) -> np.ndarray:
    # NumPy's: the numbers of a tf.Graph would not be known until a session runs it.
    random = np.random.default_rng(seed)
    numbers = random.standard_normal(shape)
    if truncation is not None:
        while (beyond := np.abs(numbers) > truncation).any():
            numbers[beyond] = random.standard_normal(np.count_nonzero(beyond))
    return numbers.astype(np.float32)
