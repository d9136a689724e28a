"""Each kind of GAN and each preset: what training, scoring and drawing make of it."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfgan_lite as tfgan
from examples.mnist_gan import kinds, runs

CLASSES = 10


def read(path):
    return json.loads(path.read_text())


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture).astype(float)


def classes_of(one_hot):
    np.testing.assert_array_equal(np.sort(one_hot)[:, -2:], [[0, 1]] * len(one_hot))
    return np.argmax(one_hot, axis=1).reshape(10, 10)


@pytest.mark.parametrize("gan_type", ["conditional", "acgan", "infogan"])
def test_a_grid_has_one_row_for_each_class_and_one_noise_for_each_column(gan_type):
    noise, classes, *_ = kinds.KINDS[gan_type](7).grids(seed=3)["samples"]
    np.testing.assert_array_equal(classes_of(classes), np.arange(10)[:, None].repeat(10, axis=1))
    noise = noise.reshape(10, 10, 7)
    np.testing.assert_array_equal(noise, noise[:1].repeat(10, axis=0))
    assert len(np.unique(noise[0], axis=0)) == 10


def test_infogan_has_one_grid_for_each_code_and_numbers_go_from_minus_two_to_two():
    grids = kinds.KINDS["infogan"](7).grids(seed=3)
    assert list(grids) == ["samples", "number_1", "number_2"]
    assert not np.any(grids["samples"][2])
    for code in range(2):
        noise, classes, numbers = grids[f"number_{code + 1}"]
        assert len(np.unique(noise, axis=0)) == 1
        assert np.all(classes_of(classes) == np.arange(10)[:, None])
        numbers = numbers.reshape(10, 10, 2)
        np.testing.assert_allclose(numbers[4, :, code], np.linspace(-2, 2, 10), rtol=1e-6)
        assert not np.any(numbers[..., 1 - code])


@pytest.mark.parametrize("label", [None, 7])
def test_images_are_asked_for_each_class_in_turn_or_for_one(label):
    kind = kinds.KINDS["conditional"](3)
    inputs = tf.keras.Input([3]), tf.keras.Input([CLASSES])
    shown = tf.keras.layers.Dense(784, use_bias=False, kernel_initializer="ones")(inputs[1] * 0)
    shown += tf.keras.layers.Dense(784, use_bias=False, name="place")(inputs[1])
    generator = tf.keras.Model(inputs, tf.keras.layers.Reshape([28, 28, 1])(shown))
    generator.get_layer("place").set_weights([np.eye(CLASSES, 784)])
    model = kinds.sampling_model(generator, kind.sampled_inputs(label))
    images = np.asarray(tfgan.generate(model, 230, seed=1))
    expected = np.full(230, label) if label is not None else np.arange(230) % 10
    np.testing.assert_array_equal(np.argmax(images.reshape(230, 784), axis=1), expected)
    np.testing.assert_array_equal(kinds.asked(230, label), expected)


@pytest.mark.slow
def test_training_leaves_pictures_and_scores(kind_run):
    config, metrics = read(kind_run / "config.json"), read(kind_run / "metrics.json")
    gan_type, preset = config["gan_type"], config["preset"]
    assert metrics["gan_type"] == gan_type and metrics["preset"] == preset
    assert metrics["weights"] == ("averaged" if preset == "r3gan" else "training")
    last_picture = f"pictures/{metrics['number_of_steps']:06d}"
    names = ["samples", last_picture]
    if gan_type == "infogan":
        names += ["number_1", "number_2"]
        assert 0.1 <= metrics["code_accuracy"] <= 1 and len(metrics["code_accuracy_by_code"]) == 10
        assert sorted(metrics["code_digits"]) == list(range(10))
        assert metrics["code_counts"] == [4] * 10
    elif gan_type in ("conditional", "acgan"):
        accuracies = metrics["label_accuracy_by_class"]
        assert metrics["label_accuracy"] == pytest.approx(np.mean(accuracies))
        assert metrics["label_counts"] == [4] * 10
    assert metrics["num_generated_images"] == 40 and sum(metrics["class_histogram"]) == 40
    for name in names:
        assert pixels(kind_run / f"{name}.png").shape == (298, 298)
        assert np.ptp(pixels(kind_run / f"{name}.png")[:28]) > 10, f"{name}.png is empty"
    # Both are drawn at the same round, from the same inputs, with the same weights.
    np.testing.assert_array_equal(
        pixels(kind_run / "samples.png"), pixels(kind_run / f"{last_picture}.png")
    )


@pytest.mark.slow
def test_a_run_is_scored_and_drawn_from_as_what_it_is(programs, kind_run, tmp_path):
    programs.succeed("eval", f"--logdir={kind_run}", f"--output={tmp_path / 'eval.json'}")
    report, trained = read(tmp_path / "eval.json"), read(kind_run / "metrics.json")
    assert report.keys() >= trained.keys() | {"checkpoint"}
    assert report["weights"] == trained["weights"] and report["gan_type"] == trained["gan_type"]
    assert report["protocol"]["generated"]["weights"] == trained["weights"]
    if not read(kind_run / "config.json")["graph_mode"]:  # A graph's noise is another.
        assert {name: report[name] for name in trained} == trained
    assert report["perceptual_path_length"] > 0
    if report["gan_type"] in ("conditional", "acgan"):
        by_class = report["frechet_distance_by_class"]
        assert list(by_class) == list("0123456789")
        assert report["mean_class_frechet_distance"] == pytest.approx(np.mean([*by_class.values()]))

    output = tmp_path / "digits.npz"
    programs.succeed("generate", f"--logdir={kind_run}", "--num_images=30", f"--output={output}")
    with np.load(output) as arrays:
        assert arrays["x_train"].shape == (30, 28, 28, 1)
        if trained["gan_type"] in ("conditional", "acgan"):  # A data set with labels, in rows.
            np.testing.assert_array_equal(arrays["y_train"], np.arange(10).repeat(3))
        else:
            assert arrays.files == ["x_train"]


@pytest.mark.slow
def test_averaged_weights_draw_by_default_where_there_are_any(programs, kind_run, tmp_path):
    config = read(kind_run / "config.json")
    if config["preset"] != "r3gan":
        message = programs.fail("eval", f"--logdir={kind_run}", "--averaged")
        assert "has no averaged weights" in message
        return

    def images(*flags):
        output = tmp_path / "digits.npz"
        programs.succeed("generate", f"--logdir={kind_run}", f"--output={output}", *flags)
        with np.load(output) as arrays:
            return arrays["x_train"].astype(int)

    averaged = images()
    np.testing.assert_array_equal(averaged, images("--averaged"))
    assert np.any(averaged != images("--averaged=false"))
    programs.succeed(
        *("eval", f"--logdir={kind_run}", "--averaged=false", f"--output={tmp_path / 'e.json'}")
    )
    assert read(tmp_path / "e.json")["weights"] == "training"


@pytest.mark.slow
def test_pictures_have_one_row_for_each_class_or_one_class(programs, kind_run, tmp_path):
    if read(kind_run / "config.json")["gan_type"] == "unconditional":
        message = programs.fail("generate", f"--logdir={kind_run}", "--label=3")
        assert "--label=3" in message and "cannot be asked for a class" in message
        return
    output = tmp_path / "digits.png"
    arguments = ("generate", f"--logdir={kind_run}", f"--output={output}")
    programs.succeed(*arguments, "--num_images=30")
    assert pixels(output).shape == (298, 88)
    programs.succeed(*arguments, "--num_images=12", "--label=3")
    assert pixels(output).shape == (58, 298)
    assert "must be a multiple of 10" in programs.fail(*arguments, "--num_images=12")


@pytest.mark.slow
@pytest.mark.parametrize("flag, other", [("gan_type", "acgan"), ("preset", "default")])
def test_a_run_cannot_go_on_as_another_kind_or_by_another_preset(kind_run, flag, other):
    config = read(kind_run / "config.json")
    if config[flag] == other:
        other = {"acgan": "infogan", "default": "r3gan"}[other]
    with pytest.raises(ValueError, match=f"{flag}={config[flag]}, which cannot go on .*{other}"):
        runs.claim(kind_run, {**config, flag: other})
    assert read(kind_run / "config.json") == config


@pytest.mark.parametrize("gan_type", ["conditional", "acgan"])
def test_kinds_that_learn_from_labels_need_them(programs, tmp_path, gan_type):
    np.savez(tmp_path / "own.npz", x_train=np.zeros([20, 28, 28], np.uint8))
    message = programs.fail(
        "train",
        f"--gan_type={gan_type}",
        *("--dataset=npz", f"--data_path={tmp_path / 'own.npz'}", "--batch_size=8"),
        f"--logdir={tmp_path / 'run'}",
    )
    assert f"--gan_type={gan_type} needs labels" in message and "y_train" in message
    assert not (tmp_path / "run").exists()
