"""Updates that are not finite: skipped, or a reason to go back to a checkpoint."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import (
    BATCH,
    INITIAL,
    LEARNING_RATE,
    LinearGAN,
    noise_of,
    poisoned,
    real_of,
    same_batch,
    simulate,
)

# How a round is run: hook by hook, in one call of several rounds, by XLA, as one XLA program.
PROGRAMS = {
    "one round": {"rounds_per_call": 1},
    "several rounds": {"rounds_per_call": 5},
    "XLA": {"jit_compile": True, "rounds_per_call": 5},
}
every_program = pytest.mark.parametrize("program", PROGRAMS)


def endless(data):
    return data.repeat()


def counters_of(gan):
    return {
        name: int(getattr(gan.train_ops.global_step_inc_op.counters, name).numpy())
        for name in ("global_step", "generator_updates", "discriminator_updates", "images_seen")
    }


def weights_of(gan):
    return {name: float(weight.numpy()) for name, weight in gan.weights.items()}


@every_program
def test_a_skipped_update_changes_nothing_and_training_goes_on(program):
    gan = LinearGAN(endless(poisoned(2)), same_batch(noise_of))
    gan.train(5, nan_policy="skip", **PROGRAMS[program])
    assert all(np.isfinite(list(weights_of(gan).values())))
    assert counters_of(gan) == {
        "global_step": 5,
        "generator_updates": 5,
        "discriminator_updates": 4,
        "images_seen": 4 * BATCH,
    }


@every_program
def test_the_other_updates_are_those_of_a_run_without_the_bad_one(program):
    gan = LinearGAN(endless(poisoned(1)))
    gan.train(3, nan_policy="skip", **PROGRAMS[program])
    # The closed form: of the six sub-steps the second round's update of the critic is left out.
    expected = dict(INITIAL)
    for index, network in enumerate("GDGDGD"):
        z = noise_of(index).mean()
        if network == "G":
            expected["a"] += LEARNING_RATE * expected["c"] * z
            expected["b"] += LEARNING_RATE * expected["c"]
        elif index != 3:
            r = real_of(index // 2).mean()
            expected["c"] -= LEARNING_RATE * (expected["a"] * z + expected["b"] - r)
    assert weights_of(gan) == pytest.approx(expected, rel=1e-5)


def test_a_hook_is_not_told_the_losses_of_skipped_updates():
    seen = []

    class Watch(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            seen.append({name: len(v) for name, v in self.run.values().items()})

    LinearGAN(endless(poisoned(1))).train(3, nan_policy="skip", hooks=[Watch()])
    whole = {"generator_loss": 1, "discriminator_loss": 1}
    assert seen == [whole, {**whole, "discriminator_loss": 0}, whole]


@every_program
def test_a_skipped_update_is_told_with_network_round_and_sub_step(program, caplog):
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 3))
    gan = LinearGAN(endless(poisoned(4)))
    with caplog.at_level("WARNING", logger="absl"):
        gan.train(3, get_hooks_fn=steps, nan_policy="skip", **PROGRAMS[program])
    told = [m for m in caplog.messages if "Skipped" in m]
    assert len(told) == 1
    assert "Skipped an update (1 of at most 10)" in told[0]
    assert "discriminator_loss = nan, in discriminator sub-step 2 of 3 of round 2" in told[0]


@every_program
def test_a_gradient_that_is_not_finite_is_skipped_where_the_loss_is_finite(program):
    """The slope of the square root at 0 is infinite, once: then the weight has moved on."""
    gan = LinearGAN(check_numerics=True)

    def loss(model):
        return tfgan.losses.wasserstein_generator_loss(model) + tf.sqrt(gan.generator.a - 1.0)

    losses = tfgan.gan_loss(gan.model, loss)
    sgd = tf.keras.optimizers.SGD
    ops = tfgan.gan_train_ops(gan.model, losses, sgd(0.1), sgd(0.1))
    tfgan.gan_train(
        ops,
        None,
        None,
        hooks=[tfgan.StopAtStepHook(num_steps=2)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        nan_policy="skip",
        **PROGRAMS[program],
    )
    assert gan.generator.a.numpy() == 1.0
    assert int(ops.global_step_inc_op.counters.generator_updates.numpy()) == 0


@pytest.mark.parametrize("jit_compile", [False, True], ids=["no XLA", "XLA"])
def test_a_skipped_update_leaves_batch_norms_statistics_and_optimizers_as_they_were(jit_compile):
    layers = tf.keras.layers
    generator = tf.keras.Sequential([tf.keras.Input([1]), layers.Dense(1)])
    critic = tf.keras.Sequential(
        [tf.keras.Input([1]), layers.Dense(3), layers.BatchNormalization(), layers.Dense(1)]
    )
    model = tfgan.gan_model(generator, critic, endless(poisoned(0)), same_batch(noise_of))
    adam = [tf.keras.optimizers.Adam(0.1) for _ in range(2)]
    ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *adam)
    before = [v.numpy() for v in (*critic.variables, *adam[1].variables)]
    tfgan.gan_train(
        ops,
        None,
        hooks=[tfgan.StopAtStepHook(num_steps=1)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        jit_compile=jit_compile,
        nan_policy="skip",
    )
    after = [v.numpy() for v in (*critic.variables, *adam[1].variables)]
    tf.nest.map_structure(np.testing.assert_array_equal, after, before)


@pytest.mark.parametrize("policy", ["skip", "rollback"])
def test_too_many_bad_updates_end_training(policy, tmp_path):
    always = np.full([3, BATCH, 1], np.nan, np.float32)
    gan = LinearGAN(tf.data.Dataset.from_tensor_slices(always).repeat())
    with pytest.raises(tfgan.NanLossError, match="all that max_nans allows"):
        gan.train(100, tmp_path, save_checkpoint_secs=600, nan_policy=policy, max_nans=2)
    assert np.isfinite(gan.critic.c.numpy())


@pytest.mark.slow
@every_program
def test_a_rollback_goes_on_from_the_checkpoint_with_the_data_that_comes_next(program, tmp_path):
    gan = LinearGAN(poisoned(2), same_batch(noise_of))
    gan.train(5, tmp_path, save_checkpoint_steps=1, nan_policy="rollback", **PROGRAMS[program])
    assert counters_of(gan)["global_step"] == 5
    whole = LinearGAN(without(2), same_batch(noise_of))
    if program != "several rounds":  # Which draws the next batch beside the update before.
        whole.train(5)
        assert weights_of(gan) == pytest.approx(weights_of(whole))


def without(batch):
    """The same real data without one of the batches."""
    numbers = np.stack([real_of(i) for i in range(20) if i != batch])
    return tf.data.Dataset.from_tensor_slices(numbers[:, :, np.newaxis].astype(np.float32))


def test_a_rollback_is_told_and_gives_other_noise(tmp_path, caplog):
    import tensorflow_probability as tfp

    noise = tfp.distributions.Normal(tf.zeros([1]), 1.0)
    gan = LinearGAN(poisoned(1), noise)
    with caplog.at_level("WARNING", logger="absl"):
        gan.train(2, tmp_path, save_checkpoint_steps=10, nan_policy="rollback")
    told = [m for m in caplog.messages if "Rolled back to" in m]
    assert len(told) == 1 and "ckpt-0 (1 of at most 10)" in told[0]
    assert "discriminator sub-step 1 of 1 of round 2" in told[0]
    rows = gan.records["generator"].rows.numpy()[: int(gan.records["generator"].length.numpy())]
    noises = rows[:, 0].tolist()
    assert len(noises) == len(set(noises)) == 4  # Rounds 1 and 2, twice.


def test_after_a_rollback_a_resumed_run_goes_on_with_the_new_noise(tmp_path):
    import tensorflow_probability as tfp

    def train(rounds, logdir, real):
        gan = LinearGAN(real, tfp.distributions.Normal(tf.zeros([1]), 1.0))
        gan.train(rounds, logdir, save_checkpoint_steps=10, nan_policy="rollback")
        return weights_of(gan)

    whole = train(4, tmp_path / "whole", poisoned(1))
    train(2, tmp_path / "parts", poisoned(1))
    assert train(2, tmp_path / "parts", poisoned(1)) == whole


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"nan_policy": "ignore"}, "nan_policy must be one of raise, skip, rollback"),
        ({"nan_policy": "skip", "max_nans": 0}, "max_nans must be a positive integer"),
        ({"nan_policy": "rollback"}, "goes back to a checkpoint: pass a logdir"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_an_error_before_training(arguments, match):
    with pytest.raises(ValueError, match=match):
        LinearGAN().train(1, **arguments)


def test_a_policy_needs_the_check():
    with pytest.raises(ValueError, match="check_numerics=True"):
        LinearGAN(check_numerics=False).train(1, nan_policy="skip")


@pytest.mark.parametrize("policy", ["skip", "rollback"])
def test_a_graph_says_that_it_can_only_raise(policy, tmp_path):
    with tf.Graph().as_default(), pytest.raises(ValueError, match='pass nan_policy="raise"'):
        LinearGAN().train(1, tmp_path, save_checkpoint_secs=600, nan_policy=policy)


def test_simulation_agrees_where_nothing_is_bad():
    gan = LinearGAN()
    gan.train(2, nan_policy="skip")
    assert weights_of(gan) == pytest.approx(simulate(["G", "D", "G", "D"]).weights)
