"""The hook that profiles some rounds."""

import time

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, in_world, simulate
from tfgan_lite.train import session

both_worlds = pytest.mark.parametrize("world", ["TF2", "graph"])


def traces(folder):
    return list(folder.rglob("*.xplane.pb"))


class Clock:
    """The time, which a test can put forward."""

    def __init__(self):
        self.forward = 0.0

    def __call__(self):
        return time.perf_counter() + self.forward


@both_worlds
def test_the_rounds_are_traced_and_their_time_is_divided(world, tmp_path):
    lines = []
    hook = tfgan.ProfileHook(2, 4, tmp_path, log=lines.append)
    with in_world(world):
        LinearGAN().train(5, hooks=[hook])
    assert len(traces(tmp_path)) == 1
    assert {"generator", "discriminator", "rest", "hooks: StopAtStepHook"} <= set(hook.shares)
    assert ("data" in hook.shares) == (world == "TF2")
    assert sum(hook.shares.values()) == pytest.approx(1.0)
    assert min(hook.shares.values()) >= 0.0
    assert lines[0].startswith("Profile of 2 rounds from round 2:")
    assert sorted(line.split("%  ")[1] for line in lines[1:] if "%" in line) == sorted(hook.shares)


@both_worlds
def test_a_slow_hook_shows(world, tmp_path):
    clock = Clock()

    class Slow(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            clock.forward += 1000.0

    hook = tfgan.ProfileHook(1, 4, tmp_path, clock=clock)
    with in_world(world):
        LinearGAN().train(5, hooks=[Slow(), hook])
    assert hook.shares["hooks: Slow"] > 0.99


def test_penalties_have_a_row(tmp_path):
    clock = Clock()

    def slow(model):
        def wait():
            clock.forward += 1000.0
            return np.float32(0.0)

        return tf.reduce_mean(model.real_data) + tf.numpy_function(wait, [], tf.float32)

    hook = tfgan.ProfileHook(2, 4, tmp_path, clock=clock)
    LinearGAN(penalties=lambda gan: [(slow, 1e-3, 2)]).train(5, hooks=[hook])
    assert hook.shares["penalties"] > 100.0 * hook.shares["discriminator"] > 0.0


def test_checkpoints_have_a_row(tmp_path):
    hook = tfgan.ProfileHook(1, 4)
    LinearGAN().train(5, tmp_path, hooks=[hook], save_checkpoint_steps=1)
    assert hook.shares["checkpoints"] > 0.0
    assert len(traces(tmp_path)) == 1


@pytest.mark.parametrize("arguments", [{}, {"rounds_per_call": 2}, {"jit_compile": "auto"}])
def test_training_goes_on_as_if_nothing_had_been_measured(tmp_path, arguments):
    gan = LinearGAN(optimizer=lambda: tf.keras.optimizers.SGD(1 / 8))
    gan.train(6, hooks=[tfgan.ProfileHook(2, 4, tmp_path)], **arguments)
    weights = {name: float(v.numpy()) for name, v in gan.weights.items()}
    assert weights == pytest.approx(simulate(["G", "D"] * 6).weights, rel=1e-5)
    counters = gan.train_ops.global_step_inc_op.counters
    assert [int(v.numpy()) for v in (counters.global_step, counters.generator_updates)] == [6, 6]


def test_the_passes_over_the_data_that_are_timed_are_ended(tmp_path, monkeypatch):
    ended = []
    monkeypatch.setattr(session, "end_passes", lambda iterators: ended.append(len(iterators)))
    LinearGAN().train(3, hooks=[tfgan.ProfileHook(1, 2, tmp_path)])
    # Noise and real data: of the measurement, of the hooks' ends (which read none), of training.
    assert ended == [2, 0, 2]


def test_other_rounds_are_not_timed(tmp_path):
    timed = []

    class Watched(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            timed.append("after_run" in vars(self))

    LinearGAN().train(5, hooks=[Watched(), tfgan.ProfileHook(2, 4, tmp_path)])
    assert timed == [False, False, True, True, False]


def test_rounds_that_are_not_profiled_run_in_one_call():
    hook = tfgan.ProfileHook(10, 20, "unused")
    assert [hook.next_due(step) for step in (0, 9, 10, 19, 20, 500)] == [10, 10, 20, 20, None, None]


def test_the_closing_block_of_the_progress_bar_has_it(tmp_path):
    from rich import console

    screen = console.Console(record=True, width=200, force_terminal=False)
    hooks = [tfgan.ProgressHook(5, console=screen), tfgan.ProfileHook(2, 4, tmp_path)]
    LinearGAN().train(5, hooks=hooks)
    lines = [line.split() for line in screen.export_text().splitlines()]
    assert any(line[:1] == ["time"] and "generator" in line for line in lines)


def test_a_run_that_ends_before_leaves_the_profiler_free(tmp_path):
    said = []
    hook = tfgan.ProfileHook(1, 9, tmp_path / "first", log=said.append)
    LinearGAN().train(3, hooks=[hook])
    assert hook.shares == {} and said == [
        "Training ended before the rounds that were to be profiled did."
    ]
    LinearGAN().train(3, hooks=[tfgan.ProfileHook(1, 2, tmp_path / "second")])
    assert len(traces(tmp_path / "second")) == 1


def test_a_resumed_run_that_is_past_the_rounds_profiles_nothing(tmp_path):
    LinearGAN().train(4, tmp_path, save_checkpoint_steps=100)
    hook = tfgan.ProfileHook(1, 3)
    LinearGAN().train(2, tmp_path, hooks=[hook], save_checkpoint_steps=100)
    assert hook.shares == {} and not traces(tmp_path)


@pytest.mark.parametrize("rounds", [(5, 5), (-1, 3), (3, 2), (0, 0)])
def test_rounds_that_are_none(rounds):
    with pytest.raises(ValueError, match="_round must be"):
        tfgan.ProfileHook(*rounds)


def test_no_logdir_is_an_error():
    with pytest.raises(ValueError, match="ProfileHook has no logdir"):
        LinearGAN().train(3, hooks=[tfgan.ProfileHook(1, 2)])
