"""`stargan_loss`: adversarial, classification, reconstruction and gradient penalty."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.worlds import Linear, both_worlds, close, cross_entropy, every_world, normal
from tfgan_lite import losses
from tfgan_lite.counters import Counters
from tfgan_lite.losses.terms import terms_of
from tfgan_lite.translation import stargan_model

DOMAINS = 3
ONE_HOT = np.eye(DOMAINS, dtype=np.float32)[[0, 1, 2, 0]]
SEVERAL = np.float32([[1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0]])


def networks():
    return Linear(2 + DOMAINS, 2), Linear(2, 1 + DOMAINS)


def model(given=None, labels=ONE_HOT):
    generator, discriminator = given or networks()

    def judge(data, num_domains):
        del num_domains
        heads = discriminator(data)
        return heads[:, 0], heads[:, 1:]

    def translate(data, target):
        return generator(tf.concat([data, target], 1))

    return stargan_model(translate, judge, normal(4, 2), tfgan.constant(labels))


def program_of(labels=ONE_HOT, **arguments):
    def make_program():
        given = networks()

        def program():
            m = model(given, labels)
            values = m._replace(
                generator_variables=(),
                generator_scope=(),
                generator_fn=(),
                discriminator_variables=(),
                discriminator_scope=(),
                discriminator_fn=(),
            )
            return [losses.stargan_loss(m, **arguments), values]

        return program

    return make_program


def adversarial(m):
    gen = m.discriminator_generated_data_source_predication
    return -gen.mean(), gen.mean() - m.discriminator_input_data_source_predication.mean()


def penalty():
    """Of the critic's first column, whose slope is the same everywhere."""
    return (np.linalg.norm(networks()[1].weights.numpy()[:, 0]) - 1) ** 2


def sigmoid_cross_entropy(labels, logits):
    """The sum over the domains, and the mean over the batch."""
    logits = np.float64(logits)
    return (np.logaddexp(0, logits) - labels * logits).sum(1).mean()


def test_signature_is_tfgans():
    parameters = inspect.signature(losses.stargan_loss).parameters
    assert list(parameters) == [
        "model",
        "generator_loss_fn",
        "discriminator_loss_fn",
        "gradient_penalty_weight",
        "gradient_penalty_epsilon",
        "gradient_penalty_target",
        "gradient_penalty_one_sided",
        "reconstruction_loss_fn",
        "reconstruction_loss_weight",
        "classification_loss_fn",
        "classification_loss_weight",
        "classification_one_hot",
        "add_summaries",
    ]
    defaults = {name: p.default for name, p in parameters.items()}
    weights = {name: value for name, value in defaults.items() if name.endswith("weight")}
    assert weights == {
        "gradient_penalty_weight": 10.0,
        "reconstruction_loss_weight": 10.0,
        "classification_loss_weight": 1.0,
    }
    assert defaults["reconstruction_loss_fn"] is tf.compat.v1.losses.absolute_difference
    assert defaults["classification_loss_fn"] is tf.compat.v1.losses.softmax_cross_entropy
    assert defaults["classification_one_hot"] is True


@every_world
def test_losses_are_sums_of_weighted_terms(run):
    """The default weights are the paper's: 1 for classes, 10 for the others."""
    loss, m = run(program_of())
    of_generator, of_discriminator = adversarial(m)
    target, label = m.generated_data_domain_target, m.input_data_domain_label
    expected = (
        of_generator
        + 10 * np.abs(m.input_data - m.reconstructed_data).mean()
        + cross_entropy(target, m.discriminator_generated_data_domain_predication)
    )
    close(loss.generator_loss, expected)
    expected = (
        of_discriminator
        + 10 * penalty()
        + cross_entropy(label, m.discriminator_input_data_domain_predication)
    )
    close(loss.discriminator_loss, expected)


@every_world
def test_domains_may_not_exclude_each_other(run):
    """TF-GAN's classification_one_hot=False called the wrong keyword (fault B26)."""
    loss, m = run(program_of(SEVERAL, classification_one_hot=False, gradient_penalty_weight=None))
    _, of_discriminator = adversarial(m)
    logits = m.discriminator_input_data_domain_predication
    close(loss.discriminator_loss, of_discriminator + sigmoid_cross_entropy(SEVERAL, logits))


def own_by_keywords(logits, labels):
    return tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)


def own_by_place(truth, scores):
    return tf.nn.sigmoid_cross_entropy_with_logits(truth, scores)


def own_scalar(truth, scores):
    return tf.reduce_mean(tf.reduce_sum(own_by_place(truth, scores), 1))


CLASSIFIERS = [
    tf.compat.v1.losses.sigmoid_cross_entropy,
    tf.nn.sigmoid_cross_entropy_with_logits,
    own_by_keywords,
    own_by_place,
    own_scalar,
]


@both_worlds
@pytest.mark.parametrize("fn", CLASSIFIERS)
def test_classification_may_be_a_function_of_ones_own(run, fn):
    loss, m = run(
        program_of(
            SEVERAL,
            classification_loss_fn=fn,
            classification_one_hot=False,
            classification_loss_weight=2.0,
            gradient_penalty_weight=0,
        )
    )
    _, of_discriminator = adversarial(m)
    logits = m.discriminator_input_data_domain_predication
    expected = of_discriminator + 2 * sigmoid_cross_entropy(SEVERAL, logits)
    close(loss.discriminator_loss, expected)


