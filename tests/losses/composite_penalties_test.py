"""What `gan_loss` adds to the adversarial losses: gradient penalty and regularisation losses."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters
from tfgan_lite.losses.composite import terms_of
from tfgan_lite.runs import Run, random_key

ROOT_2 = np.sqrt(2.0)


def in_tf2(program):
    return tfgan.Session(Counters(), seed=1).run(program())


def in_tf_graph(program):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        fetches = program()
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run(fetches)


every_world = pytest.mark.parametrize("run", [in_tf2, in_tf_graph], ids=["TF2", "tf.Graph"])


def model(generator=None, discriminator=None):
    """By default G is the identity and D the critic x1 + x2, whose slope is sqrt(2)."""
    ones, weights = tf.Variable(1.0), tf.Variable(tf.ones([2, 1]))
    return tfgan.gan_model(
        generator or (lambda z: z * ones),
        discriminator or (lambda x: x @ weights),
        lambda: tf.random.normal([4, 2]),
        lambda n: tf.random.normal([n, 2]),
    )


# Gradient penalty


@every_world
@pytest.mark.parametrize(
    ("arguments", "penalty"),
    [
        ({}, (ROOT_2 - 1) ** 2),
        ({"gradient_penalty_target": 2.0}, (ROOT_2 / 2 - 1) ** 2),
        ({"gradient_penalty_target": 2.0, "gradient_penalty_one_sided": True}, 0.0),
        ({"gradient_penalty_epsilon": 2.0}, 1.0),
    ],
    ids=["default", "target", "one-sided", "epsilon"],
)
@pytest.mark.parametrize("weight", [10, np.float32(0.5)])
def test_penalty_is_added_with_its_weight(run, arguments, penalty, weight):
    def program():
        m = model()
        loss = tfgan.gan_loss(m, gradient_penalty_weight=weight, **arguments)
        return [*loss, m.discriminator_real_outputs, m.discriminator_gen_outputs]

    generator_loss, discriminator_loss, real, gen = run(program)
    added = discriminator_loss - (gen.mean() - real.mean())
    np.testing.assert_allclose(added, weight * penalty, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(generator_loss, -gen.mean(), rtol=1e-4, atol=1e-6)


def test_weight_may_be_a_variable_that_changes():
    weight = tf.Variable(0.0)
    loss = terms_of(tfgan.gan_loss(model(), gradient_penalty_weight=weight).discriminator_loss)
    session = tfgan.Session(Counters())
    values = []
    for value in (1.0, 5.0):
        weight.assign(value)
        values.append(session.run(loss["gradient_penalty"]))
    np.testing.assert_allclose(values, np.array([1, 5]) * (ROOT_2 - 1) ** 2, rtol=1e-4)


@pytest.mark.parametrize("weight", [None, 0, 0.0, np.float32(0)])
def test_without_a_weight_the_discriminator_is_not_called_for_a_penalty(weight):
    calls, weights = [], tf.Variable(tf.ones([2, 1]))
    loss = tfgan.gan_loss(
        model(discriminator=lambda x: calls.append(x) or x @ weights),
        gradient_penalty_weight=weight,
    ).discriminator_loss
    calls.clear()
    loss()
    assert len(calls) == 2


def test_places_of_the_penalty_are_a_pure_function_of_seed_round_and_sub_step():
    """A critic whose slope is the length of the example tells where it was asked."""
    scale, half = tf.Variable(1.0), tf.Variable(0.5)
    m = tfgan.gan_model(
        lambda z: z * scale,
        lambda x: half * tf.reduce_sum(x**2, 1),
        tfgan.constant(tf.zeros([4, 2])),
        tfgan.constant(tf.fill([4, 2], 5.0)),
    )
    penalty = terms_of(tfgan.gan_loss(m, gradient_penalty_weight=1.0).discriminator_loss)

    def value(seed, key):
        with Run(seed=seed, key=random_key(*key)):
            return float(penalty["gradient_penalty"]())

    assert value(1, (2, 3)) == value(1, (2, 3))
    assert len({value(1, (2, 3)), value(2, (2, 3)), value(1, (3, 3)), value(1, (2, 4))}) == 4


@every_world
def test_penalty_leaves_the_discriminators_statistics_alone(run):
    """Real and generated data move them; the places between do not (TF-GAN's fault B56)."""

    def program():
        weights = tf.Variable(tf.ones([2, 1]))
        calls = tf.Variable(0.0, trainable=False)

        def discriminator(x):
            with tf.control_dependencies([calls.assign_add(1.0)]):
                return x @ weights

        m = model(discriminator=discriminator)
        loss = tfgan.gan_loss(m, gradient_penalty_weight=1.0)
        if tf.executing_eagerly():
            calls.assign(0.0)
            loss.discriminator_loss()
            assert calls.numpy() == 2.0
            return loss.discriminator_loss
        assert len(m.discriminator_fn.update_ops) == 2
        return loss.discriminator_loss

    run(program)


# Regularisation losses of Keras layers (TF-GAN lost them: B21)


def dense(keras, units, activity=False):
    """All weights are 1: the weights' loss is half their number, of the inputs `x` the output."""
    l2 = keras.regularizers.L2
    return keras.Sequential(
        [
            keras.layers.Dense(
                units,
                use_bias=False,
                kernel_initializer="ones",
                kernel_regularizer=l2(0.5),
                activity_regularizer=l2(1.0) if activity else None,
            )
        ]
    )


every_keras = pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])


