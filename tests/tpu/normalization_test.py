"""Batch normalisation for a tf.Graph against float64 NumPy, Keras, and on two replicas."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.tpu.replicas import BETA, CLASSES, DECAY, GAMMA, LABELS, batch, outcomes, parts
from tfgan_lite import tpu

# TF-GAN's arguments, in their order.
SIGNATURES = {
    tpu.batch_norm: "inputs is_training conditional_class_labels axis variance_epsilon center"
    " scale beta_initializer gamma_initializer batch_axis name",
    tpu.standardize_batch: "inputs is_training offset scale decay epsilon data_format"
    " use_moving_averages use_cross_replica_mean",
}
EPSILON = 1e-3
ONE_HOT = np.eye(CLASSES)[LABELS]


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, size=shape)


def normalized_in_numpy(inputs, axis=-1):
    axes = tuple(i for i in range(inputs.ndim) if i != axis % inputs.ndim)
    mean, variance = inputs.mean(axes, keepdims=True), inputs.var(axes, keepdims=True)
    return (inputs - mean) / np.sqrt(variance + EPSILON)


def by_moving_averages(inputs, decay):
    """Of a batch [8, 3, 2], which has moved the averages once."""
    mean = (1 - decay) * inputs.mean((0, 1))
    variance = decay + (1 - decay) * inputs.var((0, 1))
    return (inputs - mean) / np.sqrt(variance + EPSILON)


class Graph:
    """A graph with one call of a function in training and one in inference, on the same inputs."""

    def __init__(self, function, inputs, dtype=tf.float32, **arguments):
        self.graph = tf.Graph()
        with self.graph.as_default():
            inputs = tf.constant(inputs, dtype)
            with tf.compat.v1.variable_scope("scope", reuse=tf.compat.v1.AUTO_REUSE):
                self.trained, self.inferred = (
                    function(inputs, training, **arguments) for training in (True, False)
                )
            self.updates = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
            self.variables = {
                v.op.name.removeprefix("scope/"): v for v in tf.compat.v1.global_variables()
            }
            self.session = tf.compat.v1.Session()
            self.session.run(tf.compat.v1.global_variables_initializer())

    def run(self, fetches):
        return self.session.run(fetches)


@pytest.mark.parametrize("function", SIGNATURES)
def test_arguments_are_those_of_tf_gan(function):
    assert list(inspect.signature(function).parameters) == SIGNATURES[function].split()


# standardize_batch


@pytest.mark.parametrize(
    ("shape", "data_format", "axis"),
    [
        ((6, 3), "NHWC", 1),
        ((6, 3), "NCHW", 1),
        ((6, 4, 5, 3), "NHWC", 3),
        ((6, 3, 4, 5), "NCHW", 1),
    ],
)
def test_channels_are_where_data_format_says(shape, data_format, axis):
    """With NCHW TF-GAN took the number of channels from the last axis (fault B16)."""
    graph = Graph(tpu.standardize_batch, data(*shape), data_format=data_format)
    expected = normalized_in_numpy(data(*shape), axis)
    np.testing.assert_allclose(graph.run(graph.trained), expected, rtol=1e-4, atol=1e-5)
    shapes = {name: v.shape.as_list() for name, v in graph.variables.items()}
    assert shapes == {"moving_mean": [3], "moving_variance": [3]}


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_scale_and_offset_are_per_channel(data_format):
    shape, axis = ((6, 4, 5, 3), 3) if data_format == "NHWC" else ((6, 3, 4, 5), 1)
    graph = Graph(
        tpu.standardize_batch,
        data(*shape),
        scale=[1.0, 2.0, 3.0],
        offset=[4.0, 5.0, 6.0],
        data_format=data_format,
    )
    per_channel = [-1 if i == axis else 1 for i in range(4)]
    scale, offset = (np.reshape(x, per_channel) for x in ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]))
    expected = normalized_in_numpy(data(*shape), axis) * scale + offset
    np.testing.assert_allclose(graph.run(graph.trained), expected, rtol=1e-4, atol=1e-5)


def test_inference_is_by_moving_averages_that_update_ops_move():
    inputs = data(8, 3)
    graph = Graph(tpu.standardize_batch, inputs, decay=0.9)
    keras = tf.keras.layers.BatchNormalization(momentum=0.9, dtype="float64")
    assert len(graph.updates) == 2
    for _ in range(3):
        outputs = keras(inputs, training=False)
        np.testing.assert_allclose(graph.run(graph.inferred), outputs, rtol=1e-4, atol=1e-5)
        graph.run(graph.updates)
        keras(inputs, training=True)


def test_training_without_moving_averages_leaves_the_accumulators_alone():
    graph = Graph(tpu.standardize_batch, data(8, 3), use_moving_averages=False)
    assert sorted(graph.variables) == [
        "accu/accu_counter",
        "accu/accu_mean",
        "accu/accu_variance",
        "accu/update_accus",
    ]
    assert graph.updates == []
    before = graph.run(graph.variables)
    expected = normalized_in_numpy(data(8, 3))
    np.testing.assert_allclose(graph.run(graph.trained), expected, rtol=1e-4, atol=1e-5)
    for name, value in graph.run(graph.variables).items():
        np.testing.assert_array_equal(value, before[name])


def test_inference_accumulates_moments_while_it_is_told_to():
    batches = [data(8, 3, seed=seed) for seed in (0, 1)]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        feed = tf.compat.v1.placeholder(tf.float32, [None, 3])
        outputs = tpu.standardize_batch(feed, False, use_moving_averages=False)
        session.run(tf.compat.v1.global_variables_initializer())
        variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
        session.run(variables["accu/update_accus"].assign(1))
        for each in batches:
            session.run(outputs, {feed: each})
        session.run(variables["accu/update_accus"].assign(0))
        results = [session.run(outputs, {feed: batches[0]}) for _ in range(2)]
        counter = session.run(variables["accu/accu_counter"])
    mean = np.mean([each.mean(0) for each in batches], 0)
    variance = np.mean([each.var(0) for each in batches], 0)
    expected = (batches[0] - mean) / np.sqrt(variance + EPSILON)
    for result in results:
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(counter, 2.0)


def test_inference_before_anything_was_accumulated_changes_next_to_nothing():
    """TF-GAN's multiplied by 31.6: its variance was 0."""
    graph = Graph(tpu.standardize_batch, data(8, 3), use_moving_averages=False)
    expected = data(8, 3) / np.sqrt(1 + EPSILON)
    np.testing.assert_allclose(graph.run(graph.inferred), expected, rtol=1e-5)


