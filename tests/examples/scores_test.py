"""Does a classifier read what was asked for? The counts behind the scores of each kind of GAN."""

import itertools

import numpy as np
import pytest

from examples.mnist_gan import scores


def test_the_label_accuracy_is_the_share_read_as_asked_for_overall_and_for_each_class():
    asked = np.array([0, 0, 0, 0, 1, 1, 7])
    read = np.array([0, 0, 0, 9, 1, 0, 7])
    report = scores.label_scores(asked, read)
    assert report["label_accuracy"] == pytest.approx(5 / 7)
    assert report["label_counts"] == [4, 2, 0, 0, 0, 0, 0, 1, 0, 0]
    by_class = report["label_accuracy_by_class"]
    assert by_class[0] == 0.75 and by_class[1] == 0.5 and by_class[7] == 1.0
    assert by_class[2] is None  # Nobody asked for it.


def test_codes_may_stand_for_digits_in_any_order():
    codes = np.arange(100) % 10
    digits = np.array([3, 1, 4, 5, 9, 2, 6, 8, 7, 0])
    report = scores.code_scores(codes, digits[codes])
    assert report["code_digits"] == digits.tolist()
    assert report["code_accuracy"] == 1.0 and report["code_accuracy_by_code"] == [1.0] * 10
    assert report["code_counts"] == [10] * 10


def test_a_generator_that_draws_one_digit_only_has_no_good_code():
    report = scores.code_scores(np.arange(100) % 10, np.full(100, 1))
    assert report["code_accuracy"] == pytest.approx(0.1)


@pytest.mark.parametrize("seed", range(3))
def test_of_all_ways_to_give_each_code_a_digit_of_its_own_the_best_is_taken(seed):
    random = np.random.default_rng(seed)
    codes, read = random.integers(0, 10, 60), random.integers(0, 6, 60)
    codes = np.where(codes > 5, 5, codes)  # So few that all 720 ways can be tried.
    hits = (np.mean(np.array(way)[codes] == read) for way in itertools.permutations(range(6)))
    assert scores.code_scores(codes, read)["code_accuracy"] == pytest.approx(max(hits))
