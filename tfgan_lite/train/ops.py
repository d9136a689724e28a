"""The ops that training runs, in both worlds, and the updates behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred
from tfgan_lite.graph_notes import note, noted
from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train import graph_ops
from tfgan_lite.train.updates import Update

__all__ = [
    "IncrementOp",
    "Report",
    "TrainOp",
    "joint_ops",
    "report_of",
    "update_of",
    "updates_behind",
]


class TrainOp(Deferred):
    """In TF2, one update of one network; its value is the loss.

    Args:
      update: what it makes.
      run: makes it, and gives the loss, where the op is called outside any session.
    """

    def __init__(self, update: Update, run: Callable[[TrainOp], Any]):
        super().__init__(lambda: update.loss(), f"{update.name}_train_op")
        self.update = update
        self.report = Report(update)
        self._run = run

    def __call__(self) -> Any:
        """Runs one update, and gives the loss that it was made from."""
        return self._run(self)


class Report(Deferred):
    """In TF2, the values that an update reports, float32 [len(update.value_names)]."""

    def __init__(self, update: Update):
        spec = tf.zeros([len(update.value_names)])
        super().__init__(lambda: spec, f"{update.name}_report")
        self.update = update


class IncrementOp(Deferred):
    """In TF2, ends a round: adds one to the global step, and gives the new step."""

    def __init__(self, counters: Counters):
        super().__init__(lambda: counters.global_step.assign_add(1), "global_step_inc_op")
        self.counters = counters


def joint_ops(train_ops: Sequence[Any]) -> list[Any]:
    """Ops that, run together, take all gradients at the same weights before any is applied.

    In TF2 a run of several updates does that by itself; a graph needs ops of their own.
    """
    updates = [noted(op, "update") for op in train_ops]
    if None in updates:  # Of TF2, or not made by gan_train_ops: their order is their maker's.
        return list(train_ops)
    joint = graph_ops.train_op(updates, noted(train_ops[0], "update_ops"))
    for op, update in zip(joint, updates):
        note(op, update=update)
    return joint


def update_of(train_op: Any) -> Update | None:
    """The update behind a train op that `gan_train_ops` made."""
    return train_op.update if isinstance(train_op, TrainOp) else noted(train_op, "update")


def updates_behind(train_ops: GANTrainOps) -> list[Update]:
    """The updates behind all train ops that `gan_train_ops` made; other ops have none."""
    ops = tf.nest.flatten(tuple(train_ops[:2]))
    return [update for update in map(update_of, ops) if update is not None]


def report_of(train_op: Any) -> Any:
    """What to fetch for all values that an update reports: the op itself for others' ops."""
    if isinstance(train_op, TrainOp):
        return train_op.report
    if noted(train_op, "values") is None:
        return train_op
    # The values alone do not depend on the update.
    with tf.control_dependencies([train_op]):
        return tf.identity(noted(train_op, "values"))
