"""`cyclegan_model`: there and back between two domains."""

import contextlib
import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tests.worlds import Linear, close, every_world, normal
from tfgan_lite.structures import CycleGANModel
from tfgan_lite.translation import cyclegan_model

SILENT = {"save_checkpoint_secs": None, "save_summaries_steps": None, "jit_compile": False}


def pairs():
    return (Linear(2, 2, 1), Linear(2, 2, 2)), (Linear(2, 1, 3), Linear(2, 1, 4))


def cyclegan(generators=None, discriminators=None, x=None, y=None, **arguments):
    if generators is None or discriminators is None:
        made = pairs()
        generators, discriminators = generators or made[0], discriminators or made[1]
    x, y = x or normal(4, 2), y or normal(4, 2)
    return cyclegan_model(generators, discriminators, x, y, **arguments)


def dense(inputs, units=2):
    """A function of the TF1 kind."""
    return inputs @ tf.compat.v1.get_variable("w", [2, units])


@every_world
def test_both_directions_and_their_ways_back_belong_to_one_draw(run):
    def make_program():
        generators, discriminators = pairs()

        def program():
            m = cyclegan(generators, discriminators)
            assert isinstance(m, CycleGANModel)
            x2y, y2x = m.model_x2y, m.model_y2x
            return [
                (d.generator_inputs, d.generated_data, d.real_data, d.discriminator_gen_outputs)
                for d in (x2y, y2x)
            ] + [m.reconstructed_x, m.reconstructed_y]

        return program

    (x, fake_y, real_y, y_logits), (y, fake_x, real_x, x_logits), back_x, back_y = run(make_program)
    (to_y, to_x), (judge_y, judge_x) = (
        [each.weights.numpy() for each in networks] for networks in pairs()
    )
    np.testing.assert_array_equal(x, real_x)
    np.testing.assert_array_equal(y, real_y)
    close(fake_y, x @ to_y)
    close(fake_x, y @ to_x)
    close(back_x, x @ to_y @ to_x)
    close(back_y, y @ to_x @ to_y)
    close(y_logits, fake_y @ judge_y)
    close(x_logits, fake_x @ judge_x)


def test_networks_are_named_by_role_and_direction():
    m = cyclegan()
    names = [(d.generator_fn.name, d.discriminator_fn.name) for d in (m.model_x2y, m.model_y2x)]
    assert names == [
        ("generator_x2y", "discriminator_x2y"),
        ("generator_y2x", "discriminator_y2x"),
    ]
    assert m.model_y2x.generator_fn.role == "generator"
    assert m.model_x2y.generator_scope == "ModelX2Y/Generator"


def test_each_direction_owns_networks_of_its_own():
    generators, discriminators = pairs()
    m = cyclegan(generators, discriminators)
    for index, direction in enumerate((m.model_x2y, m.model_y2x)):
        assert direction.generator_variables[0] is generators[index].weights
        assert direction.discriminator_variables[0] is discriminators[index].weights


def test_function_of_a_graph_becomes_two_networks_in_two_scopes():
    judge = functools.partial(dense, units=1)
    with tf.Graph().as_default():
        for _ in range(2):  # The second time shares the first one's variables.
            m = cyclegan_model(dense, judge, tf.ones([4, 2]), tf.ones([4, 2]))
        directions = m.model_x2y, m.model_y2x
        assert [d.generator_variables[0].name for d in directions] == [
            "ModelX2Y/Generator/w:0",
            "ModelY2X/Generator/w:0",
        ]
        assert [d.discriminator_variables[0].name for d in directions] == [
            "ModelX2Y/Discriminator/w:0",
            "ModelY2X/Discriminator/w:0",
        ]
        assert len(tf.compat.v1.trainable_variables()) == 4


