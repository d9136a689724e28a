"""`gan_model` connects networks to data, and says early and clearly where they do not fit."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred


class Linear(tf.Module):
    """x W, with all weights `value`."""

    def __init__(self, width, units, value=1.0):
        super().__init__()
        self.weights = tf.Variable(tf.fill([width, units], value))

    def __call__(self, inputs):
        return inputs @ self.weights


def images(batch_size=4):
    dataset = tf.data.Dataset.range(100).map(lambda i: tf.fill([2], tf.cast(i, tf.float32)))
    return dataset.batch(batch_size, drop_remainder=True)


def noise(width=3):
    return lambda n: tf.random.normal([n, width])


def session_run(fetches):
    return tfgan.Session(Counters()).run(fetches)


def never_called(*_):
    pytest.fail("the discriminator was called")


# What a model is


def test_model_of_deferred_values_is_connected():
    """In one run, all of a model's values belong to one draw."""
    model = tfgan.gan_model(Linear(3, 2, 0.5), Linear(2, 1), images(), noise())
    inputs, generated, real, real_logits, gen_logits = session_run(
        [
            model.generator_inputs,
            model.generated_data,
            model.real_data,
            model.discriminator_real_outputs,
            model.discriminator_gen_outputs,
        ]
    )
    np.testing.assert_allclose(generated, inputs @ np.full([3, 2], 0.5), rtol=1e-5)
    np.testing.assert_array_equal(real, np.repeat(np.arange(4.0)[:, None], 2, axis=1))
    np.testing.assert_allclose(real_logits, real.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(gen_logits, generated.sum(1, keepdims=True), rtol=1e-4, atol=1e-5)


def test_values_are_named_by_their_fields():
    model = tfgan.gan_model(Linear(3, 2), Linear(2, 1), images(), noise())
    fields = ["generated_data", "discriminator_real_outputs", "discriminator_gen_outputs"]
    assert [getattr(model, field).name for field in fields] == fields
    assert repr(model.generated_data) == "<Deferred 'generated_data' shape=(4, 2) dtype=float32>"


def test_a_models_network_may_go_into_a_second_model():
    first = tfgan.gan_model(Linear(3, 2), Linear(2, 1), images(), noise())
    second = tfgan.gan_model(first.generator_fn, first.discriminator_fn, images(), noise())
    assert second.generator_variables[0] is first.generator_variables[0]
    assert second.discriminator_fn.fn is first.discriminator_fn.fn


def test_same_program_text_builds_a_model_in_a_graph():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        model = tfgan.gan_model(Linear(3, 2, 0.5), Linear(2, 1), images(), noise())
        assert all(tf.is_tensor(x) for x in (model.generated_data, model.real_data))
        session.run(
            [tf.compat.v1.global_variables_initializer(), tf.compat.v1.tables_initializer()]
        )
        inputs, generated, real, logits = session.run(
            [
                model.generator_inputs,
                model.generated_data,
                model.real_data,
                model.discriminator_gen_outputs,
            ]
        )
    np.testing.assert_allclose(generated, inputs @ np.full([3, 2], 0.5), rtol=1e-5)
    np.testing.assert_array_equal(real[:, 0], np.arange(4.0))
    np.testing.assert_allclose(logits, generated.sum(1, keepdims=True), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["tuple", "list", "dict"])
def test_data_and_inputs_may_be_structures(kind):
    def pack(a, b):
        return {"tuple": (a, b), "list": [a, b], "dict": {"image": a, "label": b}}[kind]

    def parts(structure):
        return list(structure.values()) if kind == "dict" else list(structure)

    generator, discriminator = Linear(3, 2), Linear(2, 1)

    def generate(inputs):
        z, label = parts(inputs)
        return pack(generator(z), label)

    def judge(data, inputs):
        image, label = parts(data)
        return discriminator(image) + label * parts(inputs)[1]

    labels = tfgan.from_callable(lambda n: tf.random.normal([n, 1]), tf.zeros([4]))
    real = pack(tfgan.from_dataset(images()), labels)
    model = tfgan.gan_model(generate, judge, real, pack(noise(), labels))
    generated, real, inputs, logits = session_run(
        [
            model.generated_data,
            model.real_data,
            model.generator_inputs,
            model.discriminator_gen_outputs,
        ]
    )
    assert type(generated) is type(real)
    image, label = parts(generated)
    np.testing.assert_array_equal(label, parts(inputs)[1])
    np.testing.assert_allclose(logits, image.sum(1, keepdims=True) + label**2, rtol=1e-4, atol=1e-5)


def test_dataset_element_may_give_data_and_labels():
    """Labels reach the networks through generator_inputs, aligned with the images."""
    images_and_labels = images().map(lambda x: (x, x[:, :1] + 100.0))
    real, labels = tfgan.from_dataset(images_and_labels)
    generator, discriminator = Linear(3, 2), Linear(2, 1)
    model = tfgan.gan_model(
        lambda inputs: generator(inputs[0]),
        lambda x, inputs: discriminator(x) - inputs[1],
        real,
        (noise(), labels),
    )
    logits, x = session_run([model.discriminator_real_outputs, model.real_data])
    np.testing.assert_allclose(logits[:, 0], x.sum(1) - (x[:, 0] + 100), rtol=1e-5)


@pytest.mark.parametrize(
    "heads",
    [lambda x: (x, 2 * x), lambda x: [x, 2 * x], lambda x: {"logits": x, "other": 2 * x}],
    ids=["tuple", "list", "dict"],
)
def test_discriminator_may_return_several_heads(heads):
    discriminator = Linear(2, 1)
    model = tfgan.gan_model(Linear(3, 2), lambda x: heads(discriminator(x)), images(), noise())
    first, second = tf.nest.flatten(session_run(model.discriminator_real_outputs))
    np.testing.assert_array_equal(second, 2 * first)


# Data that do not fit


@pytest.mark.parametrize("world", ["TF2", "tf.Graph"])
@pytest.mark.parametrize(
    ("generate", "generated", "real"),
    [
        (lambda x: tf.concat([x, x], 1), "float32(4, 4)", "float32(4, 2)"),
        (lambda x: x[:, 0], "float32(4,)", "float32(4, 2)"),
        (lambda x: x[:3], "float32(3, 2)", "float32(4, 2)"),
        (lambda x: tf.cast(x, tf.float16), "float16(4, 2)", "float32(4, 2)"),
        (lambda x: (x, x), "(float32(4, 2), float32(4, 2))", "float32(4, 2)"),
        (lambda x: {"image": x}, "{image: float32(4, 2)}", "float32(4, 2)"),
    ],
    ids=["width", "rank", "batch size", "dtype", "tuple", "dict"],
)
def test_mismatch_is_reported_before_the_discriminator_is_called(world, generate, generated, real):
    with tf.Graph().as_default() if world == "tf.Graph" else tf.init_scope():
        generator = Linear(3, 2)
        with pytest.raises(ValueError) as error:
            tfgan.gan_model(lambda z: generate(generator(z)), never_called, images(), noise())
    lines = str(error.value).splitlines()
    assert f"  generated: {generated}" in lines
    assert f"  real:      {real}" in lines


def test_mismatch_of_structures_names_both():
    generator = Linear(3, 2)
    real = {"image": tfgan.from_dataset(images())}
    with pytest.raises(ValueError, match=r"\{picture: float32\(4, 2\)\}\n.*\{image: float32"):
        tfgan.gan_model(lambda z: {"picture": generator(z)}, never_called, real, noise())


def test_list_may_stand_for_a_tuple():
    """A dataset's elements are tuples, and a Keras model returns lists."""
    generator, discriminator = Linear(3, 2), Linear(2, 1)
    real = tfgan.from_dataset(images().map(lambda x: (x, x)))
    model = tfgan.gan_model(
        lambda z: [generator(z), generator(z)], lambda x: discriminator(x[0]), real, noise()
    )
    assert [x.shape for x in model.generated_data] == [[4, 2], [4, 2]]


def test_generated_batch_of_unknown_size_fits():
    real = images().unbatch().batch(4)
    model = tfgan.gan_model(Linear(3, 2), Linear(2, 1), real, noise())
    assert model.generated_data.shape.as_list() == [None, 2]


def test_check_may_be_switched_off():
    model = tfgan.gan_model(
        Linear(3, 5), lambda x: tf.reduce_sum(x, 1), images(), noise(), check_shapes=False
    )
    assert model.generated_data.shape == [4, 5]
    assert model.real_data.shape == [4, 2]


def test_empty_dataset_is_an_error():
    with pytest.raises(ValueError, match="dataset is empty"):
        tfgan.gan_model(Linear(3, 2), never_called, images(batch_size=101), noise())


def test_eager_batch_brings_a_warning_that_names_the_argument():
    with pytest.warns(UserWarning, match="real_data is a constant"):
        tfgan.gan_model(Linear(3, 2), Linear(2, 1), tf.zeros([4, 2]), noise())


# Inside a user's own tf.function


@pytest.mark.parametrize("jit_compile", [False, True])
def test_inside_a_tf_function_tensors_give_tensors_and_gradients(jit_compile):
    """With D(x) = sum(x) and G(z) = z W, the mean of D(G(z)) has the gradient mean(z) in W."""
    generator, discriminator = Linear(3, 2), Linear(2, 1)

    @tf.function(autograph=False, jit_compile=jit_compile)
    def step(real, inputs):
        with tf.GradientTape() as tape:
            model = tfgan.gan_model(generator, discriminator, real, inputs)
            loss = tf.reduce_mean(model.discriminator_gen_outputs)
        assert not any(isinstance(x, Deferred) for x in tf.nest.flatten(model))
        return loss, tape.gradient(loss, generator.weights), model.discriminator_real_outputs

    inputs = np.random.default_rng(0).normal(size=[4, 3]).astype(np.float32)
    for scale in (1.0, 2.0):
        loss, gradient, logits = step(tf.fill([4, 2], scale), tf.constant(scale * inputs))
        mean = scale * inputs.mean(0)
        np.testing.assert_allclose(loss, 2 * mean.sum(), rtol=1e-4)
        np.testing.assert_allclose(gradient, np.stack([mean, mean], 1), rtol=1e-4)
        np.testing.assert_allclose(logits, np.full([4, 1], 2 * scale))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_keras_models_train_inside_a_tf_function(jit_compile):
    generator = tf.keras.Sequential([tf.keras.Input([3]), tf.keras.layers.Dense(2)])
    discriminator = tf.keras.Sequential([tf.keras.Input([2]), tf.keras.layers.Dense(1)])

    @tf.function(autograph=False, jit_compile=jit_compile)
    def gradients(real, inputs):
        with tf.GradientTape() as tape:
            model = tfgan.gan_model(generator, discriminator, real, inputs)
            loss = tfgan.gan_loss(model).discriminator_loss
        return tape.gradient(loss, model.discriminator_variables)

    real, inputs = tf.ones([4, 2]), tf.random.normal([4, 3])
    kernel, bias = gradients(real, inputs)
    # The Wasserstein loss of a linear critic: the difference of the data's means.
    difference = np.mean(generator(inputs) - real, axis=0)
    np.testing.assert_allclose(kernel[:, 0], difference, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(bias, [0.0], atol=1e-6)


def test_networks_inside_a_tf_function_own_their_variables():
    generator, discriminator = Linear(3, 2), Linear(2, 1)
    owned = []

    @tf.function(autograph=False)
    def step(real, inputs):
        model = tfgan.gan_model(generator, lambda x: discriminator(x), real, inputs)
        owned.append((model.generator_variables, model.discriminator_variables))

    step(tf.ones([4, 2]), tf.ones([4, 3]))
    (((first,), (second,)),) = owned
    assert first is generator.weights
    assert second is discriminator.weights


def test_distribution_inside_a_tf_function_is_drawn_anew_in_every_call():
    generator, discriminator = Linear(3, 2), Linear(2, 1)

    @tf.function(autograph=False)
    def step(real):
        return tfgan.gan_model(generator, discriminator, real, noise()).generated_data

    first, second = step(tf.ones([4, 2])), step(tf.ones([4, 2]))
    assert first.shape == [4, 2]
    assert not np.array_equal(first, second)


def test_two_models_in_one_graph_are_independent():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        models = [
            tfgan.gan_model(Linear(3, 2, value), Linear(2, 1), tf.ones([4, 2]), tf.ones([4, 3]))
            for value in (1.0, 2.0)
        ]
        session.run(tf.compat.v1.global_variables_initializer())
        first, second = session.run([model.generated_data for model in models])
        assert len(tf.compat.v1.trainable_variables()) == 4
    np.testing.assert_array_equal(first, np.full([4, 2], 3.0))
    np.testing.assert_array_equal(second, np.full([4, 2], 6.0))
