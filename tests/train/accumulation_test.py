"""Optimizers that gather the gradients of several updates: Keras's gradient_accumulation_steps."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.strategies import on_replicas
from tests.train.linear_gan import INITIAL, LEARNING_RATE, LinearGAN, in_world, noise_of, real_of

STEPS = 3
PROGRAMS = {
    "eager": ("eager", {}),
    "one round": ("TF2", {"rounds_per_call": 1}),
    "several rounds": ("TF2", {"rounds_per_call": 2}),
    "XLA": ("TF2", {"jit_compile": True, "rounds_per_call": 2}),
    "measured": ("TF2", {"jit_compile": "auto"}),
}


def gathering():
    return tf.keras.optimizers.SGD(LEARNING_RATE, gradient_accumulation_steps=STEPS)


def train(rounds, **arguments):
    """Weights after rounds of 3 sub-steps of each network, of which the last changes weights."""
    gan, found = LinearGAN(optimizer=gathering), {}

    class Reading(tfgan.TrainingHook):
        def after_run(self, run_context, run_values):
            found.update(run_context.session.run(gan.weights))

    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(STEPS, STEPS))
    gan.train(rounds, get_hooks_fn=steps, hooks=[Reading()], **arguments)
    return {name: float(value) for name, value in found.items()}


def of_large_batches(rounds):
    """The closed form of rounds of one sub-step each, of a batch that is three times as large."""
    w = dict(INITIAL)
    for index in range(rounds):
        first = 2 * STEPS * index  # Noise is drawn in every sub-step, real data in the critic's.
        z = np.mean([noise_of(first + k) for k in range(STEPS)])
        w["a"], w["b"] = w["a"] + LEARNING_RATE * w["c"] * z, w["b"] + LEARNING_RATE * w["c"]
        z = np.mean([noise_of(first + STEPS + k) for k in range(STEPS)])
        r = np.mean([real_of(STEPS * index + k) for k in range(STEPS)])
        w["c"] -= LEARNING_RATE * (w["a"] * z + w["b"] - r)
    return w


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_three_small_batches_are_one_large_one(program):
    world, arguments = PROGRAMS[program]
    with in_world(world):
        assert train(2, **arguments) == pytest.approx(of_large_batches(2), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_run_that_stops_between_two_changes_of_the_weights_goes_on_exactly(tmp_path, jit_compile):
    arguments = {"jit_compile": jit_compile, "save_checkpoint_steps": 100}

    def weights_after(rounds, logdir):
        gan = LinearGAN(optimizer=gathering)
        gan.train(rounds, logdir, **arguments)
        return {name: float(v.numpy()) for name, v in gan.weights.items()}

    straight = weights_after(7, tmp_path / "straight")
    assert weights_after(2, tmp_path / "stopped") == INITIAL
    assert weights_after(5, tmp_path / "stopped") == straight


def test_every_sub_step_counts_as_an_update():
    gan = LinearGAN(optimizer=gathering)
    gan.train(4)
    counters = gan.train_ops.global_step_inc_op.counters
    assert int(counters.generator_updates.numpy()) == 4


def test_a_loss_scale_goes_with_it():
    """The scale is Keras's outer optimizer, and gathers unscaled gradients in the inner one."""

    def scaled():
        return tf.keras.optimizers.LossScaleOptimizer(gathering(), dynamic_growth_steps=2)

    gan = LinearGAN(optimizer=scaled)
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(STEPS, STEPS))
    gan.train(2, get_hooks_fn=steps)
    weights = {name: float(v.numpy()) for name, v in gan.weights.items()}
    assert weights == pytest.approx(of_large_batches(2), rel=1e-5)


def _train_under(strategy):
    with strategy.scope():
        gan = LinearGAN(optimizer=gathering)
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(STEPS, STEPS))
    gan.train(2, get_hooks_fn=steps)
    return {name: float(v.numpy()) for name, v in gan.weights.items()}


def _error_under(strategy):
    with strategy.scope(), pytest.raises(ValueError) as error:
        LinearGAN(optimizer=gathering)
    return str(error.value)


def test_one_device_under_a_strategy():
    assert on_replicas(1, _train_under) == pytest.approx(of_large_batches(2), rel=1e-5)


def test_several_replicas_are_an_error():
    """Keras sums gradients over replicas in a conditional, which TensorFlow does not allow."""
    said = on_replicas(2, _error_under)
    assert "generator" in said and "does not train under a strategy of several replicas" in said


def test_a_graph_is_an_error():
    """There Keras compares tensors as objects, and gathers for ever."""
    with in_world("graph"), pytest.raises(ValueError, match="does not train in a tf.Graph"):
        LinearGAN(optimizer=gathering)
