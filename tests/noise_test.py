"""Standard normal noise without TensorFlow Probability."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan


def test_noise_has_mean_zero_and_deviation_one():
    values = tfgan.normal([50]).sample(2000, seed=[0, 1]).numpy()
    assert values.shape == (2000, 50)
    assert np.mean(values) == pytest.approx(0.0, abs=5 / np.sqrt(values.size))
    assert np.std(values) == pytest.approx(1.0, abs=5 / np.sqrt(values.size))


def test_a_seed_says_what_is_drawn():
    first, again, other = (tfgan.normal([3]).sample(4, seed=[0, i]).numpy() for i in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.all(first != other)


def test_without_a_seed_every_call_draws_anew():
    first, second = (tfgan.normal([3]).sample(4).numpy() for _ in range(2))
    assert np.all(first != second)


def test_a_model_draws_as_many_examples_as_the_real_batch_has():
    real = tf.data.Dataset.from_tensors(tf.zeros([5, 2])).repeat()
    weight = tf.Variable(tf.ones([3, 2]))
    model = tfgan.gan_model(lambda z: z @ weight, tf.keras.layers.Dense(1), real, tfgan.normal([3]))
    assert model.generator_inputs.shape == [5, 3]
    assert tfgan.generate(model, 7, seed=0).shape == (7, 2)


@pytest.mark.slow
def test_it_does_not_import_tensorflow_probability():
    code = (
        "import sys, tensorflow as tf, tfgan_lite as tfgan;"
        "tfgan.from_distribution(tfgan.normal([3]), tf.zeros([4, 1]))();"
        "sys.exit('tensorflow_probability' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_number_is_the_size_of_a_vector():
    assert tfgan.normal(16).sample(3).shape == [3, 16]


@pytest.mark.parametrize("shape", [[None], [0], [3, None]])
def test_the_shape_is_that_of_one_example(shape):
    with pytest.raises(ValueError, match=r"one example's noise, such as \[64\], got"):
        tfgan.normal(shape)


def test_noise_is_floating():
    with pytest.raises(TypeError, match="dtype must be floating, got int32"):
        tfgan.normal([3], tf.int32)
