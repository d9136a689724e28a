"""The classifier score against closed forms and plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.eval import (
    classifier_score_and_std_from_logits,
    classifier_score_from_logits,
)


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


def score(logits):
    return classifier_score_from_logits(logits).numpy()


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

    def test_takes_lists_of_numbers(self):
        logits = [[0.0, 1.0], [2.0, -1.0]]
        assert score(logits) == pytest.approx(numpy_score(np.array(logits)), rel=1e-6)

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

    def test_of_a_class_that_underflows_in_every_row_is_finite(self):
        """Forbids B44: 0 x log 0 = NaN for logits 1000 apart."""
        logits = np.array([[1000.0, 0.0, -1000.0], [0.0, 1000.0, -1000.0]])
        assert score(logits) == pytest.approx(2.0, rel=1e-12)

    def test_of_one_sample_is_one(self):
        assert score(np.array([[3.0, -1.0, 0.2]])) == pytest.approx(1.0, rel=1e-12)

    def test_of_one_class_is_one(self):
        assert score(np.zeros((5, 1))) == 1.0

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_of_logits_that_are_not_finite_is_an_error(self, bad):
        with pytest.raises(ValueError, match="logits must be finite, but 1 of its 4 rows"):
            score(np.array([[0.0, 1.0], [bad, 0.0], [0.0, 0.0], [1.0, 0.0]]))

    @pytest.mark.parametrize(
        "given, returned",
        [(np.float64, tf.float64), (np.float32, tf.float32), (np.float16, tf.float32)],
    )
    def test_is_float64_for_float64_and_float32_for_the_rest(self, given, returned):
        assert classifier_score_from_logits(np.zeros((3, 2), given)).dtype == returned


class TestClassifierScoreOfSplits:
    @pytest.mark.parametrize("count, splits", [(200, 10), (203, 10), (7, 7), (50, 1)])
    def test_is_the_mean_and_deviation_of_the_parts_scores(self, count, splits):
        logits = 3.0 * np.random.default_rng(0).normal(size=(count, 10))
        mean, std = classifier_score_and_std_from_logits(logits, splits)
        bounds = [count * i // splits for i in range(splits + 1)]
        scores = [numpy_score(logits[a:b]) for a, b in zip(bounds, bounds[1:])]
        assert float(mean) == pytest.approx(np.mean(scores), rel=1e-12)
        assert float(std) == pytest.approx(np.std(scores), rel=1e-9, abs=1e-12)

    def test_in_a_graph_equals_eager(self):
        logits = np.random.default_rng(0).normal(size=(53, 10))
        graph = in_graph(classifier_score_and_std_from_logits, logits, static_rows=False)
        expected = classifier_score_and_std_from_logits(logits)
        np.testing.assert_allclose(graph, expected, rtol=1e-12)

    def test_of_more_parts_than_samples_is_an_error(self):
        with pytest.raises(ValueError, match="at least 10"):
            classifier_score_and_std_from_logits(np.zeros((9, 3)))
        with pytest.raises(ValueError, match="num_splits must be a positive integer"):
            classifier_score_and_std_from_logits(np.zeros((9, 3)), 0)
