"""Conditional batch norm and the projection discriminator against float64 NumPy and Keras."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.features import ConditionalBatchNormalization, ProjectionDiscriminator

LABELS = np.array([2, 0, 1, 2, 0, 0])
ONE_HOT = np.eye(3)[LABELS]
EPSILON = 1e-3
both_kinds = pytest.mark.parametrize("labels", [LABELS, ONE_HOT], ids=["integers", "one-hot"])


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, size=shape)


def normalized_in_numpy(inputs, axis=-1):
    axes = tuple(i for i in range(inputs.ndim) if i != axis % inputs.ndim)
    mean, variance = inputs.mean(axes, keepdims=True), inputs.var(axes, keepdims=True)
    return (inputs - mean) / np.sqrt(variance + EPSILON)


def along(rows, inputs, axis=-1):
    """Rows [B, C], shaped to broadcast against inputs."""
    shape = [1] * inputs.ndim
    shape[0], shape[axis] = rows.shape
    return rows.reshape(shape)


def built(layer, *shapes):
    """The layer with random weights, so that classes differ."""
    layer([tf.zeros(shape) for shape in shapes])
    random = np.random.default_rng(7)
    for weight in layer.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


def trained(layer):
    return [weight.numpy() for weight in layer.trainable_weights]


# Conditional batch normalisation


@pytest.mark.parametrize(
    ("shape", "axis"), [((6, 4), -1), ((6, 4), 1), ((6, 3, 5, 4), -1), ((6, 4, 3, 5), 1)]
)
@both_kinds
def test_each_example_is_scaled_and_offset_by_its_class(shape, axis, labels):
    """For rank 2 TF-GAN once broadcast wrongly (mended in 9cf7dd5)."""
    inputs = data(*shape)
    layer = built(ConditionalBatchNormalization(3, axis, dtype="float64"), shape, (6, 3))
    gamma, beta = trained(layer)
    assert gamma.shape == beta.shape == (3, 4)
    outputs = layer([inputs, tf.constant(labels)], training=True)
    expected = normalized_in_numpy(inputs, axis) * along(gamma[LABELS], inputs, axis)
    expected += along(beta[LABELS], inputs, axis)
    np.testing.assert_allclose(outputs, expected, rtol=1e-9)


def test_scale_and_offset_are_affine_in_vectors():
    inputs, vectors = data(6, 3, 5, 4), data(6, 2, seed=1)
    shapes = inputs.shape, vectors.shape
    layer = built(ConditionalBatchNormalization(dtype="float64"), *shapes)
    weight, bias, beta_weight, beta_bias = trained(layer)
    expected = normalized_in_numpy(inputs) * along(vectors @ weight + bias, inputs)
    expected += along(vectors @ beta_weight + beta_bias, inputs)
    outputs = layer([inputs, vectors], training=True)
    np.testing.assert_allclose(outputs, expected, rtol=1e-9)


@pytest.mark.parametrize("num_classes", [3, None])
def test_at_first_it_is_kerass_batch_normalization(num_classes):
    inputs = data(6, 3, 5, 4)
    layer = ConditionalBatchNormalization(num_classes, momentum=0.9, dtype="float64")
    keras = tf.keras.layers.BatchNormalization(momentum=0.9, dtype="float64")
    for training in (True, True, False):
        outputs = layer([inputs, ONE_HOT], training=training)
        np.testing.assert_allclose(outputs, keras(inputs, training=training), rtol=1e-9)
    for mine, kerass in zip(layer.non_trainable_weights, keras.non_trainable_weights):
        np.testing.assert_allclose(mine.numpy(), kerass.numpy())


@pytest.mark.parametrize("training", [False, None])
def test_inference_normalises_by_moving_averages_and_leaves_them(training):
    layer, inputs = ConditionalBatchNormalization(3, momentum=0.9, dtype="float64"), data(6, 4)
    layer([inputs, ONE_HOT], training=True)
    moments = [w.numpy() for w in layer.non_trainable_weights]
    np.testing.assert_allclose(moments[0], 0.1 * inputs.mean(0))
    np.testing.assert_allclose(moments[1], 0.9 + 0.1 * inputs.var(0))
    outputs = layer([inputs, ONE_HOT], training=training)
    expected = (inputs - moments[0]) / np.sqrt(moments[1] + EPSILON)
    np.testing.assert_allclose(outputs, expected)
    for before, after in zip(moments, layer.non_trainable_weights):
        np.testing.assert_array_equal(before, after.numpy())


@pytest.mark.parametrize(("center", "scale"), [(True, False), (False, True), (False, False)])
def test_offset_and_scale_may_be_left_out(center, scale):
    """TF-GAN's function failed then (fault B24)."""
    layer = ConditionalBatchNormalization(3, center=center, scale=scale, dtype="float64")
    layer = built(layer, (6, 4), (6, 3))
    weights = trained(layer)
    assert len(weights) == center + scale
    expected = normalized_in_numpy(data(6, 4))
    if scale:
        expected *= weights[0][LABELS]
    if center:
        expected += weights[-1][LABELS]
    outputs = layer([data(6, 4), ONE_HOT], training=True)
    np.testing.assert_allclose(outputs, expected)


