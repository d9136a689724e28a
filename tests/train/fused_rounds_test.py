"""Several rounds in one XLA program are the rounds that a program for each makes, bit for bit."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.convolutional_gan import train_convolutional_gan
from tests.train.linear_gan import LinearGAN, poisoned, simulate
from tfgan_lite.train.fused_rounds import FusedRounds

SCHEDULES = {
    "1:1": tfgan.get_sequential_train_hooks(),
    "discriminator first": tfgan.get_sequential_train_hooks(order="discriminator_first"),
    "1:2": tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 2)),
    "joint": tfgan.get_joint_train_hooks(),
}
every_schedule = pytest.mark.parametrize(
    "schedule",
    [pytest.param(s, marks=[pytest.mark.slow] if s != "1:1" else []) for s in SCHEDULES],
)


@pytest.fixture
def launches(monkeypatch):
    """How many rounds each launch has that a program is traced with."""
    made = []
    call = FusedRounds.__call__

    def noted(self, draws, keys):
        made.append(len(draws))
        return call(self, draws, keys)

    monkeypatch.setattr(FusedRounds, "__call__", noted)
    return made


class Losses(tfgan.TrainingHook):
    """All losses of a run, by name."""

    def __init__(self):
        self.found = {}

    def next_due(self, global_step):
        return None

    def after_round(self, run_context, global_step):
        for name, values in self.run.values().items():
            self.found.setdefault(name, []).extend(values.tolist())


def networks():
    """Dense nets with weights drawn from a seed."""
    draw = np.random.default_rng(0).normal

    def dense(units, activation, width):
        layer = tf.keras.layers.Dense(units, activation)
        layer.build([None, width])
        layer.kernel.assign(draw(size=[width, units]) / width**0.5)
        return layer

    generator = tf.keras.Sequential([dense(24, "relu", 4), dense(12, "tanh", 24)])
    critic = tf.keras.Sequential([dense(24, "relu", 12), dense(1, None, 24)])
    return generator, critic


def trained(schedule, rounds_per_call, rounds=11):
    """Weights, averages, optimizers' state, counters and losses after a run."""
    generator, critic = networks()
    data = np.random.default_rng(1).normal(size=[40, 12]).astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices(data).repeat().batch(8, drop_remainder=True)
    model = tfgan.gan_model(generator, critic, dataset, tfgan.normal([4]))
    # The half-life of this average is that of the images seen, in every update.
    average = tfgan.features.WeightAverage(1e6, ramp_up=0.5)
    optimizers = [tf.keras.optimizers.Adam(1e-3) for _ in range(2)]
    ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers, generator_average=average)
    losses = Losses()
    tfgan.gan_train(
        ops,
        None,
        get_hooks_fn=SCHEDULES[schedule],
        hooks=[losses, tfgan.StopAtStepHook(num_steps=rounds)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        jit_compile=True,
        rounds_per_call=rounds_per_call,
    )
    counters = ops.global_step_inc_op.counters
    variables = [*generator.variables, *critic.variables, *average.averages]
    variables += [v for each in optimizers for v in each.variables]
    variables += counters.variables
    return [v.numpy() for v in variables], losses.found


@every_schedule
def test_any_number_of_rounds_in_a_launch_gives_the_same_bits(schedule, launches):
    alone = trained(schedule, rounds_per_call=1)
    assert set(launches) == {1}
    together = trained(schedule, rounds_per_call=11)
    assert max(launches) > 1
    tf.nest.map_structure(np.testing.assert_array_equal, alone, together)


@pytest.mark.parametrize("rounds_per_call", [1, 20])
def test_a_bad_update_within_a_launch_leaves_those_before_it_whole(rounds_per_call, launches):
    losses = Losses()
    gan = LinearGAN(real=poisoned(2).repeat(), noise=lambda: tf.ones([4, 1]))
    with pytest.raises(tfgan.NanLossError, match="discriminator sub-step 1 of 1 of round 3"):
        gan.train(20, hooks=[losses], rounds_per_call=rounds_per_call, jit_compile=True)
    assert (max(launches) > 1) == (rounds_per_call > 1)
    counters = gan.train_ops.global_step_inc_op.counters
    assert [int(v.numpy()) for v in (counters.global_step, counters.generator_updates)] == [2, 3]
    assert [int(v.numpy()) for v in (counters.discriminator_updates, counters.images_seen)] == [
        2,
        8,
    ]
    assert [len(values) for values in losses.found.values()] == [2, 2]
    assert all(np.isfinite(values).all() for values in losses.found.values())


def test_updates_that_are_skipped_within_a_launch_are_not_counted(launches):
    gan = LinearGAN(real=poisoned(2).repeat(), noise=lambda: tf.ones([4, 1]))
    assert gan.train(8, rounds_per_call=8, jit_compile=True, nan_policy="skip") == 8
    assert max(launches) > 1
    counters = gan.train_ops.global_step_inc_op.counters
    assert int(counters.generator_updates.numpy()) == 8
    assert int(counters.discriminator_updates.numpy()) == 7


def test_data_that_ends_is_used_to_its_last_batch(launches):
    """How much is left is not known to a program of several rounds, so it is of one."""
    gan = LinearGAN()
    rounds = gan.train(rounds_per_call=8, jit_compile=True)
    assert set(launches) == {1}
    expected = simulate(["G", "D"] * rounds).weights
    assert {k: float(v.numpy()) for k, v in gan.weights.items()} == pytest.approx(expected)


def test_networks_with_convolutions_have_a_round_in_a_launch(launches):
    """XLA's loops make them several times slower on a CPU."""
    train_convolutional_gan(9, jit_compile=True, rounds_per_call=9)
    assert set(launches) == {1}
