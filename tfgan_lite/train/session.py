"""The session of TF2: `run` means what it means in a graph, over compiled functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred
from tfgan_lite.end_of_passes import end_passes
from tfgan_lite.integers import checked_integer
from tfgan_lite.noise_keys import FIRST_FINAL_LOOK, FIRST_LOOK, ROUNDS_APART
from tfgan_lite.replicas import is_distributed
from tfgan_lite.runs import random_key
from tfgan_lite.sources import DatasetSource
from tfgan_lite.tracing import program_of
from tfgan_lite.train.computation import describe_not_finite
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.ops import IncrementOp, Report, TrainOp
from tfgan_lite.train.replica_data import ReplicaIterator
from tfgan_lite.train.sub_step import SubStep
from tfgan_lite.train.updates import Update, joint_name
from tfgan_lite.train.workers import Workers

__all__ = ["Session", "run_alone"]

_UNLIKE_ELEMENTS = re.compile(  # What tf.data says of them.
    "(`generator` yielded an element|Cannot batch tensors with different).*"
)


class Session:
    """Runs fetches: one draw from each source, shared by all fetches of the run.

    It goes through datasets in passes of its own, which `close` ends.

    Args:
      counters: the counters of the training run.
      strategy: the strategy that the networks were made under.
      seed: the program's seed; noise is a pure function of (seed, round, sub-step, replica).
      jit: decides whether a sub-step is compiled by XLA.
      skips: whether updates that are not finite are left out, rather than an error.

    Attributes:
      rollbacks: how often training went back to a checkpoint; each time gives other noise.
      program_seconds: how long compiled rounds took so far.

    Example:
      >>> session = tfgan.Session(train_ops.global_step_inc_op.counters, seed=1)
      >>> inputs, data = session.run([model.generator_inputs, model.generated_data])  # Of one draw.
      >>> inputs.shape, data.shape
      ((8, 2), (8, 3))
    """

    def __init__(
        self,
        counters: Counters,
        strategy: tf.distribute.Strategy | None = None,
        seed: int = 0,
        jit: JitChoice | None = None,
        skips: bool = False,
    ):
        self.counters = counters
        self.strategy = strategy or tf.distribute.get_strategy()
        self.workers = Workers(self.strategy)
        self.seed = checked_integer("seed", seed, least=None)
        self.jit = jit or JitChoice(False)
        self.skips = skips
        self.rollbacks = tf.Variable(0, trainable=False, name="rollbacks")
        self.program_seconds = 0.0
        self.iterators: dict[DatasetSource, Any] = {}
        self._position = 0  # The sub-step within the round.
        self._looks = FIRST_LOOK
        self._programs: dict[Any, Any] = {}

    def run(self, fetches: Any, feed_dict: Mapping[Deferred, Any] | None = None) -> Any:
        """Evaluates fetches in one run.

        Args:
          fetches: deferred values, train ops, variables, or a structure of them.
          feed_dict: values to use in place of deferred values.

        Returns:
          NumPy values in the structure of `fetches`.

        Raises:
          TypeError: something that cannot be fetched, such as a metric or a distribution.
          ValueError: a dataset's element is not like the others.
          tf.errors.OutOfRangeError: a dataset has ended.
          NanLossError: an update's loss is not finite; no update of this run was applied.
        """
        flat = tf.nest.flatten(fetches)
        feeds = dict(feed_dict or {})
        for node in (*flat, *feeds):
            _check_fetch(node)
        updates = list(dict.fromkeys(x.update for x in flat if isinstance(x, (TrainOp, Report))))
        ops = (TrainOp, Report, IncrementOp)
        nodes = [x for x in flat if isinstance(x, Deferred) and not isinstance(x, ops)]
        nodes = list(dict.fromkeys(nodes))
        found: dict[Any, Any] = {}
        if updates or nodes:
            found = self._run_program(updates, nodes, feeds)
        for op in flat:
            if isinstance(op, IncrementOp) and op not in found:
                found[op] = op.counters.global_step.assign_add(1).numpy()
                self._position = 0
        values = [_value(x, found) for x in flat]
        return tf.nest.pack_sequence_as(fetches, values)

    def sub_step(
        self, updates: Sequence[Update], nodes: Sequence[Deferred] = (), known: Sequence[Any] = ()
    ) -> SubStep:
        """The program of one run, compiled as the session's jit choice says."""
        step = SubStep(
            updates, nodes, known, strategy=self.strategy, seed=self.seed, skips=self.skips
        )
        self.make_iterators(step.dataset_sources)
        if not updates:
            return step
        if not is_distributed(self.strategy):
            return self.jit.decide(step)
        # Measuring would take all replicas, and on several machines agree on what is faster.
        return step.compiled(self.jit.jit_compile is True)

    def noise_round(self) -> tf.Tensor:
        """The round in progress as keys of noise count it."""
        shift = self.rollbacks * ROUNDS_APART
        return tf.cast(self.counters.global_step, tf.int32) + shift

    def start_anew(self) -> None:
        """Begins a round whatever went before, as after a rollback."""
        self._position = 0

    def make_iterators(self, sources: Sequence[DatasetSource]) -> None:
        """Starts the datasets that are not started yet."""
        for source in sources:
            if source not in self.iterators:
                if is_distributed(self.strategy):
                    self.iterators[source] = ReplicaIterator(source.dataset, self.strategy)
                else:
                    self.iterators[source] = iter(source.dataset)

    def iterators_of(self, sources: Sequence[DatasetSource]) -> list[Any]:
        """The iterators of datasets, to be passed to a program.

        A program that captured them would keep them, and Python may be late to find that nobody
        needs the program. To end hundreds of iterators takes TensorFlow minutes.
        """
        self.make_iterators(sources)
        return [self.iterators[source] for source in sources]

    def close(self) -> None:
        """Ends the passes over the datasets; another run would begin new ones."""
        passes = {s: getattr(x, "iterator", x) for s, x in self.iterators.items()}  # Of replicas.
        self.iterators.clear()
        end_passes(passes)

    def on_fresh_passes(self) -> Session:
        """A session on the same networks that reads each dataset from its start.

        What it reads, training does not miss.
        """
        session = Session(self.counters, self.strategy, self.seed, self.jit, self.skips)
        session.rollbacks = self.rollbacks
        session._looks = FIRST_FINAL_LOOK
        return session

    def explain(self, error: tf.errors.OpError, sub_step: str) -> Exception:
        """The error to raise for one that a program raised."""
        if "optional does not have a value" in error.message:
            return tf.errors.OutOfRangeError(None, None, "End of sequence: a dataset has ended.")
        unlike = _UNLIKE_ELEMENTS.search(error.message)
        if unlike is not None:
            return ValueError(
                "The elements of a dataset must have one structure, and the dtypes and shapes that"
                f" it declares, but: {unlike[0]} ... Mend or filter(...) them before batch(...)."
                " No update was made with the element."
            )
        bad = describe_not_finite(error)
        if bad is None:
            return error
        return NanLossError(
            f"Loss is not finite: {bad}, in {sub_step} of round"
            f" {int(self.counters.global_step.numpy()) + 1}. The update was not applied: the"
            " weights are those of the sub-step before. Lower the learning rate, clip gradients"
            " (transform_grads_fn), or look at that round's data."
        )

    def _run_program(self, updates, nodes, feeds) -> dict[Any, Any]:
        key = (tuple(updates), tuple(nodes), tuple(feeds))
        if key not in self._programs:
            step = self.sub_step(updates, nodes, tuple(feeds))
            self._programs[key] = step.dataset_sources, self._build(step)
        if updates:
            position, self._position = self._position, self._position + 1
        else:  # What a hook looks at must not change the noise that training sees.
            position, self._looks = self._looks, self._looks + 1
        fed = [tf.convert_to_tensor(v, dtype=n.dtype) for n, v in feeds.items()]
        try:
            sources, program = self._programs[key]
            result = program(tf.constant(position), fed, self.iterators_of(sources))
        except tf.errors.InvalidArgumentError as error:
            explained = self.explain(error, f"{joint_name(updates)}'s sub-step")
            if explained is error:
                raise
            raise explained from None
        found = {n: _to_numpy(v) for n, v in zip(nodes, result.values)}
        report = result.report.numpy()
        for update in updates:
            size = len(update.value_names)
            found[update], report = report[:size], report[size:]
        return found

    def _build(self, step: SubStep) -> Any:
        def program(position, fed, iterators):
            key = random_key(self.noise_round(), position)
            return step(step.draw(dict(zip(step.dataset_sources, iterators))), key, fed)

        return program_of(program, reduce_retracing=True)


