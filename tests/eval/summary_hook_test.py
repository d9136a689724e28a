"""Pictures written while training goes on."""

import glob
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tfgan_lite.eval import (
    ImageSummaryHook,
    Summary,
    add_gan_model_image_summaries,
    write_summaries,
)
from tfgan_lite.eval.summary_hook import values_of


def program():
    """A model of images [4, 2, 2, 1], another in each batch, and its train ops."""
    tf.keras.utils.set_random_seed(1)
    layers = tf.keras.layers
    generator = tf.keras.Sequential(
        [layers.Input([3]), layers.Dense(4), layers.Reshape([2, 2, 1]), layers.BatchNormalization()]
    )
    discriminator = tf.keras.Sequential(
        [layers.Input([2, 2, 1]), layers.Flatten(), layers.Dense(1)]
    )
    batches = 0.5 + np.arange(100, dtype=np.float32).reshape([100, 1, 1, 1, 1]) / 10
    data = tf.data.Dataset.from_tensor_slices(np.tile(batches, [1, 4, 2, 2, 1]))
    noise = tfp.distributions.Normal(tf.zeros([3]), 1.0)
    model = tfgan.gan_model(generator, discriminator, data, noise)
    optimizers = [tf.keras.optimizers.SGD(0.01) for _ in range(2)]
    return model, tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers)


def events(folder):
    found = []
    for path in sorted(glob.glob(f"{folder}/*.pictures")):
        for event in tf.compat.v1.train.summary_iterator(path):
            found += [(event.step, value.tag, value) for value in event.summary.value]
    return found


@pytest.mark.slow
def test_pictures_are_written_when_they_are_due(tmp_path):
    model, train_ops = program()
    hook = ImageSummaryHook(add_gan_model_image_summaries(model, 2), every_n_steps=2)
    stop = tfgan.StopAtStepHook(num_steps=5)
    tfgan.gan_train(train_ops, str(tmp_path), hooks=[hook, stop])
    found = events(tmp_path)
    assert sorted({step for step, _, _ in found}) == [2, 4]
    at_two = {tag: value for step, tag, value in found if step == 2}
    assert {"real_data", "generated_data"} < set(at_two)
    assert sum(tag.startswith("generator/") for tag in at_two) == 4
    png = at_two["real_data"].tensor.string_val[2]
    np.testing.assert_array_equal(tf.io.decode_png(png), np.full((4, 4, 1), 191))


@pytest.mark.slow
def test_pictures_take_nothing_from_training(tmp_path):
    """Neither data nor noise, and batch norm's moments stay as training leaves them."""
    trained = []
    for with_pictures in (False, True):
        model, train_ops = program()
        hooks = [tfgan.StopAtStepHook(num_steps=4)]
        if with_pictures:
            hooks.append(ImageSummaryHook(add_gan_model_image_summaries(model), every_n_steps=1))
        tfgan.gan_train(train_ops, str(tmp_path / str(with_pictures)), hooks=hooks)
        networks = model.generator_fn, model.discriminator_fn
        trained.append([np.asarray(v) for network in networks for v in network.variables])
    assert {step for step, _, _ in events(tmp_path / "True")} == {1, 2, 3, 4}
    for without, with_pictures in zip(*trained):
        np.testing.assert_allclose(without, with_pictures, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_a_failure_is_noted_and_training_goes_on(tmp_path):
    model, train_ops = program()

    def broken():
        raise OSError("no pictures today")

    summaries = add_gan_model_image_summaries(model, model_summaries=False)
    summaries[0] = summaries[0]._replace(value=tfgan.Deferred(broken, "broken", opaque=True))
    hook = ImageSummaryHook(summaries, every_n_steps=1)
    step = tfgan.gan_train(
        train_ops, str(tmp_path), hooks=[hook, tfgan.StopAtStepHook(num_steps=3)]
    )
    assert step == 3 and hook.failures == 3
    lines = [json.loads(line) for line in open(tmp_path / "metrics.jsonl")]
    assert "no pictures today" in lines[0]["error"]


def test_an_error_in_training_closes_the_file(tmp_path):
    class Failing(tfgan.TrainingHook):
        def begin(self):
            raise OSError("no disk")

    model, train_ops = program()
    hook = ImageSummaryHook(add_gan_model_image_summaries(model), 1, logdir=str(tmp_path))
    with pytest.raises(OSError, match="no disk"):
        tfgan.gan_train(train_ops, str(tmp_path), hooks=[hook, Failing()])
    with pytest.raises(RuntimeError, match="already closed"), hook._pictures.as_default():
        pass


def test_a_loop_of_your_own_writes_them_itself(tmp_path):
    model, _ = program()
    writer = tf.summary.create_file_writer(str(tmp_path), filename_suffix=".pictures")
    with writer.as_default():
        write_summaries(add_gan_model_image_summaries(model, model_summaries=False), step=7)
    writer.close()
    assert [(step, tag) for step, tag, _ in events(tmp_path)] == [
        (7, "real_data"),
        (7, "generated_data"),
    ]


def test_the_pictures_of_one_look_are_of_one_run():
    """What is shown side by side belongs together."""
    noise = tfgan.from_callable(lambda: tf.random.uniform([1, 2, 2, 1]))
    again = tfgan.defer(lambda x: x + 0.0, noise)
    first, second = values_of([Summary("image", "a", noise), Summary("image", "b", again)])
    np.testing.assert_array_equal(first, second)


def test_in_a_graph_the_error_names_what_to_use(tmp_path):
    model, _ = program()
    hook = ImageSummaryHook(add_gan_model_image_summaries(model), 1, logdir=str(tmp_path))
    with tf.Graph().as_default():
        with pytest.raises(RuntimeError, match="SummarySaverHook"):
            hook.begin()
        with pytest.raises(RuntimeError, match="SummarySaverHook"):
            write_summaries([], 0)


def test_bad_options_are_an_error():
    model, _ = program()
    summaries = add_gan_model_image_summaries(model)
    with pytest.raises(ValueError, match="summaries must be a list"):
        ImageSummaryHook([], 1)
    with pytest.raises(ValueError, match="summaries must be a list"):
        ImageSummaryHook([model.generated_data], 1)
    with pytest.raises(ValueError, match="one of every_n_steps and every_secs"):
        ImageSummaryHook(summaries)
    with pytest.raises(ValueError, match="has no logdir"):
        ImageSummaryHook(summaries, 1).begin()
