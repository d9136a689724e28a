"""Duplicates and copies of training samples, in numbers."""

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import pairwise_distances

from tfgan_lite.eval import memorisation


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_nearest_distances_are_the_smallest_of_all():
    samples, others = normal(40, 6), normal(50, 6, seed=1)
    expected = pairwise_distances(samples, others).min(axis=1)
    np.testing.assert_allclose(memorisation.nearest_distances(samples, others), expected, 1e-12)


def test_without_others_a_sample_is_not_its_own_neighbour():
    samples = normal(40, 6)
    own = pairwise_distances(samples)
    np.fill_diagonal(own, np.inf)
    np.testing.assert_allclose(memorisation.nearest_distances(samples), own.min(axis=1), 1e-12)


def test_repeated_samples_are_duplicates_and_others_are_not():
    samples = normal(60, 6)
    samples[10] = samples[3]
    samples[20] = samples[4] + 1e-3
    found = memorisation.near_duplicates(samples, normal(60, 6, seed=1))
    assert set(np.flatnonzero(found)) == {3, 10, 4, 20}


def test_whether_a_sample_is_repeated_does_not_depend_on_the_order_of_the_real_ones():
    random = np.random.default_rng(0)
    tight, wide = random.normal(0.0, 1e-3, [100, 4]), random.normal(50.0, 1.0, [500, 4])
    fresh = random.normal(50.0, 1.0, [50, 4])
    samples = np.concatenate([fresh, fresh + 1e-3])
    for order in ([tight, wide], [wide, tight]):
        assert memorisation.near_duplicates(samples, np.concatenate(order)).all()


def test_all_identical_samples_are_all_duplicates():
    assert memorisation.near_duplicates(np.ones([5, 3]), normal(9, 3)).all()
    assert memorisation.near_duplicates(np.ones([5, 3]), np.ones([9, 3])).all()


def test_a_copier_has_no_distance_and_a_strongly_negative_score():
    training, held_out = normal(200, 6), normal(150, 6, seed=1)
    found = memorisation.data_copying(training[:100], training, held_out)
    assert found.distance_ratio == 0.0 and found.copied.all() and found.z_score < -10.0


def test_fresh_samples_of_the_same_distribution_look_held_out():
    found = memorisation.data_copying(
        normal(400, 4, seed=2), normal(300, 4), normal(400, 4, seed=1)
    )
    assert abs(found.z_score) < 3.0 and found.distance_ratio == pytest.approx(1.0, abs=0.1)
    assert found.copied.mean() < 0.02


@pytest.mark.parametrize("ties", [False, True])
def test_the_score_is_that_of_the_mann_whitney_test(ties):
    generated, training, held_out = normal(80, 3), normal(90, 3, seed=1), normal(70, 3, seed=2)
    if ties:
        generated, training, held_out = (np.round(x) for x in (generated, training, held_out))
    found = memorisation.data_copying(generated, training, held_out)
    distances = [pairwise_distances(x, training).min(axis=1) for x in (generated, held_out)]
    test = scipy.stats.mannwhitneyu(
        *(d.round(12) for d in distances), alternative="less", use_continuity=False
    )
    expected = scipy.stats.norm.ppf(test.pvalue)
    assert found.z_score == pytest.approx(expected, rel=1e-9)


def test_held_out_samples_that_are_training_samples_give_no_ratio():
    training = normal(20, 3)
    assert memorisation.data_copying(training + 9.0, training, training).distance_ratio == np.inf
    assert memorisation.data_copying(training, training, training).distance_ratio == 1.0


@pytest.mark.parametrize(
    ("samples", "others", "message"),
    [
        (np.ones([1, 3]), None, "samples must have at least 2"),
        (np.ones([2, 3]), np.ones([2, 4]), "same number of columns"),
        (np.ones([2, 3]), np.ones([0, 3]), "others must have at least 1"),
        (np.full([2, 3], np.inf), None, "must be finite"),
    ],
)
def test_bad_input_is_named(samples, others, message):
    with pytest.raises(ValueError, match=message):
        memorisation.nearest_distances(samples, others)
