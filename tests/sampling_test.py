"""`generate` draws any number of samples, in inference mode."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters


class Shift(tf.Module):
    """A generator that gives its inputs, plus a constant; it notes how often Python runs it."""

    def __init__(self, by=0.0):
        super().__init__()
        self.by = tf.Variable(by)
        self.traces = []

    def __call__(self, inputs, training=None):
        self.traces.append((inputs.shape[0], training))
        return inputs + self.by


def normal():
    return tfp.distributions.Normal(tf.zeros([2]), 1.0)


def discriminator():
    weights = tf.Variable(tf.ones([2, 1]))
    return lambda x: x @ weights


def data(drop_remainder=True):
    return tf.data.Dataset.from_tensor_slices(tf.zeros([20, 2])).batch(4, drop_remainder).repeat()


def model_of(inputs, generator=None, real=None):
    return tfgan.gan_model(generator or Shift(), discriminator(), real or data(), inputs)


def distinct(samples):
    return len({row.tobytes() for row in np.asarray(samples)})


@pytest.mark.parametrize("num_samples", [1, 4, 99, 100, 101, 250])
def test_any_number_is_drawn_and_all_are_different(num_samples):
    samples = tfgan.generate(model_of(normal()), num_samples)
    assert samples.shape == [num_samples, 2]
    assert distinct(samples) == num_samples


@pytest.mark.parametrize("batch_size", [1, 3, 7, 20])
def test_samples_are_drawn_in_chunks(batch_size):
    generator = Shift()
    model = model_of(normal(), generator)
    generator.traces.clear()
    assert tfgan.generate(model, 7, batch_size=batch_size).shape == [7, 2]
    assert generator.traces == [(min(batch_size, 7), False)], "one program, in inference mode"


def test_real_batch_of_unknown_size_does_not_matter():
    model = model_of(normal(), real=data(drop_remainder=False))
    assert tfgan.generate(model, 9).shape == [9, 2]


def test_seed_makes_samples_repeatable():
    model = model_of(normal())
    first, second = (tfgan.generate(model, 5, seed=3, batch_size=2) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert distinct(first) == 5


def test_samples_of_another_seed_are_others():
    model = model_of(normal())
    samples = tf.concat([tfgan.generate(model, 5, seed=seed) for seed in (1, 2)], 0)
    assert distinct(samples) == 10


def test_without_a_seed_every_call_draws_anew():
    model = model_of(normal())
    assert distinct(tf.concat([tfgan.generate(model, 5) for _ in range(2)], 0)) == 10


def test_samples_are_those_of_the_weights_as_they_are_now():
    generator = Shift()
    model = model_of(normal(), generator)
    before = tfgan.generate(model, 5, seed=1)
    generator.by.assign(10.0)
    np.testing.assert_allclose(tfgan.generate(model, 5, seed=1), before + 10.0, rtol=1e-6)


def test_samples_of_other_inputs_of_the_same_model():
    model = model_of(normal())
    tfgan.generate(model, 2)
    other = model._replace(generator_inputs=tfgan.constant(tf.fill([4, 2], 5.0)))
    np.testing.assert_array_equal(tfgan.generate(other, 4), np.full([4, 2], 5.0))


def test_training_data_are_not_drawn():
    pulled = []
    real = data().map(
        lambda x: tf.ensure_shape(
            tf.numpy_function(lambda x: pulled.append(1) or x, [x], x.dtype), [4, 2]
        )
    )
    tfgan.generate(model_of(normal(), real=real), 9)
    assert pulled == []


@pytest.mark.parametrize("sized", [True, False], ids=["of the batch size", "of nothing"])
@pytest.mark.parametrize("kind", ["tensorflow", "numpy"])
def test_inputs_may_come_from_a_callable(sized, kind):
    random = np.random.default_rng(0)

    def draw(n):
        normal = tf.random.normal if kind == "tensorflow" else random.standard_normal
        return tf.cast(normal([n, 2]), tf.float32)

    inputs = draw if sized else lambda: draw(4)
    samples = tfgan.generate(model_of(inputs), 10, batch_size=3)
    assert samples.shape == [10, 2]
    assert distinct(samples) == 10


def test_inputs_from_a_dataset_come_in_its_order_and_from_its_start():
    inputs = tf.data.Dataset.range(30).map(lambda i: tf.fill([2], tf.cast(i, tf.float32))).batch(4)
    model = model_of(inputs)
    model.generated_data()  # Does not move the data that generate reads.
    for _ in range(2):
        np.testing.assert_array_equal(tfgan.generate(model, 10)[:, 0], np.arange(10.0))


def test_dataset_that_ends_too_early_is_an_error_that_says_so():
    inputs = tf.data.Dataset.from_tensor_slices(tf.zeros([8, 2])).batch(4)
    with pytest.raises(ValueError, match="ended after 8 of 9 samples"):
        tfgan.generate(model_of(inputs), 9)


def test_structures_of_inputs_and_data():
    weights = tf.Variable(1.0)

    def generator(inputs):
        return {"image": inputs["z"] * weights, "label": inputs["label"]}

    def judge(x):
        return tf.reduce_sum(x["image"], 1) * judge.weights

    judge.weights = tf.Variable(1.0)
    real = tfgan.from_dataset(data().map(lambda x: {"image": x, "label": x[:, 0]}))
    inputs = {"z": normal(), "label": lambda n: tf.random.normal([n])}
    samples = tfgan.generate(tfgan.gan_model(generator, judge, real, inputs), 9, batch_size=4)
    assert {name: part.shape.as_list() for name, part in samples.items()} == {
        "image": [9, 2],
        "label": [9],
    }


@pytest.mark.parametrize("world", ["TF2", "tf.Graph"])
def test_batch_norm_is_in_inference_mode(world):
    """It normalises by its moving statistics, mean 0 and variance 1 at first, and keeps them."""
    with tf.Graph().as_default() if world == "tf.Graph" else tf.init_scope():
        norm = tf.keras.layers.BatchNormalization(epsilon=0.0)
        generator = tf.keras.Sequential([tf.keras.Input([2]), norm])
        inputs = lambda n: tf.random.normal([n, 2], mean=7.0)  # noqa: E731
        model = model_of(inputs, generator)
        samples = tfgan.generate(model, 200)
        statistics = [norm.moving_mean.value, norm.moving_variance.value]
        if world == "tf.Graph":
            with tf.compat.v1.Session() as session:
                session.run(tf.compat.v1.global_variables_initializer())
                samples = session.run(samples)
                statistics = session.run(statistics)
    np.testing.assert_allclose(np.mean(samples), 7.0, atol=0.5)
    np.testing.assert_array_equal(statistics, [[0.0, 0.0], [1.0, 1.0]])


@pytest.mark.parametrize("name", ["num_samples", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3"])
def test_number_that_is_not_a_positive_integer_is_an_error_that_names_it(name, value):
    model = model_of(normal())
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got {value!r}"):
        tfgan.generate(model, **{"num_samples": 3, name: value})


# In a tf.Graph


def graph_samples(inputs, *arguments, **keywords):
    """What two runs of one `generate` in a graph give."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        samples = tfgan.generate(model_of(inputs()), *arguments, **keywords)
        session.run(tf.compat.v1.global_variables_initializer())
        return [session.run(samples) for _ in range(2)]


