"""Conditioning functions for a tf.Graph, and the Keras layer, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.features import ConditionTensor, condition_tensor, condition_tensor_from_onehot


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def affine_in_numpy(tensor, conditioning, kernel, bias):
    mapped = conditioning.reshape(len(tensor), -1) @ kernel + bias
    return tensor + mapped.reshape(tensor.shape)


def in_graph(function, *arguments, **keywords):
    """The result in a tf.Graph, and the values of the variables by name."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tensors = [tf.constant(a, tf.float32) for a in arguments]
        outputs = function(*tensors, **keywords)
        session.run(tf.compat.v1.global_variables_initializer())
        variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
        return session.run((outputs, variables))


SHAPES = pytest.mark.parametrize(
    ("tensor", "conditioning"), [((2, 3), (2, 4)), ((2, 4, 4, 3), (2, 5)), ((2, 3), (2, 2, 2))]
)
LABELS = np.array([2, 0, 1, 2])


@SHAPES
def test_affine_function_of_the_flat_conditioning_is_added(tensor, conditioning):
    tensor, conditioning = data(*tensor), data(*conditioning, seed=1)
    outputs, variables = in_graph(condition_tensor, tensor, conditioning)
    assert sorted(variables) == ["dense/bias", "dense/kernel"]
    expected = affine_in_numpy(
        tensor, conditioning, variables["dense/kernel"], variables["dense/bias"]
    )
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [256, 7])
def test_labels_are_embedded_first(size):
    tensor = data(4, 2, 2, 3)
    keywords = {} if size == 256 else {"embedding_size": size}
    outputs, variables = in_graph(
        condition_tensor_from_onehot, tensor, np.eye(3)[LABELS], **keywords
    )
    assert variables["embedding"].shape == (3, size)
    expected = affine_in_numpy(
        tensor,
        variables["embedding"][LABELS],
        variables["dense/kernel"],
        variables["dense/bias"],
    )
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_batch_size_may_be_unknown():
    with tf.Graph().as_default():
        tensor = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 3])
        labels = tf.compat.v1.placeholder(tf.float32, [None, 10])
        assert condition_tensor_from_onehot(tensor, labels).shape.as_list() == [None, 4, 4, 3]


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float64])
def test_result_has_the_dtype_of_the_tensor(dtype):
    with tf.Graph().as_default():
        outputs = condition_tensor_from_onehot(tf.ones([2, 3], dtype), tf.eye(2), 5)
        assert outputs.dtype == dtype
        expected = tf.float64 if dtype == tf.float64 else tf.float32
        assert {v.dtype.base_dtype for v in tf.compat.v1.global_variables()} == {expected}


def test_network_that_is_called_again_uses_its_variables_again():
    def generator(inputs):
        noise, labels = inputs
        noise = condition_tensor(noise, labels)
        return condition_tensor_from_onehot(noise, labels, 5)

    with tf.Graph().as_default():
        inputs = (tf.ones([4, 2]), tf.one_hot([0, 1, 2, 0], 3))
        critic = lambda x: x @ tf.compat.v1.get_variable("w", [2, 1])  # noqa: E731
        model = tfgan.gan_model(generator, critic, tf.ones([4, 2]), inputs)
        model.generator_fn(inputs)
        names = [v.op.name.removeprefix("Generator/") for v in model.generator_variables]
        assert sorted(names) == [
            "dense/bias",
            "dense/kernel",
            "dense_1/bias",
            "dense_1/kernel",
            "embedding",
        ]


@pytest.mark.parametrize("function", [condition_tensor, condition_tensor_from_onehot])
@pytest.mark.parametrize("world", ["eager", "tf.function"])
def test_tf2_is_an_error_that_names_the_layer(function, world):
    call = lambda: function(tf.ones([2, 3]), tf.eye(2))  # noqa: E731
    with pytest.raises(ValueError, match=f"{function.__name__} makes .*ConditionTensor once"):
        (call if world == "eager" else tf.function(call))()


def test_unequal_batches_whose_sizes_were_unknown_are_an_error_when_it_runs():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        feeds = [tf.compat.v1.placeholder(tf.float32, [None, 3]) for _ in range(2)]
        outputs = condition_tensor(*feeds)
        session.run(tf.compat.v1.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="must have the batch size"):
            session.run(outputs, {feeds[0]: data(6, 3), feeds[1]: data(1, 3)})


# The layer


@SHAPES
def test_layer_adds_an_affine_function(tensor, conditioning):
    tensor, conditioning = data(*tensor), data(*conditioning, seed=1)
    layer = ConditionTensor(dtype="float64")
    outputs = layer([tensor, conditioning])
    expected = affine_in_numpy(tensor, conditioning, *layer.get_weights())
    np.testing.assert_allclose(outputs, expected, rtol=1e-9)


@pytest.mark.parametrize("labels", [LABELS, np.eye(3)[LABELS]], ids=["integers", "one-hot"])
def test_layer_embeds_labels_first(labels):
    layer, tensor = ConditionTensor(3, embedding_size=5, dtype="float64"), data(4, 2, 2, 3)
    outputs = layer([tensor, tf.constant(labels)])
    embedding, kernel, bias = layer.get_weights()
    assert embedding.shape == (3, 5)
    expected = affine_in_numpy(tensor, embedding[LABELS], kernel, bias)
    np.testing.assert_allclose(outputs, expected, rtol=1e-9)


# Bad input


def in_a_graph(function, *specs):
    with tf.Graph().as_default():
        function(*(tf.compat.v1.placeholder(dtype, shape) for dtype, shape in specs))


F32 = tf.float32


@pytest.mark.parametrize(
    ("function", "tensor", "conditioning", "message"),
    [
        (condition_tensor, (F32, [2, None]), (F32, [2, 3]), "tensor must have a shape"),
        (condition_tensor, (F32, [2]), (F32, [2, 3]), "tensor must have a shape"),
        (condition_tensor, (F32, [2, 3]), (F32, [2]), "conditioning must have a shape"),
        (condition_tensor, (F32, [2, 3]), (F32, None), "conditioning must have a shape"),
        (condition_tensor, (F32, [2, 3]), (F32, [1, 3]), "must have one batch size"),
        (condition_tensor, (tf.int32, [2, 3]), (F32, [2, 3]), "tensor must be floating"),
        (condition_tensor_from_onehot, (F32, [2, 3]), (F32, [2]), "one_hot_labels must have"),
        (condition_tensor_from_onehot, (F32, [2, 3]), (F32, [2, None]), "one_hot_labels must"),
        (condition_tensor_from_onehot, (F32, [2, 3]), (F32, [4, 9]), "must have one batch size"),
    ],
)
def test_unfit_shape_is_an_error(function, tensor, conditioning, message):
    with pytest.raises(ValueError, match=message):
        in_a_graph(function, tensor, conditioning)


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_embedding_size_must_be_a_positive_integer(size):
    with pytest.raises(ValueError, match="embedding_size must be a positive integer"):
        ConditionTensor(3, embedding_size=size)
    with tf.Graph().as_default(), pytest.raises(ValueError, match="embedding_size must be a posi"):
        condition_tensor_from_onehot(tf.ones([2, 3]), tf.eye(2), size)
