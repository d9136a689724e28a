"""The list of penalties that `gan_loss` takes: (penalty, weight, every)."""

import functools
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tests.worlds import Linear, both_worlds, close, every_world, in_tf2, normal
from tfgan_lite import losses
from tfgan_lite.counters import Counters
from tfgan_lite.losses.terms import every_of, terms_of


def model(generator=None, discriminator=None):
    return tfgan.gan_model(
        generator or Linear(2, 2), discriminator or Linear(2, 1), normal(4, 2), normal(4, 2)
    )


def size(m):
    """A penalty of the discriminator, as any function of a model is."""
    return tf.reduce_mean(tf.square(m.real_data))


def spread(m):
    return tf.reduce_mean(tf.square(m.generated_data))


spread.network = "generator"


def program_of(*penalties, **arguments):
    """Fetches the terms of both losses, both losses and the data."""

    def make_program():
        networks = Linear(2, 2), Linear(2, 1)

        def program():
            m = model(*networks)
            loss = tfgan.gan_loss(m, penalties=penalties, **arguments)
            return [
                *loss,
                m.generated_data,
                m.real_data,
                m.discriminator_gen_outputs,
                m.discriminator_real_outputs,
            ]

        return program

    return make_program


# Values


@every_world
def test_penalty_joins_the_loss_of_its_network_with_its_weight(run):
    generator_loss, discriminator_loss, data, real, gen_logits, real_logits = run(
        program_of((size, 3.0), (spread, 0.5, 1))
    )
    close(generator_loss, -gen_logits.mean() + 0.5 * np.mean(data**2))
    close(discriminator_loss, gen_logits.mean() - real_logits.mean() + 3 * np.mean(real**2))


@both_worlds
@pytest.mark.parametrize("entry", [size, (size,), (size, 1.0), (size, 1, 1), [size, np.float32(1)]])
def test_what_is_left_out_is_one(run, entry):
    _, loss, _, real, gen_logits, real_logits = run(program_of(entry))
    close(loss, gen_logits.mean() - real_logits.mean() + np.mean(real**2))


@both_worlds
def test_r1_of_a_linear_critic_is_half_its_squared_slope(run):
    """arXiv:1801.04406, equation 9, where gamma is the weight."""
    _, loss, _, _, gen_logits, real_logits = run(program_of((losses.r1_penalty, 10.0)))
    slope = np.sum(Linear(2, 1).weights.numpy() ** 2)
    close(loss, gen_logits.mean() - real_logits.mean() + 10 / 2 * slope)


@both_worlds
def test_penalty_that_is_due_counts_for_those_that_are_not(run):
    """The first update is due; the gain is k (arXiv:1912.04958, appendix B)."""
    _, loss, _, real, gen_logits, real_logits = run(program_of((size, 0.5, 16)))
    close(loss, gen_logits.mean() - real_logits.mean() + 0.5 * 16 * np.mean(real**2))


@pytest.mark.parametrize("weight", [None, 0, 0.0, np.float32(0)])
def test_penalty_without_weight_is_not_called(weight):
    loss = tfgan.gan_loss(model(), penalties=[(lambda m: pytest.fail("called"), weight)])
    assert terms_of(loss.discriminator_loss) == {}


def test_weight_may_be_a_variable_that_changes():
    weight = tf.Variable(1.0)
    m = tfgan.gan_model(Linear(2, 2), Linear(2, 1), tfgan.constant(tf.ones([4, 2])), normal(4, 2))
    term = terms_of(tfgan.gan_loss(m, penalties=[(size, weight)]).discriminator_loss)["size"]
    session = tfgan.Session(Counters())
    values = []
    for value in (1.0, 5.0):
        weight.assign(value)
        values.append(float(session.run(term)))
    assert values == [1.0, 5.0]


def test_penalty_may_compute_in_half_precision():
    loss = tfgan.gan_loss(
        model(), penalties=[lambda m: tf.cast(tf.reduce_mean(m.real_data), tf.float16)]
    )
    assert loss.discriminator_loss.dtype == tf.float32


# Names


@both_worlds
def test_each_penalty_is_a_named_term(run):
    def make_program():
        networks = Linear(2, 2), Linear(2, 1)

        def program():
            m = model(*networks)
            listed = [
                size,
                (size, 2.0),
                functools.partial(losses.r1_penalty, weights=2.0),
                losses.LeCam(),
                (spread, 1.0),
            ]
            loss = tfgan.gan_loss(m, gradient_penalty_weight=1.0, penalties=listed)
            of_generator, of_discriminator = map(terms_of, loss)
            assert list(of_generator) == ["adversarial", "spread"]
            assert list(of_discriminator) == [
                "adversarial",
                "gradient_penalty",
                "size",
                "size_2",
                "r1_penalty",
                "lecam",
            ]
            return [of_discriminator, loss.discriminator_loss]

        return program

    terms, total = run(make_program)
    close(total, sum(terms.values()))
    close(terms["size_2"], 2 * terms["size"])


