"""What the parts of a compiled round take, each alone (TF2)."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.losses.penalty_terms import is_penalty
from tfgan_lite.runs import random_key
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.session import Session
from tfgan_lite.train.sub_step import SubStep
from tfgan_lite.train.updates import joint_name
from tfgan_lite.train.variables_kept import variables_kept

__all__ = ["seconds_apart"]

_ROUNDS = 10
_ENDED = (tf.errors.OutOfRangeError, tf.errors.InvalidArgumentError)


def seconds_apart(
    session: Session, train_hooks: Sequence[RunTrainOpsHook], clock: Callable[[], float]
) -> dict[str, float]:
    """Seconds that some rounds spend waiting for data, and in the sub-steps of each network.

    They are run one by one, in the order of a round, on a fresh pass over the data, so that the
    data is prepared beside the sub-steps, as it is in training. Every variable is put back.

    Args:
      session: the session that training runs in.
      train_hooks: a round's; those that it compiles.
      clock: gives seconds.

    Returns:
      Seconds by "data", names of networks, and "penalties" where they have some; empty where the
      data end at once, or a value is not finite.
    """
    with contextlib.closing(session.on_fresh_passes()) as apart:
        return _seconds(apart, train_hooks, clock)


def _seconds(
    session: Session, train_hooks: Sequence[RunTrainOpsHook], clock: Callable[[], float]
) -> dict[str, float]:
    steps = [
        _programs(session.sub_step(hook.updates), hook.train_steps, session)
        for hook in train_hooks
        if hook.train_steps and all(hook.updates)
    ]
    timed = _timer(clock)
    took, took_bare = Counter(), Counter()  # Seconds by name.

    def one_round() -> None:
        for step in steps:
            for _ in range(step.count):
                elements, seconds = timed(step.draw)
                took["data"] += seconds
                took[step.name] += timed(step.compute, elements)[1]
                if step.compute_bare is not None:
                    took_bare[step.name] += timed(step.compute_bare, elements)[1]

    changed = [v for step in steps for v in step.sub_step.changeable_variables()]
    with variables_kept([*changed, *session.counters.variables]):
        try:
            one_round()  # Compiles the programs, and begins to read the data.
            took.clear()
            took_bare.clear()
            one_round()
        except _ENDED:
            return {}
        with contextlib.suppress(*_ENDED):
            for _ in range(_ROUNDS - 1):
                one_round()
    return _with_penalties_apart(took, took_bare)


class _Programs(NamedTuple):
    """A sub-step, and what it does as programs that are timed apart."""

    name: str
    sub_step: SubStep
    count: int  # Of its runs in a round.
    draw: Callable[[], Any]  # Gives the next elements of its data.
    compute: Callable[[Any], Any]  # Does all else with them.
    compute_bare: Callable[[Any], Any] | None  # The same but for penalties, where it has some.


def _timer(clock: Callable[[], float]) -> Callable[..., tuple[Any, float]]:
    """What calls a program, and gives its value and the seconds that it took."""
    of_a_call = _seconds_of_a_call(clock)

    def timed(program: Callable[..., Any], *args: Any) -> tuple[Any, float]:
        start = clock()
        value = program(*args)
        return value, max(0.0, clock() - start - of_a_call)

    return timed


def _with_penalties_apart(took: Counter[str], took_bare: Counter[str]) -> dict[str, float]:
    """The seconds, those of penalties apart: what sub-steps take more than bare ones."""
    for name, seconds in took_bare.items():
        penalties = max(0.0, took[name] - seconds)
        took[name] -= penalties
        took["penalties"] += penalties
    return dict(took)


def _programs(step: SubStep, count: int, session: Session) -> _Programs:
    terms = [term for update in step.updates for term in update.terms.values()]
    penalties = frozenset(term for term in terms if is_penalty(term))

    def program(function: Callable[[Any, Any], tf.Tensor]) -> Callable[[Any], Any]:
        compiled = tf.function(lambda x: function(x, random_key(0, 0)), autograph=False)
        return lambda elements: compiled(elements).numpy()

    sources = step.dataset_sources
    draw = tf.function(lambda given: step.draw(dict(zip(sources, given))), autograph=False)
    compute = program(lambda x, key: step(x, key).report)
    # It is not counted, so that every k-th of the others has the penalties that are due in it.
    bare = program(lambda x, key: step.compute(step.inputs(x, key), key, (), penalties)[0])
    return _Programs(
        joint_name(step.updates),
        step,
        count,
        lambda: draw(session.iterators_of(sources)),
        compute,
        bare if penalties else None,
    )


def _seconds_of_a_call(clock: Callable[[], float]) -> float:
    """What calling a program takes by itself, which the parts of a program do not cost."""
    empty = tf.function(lambda: tf.constant(0), autograph=False)
    empty()
    found = []
    for _ in range(_ROUNDS):
        start = clock()
        empty().numpy()
        found.append(clock() - start)
    return min(found)
