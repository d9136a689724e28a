"""The Fréchet distance and the classifier score against closed forms and plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.eval import (
    classifier_score_from_logits,
    frechet_classifier_distance_from_activations,
)


def samples_with(mean, covariance, num_samples=200, seed=0):
    """Returns samples whose mean and unbiased covariance are exactly the given ones."""
    raw = np.random.default_rng(seed).normal(size=(num_samples, len(mean)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw / (num_samples - 1))).T
    return white @ np.linalg.cholesky(np.asarray(covariance, float)).T + np.asarray(mean, float)


def random_covariance(size, seed):
    factor = np.random.default_rng(seed).normal(size=(size, size))
    return factor @ factor.T + np.eye(size)


def numpy_distance(first, second):
    """The definition by another road: eigenvalues of the plain, unsymmetric product."""
    covariance1, covariance2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    eigenvalues = np.linalg.eigvals(covariance1 @ covariance2)
    root = np.sqrt(np.clip(eigenvalues.real, 0.0, None)).sum()
    shift = first.mean(axis=0) - second.mean(axis=0)
    return shift @ shift + np.trace(covariance1) + np.trace(covariance2) - 2.0 * root


def numpy_score(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = exponentials / exponentials.sum(axis=1, keepdims=True)
    return np.exp(np.mean(np.sum(p * (np.log(p) - np.log(p.mean(axis=0))), axis=1)))


def in_graph(function, *arrays, static_rows=True):
    """Evaluates `function` in a TF1 graph, with the number of rows known beforehand or not."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        feeds = {}
        for array in arrays:
            shape = array.shape if static_rows else (None, *array.shape[1:])
            feeds[tf.compat.v1.placeholder(array.dtype, shape)] = array
        return session.run(function(*feeds), feeds)


def frechet(first, second):
    return frechet_classifier_distance_from_activations(first, second).numpy()


def score(logits):
    return classifier_score_from_logits(logits).numpy()


class TestFrechetDistance:
    def test_between_normal_distributions_in_one_dimension(self):
        # (m1 - m2)^2 + (s1 - s2)^2, with the means 1 and 4 and the deviations 2 and 7.
        first, second = samples_with([1.0], [[4.0]]), samples_with([4.0], [[49.0]], seed=1)
        distance = frechet(first, second)
        assert distance == pytest.approx(9.0 + 25.0, rel=1e-10)

    def test_between_equal_covariances_is_the_squared_distance_of_the_means(self):
        covariance = random_covariance(5, seed=2)
        first = samples_with(np.zeros(5), covariance)
        second = samples_with([3.0, 0.0, 0.0, -4.0, 0.0], covariance, seed=1)
        distance = frechet(first, second)
        assert distance == pytest.approx(25.0, rel=1e-10)

    def test_between_covariances_that_commute_compares_the_deviations(self):
        first = samples_with(np.zeros(3), np.diag([1.0, 4.0, 9.0]))
        second = samples_with(np.zeros(3), np.diag([16.0, 4.0, 1.0]), seed=1)
        distance = frechet(first, second)
        assert distance == pytest.approx((1 - 4) ** 2 + 0 + (3 - 1) ** 2, rel=1e-10)

    def test_between_covariances_that_do_not_commute_agrees_with_numpy(self):
        first = samples_with(np.ones(8), random_covariance(8, seed=3), num_samples=50)
        second = samples_with(np.zeros(8), random_covariance(8, seed=4), num_samples=300)
        distance = frechet(first, second)
        assert distance == pytest.approx(numpy_distance(first, second), rel=1e-9)

    def test_does_not_depend_on_the_order_of_the_arguments(self):
        first = samples_with(np.ones(4), random_covariance(4, seed=3), num_samples=20)
        second = samples_with(np.zeros(4), random_covariance(4, seed=4))
        there = frechet(first, second)
        back = frechet(second, first)
        assert there == pytest.approx(back, rel=1e-10)

    @pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
    def test_of_identical_activations_is_zero(self, scale):
        samples = scale * samples_with(np.ones(6), random_covariance(6, seed=5))
        assert frechet(samples, samples) < 1e-9 * scale**2

    @pytest.mark.parametrize("num_samples, num_features", [(2, 3), (10, 64)])
    def test_of_identical_activations_with_singular_covariances_is_zero(
        self, num_samples, num_features
    ):
        samples = np.random.default_rng(0).normal(size=(num_samples, num_features))
        assert frechet(samples, samples) < 1e-9

    def test_sees_a_small_spread_around_a_large_mean(self):
        # In float32 the spread of 0.01 around 10,000 would be lost.
        first = samples_with([1e4], [[1e-4]])
        second = samples_with([1e4], [[4e-4]], seed=1)
        distance = frechet(first, second)
        assert distance == pytest.approx(1e-4, rel=1e-5)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_of_activations_that_are_not_finite_is_never_a_good_value(self, bad):
        samples = np.ones((5, 3))
        try:
            distance = frechet(samples, samples * bad)
        except tf.errors.InvalidArgumentError:
            return
        assert not np.isfinite(distance)

    @pytest.mark.parametrize("static_rows", [True, False])
    def test_in_a_graph_equals_eager(self, static_rows):
        first = samples_with(np.ones(4), random_covariance(4, seed=3), num_samples=20)
        second = samples_with(np.zeros(4), random_covariance(4, seed=4))
        graph = in_graph(
            frechet_classifier_distance_from_activations, first, second, static_rows=static_rows
        )
        assert graph == pytest.approx(frechet(first, second), rel=1e-12)

    def test_in_a_tf_function_equals_eager(self):
        first, second = samples_with([1.0], [[4.0]]), samples_with([4.0], [[49.0]])
        compiled = tf.function(frechet_classifier_distance_from_activations)(
            tf.constant(first), tf.constant(second)
        ).numpy()
        assert compiled == pytest.approx(frechet(first, second), rel=1e-12)

    def test_of_one_sample_is_an_error(self):
        one, many = np.zeros((1, 3)), np.zeros((9, 3))
        with pytest.raises(ValueError, match="activations1 must have at least 2"):
            frechet(one, many)
        with pytest.raises(ValueError, match="activations2 must have at least 2"):
            frechet(many, one)

    def test_of_one_sample_is_an_error_where_only_the_run_knows_their_number(self):
        with pytest.raises(tf.errors.InvalidArgumentError, match="at least 2"):
            in_graph(
                frechet_classifier_distance_from_activations,
                np.zeros((1, 3)),
                np.zeros((9, 3)),
                static_rows=False,
            )

    def test_of_another_rank_is_an_error(self):
        with pytest.raises(ValueError, match=r"activations2 .*\(4, 7, 7, 3\)"):
            frechet(np.zeros((4, 3)), np.zeros((4, 7, 7, 3)))

    def test_of_different_numbers_of_columns_is_an_error(self):
        with pytest.raises(ValueError, match=r"\(4, 3\) and \(4, 5\)"):
            frechet(np.zeros((4, 3)), np.zeros((4, 5)))