def test_variance_is_exact_where_the_mean_is_much_larger_than_the_deviation():
    inputs = np.float32(1e4 + 0.1 * data(64, 2)).astype(np.float64)
    graph = Graph(tpu.standardize_batch, inputs)
    np.testing.assert_allclose(graph.run(graph.trained), normalized_in_numpy(inputs), atol=0.01)


# batch_norm


@pytest.mark.parametrize(
    ("shape", "axis"), [((8, 4), -1), ((8, 4, 5, 3), -1), ((8, 3, 4, 5), 1), ((8, 4, 3), -1)]
)
def test_axis_says_where_the_channels_are(shape, axis):
    """TF-GAN's axis shaped the parameters alone: axis 1 was normalised wrongly (fault B16)."""
    graph = Graph(tpu.batch_norm, data(*shape), axis=axis)
    expected = normalized_in_numpy(data(*shape), axis)
    np.testing.assert_allclose(graph.run(graph.trained), expected, rtol=1e-4, atol=1e-5)
    # As in TF-GAN's checkpoints.
    parameters = [1] * len(shape)
    parameters[axis] = shape[axis]
    assert {name: v.shape.as_list() for name, v in graph.variables.items()} == {
        "batch_norm/beta": parameters,
        "batch_norm/gamma": parameters,
        "batch_norm/moving_mean": [shape[axis]],
        "batch_norm/moving_variance": [shape[axis]],
    }


