"""Networks are called with what they take, in the form in which they take it."""

import functools
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tfgan_lite.runs import Run, random_key


class Linear(tf.Module):
    """The same linear map for every size: sums of what it is given."""

    def __init__(self, units, width):
        super().__init__()
        self.weights = tf.Variable(tf.ones([width, units]))

    def __call__(self, inputs):
        return inputs @ self.weights


def real(width=2):
    return tfgan.from_callable(lambda: tf.random.normal([4, width]), name="real")


def noise():
    return tfgan.from_callable(lambda: tf.random.normal([4, 2]), name="noise")


def shapes(variables):
    return [tuple(v.shape) for v in variables]


def keras_model(units):
    return tf.keras.Sequential([tf.keras.layers.Dense(units), tf.keras.layers.BatchNormalization()])


def test_discriminator_with_one_input_gets_the_data_alone():
    seen = []
    linear = Linear(1, 2)
    tfgan.gan_model(Linear(2, 2), lambda x: seen.append(x) or linear(x), real(), noise())
    assert {x.shape[-1] for x in seen} == {2}


def test_discriminator_with_two_inputs_gets_the_generators_inputs_too():
    linear = Linear(1, 7)
    inputs = tfgan.from_callable(lambda: tf.random.normal([4, 5]))
    model = tfgan.gan_model(Linear(2, 5), lambda x, z: linear(tf.concat([x, z], 1)), real(), inputs)
    data, noise_, logits = tfgan.Session(tfgan.counters.Counters()).run(
        [model.real_data, inputs, model.discriminator_real_outputs]
    )
    np.testing.assert_allclose(logits, np.sum([*data.T, *noise_.T], 0)[:, None], rtol=1e-4)


@pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])
def test_functional_model_with_two_inputs_gets_both(keras):
    data, inputs = keras.Input([2]), keras.Input([5])
    logits = keras.layers.Dense(1)(keras.layers.Concatenate()([data, inputs]))
    discriminator = keras.Model([data, inputs], logits)
    model = tfgan.gan_model(
        Linear(2, 5), discriminator, real(), tfgan.from_callable(lambda: tf.random.normal([4, 5]))
    )
    assert model.discriminator_real_outputs().shape == [4, 1]
    assert shapes(model.discriminator_variables) == [(7, 1), (1,)]


def test_functional_model_whose_inputs_are_the_datas_parts_gets_the_data_alone():
    image, label = tf.keras.Input([2]), tf.keras.Input([3])
    logits = tf.keras.layers.Dense(1)(tf.keras.layers.Concatenate()([image, label]))
    dense, data = tf.keras.layers.Dense(3), (real(2), real(3))
    model = tfgan.gan_model(
        lambda z: (z, dense(z)), tf.keras.Model([image, label], logits), data, noise()
    )
    assert model.discriminator_gen_outputs().shape == [4, 1]


def test_functional_model_that_fits_neither_the_data_nor_all_is_an_error():
    data, label = tf.keras.Input([2]), tf.keras.Input([3])
    logits = tf.keras.layers.Dense(1)(tf.keras.layers.Concatenate()([data, label]))
    discriminator, linear = tf.keras.Model([data, label], logits), Linear(2, 2)
    inputs = (noise(), real(3))
    with pytest.raises(ValueError, match=r"2 inputs, but is called with 1 \+ 2 tensors"):
        tfgan.gan_model(lambda given: linear(given[0]), discriminator, real(), inputs)


@pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])
def test_conditions_that_a_generator_of_one_input_would_leave_out_are_an_error(keras):
    generator = keras.Sequential([keras.Input([2]), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="generator is a model of 1 inputs, but is given 2"):
        tfgan.gan_model(generator, Linear(1, 2), real(), [noise(), real(3)])


class TellsTraining(tf.keras.layers.Layer):
    """A layer with a parameter of its own behind those that Keras knows."""

    def __init__(self):
        super().__init__()
        self.dense, self.seen = tf.keras.layers.Dense(1), []

    def call(self, data, training=None, scale=2.0):
        self.seen.append((training, scale))
        return self.dense(data) * scale


@pytest.mark.parametrize(
    "wrap",
    [
        lambda layer: layer,
        lambda layer: functools.partial(layer, scale=2.0),
        lambda layer: layer.__call__,
        tf.function,
    ],
    ids=["itself", "partial", "bound", "tf.function"],
)
def test_training_is_told_to_what_is_called_in_the_end(wrap):
    discriminator, linear = TellsTraining(), Linear(2, 2)
    discriminator(tf.zeros([1, 2]))
    discriminator.seen.clear()
    model = tfgan.gan_model(linear, wrap(discriminator), real(), noise())
    ops = tfgan.gan_train_ops(
        model, tfgan.gan_loss(model), *(tf.keras.optimizers.SGD() for _ in range(2))
    )
    ops.discriminator_train_op()
    assert (True, 2.0) in discriminator.seen
    assert {scale for _, scale in discriminator.seen} == {2.0}


@pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])
def test_keras_model_with_one_input_gets_the_data_alone(keras):
    discriminator = keras.Sequential([keras.layers.Dense(1)])
    model = tfgan.gan_model(Linear(2, 2), discriminator, real(), noise())
    assert model.discriminator_gen_outputs().shape == [4, 1]


# Whether they train


class Spy(tf.Module):
    """A network that notes `training`."""

    def __init__(self, units):
        super().__init__()
        self.linear = Linear(units, 2)
        self.seen = []

    def __call__(self, inputs, training=None):
        self.seen.append(training)
        return self.linear(inputs)


def test_training_is_false_where_a_run_only_samples():
    generator, discriminator = Spy(2), Spy(1)
    model = tfgan.gan_model(generator, discriminator, real(), noise())
    generator.seen.clear()
    discriminator.seen.clear()
    model.discriminator_gen_outputs()
    assert generator.seen == [False]
    assert discriminator.seen == [False]


def test_training_is_true_in_a_run_that_trains():
    generator = Spy(2)
    model = tfgan.gan_model(generator, Spy(1), real(), noise())
    generator.seen.clear()
    with Run(key=random_key(0, 0), training=True):
        model.generated_data()
    assert generator.seen == [True]


def test_training_is_true_in_a_graph_and_false_in_its_samples():
    with tf.Graph().as_default():
        generator = Spy(2)
        model = tfgan.gan_model(
            generator, Spy(1), tf.ones([4, 2]), lambda n: tf.random.normal([n, 2])
        )
        tfgan.generate(model, 3)
    assert generator.seen == [True, False]


def test_training_is_true_inside_a_tf_function():
    generator, discriminator = Spy(2), Spy(1)

    @tf.function(autograph=False)
    def step():
        tfgan.gan_model(generator, discriminator, tf.ones([4, 2]), tf.ones([4, 2]))

    step()
    assert generator.seen == [True]
    assert discriminator.seen == [True, True]


@pytest.mark.parametrize("told", [False, True])
def test_batch_norm_in_a_function_that_does_not_hear_of_training_is_warned_of(told):
    layers = keras_model(2)
    with_training = lambda inputs, training: layers(inputs, training=training)  # noqa: E731
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        tfgan.gan_model(
            with_training if told else lambda x: layers(x), Linear(1, 2), real(), noise()
        )
    found = [str(w.message) for w in warned if "moving averages" in str(w.message)]
    assert len(found) == (0 if told else 1)
