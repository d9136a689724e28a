"""Streaming scores: one program for both worlds, and the score of all batches together."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters
from tfgan_lite.eval import (
    classifier_score_from_logits,
    classifier_score_from_logits_streaming,
    classifier_score_streaming,
    frechet_classifier_distance_from_activations,
    frechet_classifier_distance_from_activations_streaming,
    frechet_classifier_distance_streaming,
)

# 90 of one kind and 10 of another: in batches of 90 and 10 a mean over batches would be wrong.
LOGITS = np.concatenate([np.eye(4)[[0, 1] * 45] * 9.0, np.eye(4)[[2, 3] * 5] * 9.0])
LOGITS = LOGITS.astype(np.float32)
REAL = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)


def batches(data):
    yield from (data[:90], data[90:])


class Graph:
    """A graph's tensors, fed by placeholders."""

    def __enter__(self):
        self._graph, self._feeds = tf.Graph(), {}
        self._context = self._graph.as_default()
        self._context.__enter__()
        return self

    def __exit__(self, *error):
        self._context.__exit__(*error)

    def source(self, data):
        placeholder = tf.compat.v1.placeholder(data.dtype, [None, *data.shape[1:]])
        self._feeds[placeholder] = data
        return placeholder

    def results(self, value, update):
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.local_variables_initializer())
            counts = []
            for parts in zip(*(batches(data) for data in self._feeds.values())):
                counts.append(session.run(update, dict(zip(self._feeds, parts))))
            return counts, session.run(value)


class TF2:
    """Deferred values, drawn from datasets."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def source(self, data):
        spec = tf.TensorSpec([None, *data.shape[1:]], data.dtype)
        dataset = tf.data.Dataset.from_generator(lambda: batches(data), output_signature=spec)
        return tfgan.from_dataset(dataset)

    def results(self, value, update):
        session = tfgan.Session(Counters(), seed=1)
        counts = [session.run(update) for _ in range(2)]
        return counts, session.run(value)


both_worlds = pytest.mark.parametrize("world", [Graph, TF2])


def double(batch):
    return 2.0 * batch


@both_worlds
def test_classifier_score_is_that_of_all_logits(world):
    """Forbids B6: every batch weighs the same."""
    with world() as world:
        value, update = classifier_score_from_logits_streaming(world.source(LOGITS))
        counts, score = world.results(value, update)
    assert counts == [90, 100]
    assert score.dtype == np.float32
    assert score == pytest.approx(float(classifier_score_from_logits(LOGITS)), rel=1e-6)


@both_worlds
def test_classifier_score_of_samples_runs_the_classifier_in_batches(world):
    with world() as world:
        _, score = world.results(*classifier_score_streaming(world.source(LOGITS), double, 3))
    assert score == pytest.approx(float(classifier_score_from_logits(2.0 * LOGITS)), rel=1e-6)


@both_worlds
def test_frechet_distance_is_that_of_all_activations(world):
    with world() as world:
        counts, distance = world.results(
            *frechet_classifier_distance_from_activations_streaming(
                world.source(REAL), world.source(LOGITS)
            )
        )
    assert counts == [90, 100]
    expected = float(frechet_classifier_distance_from_activations(REAL, LOGITS))
    assert distance == pytest.approx(expected, rel=1e-5)


@both_worlds
def test_frechet_distance_of_samples_runs_the_classifier_in_batches(world):
    with world() as world:
        _, distance = world.results(
            *frechet_classifier_distance_streaming(
                world.source(REAL), world.source(LOGITS), double, 4
            )
        )
    expected = float(frechet_classifier_distance_from_activations(2 * REAL, 2 * LOGITS))
    assert distance == pytest.approx(expected, rel=1e-5)


def test_an_update_takes_no_eigenvalues():
    """Forbids B42: matrix roots in every update."""
    with Graph() as world:
        sources = world.source(REAL), world.source(LOGITS)
        value, update = frechet_classifier_distance_from_activations_streaming(*sources)

        def operations(tensor):
            seen, stack = set(), [tensor.op]
            while stack:
                op = stack.pop()
                if op not in seen:
                    seen.add(op)
                    stack += [each.op for each in op.inputs] + list(op.control_inputs)
            return {op.type for op in seen}

    assert "SelfAdjointEigV2" in operations(value)
    assert "SelfAdjointEigV2" not in operations(update)


def test_the_score_before_any_update_is_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 1 example"):
        value, _ = classifier_score_from_logits_streaming(TF2().source(LOGITS))
        tfgan.Session(Counters(), seed=1).run(value)


@pytest.mark.parametrize("given", [LOGITS, tf.constant(LOGITS)], ids=["array", "eager tensor"])
def test_batches_at_hand_go_to_the_accumulators(given):
    with pytest.raises(TypeError, match="tfgan.eval.ClassifierScoreStatistics"):
        classifier_score_from_logits_streaming(given)
    with pytest.raises(TypeError, match="activations1 .*tfgan.eval.GaussianStatistics"):
        frechet_classifier_distance_from_activations_streaming(given, given)


def test_activations_of_different_widths_are_an_error():
    with pytest.raises(ValueError, match="same number of columns"):
        frechet_classifier_distance_from_activations_streaming(
            tfgan.constant(REAL), tfgan.constant(REAL[:, :2])
        )


def test_what_is_no_matrix_is_an_error():
    with pytest.raises(ValueError, match="logits must be a matrix"):
        classifier_score_from_logits_streaming(tfgan.constant(REAL[:, 0]))