def test_gradient_reaches_the_rows_of_the_classes_that_are_there():
    layer, labels = ConditionalBatchNormalization(3, dtype="float64"), tf.constant([0, 0, 2])
    with tf.GradientTape() as tape:
        outputs = layer([data(3, 4), labels], training=True)
        loss = tf.reduce_sum(outputs * data(3, 4, seed=1))
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.trainable_weights[1])).numpy()
    weights = data(3, 4, seed=1)
    np.testing.assert_allclose(gradient, [weights[0] + weights[1], np.zeros(4), weights[2]])


def test_gradient_of_a_constant_batch_is_finite():
    layer, inputs = ConditionalBatchNormalization(3), tf.ones([6, 4])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer([inputs, LABELS], training=True)
    np.testing.assert_array_equal(outputs, np.zeros([6, 4]))
    assert np.isfinite(tape.gradient(outputs, inputs)).all()


# Projection discriminator


@both_kinds
@pytest.mark.parametrize("shape", [(6, 4), (6, 3, 5, 4)])
def test_logits_are_psi_and_the_projection_on_the_embedding(shape, labels):
    features = data(*shape)
    layer = built(ProjectionDiscriminator(3, dtype="float64"), shape, (6, 3))
    kernel, bias, embedding = trained(layer)
    assert (kernel.shape, bias.shape, embedding.shape) == ((4, 1), (1,), (3, 4))
    expected = features @ kernel + bias
    expected += (features * along(embedding[LABELS], features)).sum(-1, keepdims=True)
    np.testing.assert_allclose(layer([features, tf.constant(labels)]), expected, rtol=1e-9)


def test_projection_is_on_a_linear_function_of_vectors():
    features, vectors = data(6, 4), data(6, 2, seed=1)
    layer = built(ProjectionDiscriminator(dtype="float64"), features.shape, vectors.shape)
    kernel, bias, embedding = trained(layer)
    expected = features @ kernel + bias
    expected += np.sum(features * (vectors @ embedding), 1, keepdims=True)
    np.testing.assert_allclose(layer([features, vectors]), expected, rtol=1e-9)


def test_spectral_normalization_divides_both_matrices_by_their_largest_singular_value():
    features = data(6, 4)
    layer = ProjectionDiscriminator(3, spectral_normalization=True, dtype="float64")
    layer = built(layer, (6, 4), (6, 3))
    for _ in range(200):  # Power iteration converges.
        outputs = layer([features, LABELS], training=True)
    weights = {w.shape: w for w in trained(layer)}
    kernel, bias, embedding = (weights[shape] for shape in ((4, 1), (1,), (3, 4)))
    kernel = kernel / np.linalg.norm(kernel, 2)
    embedding = embedding / np.linalg.norm(embedding, 2)
    expected = features @ kernel + bias
    expected += np.sum(features * embedding[LABELS], 1, keepdims=True)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)


