"""Keras layers count as they do in Keras, wherever a network's function has them."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tfgan_lite.held_layers import held_layers
from tfgan_lite.losses.terms import terms_of


def critic_of(keras=tf.keras, **options):
    """A critic of one layer, [2, 1]."""
    return keras.Sequential([keras.Input([2]), keras.layers.Dense(1, **options)])


class Nets:
    """An object that is no module, with a list of networks."""

    def __init__(self, *nets):
        self.nets = list(nets)

    def judge(self, data):
        return self.nets[0](data)


class Module(tf.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def __call__(self, data):
        return self.layer(data)


def helped(layer):
    def helper(data):
        return layer(data)

    return lambda data: helper(data)


# Functions that call the layer, each in another way.
WAYS = {
    "the layer itself": lambda layer: layer,
    "closure": lambda layer: lambda data: layer(data),
    "closure of a helper": helped,
    "default of a partial": lambda layer: functools.partial(lambda data, net: net(data), net=layer),
    "tf.function": lambda layer: tf.function(lambda data: layer(data)),
    "method of an object": lambda layer: Nets(layer).judge,
    "object in a closure": lambda layer: (lambda nets: lambda data: nets.nets[0](data))(
        Nets(layer)
    ),
    "module": Module,
    "function of a module": lambda layer: Module(lambda data: layer(data)),
    "wrapped function": lambda layer: tfgan.features.augmented(
        lambda data: layer(data), tf.identity
    ),
}
every_way = pytest.mark.parametrize("way", WAYS)


def model_of(discriminator_fn, generator_fn=None):
    weights = tf.Variable(tf.ones([3, 2]))
    real = tfgan.constant(tf.ones([4, 2]))
    generate = generator_fn or (lambda noise: noise @ weights)
    return tfgan.gan_model(generate, discriminator_fn, real, tfgan.normal([3]))


@every_way
@pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])
def test_a_layer_is_found(way, keras):
    layer = critic_of(keras)
    assert held_layers(WAYS[way](layer)) == [layer]


def test_a_layer_inside_another_is_found_once():
    critic = critic_of()
    inner = critic.layers[0]
    assert held_layers(lambda data: critic(data) + inner(data)) == [critic]


GLOBAL = tf.keras.layers.Dense(1)


def test_a_global_layer_is_found_if_the_function_names_it():
    assert held_layers(lambda data: GLOBAL(data)) == [GLOBAL]
    assert held_layers(lambda data: data) == []


def test_objects_that_hold_each_other_come_to_an_end():
    nets = Nets()
    nets.nets.append(nets)
    assert held_layers(nets.judge) == []


@every_way
def test_frozen_layers_are_not_trained(way):
    critic = tf.keras.Sequential(
        [tf.keras.Input([2]), tf.keras.layers.Dense(3), tf.keras.layers.Dense(1)]
    )
    critic.layers[0].trainable = False
    model = model_of(WAYS[way](critic))
    assert [v.shape.as_list() for v in model.discriminator_variables] == [[3, 1], [1]]


@every_way
def test_regularisers_are_a_part_of_the_loss(way):
    critic = critic_of(kernel_regularizer=tf.keras.regularizers.L2(0.5))
    critic.layers[0].kernel.assign([[1.0], [3.0]])
    loss = tfgan.gan_loss(model_of(WAYS[way](critic))).discriminator_loss
    assert float(loss.terms["regularization"]()) == pytest.approx(0.5 * (1.0 + 9.0))


@every_way
def test_constraints_hold(way):
    critic = critic_of(kernel_constraint=tf.keras.constraints.MaxNorm(0.1))
    model = model_of(WAYS[way](critic))
    sgd = tf.keras.optimizers.SGD
    train_ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), sgd(0.1), sgd(1.0))
    train_ops.discriminator_train_op()
    assert np.linalg.norm(critic.layers[0].kernel) == pytest.approx(0.1, rel=1e-5)


def test_layers_that_only_the_other_network_calls_are_not_ones_own():
    """Both functions can see both networks, as functions that name globals mostly do."""
    regularizer = tf.keras.regularizers.L2(1.0)
    generator = tf.keras.layers.Dense(2, kernel_regularizer=regularizer)
    critic = tf.keras.layers.Dense(1)
    nets = Nets(generator, critic)
    model = model_of(lambda data: nets.nets[1](data), lambda noise: nets.nets[0](noise))
    loss = tfgan.gan_loss(model)
    assert "regularization" in loss.generator_loss.terms
    assert "regularization" not in loss.discriminator_loss.terms


def test_methods_of_a_model_of_both_networks_have_the_layers_that_they_call():
    class Both(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.generator = tf.keras.layers.Dense(2)
            self.critic = critic_of(kernel_regularizer=tf.keras.regularizers.L2(1.0))

        def generate(self, noise):
            return self.generator(noise)

        def judge(self, data):
            return self.critic(data)

    both = Both()
    model = model_of(both.judge, both.generate)
    assert model.discriminator_fn.layers == [both.critic]
    assert model.generator_fn.layers == [both.generator]
    loss = tfgan.gan_loss(model)
    assert "regularization" in loss.discriminator_loss.terms
    assert "regularization" not in loss.generator_loss.terms


def test_a_graphs_function_has_the_regularisers_of_its_layers():
    with tf.Graph().as_default():
        critic = critic_of(kernel_regularizer=tf.keras.regularizers.L2(0.5))
        generator = tf.keras.layers.Dense(2)
        model = model_of(lambda data: critic(data), lambda noise: generator(noise))
        loss = tfgan.gan_loss(model).discriminator_loss
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            kernel, found = session.run(
                [critic.layers[0].kernel.value, terms_of(loss)["regularization"]]
            )
    assert found == pytest.approx(0.5 * np.square(kernel).sum(), rel=1e-6)


def test_batch_norm_in_a_functions_layers_is_warned_of_where_slopes_are_penalised():
    layers = tf.keras.layers
    critic = tf.keras.Sequential([layers.Dense(2), layers.BatchNormalization(), layers.Dense(1)])
    model = model_of(lambda data, training=None: critic(data, training=training))
    with pytest.warns(UserWarning, match="has a layer of kind BatchNormalization"):
        tfgan.gan_loss(model, gradient_penalty_weight=1.0)
