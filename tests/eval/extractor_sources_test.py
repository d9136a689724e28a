"""Extractors of Keras models, SavedModels, TF-Hub handles and frozen graphs."""

import hashlib
import shutil
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.eval import small_inception
from tfgan_lite.eval.extractor_sources import (
    extractor_from_frozen_graph,
    extractor_from_hub,
    extractor_from_keras,
    extractor_from_saved_model,
)

IMAGES = np.random.default_rng(0).uniform(-1, 1, [5, 8, 8, 3]).astype(np.float32)
both_keras = pytest.mark.parametrize("library", [keras, tf_keras], ids=["Keras 3", "tf_keras"])


def classifier(library):
    layers = library.layers
    return library.Sequential(
        [
            layers.Input([8, 8, 3]),
            layers.Flatten(name="flat"),
            layers.Dense(4, activation="relu", name="hidden"),
            layers.Dropout(0.5),
            layers.Dense(2, name="classes"),
        ],
        name="toy",
    )


class TestKeras:
    @both_keras
    def test_the_output_are_the_features(self, library):
        model = classifier(library)
        extractor = extractor_from_keras(model)
        assert (extractor.name, extractor.image_shape) == ("toy", (8, 8, 3))
        expected = model(IMAGES, training=False)
        np.testing.assert_allclose(extractor(IMAGES)["features"], expected, rtol=1e-5, atol=1e-6)

    @both_keras
    def test_layers_are_chosen_by_name(self, library):
        model = classifier(library)
        outputs = extractor_from_keras(model, features="hidden", logits="classes")(IMAGES)
        kernel, bias = (np.asarray(w) for w in model.get_layer("hidden").get_weights())
        hidden = np.maximum(IMAGES.reshape(5, -1) @ kernel + bias, 0.0)
        np.testing.assert_allclose(outputs["features"], hidden, rtol=1e-4, atol=1e-5)
        expected = model(IMAGES, training=False)
        np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-4, atol=1e-5)

    @both_keras
    def test_the_hash_is_that_of_the_weights(self, library):
        model = classifier(library)
        same = classifier(library)
        same.set_weights(model.get_weights())
        assert extractor_from_keras(model).hash == extractor_from_keras(same).hash
        assert extractor_from_keras(model).hash != extractor_from_keras(classifier(library)).hash

    @both_keras
    def test_an_unbuilt_model_is_built(self, library):
        model = library.Sequential([library.layers.Flatten(), library.layers.Dense(3)])
        extractor = extractor_from_keras(model, image_shape=(8, 8, 3))
        assert extractor.feature_size == 3
        assert len(model.weights) == 2

    def test_uint8_images_reach_it_as_numbers_from_0_to_255(self):
        model = keras.Sequential([keras.layers.Input([8, 8, 3]), keras.layers.Flatten()])
        images = np.random.default_rng(0).integers(0, 256, [2, 8, 8, 3]).astype(np.uint8)
        extractor = extractor_from_keras(model, value_range="uint8")
        np.testing.assert_array_equal(extractor(images)["features"], images.reshape(2, -1))

    def test_a_layer_that_is_not_there_is_told(self):
        with pytest.raises(ValueError, match="no layer 'pool'. Its layers are flat, hidden"):
            extractor_from_keras(classifier(keras), features="pool")


class Module(tf.Module):
    def __init__(self):
        self.kernel = tf.Variable(small_inception.KERNEL[:1, :1, :, :4].reshape(3, 4))

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def __call__(self, images):
        return tf.reduce_mean(images, [1, 2]) @ self.kernel

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, "pixels")])
    def both(self, pixels):
        mean = tf.reduce_mean(tf.cast(pixels, tf.float32), [1, 2])
        return {"mean": mean, "product": mean @ self.kernel}


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    path, module = tmp_path_factory.mktemp("saved") / "module", Module()
    tf.saved_model.save(module, str(path), signatures={"both": module.both})
    return path


