"""What cannot be data or inputs is told before anything is drawn."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.sources import as_values


def test_a_path_in_place_of_data_is_an_error_that_says_how_to_load_it():
    network = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"real_data must be .*data\.load\('photos'\)"):
        tfgan.gan_model(network, network, "photos", tfgan.normal([1]))


def batches_of_python():
    yield np.ones([4, 2], np.float32)


class Loader:
    """Like torch's DataLoader or Keras's PyDataset."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return np.ones([4, 2], np.float32)


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize(
    "given", [batches_of_python(), batches_of_python, Loader(), map(np.ones, [[4, 2]])]
)
def test_batches_that_python_yields_are_an_error_that_says_how_to_give_them(in_graph, given):
    with tf.Graph().as_default() if in_graph else contextlib.nullcontext():
        with pytest.raises(TypeError, match=r"real_data .* tf.data.Dataset.from_generator"):
            as_values(given, "real_data")


def test_callable_that_gives_nothing_is_an_error():
    with pytest.raises(TypeError, match="the callable of noise gives is of type NoneType"):
        as_values(lambda: None, "noise")


def test_data_without_a_batch_axis_is_an_error():
    with pytest.raises(ValueError, match=r"shape \(\), without a batch axis"):
        as_values(lambda n: tf.random.normal([n, 2]), "noise", tf.constant(3.0))
