"""A loss or gradient that is not finite stops training before it is applied."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, in_world, poisoned, simulate
from tfgan_lite.train.ops import update_of

WORLDS = {"graph": False, "TF2": False, "eager": False, "XLA": True}
every_world = pytest.mark.parametrize("world", WORLDS)
tf2_worlds = pytest.mark.parametrize("world", [w for w in WORLDS if w != "graph"])


def adam():
    return tf.keras.optimizers.Adam(0.1)


class State(tf.compat.v1.train.SessionRunHook):
    """Reads all that training changes before each round."""

    def __init__(self, gan):
        counters = update_of(gan.train_ops.generator_train_op).counters
        slots = [v.value for optimizer in gan.optimizers for v in optimizer.variables]
        self.fetches = [list(gan.weights.values()), slots, list(counters.variables)]
        self.before_rounds = []

    def before_run(self, run_context):
        values = run_context.session.run(self.fetches)
        self.before_rounds.append(tf.nest.map_structure(np.copy, values))


def nan_error(match):
    return pytest.raises(tfgan.NanLossError, match=match)


@every_world
def test_the_error_names_the_network_and_the_round(world):
    with in_world(world), nan_error(r"(?s)discriminator.*loss.*round 3"):
        LinearGAN(real=poisoned(2)).train(5, jit_compile=WORLDS[world])


@tf2_worlds
def test_the_error_names_the_sub_step(world):
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 3))
    with in_world(world), nan_error("discriminator sub-step 2 of 3 of round 2"):
        gan = LinearGAN(real=poisoned(4))
        gan.train(5, get_hooks_fn=steps, jit_compile=WORLDS[world])


@tf2_worlds
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_error_names_the_value_of_the_loss(world, value):
    with in_world(world), nan_error(r"discriminator_loss = -?(nan|inf)"):
        LinearGAN(real=poisoned(0, value)).train(1, jit_compile=WORLDS[world])


def test_a_metric_whose_name_holds_a_comma_does_not_hide_the_error():
    metric = {"accuracy, of real": lambda model: tf.reduce_mean(model.generated_data)}
    with nan_error(r"(?s)discriminator_loss.*nan.*round 1"):
        LinearGAN(real=poisoned(0), discriminator_metrics=metric).train(1)


@every_world
def test_the_error_names_the_term_of_the_loss(world):
    with in_world(world), nan_error("gradient_penalty"):
        gan = LinearGAN()
        # The squared slope, relative to so small a target, is infinite in float32.
        penalty = {"gradient_penalty_weight": 1.0, "gradient_penalty_target": 1e-30}
        loss = tfgan.gan_loss(gan.model, **penalty)
        ops = tfgan.gan_train_ops(gan.model, loss, adam(), adam())
        tfgan.gan_train(ops, None, None, save_checkpoint_secs=None, save_summaries_steps=None,
                        jit_compile=WORLDS[world])  # fmt: skip


@every_world
def test_weights_slots_and_counters_are_those_before_the_bad_update(world):
    """The discriminator goes first, so that nothing else happens in the bad round."""
    order = tfgan.get_sequential_train_hooks(order="discriminator_first")
    with in_world(world):
        gan = LinearGAN(real=poisoned(2), optimizer=adam)
        state, after = State(gan), []

        class Caught(tfgan.RunTrainOpsHook):
            def before_run(self, run_context):
                try:
                    super().before_run(run_context)
                except (tfgan.NanLossError, tf.errors.InvalidArgumentError):
                    after.append(run_context.session.run(state.fetches))
                    raise

        def get_hooks(ops):
            return [Caught(h.train_ops, h.train_steps) for h in order(ops)]

        with nan_error("round 3"):
            gan.train(5, hooks=[state], get_hooks_fn=get_hooks, jit_compile=WORLDS[world])
    tf.nest.map_structure(np.testing.assert_array_equal, after[0], state.before_rounds[-1])


@tf2_worlds
def test_fused_rounds_stop_at_the_bad_update_too(world):
    with in_world(world):
        gan = LinearGAN(real=poisoned(2))
        counters = gan.train_ops.global_step_inc_op.counters
        with nan_error("round 3"):
            gan.train(5, rounds_per_call=5, jit_compile=WORLDS[world])
    # Two whole rounds, and the generator's update of the third.
    expected = simulate(["G", "D", "G", "D", "G"]).weights
    assert {k: float(v.numpy()) for k, v in gan.weights.items()} == pytest.approx(expected)
    assert [int(v.numpy()) for v in (counters.global_step, counters.generator_updates)] == [2, 3]
    assert [int(v.numpy()) for v in (counters.discriminator_updates, counters.images_seen)] == [
        2,
        8,
    ]


@every_world
def test_a_joint_sub_step_applies_neither_update_if_one_is_bad(world):
    with in_world(world):
        gan = LinearGAN(real=poisoned(0))
        state, seen = State(gan), []

        class Caught(tfgan.RunTrainOpsHook):
            def before_run(self, run_context):
                try:
                    super().before_run(run_context)
                except (tfgan.NanLossError, tf.errors.InvalidArgumentError):
                    seen.append(run_context.session.run(state.fetches[0]))
                    raise

        def get_hooks(ops):
            hooks = tfgan.get_joint_train_hooks()(ops)
            return [Caught(h.train_ops, h.train_steps) for h in hooks]

        with nan_error("round 1"):
            gan.train(1, get_hooks_fn=get_hooks, jit_compile=WORLDS[world])
    assert seen == [[1.0, 0.5, -0.75]]


@every_world
def test_a_gradient_that_is_not_finite_is_caught_where_the_loss_is(world):
    """The slope of the square root at 0 is infinite."""
    with in_world(world), nan_error("generator"):
        gan = LinearGAN()

        def loss(model):
            return tfgan.losses.wasserstein_generator_loss(model) + tf.sqrt(gan.generator.a - 1.0)

        losses = tfgan.gan_loss(gan.model, loss)
        ops = tfgan.gan_train_ops(gan.model, losses, adam(), adam())
        tfgan.gan_train(ops, None, None, save_checkpoint_secs=None, save_summaries_steps=None,
                        jit_compile=WORLDS[world])  # fmt: skip


@every_world
def test_without_the_check_training_goes_on(world):
    with in_world(world):
        gan = LinearGAN(real=poisoned(0), check_numerics=False)
        final = tfgan.FinalOpsHook(gan.critic.c)
        assert gan.train(2, hooks=[final], jit_compile=WORLDS[world]) == 2
    assert np.isnan(final.final_ops_values)


@pytest.mark.parametrize("world", ["graph", "TF2"])
def test_nan_guard_hook_stops_a_run_without_the_check(world):
    with in_world(world), nan_error("discriminator_loss = nan at or before round 2"):
        gan = LinearGAN(real=poisoned(1), check_numerics=False)
        gan.train(5, hooks=[tfgan.NanGuardHook()], rounds_per_call=1)


@pytest.mark.parametrize("world", ["graph", "TF2"])
def test_nan_guard_hook_may_ask_for_a_normal_stop(world):
    with in_world(world):
        gan = LinearGAN(real=poisoned(1), check_numerics=False)
        hooks = [tfgan.NanGuardHook(fail_on_nan_loss=False)]
        assert gan.train(5, hooks=hooks, rounds_per_call=1) == 2
