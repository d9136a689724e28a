"""The Fréchet distance of Gaussians whose distance is known, and against SciPy's matrix root."""

import numpy as np
import pytest
from scipy import linalg

from tfgan_lite.eval import frechet_classifier_distance_from_activations

pytestmark = pytest.mark.slow


def gaussian(count, mean, covariance, seed):
    """Samples whose mean and unbiased covariance are exactly these."""
    raw = np.random.default_rng(seed).normal(size=[count, len(mean)])
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw / (count - 1))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def covariance(width, seed):
    factor = np.random.default_rng(seed).normal(size=[width, width]) / np.sqrt(width)
    return factor @ factor.T + 0.05 * np.eye(width)


def distance(first, second):
    return frechet_classifier_distance_from_activations(first, second).numpy()


@pytest.mark.parametrize("width", [1, 16, 256])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_of_scaled_gaussians_is_known(width, scale):
    shift = np.linspace(-1.0, 1.0, width)
    common = covariance(width, seed=0)
    first = gaussian(3 * width + 5, np.zeros(width), common, seed=1)
    second = gaussian(4 * width + 5, shift, scale**2 * common, seed=2)
    expected = shift @ shift + (1.0 - scale) ** 2 * np.trace(common)
    assert distance(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("width", [16, 256])
def test_of_gaussians_with_the_same_axes_is_known(width):
    axes, _ = np.linalg.qr(np.random.default_rng(0).normal(size=[width, width]))
    spreads = np.random.default_rng(1).uniform(0.1, 2.0, [2, width])
    first, second = (
        gaussian(3 * width, np.zeros(width), axes @ np.diag(s**2) @ axes.T, seed)
        for seed, s in enumerate(spreads)
    )
    expected = np.sum((spreads[0] - spreads[1]) ** 2)
    assert distance(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("width", [16, 256])
def test_of_any_gaussians_is_scipys(width):
    moments = [covariance(width, seed) for seed in (3, 4)]
    first, second = (
        gaussian(3 * width, np.full(width, float(seed)), c, seed) for seed, c in enumerate(moments)
    )
    root = linalg.sqrtm(moments[0] @ moments[1]).real
    expected = width + np.trace(moments[0]) + np.trace(moments[1]) - 2.0 * np.trace(root)
    assert distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_of_large_samples_nears_that_of_their_distributions():
    random = np.random.default_rng(5)
    first = random.normal(0.0, 1.0, [200_000, 8])
    second = random.normal(1.0, 2.0, [200_000, 8])
    assert distance(first, second) == pytest.approx(8 * (1.0 + 1.0), rel=0.01)
