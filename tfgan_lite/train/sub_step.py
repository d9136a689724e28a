"""A sub-step as a program: draw, compute, apply.

Data is drawn at host level; the mathematics that follows may be one XLA program.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.deferred import Deferred, Run, sources_of
from tfgan_lite.networks import unwrapped
from tfgan_lite.sources import DatasetSource
from tfgan_lite.train.updates import Update

__all__ = ["NOT_FINITE", "Result", "SubStep"]

# Marks our own failed assertions among all that a program can raise.
NOT_FINITE = "tfgan_lite: loss is not finite"


# How TensorFlow prints the assertion's data: inside a program, and eagerly.
_FAILED_ASSERTION = re.compile(
    rf"{NOT_FINITE}(\] \[|'\nb')(?P<names>.*?)(\] \[|'\n)(?P<values>[^\]\n]*)"
)


class Result(NamedTuple):
    """What one run of a sub-step gives."""

    report: tf.Tensor  # float32 [n], the reported values of all updates, one after the other.
    values: list[Any]  # Values of the other fetches.


class SubStep:
    """One run: updates whose gradients are taken at the same weights, and values to fetch.

    Args:
      updates: the networks to update, together.
      fetches: other deferred values to evaluate in the same run, before the updates apply.
      known: deferred values that are fed.
      strategy: the strategy of the networks' variables.
      seed: the program's seed.
      jit_compile: whether the mathematics is compiled by XLA.
    """

    def __init__(
        self,
        updates: Sequence[Update],
        fetches: Sequence[Deferred] = (),
        known: Sequence[Deferred] = (),
        *,
        strategy: tf.distribute.Strategy,
        seed: int,
        jit_compile: bool = False,
    ):
        self.updates = tuple(updates)
        self._fetches = tuple(fetches)
        self._known = tuple(known)
        self._strategy = strategy
        self._seed = seed
        needed = [u.loss for u in updates] + [t for u in updates for t in u.terms.values()]
        self.sources = sources_of([*needed, *fetches], known)
        self.jit_compile = jit_compile
        self.compute = self._compiled if jit_compile else self.computed

    def with_jit(self, jit_compile: bool) -> SubStep:
        """The same sub-step, compiled by XLA or not."""
        return SubStep(
            self.updates,
            self._fetches,
            self._known,
            strategy=self._strategy,
            seed=self._seed,
            jit_compile=jit_compile,
        )

    @property
    def dataset_sources(self) -> tuple[DatasetSource, ...]:
        return tuple(s for s in self.sources if isinstance(s, DatasetSource))

    def changeable_variables(self) -> list[tf.Variable]:
        """All that the sub-step can change of networks and optimizers."""
        found: dict[int, tf.Variable] = {}
        for update in self.updates:
            optimizer = getattr(update.optimizer, "variables", ())
            optimizer = optimizer() if callable(optimizer) else optimizer
            for v in (*update.network.variables, *update.other.variables, *optimizer):
                found.setdefault(id(unwrapped(v)), unwrapped(v))
        return list(found.values())

    @property
    def report_size(self) -> int:
        return sum(len(u.value_names) for u in self.updates)

    def draw(self, iterators: Mapping[DatasetSource, Any]) -> list[Any]:
        """The next element of each dataset that the sub-step reads."""
        return [tf.nest.flatten(iterators[s].get_next()) for s in self.dataset_sources]

    def draw_ahead(self, iterators: Mapping[DatasetSource, Any]) -> list[Any]:
        """Begins to draw beside the sub-step before: an optional element of each dataset.

        Only `taken` says that there is none, so that the sub-step before is whole then.
        """
        return [iterators[s].get_next_as_optional() for s in self.dataset_sources]

    def taken(self, optionals: Sequence[Any]) -> list[Any]:
        """The elements that `draw_ahead` drew."""
        return [tf.nest.flatten(optional.get_value()) for optional in optionals]

    @property
    def draws_ahead(self) -> bool:
        """Whether `draw_ahead` works: not eagerly, nor for the parts of a global batch."""
        return not tf.executing_eagerly() and self._strategy.num_replicas_in_sync == 1

    def sample(self, key: tf.Tensor) -> dict[Any, list[tf.Tensor]]:
        """The noise that needs no data drawn before it, and may be sampled ahead of its turn."""
        if self._strategy.num_replicas_in_sync > 1:  # Each replica samples its own.
            return {}
        ready = [s for s in self.sources if not s.requires and not isinstance(s, DatasetSource)]
        with self._run({}, key, ()) as run:
            return {source: run.draw(source) for source in ready}

    def __call__(
        self,
        elements: Sequence[Any],
        key: tf.Tensor,
        feeds: Sequence[Any] = (),
        samples: Mapping[Any, list[tf.Tensor]] | None = None,
    ) -> Result:
        """Runs on drawn elements, under the strategy, and counts what it did.

        Args:
          elements: what `draw` gave.
          key: the key of the run.
          feeds: values of what is fed.
          samples: what `sample` gave for the same key, where it was called ahead.

        Raises:
          tf.errors.InvalidArgumentError: marked NOT_FINITE, with no update applied.
        """
        if self._strategy.num_replicas_in_sync == 1:
            report, values = self._on_replica(elements, key, feeds, samples)
            images = self.images(elements)
        else:
            report, values = self._strategy.run(self._on_replica, (elements, key, feeds))
            report = self._strategy.reduce(tf.distribute.ReduceOp.MEAN, report, axis=None)
            values = tf.nest.map_structure(self._joined, values)
            local = self._strategy.experimental_local_results
            per_replica = zip(*(local(leaf) for leaf in tf.nest.flatten(elements)))
            images = sum(self.images(self._packed(leaves)) for leaves in per_replica)
        with tf.control_dependencies([report]):
            self.count(images)
        return Result(report, values)

    def _packed(self, leaves: Sequence[tf.Tensor]) -> list[list[tf.Tensor]]:
        sizes = [len(s.specs) for s in self.dataset_sources]
        leaves = list(leaves)
        return [[leaves.pop(0) for _ in range(size)] for size in sizes]

    def _joined(self, value: Any) -> tf.Tensor:
        parts = self._strategy.experimental_local_results(value)
        return tf.concat(parts, 0) if parts[0].shape.rank else parts[0]

    def images(self, elements: Sequence[Sequence[tf.Tensor]]) -> Any:
        """How many real examples the discriminator is updated on."""
        example = next((u.real_example for u in self.updates if u.name == "discriminator"), None)
        if example is None:
            return 0
        run = Run(dict(zip(self.dataset_sources, elements)), key=tf.zeros([2], tf.int32))
        with run:
            batch = run.value(example)
        return tf.shape(batch, tf.int64)[0] if batch.shape[0] is None else batch.shape[0]

    def count(self, images: Any, times: Any = 1) -> list[Any]:
        """Counts the updates, and the images that the discriminator was updated on.

        Args:
          images: what `images` gave.
          times: 1, or 0 for updates that were not applied.
        """
        counts = []
        for update in self.updates:
            counts.append(update.counters.updates_of(update.name).assign_add(times))
            if update.name == "discriminator":
                counts.append(update.counters.images_seen.assign_add(images * times))
        return counts

    def inputs(
        self,
        elements: Sequence[Any],
        key: tf.Tensor,
        feeds: Sequence[Any] = (),
        samples: Mapping[Any, list[tf.Tensor]] | None = None,
    ) -> list[list[tf.Tensor]]:
        """What `compute` takes: the values of each source, some of them drawn already."""
        drawn = {**dict(zip(self.dataset_sources, elements)), **(samples or {})}
        with self._run(drawn, key, feeds) as run:
            return [run.draw(source) for source in self.sources]

    def _on_replica(self, elements, key, feeds, samples=None) -> tuple[tf.Tensor, list[Any]]:
        draws = self.inputs(elements, key, feeds, samples)
        report, checked, values = self.compute(draws, key, feeds)
        if self.jit_compile and self.checks:  # XLA drops assertions: the update guarded itself.
            with tf.control_dependencies([self.assert_finite(checked)]):
                report = tf.identity(report)
        return report, values

    def _run(self, draws: Mapping[Any, Any], key: tf.Tensor, feeds: Sequence[Any]) -> Run:
        return Run(
            draws,
            key=key,
            seed=self._seed,
            training=bool(self.updates),
            values=dict(zip(self._known, feeds)),
        )

    def _compiled(self, draws, key, feeds):
        if not hasattr(self, "_xla_program"):
            self._xla_program = tf.function(self.computed, jit_compile=True, autograph=False)
        return self._xla_program(draws, key, feeds)

    def computed(
        self, draws, key, feeds=(), proceed: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor, list[Any]]:
        """Losses and gradients at the weights as they are, then all updates, or none of them.

        Args:
          draws: what `inputs` gave.
          key: the key of the run.
          feeds: values of what is fed.
          proceed: inside XLA, whether updates are applied even where all is finite.

        Returns:
          The reported values, the values that must be finite, and the other fetches' values.
        """
        updated = {u.network for u in self.updates}
        run = self._run(dict(zip(self.sources, draws)), key, feeds)
        with run, contextlib.ExitStack() as stack:
            for network in {u.other for u in self.updates} - updated:
                stack.enter_context(network.statistics_kept())
            losses, shares, tapes = self._forward(run)
            gradients = [
                u.gradients(share, tape) for u, share, tape in zip(self.updates, shares, tapes)
            ]
            values = [run.value(fetch) for fetch in self._fetches]
            report = self._report(run, losses, gradients)
        checked = tf.concat([report, self._gradient_sums(gradients)], 0)
        with tf.control_dependencies(self._apply_all(gradients, checked, proceed)):
            return tf.identity(report), checked, values

    def _forward(self, run: Run) -> tuple[list[Any], list[Any], list[tf.GradientTape]]:
        """Each update's loss, its share of the global batch's loss, and the tape of its variables.

        Keras optimizers sum gradients over replicas, while a loss is a mean over its batch.
        """
        tapes = []
        with contextlib.ExitStack() as stack:
            for update in self.updates:
                tape = tf.GradientTape(watch_accessed_variables=False)
                stack.enter_context(tape)
                tape.watch(update.variables)
                tapes.append(tape)
            losses = [run.value(update.loss) for update in self.updates]
            replicas = self._strategy.num_replicas_in_sync
            shares = losses if replicas == 1 else [loss / replicas for loss in losses]
        return losses, shares, tapes

    def _report(self, run: Run, losses, gradients) -> tf.Tensor:
        values = []
        for update, loss, pairs in zip(self.updates, losses, gradients):
            values += [loss, *(run.value(term) for term in update.terms.values())]
            values += update.gradient_norms(pairs)
        return tf.stack([tf.cast(v, tf.float32) for v in values]) if values else tf.zeros([0])

    def _gradient_sums(self, gradients) -> tf.Tensor:
        """One number for each update, finite if all of its gradients are.

        A loss can be finite where its gradient is not: relu(nan) is 0 on some devices.
        """
        sums = [u.gradient_sum(pairs) for u, pairs in zip(self.updates, gradients)]
        return tf.stack(sums) if self.checks and sums else tf.zeros([0])

    @property
    def checks(self) -> bool:
        """Whether updates that are not finite are errors."""
        return any(update.check_numerics for update in self.updates)

    def _apply_all(self, gradients, checked: tf.Tensor, proceed: tf.Tensor | None) -> list[Any]:
        """Applies all updates or none, and gives what must have happened before they count."""

        def apply():
            for update, pairs in zip(self.updates, gradients):
                update.apply(pairs)
            return True

        if not self.checks:
            apply()
            return []
        if self.jit_compile:
            proceed = all_finite(checked) if proceed is None else proceed & all_finite(checked)
            # A loop of one turn or none: XLA updates its variables in place, while the branches of
            # a conditional, or a choice between old and new values, work on copies.
            turns = tf.cast(proceed, tf.int32)
            tf.while_loop(lambda i: i < turns, lambda i: (apply() and i + 1,), [0])
            return []
        checks = [self.assert_finite(checked)]
        checks = [check for check in checks if check is not None]  # Eagerly there is no op.
        with tf.control_dependencies(checks):
            apply()
        return checks

    def assert_finite(self, checked: tf.Tensor) -> Any:
        """Fails, marked NOT_FINITE, with the names of the checked values and the values."""
        names = [name for u in self.updates for name in u.value_names]
        names += [f"{u.name}_gradient_sum" for u in self.updates]
        data = [NOT_FINITE, ", ".join(names), checked]
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
    pairs = [f"{name} = {value}" for name, value in zip(names, values, strict=True)]
    return ", ".join(p for p, value in zip(pairs, values) if "nan" in value or "inf" in value)