def numpy_noise(random):
    return lambda n: random.standard_normal([n, 2], np.float32)


GRAPH_INPUTS = {
    "distribution": normal,
    "callable": lambda: lambda n: tf.random.normal([n, 2]),
    "numpy": lambda: numpy_noise(np.random.default_rng(0)),
}


@pytest.mark.parametrize("inputs", GRAPH_INPUTS.values(), ids=GRAPH_INPUTS)
def test_any_number_is_drawn_in_a_graph_and_anew_in_every_run(inputs):
    first, second = graph_samples(inputs, 10, batch_size=4)
    assert first.shape == (10, 2)
    assert distinct(np.concatenate([first, second])) == 20


def test_seed_makes_samples_in_a_graph_repeatable():
    first, second = graph_samples(normal, 10, seed=3, batch_size=4)
    (again, _) = graph_samples(normal, 10, seed=3, batch_size=4)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, again)
    assert distinct(first) == 10


def test_several_inputs_in_a_graph_are_unlike_in_all_chunks():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        inputs, by = {"first": normal(), "second": normal()}, tf.Variable(0.0)
        model = tfgan.gan_model(
            lambda z: tf.concat([z["first"], z["second"]], 1) + by,
            lambda x: x @ tf.compat.v1.get_variable("weights", [4, 1]),
            tf.zeros([4, 4]),
            inputs,
        )
        samples = tfgan.generate(model, 3, seed=1, batch_size=1)
        session.run(tf.compat.v1.global_variables_initializer())
        assert distinct(session.run(samples).reshape([6, 2])) == 6


@pytest.mark.parametrize(
    "inputs",
    [lambda: tf.zeros([4, 2]), lambda: lambda: tf.random.normal([4, 2])],
    ids=["tensor", "callable of nothing"],
)
def test_inputs_of_a_fixed_size_in_a_graph_are_an_error(inputs):
    with pytest.raises(ValueError, match=r"fetch model\.generated_data in a session instead"):
        graph_samples(inputs, 10)


# Training


def test_sampling_leaves_training_data_and_noise_as_they_were():
    def trained(sampling):
        model = model_of(normal(), real=data())
        session = tfgan.Session(Counters(), seed=1)
        first = session.run(model.generated_data)
        if sampling:
            tfgan.generate(model, 3, seed=1)
        return first, session.run(model.generated_data)

    np.testing.assert_array_equal(trained(sampling=True), trained(sampling=False))
