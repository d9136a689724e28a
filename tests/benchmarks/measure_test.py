"""What the benchmark makes of its sides' times, with sides that take the seconds they are told."""

import pytest

from benchmarks import measure as timing
from benchmarks.cases import Case
from benchmarks.constancy import constancy
from benchmarks.sides import SideKind

CASE = Case("dense", 32)


class Told:
    """A side whose rounds take equally long."""

    note = ""

    def __init__(self, seconds):
        self._seconds = seconds
        self.closed = False

    def run(self, rounds):
        return self._seconds * rounds

    def close(self):
        self.closed = True


def test_the_fastest_candidate_is_the_side_and_the_others_end():
    slow, fast = Told(0.02), Told(0.01)
    side, _, rounds = timing.fastest([lambda _: slow, lambda _: fast], CASE, 0.1)
    assert side is fast
    assert rounds == 10  # Of 0.01 s in 0.1 s.
    assert slow.closed and not fast.closed


class Broken(Told):
    """A side whose training fails after some rounds."""

    def run(self, rounds):
        if rounds > 1:
            raise RuntimeError("broken")
        return super().run(rounds)


def test_after_an_error_no_side_is_left_open():
    sides = [Told(0.1), Told(0.1), Broken(0.001)]
    ways = {str(i): [lambda _, side=side: side] for i, side in enumerate(sides)}
    with pytest.raises(RuntimeError, match="broken"):
        timing.measure(CASE, ways, repeats=1, seconds=0.1)
    assert all(side.closed for side in sides)


def test_constancy_leaves_no_side_open_after_an_error(monkeypatch):
    sides = {"lite": Broken(0.1), "fused": Told(0.1)}
    kinds = {name: SideKind(name, [lambda _, side=side: side], "") for name, side in sides.items()}
    monkeypatch.setattr("benchmarks.constancy.SIDES", kinds)
    with pytest.raises(RuntimeError, match="broken"):
        constancy(CASE, 200)
    assert all(side.closed for side in sides.values())


def test_images_per_second_are_batch_size_over_seconds_of_a_round():
    found = timing.measure(CASE, {"a": [lambda _: Told(0.01)]}, repeats=3, seconds=0.1)["a"]
    assert found.images_per_second == pytest.approx([3200.0] * 3)


def test_a_ratio_is_of_the_same_turn():
    halves = timing.Measurement("", 0.0, 1, [100.0, 50.0, 10.0])
    whole = timing.Measurement("", 0.0, 1, [200.0, 100.0, 20.0])
    assert timing.ratio(whole, halves) == (2.0, 0.0)
