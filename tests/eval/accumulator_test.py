"""What all accumulators do alike: any cut of a stream and any order of merges gives the same."""

import numpy as np
import pytest
import tensorflow as tf

from tests.strategies import on_two_replicas
from tfgan_lite.eval import ClassifierScoreStatistics, FeatureStore, GaussianStatistics

WIDTH, COUNT = 5, 60


def stream(scale=1.0, offset=0.0):
    rows = np.random.default_rng(0).normal(size=(COUNT, WIDTH))
    return rows * scale + offset


def gaussian():
    return GaussianStatistics(WIDTH)


def score():
    return ClassifierScoreStatistics(WIDTH)


def store():
    return FeatureStore(WIDTH, capacity=20)


def roomy_store():
    return FeatureStore(WIDTH, capacity=100)


every_kind = pytest.mark.parametrize("make", [gaussian, score, store, roomy_store])


def values(accumulator):
    """The result as one vector, of which order does not matter in a sample of rows."""
    result = accumulator.result()
    if isinstance(accumulator, FeatureStore):
        rows = np.asarray(result)
        return rows[np.argsort(rows[:, 0])].ravel()
    return np.concatenate([np.ravel(x) for x in tf.nest.flatten(result)])


def after(make, batches):
    accumulator = make()
    for batch in batches:
        accumulator.update_state(batch)
    return accumulator


def same(first, second):
    expected = values(second)
    np.testing.assert_allclose(
        values(first), expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max()
    )


@every_kind
@pytest.mark.parametrize(
    "cuts",
    [[1], [59], [20, 40], [3, 3, 4, 50], list(range(1, COUNT))],
    ids=["1+59", "59+1", "thirds", "an empty batch", "one by one"],
)
def test_any_cut_into_batches_gives_the_same(make, cuts):
    same(after(make, np.split(stream(), cuts)), after(make, [stream()]))


@every_kind
def test_ninety_and_ten_weigh_as_a_hundred(make):
    """Forbids B6: that every batch weighs the same, whatever its size."""
    data = stream()
    same(after(make, [data[:54], data[54:]]), after(make, [data]))


@pytest.mark.parametrize("make", [gaussian, score])
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_merges_in_any_order_give_the_whole(make, order):
    parts = np.split(stream(), [7, 45])
    first, *others = (after(make, [parts[i]]) for i in order)
    count = first.merge_state(others)
    assert count == COUNT
    same(first, after(make, [stream()]))


@pytest.mark.parametrize("make", [gaussian, score])
def test_merging_one_after_another_gives_the_same_as_all_at_once(make):
    parts = np.split(stream(), [7, 45])
    at_once, stepwise = after(make, parts[:1]), after(make, parts[:1])
    others = [after(make, [part]) for part in parts[1:]]
    at_once.merge_state(others)
    for other in others:
        stepwise.merge_state([other])
    same(at_once, stepwise)


@every_kind
def test_a_merge_leaves_the_others_as_they_were(make):
    first, second = after(make, [stream()]), after(make, [stream()[:9] + 1])
    before = values(second)
    first.merge_state([second])
    np.testing.assert_array_equal(values(second), before)
    assert second.count == 9


@every_kind
def test_a_merge_with_one_that_has_seen_nothing_changes_nothing(make):
    merged = after(make, [stream()])
    merged.merge_state([make()])
    same(merged, after(make, [stream()]))


@every_kind
def test_an_empty_one_takes_over_what_it_merges(make):
    merged = make()
    merged.merge_state([after(make, [stream()])])
    same(merged, after(make, [stream()]))


@every_kind
def test_after_a_reset_it_begins_anew(make):
    accumulator = after(make, [stream(offset=3.0)])
    assert accumulator.reset_state() == 0
    accumulator.update_state(stream())
    same(accumulator, after(make, [stream()]))


@every_kind
def test_update_gives_the_number_of_examples_so_far(make):
    accumulator = make()
    assert accumulator.update_state(stream()[:40]) == 40
    assert accumulator.update_state(stream()[40:]) == COUNT


@every_kind
def test_a_checkpoint_restores_the_state(make, tmp_path):
    half = after(make, [stream()[:30]])
    path = tf.train.Checkpoint(statistics=half).save(str(tmp_path / "ckpt"))
    restored = make()
    tf.train.Checkpoint(statistics=restored).restore(path).assert_consumed()
    restored.update_state(stream()[30:])
    same(restored, after(make, [stream()]))


