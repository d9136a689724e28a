"""The losses on a model tuple are those on plain arguments, on the tuple's values."""

import functools
import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.losses.formulas import FORMULAS, ON_LOGITS, inputs_for, weights_for
from tfgan_lite.deferred import Deferred
from tfgan_lite.losses import tuple_losses, wargs

LOSSES = list(FORMULAS)
every_loss = pytest.mark.parametrize("name", LOSSES)

NOTHING = tfgan.GANModel(*[None] * len(tfgan.GANModel._fields))
ACGAN = tfgan.ACGANModel(*[None] * len(tfgan.ACGANModel._fields))
WEIGHTS = np.random.default_rng(1).uniform(size=(2, 5, 1)).astype(np.float32)


def inputs(name):
    return [values.astype(np.float32) for values in inputs_for(name)]


def model(name, value=tf.constant, pack=lambda x: x):
    """A model of which only what the loss takes matters; `value` makes it what a world has."""
    fields = dict(zip(FORMULAS[name].inputs, map(pack, inputs(name))))
    return ACGAN._replace(**tf.nest.map_structure(value, fields))


def on_plain_arguments(name, **keywords):
    return getattr(wargs, name)(*inputs(name), **keywords).numpy()


def eagerly(name, loss):
    return loss(model(name)).numpy()


def in_a_tf_function(name, loss):
    return tf.function(lambda: loss(model(name)), autograph=False)().numpy()


def in_a_graph(name, loss):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(loss(model(name)))


def deferred(name, loss):
    value = loss(model(name, tfgan.constant))
    assert isinstance(value, Deferred)
    return value.numpy()


WORLDS = {f.__name__: f for f in (eagerly, in_a_tf_function, in_a_graph, deferred)}
every_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


@every_loss
@every_world
def test_loss_is_that_on_plain_arguments(name, world):
    loss = getattr(tfgan.losses, name)
    np.testing.assert_allclose(world(name, loss), on_plain_arguments(name), rtol=1e-6)


@every_loss
@every_world
def test_keywords_are_passed_on(name, world):
    weights = weights_for(name, WEIGHTS)
    keywords = {**weights, "reduction": tf.compat.v1.losses.Reduction.SUM}
    value = world(name, lambda m: getattr(tfgan.losses, name)(m, **keywords))
    np.testing.assert_allclose(value, on_plain_arguments(name, **keywords), rtol=1e-6)
    assert not np.allclose(value, on_plain_arguments(name))


def two_numbers_world(value):
    """Real data at 0, generated data at 1; the critic 3 x1 + 4 x2 has the slope 5."""
    return NOTHING._replace(
        real_data=value(np.zeros([3, 2], np.float32)),
        generated_data=value(np.ones([3, 2], np.float32)),
        generator_inputs=value(np.ones([3, 2], np.float32)),
        generator_fn=lambda z: 0.0 * z,
        discriminator_real_outputs=value(np.zeros([3, 1], np.float32)),
        discriminator_gen_outputs=value(np.full([3, 1], 7, np.float32)),
        discriminator_fn=lambda x, _: tf.linalg.matvec(x, [3.0, 4.0]),
    )


# Penalties on a model: whose they are, keywords, and the value in the world above.
PENALTIES = {
    "wasserstein_gradient_penalty": ("discriminator", {"target": 2.0}, (5 / 2 - 1) ** 2),
    "r1_penalty": ("discriminator", {}, 25 / 2),
    "r2_penalty": ("discriminator", {}, 25 / 2),
    "dragan_penalty": ("discriminator", {"target": 2.0}, (5 - 2) ** 2),
    "lecam_penalty": (
        "discriminator",
        {"real_average": 3.0, "generated_average": 2.0},
        2**2 + (7 - 3) ** 2,
    ),
    "path_length_penalty": ("generator", {"average_length": 3.0}, 9.0),
}


@pytest.mark.parametrize("value", [tf.constant, tfgan.constant], ids=["tensors", "deferred"])
@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_takes_its_arguments_from_the_model_and_knows_its_network(name, value):
    network, keywords, expected = PENALTIES[name]
    penalty = getattr(tfgan.losses, name)
    assert penalty.network == network
    result = penalty(two_numbers_world(value), **keywords)
    result = result if value is tf.constant else result()
    np.testing.assert_allclose(result, expected, rtol=1e-5)


@pytest.mark.parametrize("value", [tf.constant, tfgan.constant], ids=["tensors", "deferred"])
def test_mutual_information_of_a_model_is_that_of_its_codes_and_predictions(value):
    class Uniform:
        """A code is as likely as its size."""

        def log_prob(self, code):
            return tf.math.log(code)

    m = tfgan.InfoGANModel(*[None] * len(tfgan.InfoGANModel._fields))._replace(
        structured_generator_inputs=[value(np.array([0.5, 0.5], np.float32))],
        predicted_distributions=[Uniform()],
    )
    result = tfgan.losses.mutual_information_penalty(m, weights=2.0)
    result = result if value is tf.constant else result()
    np.testing.assert_allclose(result, -2 * np.log(0.5), rtol=1e-5)


