"""What `gan_loss` adds for an InfoGANModel and an ACGANModel, and the losses that it takes."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.losses.gan_kinds import (
    ac,
    ac_networks,
    info,
    info_networks,
    information,
    logits_and_data,
    plain,
    plain_networks,
    program_of,
)
from tests.worlds import both_worlds, close, cross_entropy, every_world, log_softmax
from tfgan_lite import losses
from tfgan_lite.counters import Counters
from tfgan_lite.losses.terms import terms_of

Reduction = tf.compat.v1.losses.Reduction


# Mutual information


@every_world
@pytest.mark.parametrize("weight", [1.0, np.float32(0.5), 3])
def test_information_joins_both_losses(run, weight):
    def fetch(m):
        return (*logits_and_data(m), m.structured_generator_inputs)

    generator_loss, discriminator_loss, (real, gen, data, codes) = run(
        program_of(info, info_networks, fetch, mutual_information_penalty_weight=weight)
    )
    expected = float(weight) * information(codes, data)
    close(generator_loss, -gen.mean() + expected)
    close(discriminator_loss, gen.mean() - real.mean() + expected)


@both_worlds
def test_gradient_penalty_of_an_infogan_is_of_its_logits(run):
    def fetch(m):
        return m.discriminator_real_outputs, m.discriminator_gen_outputs

    _, loss, (real, gen) = run(program_of(info, info_networks, fetch, gradient_penalty_weight=10.0))
    slope = np.linalg.norm(info_networks()[1].weights.numpy()[:, 0])
    close(loss, gen.mean() - real.mean() + 10 * (slope - 1) ** 2)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_information_has_gradients_in_both_networks_in_a_users_tf_function(jit_compile):
    """Against finite differences of the NumPy value."""
    networks = generator, discriminator = info_networks()

    @tf.function(autograph=False, jit_compile=jit_compile)
    def step():
        with tf.GradientTape() as tape:
            m = info(networks)
            loss = tfgan.gan_loss(
                m,
                lambda m: 0.0 * tf.reduce_sum(m.discriminator_gen_outputs),
                mutual_information_penalty_weight=1.0,
            ).generator_loss
        gradients = tape.gradient(loss, [generator.weights, discriminator.weights])
        return loss, gradients, m.structured_generator_inputs, m.generator_inputs

    loss, (of_generator, of_discriminator), codes, inputs = step()
    codes = [x.numpy() for x in codes]
    row = np.concatenate([inputs[0], np.eye(3)[codes[0]], codes[1][:, None]], 1)
    to, judge = generator.weights.numpy().astype(float), discriminator.weights.numpy().astype(float)

    def value(to, judge):
        heads = row @ to @ judge
        category = np.take_along_axis(log_softmax(heads[:, 1:4]), codes[0][:, None], 1).mean()
        angle = (-0.5 * (codes[1] - heads[:, 4]) ** 2 - 0.5 * np.log(2 * np.pi)).mean()
        return -(category + angle) / 2

    close(loss, value(to, judge))
    nudge = np.zeros_like(to)
    nudge[1, 1] = 1e-5
    close(of_generator[1, 1], (value(to + nudge, judge) - value(to - nudge, judge)) / 2e-5)
    nudge = np.zeros_like(judge)
    nudge[0, 2] = 1e-5
    close(of_discriminator[0, 2], (value(to, judge + nudge) - value(to, judge - nudge)) / 2e-5)


# Classification


@every_world
def test_classification_joins_each_loss_with_a_weight_of_its_own(run):
    def fetch(m):
        return (
            m.discriminator_real_outputs,
            m.discriminator_gen_outputs,
            m.discriminator_real_classification_logits,
            m.discriminator_gen_classification_logits,
            m.one_hot_labels,
        )

    generator_loss, discriminator_loss, (real, gen, real_classes, gen_classes, labels) = run(
        program_of(
            ac,
            ac_networks,
            fetch,
            aux_cond_generator_weight=2.0,
            aux_cond_discriminator_weight=0.5,
        )
    )
    of_generated, of_real = cross_entropy(labels, gen_classes), cross_entropy(labels, real_classes)
    close(generator_loss, -gen.mean() + 2 * of_generated)
    close(discriminator_loss, gen.mean() - real.mean() + 0.5 * (of_real + of_generated))


def test_reduction_reaches_the_classification():
    loss = tfgan.gan_loss(ac(), aux_cond_generator_weight=1.0, reduction=Reduction.SUM)
    mean = tfgan.gan_loss(ac(), aux_cond_generator_weight=1.0)
    assert loss.generator_loss.shape == mean.generator_loss.shape == []
    m = ac()
    term = terms_of(
        tfgan.gan_loss(m, aux_cond_generator_weight=1.0, reduction=Reduction.SUM).generator_loss
    )["classification"]
    value, labels, logits = tfgan.Session(Counters()).run(
        [term, m.one_hot_labels, m.discriminator_gen_classification_logits]
    )
    close(value, 4 * cross_entropy(labels, logits))


# Arguments that another model needs


WEIGHTS = {
    "mutual_information_penalty_weight": (plain, "needs an InfoGANModel, as infogan_model"),
    "aux_cond_generator_weight": (info, "needs an ACGANModel, as acgan_model makes it, got a Info"),
    "aux_cond_discriminator_weight": (plain, "needs an ACGANModel"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weight_that_needs_another_model_is_an_error_that_names_it(name):
    make_model, message = WEIGHTS[name]
    with pytest.raises(ValueError, match=f"{name} {message}"):
        tfgan.gan_loss(make_model(), **{name: 1.0})


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("weight", [None, 0, 0.0])
def test_weight_of_nothing_adds_nothing(name, weight):
    loss = tfgan.gan_loss(plain(), **{name: weight})
    assert terms_of(loss.generator_loss) == terms_of(loss.discriminator_loss) == {}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("weight", [-1, -0.5, np.float32(-1), float("nan")])
def test_weight_below_zero_is_an_error(name, weight):
    with pytest.raises(ValueError, match=f"{name} must be >= 0"):
        tfgan.gan_loss(info() if "mutual" in name else ac(), **{name: weight})


def test_models_of_translations_have_losses_of_their_own():
    cycle = tfgan.CycleGANModel(*[None] * 4)
    with pytest.raises(ValueError, match="got a CycleGANModel. Its loss is cyclegan_loss"):
        tfgan.gan_loss(cycle)
    with pytest.raises(ValueError, match="got a StarGANModel. Its loss is stargan_loss"):
        tfgan.gan_loss(tfgan.StarGANModel(*[None] * 15))


# Loss functions of all forms


RELATIVISTIC = ["relativistic", "relativistic_paired"]


@every_world
@pytest.mark.parametrize("kind", RELATIVISTIC)
def test_relativistic_losses_go_into_gan_loss(run, kind):
    """TF-GAN's raised a TypeError on `reduction` there (fault B22)."""
    generator_loss, discriminator_loss, (real, gen, _) = run(
        program_of(
            plain,
            plain_networks,
            logits_and_data,
            generator_loss_fn=getattr(losses, f"{kind}_generator_loss"),
            discriminator_loss_fn=getattr(losses, f"{kind}_discriminator_loss"),
        )
    )

    def softplus(x):
        return np.log1p(np.exp(np.float64(x))).mean()

    if kind == "relativistic":
        ahead, behind = real - gen.mean(), gen - real.mean()
        close(generator_loss, softplus(ahead) + softplus(-behind))
        close(discriminator_loss, softplus(-ahead) + softplus(behind))
    else:
        close(generator_loss, softplus(real - gen))
        close(discriminator_loss, softplus(gen - real))


def test_loss_that_takes_no_keywords_goes_into_gan_loss():
    """As TF-GAN's relativistic losses do not take a reduction (fault B22)."""
    loss = tfgan.gan_loss(plain(), lambda m: tf.reduce_sum(m.discriminator_gen_outputs))
    assert loss.generator_loss.shape == []


def test_what_a_partial_binds_is_not_overridden():
    own = functools.partial(losses.wasserstein_generator_loss, reduction=Reduction.SUM)
    m = plain()
    loss = tfgan.gan_loss(m, own).generator_loss
    value, gen = tfgan.Session(Counters()).run([loss, m.discriminator_gen_outputs])
    close(value, -gen.sum())
