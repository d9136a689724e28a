"""A network owns the variables that its calls use, whatever it is made of."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tfgan_lite.deferred import Deferred
from tfgan_lite.networks import Network

ROOT = pathlib.Path(tfgan.__file__).parents[1]


class Linear(tf.Module):
    """A module that makes its weights when it is made, or in its first call."""

    def __init__(self, units, width=None):
        super().__init__()
        self.units = units
        self.weights = None
        if width is not None:
            self.build(width)

    def build(self, width):
        self.weights = tf.Variable(tf.ones([width, self.units]), name="weights")
        self.steps = tf.Variable(0.0, trainable=False, name="steps")

    def __call__(self, inputs):
        if self.weights is None:
            self.build(inputs.shape[-1])
        return inputs @ self.weights + self.steps


def keras_model(keras, units):
    return keras.Sequential([keras.layers.Dense(units), keras.layers.BatchNormalization()])


def closure(units):
    first, second = Linear(units), Linear(units)
    return lambda inputs: second(first(inputs))


# Each makes a network of so many outputs; its trainable variables' shapes, for 2 inputs, follow.
KINDS = {
    "Keras 3 model": (
        lambda units: keras_model(tf.keras, units),
        lambda n: [(2, n), (n,), (n,), (n,)],
    ),
    "tf_keras model": (
        lambda units: keras_model(tf_keras, units),
        lambda n: [(2, n), (n,), (n,), (n,)],
    ),
    "module": (lambda units: Linear(units, 2), lambda n: [(2, n)]),
    "lazy module": (Linear, lambda n: [(2, n)]),
    "function closing over modules": (closure, lambda n: [(2, n), (n, n)]),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def real(width=2):
    return tfgan.from_callable(lambda: tf.random.normal([4, width]), name="real")


def noise():
    return tfgan.from_callable(lambda: tf.random.normal([4, 2]), name="noise")


def shapes(variables):
    return [tuple(v.shape) for v in variables]


# Ownership in TF2


@every_kind
def test_network_owns_the_variables_that_it_uses_in_their_order(kind):
    make, expected = KINDS[kind]
    model = tfgan.gan_model(make(2), make(1), real(), noise())
    assert shapes(model.generator_variables) == expected(2)
    assert shapes(model.discriminator_variables) == expected(1)


@every_kind
def test_order_of_variables_does_not_depend_on_the_run(kind):
    """Optimizer slots in a checkpoint follow it."""
    make, _ = KINDS[kind]
    orders = {
        tuple(shapes(tfgan.gan_model(make(2), make(1), real(), noise()).generator_variables))
        for _ in range(3)
    }
    assert len(orders) == 1


@every_kind
def test_variables_are_plain_tf_variables(kind):
    make, _ = KINDS[kind]
    model = tfgan.gan_model(make(2), make(1), real(), noise())
    assert all(isinstance(v, tf.Variable) for v in model.generator_variables)


def test_statistics_are_owned_and_not_trained():
    model = tfgan.gan_model(keras_model(tf.keras, 2), Linear(1), real(), noise())
    assert shapes(model.generator_fn.statistics) == [(2,), (2,)]
    assert shapes(model.discriminator_fn.statistics) == [()]


def test_frozen_layers_are_not_trained():
    generator = keras_model(tf.keras, 2)
    generator.layers[1].trainable = False
    model = tfgan.gan_model(generator, Linear(1), real(), noise())
    assert shapes(model.generator_variables) == [(2, 2), (2,)]


def test_function_may_share_a_frozen_module_with_the_other_network():
    shared = tf.Variable(tf.ones([2, 2]), trainable=False)
    own = Linear(1, 2)
    model = tfgan.gan_model(Linear(2), lambda x: own(x @ shared), real(), noise())
    assert shapes(model.discriminator_variables) == [(2, 1)]


def test_shared_trainable_variable_is_an_error_that_names_it():
    shared = tf.Variable(tf.ones([2, 2]), name="shared")
    with pytest.raises(ValueError, match="Both networks own shared:0"):
        tfgan.gan_model(lambda z: z @ shared, lambda x: x @ shared, real(), noise())


def test_something_that_cannot_be_called_is_an_error():
    with pytest.raises(TypeError, match="discriminator_fn must be a model or a function, got 3"):
        tfgan.gan_model(Linear(2), 3, real(), noise())


def test_statistics_are_kept_where_they_must_be():
    module = Linear(2, 2)
    network = Network(lambda x: module.steps.assign_add(1.0) + module(x), "generator")
    network.own(Deferred(lambda: network(tf.ones([1, 2])), "output"))
    with network.statistics_kept():
        network(tf.ones([1, 2]))
        assert module.steps.numpy() == 1.0
    assert module.steps.numpy() == 0.0


def test_statistics_are_kept_where_a_call_fails():
    module = Linear(2, 2)
    network = Network(lambda x: module.steps.assign_add(1.0) + module(x), "generator")
    network.own(Deferred(lambda: network(tf.ones([1, 2])), "output"))
    with pytest.raises(KeyError), network.statistics_kept():
        network(tf.ones([1, 2]))
        raise KeyError
    assert module.steps.numpy() == 0.0


def test_after_a_call_that_failed_a_graphs_statistics_are_updated_again():
    with tf.Graph().as_default():
        layer = tf.keras.Sequential([tf.keras.Input([2]), tf.keras.layers.BatchNormalization()])
        network = Network(layer, "generator", scope="generator")
        with pytest.raises(KeyError), network.statistics_kept():
            raise KeyError
        network(tf.ones([1, 2]))
        assert network.update_ops


@pytest.mark.slow
def test_keras_models_work_with_legacy_keras():
    """TF_USE_LEGACY_KERAS=1 makes tf.keras be tf_keras."""
    program = """