@pytest.mark.parametrize("scope", [tf.init_scope, lambda: tf.Graph().as_default()])
def test_one_network_for_both_directions_is_an_error_that_says_so(scope):
    with scope():
        one, (generators, discriminators) = Linear(2, 2), pairs()
        for given in (one, (one, one)):
            with pytest.raises(
                ValueError, match=r"generator_fn is the same network in both directions.*weights_0"
            ):
                cyclegan(given, discriminators)
        with pytest.raises(ValueError, match="discriminator_fn is the same network in both"):
            cyclegan(generators, Linear(2, 1))


def test_network_in_two_roles_is_an_error():
    (to_y, to_x), (judge_y, _) = pairs()
    with pytest.raises(ValueError, match="Both networks own weights"):
        cyclegan((to_y, to_x), (judge_y, lambda x: tf.reduce_sum(to_y(x), 1)))


@pytest.mark.parametrize("pair", [(), (Linear(2, 2),), (Linear(2, 2),) * 3, 3, None])
def test_something_else_than_a_pair_is_an_error(pair):
    with pytest.raises(ValueError, match=r"generator_fn must be a pair \(x2y, y2x\)"):
        cyclegan_model(pair, pairs()[1], normal(4, 2), normal(4, 2))


def test_domains_of_different_shapes_are_an_error_unless_that_is_said():
    with pytest.raises(ValueError, match="generator_fn's output does not match real_data"):
        cyclegan(y=normal(4, 3))
    generators, discriminators = (Linear(2, 3), Linear(3, 2)), (Linear(3, 1), Linear(2, 1))
    m = cyclegan(generators, discriminators, y=normal(4, 3))
    assert m.reconstructed_x.shape == [4, 2]
    assert m.reconstructed_y.shape == [4, 3]
    with pytest.raises(ValueError, match="does not match real_data"):
        cyclegan(y=normal(5, 2))


def test_reconstruction_that_makes_new_variables_is_an_error():
    (to_y, to_x), discriminators = pairs()
    calls, late = [], Linear(2, 2, 5)

    def forgetful(x):
        calls.append(x)
        return to_x(x) if len(calls) <= 2 else to_x(late(x))

    with pytest.raises(ValueError, match="generator_fn made new variables"):
        cyclegan((to_y, forgetful), discriminators)


@pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])
def test_keras_models_with_batch_norm_make_a_cyclegan(keras):
    def network(units):
        return keras.Sequential([keras.layers.Dense(units), keras.layers.BatchNormalization()])

    m = cyclegan((network(2), network(2)), (network(1), network(1)))
    for direction in (m.model_x2y, m.model_y2x):
        assert len(direction.generator_variables) == len(direction.discriminator_variables) == 4
        assert len(direction.generator_fn.statistics) == 2


@pytest.mark.parametrize(
    "world", [contextlib.nullcontext, lambda: tf.Graph().as_default()], ids=["TF2", "graph"]
)
def test_batch_norm_does_not_keep_a_cyclegan_from_training(world):
    """TF-GAN's gan_train_ops found the other direction's update ops unused (fault B23)."""

    def network(units):
        layers = tf.keras.layers
        return tf.keras.Sequential(
            [tf.keras.Input([2]), layers.Dense(units), layers.BatchNormalization(momentum=0.5)]
        )

    with world():
        m = cyclegan((network(2), network(2)), (network(1), network(1)))
        adam = tf.keras.optimizers.Adam
        train_ops = tfgan.gan_train_ops(m, tfgan.cyclegan_loss(m), adam(0.1), adam(0.1))
        networks = [
            network
            for direction in (m.model_x2y, m.model_y2x)
            for network in (direction.generator_fn, direction.discriminator_fn)
        ]
        moving_variances = [network.statistics[1] for network in networks]
        final = tfgan.FinalOpsHook(moving_variances)
        tfgan.gan_train(train_ops, None, hooks=[tfgan.StopAtStepHook(2), final], **SILENT)
    for variance in final.final_ops_values:
        assert np.isfinite(variance).all() and (variance != 1.0).all()
