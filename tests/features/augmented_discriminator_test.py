"""A wrapped discriminator is the same network, and sees augmented data while it trains."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tests.train.linear_gan import in_world
from tfgan_lite import runs
from tfgan_lite.features import augmented, diff_augment

SHAPE = (4, 4, 3)
BATCH = 4
both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


def layers(keras):
    regularizer = keras.regularizers.L2(0.5)
    return [
        keras.layers.Flatten(),
        keras.layers.Dense(2, kernel_regularizer=regularizer),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(1),
    ]


def sequential(keras):
    return keras.Sequential(layers(keras))


def functional(keras):
    """With two inputs, the images and the noise."""
    images, noise = keras.Input(SHAPE), keras.Input((2,))
    logits = images
    for layer in layers(keras):
        logits = layer(logits)
    return keras.Model([images, noise], logits + keras.layers.Dense(1)(noise))


def function(keras):
    made = layers(keras)

    def discriminator(images, noise, training):
        for layer in made:
            images = layer(images, training=training) if "batch" in layer.name else layer(images)
        return images + noise[:, :1]

    return discriminator


class Module(tf.Module):
    def __init__(self):
        super().__init__(name="discriminator")
        self.weights = tf.Variable(tf.ones([48, 1]), name="weights")
        self.calls = tf.Variable(0.0, trainable=False, name="calls")

    def __call__(self, images):
        self.calls.assign_add(1.0)
        return tf.reshape(images, [-1, 48]) @ self.weights


DISCRIMINATORS = {
    "Keras model": lambda: sequential(tf.keras),
    "tf_keras model": lambda: sequential(tf_keras),
    "model of two inputs": lambda: functional(tf.keras),
    "function": lambda: function(tf.keras),
    "module": Module,
}
every_kind = pytest.mark.parametrize("kind", DISCRIMINATORS)


def gan(discriminator, real=None):
    """A model whose generator has one weight, and gives it as every pixel."""
    level = tf.Variable(0.25, name="level")

    def generator(noise):
        return level * tf.ones([BATCH, *SHAPE]) + 0.0 * noise[0, 0]

    real = tf.ones([BATCH, *SHAPE]) if real is None else real
    return tfgan.gan_model(
        generator,
        discriminator,
        tfgan.constant(real) if tf.executing_eagerly() else real,
        tfgan.from_callable(lambda: tf.zeros([BATCH, 2])),
    )


def losses(model, **options):
    return tfgan.gan_loss(
        model,
        tfgan.losses.modified_generator_loss,
        tfgan.losses.modified_discriminator_loss,
        **options,
    )


def train_ops(model, loss, learning_rate=0.1):
    optimizers = [tf.keras.optimizers.SGD(learning_rate) for _ in range(2)]
    return tfgan.gan_train_ops(model, loss, *optimizers)


def train(model, loss, rounds=1, logdir=None, hooks=(), **options):
    ops = train_ops(model, loss)
    options = {"save_checkpoint_secs": None, "save_summaries_steps": None, **options}
    options.setdefault("jit_compile", False)
    tfgan.gan_train(ops, logdir, hooks=[tfgan.StopAtStepHook(num_steps=rounds), *hooks], **options)


# It is the same network


@pytest.mark.slow
@both_worlds
@every_kind
def test_wrapped_discriminator_owns_the_same_variables(world, kind):
    with in_world(world):
        plain = gan(DISCRIMINATORS[kind]()).discriminator_fn
        wrapped = gan(augmented(DISCRIMINATORS[kind](), diff_augment)).discriminator_fn
    for variables in ("variables", "trainable_variables"):
        expected = [v.shape for v in getattr(plain, variables)]
        assert [v.shape for v in getattr(wrapped, variables)] == expected
    assert len(wrapped.regularization_losses) == len(plain.regularization_losses)


@pytest.mark.slow
@both_worlds
@pytest.mark.parametrize("kind", ["model of two inputs", "module"])
def test_wrapped_discriminator_trains(world, kind):
    with in_world(world):
        model = gan(augmented(DISCRIMINATORS[kind](), diff_augment))
        variables = [*model.generator_variables, *model.discriminator_variables]
        before = Values(variables)
        after = tfgan.FinalOpsHook(variables)
        train(model, losses(model), hooks=[before, after])
    moved = [np.any(a != b) for a, b in zip(before.values, after.final_ops_values)]
    assert moved.count(False) <= 1  # Batch norm cancels the bias before it.


class Values(tfgan.TrainingHook):
    """The values of variables when training begins."""

    def __init__(self, variables):
        self.variables = variables

    def after_create_session(self, session, coord):
        self.values = session.run(self.variables)


@pytest.mark.slow
@both_worlds
def test_batch_norms_statistics_move_in_the_discriminators_updates_only(world):
    with in_world(world):
        module = Module()
        model = gan(augmented(module, diff_augment))
        calls = tfgan.FinalOpsHook(module.calls)
        train(model, losses(model, gradient_penalty_weight=1.0), rounds=3, hooks=[calls])
    assert calls.final_ops_values == 2 * 3  # Of real and of generated data.


@pytest.mark.parametrize("kind", ["Keras model", "tf_keras model"])
def test_batch_norm_is_warned_of_where_a_penalty_needs_each_examples_own_slope(kind):
    model = gan(augmented(DISCRIMINATORS[kind](), diff_augment))
    with pytest.warns(UserWarning, match="has a layer of kind BatchNorm"):
        losses(model, gradient_penalty_weight=1.0)


def test_a_checkpoint_holds_the_discriminator(tmp_path):
    after = []
    for _ in range(2):
        module = Module()
        model = gan(augmented(module, diff_augment))
        before = Values([module.weights, module.calls])
        options = {"logdir": str(tmp_path), "save_checkpoint_secs": 600}
        train(model, losses(model), hooks=[before], **options)
        after.append([module.weights.numpy(), module.calls.numpy()])
    for resumed, saved in zip(before.values, after[0]):
        np.testing.assert_array_equal(resumed, saved)
    alone = Module()
    saved = tf.train.Checkpoint(discriminator=tf.train.Checkpoint(discriminator=alone))
    saved.restore(tf.train.latest_checkpoint(str(tmp_path))).expect_partial()
    np.testing.assert_array_equal(alone.weights, after[1][0])


# What it sees


def noisy(images):
    """One number for each call, so that the logits tell it."""
    seed = runs.random_seed("noisy")
    number = tf.random.uniform([]) if seed is None else tf.random.stateless_uniform([], seed)
    return images + number


class Mean(tf.Module):
    """The mean of the pixels, times a weight of one."""

    def __init__(self):
        super().__init__(name="mean")
        self.weight = tf.Variable(1.0, name="weight")

    def __call__(self, images):
        return self.weight * tf.reduce_mean(images, axis=[1, 2, 3])


def real_and_generated(world):
    """What a discriminator's update sees of real 1 and generated 0.25, in three sub-steps."""
    with in_world(world):
        model = gan(augmented(Mean(), noisy))
        ops = train_ops(model, losses(model), learning_rate=0.0)
        fetches = [
            model.discriminator_real_outputs,
            model.discriminator_gen_outputs,
            ops.discriminator_train_op,
        ]
        if world == "graph":
            session = tf.compat.v1.Session()
            session.run(tf.compat.v1.global_variables_initializer())
        else:
            session = tfgan.Session(ops.global_step_inc_op.counters)
        return [session.run(fetches)[:2] for _ in range(3)]


