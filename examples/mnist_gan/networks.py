"""The default generator and discriminator of 28x28 grey images, as Keras models.

Both follow DCGAN (Radford et al., https://arxiv.org/abs/1511.06434), small enough for two CPU
cores. The generator turns noise into 7x7 features, doubles their sides twice and draws from what it
has then; the discriminator goes the same way back. It ends in features, for which each kind of GAN
has heads of its own (see kinds.py). Layers with weights have names, so that a checkpoint of a
tf.Graph, which knows variables by name, fits in every process.
"""

import tensorflow as tf

_KERNEL = 4  # A multiple of the stride 2: every pixel is reached equally often, so no checkerboard.
# Keras's 0.99 takes hundreds of rounds to forget the statistics of the beginning.
_MOMENTUM = 0.9


def generator(input_dims: int) -> tf.keras.Model:
    """Returns a generator from noise [B, input_dims] to images [B, 28, 28, 1] in [-1, 1]."""
    layers = tf.keras.layers

    def norm(name: str) -> list[tf.keras.layers.Layer]:
        return [layers.BatchNormalization(momentum=_MOMENTUM, name=name), layers.ReLU()]

    def enlarge(filters: int, name: str) -> tf.keras.layers.Layer:
        return layers.Conv2DTranspose(
            filters, _KERNEL, strides=2, padding="same", use_bias=False, name=name
        )

    return tf.keras.Sequential(
        [
            tf.keras.Input([input_dims]),
            layers.Dense(7 * 7 * 128, use_bias=False, name="features_7"),
            *norm("norm_7"),
            layers.Reshape([7, 7, 128]),
            enlarge(64, "enlarge_to_14"),
            *norm("norm_14"),
            enlarge(32, "enlarge_to_28"),
            *norm("norm_28"),
            layers.Conv2D(1, 3, padding="same", activation="tanh", name="draw"),
        ],
        name="generator",
    )


def features(batch_norm: bool = True) -> tf.keras.Model:
    """Returns a discriminator's body: from images [B, 28, 28, 1] to features [B, 6272].

    Args:
      batch_norm: Whether it normalises over the batch. That speeds learning up much, but a gradient
        penalty asks for the slope at each image alone, which batch norm mixes with the others'
        (Gulrajani et al., https://arxiv.org/abs/1704.00028).
    """
    layers = tf.keras.layers

    def shrink(filters: int, name: str) -> tf.keras.layers.Layer:
        return layers.Conv2D(filters, _KERNEL, strides=2, padding="same", name=name)

    norm = [layers.BatchNormalization(momentum=_MOMENTUM, name="norm_7")] if batch_norm else []
    return tf.keras.Sequential(
        [
            tf.keras.Input([28, 28, 1]),
            shrink(64, "shrink_to_14"),
            layers.LeakyReLU(0.2),
            shrink(128, "shrink_to_7"),
            *norm,
            layers.LeakyReLU(0.2),
            layers.Flatten(),
        ],
        name="features",
    )
