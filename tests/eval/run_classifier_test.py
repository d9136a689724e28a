"""Classifiers run in batches of any size over any structure."""

import numpy as np
import pytest
import tensorflow as tf

from tests.worlds import in_tf2, in_tf_function, in_tf_graph
from tfgan_lite.eval import run_classifier_fn, sample_and_run_classifier_fn

worlds = pytest.mark.parametrize(
    "run", [in_tf2, in_tf_graph, in_tf_function], ids=["TF2", "tf.Graph", "tf.function"]
)


def images(count=10, dtype=np.float32):
    return np.random.default_rng(0).integers(0, 255, (count, 4, 4, 3)).astype(dtype)


def features(batch):
    return {
        "mean": tf.reduce_mean(tf.cast(batch, tf.float32), axis=[1, 2]),
        "count": batch[:, 0, 0],
    }


def evaluate(run, function):
    """In the eager world there is nothing to fetch."""
    if run is in_tf2:
        return tf.nest.map_structure(np.asarray, function())
    return run(lambda: function)


@worlds
@pytest.mark.parametrize("num_batches", [1, 2, 3, 4, 10])
def test_result_is_that_of_one_batch(run, num_batches):
    """Forbids B35: num_batches has to divide the number of samples."""
    given = images()
    found = evaluate(run, lambda: run_classifier_fn(tf.constant(given), features, num_batches))
    np.testing.assert_allclose(found["mean"], given.mean(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_array_equal(found["count"], given[:, 0, 0])


@worlds
def test_uint8_images_may_give_float_features(run):
    """Forbids B35: the outputs are taken to be of the inputs' dtype."""
    given = images(7, np.uint8)
    found = evaluate(run, lambda: run_classifier_fn(tf.constant(given), features, 3))
    assert found["mean"].dtype == np.float32
    assert found["count"].dtype == np.uint8
    np.testing.assert_allclose(found["mean"], given.mean(axis=(1, 2)), rtol=1e-6)


@pytest.mark.parametrize("num_batches", [1, 3])
def test_only_the_run_may_know_how_many_samples_there_are(num_batches):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        given = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 3])
        found = run_classifier_fn(given, features, num_batches)
        for count in (7, 10):
            values = session.run(found, {given: images(count)})
            np.testing.assert_allclose(values["mean"], images(count).mean(axis=(1, 2)), rtol=1e-6)


def test_the_number_of_samples_that_a_graph_knows_stays_known():
    with tf.Graph().as_default():
        found = run_classifier_fn(tf.constant(images(10)), features, num_batches=3)
        assert found["mean"].shape == [10, 3]


def test_each_batch_is_of_nearly_equal_size_and_one_is_classified_at_a_time():
    sizes = []

    def classifier(batch):
        sizes.append(len(batch))
        return batch

    run_classifier_fn(images(11), classifier, 4)
    assert sizes == [2, 3, 3, 3]


def test_in_a_graph_all_batches_share_the_classifiers_variables():
    def classifier(batch):
        flat = tf.reshape(batch, [-1, 48])
        return flat @ tf.compat.v1.get_variable("w", [48, 5])

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = run_classifier_fn(tf.constant(images()), classifier, 3)
        (weights,) = tf.compat.v1.global_variables()
        session.run(tf.compat.v1.global_variables_initializer())
        values, w = session.run([found, weights])
        np.testing.assert_allclose(values, images().reshape(10, 48) @ w, rtol=1e-4)


@pytest.mark.parametrize("num_batches", [0, 11, 2.5])
def test_another_number_of_batches_is_an_error(num_batches):
    with pytest.raises(ValueError, match="num_batches must be"):
        run_classifier_fn(images(), features, num_batches)


@pytest.mark.parametrize("num_batches", [1, 2])
def test_a_classifier_that_gives_one_number_is_an_error(num_batches):
    with pytest.raises(ValueError, match=r"a row for each sample.*shape \(\)"):
        run_classifier_fn(images(), tf.reduce_mean, num_batches)


def test_a_classifier_that_loses_samples_is_an_error():
    with pytest.raises(ValueError, match="of 10 samples it makes the shape"):
        run_classifier_fn(images(), lambda batch: batch[:3])


@worlds
def test_samples_are_made_and_classified_batch_by_batch(run):
    """Forbids B35: batches of unequal size cannot be classified."""
    noise = [np.random.default_rng(n).normal(size=(n, 2)).astype(np.float32) for n in (3, 3, 1)]

    def generator(z):
        return {"image": 2.0 * z, "label": z[:, 0] > 0}

    def classifier(samples):
        return samples["image"] + 1.0, samples["label"]

    found = evaluate(
        run,
        lambda: sample_and_run_classifier_fn(
            generator, [tf.constant(z) for z in noise], classifier
        ),
    )
    joined = np.concatenate(noise)
    np.testing.assert_allclose(found[0], 2.0 * joined + 1.0, rtol=1e-6)
    np.testing.assert_array_equal(found[1], joined[:, 0] > 0)


@worlds
@pytest.mark.parametrize("count", [1, 3])
def test_inputs_of_the_generator_may_be_structures(run, count):
    inputs = [{"z": tf.ones, "y": tf.zeros}] * count

    def sample(given):
        return given["z"] + given["y"]

    def function():
        batches = [{"z": each["z"]([2, 2]), "y": each["y"]([2, 2])} for each in inputs]
        return sample_and_run_classifier_fn(sample, batches, tf.identity)

    np.testing.assert_array_equal(evaluate(run, function), np.ones((2 * count, 2)))


@pytest.mark.parametrize("inputs", [[], None, np.zeros((3, 2))])
def test_inputs_of_the_generator_are_a_list(inputs):
    with pytest.raises(ValueError, match="sample_inputs must be a list"):
        sample_and_run_classifier_fn(tf.identity, inputs, tf.identity)


@worlds
def test_inputs_of_the_generator_may_be_scalars(run):
    found = evaluate(
        run,
        lambda: sample_and_run_classifier_fn(
            lambda value: tf.fill([2, 3], value), [1.0, 2.0, 5.0], lambda batch: 10.0 * batch
        ),
    )
    np.testing.assert_array_equal(found[:, 0], [10, 10, 20, 20, 50, 50])