class TestClassifierScore:
    def test_of_certain_and_evenly_spread_classes_is_their_number(self):
        logits = np.tile(100.0 * np.eye(7), [3, 1])
        assert score(logits) == pytest.approx(7.0, rel=1e-10)

    def test_of_equal_answers_is_one(self):
        logits = np.tile([1.0, -2.0, 0.5], [6, 1])
        assert score(logits) == pytest.approx(1.0, abs=1e-12)

    def test_of_a_certain_but_uneven_split_is_the_exponential_of_its_entropy(self):
        logits = 100.0 * np.eye(2)[[0] * 9 + [1]]
        entropy = -0.9 * np.log(0.9) - 0.1 * np.log(0.1)
        assert score(logits) == pytest.approx(np.exp(entropy), rel=1e-10)

    def test_agrees_with_numpy(self):
        logits = 3.0 * np.random.default_rng(0).normal(size=(200, 10))
        assert score(logits) == pytest.approx(numpy_score(logits), rel=1e-10)

    def test_does_not_change_when_a_constant_is_added_to_a_row(self):
        logits = np.random.default_rng(0).normal(size=(50, 10))
        moved = logits + np.linspace(-50.0, 50.0, 50)[:, np.newaxis]
        expected = score(logits)
        assert score(moved) == pytest.approx(expected, rel=1e-10)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_of_extreme_logits_is_finite(self, dtype):
        logits = (2e4 * np.eye(4) - 1e4).astype(dtype)
        assert score(logits) == pytest.approx(4.0, rel=1e-6)

    @pytest.mark.parametrize("static_rows", [True, False])
    def test_in_a_graph_equals_eager(self, static_rows):
        logits = np.random.default_rng(0).normal(size=(50, 10))
        graph = in_graph(classifier_score_from_logits, logits, static_rows=static_rows)
        expected = score(logits)
        assert graph == pytest.approx(expected, rel=1e-12)

    def test_of_no_samples_is_an_error(self):
        with pytest.raises(ValueError, match="at least 1"):
            score(np.zeros((0, 10)))

    def test_of_another_rank_is_an_error(self):
        with pytest.raises(ValueError, match=r"logits .*\(10,\)"):
            score(np.zeros(10))


@pytest.mark.parametrize(
    "given, returned",
    [
        (np.float64, tf.float64),
        (np.float32, tf.float32),
        (np.float16, tf.float32),
        (np.int64, tf.float32),
    ],
)
def test_results_are_float64_for_float64_and_float32_for_the_rest(given, returned):
    values = np.arange(12).reshape(6, 2).astype(given)
    assert frechet_classifier_distance_from_activations(values, values).dtype == returned
    assert classifier_score_from_logits(values).dtype == returned