import tensorflow as tf, tfgan_lite as tfgan
assert tf.keras.Model.__module__.startswith("tf_keras")
dense = tf.keras.layers.Dense
model = tfgan.gan_model(
    tf.keras.Sequential([dense(3), dense(2)]), tf.keras.Sequential([dense(1)]),
    tfgan.from_callable(lambda: tf.ones([4, 2])), tfgan.from_callable(lambda: tf.ones([4, 5])),
)
print([v.shape.as_list() for v in model.generator_variables], tfgan.generate(model, 7).shape)
"""
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[[5, 3], [3], [3, 2], [2]] (7, 2)"


# Variables made anew: each call would train a network of its own (TF-GAN's fault B1)


FORGETFUL = {
    "Keras 3 layer": lambda x: tf.keras.layers.Dense(2)(x),
    "tf_keras layer": lambda x: tf_keras.layers.Dense(2)(x),
    "variable": lambda x: x @ tf.Variable(tf.ones([2, 2])),
    "module": lambda x: Linear(2, 2)(x),
}
every_forgetful = pytest.mark.parametrize("forgetful", FORGETFUL.values(), ids=FORGETFUL)


@every_forgetful
def test_generator_that_makes_new_variables_is_an_error(forgetful):
    with pytest.raises(ValueError, match="generator_fn made new variables when it was called a se"):
        tfgan.gan_model(forgetful, Linear(1), real(), noise())


@every_forgetful
def test_discriminator_that_makes_new_variables_is_an_error(forgetful):
    with pytest.raises(ValueError, match="discriminator_fn made new variables when it was called"):
        tfgan.gan_model(Linear(2), forgetful, real(), noise())


@every_forgetful
def test_discriminator_that_makes_new_variables_in_a_graph_is_an_error(forgetful):
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="discriminator_fn made new variables .*: Discrim"):
            tfgan.gan_model(graph_dense(2), forgetful, tf.ones([4, 2]), tf.ones([4, 2]))


@every_forgetful
def test_generator_that_makes_new_variables_in_a_graph_cannot_be_called_again(forgetful):
    """Training calls it once there; sampling calls it again."""
    with tf.Graph().as_default():
        inputs = lambda n: tf.random.normal([n, 2])  # noqa: E731
        model = tfgan.gan_model(forgetful, graph_dense(1), tf.ones([4, 2]), inputs)
        with pytest.raises(ValueError, match="generator_fn made new variables"):
            tfgan.generate(model, 3)


# Ownership in a tf.Graph


def graph_dense(units, name="dense"):
    """A function of the TF1 kind."""

    def network(inputs):
        with tf.compat.v1.variable_scope(name):
            shape = [inputs.shape[-1], units]
            weights = tf.compat.v1.get_variable("weights", shape)
            return inputs @ weights + tf.compat.v1.get_variable("bias", [units])

    return network


def graph_keras(units):
    return tf.keras.Sequential([tf.keras.layers.Dense(units)])


def graph_tf_keras(units):
    return tf_keras.Sequential([tf_keras.layers.Dense(units)])


@pytest.mark.parametrize("make", [graph_dense, graph_keras, graph_tf_keras])
def test_network_in_a_graph_owns_the_variables_that_it_uses(make):
    with tf.Graph().as_default():
        model = tfgan.gan_model(make(2), make(1), tf.ones([4, 2]), tf.ones([4, 3]))
        assert shapes(model.generator_variables) == [(3, 2), (2,)]
        assert shapes(model.discriminator_variables) == [(2, 1), (1,)]
        assert len(tf.compat.v1.trainable_variables()) == 4


@pytest.mark.parametrize("make", [graph_dense, graph_keras])
def test_scopes_of_which_one_is_a_prefix_of_the_other_are_kept_apart(make):
    """TF-GAN found variables by prefix: `Gen` owned those of `GenDisc` as well (fault B3)."""
    with tf.Graph().as_default():
        model = tfgan.gan_model(
            make(2),
            make(1),
            tf.ones([4, 2]),
            tf.ones([4, 3]),
            generator_scope="Gen",
            discriminator_scope="GenDisc",
        )
        assert all(v.name.startswith("Gen/") for v in model.generator_variables)
        assert all(v.name.startswith("GenDisc/") for v in model.discriminator_variables)
        assert len(model.generator_variables) == len(model.discriminator_variables) == 2


def test_names_of_scopes_are_kept_outside_a_graph():
    model = tfgan.gan_model(Linear(2), Linear(1), real(), noise(), "Gen", "GenDisc")
    assert (model.generator_scope, model.discriminator_scope) == ("Gen", "GenDisc")


def test_scope_object_of_a_graph_is_entered():
    with tf.Graph().as_default():
        with tf.compat.v1.variable_scope("outer"), tf.compat.v1.variable_scope("G") as scope:
            pass
        model = tfgan.gan_model(
            graph_dense(2), graph_dense(1), tf.ones([4, 2]), tf.ones([4, 3]), scope
        )
        assert model.generator_variables[0].name == "outer/G/dense/weights:0"
        assert model.generator_scope.name == "outer/G"


def test_second_model_in_one_graph_shares_the_networks_of_the_first():
    with tf.Graph().as_default():
        generator, discriminator = graph_dense(2), graph_dense(1)
        first, second = (
            tfgan.gan_model(generator, discriminator, tf.ones([4, 2]), tf.ones([4, 3]))
            for _ in range(2)
        )
        assert [v.name for v in second.generator_variables] == [
            v.name for v in first.generator_variables
        ]
        assert len(tf.compat.v1.trainable_variables()) == 4


def test_shared_variable_in_a_graph_is_an_error():
    with tf.Graph().as_default():
        shared = tf.compat.v1.get_variable("shared", [2, 2])
        with pytest.raises(ValueError, match="Both networks own shared:0"):
            tfgan.gan_model(
                lambda z: z @ shared, lambda x: x @ shared, tf.ones([4, 2]), tf.ones([4, 2])
            )


def test_keywords_of_a_call_reach_the_function():
    def generator(inputs, is_training=True):
        outputs = graph_dense(2)(inputs)
        return outputs if is_training else tf.zeros_like(outputs)

    with tf.Graph().as_default():
        model = tfgan.gan_model(generator, graph_dense(1), tf.ones([4, 2]), tf.ones([4, 3]))
        samples = model.generator_fn(tf.ones([5, 3]), is_training=False)
        with tf.compat.v1.Session() as session:
            np.testing.assert_array_equal(session.run(samples), np.zeros([5, 2]))


def test_getter_of_a_scope_that_the_caller_opens_gives_averaged_weights():
    """As TF-GAN's programs sample from an average of the generator's weights."""
    with tf.Graph().as_default():
        generator = graph_dense(2)
        model = tfgan.gan_model(generator, graph_dense(1), tf.ones([4, 2]), tf.ones([4, 3]))
        average = tf.compat.v1.train.ExponentialMovingAverage(0.5)
        average_op = average.apply(model.generator_variables)

        def averaged_variable(getter, *args, **kwargs):
            return average.average(getter(*args, **kwargs))

        noise = tf.ones([5, 3])
        with tf.compat.v1.variable_scope("Generator", reuse=True, custom_getter=averaged_variable):
            averaged = model.generator_fn(noise)
        with tf.compat.v1.variable_scope("Generator", reuse=True):
            last = model.generator_fn(noise)
        raised = [v.assign(v + 1.0) for v in model.generator_variables]
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            before = session.run(last)
            session.run(raised)
            session.run(average_op)
            after, of_average = session.run([last, averaged])
        # Three weights and a bias that are one larger; their average is half way.
        np.testing.assert_allclose(after, before + 4.0, rtol=1e-6)
        np.testing.assert_allclose(of_average, before + 2.0, rtol=1e-6)


@pytest.mark.slow
def test_shapes_of_tensorflow_1_are_refused_with_the_line_that_mends_them():
    """In a process of its own, since they are a setting of the process."""
    program = """
