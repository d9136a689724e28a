"""Virtual batch normalisation against float64 NumPy, in both worlds."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.features import VBN

EPSILON = 1e-3
ARGUMENTS = (
    "self reference_batch axis epsilon center scale beta_initializer gamma_initializer"
    " beta_regularizer gamma_regularizer trainable name batch_axis"
)


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, size=shape)


def in_numpy(reference, example, axis, epsilon=EPSILON):
    """One example [1, ...], normalised with the batch that it makes together with the reference."""
    shape = list(example.shape)
    together = np.concatenate([reference, example])
    axes = tuple(i for i in range(len(shape)) if i != axis % len(shape))
    mean, variance = together.mean(axes, keepdims=True), together.var(axes, keepdims=True)
    return (example - mean) / np.sqrt(variance + epsilon)


def expected_of(reference, inputs, axis=-1):
    return np.concatenate([in_numpy(reference, example[None], axis) for example in inputs])


def test_arguments_are_those_of_tf_gan():
    assert list(inspect.signature(VBN.__init__).parameters) == ARGUMENTS.split()


# Values


@pytest.mark.parametrize(("shape", "axis"), [((3,), -1), ((4, 3), 2), ((4, 5, 3), -1)])
@pytest.mark.parametrize("world", ["TF2", "graph"])
@pytest.mark.parametrize("examples", [1, 6, 9])
def test_example_is_normalised_together_with_the_reference_batch(shape, axis, world, examples):
    reference, inputs = data(6, *shape), data(examples, *shape, seed=1)
    if world == "TF2":
        outputs = VBN(tf.constant(reference, tf.float32), axis)(tf.constant(inputs, tf.float32))
    else:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            vbn = VBN(tf.constant(reference, tf.float32), axis)
            outputs = vbn(tf.constant(inputs, tf.float32))
            session.run(tf.compat.v1.global_variables_initializer())
            outputs = session.run(outputs)
    expected = expected_of(reference, inputs, axis)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_channels_may_be_another_axis():
    reference, inputs = data(6, 3, 4, 4), data(2, 3, 4, 4, seed=1)
    outputs = VBN(tf.constant(reference), axis=1)(tf.constant(inputs))
    np.testing.assert_allclose(outputs, expected_of(reference, inputs, 1), rtol=1e-9)


def test_examples_may_be_another_axis():
    reference, inputs = data(6, 4, 3), data(2, 4, 3, seed=1)
    swapped = [tf.constant(x.swapaxes(0, 1)) for x in (reference, inputs)]
    outputs = VBN(swapped[0], batch_axis=1)(swapped[1])
    expected = expected_of(reference, inputs).swapaxes(0, 1)
    np.testing.assert_allclose(outputs, expected, rtol=1e-9)


def test_reference_batch_is_normalised_by_itself():
    reference = data(6, 4, 4, 3)
    outputs = VBN(tf.constant(reference)).reference_batch_normalization()
    layer = tf.keras.layers.BatchNormalization(epsilon=EPSILON, dtype="float64")
    np.testing.assert_allclose(outputs, layer(reference, training=True), rtol=1e-6)


def test_an_example_does_not_depend_on_the_others_of_its_batch():
    vbn, inputs = VBN(tf.constant(data(6, 4, 3))), data(5, 4, 3, seed=1)
    np.testing.assert_allclose(vbn(inputs)[2:3], vbn(inputs[2:3]), rtol=1e-12)


def test_beta_and_gamma_are_shared_by_all_calls_and_per_channel():
    vbn = VBN(
        tf.constant(data(6, 5, 3)),
        beta_initializer=tf.constant_initializer([1.0, 2.0, 3.0]),
        gamma_initializer=tf.constant_initializer([4.0, 5.0, 6.0]),
    )
    outputs = vbn.reference_batch_normalization().numpy()
    np.testing.assert_allclose(outputs.mean((0, 1)), [1.0, 2.0, 3.0])
    np.testing.assert_allclose(outputs.std((0, 1)), [4.0, 5.0, 6.0], rtol=1e-3)
    plain = VBN(tf.constant(data(6, 5, 3)), center=False, scale=False)
    inputs = data(2, 5, 3, seed=1)
    np.testing.assert_allclose(vbn(inputs), plain(inputs) * [4.0, 5.0, 6.0] + [1.0, 2.0, 3.0])
    assert len(vbn.trainable_variables) == 2
    assert plain.variables == ()


def test_gradient_is_that_of_finite_differences():
    vbn, weights = VBN(tf.constant(data(3, 2, 2)), epsilon=0.1), data(2, 2, 2, seed=2)
    inputs = data(2, 2, 2, seed=1)
    loss = lambda x: tf.reduce_sum(weights * vbn(x))  # noqa: E731
    values = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = loss(values)
    expected, step = np.zeros_like(inputs), 1e-6
    for index in np.ndindex(inputs.shape):
        nudge = np.zeros_like(inputs)
        nudge[index] = step
        expected[index] = (loss(inputs + nudge) - loss(inputs - nudge)) / (2 * step)
    np.testing.assert_allclose(tape.gradient(result, values), expected, rtol=1e-6, atol=1e-8)


# Numerics


def test_variance_is_exact_where_the_mean_is_much_larger_than_the_deviation():
    """A mean square less a squared mean gave nan for a mean of 1e4 (TF-GAN's fault B47)."""
    reference = np.float32(1e4 + 0.01 * data(6, 16, 16, 2))
    inputs = np.float32(1e4 + 0.01 * data(2, 16, 16, 2, seed=1))
    vbn = VBN(tf.constant(reference))
    expected = expected_of(reference.astype(np.float64), inputs.astype(np.float64))
    np.testing.assert_allclose(vbn(inputs), expected, atol=0.05)
    assert np.isfinite(vbn.reference_batch_normalization()).all()


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bit_batches_are_normalised_in_float32(dtype):
    """TF-GAN mixed weights of 16 bits with float32 (fault B47); the square of 1,000 overflows."""
    reference, inputs = (tf.cast(1000 * data(6, 4, 3, seed=seed), dtype) for seed in (0, 1))
    vbn = VBN(reference)
    assert {v.dtype for v in vbn.variables} == {tf.float32}
    outputs = vbn(inputs)
    assert outputs.dtype == dtype
    expected = expected_of(*(x.numpy().astype(np.float64) for x in (reference, inputs)))
    np.testing.assert_allclose(outputs.numpy().astype(np.float64), expected, atol=0.02)


def test_value_and_gradient_of_equal_constants_are_finite():
    vbn, inputs = VBN(tf.ones([3, 2])), tf.ones([2, 2])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = vbn(inputs)
    np.testing.assert_array_equal(outputs, np.zeros([2, 2]))
    assert np.isfinite(tape.gradient(outputs, inputs)).all()


@pytest.mark.parametrize("jit", [False, True])
def test_in_a_tf_function(jit):
    vbn, inputs = VBN(tf.constant(data(6, 4, 3))), data(2, 4, 3, seed=1)
    compiled = tf.function(vbn, jit_compile=jit)
    expected = expected_of(data(6, 4, 3), inputs)
    np.testing.assert_allclose(compiled(inputs), expected, rtol=1e-9)


def test_number_of_examples_may_be_unknown():
    vbn = VBN(tf.constant(data(6, 3)))
    call = tf.function(vbn, input_signature=[tf.TensorSpec([None, 3], tf.float64)])
    inputs = data(4, 3, seed=1)
    np.testing.assert_allclose(call(inputs), expected_of(data(6, 3), inputs), rtol=1e-9)


# In networks


def test_function_gives_the_reference_batch_anew_for_the_layers_that_train():
    weight = tf.Variable(tf.ones([3], tf.float64))
    vbn = VBN(lambda: weight * data(6, 4, 3))
    inputs = data(2, 4, 3, seed=1)
    for factor in (1.0, 2.0):
        weight.assign([factor] * 3)
        expected = expected_of(factor * data(6, 4, 3), inputs)
        np.testing.assert_allclose(vbn(inputs), expected, rtol=1e-9)


def test_function_may_read_another_vbn():
    reference = tf.constant(data(6, 4, 3), tf.float32)
    first = VBN(reference)
    second = VBN(lambda: tf.nn.relu(first.reference_batch_normalization()))
    inputs = data(2, 4, 3, seed=1).astype(np.float32)
    outputs = second(tf.nn.relu(first(inputs)))
    normalised = tf.nn.relu(first.reference_batch_normalization()).numpy()
    expected = expected_of(normalised, tf.nn.relu(first(inputs)).numpy())
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-4)


