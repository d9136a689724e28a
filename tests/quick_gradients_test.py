"""Gradients that take the place of TensorFlow's own: the same numbers."""

import contextlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.quick_gradients import is_slow, quick_gradients

LARGE = [1024, 1024]


def of_product(x, weights, upstream, transpose_x, transpose_weights):
    """Those of the product for both factors, given that of what follows for the product."""

    @tf.function(autograph=False)
    def computed():
        factors = tf.constant(x), tf.constant(weights)
        with quick_gradients():
            product = tf.matmul(*factors, transpose_x, transpose_weights)
        return tf.gradients(product, factors, tf.constant(upstream))

    return [each.numpy() for each in computed()]


@pytest.mark.parametrize("transpose_weights", [False, True])
@pytest.mark.parametrize("transpose_x", [False, True])
@pytest.mark.parametrize("size", [[3, 5], LARGE])
def test_those_of_products_are_the_products_of_the_textbook(size, transpose_x, transpose_weights):
    draw = np.random.default_rng(0).normal
    x, weights, upstream = (
        draw(size=shape).astype(np.float32) for shape in ([16, size[0]], size, [16, size[1]])
    )
    expected = [upstream @ weights.T, x.T @ upstream]
    given = [x.T if transpose_x else x, weights.T if transpose_weights else weights]
    found = of_product(*given, upstream, transpose_x, transpose_weights)
    found = [
        each.T if is_transposed else each
        for each, is_transposed in zip(found, [transpose_x, transpose_weights])
    ]
    for ours, theirs in zip(found, expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_those_of_products_of_complex_numbers_are_conjugated_as_usual():
    draw = np.random.default_rng(0).normal
    x, weights, upstream = (
        (draw(size=shape) + 1j * draw(size=shape)).astype(np.complex64)
        for shape in ([2, 3], [3, 4], [2, 4])
    )

    @tf.function(autograph=False)
    def usual():
        factors = tf.constant(x), tf.constant(weights)
        product = tf.matmul(*factors)
        return tf.gradients(product, factors, tf.constant(upstream))

    for ours, theirs in zip(of_product(x, weights, upstream, False, False), usual()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_those_of_products_have_gradients_themselves():
    """Slopes of the first 16 outputs, each at one example, are those columns of the weights."""
    weights = np.random.default_rng(0).normal(size=LARGE).astype(np.float32)

    @tf.function(autograph=False)
    def second():
        x, w = tf.ones([16, LARGE[0]]), tf.constant(weights)
        with quick_gradients():
            product = tf.matmul(x, w)
        slope = tf.gradients(product, x, tf.eye(16, LARGE[1]))[0]
        return tf.gradients(tf.reduce_sum(slope**2) / 2.0, w)[0]

    expected = weights.copy()
    expected[:, 16:] = 0.0
    np.testing.assert_allclose(second(), expected, rtol=1e-5, atol=1e-6)


def of_cast_weights(dtype, size, batch, transposed=False):
    """That of float32 weights which are cast for the product, and the product of the textbook."""
    draw = np.random.default_rng(0).normal
    x, upstream = (
        tf.cast(draw(size=[batch, width]).astype(np.float32), dtype) for width in (size[0], size[1])
    )

    @tf.function(autograph=False)
    def computed():
        weights = tf.zeros(size[::-1] if transposed else size)
        with quick_gradients():
            product = tf.matmul(x, tf.cast(weights, dtype), transpose_b=transposed)
        return tf.gradients(product, weights, upstream)[0]

    exact = np.matmul(x.numpy().astype(np.float64).T, upstream.numpy().astype(np.float64))
    return computed().numpy(), exact.T if transposed else exact


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_those_of_large_weights_that_are_cast_are_not_rounded_to_16_bits(dtype, transposed):
    found, exact = of_cast_weights(dtype, LARGE, 32, transposed)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "batch"), [(LARGE, 128), ([8, 4], 32)])
def test_those_of_others_that_are_cast_are_computed_in_16_bits(size, batch):
    found, exact = of_cast_weights("bfloat16", size, batch)
    assert np.array_equal(found, found.astype(tf.bfloat16.as_numpy_dtype).astype(np.float32))
    np.testing.assert_allclose(found, exact, rtol=2**-6, atol=0.1)


def test_that_of_a_cast_to_integers_is_none():
    @tf.function(autograph=False)
    def computed():
        x = tf.constant([1.0, 2.0])
        with quick_gradients():
            whole = tf.cast(tf.cast(x, tf.int32), tf.float32)
        return tf.gradients(whole * x, x)[0]

    np.testing.assert_array_equal(computed(), [1.0, 2.0])


