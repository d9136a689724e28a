"""What the parts of a compiled round take, each alone (TF2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import random_key
from tfgan_lite.losses.penalty_terms import is_penalty
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.variables_kept import variables_kept

__all__ = ["seconds_apart"]

_ROUNDS = 10


def seconds_apart(
    session: Any, train_hooks: Sequence[RunTrainOpsHook], clock: Callable[[], float]
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
    apart = session.without_training_data()
    steps = [
        (hook.train_steps, apart.sub_step(hook.updates))
        for hook in train_hooks
        if hook.train_steps and all(hook.updates)
    ]
    programs = [
        (" + ".join(update.name for update in step.updates), count, *_programs(step, apart))
        for count, step in steps
    ]
    changed = [v for _, step in steps for v in step.changeable_variables()]
    changed += session.counters.variables
    spent = _Spent(clock)
    with variables_kept(changed):
        for index in range(_ROUNDS + 1):
            if index == 1:  # The round before compiled the programs, and began to read the data.
                spent.seconds.clear()
            for name, count, draw, compute, bare in programs:
                for _ in range(count):
                    try:
                        elements = spent.on("data", draw)
                        spent.on(name, compute, elements)
                        if bare is not None:
                            spent.on((name, "bare"), bare, elements)
                    except (tf.errors.OutOfRangeError, tf.errors.InvalidArgumentError):
                        return _divided(spent.seconds) if index > 1 else {}
    return _divided(spent.seconds)


class _Spent:
    """Adds up what calls take, less what calling a program takes by itself."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._of_a_call = _seconds_of_a_call(clock)
        self.seconds: dict[Any, float] = {}

    def on(self, row: Any, call: Callable[..., Any], *args: Any) -> Any:
        start = self._clock()
        value = call(*args)
        took = self._clock() - start - self._of_a_call
        self.seconds[row] = self.seconds.get(row, 0.0) + max(0.0, took)
        return value


def _divided(seconds: dict[Any, float]) -> dict[str, float]:
    """The seconds with those of penalties apart: what sub-steps take more than bare ones."""
    rows = {row: took for row, took in seconds.items() if isinstance(row, str)}
    for row, took in seconds.items():
        if row not in rows:
            name, _ = row
            penalties = max(0.0, rows[name] - took)
            rows[name] -= penalties
            rows["penalties"] = rows.get("penalties", 0.0) + penalties
    return rows


def _programs(
    step: Any, session: Any
) -> tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Any] | None]:
    """The drawing of a sub-step, all else, and all else but its penalties where it has some."""
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
    return lambda: draw(session.iterators_of(sources)), compute, bare if penalties else None


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
