"""`export`: files that TensorFlow alone can run."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan

tfd = tfp.distributions
layers = tf.keras.layers
NOISE, SIDE = 5, 4

# What a receiver of the files does. tfgan_lite cannot be imported there.
RECEIVER = """
import sys
sys.modules["tfgan_lite"] = None
import numpy as np
import tensorflow as tf

folder, noise, images = sys.argv[1:]
noise = np.load(noise)
saved = tf.saved_model.load(f"{folder}/generator").signatures["serving_default"]
keras = tf.keras.models.load_model(f"{folder}/generator.keras")
example = np.load(f"{folder}/example.npz")
np.testing.assert_allclose(
    saved(inputs=tf.constant(example["inputs"]))["generated"], example["generated"], atol=1e-6
)
np.savez(images, saved=saved(inputs=tf.constant(noise))["generated"], keras=keras(noise))
"""


def real_images():
    images = np.zeros([8, SIDE, SIDE, 1], np.float32)
    return tf.data.Dataset.from_tensor_slices(images).repeat().batch(8, drop_remainder=True)


def generator():
    body = [layers.Dense(SIDE * SIDE), layers.BatchNormalization(), layers.Activation("tanh")]
    return tf.keras.Sequential([*body, layers.Reshape([SIDE, SIDE, 1])])


def discriminator():
    return tf.keras.Sequential([layers.Flatten(), layers.Dense(1)])


def noise():
    return tfd.Normal(tf.zeros([NOISE]), 1.0)


def unconditional(generator_fn=None, discriminator_fn=None, inputs=None):
    return tfgan.gan_model(
        generator_fn or generator(),
        discriminator_fn or discriminator(),
        real_images(),
        noise() if inputs is None else inputs,
    )


def signatures(folder, network="generator"):
    loaded = tf.saved_model.load(str(folder / network))
    signatures.keep = loaded  # The signatures die with it.
    return loaded.signatures


def metadata(folder):
    return json.loads((folder / "metadata.json").read_text())


@pytest.mark.slow
def test_a_new_process_without_tfgan_lite_makes_the_same_images(tmp_path):
    model = unconditional()
    average = tfgan.features.WeightAverage()
    average.build(model.generator_fn.variables)
    for variable in average.averages:  # Now the averages are other than the weights.
        variable.assign(variable + 0.5)
    folder = tfgan.export(model, tmp_path / "export", average=average)
    inputs = np.random.default_rng(0).normal(size=[3, NOISE]).astype(np.float32)
    np.save(tmp_path / "noise.npy", inputs)
    arguments = [str(tmp_path / name) for name in ("export", "noise.npy", "images.npz")]
    done = subprocess.run(
        [sys.executable, "-c", RECEIVER, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with average.averaged():
        expected = model.generator_fn(inputs, training=False).numpy()
    with np.load(tmp_path / "images.npz") as images:
        np.testing.assert_allclose(images["saved"], expected, atol=1e-6)
        np.testing.assert_allclose(images["keras"], expected, atol=1e-6)
    assert not np.allclose(expected, model.generator_fn(inputs, training=False), atol=0.1)
    assert metadata(folder)["weights"] == "averaged"


def test_the_sample_signature_draws_inputs_by_seed(tmp_path):
    scale = tf.Variable(1.0)
    real = tfgan.constant(tf.zeros([8, NOISE]))
    judge = tf.keras.Sequential([layers.Dense(1)])
    model = tfgan.gan_model(lambda inputs: scale * inputs, judge, real, noise())
    sample = signatures(tfgan.export(model, tmp_path / "export", value_range=None))["sample"]

    def drawn(num_samples, seed):
        found = sample(num_samples=tf.constant(num_samples), seed=tf.constant(seed))
        return found["generated"].numpy()

    first = drawn(2000, 3)
    np.testing.assert_array_equal(drawn(2000, 3), first)
    assert np.abs(drawn(2000, 4) - first).mean() > 0.5
    # 10,000 normal numbers: the standard errors are 0.01 and 0.007.
    assert abs(first.mean()) < 0.05 and abs(first.std() - 1.0) < 0.04


def test_pixels_are_the_nearest_grey_levels(tmp_path):
    def ramp(inputs):
        return tf.reshape(inputs, [-1, 1, NOISE, 1]) * scale

    scale = tf.Variable(1.0)
    real = tfgan.constant(tf.zeros([8, 1, NOISE, 1]))
    model = tfgan.gan_model(ramp, discriminator(), real, noise())
    sign = signatures(tfgan.export(model, tmp_path / "export", value_range=(-1.0, 1.0)))
    values = np.array([[-1.0, -0.5, 0.002, 0.999, 7.0]], np.float32)
    found = sign["pixels"](inputs=tf.constant(values))["generated"]
    assert found.dtype == tf.uint8
    # (x + 1) * 127.5 is 0, 63.75, 127.755, 254.87 and far too much.
    assert np.ravel(found).tolist() == [0, 64, 128, 255, 255]


def test_the_discriminator_takes_pixels_too(tmp_path):
    model = unconditional()
    folder = tfgan.export(model, tmp_path / "export", discriminator=True, value_range=(0.0, 1.0))
    pixels = np.random.default_rng(0).integers(0, 256, [2, SIDE, SIDE, 1]).astype(np.uint8)
    expected = model.discriminator_fn(pixels.astype(np.float32) / 255.0, training=False)
    judge = signatures(folder, "discriminator")
    for name, data in (("pixels", pixels), ("serving_default", np.float32(pixels) / 255)):
        np.testing.assert_allclose(
            judge[name](data=tf.constant(data))["logits"], expected, atol=1e-5
        )
    assert (folder / "discriminator.keras").exists()


def test_without_being_asked_for_there_is_no_discriminator(tmp_path):
    folder = tfgan.export(unconditional(), tmp_path / "export")
    assert sorted(path.name for path in folder.iterdir()) == [
        "example.npz",
        "generator",
        "generator.keras",
        "metadata.json",
    ]


def conditional():
    images = np.zeros([8, SIDE, SIDE, 1], np.float32)
    labels = np.eye(8, dtype=np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8, drop_remainder=True)
    real, one_hot = tfgan.from_dataset(dataset)
    body, judge = layers.Dense(SIDE * SIDE), layers.Dense(1)

    def draw(inputs):
        return tf.reshape(body(tf.concat(inputs, 1)), [-1, SIDE, SIDE, 1])

    def discriminate(data, inputs):
        return judge(tf.concat([layers.Flatten()(data), inputs[1]], 1))

    return tfgan.gan_model(draw, discriminate, real, [noise(), one_hot])


def test_networks_with_conditions_take_them_by_name(tmp_path):
    model = conditional()
    folder = tfgan.export(model, tmp_path / "export", discriminator=True)
    random = np.random.default_rng(0)
    z, y = random.normal(size=[2, NOISE]).astype(np.float32), np.eye(8, dtype=np.float32)[:2]
    drawn = signatures(folder)["serving_default"](inputs_0=z, inputs_1=y)["generated"]
    np.testing.assert_allclose(drawn, model.generator_fn([z, y], training=False), atol=1e-6)
    judge = signatures(folder, "discriminator")["serving_default"]
    np.testing.assert_allclose(
        judge(data=drawn, inputs_0=tf.constant(z), inputs_1=tf.constant(y))["logits"],
        model.discriminator_fn(drawn, [z, y], training=False),
        atol=1e-5,
    )


def test_inputs_from_a_dataset_cannot_be_sampled_without_it(tmp_path):
    assert "sample" not in signatures(tfgan.export(conditional(), tmp_path / "export"))


def test_a_network_that_is_no_keras_model_has_a_saved_model_alone_and_the_reason(tmp_path):
    notes = metadata(tfgan.export(conditional(), tmp_path / "export"))["generator"]
    assert notes["keras_file"] is None
    assert "not a Keras model" in notes["no_keras_file"]
    assert not (tmp_path / "export" / "generator.keras").exists()


def test_metadata_says_what_is_there(tmp_path):
    folder = tfgan.export(unconditional(), tmp_path / "export", metadata={"round": 7})
    notes = metadata(folder)
    assert notes["user"] == {"round": 7} and notes["value_range"] == [-1.0, 1.0]
    # A dense layer 5 x 16 with biases, and batch norm's scale and offset.
    assert notes["generator"]["parameters"] == 5 * 16 + 16 + 2 * 16
    taken = notes["generator"]["signatures"]["serving_default"]["inputs"]
    assert taken == {"inputs": {"shape": [None, NOISE], "dtype": "float32"}}
    for name, digest in notes["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "generator/saved_model.pb" in notes["sha256"]


def test_an_export_that_fails_leaves_the_earlier_one_as_it_was(tmp_path):
    first = unconditional()
    folder = tfgan.export(first, tmp_path / "export")
    before = metadata(folder)

    def picky(data):  # The discriminator comes after the generator is written.
        if data.shape[0] is None:
            raise ValueError("of a known batch size only")
        return weight * tf.reduce_mean(data, [1, 2])

    weight = tf.Variable(1.0)
    second = unconditional(discriminator_fn=picky)
    with pytest.raises(ValueError, match="of a known batch size only"):
        tfgan.export(second, folder, discriminator=True, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert metadata(folder) == before
    tfgan.export(unconditional(), folder, overwrite=True)
    assert metadata(folder) != before
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_an_earlier_export_is_not_replaced_unasked(tmp_path):
    (tmp_path / "export").mkdir()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        tfgan.export(unconditional(), tmp_path / "export")


def test_what_it_refuses(tmp_path):
    model = unconditional()
    with pytest.raises(ValueError, match="low < high"):
        tfgan.export(model, tmp_path / "export", value_range=(1.0, -1.0))
    with pytest.raises(ValueError, match="metadata must be what JSON knows"):
        tfgan.export(model, tmp_path / "export", metadata={"net": model})
    with pytest.raises(TypeError, match="model.model_x2y"):
        tfgan.export(tfgan.CycleGANModel(model, model, None, None), tmp_path / "export")
    with tf.Graph().as_default():
        in_graph = unconditional()
        with pytest.raises(ValueError, match="needs a model made in TF2"):
            tfgan.export(in_graph, tmp_path / "export")
    assert not list(tmp_path.iterdir())
