"""Instance and group normalisation against float64 NumPy and Keras's layer."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite.features as features

# TF-GAN's arguments, in their order.
SIGNATURES = {
    features.instance_norm: "inputs center scale epsilon activation_fn param_initializers reuse"
    " outputs_collections trainable data_format scope",
    features.group_norm: "inputs groups channels_axis reduction_axes center scale epsilon"
    " activation_fn param_initializers reuse outputs_collections trainable scope"
    " mean_close_to_zero",
}
FUNCTIONS = {"instance_norm": features.instance_norm, "group_norm": features.group_norm}
both_functions = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
PLAIN = {"center": False, "scale": False}


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, size=shape)


def normalized_in_numpy(inputs, axes, epsilon=1e-6):
    mean = inputs.mean(axes, keepdims=True)
    return (inputs - mean) / np.sqrt(inputs.var(axes, keepdims=True) + epsilon)


def grouped_in_numpy(inputs, groups, epsilon=1e-6):
    """Channels last, over all axes but the first."""
    grouped = inputs.reshape(*inputs.shape[:-1], groups, -1)
    axes = (*range(1, inputs.ndim - 1), inputs.ndim)
    return normalized_in_numpy(grouped, axes, epsilon).reshape(inputs.shape)


def in_graph(function, inputs, **arguments):
    """The result in a tf.Graph, and the values of the variables by name."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        outputs = function(tf.constant(inputs, tf.float32), **arguments)
        session.run(tf.compat.v1.global_variables_initializer())
        variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
        return session.run((outputs, variables))


@pytest.mark.parametrize("function", SIGNATURES)
def test_arguments_are_those_of_tf_gan(function):
    assert list(inspect.signature(function).parameters) == SIGNATURES[function].split()


# Values


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 4, 5, 3), (2, 3, 4, 5, 6)])
def test_instance_norm_is_over_all_axes_but_batch_and_channels(shape):
    outputs, _ = in_graph(features.instance_norm, data(*shape))
    expected = normalized_in_numpy(data(*shape), tuple(range(1, len(shape) - 1)))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_instance_norm_takes_channels_first():
    outputs, _ = in_graph(features.instance_norm, data(2, 3, 4, 5), data_format="NCHW")
    expected = normalized_in_numpy(data(2, 3, 4, 5), (2, 3))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_instance_norm_of_rank_two_is_zero():
    outputs, _ = in_graph(features.instance_norm, data(4, 3))
    np.testing.assert_array_equal(outputs, np.zeros([4, 3]))


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("one_pass", [False, True])
def test_group_norm_is_over_places_and_the_groups_channels(groups, one_pass):
    inputs = data(2, 4, 5, 6)
    outputs, _ = in_graph(features.group_norm, inputs, groups=groups, mean_close_to_zero=one_pass)
    np.testing.assert_allclose(outputs, grouped_in_numpy(inputs, groups), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("channels", "axes"), [(1, (2, 3)), (-3, (-2, -1)), (-3, (-1, -2))])
def test_group_norm_takes_channels_first(channels, axes):
    inputs = data(2, 6, 4, 5)
    outputs, _ = in_graph(
        features.group_norm, inputs, groups=3, channels_axis=channels, reduction_axes=axes
    )
    expected = grouped_in_numpy(inputs.transpose(0, 2, 3, 1), 3).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_group_norm_of_rank_two_is_over_the_groups_channels():
    outputs, _ = in_graph(features.group_norm, data(4, 6), groups=2, reduction_axes=[])
    np.testing.assert_allclose(outputs, grouped_in_numpy(data(4, 6), 2), rtol=1e-4, atol=1e-5)


def test_group_norm_may_leave_axes_out():
    inputs = data(2, 4, 5, 6)
    outputs, _ = in_graph(features.group_norm, inputs, groups=1, reduction_axes=[-2])
    expected = normalized_in_numpy(inputs, (2, 3))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("groups", [-1, 2])