@every_kind
def test_in_a_tf_function_of_ragged_batches_it_is_traced_once(make):
    accumulator = make()
    spec = tf.TensorSpec([None, WIDTH], tf.float64)
    update = tf.function(accumulator.update_state, input_signature=[spec])
    for batch in np.split(stream(), [1, 20, 20]):
        update(tf.constant(batch))
    same(accumulator, after(make, [stream()]))
    assert update.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("make", [gaussian, score])
def test_xla_compiles_an_update(make):
    accumulator = make()
    tf.function(accumulator.update_state, jit_compile=True)(tf.constant(stream()))
    same(accumulator, after(make, [stream()]))


@every_kind
def test_in_a_graph_the_state_is_in_local_variables(make):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        batch = tf.compat.v1.placeholder(tf.float64, [None, WIDTH])
        accumulator = make()
        update, result = accumulator.update_state(batch), accumulator.result()
        assert not tf.compat.v1.global_variables()
        session.run(tf.compat.v1.local_variables_initializer())
        counts = [session.run(update, {batch: x}) for x in np.split(stream(), [1, 20])]
        accumulator.result = lambda: session.run(result)
        assert counts == [1, 20, COUNT]
        found = values(accumulator)
    expected = values(after(make, [stream()]))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def of_each_replica(strategy):
    """Moments of a distributed dataset: an accumulator for each replica, then a merge."""
    dataset = tf.data.Dataset.from_tensor_slices(stream()).batch(7)
    statistics = [gaussian() for _ in range(strategy.num_replicas_in_sync)]
    for batch in strategy.experimental_distribute_dataset(dataset):
        features = strategy.run(lambda x: 2.0 * x, args=(batch,))
        for each, part in zip(statistics, strategy.experimental_local_results(features)):
            each.update_state(part)
    assert all(each.count > 0 for each in statistics)
    statistics[0].merge_state(statistics[1:])
    return values(statistics[0])


def of_the_scope(strategy):
    """What accumulators made in the strategy's scope say as replicas update them."""
    messages = []
    for make in (gaussian, score, store):
        with strategy.scope():
            accumulator = make()
        try:
            strategy.run(accumulator.update_state, args=(stream(),))
        except ValueError as error:
            messages.append(str(error))
    return messages


@pytest.mark.slow
def test_one_of_the_scope_tells_replicas_to_have_one_each():
    messages = on_two_replicas(of_the_scope)
    assert len(messages) == 3
    assert all("one accumulator for each replica" in message for message in messages)


@pytest.mark.slow
def test_replicas_have_one_each_and_a_merge_adds_them_up():
    expected = values(after(gaussian, [2.0 * stream()]))
    np.testing.assert_allclose(on_two_replicas(of_each_replica), expected, rtol=1e-10, atol=1e-12)


@every_kind
@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (np.zeros((4, WIDTH + 1)), r"5 columns.*\(4, 6\)"),
        (np.zeros(WIDTH), r"matrix.*\(5,\)"),
        (np.full((4, WIDTH), np.nan), "4 of its 4 rows have NaN"),
        (np.array([[0.0] * WIDTH, [np.inf] * WIDTH]), "1 of its 2 rows .* row 1"),
    ],
    ids=["another width", "another rank", "NaN", "infinity"],
)
def test_a_bad_batch_is_an_error_and_leaves_the_state(make, batch, message):
    accumulator = after(make, [stream()])
    with pytest.raises(ValueError, match=message):
        accumulator.update_state(batch)
    same(accumulator, after(make, [stream()]))


@every_kind
def test_text_is_no_batch(make):
    with pytest.raises(TypeError, match="real numbers.*string"):
        make().update_state(np.array([["a"] * WIDTH]))


@pytest.mark.parametrize("bad", [0, -1, 2.5, True, None])
@pytest.mark.parametrize("kind", [GaussianStatistics, ClassifierScoreStatistics])
def test_a_width_is_a_positive_integer(kind, bad):
    with pytest.raises(ValueError, match="must be a positive integer"):
        kind(bad)


@every_kind
def test_merges_only_its_own_kind_and_width_and_not_itself(make):
    accumulator = make()
    with pytest.raises(TypeError, match="sequence"):
        accumulator.merge_state(make())
    with pytest.raises(TypeError, match="one is of Module"):
        accumulator.merge_state([tf.Module()])
    with pytest.raises(ValueError, match="itself"):
        accumulator.merge_state([accumulator])


def test_merges_only_states_of_its_own_width():
    with pytest.raises(ValueError, match=r"as many features"):
        GaussianStatistics(3).merge_state([GaussianStatistics(4)])
