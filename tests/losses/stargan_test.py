"""The wrappers give a loss on plain arguments what it needs of a StarGANModel."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.deferred import Deferred
from tfgan_lite.losses import wargs

REAL = np.array([1.0, 2.0, -3.0], np.float32)
GEN = np.array([3.0, -1.0, 0.5], np.float32)
GENERATOR = tfgan.losses.stargan_generator_loss_wrapper
DISCRIMINATOR = tfgan.losses.stargan_discriminator_loss_wrapper
PENALTY = tfgan.losses.stargan_gradient_penalty_wrapper


def model(value=tf.constant):
    """Three images of two numbers, of five domains; the critic 3 x1 + 4 x2 has the slope 5."""
    nothing = tfgan.StarGANModel(*[None] * len(tfgan.StarGANModel._fields))
    return nothing._replace(
        input_data=value(np.zeros([3, 2], np.float32)),
        input_data_domain_label=value(np.eye(5, dtype=np.float32)[:3]),
        generated_data=value(np.ones([3, 2], np.float32)),
        discriminator_input_data_source_predication=value(REAL),
        discriminator_generated_data_source_predication=value(GEN),
        discriminator_fn=lambda x, domains: (tf.linalg.matvec(x, [3.0, 4.0]), domains),
    )


def eagerly(loss):
    return loss(model())


def in_a_graph(loss):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(loss(model()))


def deferred(loss):
    value = loss(model(tfgan.constant))
    assert isinstance(value, Deferred)
    return value()


every_world = pytest.mark.parametrize("world", [eagerly, in_a_graph, deferred])


@every_world
@pytest.mark.parametrize("kind", ["wasserstein", "modified", "least_squares", "relativistic"])
def test_losses_get_the_source_logits(world, kind):
    names = f"{kind}_generator_loss", f"{kind}_discriminator_loss"
    generator_loss, discriminator_loss = (getattr(wargs, name) for name in names)
    both = kind == "relativistic"  # Its generator looks at real data, too.
    expected = generator_loss(REAL, GEN) if both else generator_loss(GEN)
    np.testing.assert_allclose(world(GENERATOR(generator_loss)), expected, rtol=1e-6)
    expected = discriminator_loss(REAL, GEN)
    np.testing.assert_allclose(world(DISCRIMINATOR(discriminator_loss)), expected, rtol=1e-6)


@every_world
def test_gradient_penalty_gets_the_data_and_the_discriminator(world):
    penalty = PENALTY(wargs.wasserstein_gradient_penalty)
    np.testing.assert_allclose(world(lambda m: penalty(m, target=2.0)), 2.25, rtol=1e-5)
    assert penalty.network == "discriminator"


def test_discriminator_of_the_penalty_gets_the_number_of_domains():
    seen = []

    def penalty(real_data, generated_data, generator_inputs, discriminator_fn, scope):
        del real_data, generated_data, discriminator_fn, scope
        seen.append(generator_inputs)
        return tf.constant(0.0)

    PENALTY(penalty)(model())
    assert seen == [5]


@every_world
def test_keywords_are_passed_on(world):
    keywords = {"weights": 3.0, "reduction": tf.compat.v1.losses.Reduction.SUM}
    loss = GENERATOR(wargs.wasserstein_generator_loss)
    np.testing.assert_allclose(world(lambda m: loss(m, **keywords)), -3 * GEN.sum(), rtol=1e-6)


def test_loss_of_ones_own_takes_the_logits_by_position():
    loss = DISCRIMINATOR(lambda x, y, scale=1.0: scale * tf.reduce_sum(x - y))
    np.testing.assert_allclose(loss(model(), scale=2.0), 2 * np.sum(REAL - GEN), rtol=1e-6)


def test_name_help_and_signature_are_those_of_the_loss_on_a_model():
    loss = DISCRIMINATOR(wargs.wasserstein_discriminator_loss)
    assert loss.__name__ == "wasserstein_discriminator_loss"
    assert inspect.getdoc(loss) == inspect.getdoc(wargs.wasserstein_discriminator_loss)
    parameters = list(inspect.signature(loss).parameters)
    assert parameters[:3] == ["stargan_model", "real_weights", "generated_weights"]


def test_another_model_is_an_error():
    nothing = tfgan.GANModel(*[None] * len(tfgan.GANModel._fields))
    with pytest.raises(ValueError, match="needs a StarGANModel.*not a GANModel"):
        GENERATOR(wargs.wasserstein_generator_loss)(nothing)
