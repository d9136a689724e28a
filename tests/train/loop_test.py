"""gan_train: how it stops, and what fusing keeps."""

import json
import logging

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.event_files import summaries
from tests.train.linear_gan import (
    BATCH,
    LinearGAN,
    dataset,
    in_world,
    poisoned,
    real_of,
    simulate,
)
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.ops import update_of
from tfgan_lite.train.round_program import RoundProgram

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


@pytest.mark.parametrize(
    "unlike", [np.ones([3, 1]), (np.ones([BATCH, 1]), 1.0)], ids=["shape", "tuple"]
)
def test_an_element_unlike_the_others_is_told_before_it_is_trained_on(unlike):
    def elements():
        yield from (real_of(i)[:, np.newaxis] for i in range(2))
        yield unlike

    spec = tf.TensorSpec([BATCH, 1])
    gan = LinearGAN(real=tf.data.Dataset.from_generator(elements, output_signature=spec))
    with pytest.raises(ValueError, match="elements of a dataset must have one structure"):
        gan.train(5)
    assert weights_of(gan)["c"] == pytest.approx(simulate(["G", "D"] * 2).weights["c"])


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


@pytest.mark.parametrize("argument", ["master", "scaffold", "config", "max_wait_secs"])
def test_arguments_of_graphs_are_refused_in_tf2(argument):
    with pytest.raises(ValueError, match=f"{argument} has a meaning only in a tf.Graph"):
        LinearGAN().train(1, **{argument: "x"})


@pytest.mark.parametrize(
    "argument",
    [{"jit_compile": True}, {"rounds_per_call": 5}, {"ignore_save_errors": True}],
    ids=str,
)
def test_arguments_of_tf2_are_refused_in_a_graph(argument):
    (name,) = argument
    with in_world("graph"), pytest.raises(ValueError, match=f"{name} has a meaning only in TF2"):
        LinearGAN().train(1, **argument)


def test_a_seed_that_is_not_the_graphs_is_refused():
    with in_world("graph"), pytest.raises(ValueError, match=r"call tf.*set_random_seed\(7\)"):
        LinearGAN().train(1, seed=7)


def test_the_graphs_own_seed_may_be_given_again():
    with in_world("graph"):
        tf.compat.v1.set_random_seed(7)
        assert LinearGAN().train(1, seed=7) == 1


# A session of the user's own


def session_for(gan, seed=0, jit_compile=False, skips=False):
    counters = gan.train_ops.global_step_inc_op.counters
    return tfgan.Session(counters, seed=seed, jit=JitChoice(jit_compile), skips=skips)


def test_the_configuration_is_that_of_the_session(tmp_path):
    gan = LinearGAN()
    session = session_for(gan, seed=7)
    gan.train(1, tmp_path, session=session, save_checkpoint_secs=600)
    assert json.loads((tmp_path / "configuration.json").read_text())["seed"] == 7


def test_hooks_know_the_sessions_choice_of_xla():
    gan, hook = LinearGAN(), tfgan.TrainingHook()
    gan.train(1, session=session_for(gan), jit_compile="auto", hooks=[hook])
    assert hook.run.jit_compile is False


@pytest.mark.parametrize(
    "argument", [{"seed": 1}, {"jit_compile": True}, {"nan_policy": "skip"}], ids=str
)
def test_what_disagrees_with_the_session_is_refused(argument):
    gan = LinearGAN()
    (name,) = argument
    with pytest.raises(ValueError, match=f"{name}.*session"):
        gan.train(1, session=session_for(gan, seed=7), **argument)


def test_a_session_that_skips_needs_the_policy():
    gan = LinearGAN()
    with pytest.raises(ValueError, match="skips=True"):
        gan.train(1, session=session_for(gan, skips=True))


def test_a_session_that_skips_leaves_out_updates_that_are_not_finite():
    gan = LinearGAN(real=poisoned(1))
    session = session_for(gan, skips=True)
    assert gan.train(3, session=session, nan_policy="skip") == 3
    assert np.isfinite(gan.critic.c.numpy())


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


@pytest.mark.parametrize("value", [0, 1.5, "3"], ids=repr)
def test_rounds_per_call_is_a_positive_integer(value):
    with pytest.raises(ValueError, match="rounds_per_call must be a positive integer, got"):
        LinearGAN().train(1, rounds_per_call=value)


@pytest.mark.parametrize("rounds_per_call", [1, 2, 5, None])
def test_rounds_per_call_does_not_change_results(rounds_per_call):
    gan = LinearGAN()
    gan.train(5, rounds_per_call=rounds_per_call)
    assert weights_of(gan) == pytest.approx(simulate(["G", "D"] * 5).weights, rel=1e-5)


@pytest.mark.slow
def test_training_again_and_again_is_not_taken_for_tracing_one_function_too_often():
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    tf.get_logger().addHandler(handler)
    try:
        for _ in range(6):
            gan = LinearGAN()
            gan.train(1, hooks=[tfgan.FinalOpsHook(gan.model.generated_data)])
            tfgan.generate(gan.model, 2)
    finally:
        tf.get_logger().removeHandler(handler)
    assert not [r for r in records if "retracing" in r.getMessage()]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"get_hooks_fn": tfgan.GANTrainSteps(1, 5)}, r"get_sequential_train_hooks\(GANTrainSteps"),
        ({"hooks": tfgan.StopAtStepHook(1)}, "hooks must be a list"),
        ({"hooks": [tfgan.LossLoggingHook]}, "SessionRunHooks.*Call it"),
        ({"hooks": [tf.keras.callbacks.TerminateOnNaN()]}, "hooks must be SessionRunHooks"),
    ],
    ids=["steps", "one hook", "class", "callback"],
)
def test_hooks_of_another_kind_are_refused(wrong, message):
    with pytest.raises(TypeError, match=message):
        tfgan.gan_train(LinearGAN().train_ops, None, **wrong)


def test_a_model_in_place_of_train_ops_is_refused():
    with pytest.raises(TypeError, match="what gan_train_ops returned, got a GANModel"):
        tfgan.gan_train(LinearGAN().model, None)


@pytest.mark.parametrize("period", [5, 3])
def test_summaries_of_a_graph_come_every_so_many_rounds(period, tmp_path):
    with in_world("graph"):
        gan = LinearGAN()
        tf.compat.v1.summary.scalar("one", 1.0)
        tfgan.gan_train(
            gan.train_ops, tmp_path, hooks=[tfgan.StopAtStepHook(13)],
            save_checkpoint_secs=None, save_summaries_steps=period,
        )  # fmt: skip
    steps = [step for step, tag in summaries(tmp_path) if tag == "one"]
    assert steps == list(range(1, 14, period))
