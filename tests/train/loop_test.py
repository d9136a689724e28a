"""gan_train: how it stops, what fusing keeps, and what it says."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import (
    BATCH,
    LinearGAN,
    dataset,
    in_world,
    noise_of,
    real_of,
    simulate,
)
from tfgan_lite.train import loop
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.round_program import RoundProgram
from tfgan_lite.train.train_ops import update_of

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


def weights_of(gan):
    return {name: float(weight.numpy()) for name, weight in gan.weights.items()}


@both_worlds
def test_gan_train_returns_a_numpy_scalar(world):
    with in_world(world):
        step = tfgan.gan_train(
            LinearGAN().train_ops, None, hooks=[tfgan.StopAtStepHook(2)], jit_compile=False,
            save_checkpoint_secs=None, save_summaries_steps=None,
        )  # fmt: skip
    assert isinstance(step, np.integer) and step == 2


class CalledHook(tfgan.RunTrainOpsHook):
    def before_run(self, run_context):
        super().before_run(run_context)


MODES = {
    "graph": ("graph", {}),
    "fused": ("TF2", {}),
    "several rounds": ("TF2", {"rounds_per_call": 5}),
    "called": ("TF2", {}),
    "XLA": ("TF2", {"jit_compile": True}),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("steps", "batches"), [((1, 1), 3), ((1, 2), 3), ((2, 3), 8)])
def test_data_that_ends_is_a_normal_stop(mode, steps, batches):
    """The round that found no more data has no end: its sub-steps count, it does not."""
    world, arguments = MODES[mode]

    def get_hooks(ops):
        hooks = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(*steps))(ops)
        return (
            [CalledHook(h.train_ops, h.train_steps) for h in hooks] if mode == "called" else hooks
        )

    with in_world(world):
        gan = LinearGAN(real=dataset(real_of, batches))
        counters = update_of(gan.train_ops.generator_train_op).counters
        names = ("global_step", "generator_updates", "discriminator_updates", "images_seen")
        final = tfgan.FinalOpsHook({name: getattr(counters, name) for name in names})
        rounds = gan.train(get_hooks_fn=get_hooks, hooks=[final], **arguments)
    assert rounds == batches // steps[1]
    assert {name: int(v) for name, v in final.final_ops_values.items()} == {
        "global_step": rounds,
        "generator_updates": steps[0] * (rounds + 1),
        "discriminator_updates": batches,
        "images_seen": BATCH * batches,
    }


@both_worlds
def test_the_end_of_the_data_is_logged(world, caplog):
    with caplog.at_level("INFO", logger="absl"), in_world(world):
        LinearGAN(real=dataset(real_of, batches=2)).train()
    assert "Training stopped at round 2: the data ended." in caplog.messages


@both_worlds
def test_the_round_is_described(world, caplog):
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 2))
    with caplog.at_level("INFO", logger="absl"), in_world(world):
        LinearGAN().train(1, get_hooks_fn=steps)
    assert "A round is 1 generator, then 2 discriminator." in caplog.messages


@pytest.mark.parametrize("argument", ["master", "scaffold", "config"])
def test_arguments_of_graphs_are_refused_in_tf2(argument):
    with pytest.raises(ValueError, match=f"{argument} has a meaning only in a tf.Graph"):
        LinearGAN().train(1, **{argument: "x"})


# Fusing


class CountedCalls:
    """Counts how often a compiled function of rounds is called, and how often it is traced."""

    def __init__(self, monkeypatch):
        self.rounds, self.traces = [], 0
        call, trace = RoundProgram.__call__, RoundProgram._rounds

        def counted_call(program, rounds):
            self.rounds.append(rounds)
            return call(program, rounds)

        def counted_trace(program, *args):
            self.traces += 1
            return trace(program, *args)

        monkeypatch.setattr(RoundProgram, "__call__", counted_call)
        monkeypatch.setattr(RoundProgram, "_rounds", counted_trace)


def test_built_in_hooks_let_several_rounds_run_in_one_call(monkeypatch, tmp_path):
    counted = CountedCalls(monkeypatch)
    hooks = [tfgan.LossLoggingHook(6), tfgan.NanGuardHook(), tfgan.ProgressHook()]
    LinearGAN().train(
        6,
        tmp_path,
        hooks=hooks,
        rounds_per_call=10,
        save_checkpoint_secs=600,
        save_summaries_steps=6,
    )
    assert counted.rounds == [6]


def test_an_unknown_hook_is_called_after_every_round():
    class Unknown(tf.compat.v1.train.SessionRunHook):
        calls = 0

        def after_run(self, run_context, run_values):
            self.calls += 1

    hook = Unknown()
    LinearGAN().train(5, hooks=[hook], rounds_per_call=10)
    assert hook.calls == 5


def test_one_trace_serves_all_numbers_of_rounds(monkeypatch):
    counted = CountedCalls(monkeypatch)
    LinearGAN().train(7, hooks=[tfgan.LossLoggingHook(3)], rounds_per_call=10)
    assert counted.rounds == [3, 3, 1]
    assert counted.traces == 1


@pytest.mark.parametrize("rounds_per_call", [1, 2, 5, None])
def test_rounds_per_call_does_not_change_results(rounds_per_call):
    gan = LinearGAN()
    gan.train(5, rounds_per_call=rounds_per_call)
    assert weights_of(gan) == pytest.approx(simulate(["G", "D"] * 5).weights, rel=1e-5)


# XLA, or not


class Clock:
    """Trials are told how long they took, those of one comparison after those of another.

    Making a trial takes two measurements; then all are measured in turn, five times. The first of
    a second comparison is the winner of the first, and made already.
    """

    def __init__(self, first, second=()):
        self._measured = [*np.repeat(first, 2), *np.tile(first, 5)]
        self._measured += [*np.repeat(second[1:], 2), *np.tile(second, 5)]
        self._now, self._looks = 0.0, 0

    def __call__(self):
        measurement, is_end = divmod(self._looks, 2)
        self._looks += 1
        self._now += self._measured[measurement] if is_end else 0.0
        return self._now


@pytest.fixture
def choose(monkeypatch):
    """Makes `gan_train` use a JitChoice of the test's."""
    return lambda choice: monkeypatch.setattr(loop, "JitChoice", lambda jit_compile: choice)