def test_values_are_those_of_kerass_layer(groups):
    inputs = data(2, 4, 5, 6)
    layer = tf.keras.layers.GroupNormalization(groups, epsilon=1e-6)
    if groups == -1:
        outputs, _ = in_graph(features.instance_norm, inputs)
    else:
        outputs, _ = in_graph(features.group_norm, inputs, groups=groups)
    np.testing.assert_allclose(outputs, layer(inputs.astype(np.float32)), rtol=1e-4, atol=1e-5)


def test_instance_normalization_is_kerass_layer_with_one_channel_per_group():
    layer = features.instance_normalization(center=False, name="norm")
    assert isinstance(layer, tf.keras.layers.GroupNormalization)
    inputs = data(2, 4, 5, 3)
    np.testing.assert_allclose(
        layer(inputs.astype(np.float32)),
        normalized_in_numpy(inputs, (1, 2)),
        rtol=1e-4,
        atol=1e-5,
    )
    assert [v.name.split("/")[-1].split(":")[0] for v in layer.weights] == ["gamma"]


@both_functions
def test_gradient_is_that_of_finite_differences(function):
    groups = {} if function is features.instance_norm else {"groups": 1}
    inputs, weights = data(1, 2, 2, 2), data(1, 2, 2, 2, seed=1)

    def loss(values):
        outputs = function(values, epsilon=0.1, **groups, **PLAIN)
        return tf.reduce_sum(tf.cast(weights, values.dtype) * outputs)

    values = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = loss(values)
    expected, step = np.zeros_like(inputs), 1e-6
    for index in np.ndindex(inputs.shape):
        nudge = np.zeros_like(inputs)
        nudge[index] = step
        expected[index] = (loss(values + nudge) - loss(values - nudge)) / (2 * step)
    np.testing.assert_allclose(tape.gradient(result, values), expected, rtol=1e-6, atol=1e-8)


# Numerics


@both_functions
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bit_inputs_are_normalised_in_float32(function, dtype):
    """The square of 1,000 is no float16."""
    groups = {} if function is features.instance_norm else {"groups": 1}
    inputs = tf.constant([999.0, 1001.0], tf.float32)[None, :, None]
    if function is features.group_norm:
        groups["reduction_axes"] = [-2]
    inputs = tf.cast(inputs * (1.0 if dtype == tf.float16 else 8.0), dtype)
    outputs = function(inputs, **groups, **PLAIN)
    assert outputs.dtype == dtype
    spread = np.ptp(inputs.numpy().astype(np.float64)) / 2
    expected = spread / np.sqrt(spread**2 + 1e-6)
    np.testing.assert_allclose(
        outputs.numpy().astype(np.float64).ravel(), [-expected, expected], atol=0.02
    )


@both_functions
def test_variables_of_16_bit_inputs_are_float32(function):
    groups = {} if function is features.instance_norm else {"groups": 2}
    with tf.Graph().as_default():
        function(tf.zeros([2, 4, 4, 4], tf.float16), **groups)
        assert {v.dtype.base_dtype for v in tf.compat.v1.global_variables()} == {tf.float32}


def test_variance_survives_a_mean_much_larger_than_the_deviation():
    """One pass over float32 would find the variance of 1e4 +- 0.01 to be anything, negative too."""
    inputs = np.float32(1e4 + 0.01 * data(1, 64, 64, 2))
    expected = normalized_in_numpy(inputs.astype(np.float64), (1, 2))
    outputs = features.instance_norm(inputs, **PLAIN)
    # The inputs are rounded to 1e-3 and the mean is of their last digit.
    np.testing.assert_allclose(outputs, expected, atol=0.05)


def test_one_pass_variance_is_never_negative():
    inputs = np.float32(1e4 + 0.01 * data(1, 64, 64, 2))
    outputs = features.group_norm(inputs, groups=1, mean_close_to_zero=True, **PLAIN)
    assert np.isfinite(outputs).all()


