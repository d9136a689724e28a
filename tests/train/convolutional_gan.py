"""A small GAN with convolutions, and nothing else to it."""

import tensorflow as tf

import tfgan_lite as tfgan

__all__ = ["train_convolutional_gan"]


def train_convolutional_gan(rounds, **arguments):
    """Trains one, with what `gan_train` takes."""
    layers, sgd = tf.keras.layers, tf.keras.optimizers.SGD
    generator = tf.keras.Sequential([layers.Input([4, 4, 1]), layers.Conv2D(1, 3, padding="same")])
    critic = tf.keras.Sequential(
        [layers.Input([4, 4, 1]), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)]
    )
    data = tf.data.Dataset.from_tensors(tf.ones([8, 4, 4, 1])).repeat()
    model = tfgan.gan_model(generator, critic, data, tfgan.normal([4, 4, 1]))
    tfgan.gan_train(
        tfgan.gan_train_ops(model, tfgan.gan_loss(model), sgd(0.01), sgd(0.01)),
        None,
        hooks=[tfgan.StopAtStepHook(num_steps=rounds)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        **arguments,
    )
