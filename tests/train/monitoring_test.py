"""The built-in hooks that watch: stopping, logging, summaries, progress."""

import io

import pytest
import rich.console
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.event_files import summaries
from tests.train.linear_gan import BATCH, LinearGAN, in_world, simulate

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
    assert summaries(tmp_path) == pytest.approx(expected, rel=1e-5)


@both_worlds
def test_summaries_draw_no_batch_of_their_own(world, tmp_path):
    """TF-GAN's evaluated the graph once more, on the next batch (fault B13)."""
    with in_world(world):
        gan = LinearGAN()
        final = tfgan.FinalOpsHook(gan.weights)
        gan.train(4, tmp_path, hooks=[final], save_summaries_steps=1)
    assert len(summaries(tmp_path)) == 2 * 4
    expected = simulate(["G", "D"] * 4).weights
    weights = {name: float(value) for name, value in final.final_ops_values.items()}
    assert weights == pytest.approx(expected, rel=1e-5)


def test_summary_hook_needs_a_logdir():
    with pytest.raises(ValueError, match="SummaryHook has no logdir"):
        LinearGAN().train(1, hooks=[tfgan.SummaryHook()])


@both_worlds
def test_progress_hook_shows_rates_and_losses(world):
    """Each look at the clock takes a second, so a round does."""
    now = iter(range(1000))
    text = io.StringIO()
    console = rich.console.Console(file=text, force_terminal=True, width=200)
    hook = tfgan.ProgressHook(last_step=2, clock=lambda: float(next(now)), console=console)
    with in_world(world):
        LinearGAN().train(2, hooks=[hook], rounds_per_call=1)
    losses = simulate(["G", "D"] * 2).losses
    assert "2/2" in text.getvalue()
    assert f"1.0 rounds/s, {BATCH} images/s" in text.getvalue()
    assert f"G loss {losses['generator_loss'][-1]:.3f}" in text.getvalue()
    assert f"D loss {losses['discriminator_loss'][-1]:.3f}" in text.getvalue()


def test_progress_hook_logs_lines_where_there_is_no_terminal(caplog):
    """It counts from the end of the first round, which took the time that compiling took."""
    now = iter(range(1000))
    console = rich.console.Console(file=io.StringIO())
    hook = tfgan.ProgressHook(5, every_secs=2.0, clock=lambda: float(next(now)), console=console)
    with caplog.at_level("INFO", logger="absl"):
        LinearGAN().train(5, hooks=[hook], rounds_per_call=1)
    lines = [m for m in caplog.messages if "rounds/s" in m]
    assert [line.split(":")[0] for line in lines] == ["round 3 of 5, 2 s left", "round 5"]


@pytest.mark.parametrize("hook", [tfgan.LossLoggingHook, tfgan.SummaryHook])
@pytest.mark.parametrize("period", [0, -1, 1.5, True])
def test_periods_must_be_positive_integers(hook, period):
    with pytest.raises(ValueError, match="every_n_steps must be a positive integer"):
        hook(every_n_steps=period)


def test_a_training_hook_outside_of_gan_train_says_that_it_is_not_attached():
    with pytest.raises(RuntimeError, match="not attached to a run: pass it to gan_train"):
        tfgan.LossLoggingHook().before_run(None)