@both_functions
def test_value_and_gradient_of_a_constant_input_are_finite(function):
    groups = {} if function is features.instance_norm else {"groups": 2}
    inputs = tf.fill([2, 4, 4, 4], 3.0)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = function(inputs, **groups, **PLAIN)
        loss = tf.reduce_sum(outputs * inputs)
    np.testing.assert_array_equal(outputs, np.zeros([2, 4, 4, 4]))
    assert np.isfinite(tape.gradient(loss, inputs)).all()


@both_functions
@pytest.mark.parametrize("jit", [False, True])
def test_in_a_tf_function(function, jit):
    groups = {} if function is features.instance_norm else {"groups": 2}
    compiled = tf.function(lambda x: function(x, **groups, **PLAIN), jit_compile=jit)
    inputs = data(2, 4, 5, 4)
    expected = grouped_in_numpy(inputs, groups.get("groups", 4))
    outputs = compiled(tf.constant(inputs, tf.float32))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_sizes_but_the_channels_may_be_unknown():
    spec = tf.TensorSpec([None, None, None, 4])
    traced = tf.function(lambda x: features.group_norm(x, 2, **PLAIN), input_signature=[spec])
    assert traced.get_concrete_function().output_shapes.as_list() == [None, None, None, 4]
    inputs = data(2, 4, 5, 4)
    outputs = traced(tf.constant(inputs, tf.float32))
    np.testing.assert_allclose(outputs, grouped_in_numpy(inputs, 2), rtol=1e-4, atol=1e-5)


# Variables


@pytest.mark.parametrize(
    ("function", "name"),
    [(features.instance_norm, "InstanceNorm"), (features.group_norm, "GroupNorm")],
)
def test_variables_have_tf_gans_names_and_one_number_per_channel(function, name):
    groups = {} if function is features.instance_norm else {"groups": 2}
    _, variables = in_graph(function, data(2, 3, 3, 4), **groups)
    assert {key: value.tolist() for key, value in variables.items()} == {
        f"{name}/beta": [0.0] * 4,
        f"{name}/gamma": [1.0] * 4,
    }
    _, variables = in_graph(function, data(2, 3, 3, 4), scope="norm", scale=False, **groups)
    assert list(variables) == ["norm/beta"]


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_beta_and_gamma_are_per_channel(data_format):
    beta, gamma = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    initializers = {
        "beta": tf.constant_initializer(beta),
        "gamma": tf.constant_initializer(gamma),
    }
    shape = (2, 5, 5, 3) if data_format == "NHWC" else (2, 3, 5, 5)
    outputs, _ = in_graph(
        features.instance_norm,
        data(*shape),
        param_initializers=initializers,
        data_format=data_format,
    )
    last = outputs if data_format == "NHWC" else outputs.transpose(0, 2, 3, 1)
    np.testing.assert_allclose(last.mean((1, 2)), np.tile(beta, [2, 1]), rtol=1e-4)
    np.testing.assert_allclose(last.std((1, 2)), np.tile(gamma, [2, 1]), rtol=1e-4)


@both_functions
def test_each_call_has_variables_of_its_own_and_reuse_shares_them(function):
    groups = {} if function is features.instance_norm else {"groups": 2}
    with tf.Graph().as_default():
        inputs = tf.ones([2, 3, 3, 4])
        function(function(inputs, **groups), **groups)
        assert len(tf.compat.v1.trainable_variables()) == 4
        function(inputs, scope="shared", trainable=False, **groups)
        function(inputs, scope="shared", reuse=True, **groups)
        assert len(tf.compat.v1.global_variables()) == 6
        assert len(tf.compat.v1.trainable_variables()) == 4


def test_activation_and_collections():
    def activation(x: tf.Tensor) -> tf.Tensor:  # Annotated functions were an error in TF-GAN.
        return tf.nn.relu(x)

    with tf.Graph().as_default() as graph:
        outputs = features.instance_norm(
            tf.ones([2, 3, 3, 4]), activation_fn=activation, outputs_collections="outputs"
        )
        assert outputs.op.type == "Relu"
        (collected,) = graph.get_collection("outputs")
        assert collected is outputs