@pytest.mark.parametrize("faster", [False, True])
def test_auto_chooses_xla_where_it_is_the_faster(faster, choose):
    choice = JitChoice("auto", clock=Clock([2.0, 1.0] if faster else [1.0, 2.0]))
    choose(choice)
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 0))
    LinearGAN().train(1, get_hooks_fn=steps, jit_compile="auto")
    assert choice.decisions["generator"]["jit_compile"] is faster


@pytest.mark.parametrize("faster", [False, True])
def test_auto_takes_several_rounds_in_a_program_where_that_is_faster(faster, choose):
    # Of 1, 2 and 16 sub-steps, which is what a launch of the trials has.
    without_xla, a_round, eight_rounds = 3.0, 2 * 2.0, 16 * (1.0 if faster else 2.5)
    choice = JitChoice("auto", Clock([without_xla, eight_rounds], [eight_rounds, a_round]))
    choose(choice)
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 0))
    endless = {"real": dataset(real_of).repeat(), "noise": dataset(noise_of).repeat()}
    LinearGAN(**endless).train(1, get_hooks_fn=steps, jit_compile="auto")
    assert choice.decisions["generator"]["many_rounds"] is faster


@pytest.mark.parametrize("faster", [False, True])
def test_auto_takes_one_pass_over_real_and_generated_data_where_that_is_faster(faster, choose):
    two_passes = [2.0, 1.0] if faster else [1.0, 2.0]
    choice = JitChoice("auto", clock=Clock([1.0, 2.0], two_passes))
    choose(choice)
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(0, 1))
    LinearGAN().train(1, get_hooks_fn=steps, jit_compile="auto")
    assert choice.decisions["discriminator"]["one_pass"] is faster


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("schedule", ["sequential", "joint"])
def test_one_pass_trains_as_two_do(jit_compile, schedule, choose):
    names = ["generator", "discriminator", "generator + discriminator"]
    weights = []
    for one_pass in (False, True):
        choice = JitChoice("auto")
        how = {"jit_compile": jit_compile, "one_pass": one_pass}
        choice.decisions = dict.fromkeys(names, how)
        choose(choice)
        gan = LinearGAN()
        hooks = getattr(tfgan, f"get_{schedule}_train_hooks")(tfgan.GANTrainSteps(2, 3))
        gan.train(3, get_hooks_fn=hooks, jit_compile="auto")
        weights.append(weights_of(gan))
    assert weights[1] == pytest.approx(weights[0], rel=1e-5)


def test_measuring_that_diverges_is_no_error():
    """So many updates on a made-up batch may, though training does not."""
    dense, made = tf.keras.layers.Dense, LinearGAN()
    networks = [tf.keras.Sequential([tf.keras.Input([1]), dense(2), dense(1)]) for _ in range(2)]
    model = tfgan.gan_model(*networks, made.model.real_data, made.model.generator_inputs)
    optimizers = [tf.keras.optimizers.SGD(1.0) for _ in range(2)]  # Products of weights explode.
    train_ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers)
    stop = [tfgan.StopAtStepHook(num_steps=1)]
    nowhere = {"logdir": None, "save_checkpoint_secs": None, "save_summaries_steps": None}
    assert tfgan.gan_train(train_ops, hooks=stop, **nowhere) == 1


def test_auto_leaves_no_trace_in_the_run(choose):
    """It measures on the networks themselves, and puts every variable back."""
    measured, told = JitChoice("auto"), JitChoice("auto")
    results = []
    for choice in (measured, told):
        choose(choice)
        gan = LinearGAN(optimizer=lambda: tf.keras.optimizers.Adam(0.1), transform_grads_fn=None)
        gan.train(3, get_hooks_fn=tfgan.get_joint_train_hooks(), jit_compile="auto")
        told.decisions = measured.decisions
        counters = update_of(gan.train_ops.generator_train_op).counters
        slots = [v for optimizer in gan.optimizers for v in optimizer.variables]
        results.append([v.numpy() for v in (*gan.weights.values(), *slots, *counters.variables)])
    tf.nest.map_structure(np.testing.assert_array_equal, *results)


def test_xla_needs_static_shapes():
    numbers = np.zeros([8, 1], np.float32)
    real = tf.data.Dataset.from_tensor_slices(numbers).batch(4)
    with pytest.raises(ValueError, match="jit_compile=True needs static shapes.*drop_remainder"):
        LinearGAN(real=real).train(1, jit_compile=True)


@pytest.mark.parametrize("jit_compile", ["yes", None, 2])
def test_jit_compile_is_one_of_three(jit_compile):
    with pytest.raises(ValueError, match="jit_compile must be True, False"):
        LinearGAN().train(1, jit_compile=jit_compile)
