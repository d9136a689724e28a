"""Precision, recall, density and coverage against the papers' definitions, pair by pair."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from tfgan_lite.eval import distances, neighbours


def clouds(seed=0, real=150, generated=120, width=8):
    random = np.random.default_rng(seed)
    return random.normal(size=(real, width)), random.normal(0.3, 1.2, size=(generated, width))


def reference_values(real, generated, k):
    """The four values from the whole matrix of distances, as their papers define them."""
    radii = {}
    for name, x in (("real", real), ("generated", generated)):
        own = pairwise_distances(x, x)
        radii[name] = np.sort(own, axis=1)[:, k]  # Column 0 is the sample itself.
    between = pairwise_distances(real, generated)
    return {
        "precision": (between <= radii["real"][:, None]).any(axis=0).mean(),
        "recall": (between <= radii["generated"][None]).any(axis=1).mean(),
        "density": (between < radii["real"][:, None]).sum(axis=0).mean() / k,
        "coverage": (between.min(axis=1) < radii["real"]).mean(),
    }


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_are_those_of_the_definitions(k, dtype):
    real, generated = (x.astype(dtype) for x in clouds(k))
    expected = reference_values(real.astype(np.float64), generated.astype(np.float64), k)
    precision, recall = neighbours.precision_recall(real, generated, k)
    density, coverage = neighbours.density_coverage(real, generated, k)
    found = {"precision": precision, "recall": recall, "density": density, "coverage": coverage}
    assert found == expected


@pytest.mark.parametrize("tile", [7, 64, 1000])
def test_nearest_distances_do_not_depend_on_the_tiles(tile):
    real, generated = clouds()
    expected = np.sort(pairwise_distances(real, generated, "sqeuclidean"), axis=1)[:, :4]
    found = distances.nearest_squared_distances(real, generated, 4, tile)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("tile", [7, 64])
def test_tiles_are_all_distances_once(tile):
    real, generated = clouds()
    found = np.full([len(real), len(generated)], np.nan)
    for rows, columns, squares in distances.squared_distance_tiles(real, generated, tile):
        assert np.isnan(found[rows, columns]).all()
        found[rows, columns] = squares
    np.testing.assert_allclose(found, pairwise_distances(real, generated, "sqeuclidean"), 1e-12)


def test_distances_survive_a_large_common_offset():
    real, generated = clouds()
    found = distances.nearest_squared_distances(real + 1e6, generated + 1e6, 1)
    expected = pairwise_distances(real, generated, "sqeuclidean").min(axis=1)[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-8)  # The sums 1e6 + x lost the rest.


def test_a_copy_of_the_real_set_is_perfect():
    """Each ball has its centre and k - 1 neighbours inside, and the k-th on its surface."""
    real, _ = clouds()
    found = neighbours.neighbourhoods(real, real[::-1].copy(), k=5)
    assert found.in_real_region.all() and found.in_generated_region.all() and found.covered.all()
    assert found.inside.sum() == len(real) * 5


def test_far_away_samples_score_zero():
    real, generated = clouds()
    assert neighbours.precision_recall(real, generated + 100.0) == (0.0, 0.0)
    assert neighbours.density_coverage(real, generated + 100.0) == (0.0, 0.0)


def test_a_collapsed_generator_is_precise_and_reaches_nothing():
    real, _ = clouds()
    collapsed = np.repeat(real[:1], 20, axis=0)
    precision, recall = neighbours.precision_recall(real, collapsed)
    assert precision == 1.0 and recall == 1 / len(real)  # The one that it repeats.


def test_one_outlier_makes_recall_but_not_coverage():
    """Naeem et al., figure 1: a far generated sample's ball covers everything."""
    real, _ = clouds()
    generated = np.concatenate([np.full([4, 8], 0.0) + 20.0, np.full([1, 8], -20.0)])
    _, recall = neighbours.precision_recall(real, generated, k=4)
    _, coverage = neighbours.density_coverage(real, generated, k=4)
    assert recall == 1.0 and coverage == 0.0


def test_two_samples_of_one_distribution_have_density_one():
    random = np.random.default_rng(0)
    real, generated = random.normal(size=(2, 2000, 4))
    density, coverage = neighbours.density_coverage(real, generated)
    assert density == pytest.approx(1.0, abs=0.03)
    # Naeem et al., lemma 2: 1 - (N - 1)...(N - k) / ((2 N - 1)...(2 N - k)), about 1 - 2^-k.
    assert coverage == pytest.approx(1.0 - 2.0**-5, abs=0.01)


def test_identical_samples_everywhere_are_on_but_not_inside_balls_of_no_width():
    same = np.ones([10, 3])
    assert neighbours.precision_recall(same, same) == (1.0, 1.0)
    assert neighbours.density_coverage(same, same) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("real", "generated", "k", "message"),
    [
        (np.ones([9, 2]), np.ones([9, 3]), 3, "same number of columns"),
        (np.ones([3, 2]), np.ones([9, 2]), 3, "real_features must have at least 4"),
        (np.ones([9, 2]), np.ones([1, 2]), 3, "generated_features must have at least 4"),
        (np.ones([9, 2, 2]), np.ones([9, 2]), 3, "real_features must be real numbers"),
        (np.full([9, 2], np.nan), np.ones([9, 2]), 3, "row 0 holds NaN"),
        (np.ones([9, 2]), np.ones([9, 2]), 0, "k must be a positive integer"),
        (np.ones([9, 2]), np.ones([9, 2]), 1.5, "k must be a positive integer"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_bad_input_is_named(real, generated, k, message):
    with pytest.raises(ValueError, match=message):
        neighbours.neighbourhoods(real, generated, k)