@pytest.mark.parametrize("world", ["eager", "tf.function"])
@pytest.mark.parametrize(
    ("function", "layer"),
    [
        (features.instance_norm, "tfgan.features.instance_normalization"),
        (features.group_norm, "tf.keras.layers.GroupNormalization"),
    ],
)
def test_variables_in_tf2_are_an_error_that_names_the_layer(function, layer, world):
    groups = {} if function is features.instance_norm else {"groups": 2}
    call = lambda: function(tf.ones([2, 3, 3, 4]), **groups)  # noqa: E731
    with pytest.raises(ValueError, match=f"{function.__name__} makes its variables .*{layer}"):
        (call if world == "eager" else tf.function(call))()


# Bad input

UNKNOWN_RANK = tf.TensorSpec(None)
UNKNOWN_CHANNELS = tf.TensorSpec([2, 3, 3, None])


@both_functions
@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (UNKNOWN_RANK, "inputs must have a known rank of at least 2"),
        (tf.TensorSpec([3]), "inputs must have a known rank of at least 2"),
        (UNKNOWN_CHANNELS, "number of channels, axis -1 of inputs, must be known"),
        (tf.TensorSpec([2, 3, 3, 4], tf.int32), "inputs must be floating, not int32"),
    ],
)
def test_unfit_inputs_are_an_error(function, spec, message):
    with pytest.raises(ValueError, match=message):
        tf.function(lambda x: function(x, **PLAIN), input_signature=[spec]).get_concrete_function()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data_format": "NWHC"}, 'data_format must be "NHWC" or "NCHW"'),
        ({"epsilon": 0.0}, "epsilon must be > 0"),
        ({"param_initializers": {"moving_mean": None}}, "param_initializers knows"),
    ],
)
def test_bad_argument_of_instance_norm_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        features.instance_norm(tf.ones([2, 3, 3, 4]), **PLAIN, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 5}, "groups must be 1 to 4, the channels there are, not 5"),
        ({"groups": 0}, "groups must be a positive integer, got 0"),
        ({"groups": True}, "groups must be a positive integer, got True"),
        ({"groups": 3}, "groups must divide the 4 channels; 3 does not"),
        ({"channels_axis": 4}, "channels_axis: axis 4 does not hold the channels"),
        ({"channels_axis": 0}, "channels_axis: axis 0 does not hold the channels"),
        ({"channels_axis": -4}, "channels_axis: axis -4 does not hold the channels"),
        ({"reduction_axes": (-3, -1)}, "overlap"),
        ({"reduction_axes": (-3, 1)}, "overlap"),
        ({"reduction_axes": (0, 1)}, "contain the batch axis"),
        ({"epsilon": -1.0}, "epsilon must be > 0"),
    ],
)
def test_bad_argument_of_group_norm_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        features.group_norm(tf.ones([2, 3, 3, 4]), **{"groups": 2, **PLAIN, **arguments})


@pytest.mark.parametrize("axes", [(-5, -2), (4, 1), (1, 5)])
def test_reduction_axes_out_of_range_are_an_error_early(axes):
    """TF-GAN let negative ones pass, and was off by one for others (fault B38)."""
    with pytest.raises(ValueError, match="reduction_axes .* are out of range"):
        features.group_norm(tf.ones([2, 3, 3, 4]), 2, reduction_axes=axes, **PLAIN)


@pytest.mark.parametrize("shape", [[2, 4], [2, 3, 4]])
def test_default_axes_of_fewer_axes_than_an_image_are_an_error_that_says_what_to_give(shape):
    """TF-GAN failed when the graph ran (fault B38)."""
    with pytest.raises(ValueError, match=r"\(-2,\) for \[B, L, C\] and \[\] for \[B, C\]"):
        features.group_norm(tf.ones(shape), 2, **PLAIN)
