"""Mutual information, cycle consistency and feature matching, against float64 NumPy."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.losses.worlds import REDUCTIONS, WORLDS, finite_differences, reduced
from tfgan_lite.losses import wargs

every_world = pytest.mark.parametrize("world", WORLDS)
RANDOM = np.random.default_rng(0)


class Normal:
    """What InfoGAN's discriminator predicts of a code: a normal distribution of variance 1."""

    def __init__(self, mean):
        self.mean = mean

    def log_prob(self, code):
        return -tf.square(code - self.mean) / 2 - np.log(2 * np.pi) / 2


# Mutual information

CODES = RANDOM.normal(size=(2, 5, 3)).astype(np.float32)
MEANS = RANDOM.normal(size=(2, 5, 3)).astype(np.float32)


def log_likelihoods(means=MEANS):
    """The mean log-likelihood of each of the two codes."""
    densities = np.exp(-((CODES - means) ** 2) / 2) / np.sqrt(2 * np.pi)
    return np.log(densities.astype(np.float64)).mean((1, 2))


def mutual_information(means, **arguments):
    distributions = [Normal(mean) for mean in tf.unstack(means)]
    return wargs.mutual_information_penalty(list(CODES), distributions, **arguments)


@every_world
def test_mutual_information_penalty_is_minus_the_mean_log_likelihood(world):
    value = WORLDS[world](mutual_information, MEANS)
    np.testing.assert_allclose(value, -log_likelihoods().mean(), rtol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weights", [2.0, np.array([0.0, 3.0])], ids=["scalar", "per code"])
def test_weights_and_reduction_of_mutual_information_are_over_the_codes(weights, reduction):
    value = mutual_information(MEANS, weights=weights, reduction=reduction)
    np.testing.assert_allclose(value, reduced(-log_likelihoods(), weights, reduction), rtol=1e-5)


def test_gradient_of_mutual_information_is_that_of_finite_differences():
    means = tf.Variable(MEANS)
    with tf.GradientTape() as tape:
        value = mutual_information(means)
    differences = finite_differences(
        lambda x: -log_likelihoods(x).mean(), MEANS.astype(np.float64), 1e-4
    )
    np.testing.assert_allclose(tape.gradient(value, means), differences, atol=1e-4)


def test_collection_gets_mutual_information_with_the_sign_of_the_returned_value():
    """TF-GAN's collection got minus the returned value (B8)."""
    with tf.Graph().as_default() as graph:
        value = mutual_information(tf.constant(MEANS), loss_collection="mine")
        (collected,) = graph.get_collection("mine")
    assert collected is value


def test_tfp_distributions_serve_as_predictions():
    tfp = pytest.importorskip("tensorflow_probability")
    logits = np.array([[1.0, 2.0, -1.0], [0.0, 0.0, 0.0]], np.float32)
    codes = np.array([1, 2], np.int32)
    value = wargs.mutual_information_penalty([codes], [tfp.distributions.Categorical(logits)])
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(value, -np.log(probability[[0, 1], codes]).mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("codes", "distributions", "message"),
    [
        (tf.zeros([2, 3]), [Normal(0.0)], "structured_generator_inputs must be a list"),
        ([tf.zeros([2, 3])], Normal(0.0), "predicted_distributions must be a list"),
        ([tf.zeros([2, 3])], [Normal(0.0)] * 2, "1 codes and predicted_distributions 2"),
        ([], [], "at least one code"),
        ([tf.zeros([2, 3])], [tf.zeros([2, 3])], "objects with a method log_prob"),
        ([tf.zeros([5, 1])], [Normal(tf.zeros([5]))], r"\(5, 1\).*\(5, 5\)"),
    ],
)
def test_codes_and_distributions_that_do_not_fit_are_an_error(codes, distributions, message):
    with pytest.raises(ValueError, match=message):
        wargs.mutual_information_penalty(codes, distributions)


# Cycle consistency

IMAGES = RANDOM.normal(size=(4, 2, 3, 3, 1))


def cycle_loss(images, **arguments):
    return wargs.cycle_consistency_loss(*tf.unstack(images), **arguments)


def cycle_in_numpy(images, halved=True):
    x, there_x, y, there_y = images
    total = np.abs(x - there_x).mean() + np.abs(y - there_y).mean()
    return total / 2 if halved else total


@every_world
@pytest.mark.parametrize("halved", [True, False])
def test_cycle_loss_is_half_the_papers_sum_unless_told_otherwise(world, halved):
    """The halving is TF-GAN's (B10)."""
    value = WORLDS[world](lambda x: cycle_loss(x, halved=halved), IMAGES.astype(np.float32))
    np.testing.assert_allclose(value, cycle_in_numpy(IMAGES, halved), rtol=1e-5)


def test_gradient_of_the_cycle_loss_is_that_of_finite_differences():
    images = tf.Variable(IMAGES, dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = cycle_loss(images)
    differences = finite_differences(cycle_in_numpy, IMAGES)
    np.testing.assert_allclose(tape.gradient(value, images), differences, atol=1e-5)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float64])
