"""What the parts of a compiled round take, each alone (TF2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import random_key
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
      Seconds by "data" and names of networks; empty where the data end at once, or a value is not
      finite.
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
    call = _seconds_of_a_call(clock)
    changed = [v for _, step in steps for v in step.changeable_variables()]
    changed += session.counters.variables
    seconds: dict[str, float] = {}
    with variables_kept(changed):
        for index in range(_ROUNDS + 1):
            if index == 1:  # The round before compiled the programs, and began to read the data.
                seconds.clear()
            for name, count, draw, compute in programs:
                for _ in range(count):
                    try:
                        start = clock()
                        elements = draw()
                        drawn = clock()
                        compute(elements).numpy()
                        end = clock()
                    except (tf.errors.OutOfRangeError, tf.errors.InvalidArgumentError):
                        return seconds if index > 1 else {}
                    for row, took in (("data", drawn - start), (name, end - drawn)):
                        seconds[row] = seconds.get(row, 0.0) + max(0.0, took - call)
    return seconds


def _programs(step: Any, session: Any) -> tuple[Callable[[], Any], Callable[[Any], tf.Tensor]]:
    """The drawing of a sub-step, and all else."""
    draw = tf.function(lambda: step.draw(session.iterators), autograph=False)
    compute = tf.function(lambda x: step(x, random_key(0, 0)).report, autograph=False)
    return draw, compute


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
