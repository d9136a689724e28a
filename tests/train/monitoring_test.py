"""The built-in hooks that watch: stopping, logging, summaries."""

import json

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.event_files import hyper_parameters, summaries
from tests.train.linear_gan import BATCH, INITIAL, LinearGAN, in_world, real_of, simulate

v1 = tf.compat.v1.train
both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


@both_worlds
def test_num_steps_counts_from_where_the_session_begins(world, tmp_path):
    for expected in (3, 6):
        with in_world(world):
            gan = LinearGAN()
            hooks = [tfgan.StopAtStepHook(num_steps=3)]
            assert gan.train(None, tmp_path, hooks=hooks, save_checkpoint_secs=600) == expected


@both_worlds
def test_last_step_is_the_step_to_stop_at(world, tmp_path):
    for _ in range(2):  # The second run has nothing left to do.
        with in_world(world):
            gan = LinearGAN()
            hooks = [tfgan.StopAtStepHook(last_step=4)]
            assert gan.train(None, tmp_path, hooks=hooks, save_checkpoint_secs=600) == 4


def test_stop_at_step_hook_works_in_a_session_of_the_users_own():
    with in_world("graph"):
        step = v1.get_or_create_global_step().assign_add(1)
        hooks = [tfgan.StopAtStepHook(num_steps=3)]
        runs = 0
        with v1.MonitoredTrainingSession(hooks=hooks, log_step_count_steps=None) as session:
            while not session.should_stop():
                session.run(step)
                runs += 1
    assert runs == 3


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"num_steps": 1, "last_step": 1},
        {"num_steps": 0},
        {"last_step": 1.5},
        {"num_steps": True},
    ],
    ids=str,
)
def test_stop_at_step_hook_checks_its_arguments(arguments):
    with pytest.raises(ValueError, match="one of num_steps and last_step|positive integer"):
        tfgan.StopAtStepHook(**arguments)


@both_worlds
def test_loss_logging_hook_logs_the_mean_since_the_last_line(world):
    lines = []
    with in_world(world):
        LinearGAN().train(4, hooks=[tfgan.LossLoggingHook(every_n_steps=2, log=lines.append)])
    losses = simulate(["G", "D"] * 4).losses

    def mean(name, start):
        return f"{name} = {sum(losses[name][start : start + 2]) / 2:.4g}"

    assert lines == [
        f"round {start + 2}: {mean('generator_loss', start)}, {mean('discriminator_loss', start)}"
        for start in (0, 2)
    ]


@both_worlds
def test_summary_hook_writes_the_mean_of_each_reported_value(world, tmp_path):
    with in_world(world):
        LinearGAN().train(4, tmp_path, save_summaries_steps=2)
    losses = simulate(["G", "D"] * 4).losses
    expected = {
        (end, name): sum(values[end - 2 : end]) / 2
        for name, values in losses.items()
        for end in (2, 4)
    }
    found = {k: v for k, v in summaries(tmp_path).items() if not k[1].startswith("speed/")}
    assert found == pytest.approx(expected, rel=1e-5)


@both_worlds
def test_summary_hook_writes_each_of_several_sub_steps(world, tmp_path):
    with in_world(world):
        hooks = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 2))
        LinearGAN().train(2, tmp_path, get_hooks_fn=hooks, save_summaries_steps=2)
    losses = simulate(["G", "D", "D"] * 2).losses["discriminator_loss"]
    found = summaries(tmp_path)
    for index in range(2):
        expected = (losses[index] + losses[2 + index]) / 2
        tag = f"discriminator_loss/sub_step_{index + 1}"
        assert found[2, tag] == pytest.approx(expected, rel=1e-5)
    assert (2, "generator_loss/sub_step_1") not in found


