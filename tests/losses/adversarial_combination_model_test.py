"""`losses.combine_adversarial_loss`: a GANLoss whose generator has two losses, in every world."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred
from tfgan_lite.losses.composite import terms_of
from tfgan_lite.runs import Run

RATIO = 4.0


class Generator(tf.Module):
    """`scale * z`; it counts its calls that train in `statistics`, as batch norm would."""

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable([2.0, 3.0])
        self.statistics = tf.Variable(0.0, trainable=False)

    def __call__(self, z, training):
        if training:
            self.statistics.assign_add(1.0)
        return self.scale * z


class Critic(tf.Module):
    def __init__(self):
        super().__init__()
        self.weights = tf.Variable([[1.0], [-2.0]])

    def __call__(self, x):
        return x @ self.weights


def model(generator=None):
    noise = lambda n: tf.random.normal([n, 2], 1.0)  # noqa: E731
    return tfgan.gan_model(
        generator or Generator(), Critic(), lambda: tf.random.normal([4, 2]), noise
    )


def pixels(m):
    """The other loss: the mean squared difference of real and generated data."""
    return tfgan.defer(
        lambda m: tf.reduce_mean(tf.square(m.generated_data - m.real_data)), m, lazily=True
    )


def combined(m, **arguments):
    loss = tfgan.gan_loss(m)
    return loss, tfgan.losses.combine_adversarial_loss(loss, m, pixels(m), **arguments)


def in_numpy(real, z, ratio=RATIO, epsilon=0.0):
    """The sum, with the gradients in the generator's scale as they are by hand."""
    scale, weights = np.array([2.0, 3.0]), np.array([1.0, -2.0])
    difference = scale * z - real
    main, adversarial = np.mean(difference**2), -np.mean(z * scale @ weights)
    main_gradient = 2 * np.mean(difference * z, 0) / 2
    adversarial_gradient = -np.mean(z * weights, 0)
    norms = np.linalg.norm(main_gradient), np.linalg.norm(adversarial_gradient)
    return main + norms[0] / (norms[1] + epsilon) / ratio * adversarial


def fetched_in_a_session(arguments):
    m = model()
    _, loss = combined(m, **arguments)
    return tfgan.Session(Counters(), seed=1).run(
        [loss.generator_loss, m.real_data, m.generator_inputs]
    )


def fetched_in_a_graph(arguments):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        m = model()
        _, loss = combined(m, **arguments)
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run([loss.generator_loss, m.real_data, m.generator_inputs])


def fetched_in_an_eager_run(arguments):
    m = model()
    _, loss = combined(m, **arguments)
    with Run(key=tf.constant([1, 2])):
        return [loss.generator_loss(), m.real_data(), m.generator_inputs()]


def fetched_in_a_tf_function(arguments):
    generator, critic = Generator(), Critic()
    real, z = tf.random.normal([4, 2]), tf.random.normal([4, 2], 1.0)

    @tf.function(autograph=False)
    def value(real, z):
        m = tfgan.gan_model(generator, critic, real, z)
        return combined(m, **arguments)[1].generator_loss

    return [value(real, z), real, z]


WORLDS = {
    "session": fetched_in_a_session,
    "tf.Graph": fetched_in_a_graph,
    "eager run": fetched_in_an_eager_run,
    "tf.function": fetched_in_a_tf_function,
}


@pytest.mark.parametrize("world", WORLDS)
def test_gradients_get_the_ratio_in_every_world(world):
    arguments = {"gradient_ratio": RATIO, "gradient_ratio_epsilon": 0.0}
    value, real, z = map(np.asarray, WORLDS[world](arguments))
    np.testing.assert_allclose(value, in_numpy(real, z), rtol=1e-4)


@pytest.mark.parametrize("world", WORLDS)
def test_weight_is_that_of_the_adversarial_loss(world):
    value, real, z = map(np.asarray, WORLDS[world]({"weight_factor": 0.5}))
    scale, weights = np.array([2.0, 3.0]), np.array([1.0, -2.0])
    expected = np.mean((scale * z - real) ** 2) - 0.5 * np.mean(z * scale @ weights)
    np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_eager_run_moves_statistics_once():
    """Gradients take a second computation there, which must leave no trace."""
    generator = Generator()
    _, loss = combined(model(generator), gradient_ratio=RATIO)
    before = generator.statistics.numpy()
    with Run(key=tf.constant([1, 2]), training=True):
        loss.generator_loss()
    assert generator.statistics.numpy() == before + 1


def test_eager_run_keeps_what_is_fed():
    m = model()
    _, loss = combined(m, gradient_ratio=RATIO, gradient_ratio_epsilon=0.0)
    z = np.array([[1.0, 2.0], [3.0, 0.5], [0.1, 1.0], [1.0, 1.0]], np.float32)
    with Run(key=tf.constant([1, 2]), values={m.generator_inputs: tf.constant(z)}):
        value, real = loss.generator_loss(), m.real_data().numpy()
    np.testing.assert_allclose(value, in_numpy(real, z), rtol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_follows_both_gradients(jit_compile):
    """On fixed data, one step of gradient descent is the sum of both gradients by hand."""
    generator = Generator()
    real = np.array([[1.0, -1.0], [0.5, 2.0]], np.float32)
    z = np.array([[1.0, 2.0], [3.0, 0.5]], np.float32)
    m = tfgan.gan_model(generator, Critic(), tfgan.constant(real), tfgan.constant(z))
    _, total = combined(m, gradient_ratio=RATIO, gradient_ratio_epsilon=0.0)
    sgd = tf.keras.optimizers.SGD
    ops = tfgan.gan_train_ops(m, total, sgd(0.125), sgd(0.125))
    tfgan.gan_train(
        ops,
        None,
        hooks=[tfgan.StopAtStepHook(num_steps=1)],
        save_summaries_steps=None,
        save_checkpoint_secs=None,
        jit_compile=jit_compile,
    )
    main = np.mean(([2.0, 3.0] * z - real) * z, 0)
    adversarial = -np.mean(z * [1.0, -2.0], 0)
    weight = np.linalg.norm(main) / np.linalg.norm(adversarial) / RATIO
    expected = np.array([2.0, 3.0]) - 0.125 * (main + weight * adversarial)
    np.testing.assert_allclose(generator.scale.numpy(), expected, rtol=1e-5)


def test_discriminators_loss_stays():
    m = model()
    loss, total = combined(m, gradient_ratio=RATIO)
    assert total.discriminator_loss is loss.discriminator_loss
    assert isinstance(total.generator_loss, Deferred)
    assert terms_of(total.generator_loss) == {}


def test_weight_of_zero_leaves_the_other_loss():
    m = model()
    other = pixels(m)
    total = tfgan.losses.combine_adversarial_loss(tfgan.gan_loss(m), m, other, weight_factor=0.0)
    assert total.generator_loss is other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Give weight_factor or gradient_ratio"),
        ({"weight_factor": 1.0, "gradient_ratio": 1.0}, "and not both"),
        ({"gradient_ratio": -1.0}, "gradient_ratio must be > 0"),
    ],
)
def test_bad_argument_is_an_error_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        combined(model(), **arguments)


def test_other_loss_that_does_not_depend_on_the_generator_is_an_error():
    m = model()
    constant = tfgan.defer(lambda m: tf.reduce_mean(m.real_data), m, lazily=True)
    loss = tfgan.losses.combine_adversarial_loss(tfgan.gan_loss(m), m, constant, gradient_ratio=1.0)
    with pytest.raises(ValueError, match="main_loss depends on none of the variables"):
        loss.generator_loss()
