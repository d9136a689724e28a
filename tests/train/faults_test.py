"""A disk that is full, a logdir that cannot be written any more, a hook that raises."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, in_world

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


class AtRound(tfgan.TrainingHook):
    """Does something after a round."""

    def __init__(self, actions):
        self._actions = actions

    def after_round(self, run_context, global_step):
        self._actions.get(global_step, lambda: None)()


class Closed(tfgan.TrainingHook):
    """Notes that it is closed, and whether training ended normally."""

    def __init__(self):
        self.calls = []

    def end(self, session):
        self.calls.append("end")

    def close(self):
        self.calls.append("close")


def unwritable(logdir):
    """What makes the folder unwritable, for the superuser too, and what undoes that."""
    elsewhere = logdir.with_name("elsewhere")

    def take_away():
        logdir.rename(elsewhere)
        logdir.write_text("in the folder's place")

    def give_back():
        logdir.unlink()
        elsewhere.rename(logdir)

    return take_away, give_back


def assert_whole(logdir, round_number):
    """The newest checkpoint is that round's, and a new run goes on from it."""
    assert tf.train.latest_checkpoint(logdir).endswith(f"ckpt-{round_number}")
    assert LinearGAN().train(1, logdir, save_checkpoint_steps=100) == round_number + 1


def test_a_logdir_that_cannot_be_written_any_more_ends_training(tmp_path):
    logdir = tmp_path / "logdir"
    take_away, give_back = unwritable(logdir)
    closed = Closed()
    with pytest.raises((OSError, tf.errors.OpError)):
        hooks = [AtRound({3: take_away}), closed]
        LinearGAN().train(6, logdir, hooks=hooks, save_checkpoint_steps=2)
    assert closed.calls == ["close"]
    give_back()
    assert_whole(logdir, 2)


def test_training_goes_on_if_that_is_asked_for_and_saves_when_it_can_again(tmp_path, caplog):
    logdir = tmp_path / "logdir"
    take_away, give_back = unwritable(logdir)
    gan = LinearGAN()
    hooks = [AtRound({3: take_away, 5: give_back})]
    with caplog.at_level("ERROR", logger="absl"):
        gan.train(7, logdir, hooks=hooks, save_checkpoint_steps=2, ignore_save_errors=True)
    told = [m for m in caplog.messages if "Cannot write a checkpoint" in m]
    assert len(told) == 1 and "ckpt-2" in told[0]
    assert_whole(logdir, 7)


DISK_FULL = """
import resource, sys
from tests.train.faults_test import AtRound
from tests.train.linear_gan import LinearGAN

def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

logdir, ignore = sys.argv[1], sys.argv[2] == "ignore"
full, free = lambda: limit_files(64), lambda: limit_files(resource.RLIM_INFINITY)
arguments = {"save_checkpoint_steps": 2, "ignore_save_errors": ignore}
try:
    LinearGAN().train(7, logdir, hooks=[AtRound({3: full, 5: free})], **arguments)
    print("finished")
except Exception as error:
    free()
    print("ended by", type(error).__name__)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flag", "end", "newest"), [("", "ended by", 2), ("ignore", "finished", 7)]
)
def test_a_full_disk_leaves_the_last_checkpoint_whole(flag, end, newest, tmp_path):
    """The system refuses to write more than 64 bytes to a file, between rounds 3 and 5."""
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path), flag],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(end)
    assert not [p.name for p in tmp_path.iterdir() if "ckpt-4" in p.name]  # Nothing half-way.
    assert_whole(tmp_path, newest)


@both_worlds
def test_the_error_of_a_hook_reaches_the_caller_and_all_is_closed(world, tmp_path):
    error, closed = RuntimeError("of a hook"), Closed()

    def fail():
        raise error

    with in_world(world), pytest.raises(RuntimeError) as raised:
        hooks = [closed, AtRound({3: fail})]
        saving = {"save_checkpoint_secs": None, "save_checkpoint_steps": 100}
        LinearGAN().train(5, tmp_path, hooks=hooks, save_summaries_steps=1, **saving)
    assert raised.value is error
    assert closed.calls == ["close"]
    assert not any("ckpt-3" in path.name for path in tmp_path.iterdir())


class FailingAtTheEnd(tfgan.TrainingHook):
    def __init__(self, error):
        self._error = error

    def end(self, session):
        raise self._error


@both_worlds
def test_a_run_is_saved_at_its_end_though_a_hooks_end_fails(world, tmp_path):
    error = RuntimeError("of a hook's end")
    with in_world(world), pytest.raises(RuntimeError) as raised:
        LinearGAN().train(3, tmp_path, hooks=[FailingAtTheEnd(error)], save_checkpoint_secs=600)
    assert raised.value is error
    assert tf.train.latest_checkpoint(tmp_path).endswith("ckpt-3")


def test_of_two_errors_at_the_end_the_first_is_raised_and_the_other_logged(caplog):
    first, second = RuntimeError("the first"), RuntimeError("the second")
    with caplog.at_level("ERROR", logger="absl"), pytest.raises(RuntimeError) as raised:
        LinearGAN().train(1, hooks=[FailingAtTheEnd(first), FailingAtTheEnd(second)])
    assert raised.value is first
    assert "the second" in caplog.text


def test_all_hooks_are_closed_though_one_cannot_be():
    first, last = Closed(), Closed()

    class Broken(tfgan.TrainingHook):
        def close(self):
            raise RuntimeError("cannot close")

    with pytest.raises(RuntimeError, match="cannot close"):
        LinearGAN().train(1, hooks=[first, Broken(), last])
    assert first.calls == last.calls == ["end", "close"]


def test_the_leavings_of_a_killed_save_are_removed(tmp_path):
    LinearGAN().train(1, tmp_path, save_checkpoint_steps=1)
    (tmp_path / "ckpt-9_temp").mkdir()
    (tmp_path / "ckpt-9_temp" / "part-00000-of-00001").write_bytes(b"half")
    LinearGAN().train(1, tmp_path, save_checkpoint_steps=1)
    assert not (tmp_path / "ckpt-9_temp").exists()
