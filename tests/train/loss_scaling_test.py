"""Networks that compute in half precision, and the loss scales that float16 needs."""

import contextlib
import functools
import importlib

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LEARNING_RATE, LinearGAN, in_world, simulate
from tfgan_lite.train.loss_scaling import scale_of

# How a round is run: in a graph, hook by hook, in one call of several rounds, as one XLA program.
PROGRAMS = {
    "graph": ("graph", {}),
    "eager": ("eager", {}),
    "one round": ("TF2", {"rounds_per_call": 1}),
    "several rounds": ("TF2", {"rounds_per_call": 5}),
    "XLA": ("TF2", {"jit_compile": True, "rounds_per_call": 5}),
    "measured": ("TF2", {"jit_compile": "auto"}),
}
every_program = pytest.mark.parametrize("program", PROGRAMS)
both_kerases = pytest.mark.parametrize("keras", ["keras", "tf_keras"], ids=["Keras 3", "tf_keras"])
Z, R, A, C = 0.125, 0.25, 1.0, -0.75  # Noise, real data, and the initial weights.


def scaled(initial_scale, keras="keras", growth=2000, rate=LEARNING_RATE):
    """Gradient descent with momentum behind a loss scale."""
    package = importlib.import_module(keras)
    home = package.optimizers if keras == "keras" else package.mixed_precision
    sgd = package.optimizers.SGD(rate, momentum=0.5)
    return home.LossScaleOptimizer(sgd, initial_scale=initial_scale, dynamic_growth_steps=growth)


@functools.cache
def xla_rounds_to_float16():
    there_and_back = tf.function(
        lambda x: tf.cast(tf.cast(x, tf.float16), tf.float32), jit_compile=True
    )
    return bool(tf.math.is_inf(there_and_back(tf.constant(1e6))))


def needs_overflow(arguments):
    """XLA of TensorFlow 2.16 keeps float32 between float16 operations: nothing overflows there."""
    if arguments.get("jit_compile") is True and not xla_rounds_to_float16():
        pytest.skip("XLA of this TensorFlow does not round to float16, so that nothing overflows")


class Generator(tf.Module):
    """`a z`."""

    def __init__(self):
        super().__init__()
        self.a = tf.Variable(A, name="a")

    def __call__(self, noise):
        return self.a * noise


class HalfGAN:
    """A generator `a z`, and a critic `c x` that computes in half precision.

    Of a batch of four, each gradient that enters the critic is a quarter of the loss scale: float16
    holds that up to a scale of 2 ** 17.
    """

    def __init__(self, *optimizers, policy="mixed_float16", keras="keras", size=1.0, **options):
        layers = importlib.import_module(keras).layers
        self.generator = Generator()
        self.critic = layers.Dense(
            1, use_bias=False, kernel_initializer=tf.constant_initializer(C), dtype=policy
        )
        self.model = tfgan.gan_model(
            self.generator,
            self.critic,
            real_data=lambda: tf.fill([4, 1], R),
            generator_inputs=lambda: tf.fill([4, 1], Z),
        )

        def generator_loss(model):
            return size * tfgan.losses.wasserstein_generator_loss(model)

        def critic_loss(model):
            return size * tfgan.losses.wasserstein_discriminator_loss(model)

        loss = tfgan.gan_loss(self.model, generator_loss, critic_loss)
        self.optimizers = optimizers
        self.train_ops = tfgan.gan_train_ops(self.model, loss, *optimizers, **options)
        self.fetches = {
            "a": self.generator.a,
            "c": self.critic.kernel,
            "scale": scale_of(optimizers[1]) if not tf.executing_eagerly() else None,
        }

    def train(self, rounds, logdir=None, **arguments):
        """Trains.

        Returns:
          The weights a and c and the critic's loss scale, after the rounds.
        """
        last = Last(self)
        defaults = {"save_checkpoint_secs": None, "save_summaries_steps": None,
                    "jit_compile": False}  # fmt: skip
        hooks = [tfgan.StopAtStepHook(num_steps=rounds), last, *arguments.pop("hooks", ())]
        tfgan.gan_train(
            self.train_ops, logdir and str(logdir), hooks=hooks, **{**defaults, **arguments}
        )
        return last.values


class Last(tfgan.TrainingHook):
    """Reads weights and the critic's loss scale when training ends."""

    def __init__(self, gan):
        self._gan = gan

    def next_due(self, global_step):
        return None

    def end(self, session):
        gan = self._gan
        kernel = getattr(gan.critic.kernel, "value", None)
        kernel = gan.critic.kernel if callable(kernel) or kernel is None else kernel
        if tf.executing_eagerly():
            found = gan.generator.a.numpy(), kernel.numpy(), scale_of(gan.optimizers[1]).numpy()
        else:
            found = session.run([gan.generator.a, kernel, gan.fetches["scale"]])
        self.values = [float(np.squeeze(x)) for x in found]