@both_worlds
def test_each_update_sees_real_and_generated_data_augmented_each_in_its_own_way(world):
    seen = real_and_generated(world)
    noise = np.array([[real[0] - 1.0, generated[0] - 0.25] for real, generated in seen])
    assert len(np.unique(noise)) == 6
    assert np.all((noise > 0) & (noise < 1))


def test_runs_that_do_not_train_see_the_data_as_they_are():
    model = gan(augmented(Mean(), noisy))
    np.testing.assert_array_equal(model.discriminator_real_outputs(), np.ones(BATCH))
    np.testing.assert_array_equal(model.discriminator_gen_outputs(), np.full(BATCH, 0.25))


def test_in_a_function_of_ones_own_the_data_are_augmented():
    discriminator, level = augmented(Mean(), noisy), tf.Variable(2.0)

    @tf.function(autograph=False)
    def step(real):
        model = tfgan.gan_model(lambda x: level * x, discriminator, real, real)
        return model.discriminator_real_outputs

    assert np.all(step(tf.ones([BATCH, *SHAPE])) > 1.0)


def test_a_call_by_hand_is_for_evaluation_unless_it_says_training():
    discriminator = augmented(lambda images: images, lambda images: -images)
    assert discriminator(tf.constant(1.0)).numpy() == 1.0
    assert discriminator(tf.constant(1.0), training=True).numpy() == -1.0


@both_worlds
def test_the_gradient_penalty_goes_through_the_augmentation(world):
    with in_world(world):
        model = gan(augmented(Mean(), lambda images: 3.0 * images))
        penalty = tfgan.losses.wasserstein_gradient_penalty(model)
        if world == "graph":
            with tf.compat.v1.Session() as session:
                session.run(tf.compat.v1.global_variables_initializer())
                value = session.run(penalty)
        else:
            value = in_training(penalty)
    slope = 3 / np.sqrt(48)  # Of the mean of 48 numbers.
    np.testing.assert_allclose(value, (slope - 1) ** 2, rtol=1e-5)


def in_training(value):
    with runs.Run(key=runs.random_key(0, 0), training=True) as run:
        return run.value(value).numpy()


def test_the_generators_gradient_goes_through_the_augmentation():
    model = gan(augmented(Mean(), lambda images: 3.0 * images))
    with runs.Run(key=runs.random_key(0, 0), training=True) as run, tf.GradientTape() as t:
        logits = tf.reduce_mean(run.value(model.discriminator_gen_outputs))
    assert t.gradient(logits, model.generator_variables)[0].numpy() == pytest.approx(3.0)


@pytest.mark.slow
def test_augmentation_compiles_under_xla():
    model = gan(augmented(sequential(tf.keras), diff_augment))
    train(model, losses(model), rounds=2, jit_compile=True)


def test_what_cannot_be_called_is_told():
    with pytest.raises(TypeError, match="discriminator_fn must be a function, got 3"):
        augmented(3, diff_augment)
    with pytest.raises(TypeError, match="augment must be a function, got 'color'"):
        augmented(Module(), "color")
