"""Grids of the same noise while the generator learns."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.train.linear_gan import in_world
from tfgan_lite.eval.sample_grid_hook import spaced_grid
from tfgan_lite.report.events import read_events

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


def small_gan(rate=0.1):
    """Two dense networks on 2 x 2 images."""
    layers = tf.keras.layers
    generator = tf.keras.Sequential([layers.Dense(4, "tanh"), layers.Reshape([2, 2, 1])])
    discriminator = tf.keras.Sequential([layers.Flatten(), layers.Dense(1)])
    data = tf.data.Dataset.from_tensor_slices(np.ones([8, 2, 2, 1], np.float32)).repeat()
    noise = tfp.distributions.Normal(tf.zeros([3]), 1.0)
    model = tfgan.gan_model(generator, discriminator, data.batch(8, drop_remainder=True), noise)
    loss = tfgan.gan_loss(model)
    adam = [tf.keras.optimizers.Adam(rate) for _ in range(2)]
    return model, tfgan.gan_train_ops(model, loss, *adam)


def train(train_ops, logdir, rounds, hook):
    tfgan.gan_train(
        train_ops,
        str(logdir),
        hooks=[tfgan.StopAtStepHook(num_steps=rounds), hook],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        **({"jit_compile": False} if tf.executing_eagerly() else {}),
    )


@pytest.mark.slow
@both_worlds
def test_grids_are_drawn_at_the_start_every_few_rounds_and_at_the_end(world, tmp_path):
    with in_world(world):
        model, train_ops = small_gan()
        hook = tfgan.eval.SampleGridHook(model, 2, num_samples=4, folder=tmp_path / "png")
        train(train_ops, tmp_path, 3, hook)
    pictures = read_events(tmp_path).pictures["samples"]
    assert list(pictures) == [0, 2, 3]
    assert hook.failures == 0
    grids = [tf.io.decode_png(content).numpy() for content in pictures.values()]
    assert all(grid.shape == (6, 6, 1) for grid in grids)  # 2 x 2 images of 2 x 2, and gaps.
    assert not np.array_equal(grids[0], grids[2])
    for step, content in pictures.items():
        assert (tmp_path / "png" / f"{step:06d}.png").read_bytes() == content


@both_worlds
def test_the_noise_is_the_same_each_time(world, tmp_path):
    with in_world(world):
        model, train_ops = small_gan(rate=0.0)
        train(train_ops, tmp_path, 1, tfgan.eval.SampleGridHook(model, 1, num_samples=4))
    first, second = read_events(tmp_path).pictures["samples"].values()
    assert first == second
    assert np.ptp(tf.io.decode_png(first)[:2, :2]) > 0


def test_a_grid_fills_rows_from_left_to_right_with_grey_between_and_where_it_ends():
    images = np.stack([np.full([1, 1, 3], level, np.float32) for level in (0.0, 1.0, 0.5)])
    grid = spaced_grid(images, columns=2, value_range=(0.0, 1.0))
    assert grid.shape == (4, 4, 3) and grid.dtype == np.uint8
    assert grid[..., 0].tolist() == [
        [0, 128, 128, 255],
        [128, 128, 128, 128],
        [128, 128, 128, 128],
        [128, 128, 128, 128],
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_generator_does_not_end_training(tmp_path, value):
    model, train_ops = small_gan()
    hook = tfgan.eval.SampleGridHook(lambda: np.full([4, 2, 2, 1], value), 1)
    train(train_ops, tmp_path, 2, hook)
    assert hook.failures == 3
    assert "diverged" in (tmp_path / "metrics.jsonl").read_text()


def test_what_it_refuses():
    with pytest.raises(ValueError, match="a model with generator_inputs or a function"):
        tfgan.eval.SampleGridHook(np.zeros([4, 2, 2, 1]), 1)
    with pytest.raises(ValueError, match="num_samples must be a positive integer"):
        tfgan.eval.SampleGridHook(small_gan()[0], 1, num_samples=0)
    with pytest.raises(ValueError, match="has no logdir"):
        model, train_ops = small_gan()
        hooks = [tfgan.eval.SampleGridHook(model, 1)]
        tfgan.gan_train(train_ops, None, hooks=hooks, save_checkpoint_secs=None,
                        save_summaries_steps=None)  # fmt: skip
