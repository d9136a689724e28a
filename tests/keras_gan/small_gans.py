"""Small KerasGANs of every kind, with data for them."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan

tfd = tfp.distributions
layers = tf.keras.layers

BATCH, COUNT, WIDTH, CLASSES = 4, 16, 3, 2


def network(inputs, *outputs, seed=0):
    """A Keras model of one hidden layer; of several inputs and outputs where they are several."""
    tensors = [layers.Input([width]) for width in inputs]
    hidden = layers.Concatenate()(tensors) if len(tensors) > 1 else tensors[0]
    start = tf.keras.initializers.GlorotUniform(seed)
    hidden = layers.Dense(8, "tanh", kernel_initializer=start)(hidden)
    made = [layers.Dense(width, kernel_initializer=start)(hidden) for width in outputs]
    return tf.keras.Model(*(each[0] if len(each) == 1 else each for each in (tensors, made)))


def data(seed=0, width=WIDTH):
    """COUNT examples."""
    return np.random.default_rng(seed).normal(size=[COUNT, width]).astype(np.float32)


def labels(seed=0):
    """One-hot, of COUNT examples."""
    classes = np.random.default_rng(seed).integers(CLASSES, size=COUNT)
    return np.eye(CLASSES, dtype=np.float32)[classes]


def batches(*arrays):
    """A dataset of COUNT / BATCH batches, in order."""
    elements = arrays[0] if len(arrays) == 1 else arrays
    return tf.data.Dataset.from_tensor_slices(elements).batch(BATCH, drop_remainder=True)


def gan(**arguments):
    return _compiled(
        tfgan.KerasGAN(network([2], WIDTH), network([WIDTH], 1, seed=1), noise=2), **arguments
    )


def conditional_gan():
    made = tfgan.KerasGAN(network([2, CLASSES], WIDTH), network([WIDTH], 1), noise=2)
    return _compiled(made), batches(data(), labels())


def infogan():
    codes = [tfd.OneHotCategorical(tf.zeros([CLASSES])), tfd.Uniform([-1.0], [1.0])]
    generator, discriminator = network([2, CLASSES, 1], WIDTH), network([WIDTH], 1, CLASSES, 1)
    made = tfgan.KerasGAN(generator, discriminator, noise=2, codes=codes, kind="infogan")
    return _compiled(made, mutual_information_penalty_weight=1.0), batches(data())


def acgan():
    generator, discriminator = network([2, CLASSES], WIDTH), network([WIDTH], 1, CLASSES)
    made = tfgan.KerasGAN(generator, discriminator, noise=2, kind="acgan")
    return _compiled(made, aux_cond_discriminator_weight=1.0), batches(data(), labels())


def cyclegan():
    generators = network([WIDTH], WIDTH), network([WIDTH], WIDTH)
    discriminators = network([WIDTH], 1), network([WIDTH], 1)
    made = tfgan.KerasGAN(generators, discriminators, kind="cyclegan")
    return _compiled(made), batches(data(), data(1))


def stargan():
    generator, discriminator = network([WIDTH, CLASSES], WIDTH), network([WIDTH], 1, CLASSES)
    made = tfgan.KerasGAN(generator, discriminator, kind="stargan")
    return _compiled(made), batches(data(), labels())


KINDS = {
    "gan": lambda: (gan(), batches(data())),
    "gan, conditional": conditional_gan,
    "infogan": infogan,
    "acgan": acgan,
    "cyclegan": cyclegan,
    "stargan": stargan,
}

# Each takes seconds to trace; CI runs them all.
every_kind = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[] if kind in ("gan", "cyclegan") else [pytest.mark.slow])
        for kind in KINDS
    ],
)


def _compiled(made, **arguments):
    sgd = tf.keras.optimizers.SGD
    # XLA takes seconds to compile, which is nothing to these tests.
    made.compile(sgd(0.05, 0.9), sgd(0.05, 0.9), **{"jit_compile": False, **arguments})
    return made
