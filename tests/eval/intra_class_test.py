"""The Fréchet distance within classes."""

import numpy as np
import pytest
import scipy.linalg

from tfgan_lite.eval import intra_class


def sets(seed):
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat([0, 1, 7], 40))
    return random.normal(size=(120, 4)) + labels[:, None], labels


def distance(a, b):
    """Of two sets by SciPy's matrix root, as pytorch-fid computes it."""
    c, d = np.cov(a.T), np.cov(b.T)
    root = scipy.linalg.sqrtm(c @ d).real
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(c + d - 2 * root)


def test_each_class_has_the_distance_of_its_own_samples():
    (real, real_labels), (made, made_labels) = sets(0), sets(1)
    found = intra_class.class_frechet_distances(real, real_labels, made, made_labels)
    assert found.keys() == {0, 1, 7}
    for each, value in found.items():
        expected = distance(made[made_labels == each], real[real_labels == each])
        assert value == pytest.approx(expected, rel=1e-9)


def test_a_generator_that_mixes_up_classes_is_seen():
    """Its samples as a whole are perfect."""
    real, labels = sets(0)
    right = intra_class.class_frechet_distances(real, labels, real, labels)
    swapped = intra_class.class_frechet_distances(
        real, labels, real, np.select([labels == 0, labels == 7], [7, 0], labels)
    )
    assert max(right.values()) == pytest.approx(0.0, abs=1e-9)
    # The means are 7 apart in each of 4 features.
    assert swapped[0] == pytest.approx(4 * 49, rel=0.1) and swapped[1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("missing_from", ["real", "generated"])
def test_an_empty_class_is_named(missing_from):
    (real, real_labels), (made, made_labels) = sets(0), sets(1)
    if missing_from == "real":
        real, real_labels = real[real_labels != 7], real_labels[real_labels != 7]
    else:
        made, made_labels = made[made_labels != 7], made_labels[made_labels != 7]
    with pytest.raises(ValueError, match=f"Class 7 has 0 {missing_from} sample"):
        intra_class.class_frechet_distances(real, real_labels, made, made_labels)


def test_labels_must_be_one_integer_for_each_sample():
    real, labels = sets(0)
    with pytest.raises(ValueError, match=r"generated_labels must be integers \[120\]"):
        intra_class.class_frechet_distances(real, labels, real, labels[:5])
    with pytest.raises(ValueError, match="real_labels must be integers"):
        intra_class.class_frechet_distances(real, labels * 1.0, real, labels)


def test_a_class_of_fewer_samples_than_features_needs_the_flag():
    real, labels = sets(0)
    keep = np.concatenate([np.flatnonzero(labels != 7), np.flatnonzero(labels == 7)[:3]])
    with pytest.raises(ValueError, match="too few for a covariance"):
        intra_class.class_frechet_distances(real, labels, real[keep], labels[keep])
    found = intra_class.class_frechet_distances(
        real, labels, real[keep], labels[keep], allow_rank_deficient=True
    )
    assert np.isfinite(found[7])
