"""Saving, resuming, and the logdir."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import BATCH, LinearGAN, in_world, noise_of, real_of, same_batch
from tfgan_lite.train.ops import update_of

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


def adam():
    return tf.keras.optimizers.Adam(0.125)


def run(logdir, rounds, **arguments):
    """Trains with Adam; gives weights, slots and counters at the end."""
    gan = LinearGAN(same_batch(real_of), same_batch(noise_of), adam)
    counters = update_of(gan.train_ops.generator_train_op).counters
    slots = [v.value for optimizer in gan.optimizers for v in optimizer.variables]
    final = tfgan.FinalOpsHook([list(gan.weights.values()), slots, list(counters.variables)])
    saving = {"save_checkpoint_secs": 600 if logdir else None}
    gan.train(rounds, logdir, hooks=[final], **saving, **arguments)
    return tf.nest.map_structure(np.asarray, final.final_ops_values)


def assert_same(first, second):
    tf.nest.map_structure(np.testing.assert_array_equal, first, second)


@both_worlds
def test_a_resumed_run_equals_one_that_was_not_interrupted(world, tmp_path):
    results = []
    for logdir, rounds in ((None, 4), (tmp_path, 2), (tmp_path, 2)):
        with in_world(world):
            results.append(run(logdir, rounds))
    whole, _, resumed = results
    assert_same(whole, resumed)
    assert sorted(int(v) for v in whole[2]) == [4, 4, 4, 4 * BATCH]


def digits():
    """Shuffled real data that begins anew after 3 batches."""
    numbers = np.arange(3 * BATCH, dtype=np.float32)[:, np.newaxis] / 8
    data = tf.data.Dataset.from_tensor_slices(numbers).shuffle(3 * BATCH, seed=1).repeat()
    return data.batch(BATCH, drop_remainder=True)


def noise():
    import tensorflow_probability as tfp

    return tfp.distributions.Normal(tf.zeros([1]), 1.0)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["no XLA", "XLA"])
def test_a_resumed_run_goes_on_with_the_data_and_the_noise(jit_compile, tmp_path):
    weights = []
    for logdir, rounds in ((None, 7), (tmp_path, 5), (tmp_path, 2)):
        gan = LinearGAN(digits(), noise(), adam)
        saving = {"save_checkpoint_secs": 600 if logdir else None}
        gan.train(rounds, logdir, jit_compile=jit_compile, **saving)
        weights.append([w.numpy() for w in gan.weights.values()])
    whole, _, resumed = weights
    assert_same(whole, resumed)


def test_data_whose_position_cannot_be_saved_is_told_once(tmp_path, caplog):
    def numbers():
        yield from np.ones([100, 1], np.float32)

    spec = tf.TensorSpec([1])
    data = tf.data.Dataset.from_generator(numbers, output_signature=spec)
    with caplog.at_level("WARNING", logger="absl"):
        LinearGAN(data.batch(BATCH, drop_remainder=True)).train(2, tmp_path, save_checkpoint_secs=0)
    told = [m for m in caplog.messages if "position in the data cannot be saved" in m]
    assert len(told) == 1


def test_data_augmented_by_random_state_is_told_with_what_to_use_instead(tmp_path, caplog):
    data = tf.data.Dataset.from_tensor_slices(np.ones([100, 1], np.float32))
    data = data.map(lambda x: x + tf.random.uniform([1]))
    with caplog.at_level("WARNING", logger="absl"):
        LinearGAN(data.batch(BATCH, drop_remainder=True)).train(2, tmp_path, save_checkpoint_secs=0)
    assert any("augment with tf.image.stateless_*" in message for message in caplog.messages)


@pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["no XLA", "XLA"]
)
def test_data_augmented_by_seeds_that_the_data_draw_go_on_where_they_were(jit_compile, tmp_path):
    def shifted(x, seed):
        return x + tf.random.stateless_uniform([1], seed)

    weights = []
    for logdir, rounds in ((None, 4), (tmp_path, 2), (tmp_path, 2)):
        data = tf.data.Dataset.from_tensor_slices(np.ones([100, 1], np.float32))
        data = tf.data.Dataset.zip(data, tf.data.Dataset.random(seed=0).batch(2)).map(shifted)
        gan = LinearGAN(data.batch(BATCH, drop_remainder=True), noise(), adam)
        saving = {"save_checkpoint_secs": 600 if logdir else None}
        gan.train(rounds, logdir, jit_compile=jit_compile, **saving)
        weights.append([w.numpy() for w in gan.weights.values()])
    whole, _, resumed = weights
    assert_same(whole, resumed)


@pytest.mark.slow
def test_a_resumed_run_keeps_the_choice_of_xla(tmp_path, monkeypatch):
    from tfgan_lite.train.jit_choice import JitChoice

    LinearGAN().train(1, tmp_path, jit_compile="auto", save_checkpoint_secs=600)

    def measured_again(choice, step, name):
        raise AssertionError(f"{name} was measured again")

    monkeypatch.setattr(JitChoice, "_faster", measured_again)
    LinearGAN().train(1, tmp_path, jit_compile="auto", save_checkpoint_secs=600)


@pytest.mark.slow
def test_a_new_process_resumes_too(tmp_path):
    code = f"from tests.train.checkpoint_test import run; run({str(tmp_path)!r}, 2)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert_same(run(None, 4), run(tmp_path, 2))


def test_restoring_gives_back_exactly_what_was_saved(tmp_path):
    saved = run(tmp_path, 3)
    nothing = {"get_hooks_fn": lambda ops: [], "allow_changes": True}  # A round without updates.
    restored = run(tmp_path, 1, **nothing)
    assert_same(saved[:2], restored[:2])


def test_networks_are_saved_as_objects(tmp_path):
    gan = LinearGAN()
    gan.train(2, tmp_path, save_checkpoint_secs=600)
    other = LinearGAN()
    checkpoint = tf.train.Checkpoint(generator=other.generator, discriminator=other.critic)
    checkpoint.restore(tf.train.latest_checkpoint(tmp_path)).expect_partial()
    for name, weight in other.weights.items():
        assert weight.numpy() == gan.weights[name].numpy() != LinearGAN().weights[name].numpy()


@both_worlds
def test_a_logdir_on_another_file_system_is_written_there_alone(world, tmp_path, monkeypatch):
    """ram:// is TensorFlow's file system in memory."""
    monkeypatch.chdir(tmp_path)
    logdir = f"ram://checkpoint_test/{world}"
    saving = {"save_checkpoint_secs": 600, "save_summaries_steps": 1}
    with in_world(world):
        LinearGAN().train(2, logdir, **saving)
    assert tf.train.latest_checkpoint(logdir).startswith(logdir)
    assert {"configuration.json", "run.json"} <= {*tf.io.gfile.listdir(logdir)}
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@both_worlds
def test_a_logdir_of_another_model_is_refused(world, tmp_path):
    with in_world(world):
        LinearGAN().train(1, tmp_path, save_checkpoint_secs=600)
    (tmp_path / "configuration.json").unlink()  # As in a folder of copied checkpoints.
    with in_world(world), pytest.raises(ValueError, match="checkpoint.*not of this model"):
        LinearGAN(optimizer=adam).train(1, tmp_path, save_checkpoint_secs=600)


