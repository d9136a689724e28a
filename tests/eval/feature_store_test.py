"""A store of features keeps all of them, and then a fair sample."""

import numpy as np
import pytest

from tfgan_lite.eval import FeatureStore


def numbered(start, stop):
    return np.arange(start, stop, dtype=np.float32)[:, np.newaxis]


def kept(store):
    return np.asarray(store.result())[:, 0]


def test_up_to_its_capacity_it_holds_every_row_in_order():
    store = FeatureStore(1, capacity=10)
    for start, stop in ((0, 3), (3, 4), (4, 10)):
        store.update_state(numbered(start, stop))
        np.testing.assert_array_equal(kept(store), np.arange(stop))


def test_beyond_that_its_size_stays_and_the_count_goes_on():
    store = FeatureStore(1, capacity=10)
    assert store.update_state(numbered(0, 35)) == 35
    assert len(kept(store)) == len(set(kept(store))) == 10
    assert store.rows.shape == (10, 1)


@pytest.mark.slow
def test_each_row_of_the_stream_is_as_likely_to_stay():
    stays = np.zeros(40)
    for seed in range(300):
        store = FeatureStore(1, capacity=10, seed=seed)
        store.update_state(numbered(0, 25))
        store.update_state(numbered(25, 40))
        stays[kept(store).astype(int)] += 1
    # A binomial of 300 draws with p = 1/4 has a deviation of 7.5: five of them.
    assert np.abs(stays - 75).max() < 38


def test_a_negative_seed_is_an_error():
    """It would keep the rows of the positive one."""
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got -1"):
        FeatureStore(1, capacity=10, seed=-1)


def test_another_seed_keeps_other_rows():
    stores = [FeatureStore(1, capacity=10, seed=seed) for seed in (0, 1)]
    for store in stores:
        store.update_state(numbered(0, 100))
    assert set(kept(stores[0])) != set(kept(stores[1]))


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_the_order_of_merges_does_not_matter_for_who_stays(order):
    parts = [(0, 25), (25, 40), (40, 43)]

    def store(i):
        made = FeatureStore(1, capacity=10, seed=i)
        made.update_state(numbered(*parts[i]))
        return made

    first, *others = (store(i) for i in order)
    assert first.merge_state(others) == 43
    reference = store(1)
    reference.merge_state([store(2)])
    reference.merge_state([store(0)])
    assert set(kept(first)) == set(kept(reference))


def test_a_merge_takes_from_each_stream_by_its_length():
    shares = []
    for seed in range(100):
        long, short = FeatureStore(1, 20, seed=2 * seed), FeatureStore(1, 20, seed=2 * seed + 1)
        long.update_state(numbered(0, 90))
        short.update_state(numbered(100, 130))
        long.merge_state([short])
        shares.append(np.mean(kept(long) < 100))
    assert np.mean(shares) == pytest.approx(0.75, abs=0.05)


def test_its_merge_in_order_keeps_the_order_while_there_is_room():
    first, second = FeatureStore(1, 10), FeatureStore(1, 10)
    first.update_state(numbered(0, 4))
    second.update_state(numbered(4, 9))
    first.merge_state([second])
    np.testing.assert_array_equal(kept(first), np.arange(9))
