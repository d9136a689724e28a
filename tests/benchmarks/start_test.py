"""What a start and the scheduling of rounds are said to take."""

import pytest

from benchmarks.cases import Case
from benchmarks.start import import_seconds, round_microseconds


@pytest.mark.slow
def test_an_import_is_timed_on_top_of_tensorflows():
    tensorflow, ours = import_seconds()
    assert 0.0 < ours < tensorflow


def test_what_is_outside_the_program_is_a_part_of_the_round():
    columns = round_microseconds(Case("dense", 4), jit_compile=False, turns=2, seconds=0.05)
    ours, by_hand, outside = columns
    assert len(ours) == len(by_hand) == len(outside) == 2
    assert all(0.0 < part < whole for part, whole in zip(outside, ours))
