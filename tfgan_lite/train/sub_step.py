"""A sub-step as a program: draw, compute, apply.

Data is drawn at host level; the mathematics that follows may be one XLA program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.deferred import Deferred
from tfgan_lite.replicas import is_distributed
from tfgan_lite.runs import Run
from tfgan_lite.sources import DatasetSource
from tfgan_lite.tracing import needed_by, sources_of
from tfgan_lite.train import lazy_terms
from tfgan_lite.train.adam_kernel import has_adam_kernel
from tfgan_lite.train.computation import Computation, Gradients, all_finite
from tfgan_lite.train.loss_scaling import scaling_state
from tfgan_lite.train.updates import Update
from tfgan_lite.variables import unwrapped

__all__ = ["Result", "SubStep"]


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
      jit_compile: whether XLA compiles the losses, the gradients, and the updates that apply them.
      one_pass: whether the discriminator judges real and generated data in one pass, where it can.
      many_rounds: whether XLA compiles it together with those of several rounds, where it can.
      skips: whether updates that are not finite are left out, rather than an error.
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
        one_pass: bool = False,
        many_rounds: bool = False,
        skips: bool = False,
    ):
        self.updates = tuple(updates)
        self._fetches = tuple(fetches)
        self._known = tuple(known)
        self._strategy = strategy
        self._seed = seed
        needed = [u.loss for u in updates]
        needed += [each for u in updates for each in (*u.terms.values(), *u.metrics.values())]
        averaged = [u.generated_example for u in updates if u.average is not None]
        needed += [*averaged, *fetches]
        self.sources = sources_of(needed, known)
        needs = set(needed_by(needed, known))
        # Op types used by the losses; their gradients use similar ones.
        operations = frozenset[str]().union(*(node.trace.operations for node in needs))
        self.convolutions = frozenset(name for name in operations if "Conv" in name)
        merges = {node.merged for node in needs} - {None}
        self._mergeable = {each for each in merges if needs.issuperset(each.nodes)}
        self.one_pass = one_pass
        self.many_rounds = many_rounds
        self.jit_compile = jit_compile
        self._merges = frozenset(m for m in self._mergeable if one_pass and m.is_exact)
        self._plans, self._plan = lazy_terms.plans(self.updates)
        self.computation = Computation(updates, fetches, strategy, skips)
        self._gradients_program = functools.cache(
            lambda skipped: _program(
                functools.partial(self.gradients, skipped=skipped), jit_compile
            )
        )
        # An all-reduce, which an update of several replicas begins with, is no part of XLA's. Nor
        # does it gain by a kernel's update, which XLA would not make in place.
        alone = strategy.num_replicas_in_sync == 1
        in_place = all(has_adam_kernel(update.optimizer) for update in updates)
        xla_applies = jit_compile and alone and not in_place
        self._apply_program = _program(self.computation.apply, xla_applies)

    def compiled(
        self, jit_compile: bool, one_pass: bool = False, many_rounds: bool = False
    ) -> SubStep:
        """The same sub-step, compiled in another way."""
        return SubStep(
            self.updates,
            self._fetches,
            self._known,
            strategy=self._strategy,
            seed=self._seed,
            jit_compile=jit_compile,
            one_pass=one_pass,
            many_rounds=many_rounds,
            skips=self.computation.skips,
        )

    @property
    def can_take_one_pass(self) -> bool:
        """Whether the discriminator gives the same in one pass over real and generated data."""
        return any(merged.is_exact for merged in self._mergeable)

    @property
    def dataset_sources(self) -> tuple[DatasetSource, ...]:
        return tuple(s for s in self.sources if isinstance(s, DatasetSource))

    def changeable_variables(self) -> list[tf.Variable]:
        """All that the sub-step can change of networks, optimizers and counters."""
        found: dict[int, tf.Variable] = {}
        for update in self.updates:
            optimizer = getattr(update.optimizer, "variables", ())
            optimizer = optimizer() if callable(optimizer) else optimizer
            networks = (update.network, *update.others)
            averages = update.average.averages if update.average else ()
            owned = [v for network in networks for v in network.variables]
            scaling = scaling_state(update.optimizer)
            counters = update.counters.variables
            for v in (*owned, *optimizer, *scaling, *averages, *update.state, *counters):
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
        return not (tf.executing_eagerly() or is_distributed(self._strategy))

    def sample(self, key: tf.Tensor) -> dict[Any, list[tf.Tensor]]:
        """The noise that needs no data drawn before it, and may be sampled ahead of its turn."""
        if is_distributed(self._strategy):  # Each replica samples its own.
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
          tf.errors.InvalidArgumentError: a value is not finite, and no update was applied;
            `describe_not_finite` tells which.
        """
        drawn = dict(zip(self.dataset_sources, self._of_a_replica(elements)))
        real_count = self.real_count({**drawn, **(samples or {})})
        real_count *= self._strategy.num_replicas_in_sync
        work = functools.partial(self._on_all_replicas, elements, key, feeds, samples)
        if self.is_always_alike:
            report, values = work(self._plans[0])
        else:
            branches = [functools.partial(work, skipped) for skipped in self._plans]
            report, values = tf.switch_case(self._plan(), branches)
        with tf.control_dependencies([report]):
            self.count(real_count, self.computation.times(report))
        return Result(report, values)

    def _on_all_replicas(self, elements, key, feeds, samples, skipped) -> tuple[Any, list[Any]]:
        if not is_distributed(self._strategy):
            return self.compute(self.inputs(elements, key, feeds, samples), key, feeds, skipped)

        def on_replica(elements, key, feeds):
            draws = self.inputs(elements, key, feeds)
            if isinstance(self._strategy, tf.distribute.TPUStrategy):
                return self.compute_unasserted(draws, key, feeds, skipped)
            return *self.compute(draws, key, feeds, skipped), ()

        before = self._all_replicas_variables() if self.computation.skips else []
        with tf.control_dependencies([value for _, value in before]):
            report, values, unasserted = self._strategy.run(on_replica, (elements, key, feeds))
        reports = self._strategy.experimental_local_results(report)
        checks = [self.computation.assert_finite(x) for x in self._of_a_replica(unasserted)]
        with tf.control_dependencies([*reports, *checks]):  # All replicas have the same.
            report = tf.identity(reports[0])
        if before:
            report = self._put_back_if_skipped(before, report)
        return report, tf.nest.map_structure(self._joined, values)

    def _all_replicas_variables(self) -> list[tuple[tf.Variable, tf.Tensor]]:
        """What the sub-step can change, each replica's own, with the values of now."""
        parts = map(self._strategy.experimental_local_results, self.changeable_variables())
        return [(part, part.read_value()) for each in parts for part in each]

    def _put_back_if_skipped(
        self, before: Sequence[tuple[tf.Variable, tf.Tensor]], report: tf.Tensor
    ) -> tf.Tensor:
        # A replica cannot leave its update out: all of them meet in it.
        def put_back() -> tf.Tensor:
            with tf.control_dependencies([part.assign(value) for part, value in before]):
                return tf.identity(report)

        return tf.cond(self.computation.times(report) > 0, lambda: report, put_back)

    def _of_a_replica(self, values: Any) -> Any:
        """One replica's values, of a structure that each replica has."""
        local = self._strategy.experimental_local_results
        return tf.nest.map_structure(lambda value: local(value)[0], values)

    def _joined(self, value: Any) -> tf.Tensor:
        parts = self._strategy.experimental_local_results(value)
        return tf.concat(parts, 0) if parts[0].shape.rank else parts[0]

    def real_count(self, drawn: Mapping[Any, list[tf.Tensor]]) -> Any:
        """How many real examples the discriminator is updated on.

        Args:
          drawn: values of sources, of a replica.
        """
        example = next((u.real_example for u in self.updates if u.role == "discriminator"), None)
        if example is None:
            return 0
        if example.shape[0] is not None and not is_distributed(self._strategy):
            return example.shape[0]
        run = Run(drawn, key=tf.zeros([2], tf.int32))
        with run:
            batch = run.value(example)
        return tf.shape(batch, tf.int64)[0] if batch.shape[0] is None else batch.shape[0]

    def count(self, real_count: Any, times: Any = 1) -> list[Any]:
        """Counts the updates, and the images that the discriminator was updated on.

        Args:
          real_count: what `real_count` gave.
          times: 1, or 0 for updates that were not applied.
        """
        counts = []
        for update in self.updates:
            if update.counts:
                counts.append(update.counters.updates_of(update.role).assign_add(times))
            if update.counts and update.role == "discriminator":
                counts.append(update.counters.images_seen.assign_add(real_count * times))
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

    def _run(
        self,
        draws: Mapping[Any, Any],
        key: tf.Tensor,
        feeds: Sequence[Any],
        skipped: Iterable[Deferred] = (),
    ) -> Run:
        nothing = {term: tf.zeros([], term.dtype) for term in skipped}
        return Run(
            draws,
            key=key,
            seed=self._seed,
            training=bool(self.updates),
            values={**dict(zip(self._known, feeds)), **nothing},
            merges=self._merges,
        )

    @property
    def is_always_alike(self) -> bool:
        """Whether all terms of the losses are due in every update."""
        return len(self._plans) == 1

    def compute(
        self, draws, key, feeds=(), skipped: frozenset[Deferred] = frozenset()
    ) -> tuple[tf.Tensor, list[Any]]:
        """The sub-step's mathematics: its updates, unless something is not finite.

        Args:
          draws: what `inputs` gave.
          key: the key of the run.
          feeds: values of what is fed.
          skipped: terms of the losses that are not due.

        Returns:
          The reported values, and the fetches' values.
        """
        # The check is made between two programs: XLA knows no assertions, and what is conditional
        # inside a program works on copies of all that it may change.
        found = self._gradients_program(skipped)(draws, key, feeds)
        found = self.computation.of_all_replicas(found)
        if self.computation.skips and not is_distributed(self._strategy):
            self._apply_where(all_finite(found.checked), found)
            return tf.identity(found.report), found.fetched
        check = self.computation.assert_finite(found.checked) if self.computation.asserts else None
        with tf.control_dependencies([] if check is None else [check]):
            self._apply_program(found)
            return tf.identity(found.report), found.fetched

    def _apply_where(self, finite: tf.Tensor, found: Gradients) -> None:
        def apply() -> tf.Tensor:
            self._apply_program(found)
            return tf.constant(True)

        tf.cond(finite, apply, lambda: tf.constant(False))

    def compute_unasserted(
        self, draws, key, feeds=(), skipped: frozenset[Deferred] = frozenset()
    ) -> tuple[tf.Tensor, list[Any], list[tf.Tensor]]:
        """`compute` where XLA compiles everything, as on a TPU; arguments as `compute` takes them.

        Returns:
          The reported values, the fetches' values, and what the caller still has to assert: the
          updates were made only if it is finite.
        """
        found = self.computation.of_all_replicas(self.gradients(draws, key, feeds, skipped))
        if not self.computation.checks:
            self.computation.apply(found)
            return found.report, found.fetched, []
        self.computation.apply_where(all_finite(found.checked), found)
        return found.report, found.fetched, [found.checked]

    def gradients(
        self, draws, key, feeds=(), skipped: frozenset[Deferred] = frozenset()
    ) -> Gradients:
        """What is known before any update is applied; arguments as `compute` takes them."""
        run = self._run(dict(zip(self.sources, draws)), key, feeds, skipped)
        return self.computation.gradients(run)


def _program(function: Callable[..., Any], jit_compile: bool) -> Callable[..., Any]:
    return tf.function(function, jit_compile=True, autograph=False) if jit_compile else function
