"""The Fréchet distance at infinitely many samples, where it is known."""

import numpy as np
import pytest

from tfgan_lite.eval import extrapolation
from tfgan_lite.eval.gaussian_statistics import Moments

WIDTH = 16


def standard(count=10**6):
    return Moments(count, np.zeros(WIDTH), np.eye(WIDTH))


def sample(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, WIDTH))


def test_samples_of_the_reference_itself_are_at_distance_zero():
    """Their own distance is biased: about D / N + D (D + 1) / (4 N), 0.0224 for 3750 samples."""
    found = extrapolation.frechet_distance_infinity(sample(3750), standard(), seed=1)
    assert found.distances[-1] == pytest.approx(0.0224, rel=0.2)
    assert abs(found.distance) < 0.3 * found.distances[-1]
    assert found.slope == pytest.approx(WIDTH + WIDTH * (WIDTH + 1) / 4, rel=0.2)


def test_a_known_distance_is_found():
    """Means that are 1 apart and half the deviation: 1 + D / 4."""
    generated = 1.0 / np.sqrt(WIDTH) + 0.5 * sample(3000)
    found = extrapolation.frechet_distance_infinity(generated, standard())
    assert found.distance == pytest.approx(1.0 + WIDTH / 4, rel=0.02)


def test_the_line_is_the_least_squares_line_of_numpy():
    found = extrapolation.frechet_distance_infinity(sample(500), standard(), num_points=6)
    (slope, intercept), covariance = np.polyfit(1 / found.counts, found.distances, 1, cov=True)
    assert found.slope == pytest.approx(slope) and found.distance == pytest.approx(intercept)
    assert found.standard_error == pytest.approx(np.sqrt(covariance[1, 1]))


def test_sizes_are_even_up_to_all_samples_and_the_seed_chooses():
    found = extrapolation.frechet_distance_infinity(sample(500), standard(), num_points=5)
    np.testing.assert_array_equal(found.counts, [50, 162, 275, 387, 500])
    same = extrapolation.frechet_distance_infinity(sample(500), standard(), num_points=5)
    other = extrapolation.frechet_distance_infinity(sample(500), standard(), num_points=5, seed=1)
    assert found.distance == same.distance != other.distance


def test_two_points_have_a_line_without_an_error():
    found = extrapolation.frechet_distance_infinity(sample(500), standard(), num_points=2)
    assert np.isfinite(found.distance) and np.isnan(found.standard_error)


def test_moments_in_chunks_are_those_of_numpy():
    features = sample(5000) * 3 + 7
    which = np.arange(0, 5000, 3)
    found = extrapolation.moments_in_chunks(features, which)
    np.testing.assert_allclose(found.mean, features[which].mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(features[which].T), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (100, {"num_points": 1}, "num_points=1 must be at least 2"),
        (100, {"min_samples": 100}, "min_samples=100 from 2 to below"),
        (100, {"min_samples": 10}, "too few for a covariance"),
        (2, {}, "at least 3 row"),
    ],
)
def test_bad_arguments_are_named(count, options, message):
    with pytest.raises(ValueError, match=message):
        extrapolation.frechet_distance_infinity(sample(count), standard(), **options)