@pytest.mark.parametrize("slope", [0.2, 0.0, 1.5, -0.5])
def test_those_of_a_leaky_relu_are_its_slopes(slope):
    @tf.function(autograph=False)
    def computed():
        x = tf.constant([-2.0, -0.0, 0.0, 3.0])
        with quick_gradients():
            found = tf.nn.leaky_relu(x, slope)
        first = tf.gradients(found**2 / 2.0, x)[0]
        return first, tf.gradients(first, x)[0]

    first, second = computed()
    np.testing.assert_allclose(first, [-2.0 * slope**2, 0.0, 0.0, 3.0], rtol=1e-6)
    np.testing.assert_allclose(second, [slope**2, slope**2, slope**2, 1.0], rtol=1e-6)


def test_a_leaky_relu_becomes_a_part_of_the_convolution_before_it():
    v1 = tf.compat.v1
    told, options = v1.RunMetadata(), v1.RunOptions(output_partition_graphs=True)
    with tf.Graph().as_default(), v1.Session() as session:
        filters, bias = tf.ones([4, 4, 1, 8]), tf.ones([8])
        images = v1.placeholder(tf.float32, [4, 28, 28, 1])
        with quick_gradients():
            found = tf.nn.leaky_relu(tf.nn.bias_add(tf.nn.conv2d(images, filters, 2, "SAME"), bias))
        gradients = tf.gradients(found, [filters, bias])
        session.run(gradients, {images: np.ones(images.shape)}, options, told)
    nodes = [node for graph in told.partition_graphs for node in graph.node]
    fused = [list(n.attr["fused_ops"].list.s) for n in nodes if n.op.endswith("FusedConv2D")]
    assert fused == [[b"BiasAdd", b"LeakyRelu"]]


@pytest.mark.parametrize("in_graph", [False, True])
def test_networks_that_are_trained_have_them_in_both_worlds(in_graph, monkeypatch):
    asked = []

    def noted(x, weights):
        found = is_slow(x, weights)
        asked.append((weights.as_list(), found))
        return found

    monkeypatch.setattr("tfgan_lite.quick_gradients.is_slow", noted)
    with tf.Graph().as_default() if in_graph else contextlib.nullcontext():
        train_one_round()
    # By the generator's update and the discriminator's, which has two such products.
    assert asked.count((LARGE, True)) == 3
    assert all(found == (weights == LARGE) for weights, found in asked)


def train_one_round():
    dense = tf.keras.layers.Dense
    generator = tf.keras.Sequential([tf.keras.Input([8]), dense(4)])
    hidden = [dense(1024, "relu"), dense(1024), dense(1)]
    discriminator = tf.keras.Sequential([tf.keras.Input([4]), *hidden])
    real = tf.data.Dataset.from_tensors(tf.zeros([16, 4])).repeat()
    model = tfgan.gan_model(generator, discriminator, real, tfgan.normal([8]))
    ops = tfgan.gan_train_ops(
        model, tfgan.gan_loss(model), *(tf.keras.optimizers.Adam() for _ in range(2))
    )
    tfgan.gan_train(
        ops,
        None,
        hooks=[tfgan.StopAtStepHook(num_steps=1)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        jit_compile=False,
    )


def test_products_have_the_quicker_one_where_it_was_measured_to_pay():
    large, small = tf.TensorShape(LARGE), tf.TensorShape([1024, 256])
    slow = [size for size in (8, 16, 64, 65) if is_slow(tf.TensorShape([size, 1024]), large)]
    assert slow == [16, 64]
    assert not is_slow(tf.TensorShape([32, 1024]), small)
    assert not is_slow(tf.TensorShape([None, 1024]), large)
    assert not is_slow(tf.TensorShape([32, None]), tf.TensorShape([None, 1024]))


@pytest.mark.slow
def test_a_graphs_program_leaves_the_setting_up_of_devices_to_its_session():
    """In a process of its own: once they are set up, devices cannot be configured any more."""
    program = """
import tensorflow as tf
import tfgan_lite as tfgan

def network(inputs, *_):
    return inputs @ tf.compat.v1.get_variable("weights", [3, 3])

with tf.Graph().as_default():
    tfgan.gan_loss(tfgan.gan_model(network, network, tf.zeros([2, 3]), tf.ones([2, 3])))
two = [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
print(len(tf.config.list_logical_devices("CPU")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "2\n", done.stderr
