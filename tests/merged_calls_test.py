"""One pass of the discriminator over real and generated data, where that gives the same."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.runs import Run

layers = tf.keras.layers
BATCH, SIZE = 4, 6


class MeanOfBatch(layers.Layer):
    """Mixes the batch by a weight that is zero at first."""

    def build(self, input_shape):
        self.weight = self.add_weight(shape=[], initializer="zeros")

    def call(self, inputs):
        return inputs + self.weight * tf.reduce_mean(inputs, 0, keepdims=True)


class Counts(layers.Layer):
    """Remembers how often it was called."""

    def build(self, input_shape):
        self.calls = self.add_weight(shape=[], initializer="zeros", trainable=False)

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs


class OneBatchOnly(layers.Layer):
    """Knows the size of its batch."""

    def call(self, inputs):
        return tf.reshape(inputs, [BATCH, SIZE])


def discriminator(*inside):
    return tf.keras.Sequential([layers.Dense(5), *inside, layers.LeakyReLU(), layers.Dense(1)])


def function():
    weight = tf.Variable(tf.ones([SIZE, 1]))
    return lambda x, unused_z: x @ weight


def conditional():
    weight = tf.Variable(tf.ones([SIZE + 3, 1]))
    return lambda x, z: tf.concat([x, z], 1) @ weight


def gan(discriminator_fn):
    real = tfgan.constant(np.random.default_rng(0).normal(size=[BATCH, SIZE]).astype(np.float32))
    weight = tf.Variable(tf.ones([3, SIZE]))
    return tfgan.gan_model(
        lambda z: z @ weight, discriminator_fn, real, tfgan.constant(tf.ones([BATCH, 3]))
    )


def merged(model):
    return model.discriminator_real_outputs.trace.needs[0].merged


EACH_BY_ITSELF = {
    "dense": lambda: discriminator(),
    "layer norm": lambda: discriminator(layers.LayerNormalization()),
    "a function": function,
    "conditional": conditional,
    "regularized": lambda: tf.keras.Sequential([layers.Dense(1, kernel_regularizer="l2")]),
}
MIXING = {
    "batch norm": lambda: discriminator(layers.BatchNormalization()),
    "a weight of zero": lambda: discriminator(MeanOfBatch()),
    "dropout": lambda: discriminator(layers.Dropout(0.5)),
    "minibatch deviation": lambda: discriminator(tfgan.features.MinibatchStdDev()),
    "spectral norm": lambda: discriminator(tfgan.features.SpectralNormalization(layers.Dense(5))),
    "what remembers": lambda: discriminator(Counts()),
    "a fixed batch": lambda: tf.keras.Sequential([OneBatchOnly(), layers.Dense(1)]),
    "regularized activity": lambda: tf.keras.Sequential(
        [layers.Dense(1, activity_regularizer="l2")]
    ),
}


@pytest.mark.parametrize("kind", EACH_BY_ITSELF)
def test_where_each_example_is_judged_by_itself_one_pass_gives_the_same(kind):
    model = gan(EACH_BY_ITSELF[kind]())
    calls = merged(model)
    assert calls.is_exact
    fetches = model.discriminator_real_outputs, model.discriminator_gen_outputs
    results = []
    for merges in (frozenset(), frozenset([calls])):
        with Run(key=tf.zeros([2], tf.int32), training=True, merges=merges) as run:
            results.append([run.value(fetch) for fetch in fetches])
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize("kind", MIXING)
def test_where_a_layer_mixes_the_batch_draws_or_remembers_two_passes_are_made(kind):
    model = gan(MIXING[kind]())
    before = [v.numpy() for v in model.discriminator_fn.variables]
    assert not merged(model).is_exact
    # Trying leaves no trace.
    tf.nest.map_structure(
        np.testing.assert_array_equal, before, [v.numpy() for v in model.discriminator_fn.variables]
    )


def test_one_pass_calls_the_network_once():
    weight, calls = tf.Variable(tf.ones([SIZE, 1])), []

    def judge(x, unused_z):
        calls.append(x.shape[0])
        return x @ weight

    model = gan(judge)
    pair = merged(model)
    assert pair.is_exact
    calls.clear()
    with Run(key=tf.zeros([2], tf.int32), training=True, merges=frozenset([pair])) as run:
        run.value(model.discriminator_real_outputs)
        run.value(model.discriminator_gen_outputs)
    assert calls == [2 * BATCH]
