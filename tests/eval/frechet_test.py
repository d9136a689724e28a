"""Fréchet distances against closed forms and plain NumPy."""

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from tfgan_lite.eval import (
    GaussianStatistics,
    Moments,
    diagonal_only_frechet_classifier_distance_from_activations,
    frechet_classifier_distance_from_activations,
    frechet_distance,
    mean_only_frechet_classifier_distance_from_activations,
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

    @pytest.mark.filterwarnings("ignore:activations")
    @pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
    @pytest.mark.parametrize("num_samples, num_features", [(200, 6), (2, 3), (10, 64), (64, 64)])
    def test_of_identical_activations_is_exactly_zero(self, scale, num_samples, num_features):
        """Forbids B41: that rounding leaves something of it, or less than nothing."""
        samples = scale * np.random.default_rng(0).normal(size=(num_samples, num_features))
        assert frechet(samples, samples) == 0.0
        assert in_graph(frechet_classifier_distance_from_activations, samples, samples) == 0.0

    @pytest.mark.parametrize("seed", range(10))
    def test_of_nearly_equal_activations_is_never_negative(self, seed):
        samples = np.random.default_rng(seed).normal(size=(30, 20))
        assert 0.0 <= frechet(samples, np.nextafter(samples, np.inf)) < 1e-12

    def test_sees_a_small_spread_around_a_large_mean(self):
        # In float32 the spread of 0.01 around 10,000 would be lost.
        first = samples_with([1e4], [[1e-4]])
        second = samples_with([1e4], [[4e-4]], seed=1)
        distance = frechet(first, second)
        assert distance == pytest.approx(1e-4, rel=1e-5)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_of_activations_that_are_not_finite_is_an_error(self, bad):
        samples = np.ones((5, 3))
        with pytest.raises(ValueError, match="activations2 must be finite, but 5 of its 5 rows"):
            frechet(samples, samples * bad)

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

    def test_in_a_graph_one_of_both_may_tell_the_number_of_columns(self):
        first, second = np.random.default_rng(0).normal(size=(2, 20, 3))
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            unknown = tf.compat.v1.placeholder(tf.float64, [None, None])
            distance = frechet_classifier_distance_from_activations(tf.constant(first), unknown)
            graph = session.run(distance, {unknown: second})
        assert graph == pytest.approx(frechet(first, second), rel=1e-12)

    def test_in_a_graph_that_knows_no_number_of_columns_is_an_error(self):
        with tf.Graph().as_default():
            unknown = tf.compat.v1.placeholder(tf.float64, [None, None])
            with pytest.raises(ValueError, match="The number of columns .* must be known"):
                frechet_classifier_distance_from_activations(unknown, unknown)

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

    def test_agrees_with_the_matrix_square_root_of_scipy(self):
        first = samples_with(np.ones(8), random_covariance(8, seed=3), num_samples=50)
        second = samples_with(np.zeros(8), random_covariance(8, seed=4), num_samples=300)
        c1, c2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
        expected = 8.0 + np.trace(c1 + c2 - 2.0 * scipy.linalg.sqrtm(c1 @ c2).real)
        assert frechet(first, second) == pytest.approx(expected, rel=1e-9)

    def test_of_features_that_never_change_is_that_of_the_others(self):
        """Forbids B41: a singular covariance is no reason for a wrong root."""
        random = np.random.default_rng(0)
        first, second = random.normal(size=(90, 6)), 2.0 * random.normal(size=(80, 6))
        expected = numpy_distance(first, second)
        dead = [np.insert(x, [0, 3, 6], 7.0, axis=1) for x in (first, second)]
        assert frechet(*dead) == pytest.approx(expected, rel=1e-9)
        assert frechet(dead[1], dead[0]) == pytest.approx(expected, rel=1e-9)

    def test_of_features_that_repeat_others_agrees_with_numpy(self):
        random = np.random.default_rng(0)
        first, second = random.normal(size=(90, 6)), 2.0 * random.normal(size=(80, 6))
        twice = [np.concatenate([x, x], axis=1) for x in (first, second)]
        assert frechet(*twice) == pytest.approx(2.0 * numpy_distance(first, second), rel=1e-6)

    def test_of_all_constant_features_is_the_distance_of_the_constants(self):
        assert frechet(np.full((9, 4), 1.0), np.full((7, 4), 3.0)) == 16.0

    def test_gradient_is_that_of_finite_differences(self):
        random = np.random.default_rng(0)
        fixed, moved = random.normal(size=(12, 3)), tf.constant(2.0 * random.normal(size=(15, 3)))
        distance = frechet_classifier_distance_from_activations
        theoretical, numerical = tf.test.compute_gradient(lambda x: distance(fixed, x), [moved])
        np.testing.assert_allclose(theoretical[0], numerical[0], rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("compile_", [lambda f: f, tf.function], ids=["eager", "tf.function"])
    def test_gradient_is_finite_for_constant_and_for_equal_activations(self, compile_):
        distance = compile_(frechet_classifier_distance_from_activations)
        for samples in (np.ones((9, 3)), np.random.default_rng(0).normal(size=(9, 3))):
            with tf.GradientTape() as tape:
                tape.watch(given := tf.constant(samples))
                value = distance(given, tf.constant(samples))
            assert np.isfinite(tape.gradient(value, given)).all()

    def test_xla_gives_the_same(self):
        first, second = samples_with([1.0], [[4.0]]), samples_with([4.0], [[49.0]], seed=1)
        compiled = tf.function(frechet_classifier_distance_from_activations, jit_compile=True)
        assert float(compiled(tf.constant(first), tf.constant(second))) == pytest.approx(
            34.0, rel=1e-6
        )


@pytest.mark.filterwarnings("ignore:activations")
class TestFrechetDistanceOfFewSamples:
    """Covariances of less than full rank: the low-rank forms."""

    @staticmethod
    def numpy_distance(first, second):
        """trace (C1 C2)^(1/2) is the sum of singular values of X1 X2^T, without a covariance."""
        centred = [x - x.mean(axis=0) for x in (first, second)]
        roots = [x / np.sqrt(len(x) - 1) for x in centred]
        shift = first.mean(axis=0) - second.mean(axis=0)
        nuclear = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
        return shift @ shift + sum(np.sum(r**2) for r in roots) - 2.0 * nuclear

    @pytest.mark.parametrize("n, m", [(5, 7), (7, 5), (5, 200), (200, 5), (40, 40), (41, 40)])
    @pytest.mark.parametrize("static_rows", [None, True, False], ids=["eager", "static", "dynamic"])
    def test_agrees_with_singular_values_in_numpy(self, n, m, static_rows):
        random = np.random.default_rng(0)
        first, second = random.normal(size=(n, 40)), 0.5 + random.normal(size=(m, 40))
        if static_rows is None:
            distance = frechet(first, second)
        else:
            function = frechet_classifier_distance_from_activations
            distance = in_graph(function, first, second, static_rows=static_rows)
        # A graph that does not know the rank sums roots of rounding, too.
        digits = 1e-6 if static_rows is False else 1e-9
        assert distance == pytest.approx(self.numpy_distance(first, second), rel=digits)

    @pytest.mark.parametrize("n, m", [(5, 7), (7, 5), (5, 200), (200, 5)])
    def test_their_moments_give_the_same(self, n, m):
        random = np.random.default_rng(0)
        samples = [random.normal(size=(n, 40)), 0.5 + random.normal(size=(m, 40))]
        distance = frechet_distance(*map(statistics_of, samples), allow_rank_deficient=True).numpy()
        assert distance == pytest.approx(self.numpy_distance(*samples), rel=1e-9)

    def test_two_samples_span_one_direction(self):
        first = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
        second = np.array([[0.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
        # Means (1, 0, 0) and (0, 2, 0), variances 2 and 8 along two directions at right angles.
        assert frechet(first, second) == pytest.approx(5.0 + 2.0 + 8.0, rel=1e-12)


def statistics_of(samples):
    statistics = GaussianStatistics(samples.shape[1])
    statistics.update_state(samples)
    return statistics


def test_fewer_samples_than_features_are_warned_of():
    """Forbids B43: a distance that is nothing but bias, without a word."""
    random = np.random.default_rng(0)
    with pytest.warns(RuntimeWarning, match="activations2 has 12 samples of 12 features") as caught:
        frechet(random.normal(size=(50, 12)), random.normal(size=(12, 12)))
    assert caught[0].filename == __file__


class TestFrechetDistanceOfMoments:
    def test_is_that_of_the_samples(self):
        first = samples_with(np.ones(4), random_covariance(4, seed=3), num_samples=20)
        second = samples_with(np.zeros(4), random_covariance(4, seed=4))
        distance = frechet_distance(statistics_of(first), statistics_of(second))
        assert distance.dtype == tf.float64
        assert float(distance) == pytest.approx(numpy_distance(first, second), rel=1e-10)

    def test_does_not_depend_on_how_a_stream_was_cut(self):
        random = np.random.default_rng(0)
        first, second = random.normal(size=(80, 6)) + 9.0, random.normal(size=(90, 6)) + 9.1
        distances = []
        for size in (1, 7, 90):
            statistics = GaussianStatistics(6)
            for start in range(0, 90, size):
                statistics.update_state(second[start : start + size])
            distances.append(float(frechet_distance(statistics_of(first), statistics)))
        np.testing.assert_allclose(distances, distances[0], rtol=1e-10)

    def test_takes_published_moments_as_numpy_arrays(self):
        first = Moments(100, np.zeros(2), np.diag([1.0, 4.0]))
        second = Moments(50, np.array([3.0, 0.0]), np.diag([9.0, 1.0]))
        assert float(frechet_distance(first, second)) == pytest.approx(9.0 + 4.0 + 1.0, rel=1e-12)

    def test_takes_moments_as_float32_tensors(self):
        first = Moments(100, tf.zeros(2), tf.eye(2))
        second = Moments(50, tf.constant([3.0, 0.0]), 4.0 * tf.eye(2))
        assert float(frechet_distance(first, second)) == pytest.approx(9.0 + 2.0, rel=1e-6)

    def test_needs_the_number_of_examples(self):
        first = Moments(100, np.zeros(2), np.eye(2))
        with pytest.raises(ValueError, match="statistics2 has no count"):
            frechet_distance(first, first._replace(count=None))

    def test_of_equal_moments_is_exactly_zero(self):
        given = Moments(100, np.ones(9), random_covariance(9, seed=1))
        assert frechet_distance(given, given) == 0.0

    def test_of_too_few_examples_needs_a_flag(self):
        enough, few = (Moments(count, np.zeros(3), np.eye(3)) for count in (4, 3))
        assert frechet_distance(enough, enough) == 0.0
        with pytest.raises(ValueError, match="statistics2 is of 3 examples.* of 3 features"):
            frechet_distance(enough, few)
        assert frechet_distance(enough, few, allow_rank_deficient=True) >= 0.0

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (Moments(9, np.zeros(3), np.eye(4)), r"\(3,\) and \(4, 4\)"),
            (Moments(9, np.zeros(4), np.eye(4)), "equally many features, .* 3 and 4"),
            (Moments(1, np.zeros(3), np.eye(3)), r"1 example\(s\)"),
            (Moments(9, np.full(3, np.nan), np.eye(3)), "finite"),
            (Moments(9, np.zeros(3), np.triu(np.ones((3, 3)))), "symmetric"),
            (Moments(9, np.zeros(3), -np.eye(3)), "variances >= 0"),
        ],
        ids=["shapes", "widths", "one example", "NaN", "asymmetric", "negative"],
    )
    def test_of_bad_moments_is_an_error(self, bad, message):
        with pytest.raises(ValueError, match=message):
            frechet_distance(Moments(9, np.zeros(3), np.eye(3)), bad)

    def test_of_anything_else_is_an_error(self):
        with pytest.raises(TypeError, match="statistics1 must be Moments"):
            frechet_distance((np.zeros(3), np.eye(3)), Moments(9, np.zeros(3), np.eye(3)))


class TestPartsOfTheDistance:
    def test_mean_only_is_the_squared_distance_of_the_means(self):
        random = np.random.default_rng(0)
        first, second = random.normal(size=(9, 4)), random.normal(size=(1, 4))
        distance = mean_only_frechet_classifier_distance_from_activations(first, second).numpy()
        expected = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
        assert distance == pytest.approx(expected, rel=1e-12)

    def test_diagonal_only_compares_means_and_population_deviations(self):
        random = np.random.default_rng(0)
        first, second = random.normal(size=(9, 4)), 3.0 * random.normal(size=(30, 4))
        distance = diagonal_only_frechet_classifier_distance_from_activations(first, second).numpy()
        expected = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
        expected += np.sum((first.std(axis=0) - second.std(axis=0)) ** 2)
        assert distance == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize(
        "distance",
        [
            mean_only_frechet_classifier_distance_from_activations,
            diagonal_only_frechet_classifier_distance_from_activations,
        ],
    )
    def test_of_identical_and_of_constant_activations_is_zero(self, distance):
        samples = np.random.default_rng(0).normal(size=(9, 4))
        assert distance(samples, samples) == 0.0
        assert distance(np.ones((3, 2)), np.ones((5, 2))) == 0.0

    @pytest.mark.parametrize(
        "distance",
        [
            mean_only_frechet_classifier_distance_from_activations,
            diagonal_only_frechet_classifier_distance_from_activations,
        ],
    )
    def test_no_samples_are_an_error(self, distance):
        with pytest.raises(ValueError, match="activations2 must have at least 1"):
            distance(np.ones((3, 2)), np.ones((0, 2)))


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
    assert mean_only_frechet_classifier_distance_from_activations(values, values).dtype == returned