class TestSavedModel:
    def test_is_called(self, saved_model):
        extractor = extractor_from_saved_model(saved_model)
        expected = IMAGES.mean(axis=(1, 2)) @ Module().kernel.numpy()
        np.testing.assert_allclose(extractor(IMAGES)["features"], expected, rtol=1e-4, atol=1e-6)
        assert extractor.name == "module"

    def test_has_signatures_with_outputs_by_name(self, saved_model):
        extractor = extractor_from_saved_model(
            saved_model, "mean", "product", signature="both", value_range="uint8"
        )
        pixels = np.random.default_rng(0).integers(0, 256, [3, 8, 8, 3]).astype(np.uint8)
        outputs = extractor(pixels)
        mean = pixels.astype(np.float64).mean(axis=(1, 2))
        np.testing.assert_allclose(outputs["features"], mean, rtol=1e-5)
        expected = mean @ Module().kernel.numpy()
        np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-4, atol=1e-3)

    def test_hash_tells_its_files_wherever_they_are(self, saved_model, tmp_path):
        first = extractor_from_saved_model(saved_model)
        copy = shutil.copytree(saved_model, tmp_path / "copy")
        assert extractor_from_saved_model(copy).hash == first.hash
        changed = Module()
        changed.kernel.assign_add(tf.ones([3, 4]))
        tf.saved_model.save(changed, str(copy))
        assert extractor_from_saved_model(copy).hash != first.hash

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"signature": "serve"}, r"no signature 'serve', but \['both'\]"),
            ({"signature": "both"}, r"outputs \['mean', 'product'\]: say which"),
            ({"signature": "both", "features": "pool"}, "no output 'pool'"),
            ({"features": "pool"}, "gives no mapping"),
        ],
    )
    def test_what_it_has_not_is_told(self, saved_model, arguments, message):
        with pytest.raises(ValueError, match=message):
            extractor_from_saved_model(saved_model, **arguments)

    def test_that_is_missing_or_broken_is_told(self, saved_model, tmp_path):
        with pytest.raises(FileNotFoundError, match="no SavedModel at .*saved_model.pb is needed"):
            extractor_from_saved_model(tmp_path)
        copy = shutil.copytree(saved_model, tmp_path / "copy")
        (copy / "saved_model.pb").write_bytes((copy / "saved_model.pb").read_bytes()[:500])
        with pytest.raises(ValueError, match="broken SavedModel"):
            extractor_from_saved_model(copy)


class TestHub:
    def test_names_the_extra_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
        with pytest.raises(ImportError, match=r"pip install 'tfgan_lite\[hub\]'"):
            extractor_from_hub("https://tfhub.dev/tensorflow/tfgan/eval/inception/1")

    def test_a_path_needs_neither_package_nor_network(self, saved_model):
        extractor = extractor_from_hub(str(saved_model))
        assert extractor.hash == extractor_from_saved_model(saved_model).hash


class TestFrozenGraph:
    NAMES = {"inputs": "Mul:0", "features": "pool_3:0"}

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "small.pb"
        path.write_bytes(small_inception.graph_bytes())
        return path

    def test_gives_its_tensors(self, path):
        extractor = extractor_from_frozen_graph(path, **self.NAMES, image_shape=(299, 299, 3))
        images = np.random.default_rng(0).uniform(-1, 1, [3, 299, 299, 3]).astype(np.float32)
        features, _ = small_inception.network(images)
        np.testing.assert_allclose(extractor(images)["features"], features, rtol=1e-4)
        assert extractor.hash == hashlib.sha256(path.read_bytes()).hexdigest()
        assert extractor.name == "small"

    def test_of_another_hash_is_told(self, path):
        with pytest.raises(ValueError, match="SHA-256 .* but 00ff was expected"):
            extractor_from_frozen_graph(path, **self.NAMES, sha256="00ff")

    def test_without_such_a_tensor_is_told(self, path):
        with pytest.raises(ValueError, match="has no pool_4:0"):
            extractor_from_frozen_graph(path, inputs="Mul:0", features="pool_4:0")
