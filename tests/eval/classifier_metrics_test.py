"""Scores of images in one call: those of what the classifier gives for them."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.worlds import in_tf2, in_tf_graph
from tfgan_lite.eval import (
    classifier_score,
    classifier_score_from_logits,
    frechet_classifier_distance,
    frechet_classifier_distance_from_activations,
    kernel_classifier_distance,
    kernel_classifier_distance_and_std,
    kernel_classifier_distance_and_std_from_activations,
)

WEIGHTS = np.random.default_rng(7).normal(size=(12, 3)).astype(np.float32)


def images(count, seed=0):
    values = np.random.default_rng(seed).integers(0, 255, (count, 2, 2, 3))
    return (values * np.linspace(0.2, 1.0, 3)).astype(np.uint8)


def classifier(batch):
    return tf.reshape(tf.cast(batch, tf.float32) / 255.0, [-1, 12]) @ WEIGHTS


def features(batch):
    return (batch.reshape(-1, 12) / np.float32(255.0)) @ WEIGHTS


METRICS = {
    "score": (
        lambda x, y, n: classifier_score(x, classifier, n),
        lambda x, y: classifier_score_from_logits(x),
    ),
    "Frechet": (
        lambda x, y, n: frechet_classifier_distance(x, y, classifier, n),
        frechet_classifier_distance_from_activations,
    ),
    "kernel": (
        lambda x, y, n: kernel_classifier_distance(x, y, classifier, n, 10),
        lambda x, y: kernel_classifier_distance_and_std_from_activations(x, y, 10)[0],
    ),
    "kernel and std": (
        lambda x, y, n: kernel_classifier_distance_and_std(x, y, classifier, n, 10),
        lambda x, y: kernel_classifier_distance_and_std_from_activations(x, y, 10),
    ),
}
every_metric = pytest.mark.parametrize(
    ("metric", "from_features"), METRICS.values(), ids=METRICS.keys()
)


@pytest.mark.slow
@every_metric
@pytest.mark.parametrize("run", [in_tf2, in_tf_graph], ids=["TF2", "tf.Graph"])
@pytest.mark.parametrize("num_batches", [1, 4])
def test_is_that_of_the_features_in_both_worlds(metric, from_features, run, num_batches):
    """In TF2 the metric of deferred values is one, in a graph that of tensors is a tensor."""

    def program():
        real, fake = (tfgan.constant(images(n, seed=n)) for n in (30, 21))
        if run is in_tf_graph:
            real, fake = (tf.constant(images(n, seed=n)) for n in (30, 21))
        return lambda: metric(real, fake, num_batches)

    expected = from_features(features(images(30, seed=30)), features(images(21, seed=21)))
    np.testing.assert_allclose(
        np.ravel(run(program)), np.ravel([np.asarray(v) for v in tf.nest.flatten(expected)]), 1e-4
    )


@every_metric
def test_takes_numpy_arrays_eagerly(metric, from_features):
    x, y = images(30), images(21, seed=1)
    np.testing.assert_allclose(
        [float(v) for v in tf.nest.flatten(metric(x, y, 3))],
        [float(v) for v in tf.nest.flatten(from_features(features(x), features(y)))],
        rtol=1e-4,
    )


def test_a_classifier_with_two_outputs_is_an_error():
    with pytest.raises(ValueError, match="logits must be a matrix"):
        classifier_score(images(4), lambda batch: tf.cast(batch, tf.float32))
