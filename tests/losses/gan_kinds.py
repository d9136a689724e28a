"""Small models of three kinds, with linear networks, that tests of composite losses share."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.worlds import Linear, log_softmax, normal
from tfgan_lite.models import acgan_model, infogan_model

tfd = tfp.distributions


def plain(networks=None):
    generator, discriminator = networks or plain_networks()
    return tfgan.gan_model(generator, discriminator, normal(4, 2), normal(4, 2))


def plain_networks():
    return Linear(2, 2), Linear(2, 1)


def info_networks():
    return Linear(6, 2), Linear(2, 5)


def info(networks=None):
    generator, discriminator = networks or info_networks()

    def generate(inputs):
        noise, category, angle = inputs
        return generator(tf.concat([noise, tf.one_hot(category, 3), angle[:, None]], 1))

    def judge(data):
        heads = discriminator(data)
        return heads[:, :1], [tfd.Categorical(logits=heads[:, 1:4]), tfd.Normal(heads[:, 4], 1.0)]

    return infogan_model(
        generate,
        judge,
        normal(4, 2),
        [normal(4, 2)],
        [tfd.Categorical(logits=tf.zeros([3])), tfd.Uniform(-1.0, 1.0)],
    )


def ac_networks():
    return Linear(5, 2), Linear(2, 4)


def ac(networks=None):
    generator, discriminator = networks or ac_networks()

    def judge(data):
        heads = discriminator(data)
        return heads[:, :1], heads[:, 1:]

    labels = tfgan.from_callable(lambda: tf.one_hot(tf.random.uniform([4], 0, 3, tf.int32), 3))
    return acgan_model(
        lambda inputs: generator(tf.concat(inputs, 1)),
        judge,
        normal(4, 2),
        (normal(4, 2), labels),
        labels,
    )


def program_of(make_model, make_networks, fetch, **arguments):
    """Fetches both losses and what `fetch` takes from the model."""

    def make_program():
        networks = make_networks()

        def program():
            m = make_model(networks)
            return [*tfgan.gan_loss(m, **arguments), fetch(m)]

        return program

    return make_program


def logits_and_data(m):
    return m.discriminator_real_outputs, m.discriminator_gen_outputs, m.generated_data


def information(codes, data):
    """Minus the mean log-likelihood of the codes, from the weights of `info_networks`."""
    heads = data @ info_networks()[1].weights.numpy()
    category = np.take_along_axis(log_softmax(heads[:, 1:4]), codes[0][:, None], 1).mean()
    angle = (-0.5 * (codes[1] - heads[:, 4]) ** 2 - 0.5 * np.log(2 * np.pi)).mean()
    return -(category + angle) / 2