def test_sum_of_16_bit_features_is_in_float32():
    """The products are 30,000 each: their sum is beyond float16, but not with psi's part."""
    policy = "mixed_float16"
    layer = ProjectionDiscriminator(2, dtype=policy)
    layer.build([(1, 4), (1,)])
    layer.set_weights([-np.full([4, 1], 300.0), np.zeros(1), np.full([2, 4], 301.0)])
    outputs = layer([tf.fill([1, 4], tf.constant(100.0, tf.float16)), tf.constant([1])])
    assert outputs.dtype == tf.float16
    np.testing.assert_allclose(outputs, [[400.0]])


# Bad input

LAYERS = {"norm": ConditionalBatchNormalization, "projection": ProjectionDiscriminator}
every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


@every_layer
@pytest.mark.parametrize("num_classes", [0, -3, 2.5])
def test_num_classes_must_be_a_positive_integer(layer, num_classes):
    with pytest.raises(ValueError, match="num_classes must be a positive integer"):
        layer(num_classes)


@every_layer
@pytest.mark.parametrize(
    ("conditioning", "message"),
    [
        (tf.zeros([6, 4]), r"labels must be integers \[B\] or one-hot \[B, 3\]"),
        (tf.zeros([6, 1], tf.int32), r"labels must be integers \[B\] or one-hot \[B, 3\]"),
        (tf.zeros([6]), r"labels \[B\] must be integers, not float32"),
        (tf.zeros([1, 3]), "must have one batch size"),
        (tf.zeros([7], tf.int32), "must have one batch size"),
    ],
)
def test_unfit_labels_are_an_error(layer, conditioning, message):
    with pytest.raises(ValueError, match=message):
        layer(3)([tf.zeros([6, 4]), conditioning])


@every_layer
def test_batch_of_another_call_must_be_equal_too(layer):
    layer = layer(3)
    layer([tf.zeros([6, 4]), tf.zeros([6, 3])])
    with pytest.raises(ValueError, match="must have one batch size"):
        layer([tf.zeros([6, 4]), tf.zeros([1, 3])])


@every_layer
def test_unequal_batches_whose_sizes_were_unknown_are_an_error_when_it_runs(layer):
    layer = layer(3)
    specs = [tf.TensorSpec([None, 4]), tf.TensorSpec([None, 3])]
    call = tf.function(lambda x, y: layer([x, y]), input_signature=specs)
    assert call(tf.zeros([6, 4]), tf.zeros([6, 3])).shape[0] == 6
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have the batch size"):
        call(tf.zeros([6, 4]), tf.zeros([1, 3]))


@every_layer
@pytest.mark.parametrize("label", [-1, 3])
def test_label_out_of_range_is_an_error_that_says_the_range(layer, label):
    with pytest.raises(tf.errors.InvalidArgumentError, match="not one of 0 to 2"):
        layer(3)([tf.zeros([2, 4]), tf.constant([0, label])])


@every_layer
def test_integers_without_num_classes_are_an_error(layer):
    with pytest.raises(ValueError, match=r"For integer labels \[B\] give num_classes"):
        layer()([tf.zeros([6, 4]), tf.constant(LABELS)])


@every_layer
@pytest.mark.parametrize("inputs", [tf.zeros([6, 4]), [tf.zeros([6, 4])]])
def test_layer_that_is_called_without_labels_says_so(layer, inputs):
    with pytest.raises(ValueError, match=r"must be called with a pair \[inputs, conditioning\]"):
        layer(3)(inputs)


@pytest.mark.parametrize("axis", [0, 2, -2])
def test_axis_must_be_one_of_channels(axis):
    with pytest.raises(ValueError, match=f"axis {axis} does not hold the channels"):
        ConditionalBatchNormalization(3, axis)([tf.zeros([6, 4]), tf.zeros([6, 3])])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"momentum": 1.5}, "momentum must be 0 to 1"), ({"epsilon": 0.0}, "epsilon must be > 0")],
)
def test_bad_argument_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConditionalBatchNormalization(3, **arguments)
