"""Terms of a loss that are due in every k-th update: lazy regularisation (arXiv:1912.04958)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from tfgan_lite.deferred import Deferred
from tfgan_lite.train.updates import Update

__all__ = ["plans"]

_LONGEST_CYCLE = 10_000


def plans(
    updates: Sequence[Update],
) -> tuple[list[frozenset[Deferred]], Callable[[], tf.Tensor]]:
    """All that updates which run together may skip, and which of it they skip now.

    Returns:
      Sets of terms, each a sub-step to compile, and a function that gives the index of the set that
      the counters of updates ask for: a term is due in the first update and in every k-th after it.

    Raises:
      ValueError: the sub-steps repeat only after very many updates.
    """
    choices, places = [frozenset[Deferred]()], []
    for update in updates:
        if update.every:
            skipped = _by_count(update)
            distinct = list(dict.fromkeys(skipped))
            places.append((update, [distinct.index(each) for each in skipped], len(distinct)))
            choices = [known | each for known in choices for each in distinct]

    def index() -> tf.Tensor:
        found = tf.constant(0)
        for update, table, size in places:
            count = update.counters.updates_of(update.role).read_value()
            found = found * size + tf.gather(tf.constant(table), count % len(table))
        return found

    return choices, index


def _by_count(update: Update) -> list[frozenset[Deferred]]:
    """What is skipped at each count of updates, until it repeats."""
    cycle = math.lcm(*update.every.values())
    if cycle > _LONGEST_CYCLE:
        raise ValueError(
            f"The penalties of the {update.name} are due every {sorted(update.every.values())}"
            f" updates, which repeats only after {cycle}: choose numbers that divide each other."
        )
    return [
        frozenset(update.terms[name] for name, k in update.every.items() if count % k)
        for count in range(cycle)
    ]
