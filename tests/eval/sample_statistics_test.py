"""What is collected of samples: a row for each, of any real dtype, and messages that find one."""

import numpy as np
import pytest
import tensorflow as tf

from tests.eval.tiny_extractor import TinyExtractor, images
from tfgan_lite import eval as tfeval

SCORE = [tfeval.ClassifierScore()]


def quiet(*args, **kwargs):
    return tfeval.evaluate(*args, progress=False, **kwargs)


@pytest.mark.parametrize(("part", "metrics"), [("features", None), ("logits", SCORE)])
def test_an_extractor_must_give_a_row_for_each_sample(part, metrics):
    whole = TinyExtractor()

    def some(batch):
        return {**whole(batch), part: whole(batch)[part][:5]}

    with pytest.raises(ValueError, match=f"gave {part} of 5 samples for 50"):
        quiet(images(100), images(100), metrics, extractor=some, batch_size=50)


def test_a_bad_sample_has_its_number_in_the_whole_set():
    features = np.random.default_rng(0).normal(size=[300, 3])
    features[250, 1] = np.nan
    with pytest.raises(ValueError, match="row 250 holds NaN"):
        quiet(features, features[:200], batch_size=100)


def test_features_in_bfloat16_have_the_values_of_their_float32():
    halves = tf.cast(np.random.default_rng(0).normal(size=[200, 3]), tf.bfloat16)
    metrics = [tfeval.FrechetDistance(), tfeval.KernelDistance(), tfeval.PrecisionRecall()]
    found, expected = (quiet(x, x[:100], metrics) for x in (halves, tf.cast(halves, tf.float32)))
    assert found.values == expected.values


def test_complex_features_are_no_features():
    with pytest.raises(ValueError, match="must be real numbers .* got complex64"):
        quiet(np.ones([20, 3], np.complex64), np.ones([20, 3]))