def closed_form(rounds, left_out=(), rate=LEARNING_RATE, size=1.0):
    """The weights after rounds of G and D in which the critic's updates of some are left out."""
    a, c, speed_a, speed_c = A, C, 0.0, 0.0
    for index in range(rounds):
        speed_a = 0.5 * speed_a + rate * size * c * Z
        a += speed_a
        if index not in left_out:
            speed_c = 0.5 * speed_c - rate * size * (a * Z - R)
            c += speed_c
    return a, c


@contextlib.contextmanager
def running(program):
    world, arguments = PROGRAMS[program]
    with in_world(world):
        yield arguments


@pytest.mark.slow
# tf_keras's LossScaleOptimizer works in TF2 only.
@pytest.mark.parametrize(
    ("program", "keras"),
    [*((program, "keras") for program in PROGRAMS), ("several rounds", "tf_keras"),
     ("XLA", "tf_keras")],
)  # fmt: skip
def test_a_scaled_run_is_the_run_without_a_scale(program, keras):
    """In float32, where a power of two changes no digit; the transformed gradients neither."""
    package = importlib.import_module(keras)
    home = package.optimizers if keras == "keras" else package.mixed_precision

    with running(program) as arguments:
        gan = LinearGAN(
            optimizer=lambda: home.LossScaleOptimizer(package.optimizers.SGD(LEARNING_RATE)),
        )
        seen = {}

        class Reading(tfgan.TrainingHook):
            def after_run(self, run_context, run_values):
                seen.update(run_context.session.run(gan.weights))

        gan.train(4, hooks=[Reading()], **arguments)
    expected = simulate(["G", "D"] * 4).weights
    assert {name: float(value) for name, value in seen.items()} == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@every_program
def test_float16_trains_as_float32_does(program):
    with running(program) as arguments:
        gan = HalfGAN(scaled(2.0**15), scaled(2.0**15))
        a, c, _ = gan.train(6, **arguments)
    assert (a, c) == pytest.approx(closed_form(6), rel=2e-3)


@both_kerases
def test_a_gradient_below_float16s_smallest_is_applied(keras):
    """It is 1e-9, of which float16 makes 0: its smallest number is 6e-8."""
    rate, size = 1e6, 1e-8
    gan = HalfGAN(*(scaled(2.0**15, keras, rate=rate) for _ in range(2)), keras=keras, size=size)
    a, c, _ = gan.train(6)
    assert (a, c) == pytest.approx(closed_form(6, rate=rate, size=size), rel=2e-3)


def test_without_a_scale_it_is_lost():
    sgd = [tf.keras.optimizers.SGD(1e6) for _ in range(2)]
    gan = HalfGAN(*sgd, size=1e-8)
    gan.train_ops.discriminator_train_op()
    assert float(gan.critic.kernel.numpy()[0, 0]) == C


def test_bfloat16_needs_no_scale():
    sgd = [tf.keras.optimizers.SGD(1e6, momentum=0.5) for _ in range(2)]
    gan = HalfGAN(*sgd, size=1e-8, policy="mixed_bfloat16")
    for _ in range(6):
        gan.train_ops.generator_train_op()
        gan.train_ops.discriminator_train_op()
    weights = float(gan.generator.a.numpy()), float(gan.critic.kernel.numpy()[0, 0])
    assert weights == pytest.approx(closed_form(6, rate=1e6, size=1e-8), rel=1e-2)


@pytest.mark.slow
@every_program
@pytest.mark.parametrize("summarize", [False, True])
def test_an_overflow_halves_the_scale_and_leaves_the_update_out(program, summarize):
    """At 2 ** 19 and 2 ** 18 the critic's gradients are infinite; the generator trains on."""
    expected = [*closed_form(4, left_out=(0, 1)), 2.0**17]
    with running(program) as arguments:
        needs_overflow(arguments)
        gan = HalfGAN(scaled(2.0**10), scaled(2.0**19), summarize_gradients=summarize)
        assert gan.train(4, **arguments) == pytest.approx(expected, rel=2e-3)


def test_an_overflow_changes_no_digit_of_weights_and_moments():
    gan = HalfGAN(scaled(2.0**15), scaled(2.0**19))
    inner = gan.optimizers[1].inner_optimizer
    gan.train_ops.discriminator_train_op()
    assert float(gan.critic.kernel.numpy()[0, 0]) == C
    assert [float(np.squeeze(v.numpy())) for v in inner.variables if "momentum" in v.path] == [0.0]
    assert float(scale_of(gan.optimizers[1])) == 2.0**18


@both_kerases
def test_an_overflow_in_a_joint_sub_step_concerns_its_own_network(keras):
    gan = HalfGAN(scaled(2.0**10, keras), scaled(2.0**19, keras), keras=keras)
    joint = tfgan.get_joint_train_hooks(tfgan.GANTrainSteps(1, 1))
    a, c, scale = gan.train(1, get_hooks_fn=joint)
    assert (a, c, scale) == (pytest.approx(A + LEARNING_RATE * C * Z), C, 2.0**18)


@pytest.mark.slow
@every_program
def test_clipping_does_not_hide_an_overflow(program):
    def clipped(pairs):
        return [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs]

    with running(program) as arguments:
        needs_overflow(arguments)
        gan = HalfGAN(scaled(2.0**10), scaled(2.0**19), transform_grads_fn=clipped)
        assert gan.train(2, **arguments)[1:] == [C, 2.0**17]