class Generator(tf.Module):
    """A generator that normalises its one layer virtually."""

    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(tf.random.stateless_normal([2, 3], [0, 1]))
        noise = tf.random.stateless_normal([8, 2], [0, 2])
        self.vbn = VBN(lambda: noise @ self.weights)

    def __call__(self, inputs):
        return self.vbn(inputs @ self.weights)


def graph_generator(inputs):
    weights = tf.compat.v1.get_variable("weights", [2, 3])
    noise = tf.random.stateless_normal([8, 2], [0, 2])
    return VBN(noise @ weights)(inputs @ weights)


@pytest.mark.parametrize("world", ["TF2", "graph"])
def test_network_owns_one_beta_and_one_gamma(world):
    def model():
        if world == "TF2":
            real, noise = (tfgan.from_callable(lambda n=n: tf.ones([4, n])) for n in (3, 2))
            return tfgan.gan_model(Generator(), tf.keras.layers.Dense(1), real, noise)
        with tf.Graph().as_default():
            real, noise = tf.ones([4, 3]), tf.ones([4, 2])
            critic = lambda x: x @ tf.compat.v1.get_variable("w", [3, 1])  # noqa: E731
            model = tfgan.gan_model(graph_generator, critic, real, noise)
            model.generator_fn(tf.ones([4, 2]))  # A second call uses them again.
            return model

    shapes = sorted(v.shape.as_list() for v in model().generator_variables)
    assert shapes == [[2, 3], [3], [3]]