@both_worlds
def test_summary_hook_writes_the_norm_of_each_networks_gradient(world, tmp_path):
    with in_world(world):
        LinearGAN(summarize_gradients=True).train(2, tmp_path, save_summaries_steps=1)
    found = summaries(tmp_path)
    for network, variables in (("generator", "a b generator_probe"), ("discriminator", "c")):
        names = variables.split() + ([] if network == "generator" else ["critic_probe"])
        parts = [
            next(v for (step, tag), v in found.items() if step == 2 and f"/{tag}".endswith(name))
            for name in (f"/{each}_gradient_norm" for each in names)
        ]
        expected = np.sqrt(np.sum(np.square(parts)))
        assert found[2, f"{network}_gradient_norm"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("schedule", ["sequential", "joint"])
def test_summaries_of_a_loss_function_are_of_the_updates_that_ran(schedule, tmp_path):
    def critic_loss(model):
        summarised = tfgan.losses.wasserstein_discriminator_loss(model, add_summaries=True)
        return gan.critic.loss(model) + 0.0 * summarised

    gan = LinearGAN()
    loss = tfgan.gan_loss(gan.model, gan.generator.loss, critic_loss)
    sgd = tf.keras.optimizers.SGD
    train_ops = tfgan.gan_train_ops(gan.model, loss, sgd(0.1), sgd(0.0))
    get_hooks = getattr(tfgan, f"get_{schedule}_train_hooks")()
    stop = tfgan.StopAtStepHook(1)
    tfgan.gan_train(train_ops, tmp_path, get_hooks, hooks=[stop], save_summaries_steps=1)
    score = INITIAL["c"] * real_of(0).mean()
    found = {tag: value for (_, tag), value in summaries(tmp_path).items()}
    assert found["discriminator_real_wass_loss"] == pytest.approx(score, rel=1e-5)
    assert {"discriminator_gen_wass_loss", "discriminator_wass_loss"} <= found.keys()


def test_summaries_in_a_function_of_their_own_are_left_out_and_training_goes_on(tmp_path):
    @tf.function
    def summarised(logits):
        return tfgan.losses.wargs.wasserstein_generator_loss(logits, add_summaries=True)

    def term(model):
        return summarised(model.discriminator_real_outputs)

    LinearGAN(penalties=lambda gan: [(term, 1e-3, 2)]).train(2, tmp_path, save_summaries_steps=1)
    tags = {tag for _, tag in summaries(tmp_path)}
    assert "discriminator_loss" in tags and "generator_wass_loss" not in tags


@both_worlds
def test_summary_hook_writes_the_speed_between_two_points(world, tmp_path):
    """Each look at the clock takes a second; one round lies between two."""
    now = iter(range(100))
    hook = tfgan.SummaryHook(1, clock=lambda: float(next(now)))
    with in_world(world):
        LinearGAN().train(3, tmp_path, hooks=[hook], save_summaries_steps=None)
    found = summaries(tmp_path)
    assert [step for step, tag in found if tag == "speed/rounds_per_second"] == [2, 3]
    assert found[3, "speed/rounds_per_second"] == 1.0
    assert found[3, "speed/images_per_second"] == BATCH


@both_worlds
def test_summary_hook_writes_hyper_parameters_for_tensorboard(world, tmp_path):
    with in_world(world):
        hook = tfgan.SummaryHook(1, hparams={"preset": "none", "gamma": 0.5})
        LinearGAN().train(1, tmp_path, hooks=[hook], save_summaries_steps=None)
    found = hyper_parameters(tmp_path)
    assert found["preset"] == "none" and found["gamma"] == 0.5
    assert found["generator_optimizer"] == "SGD" and found["generator_parameters"] == 4
    assert found["round"] == "1 generator, then 1 discriminator"


@both_worlds
def test_summary_hook_notes_what_the_run_is(world, tmp_path):
    with in_world(world):
        LinearGAN().train(1, tmp_path, save_summaries_steps=1)
    facts = json.loads((tmp_path / "run.json").read_text())
    assert facts["world"] == {"graph": "tf.Graph", "TF2": "TF2"}[world]
    assert facts["round"] == "1 generator, then 1 discriminator"
    assert facts["networks"]["generator"]["parameters"] == 4
    assert facts["networks"]["discriminator"]["optimizer"] == "SGD"
    assert facts["data"] == [f"float32 [{BATCH}, 1]"]
    assert facts["versions"]["tensorflow"] == tf.__version__


@both_worlds
def test_summaries_draw_no_batch_of_their_own(world, tmp_path):
    """TF-GAN's evaluated the graph once more, on the next batch (fault B13)."""
    with in_world(world):
        gan = LinearGAN()
        final = tfgan.FinalOpsHook(gan.weights)
        gan.train(4, tmp_path, hooks=[final], save_summaries_steps=1)
    assert len([name for _, name in summaries(tmp_path) if name.endswith("_loss")]) == 2 * 4
    expected = simulate(["G", "D"] * 4).weights
    weights = {name: float(value) for name, value in final.final_ops_values.items()}
    assert weights == pytest.approx(expected, rel=1e-5)


@both_worlds
def test_summary_hook_takes_a_path_for_its_logdir(world, tmp_path):
    with in_world(world):
        LinearGAN().train(1, hooks=[tfgan.SummaryHook(1, tmp_path)])
    assert (1, "generator_loss") in summaries(tmp_path)


def test_summary_hook_needs_a_logdir():
    with pytest.raises(ValueError, match="SummaryHook has no logdir"):
        LinearGAN().train(1, hooks=[tfgan.SummaryHook()])


@pytest.mark.parametrize("hook", [tfgan.LossLoggingHook, tfgan.SummaryHook])
@pytest.mark.parametrize("period", [0, -1, 1.5, True])
def test_periods_must_be_positive_integers(hook, period):
    with pytest.raises(ValueError, match="every_n_steps must be a positive integer"):
        hook(every_n_steps=period)


def test_a_training_hook_outside_of_gan_train_says_that_it_is_not_attached():
    with pytest.raises(RuntimeError, match="not attached to a run: pass it to gan_train"):
        tfgan.LossLoggingHook().before_run(None)


@pytest.mark.parametrize("hook", [tfgan.SummaryHook, tfgan.ProfileHook])
def test_a_training_hook_that_begins_outside_of_gan_train_says_so_too(hook, tmp_path):
    with pytest.raises(RuntimeError, match=f"{hook.__name__} is not attached to a run"):
        hook().begin()


def test_a_training_hook_may_be_closed_without_having_a_way_of_its_own():
    assert tfgan.TrainingHook().close() is None


class NormsHook(tfgan.TrainingHook):
    def after_round(self, run_context, global_step):
        self.norms = self.run.gradient_norms()


@pytest.mark.parametrize("schedule", ["sequential", "joint"])
def test_gradient_norms_are_each_networks_own_where_variables_share_a_name(schedule):
    drawing, judging = tf.Variable(3.0, name="w"), tf.Variable(5.0, name="w")
    model = tfgan.gan_model(
        lambda noise: noise * drawing,
        lambda data, unused_noise: data * judging,
        tfgan.constant(tf.fill([4, 1], 2.0)),
        tfgan.constant(tf.ones([4, 1])),
    )
    loss = tfgan.gan_loss(
        model, tfgan.losses.wasserstein_generator_loss, tfgan.losses.wasserstein_discriminator_loss
    )
    still = [tf.keras.optimizers.SGD(0.0) for _ in range(2)]
    train_ops = tfgan.gan_train_ops(model, loss, *still, summarize_gradients=True)
    hook = NormsHook()
    tfgan.gan_train(
        train_ops,
        None,
        getattr(tfgan, f"get_{schedule}_train_hooks")(),
        hooks=[hook, tfgan.StopAtStepHook(1)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        jit_compile=False,
    )
    # d/dw of -5 w, and of 3 w - 2 w.
    assert {name: norm.tolist() for name, norm in hook.norms.items()} == {
        "generator": [5.0],
        "discriminator": [1.0],
    }