@pytest.mark.parametrize(
    ("shape", "axis", "batch_axis"),
    [
        ((8, 2), -1, 0),
        ((8, 4, 5, 2), -1, 0),
        ((8, 2, 4, 5), 1, 0),
        ((2, 5, 8), 0, 2),
        ((5, 8, 2), 2, 1),
    ],
)
@pytest.mark.parametrize(("center", "scale"), [(True, True), (True, False), (False, True)])
def test_class_chooses_scale_and_offset(shape, axis, batch_axis, center, scale):
    """TF-GAN failed with one of them alone (fault B24), and once broadcast rank 2 wrongly."""
    inputs = data(*shape)
    # The variables' axes are those of the inputs, with the classes in the place of the examples.
    gamma, beta = (GAMMA.T, BETA.T) if axis == 0 else (GAMMA, BETA)
    graph = Graph(
        tpu.batch_norm,
        inputs,
        conditional_class_labels=ONE_HOT,
        axis=axis,
        batch_axis=batch_axis,
        center=center,
        scale=scale,
        gamma_initializer=tf.constant_initializer(gamma),
        beta_initializer=tf.constant_initializer(beta),
    )
    # With the examples first and the channels last it is plain broadcasting.
    expected = np.moveaxis(normalized_in_numpy(inputs, axis), (batch_axis, axis), (0, -1))
    rows = [8] + [1] * (inputs.ndim - 2) + [2]
    if scale:
        expected = expected * GAMMA[LABELS].reshape(rows)
    if center:
        expected = expected + BETA[LABELS].reshape(rows)
    found = np.moveaxis(graph.run(graph.trained), (batch_axis, axis), (0, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("center", "scale"), [(True, False), (False, True), (False, False)])
def test_offset_and_scale_may_be_left_out(center, scale):
    """UnboundLocalError in TF-GAN (fault B24)."""
    graph = Graph(tpu.batch_norm, data(8, 3), center=center, scale=scale)
    expected = normalized_in_numpy(data(8, 3))
    np.testing.assert_allclose(graph.run(graph.trained), expected, rtol=1e-4, atol=1e-5)
    names = {name.removeprefix("batch_norm/") for name in graph.variables}
    wanted = [name for name, there in (("beta", center), ("gamma", scale)) if there]
    assert names == {*wanted, "moving_mean", "moving_variance"}


def test_calls_with_one_name_share_their_variables():
    graph = Graph(tpu.batch_norm, data(8, 3))
    assert sorted(graph.variables) == [
        "batch_norm/beta",
        "batch_norm/gamma",
        "batch_norm/moving_mean",
        "batch_norm/moving_variance",
    ]


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bit_inputs_are_normalised_in_float32(dtype):
    """The squares of these are no float16."""
    inputs = np.array([[0.0], [2000.0]])
    graph = Graph(tpu.batch_norm, inputs, dtype)
    assert graph.trained.dtype == dtype
    assert {v.dtype.base_dtype for v in graph.variables.values()} == {tf.float32}
    outputs = np.asarray(graph.run(graph.trained), np.float64)
    np.testing.assert_allclose(outputs, [[-1.0], [1.0]])


def test_updates_of_a_gan_move_the_averages_of_the_network_that_trains():
    def generator(inputs):
        weights = tf.compat.v1.get_variable("w", [2, 2])
        return tpu.batch_norm(inputs @ weights, True, name="bn")

    with tf.Graph().as_default():
        critic = lambda x: tpu.batch_norm(x, True) @ tf.compat.v1.get_variable("w", [2, 1])  # noqa: E731
        noise = tf.random.normal([8, 2])
        model = tfgan.gan_model(generator, critic, tf.random.normal([8, 2]), noise)
        for network, calls in ((model.generator_fn, 1), (model.discriminator_fn, 2)):
            assert len(network.statistics) == 2
            assert len(set(network.update_ops)) == 2 * calls
        assert len(model.generator_variables) == 3


@pytest.mark.parametrize("world", ["eager", "tf.function"])
@pytest.mark.parametrize(
    ("call", "layer"),
    [
        (lambda x: tpu.standardize_batch(x, True), "BatchNormalization.synchronized=True"),
        (lambda x: tpu.batch_norm(x, True), "BatchNormalization.synchronized=True"),
        (lambda x: tpu.batch_norm(x, True, x), "ConditionalBatchNormalization.num_classes"),
    ],
)
def test_tf2_is_an_error_that_names_the_layer(call, layer, world):
    with pytest.raises(ValueError, match=f"makes its variables .*{layer}"):
        (call if world == "eager" else tf.function(call))(tf.ones([2, 2]))


# On two replicas


@pytest.mark.slow
@pytest.mark.parametrize("conditional", [False, True])
def test_two_replicas_of_batch_norm_equal_one_with_the_whole_batch(conditional):
    found = outcomes()["batch_norm, conditional" if conditional else "batch_norm"]
    labels = LABELS if conditional else np.zeros(8, int)
    gamma, beta = GAMMA[labels][:, None], BETA[labels][:, None]
    expected = normalized_in_numpy(batch()) * gamma + beta
    np.testing.assert_allclose(np.concatenate(found["trained"]), expected, rtol=1e-4, atol=1e-5)
    expected = by_moving_averages(batch(), 0.999) * gamma + beta
    np.testing.assert_allclose(np.concatenate(found["inferred"]), expected, rtol=1e-4, atol=1e-5)


def test_two_replicas_of_standardize_batch_equal_one_with_the_whole_batch():
    found = outcomes()["standardize_batch"]
    expected = normalized_in_numpy(batch())
    np.testing.assert_allclose(np.concatenate(found["trained"]), expected, rtol=1e-4, atol=1e-5)
    expected = by_moving_averages(batch(), DECAY)
    np.testing.assert_allclose(np.concatenate(found["inferred"]), expected, rtol=1e-4, atol=1e-5)


def test_replicas_may_normalise_alone():
    found = outcomes()["standardize_batch, alone"]
    expected = [normalized_in_numpy(part) for part in parts(batch())]
    np.testing.assert_allclose(found["trained"], expected, rtol=1e-4, atol=1e-5)


def test_two_replicas_of_the_layer_equal_one_with_the_whole_batch():
    found = outcomes()["layer"]
    expected = normalized_in_numpy(batch()) * GAMMA[LABELS][:, None] + BETA[LABELS][:, None]
    np.testing.assert_allclose(np.concatenate(found["outputs"]), expected, rtol=1e-4, atol=1e-5)
    mean, variance = batch().mean((0, 1)), batch().var((0, 1))
    np.testing.assert_allclose(found["moving"][0], (1 - DECAY) * mean, rtol=1e-4)
    np.testing.assert_allclose(found["moving"][1], DECAY + (1 - DECAY) * variance, rtol=1e-4)


# Bad input

IMAGES = tf.TensorSpec([8, 4, 4, 2])


@pytest.mark.parametrize(
    ("function", "spec", "arguments", "message"),
    [
        (tpu.standardize_batch, tf.TensorSpec([8, 4, 2]), {}, "inputs must have rank 2 or 4"),
        (tpu.standardize_batch, tf.TensorSpec(None), {}, "inputs must have a known rank >= 2"),
        (tpu.standardize_batch, tf.TensorSpec([8, None]), {}, "The number of channels, axis 1"),
        (tpu.standardize_batch, IMAGES, {"data_format": "NWHC"}, "data_format must be"),
        (tpu.standardize_batch, IMAGES, {"decay": 1.5}, "decay must be 0 to 1"),
        (tpu.standardize_batch, IMAGES, {"epsilon": 0.0}, "epsilon must be > 0"),
        (tpu.batch_norm, tf.TensorSpec([8, 2], tf.int32), {}, "inputs must be floating"),
        (tpu.batch_norm, IMAGES, {"axis": 4}, "axis 4 is out of range"),
        (tpu.batch_norm, IMAGES, {"batch_axis": -5}, "batch_axis -5 is out of range"),
        (tpu.batch_norm, IMAGES, {"axis": 0}, "axis and batch_axis must differ"),
        (tpu.batch_norm, IMAGES, {"variance_epsilon": 0.0}, "epsilon must be > 0"),
        (tpu.batch_norm, IMAGES, {"is_training": 1}, "is_training must be True or False"),
        (
            tpu.batch_norm,
            IMAGES,
            {"conditional_class_labels": LABELS},
            "conditional_class_labels must be one-hot",
        ),
        (
            tpu.batch_norm,
            IMAGES,
            {"conditional_class_labels": ONE_HOT[:1]},
            "must have one row for each of the 8 examples",
        ),
    ],
)
def test_bad_input_is_an_error(function, spec, arguments, message):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        inputs = tf.compat.v1.placeholder(spec.dtype, spec.shape)
        function(inputs, **{"is_training": True, **arguments})
