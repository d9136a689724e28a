"""The networks of both examples, as Keras models, small enough for two CPU cores.

The generator is that of the CycleGAN paper (Zhu et al., https://arxiv.org/abs/1703.10593) and of
StarGAN's (Choi et al., https://arxiv.org/abs/1711.09020), with one halving of the sides instead of
two and fewer residual blocks: 28x28 is small. Layers with weights have names, so that a checkpoint
of a tf.Graph, which knows variables by name, fits in every process.
"""

import tensorflow as tf

import tfgan_lite as tfgan


def generator(
    channels_in: int, channels_out: int, filters: int, blocks: int, name: str
) -> tf.keras.Model:
    """Returns a network from [B, 28, 28, channels_in] to images [B, 28, 28, channels_out].

    Args:
      channels_in: Of the images, and of what else tells the network what to do.
      channels_out: Of the images that it draws, in [-1, 1].
      filters: Channels at full size; half that size has twice as many.
      blocks: Residual blocks in the middle.
      name: Of the model, and the beginning of its layers' names.
    """
    layers = tf.keras.layers

    def norm(net, layer):
        return tfgan.features.instance_normalization(name=f"{name}_{layer}_norm")(net)

    def conv(net, width, kernel, layer, strides=1):
        net = layers.Conv2D(width, kernel, strides, "same", use_bias=False, name=f"{name}_{layer}")(
            net
        )
        return norm(net, layer)

    inputs = tf.keras.Input([28, 28, channels_in])
    net = layers.ReLU()(conv(inputs, filters, 5, "read"))
    net = layers.ReLU()(conv(net, 2 * filters, 4, "shrink", strides=2))
    for block in range(blocks):
        change = layers.ReLU()(conv(net, 2 * filters, 3, f"block_{block}a"))
        net = layers.Add()([net, conv(change, 2 * filters, 3, f"block_{block}b")])
    net = layers.Conv2DTranspose(filters, 4, 2, "same", use_bias=False, name=f"{name}_enlarge")(net)
    net = layers.ReLU()(norm(net, "enlarge"))
    images = layers.Conv2D(channels_out, 5, padding="same", activation="tanh", name=f"{name}_draw")(
        net
    )
    return tf.keras.Model(inputs, images, name=name)


def discriminator(channels: int, filters: int, name: str, domains: int = 0) -> tf.keras.Model:
    """Returns a network from images [B, 28, 28, channels] to the logits of being real.

    It judges overlapping patches of 22x22 pixels (a PatchGAN), each by itself: logits are
    [B, 7, 7, 1]. It has no norm, which a gradient penalty could not bear.

    Args:
      channels: Of the images.
      filters: In the first layer; the second has twice as many.
      name: Of the model, and the beginning of its layers' names.
      domains: If not 0, it gives a pair: those logits, and the domains' logits [B, domains].
    """
    layers = tf.keras.layers

    def shrink(net, width, layer):
        net = layers.Conv2D(width, 4, 2, "same", name=f"{name}_{layer}")(net)
        return layers.LeakyReLU(0.2)(net)

    inputs = tf.keras.Input([28, 28, channels])
    net = shrink(inputs, filters, "shrink_to_14")
    net = shrink(net, 2 * filters, "shrink_to_7")
    outputs = layers.Conv2D(1, 4, padding="same", name=f"{name}_source")(net)
    if domains:
        logits = layers.Dense(domains, name=f"{name}_domain")(layers.Flatten()(net))
        outputs = [outputs, logits]
    return tf.keras.Model(inputs, outputs, name=name)
