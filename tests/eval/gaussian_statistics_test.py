"""Moments of streams of features against NumPy's of the whole."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.eval import GaussianStatistics, gaussian_statistics
from tfgan_lite.eval.gaussian_statistics import moments


def after(batches):
    statistics = GaussianStatistics(batches[0].shape[1])
    for batch in batches:
        statistics.update_state(batch)
    return statistics


def correlated(count, width=6, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, width)) @ random.normal(size=(width, width)) + width


def test_moments_are_numpys():
    data = correlated(100)
    count, mean, covariance = after(np.split(data, [10, 50])).result()
    assert count == 100
    np.testing.assert_allclose(mean, data.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(data, rowvar=False), rtol=1e-11)


@pytest.mark.parametrize("rows", [2, 4096, 4097, 9000])
def test_moments_of_all_at_once_are_numpys(rows, monkeypatch):
    """In chunks or not."""
    monkeypatch.setattr(gaussian_statistics, "_AT_ONCE", 4096 * 3 * 8)
    data = correlated(rows, width=3)
    count, mean, covariance = moments(data)
    assert count == rows
    np.testing.assert_allclose(mean, data.mean(axis=0), rtol=1e-11)
    np.testing.assert_allclose(covariance, np.cov(data, rowvar=False), rtol=1e-10)


def test_a_small_spread_around_a_large_mean_is_not_lost():
    """Sums of squares would leave nothing of it, in float32 and hardly anything in float64."""
    small = 0.01 * np.random.default_rng(0).normal(size=(1000, 3))
    found = after(np.split(1e4 + small, 50)).result().covariance
    scale = np.cov(small, rowvar=False).max()
    np.testing.assert_allclose(found, np.cov(small, rowvar=False), atol=1e-8 * scale)


@pytest.mark.parametrize("size", [1, 7, 250])
def test_batches_of_any_size_agree_to_ten_digits_though_the_mean_drifts(size):
    data = correlated(1000) + np.linspace(0, 50, 1000)[:, np.newaxis]
    found = after([data[i : i + size] for i in range(0, 1000, size)]).result()
    np.testing.assert_allclose(found.mean, data.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(data, rowvar=False), rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint8, np.int64])
def test_features_of_any_real_dtype_are_summed_in_float64(dtype):
    data = np.arange(40).reshape(20, 2).astype(dtype)
    found = after([data]).result()
    assert found.mean.dtype == found.covariance.dtype == tf.float64
    np.testing.assert_allclose(found.covariance, np.cov(data.astype(float), rowvar=False))


def test_constant_features_have_no_variance_at_all():
    found = after([np.full((n, 3), 0.1) for n in (3, 5)]).result()
    np.testing.assert_allclose(found.covariance, np.zeros((3, 3)), atol=1e-30)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_examples_for_a_covariance_are_an_error(count):
    """Forbids B43: N = 1 gives NaN."""
    with pytest.raises(ValueError, match=f"at least 2 examples.* has seen {count}"):
        after([np.ones((count, 3))]).result()


def test_too_few_examples_are_an_error_of_the_run_where_only_it_knows():
    statistics = after([np.ones((1, 3))])
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 2 examples"):
        tf.function(statistics.result)()