def test_variables_of_a_graph_have_tf_gans_names():
    with tf.Graph().as_default():
        batch = tf.ones([2, 3])
        VBN(batch)
        VBN(batch, name="norm", center=False, trainable=False)
        names = [v.op.name for v in tf.compat.v1.global_variables()]
        assert names == ["VBN/beta", "VBN/gamma", "norm/gamma"]
        assert len(tf.compat.v1.trainable_variables()) == 2


@pytest.mark.parametrize("world", ["TF2", "graph"])
def test_regularizers_give_losses(world):
    square = lambda v: 0.5 * tf.reduce_sum(tf.square(v))  # noqa: E731
    if world == "TF2":
        (loss,) = VBN(tf.ones([2, 3]), gamma_regularizer=square).losses
    else:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            VBN(tf.ones([2, 3]), gamma_regularizer=square)
            session.run(tf.compat.v1.global_variables_initializer())
            (loss,) = session.run(tf.compat.v1.losses.get_regularization_losses())
    np.testing.assert_allclose(loss, 1.5)


# Bad input


@pytest.mark.parametrize(
    ("batch", "arguments", "message"),
    [
        (tf.ones([3]), {}, "reference_batch must have a known rank >= 2"),
        (tf.ones([2, 3], tf.int32), {}, "reference_batch must be floating, not int32"),
        (tf.ones([2, 3]), {"axis": 0}, "axis and batch_axis must differ; both are axis 0"),
        (tf.ones([2, 3]), {"axis": -2}, "axis and batch_axis must differ; both are axis 0"),
        (tf.ones([2, 3]), {"axis": 2}, "axis 2 is out of range"),
        (tf.ones([2, 3]), {"batch_axis": -3}, "batch_axis -3 is out of range"),
        (tf.ones([2, 3]), {"epsilon": 0.0}, "epsilon must be > 0"),
    ],
)
def test_bad_argument_is_an_error(batch, arguments, message):
    with pytest.raises(ValueError, match=message):
        VBN(batch, **arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [(None, "must have a known rank >= 2"), ([2, None], "number of channels, axis -1")],
)
def test_unknown_shape_is_an_error(shape, message):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        VBN(tf.compat.v1.placeholder(tf.float32, shape))


@pytest.mark.parametrize("shape", [[2, 4], [2, 3, 1], [3]])
def test_inputs_of_another_shape_are_an_error_that_names_both(shape):
    with pytest.raises(ValueError, match=r"inputs have shape .* and the reference batch \(6, 3\)"):
        VBN(tf.ones([6, 3]))(tf.ones(shape))
