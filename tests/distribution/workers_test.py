"""Worker processes of a MultiWorkerMirroredStrategy on this machine train as one process does."""

import functools
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.distribution.small_gan import BATCH, NOISE, Losses, SmallGAN
from tests.strategies import on_workers, started

pytestmark = pytest.mark.slow
ROUNDS = 6


class Called(tfgan.TrainingHook):
    """Counts its calls; says that it is due after every round."""

    def __init__(self):
        self.times = 0

    def after_round(self, run_context, global_step):
        self.times += 1


class Telling(tfgan.TrainingHook):
    """Opens a pipe, for whoever waits at its other end, after some rounds."""

    def __init__(self, pipe, rounds):
        self._pipe, self._rounds = pipe, rounds

    def after_round(self, run_context, global_step):
        if global_step == self._rounds:
            with open(self._pipe, "w"):
                pass


def train(strategy, logdir, last_step, pipe="", noise=False, save_secs=0):
    """What a worker saw of training; the first of them tells when three rounds are saved."""
    drawn = tfp.distributions.Normal(tf.zeros([NOISE]), 1.0) if noise else None
    gan, losses = SmallGAN(strategy, noise=drawn), Losses()
    everywhere, on_the_chief = Called(), Called()
    is_first = strategy.cluster_resolver.task_id == 0
    try:
        step = gan.train(
            last_step,
            logdir,
            hooks=[losses, everywhere, *([Telling(pipe, 4)] if pipe and is_first else [])],
            chief_only_hooks=[on_the_chief],
            save_checkpoint_secs=save_secs,
            save_summaries_steps=2,
        )
    finally:
        print("rounds done:", gan.counts()[0])
    fetched = tfgan.Session(gan.counters, strategy).run(gan.model.generator_inputs)
    return {
        "step": step,
        "weights": gan.weights(),
        "losses": losses.values,
        "counts": gan.counts(),
        "calls": [everywhere.times, on_the_chief.times],
        "noise": fetched,
    }


def train_alone(last_step):
    gan, losses = SmallGAN(None), Losses()
    gan.train(last_step, hooks=[losses])
    return gan.weights()[0], losses.values


@functools.cache
def one_device(last_step=ROUNDS):
    # In a process of its own: a global seed that another test left would shuffle the data anew.
    with started(train_alone, last_step) as process:
        return process.result()


def results(logdir, *args, **kwargs):
    with on_workers(2, functools.partial(train, **kwargs), str(logdir), *args) as workers:
        return [worker.result() for worker in workers]


def assert_equal_to_one_device(found):
    for worker in found:
        for mine, its in zip(worker["weights"][0], one_device()[0], strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What both workers saw of `ROUNDS` rounds, and their logdir."""
    logdir = tmp_path_factory.mktemp("trained")
    return results(logdir, ROUNDS), logdir


def test_workers_equal_one_process_at_the_same_global_batch(trained):
    assert_equal_to_one_device(trained[0])


def test_workers_see_the_losses_of_the_global_batch_and_count_all_examples(trained):
    for worker in trained[0]:
        for name, values in one_device()[1].items():
            np.testing.assert_allclose(worker["losses"][name], values, rtol=1e-5)
        assert worker["counts"] == (ROUNDS, ROUNDS, 2 * ROUNDS, 2 * ROUNDS * BATCH)


def test_hooks_for_the_chief_are_called_there_alone(trained):
    assert [worker["calls"] for worker in trained[0]] == [[ROUNDS, ROUNDS], [ROUNDS, 0]]


def test_the_chief_alone_writes_checkpoints_and_summaries(trained):
    _, logdir = trained
    assert tf.train.latest_checkpoint(str(logdir)) == str(logdir / f"ckpt-{ROUNDS}")
    assert len(list(logdir.rglob("events.out.*"))) == 1
    folders = sorted(path.name for path in logdir.iterdir() if path.is_dir())
    assert folders == ["worker_0", "worker_1"]  # Each one's position in the data.


def test_noise_differs_between_workers(tmp_path):
    first, second = results(tmp_path, 1, noise=True)
    assert first["noise"].shape == second["noise"].shape == (BATCH // 2, NOISE)
    assert not np.intersect1d(first["noise"], second["noise"]).size


def test_after_a_killed_worker_all_start_again_and_resume(tmp_path):
    pipe, logdir = tmp_path / "pipe", tmp_path / "logdir"
    os.mkfifo(pipe)
    with on_workers(2, train, str(logdir), 10**6, str(pipe)) as (first, second):
        pipe.read_text()  # Until the fourth round; the rounds before are saved.
        second.kill()
        assert first.wait() != 0
        assert "Another worker is gone" in first.output
    saved = _saved_step(logdir)
    assert saved >= 3
    found = results(logdir, saved + 2)
    assert [worker["step"] for worker in found] == [saved + 2] * 2
    weights, _ = one_device(saved + 2)
    for worker in found:
        for mine, its in zip(worker["weights"][0], weights, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4)


def test_a_signal_to_one_worker_ends_all_after_a_checkpoint(tmp_path):
    pipe, logdir = tmp_path / "pipe", tmp_path / "logdir"
    os.mkfifo(pipe)
    with on_workers(2, functools.partial(train, save_secs=600), str(logdir), 10**6, str(pipe)) as (
        first,
        second,
    ):
        pipe.read_text()
        second.terminate()
        assert [first.wait(), second.wait()] == [143, 143]
        assert f"rounds done: {_saved_step(logdir)}" in first.output


def test_workers_that_do_not_share_the_logdir_are_told(tmp_path):
    results(tmp_path / "worker0", 1)
    with on_workers(2, train_apart, str(tmp_path)) as workers:
        for worker in workers:
            assert worker.wait() != 0
            assert "on a file system that all workers share" in worker.output


def train_apart(strategy, folder):
    """Each worker has a logdir of its own; the first one's holds a checkpoint."""
    train(strategy, os.path.join(folder, f"worker{strategy.cluster_resolver.task_id}"), 2)


def _saved_step(logdir: pathlib.Path) -> int:
    return int(tf.train.latest_checkpoint(str(logdir)).rsplit("-", 1)[1])