def test_cycle_loss_of_any_dtype_is_float32(dtype):
    value = cycle_loss(tf.zeros([4, 2, 3], dtype))
    assert value.dtype == tf.float32


def test_reconstruction_of_another_shape_is_an_error():
    one, two = tf.zeros([1, 3]), tf.zeros([2, 3])
    with pytest.raises(ValueError, match=r"data_y has shape \(2, 3\) and reconstructed_data_y \(1"):
        wargs.cycle_consistency_loss(one, one, two, one)


def test_batch_of_one_is_not_broadcast_where_sizes_are_unknown():
    """A broadcast would give a number without an error (B5)."""
    spec = tf.TensorSpec([None, 3])
    value = tf.function(
        lambda x, y: wargs.cycle_consistency_loss(x, y, x, x), input_signature=[spec, spec]
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="data_x and reconstructed_data_x"):
        value(tf.zeros([2, 3]), tf.zeros([1, 3]))


# Feature matching

FEATURES = RANDOM.normal(size=(2, 6, 4))


def feature_matching_in_numpy(features):
    real, generated = features
    return np.sum((real.mean(0) - generated.mean(0)) ** 2)


@every_world
def test_feature_matching_is_the_squared_distance_of_mean_features(world):
    value = WORLDS[world](
        lambda x, y: wargs.feature_matching_loss(x, y), *FEATURES.astype(np.float32)
    )
    np.testing.assert_allclose(value, feature_matching_in_numpy(FEATURES), rtol=1e-5)


