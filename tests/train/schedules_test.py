"""Rounds that change: warm-up, a ratio that is a function of the round, and one that adapts."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, in_world, simulate
from tfgan_lite.train import AdaptiveSteps, Phase, during, get_phased_train_hooks, warm_up
from tfgan_lite.train.ops import update_of

worlds = pytest.mark.parametrize("world", ["graph", "TF2", "eager"])


def counters_of(gan):
    return update_of(gan.train_ops.generator_train_op).counters


class UpdatesAfterEachRound(tfgan.TrainingHook):
    """How many updates of each network there were in each round."""

    def __init__(self, gan):
        self.counters = counters_of(gan)
        self.seen = [(0, 0)]

    def after_round(self, run_context, global_step):
        counts = self.counters.generator_updates, self.counters.discriminator_updates
        self.seen.append(tuple(int(n) for n in run_context.session.run(counts)))

    @property
    def per_round(self):
        return [tuple(np.subtract(b, a)) for a, b in zip(self.seen, self.seen[1:])]


def updates_per_round(world, phases, rounds, **arguments):
    with in_world(world):
        gan = LinearGAN()
        hook = UpdatesAfterEachRound(gan)
        gan.train(rounds, get_hooks_fn=get_phased_train_hooks(phases), hooks=[hook], **arguments)
    return hook.per_round


@worlds
def test_a_ratio_may_be_a_function_of_the_round(world):
    phases = [Phase("generator", 1), Phase("discriminator", lambda r: 3 if r < 2 else 1)]
    assert updates_per_round(world, phases, 4) == [(1, 3), (1, 3), (1, 1), (1, 1)]


@worlds
def test_a_warm_up_has_rounds_of_its_own(world):
    phases = warm_up(2, [Phase("discriminator", 2)], tfgan.train.sequential())
    assert updates_per_round(world, phases, 4) == [(0, 2), (0, 2), (1, 1), (1, 1)]


def test_a_warm_up_may_have_functions_of_the_round():
    """They count from the first round of all."""
    first, then = [Phase("discriminator", lambda r: 5 + r)], [Phase("generator", lambda r: r)]
    phases = warm_up(2, first, then)
    rounds = [tuple(phase.steps(r) for phase in phases) for r in range(4)]
    assert rounds == [(5, 0), (6, 0), (0, 2), (0, 3)]


def test_adaptive_steps_in_a_warm_up_are_refused():
    steps = AdaptiveSteps("discriminator_accuracy", 0.6, 0.8)
    with pytest.raises(TypeError, match="AdaptiveSteps cannot be limited .* by during or warm_up"):
        warm_up(2, [Phase("generator", 1)], [Phase("discriminator", steps)])


@pytest.mark.parametrize("stop", [2.5, "3", True])
def test_the_end_of_a_schedule_is_an_integer(stop):
    with pytest.raises(ValueError, match="stop must be an integer of at least 0"):
        during(1, 0, stop)


@pytest.mark.parametrize("rounds_per_call", [1, 3, None])
def test_several_rounds_in_one_call_end_where_the_ratio_changes(rounds_per_call):
    gan = LinearGAN()
    phases = [Phase("discriminator", lambda r: 1 + r // 2), Phase("generator", 1)]
    gan.train(5, get_hooks_fn=get_phased_train_hooks(phases), rounds_per_call=rounds_per_call)
    trace = [n for r in range(5) for n in ["D"] * (1 + r // 2) + ["G"]]
    weights = {name: float(w.numpy()) for name, w in gan.weights.items()}
    assert weights == pytest.approx(simulate(trace).weights, rel=1e-5)


def test_a_joint_phase_may_have_a_function_too():
    phases = [Phase(("generator", "discriminator"), lambda r: r), Phase("generator", 1)]
    assert updates_per_round("TF2", phases, 3) == [(1, 0), (2, 1), (3, 2)]


def test_hooks_see_the_losses_of_all_sub_steps_of_a_changing_round():
    class Sizes(tfgan.TrainingHook):
        seen = []

        def after_round(self, run_context, global_step):
            self.seen.append(len(self.run.values().get("discriminator_loss", ())))

    phases = [Phase("generator", 1), Phase("discriminator", lambda r: (2, 0, 3)[r])]
    hook = Sizes()
    LinearGAN().train(3, get_hooks_fn=get_phased_train_hooks(phases), hooks=[hook])
    assert hook.seen == [2, 0, 3]


# A ratio that adapts: the critic's accuracy is told by a variable.


def adaptive_gan(told, **options):
    gan = LinearGAN(discriminator_metrics={"accuracy": lambda model: told + 0.0})
    steps = AdaptiveSteps("discriminator_accuracy", 0.6, 0.8, **options)
    phases = [Phase("generator", 1), Phase("discriminator", steps)]
    return gan, get_phased_train_hooks(phases)


@pytest.mark.parametrize("world", ["graph", "TF2"])
@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [(0.5, [1, 1, 2, 2, 3, 3]), (0.7, [1] * 6), (0.9, [1] * 6)],
    ids=["too weak", "right", "too sure, and at least one"],
)
def test_steps_follow_the_reported_value(world, accuracy, expected):
    with in_world(world):
        gan, get_hooks = adaptive_gan(tf.constant(accuracy), most=3, every=2)
        hook = UpdatesAfterEachRound(gan)
        gan.train(6, get_hooks_fn=get_hooks, hooks=[hook])
    assert [d for _, d in hook.per_round] == expected


def test_steps_fall_where_the_critic_is_too_sure():
    told = tf.Variable(0.5, trainable=False)
    gan, get_hooks = adaptive_gan(told, every=1)
    gan.train(3, get_hooks_fn=get_hooks)
    told.assign(0.9)
    hook = UpdatesAfterEachRound(gan)
    hook.seen = [
        tuple(
            int(n.numpy())
            for n in (hook.counters.generator_updates, hook.counters.discriminator_updates)
        )
    ]
    gan.train(3, get_hooks_fn=get_hooks, hooks=[hook])
    assert [d for _, d in hook.per_round] == [4, 3, 2]


@pytest.mark.slow
@pytest.mark.parametrize("world", ["graph", "TF2"])
def test_an_adapted_ratio_is_resumed(world, tmp_path):
    def train(rounds):
        with in_world(world):
            gan, get_hooks = adaptive_gan(tf.constant(0.5), every=2)
            hook = UpdatesAfterEachRound(gan)
            gan.train(
                rounds, tmp_path, get_hooks_fn=get_hooks, hooks=[hook], save_checkpoint_secs=600
            )
        return hook.seen[-1][1]

    assert train(3) == 1 + 1 + 2
    assert train(2) == 4 + 2 + 3


# What is said, and bad input


def test_the_round_that_changes_is_described(caplog):
    def growing(round_number):
        return 1 + round_number

    told = tf.constant(0.5)
    gan = LinearGAN(discriminator_metrics={"accuracy": lambda model: told + 0.0})
    steps = AdaptiveSteps("discriminator_accuracy", 0.6, 0.8, most=4)
    phases = [
        Phase("generator", growing),
        Phase("discriminator", during(2, 3)),
        Phase("discriminator", steps),
    ]
    with caplog.at_level("INFO", logger="absl"):
        gan.train(1, get_hooks_fn=get_phased_train_hooks(phases))
    assert (
        "A round is growing(round) generator, then 2 (rounds 3 to the end) discriminator,"
        " then 1 to 4 (by discriminator_accuracy) discriminator." in caplog.messages
    )


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ([], "No phase has any sub-steps"),
        ([Phase("generator", 0)], "No phase has any sub-steps"),
        ([Phase("critic", 1)], '"generator", "discriminator" or both, got \'critic\''),
        ([Phase(("generator", "generator"), 1)], "or both"),
        ([Phase("generator", -1)], "at least 0, got -1"),
        ([Phase("generator", 1.5)], "must be an integer of at least 0, got 1.5"),
    ],
)
def test_bad_phases_are_refused(phases, message):
    with pytest.raises(ValueError, match=message):
        get_phased_train_hooks(phases)


@pytest.mark.parametrize("steps", [-1, 1.5, None, 10_001])
def test_a_function_that_gives_no_number_of_steps_is_told(steps):
    phases = [Phase("generator", lambda r: 1 if r == 0 else steps)]
    with pytest.raises(ValueError, match="sub-steps for round 1 must be"):
        LinearGAN().train(2, get_hooks_fn=get_phased_train_hooks(phases))


def test_a_value_that_is_not_reported_is_told():
    phases = [Phase("discriminator", AdaptiveSteps("accuracy", 0.6, 0.8))]
    with pytest.raises(ValueError, match="follows 'accuracy', which.*reports discriminator_loss"):
        LinearGAN().train(1, get_hooks_fn=get_phased_train_hooks(phases))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": 0.9}, "low must not be above high, got 0.9 and 0.8"),
        ({"least": 0}, "least must be a positive integer"),
        ({"least": 1.5}, "least must be a positive integer"),
        ({"most": 2.5}, "most must be a positive integer"),
        ({"least": 4, "most": 3}, "least <= most"),
        ({"every": 0}, "every must be a positive integer"),
    ],
)
def test_bad_options_of_an_adaptive_ratio_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveSteps("discriminator_accuracy", **{"low": 0.6, "high": 0.8, **options})


@pytest.mark.parametrize("rounds", [-1, 1.0, True])
def test_a_warm_up_needs_a_number_of_rounds(rounds):
    with pytest.raises(ValueError, match="rounds must be an integer of at least 0"):
        warm_up(rounds, [Phase("discriminator", 1)], [Phase("generator", 1)])