def run_alone(op: TrainOp) -> Any:
    """Runs a train op that is called outside any session, in one of all ops made with it."""
    counters = op.update.counters
    if not hasattr(counters, "session_for_single_calls"):  # It ends with the ops.
        counters.session_for_single_calls = Session(counters)
    return counters.session_for_single_calls.run(op)


def _check_fetch(node: Any) -> None:
    known = (Deferred, tf.Variable, tf.Tensor, np.ndarray, np.generic, int, float, type(None))
    if isinstance(node, Deferred) and node.opaque:
        raise TypeError(
            f"Cannot fetch {node.name}, which is not a tensor: fetch what you want of it, for"
            " instance tfgan_lite.defer(lambda distribution: distribution.mean(), value)."
        )
    if hasattr(node, "needs_of_reference"):
        raise TypeError(
            f"{node!r} is a metric and has no samples: fetch"
            " lambda: tfgan_lite.eval.evaluate(model, reference, [metric]).values."
        )
    if not isinstance(node, known) and not hasattr(node, "numpy"):
        raise TypeError(
            f"Cannot fetch {node!r} in TF2: a session runs deferred values, train ops and"
            " variables."
        )


def _value(fetch: Any, found: Mapping[Any, Any]) -> Any:
    if isinstance(fetch, TrainOp):
        return found[fetch.update][0]
    if isinstance(fetch, Report):
        return found[fetch.update]
    if isinstance(fetch, Deferred):
        return found[fetch]
    return fetch.numpy() if hasattr(fetch, "numpy") else fetch


def _to_numpy(value: Any) -> Any:
    return tf.nest.map_structure(lambda x: x.numpy(), value)
