"""The shipped digit classifiers: what they reach, and that every world sees the same."""

import hashlib
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from examples.mnist_gan import classifier, data

REPOSITORY = pathlib.Path(__file__).parents[2]
MNIST = pathlib.Path(
    os.environ.get("TFGAN_LITE_MNIST", REPOSITORY.parent / "shared" / "data" / "mnist.npz")
)


def as_floats(images):
    return images.astype(np.float32) / 127.5 - 1.0


def count_correct(model, digits):
    _, logits = model.features_and_logits(as_floats(digits.images))
    return int(np.sum(np.argmax(logits, axis=1) == digits.labels))


@pytest.fixture(scope="module")
def model():
    return classifier.DigitClassifier.load("digits")


@pytest.fixture(scope="module")
def held_out_digits():
    return data.load("digits", split="test")


def test_the_embedded_digits_are_told_apart_as_well_as_stated(model, held_out_digits):
    assert model.test_total == len(held_out_digits.labels)
    assert model.test_accuracy >= 0.98
    # One image on the verge may fall either way on another machine.
    assert count_correct(model, held_out_digits) == pytest.approx(model.test_correct, abs=1)


def test_mnist_is_told_apart_as_well_as_stated():
    if not MNIST.exists():
        pytest.skip(f"There is no MNIST at {MNIST}: name the file in TFGAN_LITE_MNIST.")
    model = classifier.DigitClassifier.load("mnist")
    digits = data.load("mnist", str(MNIST), "test")
    assert model.test_total == len(digits.labels)
    assert model.test_accuracy >= 0.985
    assert count_correct(model, digits) == pytest.approx(model.test_correct, abs=5)


@pytest.mark.parametrize("dataset", classifier.DATASETS)
def test_a_weights_file_is_under_500_kilobytes(dataset):
    assert classifier.weights_path(dataset).stat().st_size < 500_000


@pytest.mark.parametrize("dataset", classifier.DATASETS)
def test_the_hash_is_that_of_the_weights_file(dataset):
    content = classifier.weights_path(dataset).read_bytes()
    expected = hashlib.sha256(content).hexdigest()
    assert classifier.DigitClassifier.load(dataset).sha256 == expected


def test_the_accuracy_is_the_share_of_the_stated_counts(model):
    assert model.test_accuracy == model.test_correct / model.test_total


def test_every_image_has_features_and_logits(model, held_out_digits):
    features, logits = model.features_and_logits(as_floats(held_out_digits.images[:7]))
    assert features.shape == (7, classifier.NUM_FEATURES) and features.dtype == tf.float32
    assert logits.shape == (7, 10) and logits.dtype == tf.float32


def test_an_image_is_seen_alike_alone_and_among_many(model, held_out_digits):
    many = as_floats(np.tile(held_out_digits.images, [4, 1, 1, 1]))  # More than two chunks.
    features, logits = model.features_and_logits(many)
    for index in (0, 700, len(many) - 1):
        alone = model.features_and_logits(many[index : index + 1])
        np.testing.assert_allclose(features[index], alone[0][0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(logits[index], alone[1][0], rtol=1e-4, atol=1e-4)


def test_a_graph_sees_what_eager_sees(model, held_out_digits):
    images = as_floats(held_out_digits.images[:20])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        placeholder = tf.compat.v1.placeholder(tf.float32, [None, 28, 28, 1])
        graph = session.run(model.features_and_logits(placeholder), {placeholder: images})
        assert not tf.compat.v1.global_variables()
    for from_graph, eager in zip(graph, model.features_and_logits(images), strict=True):
        np.testing.assert_allclose(from_graph, eager, rtol=1e-5, atol=1e-5)


def test_a_tf_function_sees_what_eager_sees(model, held_out_digits):
    images = tf.constant(as_floats(held_out_digits.images[:20]))
    compiled = tf.function(model.features_and_logits)(images)
    for from_function, eager in zip(compiled, model.features_and_logits(images), strict=True):
        np.testing.assert_allclose(from_function, eager, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 28, 28), np.float32),
        np.zeros((0, 28, 28, 1), np.float32),
        np.zeros((2, 28, 28, 1), np.uint8),
    ],
)
def test_images_of_another_shape_or_dtype_are_an_error(model, images):
    with pytest.raises(ValueError, match=r"expected float32 \(N, 28, 28, 1\)"):
        model.features_and_logits(images)


def test_an_unknown_dataset_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match="'cifar'.*digits, mnist"):
        classifier.DigitClassifier.load("cifar")


def test_missing_weights_are_an_error_that_says_how_to_make_them(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "weights_path", lambda dataset: tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError, match="train_classifier --dataset=mnist"):
        classifier.DigitClassifier.load("mnist")


def test_as_an_extractor_it_sees_the_same(model, held_out_digits):
    extractor = model.extractor()
    outputs = extractor(held_out_digits.images[:7])
    features, logits = model.features_and_logits(as_floats(held_out_digits.images[:7]))
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs["logits"], logits, rtol=1e-4, atol=1e-5)
    assert extractor.hash == model.sha256
    assert (extractor.feature_size, extractor.num_classes) == (classifier.NUM_FEATURES, 10)