@every_world
@every_keras
def test_regularisers_of_weights_are_in_their_networks_loss_once(run, keras):
    def program():
        m = model(dense(keras, 2), dense(keras, 1))
        return [*tfgan.gan_loss(m), m.discriminator_real_outputs, m.discriminator_gen_outputs]

    generator_loss, discriminator_loss, real, gen = run(program)
    np.testing.assert_allclose(generator_loss, -gen.mean() + 4 / 2, rtol=1e-4, atol=1e-5)
    expected = gen.mean() - real.mean() + 2 / 2
    np.testing.assert_allclose(discriminator_loss, expected, rtol=1e-4, atol=1e-5)


@every_world
@every_keras
@pytest.mark.parametrize("penalty", [None, 1.0])
def test_regularisers_of_activities_are_of_a_networks_own_data(run, keras, penalty):
    """For D that is real data, in whatever order it is called. Keras takes the batch's mean."""

    def program():
        m = model(dense(keras, 2, activity=True), dense(keras, 1, activity=True))
        loss = tfgan.gan_loss(m, gradient_penalty_weight=penalty)
        terms = [terms_of(total)["regularization"] for total in loss]
        return [*loss, *terms, m.discriminator_real_outputs, m.generated_data]

    _, _, of_generator, of_discriminator, real, generated = run(program)
    np.testing.assert_allclose(of_generator, 4 / 2 + np.sum(generated**2) / 4, rtol=1e-4)
    np.testing.assert_allclose(of_discriminator, 2 / 2 + np.sum(real**2) / 4, rtol=1e-4)


@every_keras
def test_one_loss_alone_has_the_same_regularisation_as_both(keras):
    m = model(dense(keras, 2, activity=True), dense(keras, 1, activity=True))
    loss = tfgan.gan_loss(m).discriminator_loss
    total, real, gen = tfgan.Session(Counters()).run(
        [loss, m.discriminator_real_outputs, m.discriminator_gen_outputs]
    )
    expected = gen.mean() - real.mean() + 2 / 2 + np.sum(real**2) / 4
    np.testing.assert_allclose(total, expected, rtol=1e-4, atol=1e-5)


@every_keras
@pytest.mark.parametrize("jit_compile", [False, True])
def test_regularisers_have_gradients_in_a_users_tf_function(keras, jit_compile):
    """Half the square of a weight has the weight as its gradient."""
    generator, discriminator = dense(keras, 2), dense(keras, 1)
    for network in (generator, discriminator):
        network.build([None, 2])

    @tf.function(autograph=False, jit_compile=jit_compile)
    def gradient(real, inputs):
        with tf.GradientTape() as tape:
            m = tfgan.gan_model(generator, discriminator, real, inputs)
            loss = tfgan.gan_loss(m).discriminator_loss
        return tape.gradient(loss, m.discriminator_variables)

    (kernel,) = gradient(tf.fill([4, 2], 3.0), tf.zeros([4, 2]))
    # The mean of D's inputs, generated (0) minus real (3), and the weight (1).
    np.testing.assert_allclose(kernel, [[-2.0], [-2.0]], rtol=1e-6)


def regularised(x):
    """A critic of ones, whose regulariser is half the square of its weights: 1."""
    weights = tf.compat.v1.get_variable(
        "weights",
        [2, 1],
        initializer=tf.ones_initializer(),
        regularizer=lambda w: 0.5 * tf.reduce_sum(w**2),
    )
    return x @ weights


def test_regulariser_of_a_graph_variable_is_in_its_networks_loss_once():
    def program():
        m = model(discriminator=regularised)
        loss = tfgan.gan_loss(m, gradient_penalty_weight=1.0)
        assert "regularization" not in terms_of(loss.generator_loss)
        return terms_of(loss.discriminator_loss)["regularization"]

    np.testing.assert_allclose(in_tf_graph(program), 1.0)


def test_regularisation_is_added_to_each_element_of_a_loss_that_is_not_reduced():
    def program():
        m = model(discriminator=regularised)
        reductions = ("none", "weighted_sum_by_nonzero_weights")
        return [tfgan.gan_loss(m, reduction=each).discriminator_loss for each in reductions]

    none, mean = in_tf_graph(program)
    assert none.shape == (4, 1)
    np.testing.assert_allclose(none.mean(), mean, rtol=1e-6)


@pytest.mark.parametrize("earlier", ["a model", "the program"])
def test_regulariser_of_a_variable_that_was_there_is_in_each_models_loss(earlier):
    def program():
        if earlier == "a model":
            model(discriminator=regularised)
        else:
            with tf.compat.v1.variable_scope("Discriminator"):
                regularised(tf.zeros([1, 2]))
        loss = tfgan.gan_loss(model(discriminator=regularised))
        return terms_of(loss.discriminator_loss)["regularization"]

    np.testing.assert_allclose(in_tf_graph(program), 1.0)


def test_regulariser_of_an_earlier_models_activities_is_not_in_a_later_ones_loss():
    def discriminator(x):
        scores = x @ tf.compat.v1.get_variable("weights", [2, 1])
        key = tf.compat.v1.GraphKeys.REGULARIZATION_LOSSES
        tf.compat.v1.add_to_collection(key, tf.reduce_mean(scores**2))
        return scores

    with tf.Graph().as_default():
        data = tf.compat.v1.placeholder(tf.float32, [4, 2])
        models = [tfgan.gan_model(lambda z: z, discriminator, data, data) for _ in range(2)]
        sizes = [len(m.discriminator_fn.regularization_losses) for m in models]
    assert sizes[0] == sizes[1]


def test_network_without_regularisers_has_no_such_part():
    loss = tfgan.gan_loss(model(), gradient_penalty_weight=1.0)
    assert "regularization" not in terms_of(loss.discriminator_loss)
