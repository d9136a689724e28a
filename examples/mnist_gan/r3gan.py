"""R3GAN's generator and discriminator (https://arxiv.org/abs/2501.05441), scaled to 28x28 digits.

As published: residual bottlenecks 1x1 - 3x3 - 1x1 on both sides, leaky ReLU, no normalisation of
any kind, bilinear resampling, and fix-up initialisation (https://arxiv.org/abs/1901.09321), whose
last convolution of a block starts at zero: a block begins as the identity. Not as published: a
block's inner width is half of its outer one, and its 3x3 convolution has no groups, since at these
widths groups only slow a CPU down; a stage has one block, and resolutions are 7, 14 and 28; the
generator ends in softsign, whose slope never vanishes (with tanh the first rounds drive all pixels
to black, where nothing is learned any more); and no rate, weight or half-life changes along a
schedule but the learning rate.
"""

import tensorflow as tf

# Channels by the images' side; equally much arithmetic in each stage. The discriminator, whose
# penalties cost two more passes, has half as many.
_GENERATOR_WIDTHS = {7: 128, 14: 64, 28: 32}
_DISCRIMINATOR_WIDTHS = {28: 16, 14: 32, 7: 64}
_SLOPE = 0.2
# Initial weights that keep the variance, of a layer alone and of one with its leaky ReLU.
_LINEAR, _BEFORE_RELU = "lecun_normal", "he_normal"


def generator(input_dims: int) -> tf.keras.Model:
    """Returns a generator from noise [B, input_dims] to images [B, 28, 28, 1] in [-1, 1]."""
    layers = tf.keras.layers
    inputs = tf.keras.Input([input_dims])
    net = layers.Dense(
        7 * 7 * _GENERATOR_WIDTHS[7], kernel_initializer="he_normal", name="features_7"
    )(inputs)
    net = layers.Reshape([7, 7, _GENERATOR_WIDTHS[7]])(net)
    for side, width in _GENERATOR_WIDTHS.items():
        if side > 7:
            # The 1x1 convolution first: it is linear, and has four times fewer pixels there.
            net = _conv(width, 1, f"width_{side}", _LINEAR)(net)
            net = layers.UpSampling2D(interpolation="bilinear")(net)
        net = _residual(net, width, f"block_{side}")
    images = layers.Activation("softsign")(_conv(1, 3, "draw", _LINEAR)(net))
    return tf.keras.Model(inputs, images, name="generator")


def features(batch_norm: bool = False) -> tf.keras.Model:
    """Returns a discriminator's body: from images [B, 28, 28, 1] to features [B, 3136].

    Args:
      batch_norm: There is none in either case: R1 and R2 are about the slope at each image alone.
    """
    del batch_norm
    layers = tf.keras.layers
    inputs = tf.keras.Input([28, 28, 1])
    net = _conv(_DISCRIMINATOR_WIDTHS[28], 3, "read", _LINEAR)(inputs)
    for side, width in _DISCRIMINATOR_WIDTHS.items():
        if side < 28:
            net = layers.AveragePooling2D(2)(net)
            net = _conv(width, 1, f"width_{side}", _LINEAR)(net)
        net = _residual(net, width, f"block_{side}")
    return tf.keras.Model(inputs, layers.Flatten()(net), name="features")


def _residual(net, width: int, name: str):
    layers = tf.keras.layers
    inner = _conv(width // 2, 1, f"{name}_narrow")(net)
    inner = layers.LeakyReLU(_SLOPE)(inner)
    inner = _conv(width // 2, 3, f"{name}_look")(inner)
    inner = layers.LeakyReLU(_SLOPE)(inner)
    inner = _conv(width, 1, f"{name}_add", "zeros")(inner)
    return layers.Add()([net, inner])


def _conv(
    filters: int, size: int, name: str, initializer: str = _BEFORE_RELU
) -> tf.keras.layers.Layer:
    return tf.keras.layers.Conv2D(
        filters, size, padding="same", kernel_initializer=initializer, name=name
    )
