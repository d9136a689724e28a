"""Penalties of `gan_loss` that are not always due, and what no penalty may leave behind."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.worlds import Linear, normal
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


def due_in(penalty, every, network, updates):
    """The values of a lazy term in a graph, at these numbers of updates."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        m = tfgan.gan_model(Linear(2, 2), Linear(2, 1), tf.ones([4, 2]), tf.ones([4, 2]))
        loss = tfgan.gan_loss(m, penalties=[(penalty, 1.0, every)])
        total = getattr(loss, f"{network}_loss")
        (name,) = every_of(total)
        counter = Counters().updates_of(network)
        session.run(tf.compat.v1.global_variables_initializer())
        values = []
        for number in updates:
            counter.load(number, session)
            values.append(session.run(terms_of(total)[name]))
        return values


def test_lazy_term_of_a_graph_is_due_in_every_kth_update_of_its_network():
    assert due_in(size, 3, "discriminator", range(7)) == [3.0, 0, 0, 3.0, 0, 0, 3.0]
    values = due_in(spread, 2, "generator", range(5))
    assert [value != 0 for value in values] == [True, False, True, False, True]


def test_lazy_term_of_a_graph_is_not_computed_when_it_is_not_due():
    calls = []

    def count(x):
        calls.append(1)
        return x

    def penalty(m):
        value = tf.numpy_function(count, [tf.reduce_mean(m.real_data)], tf.float32)
        return tf.ensure_shape(value, [])

    due_in(penalty, 4, "discriminator", range(8))
    assert len(calls) == 2


def test_lazy_term_of_a_graph_has_the_gradient_of_its_penalty():
    """R2 of x w is |w|^2 / 2, of which the gradient in w is w; the gain is 2."""

    def discriminator(x):
        return x @ tf.compat.v1.get_variable("w", [2, 1])

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        m = tfgan.gan_model(Linear(2, 2), discriminator, tf.ones([4, 2]), tf.ones([4, 2]))
        loss = tfgan.gan_loss(m, penalties=[(losses.r2_penalty, 1.0, 2)]).discriminator_loss
        (weights,) = m.discriminator_variables
        (gradient,) = tf.gradients(terms_of(loss)["r2_penalty"], [weights])
        counter = Counters().discriminator_updates
        session.run(tf.compat.v1.global_variables_initializer())
        value, first = session.run([weights, gradient])
        counter.load(1, session)
        second = session.run(gradient)
        assert len(tf.compat.v1.trainable_variables()) == 2
    np.testing.assert_allclose(second, 0.0)
    np.testing.assert_allclose(first, 2 * value, rtol=1e-5)


@pytest.mark.parametrize("every", [1, 2])
def test_penalty_in_a_graph_moves_no_statistics(every):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        weights, steps = tf.Variable(tf.ones([2, 1])), tf.Variable(0.0, trainable=False)

        def discriminator(x):
            with tf.control_dependencies([steps.assign_add(1.0)]):
                return x @ weights

        m = tfgan.gan_model(Linear(2, 2), discriminator, tf.ones([4, 2]), tf.ones([4, 2]))
        loss = tfgan.gan_loss(m, penalties=[(losses.r1_penalty, 1.0, every)])
        term = terms_of(loss.discriminator_loss)["r1_penalty"]
        session.run(tf.compat.v1.global_variables_initializer())
        before = session.run(steps)
        if every > 1:  # A branch restores what it moves; else the assignment is no update op.
            session.run(term)
            assert session.run(steps) == before
        assert len(m.discriminator_fn.update_ops) == 2


def test_penalty_in_tf2_moves_no_statistics():
    weights, steps = tf.Variable(tf.ones([2, 1])), tf.Variable(0.0, trainable=False)
    moved, moments = tf.Variable(tf.ones([2, 2])), tf.Variable(0.0, trainable=False)

    def discriminator(x):
        steps.assign_add(1.0)
        return x @ weights

    def generator(z):
        moments.assign_add(1.0)
        return z @ moved

    m = model(generator, discriminator)
    loss = tfgan.gan_loss(m, penalties=[losses.r1_penalty, losses.PathLength()])
    steps.assign(0.0)
    moments.assign(0.0)
    loss.discriminator_loss()
    assert (steps.numpy(), moments.numpy()) == (2.0, 1.0)
    loss.generator_loss()
    assert moments.numpy() == 2.0


def test_update_ops_of_a_penalty_are_run_by_nobody():
    """They are those of a D whose statistics stay; they counted as "unused update ops"."""

    def discriminator(x):
        graph = tf.compat.v1.get_default_graph()
        graph.add_to_collection(tf.compat.v1.GraphKeys.UPDATE_OPS, steps.assign_add(1.0).op)
        return x @ weights

    with tf.Graph().as_default() as graph:
        weights, steps = tf.Variable(tf.ones([2, 1])), tf.Variable(0.0, trainable=False)
        m = tfgan.gan_model(Linear(2, 2), discriminator, tf.ones([4, 2]), tf.ones([4, 2]))
        loss = tfgan.gan_loss(m, gradient_penalty_weight=1.0)
        assert len(graph.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)) == 2
        sgd = tf.compat.v1.train.GradientDescentOptimizer(0.1)
        tfgan.gan_train_ops(m, loss, sgd, sgd)
