"""Functions keep what they made from one computation of a deferred value to the next."""

from tfgan_lite.kept import keeping, kept


def test_a_computation_finds_what_it_made_before():
    compute = keeping(lambda: (kept(object), kept(object)))
    first, second = compute(), compute()
    assert first == second
    assert first[0] is not first[1]


def test_each_computation_keeps_its_own_also_inside_another():
    inner = keeping(lambda: kept(object))
    outer = keeping(lambda: (kept(object), inner(), kept(object)))
    before, inside, after = outer()
    assert len({before, inside, after}) == 3
    assert inner() is inside
    assert outer() == (before, inside, after)


def test_outside_of_computations_nothing_is_kept():
    assert kept(object) is None


def test_a_computation_that_fails_begins_anew():
    made = []

    def fail_once():
        thing = kept(lambda: made.append(1) or object())
        if len(made) == 1:
            made.append(2)
            raise ValueError
        return thing

    compute = keeping(fail_once)
    try:
        compute()
    except ValueError:
        assert kept(object) is None
    assert compute() is compute()
    assert made == [1, 2]