@both_worlds
def test_terms_of_no_weight_are_left_out(run):
    def make_program():
        given = networks()

        def program():
            m = model(given)
            loss = losses.stargan_loss(
                m,
                gradient_penalty_weight=None,
                reconstruction_loss_weight=0.0,
                classification_loss_weight=0,
            )
            assert terms_of(loss.generator_loss) == terms_of(loss.discriminator_loss) == {}
            named = losses.stargan_loss(m)
            assert list(terms_of(named.generator_loss)) == [
                "adversarial",
                "reconstruction",
                "classification",
            ]
            assert list(terms_of(named.discriminator_loss)) == [
                "adversarial",
                "gradient_penalty",
                "classification",
            ]
            return [loss.generator_loss, m.discriminator_generated_data_source_predication]

        return program

    loss, gen = run(make_program)
    close(loss, -gen.mean())


@both_worlds
def test_penalty_takes_its_arguments(run):
    loss, m = run(
        program_of(
            gradient_penalty_weight=1.0,
            gradient_penalty_target=1e3,
            gradient_penalty_one_sided=True,
            classification_loss_weight=None,
        )
    )
    close(loss.discriminator_loss, adversarial(m)[1])


@both_worlds
def test_hinge_losses_go_into_it(run):
    wrap_generator = losses.stargan_generator_loss_wrapper
    wrap_discriminator = losses.stargan_discriminator_loss_wrapper
    loss, m = run(
        program_of(
            generator_loss_fn=wrap_generator(losses.wargs.modified_generator_loss),
            discriminator_loss_fn=wrap_discriminator(
                losses.wargs.wasserstein_hinge_discriminator_loss
            ),
            gradient_penalty_weight=None,
            reconstruction_loss_weight=None,
            classification_loss_weight=None,
        )
    )
    real = m.discriminator_input_data_source_predication
    gen = m.discriminator_generated_data_source_predication
    close(loss.generator_loss, np.logaddexp(0, -gen).mean())
    close(loss.discriminator_loss, np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + gen).mean())


def test_no_collection_is_written():
    with tf.Graph().as_default() as graph:
        losses.stargan_loss(model())
        losses.stargan_loss(model(), classification_one_hot=False)
        assert graph.get_collection(tf.compat.v1.GraphKeys.LOSSES) == []


def test_regularisers_are_in_their_networks_losses():
    dense = tf.keras.layers.Dense(
        4, use_bias=False, kernel_initializer="ones", kernel_regularizer="l2"
    )
    network = tf.keras.Sequential([dense])
    loss = losses.stargan_loss(model((Linear(5, 2), network)))
    assert "regularization" not in terms_of(loss.generator_loss)

    inputs = tf.keras.Input([2])
    heads = dense(inputs)
    judge = tf.keras.Model(inputs, [heads[:, 0], heads[:, 1:]])
    generator = Linear(5, 2)
    m = stargan_model(
        lambda x, t: generator(tf.concat([x, t], 1)), judge, normal(4, 2), tfgan.constant(ONE_HOT)
    )
    loss = losses.stargan_loss(m)
    close(terms_of(loss.discriminator_loss)["regularization"](), 8 * 0.01)


def test_target_of_a_run_is_one_value_in_all_terms():
    m = model()
    loss = losses.stargan_loss(m)
    term, target, logits = tfgan.Session(Counters()).run(
        [
            terms_of(loss.generator_loss)["classification"],
            m.generated_data_domain_target,
            m.discriminator_generated_data_domain_predication,
        ]
    )
    close(term, cross_entropy(target, logits))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_both_networks_have_gradients_in_a_users_tf_function(jit_compile):
    given = generator, discriminator = networks()

    @tf.function(autograph=False, jit_compile=jit_compile)
    def gradients():
        with tf.GradientTape(persistent=True) as tape:
            loss = losses.stargan_loss(model(given))
        return [
            tape.gradient(loss.generator_loss, generator.weights),
            tape.gradient(loss.discriminator_loss, discriminator.weights),
        ]

    for gradient, network in zip(gradients(), given):
        assert gradient.shape == network.weights.shape
        assert np.all(np.isfinite(gradient))
        assert np.any(gradient != 0)


NAMES = [
    "gradient_penalty_weight",
    "reconstruction_loss_weight",
    "classification_loss_weight",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight", [-1, np.float32(-0.5), float("nan")])
def test_weight_below_zero_is_an_error(name, weight):
    with pytest.raises(ValueError, match=f"{name} must be >= 0"):
        losses.stargan_loss(model(), **{name: weight})


def test_another_model_is_an_error():
    with pytest.raises(ValueError, match="stargan_loss needs a StarGANModel.*got a GANModel"):
        losses.stargan_loss(tfgan.GANModel(*[None] * 11))


def test_batch_norm_under_the_penalty_brings_a_warning():
    inputs = tf.keras.Input([2])
    heads = tf.keras.layers.BatchNormalization()(tf.keras.layers.Dense(4)(inputs))
    judge = tf.keras.Model(inputs, [heads[:, 0], heads[:, 1:]])
    generator = Linear(5, 2)
    m = stargan_model(
        lambda x, t: generator(tf.concat([x, t], 1)), judge, normal(4, 2), tfgan.constant(ONE_HOT)
    )
    with pytest.warns(UserWarning, match="layer of kind BatchNormalization"):
        losses.stargan_loss(m)