def test_gradient_of_feature_matching_is_that_of_finite_differences():
    features = tf.Variable(FEATURES, dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = wargs.feature_matching_loss(*tf.unstack(features))
    differences = finite_differences(feature_matching_in_numpy, FEATURES)
    np.testing.assert_allclose(tape.gradient(value, features), differences, atol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_and_reduction_of_feature_matching_are_over_the_layers(reduction):
    real, generated = FEATURES
    layers = [(real, generated), (real[:, :2], 3 * generated[:, :2])]
    value = wargs.feature_matching_loss(
        *map(list, zip(*layers)), weights=np.array([0.0, 2.0]), reduction=reduction
    )
    distances = np.array([feature_matching_in_numpy(layer) for layer in layers])
    np.testing.assert_allclose(value, reduced(distances, [0.0, 2.0], reduction), rtol=1e-5)


def test_equal_features_have_neither_loss_nor_gradient():
    features = tf.Variable(FEATURES[0], dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = wargs.feature_matching_loss(features, features)
    assert value == 0
    np.testing.assert_array_equal(tape.gradient(value, features), np.zeros([6, 4]))


def test_batch_sizes_may_differ_and_features_may_be_float16():
    value = wargs.feature_matching_loss(tf.zeros([3, 2], tf.float16), tf.ones([5, 2], tf.float16))
    assert value.dtype == tf.float32
    assert value == 2


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (tf.zeros([3, 2]), tf.zeros([3, 1]), r"\(2,\).*\(1,\)"),
        ([tf.zeros([3, 2])], [tf.zeros([3, 2])] * 2, "differ in structure"),
    ],
)
def test_features_that_do_not_fit_are_an_error(real, generated, message):
    with pytest.raises(ValueError, match=message):
        wargs.feature_matching_loss(real, generated)


# Classes


@pytest.mark.parametrize("labels", [tf.constant([0, 1, 2]), tf.zeros([3, 4]), tf.zeros([1, 3])])
def test_labels_that_are_not_one_hot_for_the_logits_are_an_error(labels):
    with pytest.raises(ValueError, match="one_hot_labels"):
        wargs.acgan_generator_loss(tf.zeros([3, 3]), labels)


def test_label_smoothing_of_classes_is_for_real_data_alone():
    """Of 4 classes and 0.2, the label's target is 0.85; the generator's target stays 1."""
    labels = tf.one_hot([1], 4)
    smoothed = tf.math.log([[0.05, 0.85, 0.05, 0.05]])
    value = wargs.acgan_discriminator_loss(smoothed, labels * 1e3, labels, label_smoothing=0.2)
    entropy = -(0.85 * np.log(0.85) + 3 * 0.05 * np.log(0.05))
    np.testing.assert_allclose(value, entropy, rtol=1e-5)


# Summaries


@pytest.mark.parametrize(
    ("loss", "tags"),
    [
        (lambda **k: mutual_information(MEANS, **k), {"mutual_information_penalty"}),
        (
            lambda **k: cycle_loss(tf.constant(IMAGES), **k),
            {
                "cycle_consistency_loss",
                "cycle_consistency_loss_x",
                "cycle_consistency_loss_y",
            },
        ),
        (lambda **k: wargs.feature_matching_loss(*FEATURES, **k), {"feature_matching_loss"}),
    ],
)
def test_summaries_in_a_graph_have_these_tags(loss, tags):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loss(add_summaries=True)
        merged = session.run(tf.compat.v1.summary.merge_all())
    assert {value.tag for value in tf.compat.v1.Summary.FromString(merged).value} == tags


# On model tuples

NOTHING = tfgan.GANModel(*[None] * len(tfgan.GANModel._fields))


@pytest.mark.parametrize("value", [tf.constant, tfgan.constant], ids=["tensors", "deferred"])
def test_cycle_loss_of_a_model_compares_inputs_and_reconstructions(value):
    x, there_x, y, there_y = (value(images.astype(np.float32)) for images in IMAGES)
    m = tfgan.CycleGANModel(
        NOTHING._replace(generator_inputs=x), NOTHING._replace(generator_inputs=y), there_x, there_y
    )
    loss = tfgan.losses.cycle_consistency_loss(m, halved=False)
    loss = loss if value is tf.constant else loss()
    np.testing.assert_allclose(loss, cycle_in_numpy(IMAGES, halved=False), rtol=1e-5)


def test_cycle_loss_of_another_model_is_an_error():
    with pytest.raises(ValueError, match="needs a CycleGANModel.*not a GANModel"):
        tfgan.losses.cycle_consistency_loss(NOTHING)


@pytest.mark.parametrize("value", [tf.constant, tfgan.constant], ids=["tensors", "deferred"])
def test_feature_matching_of_a_model_takes_the_features_that_the_discriminator_returns(value):
    outputs = [
        {"logits": value([[0.0]]), "features": value(x.astype(np.float32))} for x in FEATURES
    ]
    m = NOTHING._replace(
        discriminator_real_outputs=outputs[0], discriminator_gen_outputs=outputs[1]
    )
    loss = tfgan.losses.feature_matching_loss(m, weights=2.0)
    loss = loss if value is tf.constant else loss()
    np.testing.assert_allclose(loss, 2 * feature_matching_in_numpy(FEATURES), rtol=1e-5)


def test_feature_matching_of_a_model_may_be_told_the_features():
    real, generated = FEATURES.astype(np.float32)
    m = NOTHING._replace(real_data=tf.constant(real), generated_data=tf.constant(generated))
    loss = tfgan.losses.feature_matching_loss(m, features_fn=lambda x: 3.0 * x)
    np.testing.assert_allclose(loss, 9 * feature_matching_in_numpy(FEATURES), rtol=1e-5)


def test_discriminator_without_features_is_an_error():
    logits = tf.zeros([3, 1])
    m = NOTHING._replace(discriminator_real_outputs=logits, discriminator_gen_outputs=logits)
    with pytest.raises(ValueError, match='"features", or an argument features_fn'):
        tfgan.losses.feature_matching_loss(m)


def test_feature_matching_belongs_to_the_generator():
    assert tfgan.losses.feature_matching_loss.network == "generator"
