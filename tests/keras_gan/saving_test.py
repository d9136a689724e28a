"""A `.keras` file holds a KerasGAN: networks, optimizers, averages, counters, compilation."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.keras_gan.small_gans import KINDS, WIDTH, batches, data, every_kind, gan, network
from tfgan_lite.keras_gan.inputs import config_of, from_config
from tfgan_lite.train import Phase

tfd = tfp.distributions


def weights(model):
    return [np.array(w) for w in model.get_weights()]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A GAN with all that can be kept, and its file."""
    made = gan(
        penalties=[(tfgan.losses.r1_penalty, 0.5, 2)],
        schedule=[Phase("discriminator", 2), Phase(("generator", "discriminator"), 1)],
        generator_average=tfgan.features.WeightAverage(100),
        discriminator_metrics={"accuracy": tfgan.losses.discriminator_accuracy},
    )
    made.fit(batches(data()), rounds=3, verbose=0)
    path = tmp_path_factory.mktemp("saved") / "gan.keras"
    made.save(path)
    return made, path


def test_a_loaded_gan_samples_the_same(saved):
    made, path = saved
    loaded = tf.keras.models.load_model(path)
    np.testing.assert_array_equal(loaded.predict(4, seed=1), made.predict(4, seed=1))


@pytest.mark.slow
def test_a_loaded_gan_trains_on_as_the_saved_one(saved):
    made, path = saved
    loaded = tf.keras.models.load_model(path)
    assert loaded.rounds == made.rounds == 3
    # Other data, so that both begin them.
    for each in (made, loaded):
        each.fit(batches(data(5)), rounds=2, verbose=0)
    for mine, theirs in zip(weights(loaded), weights(made), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(loaded.predict(4, seed=1), made.predict(4, seed=1))
    assert "discriminator_accuracy" in loaded.history.history


@pytest.mark.slow
def test_another_process_loads_it(saved):
    made, path = saved
    program = (
        "import sys; from tfgan_lite import KerasGAN; import tensorflow as tf;"
        "gan = tf.keras.models.load_model(sys.argv[1]); print(gan.predict(3, seed=2).shape)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], env=environment, capture_output=True, text=True
    )
    assert "(3, 3)" in done.stdout, done.stderr


@every_kind
def test_every_kind_is_saved(kind, tmp_path):
    made, _ = KINDS[kind]()
    made.save(tmp_path / "gan.keras")
    loaded = tf.keras.models.load_model(tmp_path / "gan.keras")
    assert loaded.kind == made.kind
    assert loaded.compiled
    for mine, theirs in zip(weights(loaded), weights(made), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_networks_that_training_built_are_saved(tmp_path):
    layers = tf.keras.layers
    generator, discriminator = (tf.keras.Sequential([layers.Dense(n)]) for n in (WIDTH, 1))
    made = tfgan.KerasGAN(generator, discriminator, noise=(2,))
    made.compile(jit_compile=False)
    made.fit(batches(data()), rounds=1, verbose=0)
    made.save(tmp_path / "gan.keras")
    loaded = tf.keras.models.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(loaded.predict(3, seed=1), made.predict(3, seed=1))


def test_another_kind_of_file_is_refused(tmp_path):
    made = tfgan.KerasGAN(network([2], WIDTH), network([WIDTH], 1), noise=2)
    with pytest.raises(ValueError, match=r"saved as a \.keras file, got .*gan\.h5"):
        made.save(tmp_path / "gan.h5")


def test_safe_mode_refuses_code_in_a_file(tmp_path):
    layers = tf.keras.layers
    generator = tf.keras.Sequential(
        [layers.Input([2]), layers.Dense(WIDTH), layers.Lambda(lambda x: 2 * x)]
    )
    tfgan.KerasGAN(generator, network([WIDTH], 1), noise=2).save(tmp_path / "gan.keras")
    with pytest.raises(ValueError, match="safe_mode"):
        tf.keras.models.load_model(tmp_path / "gan.keras")
    tf.keras.models.load_model(tmp_path / "gan.keras", safe_mode=False)


def test_what_has_no_name_is_left_out_with_a_warning(tmp_path):
    made = gan(losses=(lambda model: 0.0, lambda model: 0.0))
    with pytest.warns(UserWarning, match="call compile"):
        made.save(tmp_path / "gan.keras")
    loaded = tf.keras.models.load_model(tmp_path / "gan.keras")
    assert not loaded.compiled
    np.testing.assert_array_equal(weights(loaded)[0], weights(made)[0])


@pytest.mark.parametrize(
    "distribution",
    [
        tfd.Normal(tf.zeros([2]), 2.0),
        tfd.Uniform([-1.0, 0.0], [1.0, 3.0]),
        tfd.OneHotCategorical(probs=[0.25, 0.75], dtype=tf.float32),
        tfd.Independent(tfd.Normal([1.0, 2.0], 1.0), 1),
    ],
    ids=lambda d: type(d).__name__,
)
def test_a_distribution_is_the_same_after_a_file(distribution):
    again = from_config(json.loads(json.dumps(config_of(distribution))))
    sample = distribution.sample(5, seed=[1, 2])
    np.testing.assert_array_equal(again.sample(5, seed=[1, 2]), sample)
    np.testing.assert_allclose(again.log_prob(sample), distribution.log_prob(sample))


def test_a_file_cannot_name_what_is_no_distribution():
    with pytest.raises(ValueError, match="no distribution 'quadrature_scheme_softmaxnormal"):
        from_config({"distribution": "quadrature_scheme_softmaxnormal_quantiles", "parameters": {}})
