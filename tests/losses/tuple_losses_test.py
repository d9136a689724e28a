"""The losses on a model tuple are those on plain arguments, on the tuple's values."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.deferred import Deferred
from tfgan_lite.losses import tuple_losses, wargs

GENERATOR_LOSSES = [
    "least_squares_generator_loss",
    "minimax_generator_loss",
    "modified_generator_loss",
    "wasserstein_generator_loss",
    "wasserstein_hinge_generator_loss",
]
DISCRIMINATOR_LOSSES = [name.replace("generator", "discriminator") for name in GENERATOR_LOSSES]
LOSSES = GENERATOR_LOSSES + DISCRIMINATOR_LOSSES
every_loss = pytest.mark.parametrize("name", LOSSES)

REAL = np.array([[1.0], [2.0], [-3.0]], np.float32)
GEN = np.array([[3.0], [-1.0], [0.5]], np.float32)
WEIGHTS = np.array([[0.5], [0.0], [2.0]], np.float32)
NOTHING = tfgan.GANModel(*[None] * len(tfgan.GANModel._fields))


def model(value=tf.constant, real=REAL, gen=GEN):
    """A model of which only the logits matter; `value` makes them what a world has."""
    return NOTHING._replace(
        discriminator_real_outputs=tf.nest.map_structure(value, real),
        discriminator_gen_outputs=tf.nest.map_structure(value, gen),
    )


def on_plain_arguments(name, **keywords):
    logits = [GEN] if name in GENERATOR_LOSSES else [REAL, GEN]
    return getattr(wargs, name)(*logits, **keywords).numpy()


def eagerly(loss):
    return loss(model()).numpy()


def in_a_tf_function(loss):
    return tf.function(lambda: loss(model()), autograph=False)().numpy()


def in_a_graph(loss):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(loss(model()))


def deferred(loss):
    value = loss(model(tfgan.constant))
    assert isinstance(value, Deferred)
    return value.numpy()


WORLDS = {f.__name__: f for f in (eagerly, in_a_tf_function, in_a_graph, deferred)}
every_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


@every_loss
@every_world
def test_loss_is_that_on_plain_arguments(name, world):
    loss = getattr(tfgan.losses, name)
    np.testing.assert_allclose(world(loss), on_plain_arguments(name), rtol=1e-6)


@every_loss
@every_world
def test_keywords_are_passed_on(name, world):
    weights = "weights" if name in GENERATOR_LOSSES else "real_weights"
    keywords = {weights: WEIGHTS, "reduction": tf.compat.v1.losses.Reduction.SUM}
    value = world(lambda m: getattr(tfgan.losses, name)(m, **keywords))
    np.testing.assert_allclose(value, on_plain_arguments(name, **keywords), rtol=1e-6)
    assert not np.allclose(value, on_plain_arguments(name))


@every_world
def test_gradient_penalty_takes_its_arguments_from_the_model(world):
    """The critic 3 x1 + 4 x2 has the slope 5."""

    def loss(logits_model):
        value = (
            tfgan.constant
            if isinstance(logits_model.discriminator_gen_outputs, Deferred)
            else tf.constant
        )
        m = logits_model._replace(
            real_data=value(np.zeros([3, 2], np.float32)),
            generated_data=value(np.ones([3, 2], np.float32)),
            generator_inputs=value(np.zeros([3, 1], np.float32)),
            discriminator_fn=lambda x, _: tf.linalg.matvec(x, [3.0, 4.0]),
        )
        return tfgan.losses.wasserstein_gradient_penalty(m, target=2.0)

    np.testing.assert_allclose(world(loss), (5 / 2 - 1) ** 2, rtol=1e-5)


@every_loss
@pytest.mark.parametrize("pack", [lambda x: (x, 9 * x), lambda x: [x], lambda x: {"logits": x}])
def test_logits_are_found_among_several_heads(name, pack):
    value = getattr(tfgan.losses, name)(model(real=pack(REAL), gen=pack(GEN)))
    np.testing.assert_allclose(value, on_plain_arguments(name), rtol=1e-6)


# None means none (TF-GAN's fault B7: it meant the default there)


@every_loss
@pytest.mark.parametrize("keywords", [{}, {"loss_collection": None}], ids=["default", "None"])
def test_no_collection_gets_the_loss(name, keywords):
    with tf.Graph().as_default() as graph:
        getattr(tfgan.losses, name)(model(), **keywords)
        assert graph.get_all_collection_keys() == []


def test_collection_gets_the_loss_where_it_is_named():
    with tf.Graph().as_default() as graph:
        loss = tfgan.losses.wasserstein_generator_loss(model(), loss_collection="mine")
        (collected,) = graph.get_collection("mine")
        assert collected is loss


def test_none_is_passed_on_and_not_replaced_by_the_default():
    seen = []

    @tuple_losses.args_to_gan_model
    def loss(discriminator_gen_outputs, weights=1.0):
        seen.append(weights)
        return discriminator_gen_outputs

    loss(model(), weights=None)
    loss(model())
    assert seen == [None, 1.0]


# Keywords


@every_loss
def test_keyword_that_repeats_a_field_is_an_error(name):
    with pytest.raises(ValueError, match=f"{name} takes discriminator_gen_outputs from the model"):
        getattr(tfgan.losses, name)(model(), discriminator_gen_outputs=GEN)


@every_loss
def test_unknown_keyword_is_an_error(name):
    with pytest.raises(TypeError, match=f"{name} has no argument wieghts"):
        getattr(tfgan.losses, name)(model(), wieghts=1.0)


def test_missing_argument_is_an_error():
    loss = tuple_losses.args_to_gan_model(lambda discriminator_gen_outputs, temperature: 0.0)
    with pytest.raises(ValueError, match="needs temperature"):
        loss(model())


def test_arguments_come_by_name_from_the_tuple_and_by_keyword():
    @tuple_losses.args_to_gan_model
    def loss(temperature, real_data, other=3.0):
        return temperature * real_data + other

    value = loss(NOTHING._replace(real_data=tf.constant(5.0)), temperature=2.0)
    assert value.numpy() == 13.0


# Names


@every_loss
def test_name_and_help_are_those_of_the_formula(name):
    loss = getattr(tfgan.losses, name)
    assert loss.__name__ == name
    assert inspect.getdoc(loss) == inspect.getdoc(getattr(wargs, name))


@every_loss
def test_signature_has_the_model_first_and_then_keywords(name):
    first, *others = inspect.signature(getattr(tfgan.losses, name)).parameters.values()
    assert first.name == "gan_model"
    assert {p.kind for p in others} == {inspect.Parameter.KEYWORD_ONLY}
    assert {"weights", "real_weights"} & {p.name for p in others}
    assert {"reduction", "loss_collection", "add_summaries"} <= {p.name for p in others}


def test_signature_does_not_offer_any_keyword():
    """TF-GAN's wrapper did, and gan_loss then passed what the formula did not take (B22)."""
    loss = tuple_losses.args_to_gan_model(lambda discriminator_gen_outputs: 0.0)
    kinds = {p.kind for p in inspect.signature(loss).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    tfgan.gan_loss(small_model(), generator_loss_fn=loss)


def small_model():
    generator, discriminator = tf.Variable(tf.ones([2, 2])), tf.Variable(tf.ones([2, 1]))
    return tfgan.gan_model(
        lambda z: z @ generator,
        lambda x: x @ discriminator,
        tfgan.constant(tf.ones([3, 2])),
        tfgan.constant(tf.ones([3, 2])),
    )