@both_worlds
def test_a_logdir_that_cannot_be_written_is_refused_before_training(world, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with in_world(world), pytest.raises(ValueError, match="Cannot write to logdir"):
        LinearGAN().train(1, tmp_path / "file" / "logdir", save_checkpoint_secs=600)


@both_worlds
@pytest.mark.parametrize("saving", [{"save_checkpoint_secs": 600}, {"save_summaries_steps": 1}])
def test_saving_needs_a_logdir(world, saving):
    with in_world(world), pytest.raises(ValueError, match="logdir is None, but"):
        LinearGAN().train(1, None, **saving)


def saved_rounds(logdir):
    return sorted(int(path.stem.split("-")[1]) for path in logdir.glob("*ckpt-*.index"))


@both_worlds
def test_checkpoints_are_written_every_few_rounds_and_the_newest_are_kept(world, tmp_path):
    saving = {"save_checkpoint_secs": None, "save_checkpoint_steps": 2, "max_to_keep": 3}
    with in_world(world):
        LinearGAN().train(9, tmp_path, **saving)
    assert saved_rounds(tmp_path) in ([6, 8, 9], [7, 8, 9], [5, 7, 9])  # A graph's begin at 1.


@pytest.mark.parametrize("name", ["save_checkpoint_steps", "max_to_keep"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_saving_is_in_whole_numbers(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer"):
        LinearGAN().train(1, **{name: value})


@both_worlds
def test_without_seconds_between_them_there_is_a_checkpoint_after_every_round(world, tmp_path):
    with in_world(world):
        LinearGAN().train(3, tmp_path, save_checkpoint_secs=0, rounds_per_call=1)
    assert saved_rounds(tmp_path)[-3:] == [1, 2, 3]


@pytest.mark.parametrize("value", [-1, "600", float("nan")], ids=repr)
def test_seconds_between_checkpoints_are_a_number(value, tmp_path):
    with pytest.raises(ValueError, match="save_checkpoint_secs must be seconds or None, got"):
        LinearGAN().train(1, tmp_path, save_checkpoint_secs=value)


class Rounds(tfgan.TrainingHook, tf.Module):
    """A hook with a state of its own."""

    def __init__(self):
        self.seen = tf.Variable(0)

    def after_round(self, run_context, global_step):
        self.seen.assign_add(1)


def test_a_hook_that_is_a_module_is_saved_too(tmp_path):
    for expected in (2, 4):
        hook = Rounds()
        LinearGAN().train(2, tmp_path, hooks=[hook], save_checkpoint_secs=600)
        assert hook.seen.numpy() == expected
