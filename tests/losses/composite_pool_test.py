"""`gan_loss` with a pool: the discriminator's side sees earlier generated data."""

import numpy as np
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
from tests.worlds import both_worlds, close, cross_entropy, every_world, in_tf2
from tfgan_lite import features
from tfgan_lite.losses.terms import terms_of


def turned(record):
    return tf.nest.map_structure(lambda x: x[::-1] + tf.zeros_like(x), record)


def doubled(record):
    """No history, but numbers that tell whether they came from the pool."""
    inputs, data, *others = record
    return (inputs, 2.0 * data, *others)


@every_world
def test_only_the_discriminators_side_sees_pooled_data(run):
    generator_loss, discriminator_loss, (real, gen, data) = run(
        program_of(plain, plain_networks, logits_and_data, tensor_pool_fn=doubled)
    )
    close(generator_loss, -gen.mean())
    close(discriminator_loss, 2 * gen.mean() - real.mean())


@both_worlds
def test_labels_of_pooled_images_are_their_own(run):
    """TF-GAN scored pooled images against the labels of the current batch (fault B2)."""

    def fetch(m):
        return (
            m.discriminator_real_outputs,
            m.discriminator_gen_outputs,
            m.discriminator_real_classification_logits,
            m.discriminator_gen_classification_logits,
            m.one_hot_labels,
        )

    _, loss, (real, gen, real_classes, gen_classes, labels) = run(
        program_of(ac, ac_networks, fetch, aux_cond_discriminator_weight=1.0, tensor_pool_fn=turned)
    )
    # Of a batch that is only turned, the loss is the same; other labels would change it.
    expected = cross_entropy(labels, real_classes) + cross_entropy(labels, gen_classes)
    close(loss, gen.mean() - real.mean() + expected)
    wrong = cross_entropy(labels, real_classes) + cross_entropy(labels[::-1], gen_classes)
    assert abs(wrong - expected) > 1e-3 or np.array_equal(labels, labels[::-1])


@both_worlds
def test_codes_of_pooled_images_are_their_own(run):
    def fetch(m):
        return (*logits_and_data(m), m.structured_generator_inputs)

    generator_loss, discriminator_loss, (real, gen, data, codes) = run(
        program_of(
            info,
            info_networks,
            fetch,
            mutual_information_penalty_weight=1.0,
            tensor_pool_fn=turned,
        )
    )
    expected = information(codes, data)
    close(generator_loss, -gen.mean() + expected)
    close(discriminator_loss, gen.mean() - real.mean() + expected)


@both_worlds
def test_penalty_of_the_discriminator_sees_pooled_data(run):
    def size(m):
        return tf.reduce_mean(m.generated_data)

    def make_program():
        networks = plain_networks()

        def program():
            m = plain(networks)
            loss = tfgan.gan_loss(m, tensor_pool_fn=doubled, penalties=[size])
            return [terms_of(loss.discriminator_loss)["size"], m.generated_data]

        return program

    value, data = run(make_program)
    close(value, 2 * data.mean())


def test_pool_of_the_library_trains():
    m = plain()
    loss = tfgan.gan_loss(m, tensor_pool_fn=features.tensor_pool)
    assert np.isfinite(in_tf2(lambda: lambda: loss.discriminator_loss))