import tensorflow as tf
import tfgan_lite as tfgan

tf.compat.v1.disable_v2_behavior()
try:
    tfgan.gan_model(lambda z: z, lambda x: x, tf.ones([2, 3]), tf.ones([2, 3]))
except ValueError as error:
    print("enable_v2_tensorshape() after it" in str(error))
tf.compat.v1.enable_v2_tensorshape()

def network(inputs, *_):
    return inputs @ tf.compat.v1.get_variable("weights", [3, 3])

print(tfgan.gan_model(network, network, tf.ones([2, 3]), tf.ones([2, 3])).generated_data.shape)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True\n(2, 3)\n", done.stderr


class Holder(tf.Module):
    """A module with a layer that is frozen, one that is not, and an optimizer."""

    def __init__(self):
        super().__init__()
        self.frozen, self.free = tf.keras.layers.Dense(2), tf.keras.layers.Dense(1)
        self.frozen.trainable = False
        self.optimizer = tf.keras.optimizers.SGD()

    def __call__(self, data):
        return self.free(self.frozen(data))


def test_module_owns_the_variables_of_its_keras_layers_alone():
    model = tfgan.gan_model(Linear(2), Holder(), real(), noise())
    assert shapes(model.discriminator_variables) == [(2, 1), (1,)]
    assert sorted(shapes(model.discriminator_fn.variables)) == [(1,), (2,), (2, 1), (2, 2)]
