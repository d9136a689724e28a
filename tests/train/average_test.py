"""Averaged generator weights: they follow each update, are saved, and can be sampled with."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import BATCH, LinearGAN, in_world, simulate
from tfgan_lite.features import WeightAverage

WORLDS = {
    "graph": ("graph", {}),
    "TF2": ("TF2", {}),
    "several rounds": ("TF2", {"rounds_per_call": 3}),
    "XLA": ("TF2", {"jit_compile": True}),
    "eager": ("eager", {}),
}
worlds = pytest.mark.parametrize("world", WORLDS)
ROUNDS, HALF_LIFE = 3, 2.0 * BATCH


def averages_after(trace):
    """Those of a and b, by NumPy: they begin as the weights do, and follow every update of G."""
    rows = simulate(trace).rows["generator"]
    weights = [(row["a"], row["b"]) for row in rows] + [
        tuple(simulate(trace).weights[name] for name in "ab")
    ]
    average = np.array(weights[0])
    for after in weights[1:]:
        average += (1 - 0.5 ** (BATCH / HALF_LIFE)) * (np.array(after) - average)
    return average


@pytest.mark.slow
@worlds
@pytest.mark.parametrize("joint", [False, True], ids=["sequential", "joint"])
def test_an_average_follows_every_update_of_the_generator(world, joint):
    kind, arguments = WORLDS[world]
    with in_world(kind):
        average = WeightAverage(HALF_LIFE, ramp_up=None)
        gan = LinearGAN(generator_average=average)
        hook = tfgan.FinalOpsHook(list(average.averages))
        make = tfgan.get_joint_train_hooks if joint else tfgan.get_sequential_train_hooks
        gan.train(ROUNDS, get_hooks_fn=make(tfgan.GANTrainSteps(2, 1)), hooks=[hook], **arguments)
    expected = averages_after((["GD", "G"] if joint else ["G", "G", "D"]) * ROUNDS)
    np.testing.assert_allclose(np.stack(hook.final_ops_values[:2]), expected, rtol=1e-5)


@pytest.mark.parametrize("world", ["graph", "TF2"])
def test_generate_samples_with_the_averaged_weights(world):
    with in_world(world):
        average = WeightAverage(HALF_LIFE, ramp_up=None)
        noise = lambda n: tf.ones([n, 1])  # noqa: E731
        gan = LinearGAN(noise=noise, generator_average=average)
        hook = tfgan.FinalOpsHook(
            lambda: {
                "averaged": tfgan.generate(gan.model, 5, average=average),
                "averages": list(average.averages),
            }
        )
        after = tfgan.FinalOpsHook(gan.weights)
        gan.train(ROUNDS, hooks=[hook, after])
    a, b = hook.final_ops_values["averages"][:2]
    np.testing.assert_allclose(hook.final_ops_values["averaged"], np.full([5, 1], a + b), rtol=1e-6)
    assert after.final_ops_values["a"] != a  # The weights are their own again.


def test_a_resumed_run_goes_on_with_the_average(tmp_path):
    seen = []
    for rounds in (2, 1, 3):
        logdir = tmp_path / ("whole" if rounds == 3 else "parts")
        average = WeightAverage(HALF_LIFE, ramp_up=None)
        constant = tfgan.constant(np.ones([BATCH, 1], np.float32))
        gan = LinearGAN(real=constant, noise=constant, generator_average=average)
        gan.train(rounds, logdir, save_checkpoint_secs=600)
        seen.append([v.numpy() for v in average.averages])
    tf.nest.map_structure(np.testing.assert_array_equal, seen[1], seen[2])


def test_a_bad_update_does_not_move_the_average():
    average = WeightAverage(0.0, ramp_up=None)
    nan = tfgan.constant(np.full([BATCH, 1], np.nan, np.float32))
    gan = LinearGAN(noise=nan, generator_average=average)
    for jit_compile in (False, True):
        with pytest.raises(tfgan.NanLossError):
            gan.train(1, jit_compile=jit_compile)
    assert [float(v) for v in average.averages[:2]] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("average", "error", "message"),
    [
        (0.999, TypeError, "generator_average must be a features.WeightAverage, got 0.999"),
        ((WeightAverage(), WeightAverage()), ValueError, "for each of 1 generators, got 2"),
    ],
)
def test_a_bad_average_is_refused(average, error, message):
    with pytest.raises(error, match=message):
        LinearGAN(generator_average=average)