def test_gradients_are_clipped_by_their_own_size_and_not_by_the_scaled_one():
    def clipped(pairs):
        return [(tf.clip_by_value(g, -0.01, 0.01), v) for g, v in pairs]

    gan = HalfGAN(scaled(2.0**15), scaled(2.0**15), transform_grads_fn=clipped)
    a, c, _ = gan.train(1)
    assert (a, c) == pytest.approx((A - 0.01 * LEARNING_RATE, C + 0.01 * LEARNING_RATE), rel=1e-6)


def test_the_scale_grows_after_updates_without_an_overflow():
    gan = HalfGAN(scaled(2.0**10), scaled(2.0**10, growth=2))
    assert gan.train(5)[2] == 2.0**12


@pytest.mark.slow
@both_kerases
@pytest.mark.parametrize("arguments", [{"jit_compile": False}, {"jit_compile": True}])
def test_a_resumed_run_goes_on_with_its_scale(tmp_path, keras, arguments):
    """Also with the number of updates since the scale last changed."""
    needs_overflow(arguments)

    def make():
        return HalfGAN(scaled(2.0**10, keras), scaled(2.0**18, keras, growth=4), keras=keras)

    saving = {**arguments, "save_checkpoint_steps": 100}
    straight = make().train(5, **arguments)
    assert straight[2] == 2.0**18  # Halved by the first round, doubled after four more.
    make().train(3, tmp_path, **saving)
    assert make().train(2, tmp_path, **saving) == straight


@both_kerases
def test_measuring_what_is_faster_leaves_no_trace_in_the_scale(keras):
    gan = HalfGAN(scaled(2.0**10, keras), scaled(2.0**19, keras), keras=keras)
    assert gan.train(1, jit_compile="auto")[2] == 2.0**18


def test_norms_of_left_out_updates_are_not_told_and_their_losses_are():
    gan = HalfGAN(scaled(2.0**10), scaled(2.0**19), summarize_gradients=True)
    told = []

    class Watch(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            values = self.run.values()
            told.append({k: v.tolist() for k, v in values.items() if "discriminator" in k})
            told[-1]["norm"] = self.run.gradient_norms()["discriminator"].tolist()

    gan.train(3, hooks=[Watch()])
    assert [row["discriminator_loss_scale"] for row in told] == [[2.0**19], [2.0**18], [2.0**17]]
    assert [len(row["norm"]) for row in told] == [0, 0, 1]
    assert np.isfinite([row["discriminator_loss"] for row in told]).all()


@pytest.mark.parametrize("program", ["graph", "eager", "one round", "several rounds", "XLA"])
def test_a_loss_that_is_not_finite_is_still_an_error(program):
    with running(program) as arguments, pytest.raises(tfgan.NanLossError, match="round 1"):
        HalfGAN(scaled(2.0**15), scaled(2.0**15), size=np.nan).train(1, **arguments)


@pytest.mark.parametrize("program", ["graph", "one round", "several rounds", "XLA"])
def test_a_gradient_that_no_scale_mends_is_an_error_in_the_end(program):
    """The square root's slope at 0 is infinite; the scale falls from 4 to 1 in vain."""

    def endless_slope(model):
        logit = tf.cast(model.discriminator_gen_outputs[0, 0], tf.float32)
        return tf.sqrt(logit - tf.stop_gradient(logit))

    with running(program) as arguments, pytest.raises(tfgan.NanLossError, match="round 3"):
        gan = HalfGAN(scaled(2.0**10), scaled(4.0))
        loss = tfgan.gan_loss(gan.model, tfgan.losses.wasserstein_generator_loss, endless_slope)
        ops = tfgan.gan_train_ops(gan.model, loss, scaled(2.0**10), scaled(4.0))
        tfgan.gan_train(ops, None, hooks=[tfgan.StopAtStepHook(num_steps=9)],
                        save_checkpoint_secs=None, save_summaries_steps=None,
                        **{"jit_compile": False, **arguments})  # fmt: skip


def test_a_skipped_update_leaves_the_scale_alone_and_an_overflow_is_none_that_counts():
    gan = HalfGAN(scaled(2.0**10), scaled(2.0**19), summarize_gradients=True)
    assert gan.train(2, nan_policy="skip", max_nans=1)[2] == 2.0**17
    gan = HalfGAN(scaled(2.0**10), scaled(2.0**10), size=np.nan)
    assert gan.train(2, nan_policy="skip") == [A, C, 2.0**10]


def test_a_fixed_scale_of_a_keras_optimizer_scales_the_loss_too():
    sgd = [tf.keras.optimizers.SGD(LEARNING_RATE, 0.5, loss_scale_factor=1024.0) for _ in "GD"]
    assert HalfGAN(*sgd).train(3)[:2] == pytest.approx(closed_form(3), rel=2e-3)


def test_no_policy_is_left_behind():
    before = tf.keras.mixed_precision.global_policy().name
    HalfGAN(scaled(2.0**15), scaled(2.0**15)).train(1)
    assert tf.keras.mixed_precision.global_policy().name == before == "float32"
