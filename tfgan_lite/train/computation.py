"""The mathematics of a sub-step: losses, gradients, updates, and the guard before them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgan_lite.batches import batch_size_of
from tfgan_lite.deferred import Deferred
from tfgan_lite.replicas import is_distributed, mean_over_replicas
from tfgan_lite.runs import Run
from tfgan_lite.train.updates import Update, apply_all

__all__ = ["Computation", "Gradients", "all_finite", "describe_not_finite"]

# Marks our own failed assertions among all that a program can raise.
_NOT_FINITE = "tfgan_lite: loss is not finite"
# How TensorFlow prints the assertion's data: inside a program, and eagerly.
_FAILED_ASSERTION = re.compile(
    rf"{_NOT_FINITE}(\] \[|'\nb')(?P<names>.*?)(\] \[|'\n)(?P<values>[^\]\n]*)"
)


class Gradients(NamedTuple):
    """What is known before any update is applied."""

    report: tf.Tensor  # The reported values.
    checked: tf.Tensor  # Values that must be finite.
    fetched: list[Any]  # The fetches' values.
    gradients: list[list[Any]]  # Of each update's variables; None for those that it leaves.
    generated_counts: list[Any]  # How many images each update generated.
    raw_checksums: tf.Tensor  # Of each update, a number that is finite if its raw gradients are.


class Computation:
    """Updates whose gradients are taken at the same weights, and values to fetch beside them.

    Args:
      updates: the networks to update, together.
      fetches: other deferred values, which are evaluated before the updates apply.
      strategy: the strategy of the networks' variables.
      skips: whether updates that are not finite are left out, rather than an error.
    """

    def __init__(
        self,
        updates: Sequence[Update],
        fetches: Sequence[Deferred],
        strategy: tf.distribute.Strategy,
        skips: bool = False,
    ):
        self.updates = tuple(updates)
        self.skips = skips and self.checks
        self._fetches = tuple(fetches)
        self._strategy = strategy

    def gradients(self, run: Run) -> Gradients:
        """Losses and gradients at the weights as they are.

        Args:
          run: has all that was drawn.

        Returns:
          What was found. Updates that are to be skipped have changed nothing yet, and report a loss
          of NaN.
        """
        updated = {u.network for u in self.updates}
        before = [(v, tf.identity(v)) for v in self._changed_by_looking()]
        with run, contextlib.ExitStack() as stack:
            others = dict.fromkeys(other for u in self.updates for other in u.others)
            for network in others.keys() - updated:
                stack.enter_context(network.statistics_kept())
            losses, shares, tapes = self._forward(run)
            raw = [u.gradients(share, tape) for u, share, tape in zip(self.updates, shares, tapes)]
            raw_checksums = self._raw_checksums(raw)
            pairs = [u.transformed(each) for u, each in zip(self.updates, raw)]
            values = [run.value(fetch) for fetch in self._fetches]
            report = self._report(run, losses, pairs)
            counts = [self._generated(run, u) for u in self.updates]
        checked = tf.concat([report, self._gradient_checksums(pairs)], 0)
        checked = self._without_overflow(checked, raw_checksums)
        if self.skips:
            for variable, value in before:
                variable.assign(tf.where(all_finite(checked), variable, value))
            report = self._without_skipped(report, checked)
        gradients = [u.in_order(each) for u, each in zip(self.updates, pairs)]
        return Gradients(report, checked, values, gradients, counts, raw_checksums)

    def of_all_replicas(self, found: Gradients) -> Gradients:
        """The same with the means of what all replicas found.

        So each reports the global batch's losses, and none applies an update that another refuses.
        """
        if not self.updates or self._strategy.num_replicas_in_sync == 1:
            return found
        checked = mean_over_replicas(found.checked)
        report = checked[: found.report.shape[0]]
        if self.skips:
            report = self._without_skipped(report, checked)
        if not self._may_overflow:
            return found._replace(report=report, checked=checked)
        raw_checksums = mean_over_replicas(found.raw_checksums)
        overflowed = tf.unstack(~tf.math.is_finite(raw_checksums))
        report = tf.where(self._of_gradients(overflowed, report.shape[0]), np.nan, report)
        return found._replace(report=report, checked=checked, raw_checksums=raw_checksums)

    def apply(self, found: Gradients) -> None:
        """Applies all updates."""
        pairs = [
            [(g, v) for g, v in zip(gradients, update.variables) if g is not None]
            for update, gradients in zip(self.updates, found.gradients)
        ]
        raw_checksums = tf.unstack(found.raw_checksums)
        pairs = [u.to_apply(each, raw) for u, each, raw in zip(self.updates, pairs, raw_checksums)]
        apply_all(self.updates, pairs)
        for update, made in zip(self.updates, found.generated_counts):
            if update.average is not None:
                update.average.update(made, update.counters.images_seen.read_value())

    def apply_where(self, proceed: tf.Tensor, found: Gradients) -> None:
        """Applies all updates or none, inside an XLA program, which knows no assertions.

        A loop of one turn or none: the branches of a conditional, or a choice between old and new
        values, are slower.
        """

        def turn(i: tf.Tensor) -> tuple[tf.Tensor]:
            self.apply(found)
            return (i + 1,)

        turns = tf.cast(proceed, tf.int32)
        tf.while_loop(lambda i: i < turns, turn, [0])

    def _forward(self, run: Run) -> tuple[list[Any], list[Any], list[tf.GradientTape | None]]:
        """Each update's loss, its scaled share of the global batch's, and its tape.

        Keras optimizers sum gradients over replicas, while a loss is a mean over its batch.
        """
        tapes: list[tf.GradientTape | None] = []
        with contextlib.ExitStack() as stack:
            for update in self.updates:
                tape = None
                if tf.executing_eagerly():  # A function's graph knows what a tape would.
                    tape = tf.GradientTape(watch_accessed_variables=False)
                    stack.enter_context(tape).watch(update.variables)
                tapes.append(tape)
            losses = [run.value(update.loss) for update in self.updates]
            replicas = self._strategy.num_replicas_in_sync
            shares = losses if replicas == 1 else [loss / replicas for loss in losses]
            shares = [update.scaled(share) for update, share in zip(self.updates, shares)]
        return losses, shares, tapes

    def _report(self, run: Run, losses, gradients) -> tf.Tensor:
        values = []
        for update, loss, pairs in zip(self.updates, losses, gradients):
            others = (*update.terms.values(), *update.metrics.values())
            values += [loss, *(run.value(each) for each in others)]
            # A term that is not due reports nothing.
            values += [run.reports.get(name, 0.0) for name in update.summary_names]
            values += [*update.scales(), *update.gradient_norms(pairs)]
        return tf.stack([tf.cast(v, tf.float32) for v in values]) if values else tf.zeros([0])

    def _gradient_checksums(self, gradients) -> tf.Tensor:
        """One number for each update, finite if all of its gradients are.

        A loss can be finite where its gradient is not: relu(nan) is 0 on some devices.
        """
        sums = [u.gradient_checksum(pairs) for u, pairs in zip(self.updates, gradients)]
        return tf.stack(sums) if self.checks and sums else tf.zeros([0])

    def _raw_checksums(self, gradients) -> tf.Tensor:
        """As `Gradients` has them: 0 for updates that know no overflow."""
        sums = [
            u.gradient_checksum(pairs) if u.may_overflow else 0.0
            for u, pairs in zip(self.updates, gradients)
        ]
        return tf.stack(sums) if sums else tf.zeros([0])

    def _without_overflow(self, checked: tf.Tensor, raw_checksums: tf.Tensor) -> tf.Tensor:
        """The checked values, 0 in place of what an overflow made of the gradients.

        The loss scale makes up for it: it falls, and the update is left out. A gradient that is not
        finite although nothing was scaled up is an error like any other.
        """
        if not self._may_overflow:
            return checked
        excused = [u.has_overflow(raw) for u, raw in zip(self.updates, tf.unstack(raw_checksums))]
        return tf.where(self._of_gradients(excused, checked.shape[0]), 0.0, checked)

    def _of_gradients(self, by_update: Sequence[Any], size: int) -> tf.Tensor:
        """For each checked value, whether it is of an update's gradients, True in `by_update`."""
        found: list[Any] = []
        for update, value in zip(self.updates, by_update):
            norms = len(update.gradient_norm_names)
            found += [False] * (len(update.value_names) - norms) + [value] * norms
        return tf.stack([*found, *by_update][:size])

    @property
    def _may_overflow(self) -> bool:
        return any(update.may_overflow for update in self.updates)

    def _without_skipped(self, report: tf.Tensor, checked: tf.Tensor) -> tf.Tensor:
        """The reported values, with a loss of NaN where the updates are skipped."""
        return tf.where(all_finite(checked) | ~self._are_losses(), report, np.nan)

    def _changed_by_looking(self) -> list[tf.Variable]:
        """What the losses of an update change, such as batch norm's moments, if it may be skipped.

        An update that is skipped leaves them as they were. Under a strategy whoever runs this puts
        back all that it changed.
        """
        if not self.skips or is_distributed(self._strategy):
            return []
        found = [v for u in self.updates for v in (*u.network.statistics, *u.state)]
        return list({id(v): v for v in found}.values())

    def _are_losses(self) -> np.ndarray:
        """Which of the reported values are an update's loss."""
        return np.array([i == 0 for u in self.updates for i in range(len(u.value_names))])

    @property
    def checks(self) -> bool:
        """Whether updates that are not finite are errors."""
        return any(update.check_numerics for update in self.updates)

    @property
    def checked_size(self) -> int:
        """How many values must be finite."""
        names = sum(len(update.value_names) for update in self.updates)
        return names + (len(self.updates) if self.checks else 0)

    @property
    def asserts(self) -> bool:
        """Whether an update that is not finite ends the run of the program."""
        return self.checks and not self.skips

    def times(self, report: tf.Tensor) -> Any:
        """How often the updates that gave this report were applied: 0 where they are skipped."""
        if not self.skips:
            return 1
        # The loss, which is NaN then: norms of gradients may be infinite for other reasons.
        return tf.cast(all_finite(tf.boolean_mask(report, self._are_losses())), tf.int64)

    def _generated(self, run: Run, update: Update) -> Any:
        """How many images the generator made, on all replicas, where its average counts them."""
        if update.average is None:
            return 0
        made = batch_size_of(run.value(update.generated_example))
        return made * self._strategy.num_replicas_in_sync

    def assert_finite(self, checked: tf.Tensor) -> Any:
        """Fails with the names of the checked values and the values, for `describe_not_finite`."""
        names = [name for u in self.updates for name in u.value_names]
        names += [f"{u.name}_gradients" for u in self.updates]
        data = [_NOT_FINITE, ", ".join(names), checked]
        if tf.executing_eagerly():
            return tf.debugging.Assert(all_finite(checked), data, len(names))
        # The bare op: tf.debugging.Assert wraps it in a tf.cond, whose dispatch costs more.
        return tf.raw_ops.Assert(condition=all_finite(checked), data=data, summarize=len(names))


def all_finite(values: tf.Tensor) -> tf.Tensor:
    """Whether an update may be applied."""
    return tf.reduce_all(tf.math.is_finite(values))


def describe_not_finite(error: tf.errors.InvalidArgumentError) -> str | None:
    """Which reported values were not finite, from the message of a failed assertion."""
    found = _FAILED_ASSERTION.search(error.message)
    if found is None:
        return None
    names = found["names"].split(", ")
    values = re.split(r"[ ,]+", found["values"])
    if len(names) != len(values):  # A name holds a comma itself.
        return f"{found['names']} = {found['values']}"
    pairs = [f"{name} = {value}" for name, value in zip(names, values)]
    return ", ".join(p for p, value in zip(pairs, values) if "nan" in value or "inf" in value)