@pytest.mark.parametrize("name", ON_LOGITS)
@pytest.mark.parametrize("pack", [lambda x: (x, 9 * x), lambda x: [x], lambda x: {"logits": x}])
def test_logits_are_found_among_several_heads(name, pack):
    value = getattr(tfgan.losses, name)(model(name, pack=pack))
    np.testing.assert_allclose(value, on_plain_arguments(name), rtol=1e-6)


# None means none (TF-GAN's fault B7: it meant the default there)


@every_loss
@pytest.mark.parametrize("keywords", [{}, {"loss_collection": None}], ids=["default", "None"])
def test_no_collection_gets_the_loss(name, keywords):
    with tf.Graph().as_default() as graph:
        getattr(tfgan.losses, name)(model(name), **keywords)
        assert graph.get_all_collection_keys() == []


def test_collection_gets_the_loss_where_it_is_named():
    with tf.Graph().as_default() as graph:
        m = model("wasserstein_generator_loss")
        loss = tfgan.losses.wasserstein_generator_loss(m, loss_collection="mine")
        (collected,) = graph.get_collection("mine")
        assert collected is loss


def test_none_is_passed_on_and_not_replaced_by_the_default():
    seen = []

    @tuple_losses.args_to_gan_model
    def loss(discriminator_gen_outputs, weights=1.0):
        seen.append(weights)
        return discriminator_gen_outputs

    m = model("wasserstein_generator_loss")
    loss(m, weights=None)
    loss(m)
    assert seen == [None, 1.0]


# Keywords


@every_loss
def test_keyword_that_repeats_a_field_is_an_error(name):
    field = FORMULAS[name].inputs[0]
    with pytest.raises(ValueError, match=f"{name} takes {field} from the model"):
        getattr(tfgan.losses, name)(model(name), **{field: 1.0})


@every_loss
def test_unknown_keyword_is_an_error(name):
    with pytest.raises(TypeError, match=f"{name} has no argument wieghts"):
        getattr(tfgan.losses, name)(model(name), wieghts=1.0)


def test_missing_argument_is_an_error():
    loss = tuple_losses.args_to_gan_model(lambda discriminator_gen_outputs, temperature: 0.0)
    with pytest.raises(ValueError, match="needs temperature"):
        loss(NOTHING)


@pytest.mark.parametrize("name", ["acgan_generator_loss", "acgan_discriminator_loss"])
def test_model_that_lacks_a_field_is_an_error_that_names_both(name):
    with pytest.raises(ValueError, match="one_hot_labels, which is no field of a GANModel"):
        getattr(tfgan.losses, name)(NOTHING)


def test_arguments_come_by_name_from_the_tuple_and_by_keyword():
    @tuple_losses.args_to_gan_model
    def loss(temperature, real_data, other=3.0):
        return temperature * real_data + other

    value = loss(NOTHING._replace(real_data=tf.constant(5.0)), temperature=2.0)
    assert value.numpy() == 13.0


def test_loss_that_takes_any_keyword_gets_those_that_are_no_parameters():
    @tuple_losses.args_to_gan_model
    def loss(real_data, **kwargs):
        return real_data + kwargs.get("shift", 0.0)

    m = NOTHING._replace(real_data=tf.constant(5.0))
    assert loss(m).numpy() == 5.0
    assert loss(m, shift=2.0).numpy() == 7.0


class Scaled:
    def __call__(self, real_data, scale=2.0):
        return scale * real_data


@pytest.mark.parametrize(
    "loss_fn",
    [functools.partial(Scaled().__call__, scale=3.0), Scaled()],
    ids=["partial", "object"],
)
def test_loss_may_be_a_partial_or_an_object(loss_fn):
    loss = tuple_losses.args_to_gan_model(loss_fn)
    value = loss(NOTHING._replace(real_data=tf.constant(5.0)))
    assert value.numpy() == loss_fn(5.0)
    with pytest.raises(TypeError, match=f"{loss.__name__} has no argument sclae"):
        loss(NOTHING, sclae=1.0)


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


@pytest.mark.parametrize("kind", ["relativistic", "relativistic_paired"])
def test_relativistic_losses_serve_gan_loss(kind):
    """TF-GAN's failed there with a TypeError (B22)."""
    losses = (
        getattr(tfgan.losses, f"{kind}_{network}_loss")
        for network in ("generator", "discriminator")
    )
    loss = tfgan.gan_loss(small_model(), *losses)
    # D gives 2 for real and 4 for generated data: the paired losses are softplus(-2) and (2).
    real, generated = 2.0, 4.0
    one_sided = np.log1p(np.exp([real - generated, generated - real]))
    expected = one_sided if kind == "relativistic_paired" else 2 * one_sided
    np.testing.assert_allclose([loss.generator_loss(), loss.discriminator_loss()], expected)


def small_model():
    generator, discriminator = tf.Variable(tf.ones([2, 2])), tf.Variable(tf.ones([2, 1]))
    return tfgan.gan_model(
        lambda z: z @ generator,
        lambda x: x @ discriminator,
        tfgan.constant(tf.ones([3, 2])),
        tfgan.constant(tf.ones([3, 2])),
    )