@both_worlds
@pytest.mark.parametrize("add_summaries", [True, False])
def test_terms_that_are_not_always_due_are_always_named(run, add_summaries):
    def make_program():
        networks = Linear(2, 2), Linear(2, 1)

        def program():
            loss = tfgan.gan_loss(
                model(*networks),
                penalties=[(size, 1.0, 4), (losses.r2_penalty, 1.0), (spread, 1.0, 8)],
                add_summaries=add_summaries,
            )
            assert every_of(loss.discriminator_loss) == {"size": 4}
            assert every_of(loss.generator_loss) == {"spread": 8}
            names = list(terms_of(loss.discriminator_loss))
            assert names == (["adversarial", "size", "r2_penalty"] if add_summaries else ["size"])
            return list(loss)

        return program

    run(make_program)


def test_without_penalties_everything_is_always_due():
    assert every_of(tfgan.gan_loss(model()).discriminator_loss) == {}


# Bad input


BAD_LISTS = {
    "a function": (size, TypeError, "must be a list"),
    "a tuple that should be in a list": ((size, 1.0, 4), TypeError, "an entry is 1.0"),
    "no function": ([(1.0, size)], TypeError, "of which penalty is a function; it is 1.0"),
    "too long": ([(size, 1.0, 4, 2)], TypeError, "an entry is"),
    "empty": ([()], TypeError, "an entry is"),
    "a name": (["r1_penalty"], TypeError, "an entry is 'r1_penalty'"),
    "negative weight": ([(size, -1.0)], ValueError, "weight of penalty size must be >= 0, got -1"),
    "nan": ([(size, float("nan"))], ValueError, "weight of penalty size must be >= 0, got nan"),
    "every 0": ([(size, 1.0, 0)], ValueError, "every of penalty size must be a positive integer"),
    "every 1.5": ([(size, 1.0, 1.5)], ValueError, "got 1.5"),
    "every True": ([(size, 1.0, True)], ValueError, "got True"),
    "no scalar": ([lambda m: m.real_data], ValueError, r"must give a scalar.*\(4, 2\)"),
}


@pytest.mark.parametrize(("given", "error", "message"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_list_that_is_none_is_an_error(given, error, message):
    with pytest.raises(error, match=message):
        tfgan.gan_loss(model(), penalties=given)


def test_nobody_counts_updates_in_a_users_tf_function():
    generator, discriminator = Linear(2, 2), Linear(2, 1)

    @tf.function(autograph=False)
    def step():
        m = tfgan.gan_model(generator, discriminator, tf.ones([4, 2]), tf.ones([4, 2]))
        return tfgan.gan_loss(m, penalties=[(size, 1.0, 4)]).discriminator_loss

    with pytest.raises(
        ValueError, match="size has every=4.*call it in the steps in which you want"
    ):
        step()


@pytest.mark.parametrize("jit_compile", [False, True])
def test_penalties_have_gradients_in_a_users_tf_function(jit_compile):
    """R1 of a linear critic is |w|^2 / 2, of which the gradient is w."""
    generator, discriminator = Linear(2, 2), Linear(2, 1)

    @tf.function(autograph=False, jit_compile=jit_compile)
    def gradients(weight):
        with tf.GradientTape() as tape:
            m = tfgan.gan_model(generator, discriminator, tf.ones([4, 2]), tf.ones([4, 2]))
            loss = tfgan.gan_loss(m, penalties=[(losses.r1_penalty, weight)]).discriminator_loss
        return tape.gradient(loss, discriminator.weights)

    added = gradients(tf.constant(3.0)) - gradients(tf.constant(0.0))
    np.testing.assert_allclose(added, 3 * discriminator.weights, rtol=1e-4)


# Batch norm


def batch_norm(keras):
    layers = keras.layers
    return keras.Sequential([layers.Dense(3), layers.BatchNormalization(), layers.Dense(1)])


@pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"gradient_penalty_weight": 1.0},
        {"penalties": [functools.partial(losses.r1_penalty, weights=1.0)]},
        {"gradient_penalty_weight": 1.0, "penalties": [losses.r1_penalty, losses.dragan_penalty]},
    ],
    ids=["gradient penalty", "R1", "several"],
)
def test_batch_norm_under_a_penalty_of_slopes_brings_one_warning(keras, arguments):
    m = model(discriminator=batch_norm(keras))
    with pytest.warns(UserWarning, match="layer of kind BatchNormalization") as caught:
        tfgan.gan_loss(m, **arguments)
    assert len([w for w in caught if "BatchNormalization" in str(w.message)]) == 1


def test_batch_norm_elsewhere_brings_no_warning():
    group = tf.keras.Sequential([tf.keras.layers.LayerNormalization(), tf.keras.layers.Dense(1)])
    generator = tf.keras.Sequential([tf.keras.layers.BatchNormalization()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tfgan.gan_loss(model(generator, group), gradient_penalty_weight=1.0)
        m = model(discriminator=batch_norm(tf.keras))
        tfgan.gan_loss(m, gradient_penalty_weight=0.0, penalties=[size])


def test_penalties_give_a_finite_loss():
    m = model()
    loss = tfgan.gan_loss(m, penalties=[losses.r1_penalty, (losses.LeCam(), 0.1), (size, 1.0, 2)])
    assert np.isfinite(in_tf2(lambda: lambda: loss.discriminator_loss))
