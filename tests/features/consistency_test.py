"""Consistency penalties against NumPy, in both worlds."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import in_world
from tfgan_lite.features import consistency_regularization, diff_augment
from tfgan_lite.runs import Run, random_key

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])
REAL = np.random.default_rng(0).normal(size=[4, 3]).astype(np.float32)
NOISE = np.random.default_rng(1).normal(size=[4, 3]).astype(np.float32)
WEIGHTS = np.random.default_rng(2).normal(size=[3, 2]).astype(np.float32)


def reverse(data):
    return data[:, ::-1]


class Discriminator(tf.Module):
    """Two logits for an example, from tanh; counts its calls."""

    def __init__(self):
        super().__init__(name="discriminator")
        self.weights = tf.Variable(WEIGHTS)
        self.calls = tf.Variable(0.0, trainable=False)

    def __call__(self, data, noise):
        self.calls.assign_add(1.0)
        return {"logits": tf.tanh(data @ self.weights) + noise[:, :1]}


def gan():
    level = tf.Variable(2.0)

    def inputs(values):
        return tf.constant(values) if not tf.executing_eagerly() else tfgan.constant(values)

    return tfgan.gan_model(
        lambda noise: level * noise, Discriminator(), inputs(REAL), inputs(NOISE)
    )


def value_of(world, function):
    """The values that `function` makes, in a graph's session or in a TF2 run that trains."""
    with in_world(world):
        fetches = function()
        if world == "graph":
            with tf.compat.v1.train.SingularMonitoredSession() as session:
                return session.run(fetches)
        with Run(key=random_key(0, 0), training=True) as run:
            return tf.nest.map_structure(lambda x: run.value(x).numpy(), fetches)


def expected(data):
    data = data.astype(np.float64)
    change = np.tanh(data @ WEIGHTS) - np.tanh(data[:, ::-1] @ WEIGHTS)
    return np.mean(np.sum(change**2, axis=1))


@both_worlds
def test_penalty_is_the_squared_change_of_the_logits(world):
    value = value_of(world, lambda: consistency_regularization(reverse)(gan()))
    np.testing.assert_allclose(value, expected(REAL), rtol=1e-5)


@both_worlds
def test_balanced_adds_the_same_of_generated_data(world):
    value = value_of(world, lambda: consistency_regularization(reverse, balanced=True)(gan()))
    np.testing.assert_allclose(value, expected(REAL) + expected(2 * NOISE), rtol=1e-5)


def test_no_change_costs_nothing_and_has_a_gradient_of_zero():
    model = gan()
    penalty = consistency_regularization(tf.identity)(model)
    with Run(key=random_key(0, 0), training=True) as run, tf.GradientTape() as tape:
        value = run.value(penalty)
    assert value.numpy() == 0.0
    np.testing.assert_array_equal(tape.gradient(value, model.discriminator_variables[0]), 0.0)


def test_gradient_is_that_of_finite_differences():
    model = gan()
    penalty = consistency_regularization(reverse)(model)
    weights = model.discriminator_variables[0]

    def value(w):
        weights.assign(w)
        with Run(key=random_key(0, 0), training=True) as run:
            return run.value(penalty).numpy()

    with Run(key=random_key(0, 0), training=True) as run, tf.GradientTape() as tape:
        gradient = tape.gradient(run.value(penalty), weights).numpy()
    for index in np.ndindex(*WEIGHTS.shape):
        step = np.zeros_like(WEIGHTS)
        step[index] = 1 / 128
        numeric = (value(WEIGHTS + step) - value(WEIGHTS - step)) * 64
        np.testing.assert_allclose(gradient[index], numeric, atol=2e-3)


@pytest.mark.slow
@both_worlds
@pytest.mark.parametrize(("balanced", "jit_compile"), [(False, False), (True, False), (True, True)])
def test_gan_loss_trains_with_it_and_it_is_no_further_call_that_counts(
    world, balanced, jit_compile
):
    with in_world(world):
        model = gan()
        penalty = consistency_regularization(reverse, balanced)
        loss = tfgan.gan_loss(model, penalties=[(penalty, 10.0, 1)])
        ops = tfgan.gan_train_ops(model, loss, *(tf.keras.optimizers.SGD(0.01) for _ in range(2)))
        calls = tfgan.FinalOpsHook(
            [model.discriminator_fn.fn.calls, *model.discriminator_variables]
        )
        tfgan.gan_train(
            ops,
            None,
            hooks=[tfgan.StopAtStepHook(num_steps=2), calls],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            jit_compile=jit_compile if world == "TF2" else False,
        )
    assert calls.final_ops_values[0] == 2 * 2
    assert np.all(calls.final_ops_values[1] != WEIGHTS)


def test_mixed_precision_is_compared_in_float32():
    weight = tf.Variable(1.0)

    def discriminator(data):
        return tf.cast(weight * data, tf.float16)[:, :1]

    level = tf.Variable(1.0)
    data = tfgan.constant(np.full([2, 3], 300.0, np.float32))
    model = tfgan.gan_model(lambda x: level * x, discriminator, data, data)
    value = value_of("TF2", lambda: consistency_regularization(tf.negative)(model))
    assert value == 600.0**2  # More than float16 holds.


def test_penalty_is_of_the_discriminator():
    assert consistency_regularization(reverse).network == "discriminator"


def test_real_and_generated_data_are_augmented_each_in_its_own_way():
    """Flips change the logits of half of the real images, and of half of the generated ones."""
    weight, level = tf.Variable(1.0), tf.Variable(1.0)
    image = np.zeros([1000, 2, 2, 1], np.float32)
    image[:, :, 0] = 1.0
    data = tfgan.constant(image)
    model = tfgan.gan_model(lambda x: level * x, lambda x: weight * x[:, 0, :1, 0], data, data)
    drawn = []

    def flip(images):
        drawn.append(diff_augment(images, "flip"))
        return drawn[-1]

    value = value_of("TF2", lambda: consistency_regularization(flip, balanced=True)(model))
    np.testing.assert_allclose(value, 1.0, atol=0.15)
    real, generated = drawn[-2:]
    assert 400 < np.sum(np.not_equal(real, generated)[:, 0, 0, 0]) < 600


def test_bad_input_is_told():
    with pytest.raises(TypeError, match="augment must be a function, got 'flip'"):
        consistency_regularization("flip")
    with pytest.raises(TypeError, match="balanced must be True or False, got 1"):
        consistency_regularization(reverse, balanced=1)
    with pytest.raises(ValueError, match="augment gave float32"):
        consistency_regularization(lambda x: x[:, :2])(gan())()
    with pytest.raises(ValueError, match="augment changed the structure of the data"):
        consistency_regularization(lambda x: [x])(gan())()
