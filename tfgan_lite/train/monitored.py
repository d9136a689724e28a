"""Calls hooks around rounds, in TF2, as `tf.compat.v1.train.MonitoredSession` does in a graph."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.integers import checked_integer
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.round_program import RoundProgram
from tfgan_lite.train.scheduled_hook import ScheduledTrainOpsHook
from tfgan_lite.train.session import Session

__all__ = ["MonitoredSession"]

_v1 = tf.compat.v1.train
_MAX_ROUNDS = 1000
# Long enough that a call's overhead vanishes, short enough that progress shows and Ctrl-C works.
_SECONDS_PER_CALL = 0.25


class MonitoredSession:
    """A session with hooks.

    Consecutive plain RunTrainOpsHooks run as one compiled function. Where every other hook says
    when it is next due (`next_due(global_step)`), that function runs many rounds in one call.

    Args:
      session: the session to run in.
      hooks: SessionRunHooks, called in this order.
      global_step_inc_op: what ends a round.
      rounds_per_call: the most rounds between two calls of hooks; None to derive it.
    """

    def __init__(
        self,
        session: Session,
        hooks: Sequence[Any],
        global_step_inc_op: Any,
        rounds_per_call: int | None = None,
    ):
        self.session = session
        self._hooks = list(hooks)
        self._increment = global_step_inc_op
        self._coordinator = tf.train.Coordinator()
        self._fixed = rounds_per_call is not None
        self._max_rounds = _MAX_ROUNDS
        if self._fixed:
            self._max_rounds = checked_integer("rounds_per_call", rounds_per_call)
        self._rounds = self._max_rounds if self._fixed else 1
        self.stop_reason = ""
        groups = _grouped(self._hooks)
        others = [hook for hook in self._hooks if not _is_fusible(hook)]
        fusible_groups = [group for group in groups if _is_fusible(group[0])]
        many = len(fusible_groups) == 1 and all(hasattr(h, "next_due") for h in others)
        self._many = session.workers.all(many)
        self._others = others
        self._groups = groups
        self._programs: dict[int, RoundProgram] = {}

    def __enter__(self) -> MonitoredSession:
        for hook in self._hooks:
            hook.begin()
        for hook in self._hooks:
            hook.after_create_session(self.session, self._coordinator)
        for index, group in enumerate(self._groups):
            if _is_fusible(group[0]):
                most = self._max_rounds if self._many else 1
                self._programs[index] = RoundProgram(self.session, group, most, self._many)
        return self

    def __exit__(self, kind: type | None, error: Any, unused_traceback: Any) -> bool:
        stopped = isinstance(error, (tf.errors.OutOfRangeError, StopIteration))
        if kind is not None and not stopped:
            return False
        self.stop_reason = "the data ended" if stopped else "a hook asked for it"
        # A session at its end has no more data to train on, and final ops must not take any.
        with contextlib.closing(self.session.on_fresh_passes()) as final:
            _end(self._hooks, final)
        return stopped

    def should_stop(self) -> bool:
        return self._coordinator.should_stop()

    def run_rounds(self) -> None:
        """Runs one round, or as many as no hook needs to see the end of."""
        context = _v1.SessionRunContext(_v1.SessionRunArgs(self._increment), self.session)
        if self._many:
            self._run_many(context)
        else:
            self._run_one(context)
        if context.stop_requested:
            self._coordinator.request_stop()

    def _run_many(self, context: Any) -> None:
        start = int(self.session.counters.global_step.numpy())
        dues = [hook.next_due(start) for hook in self._others]
        rounds = min([self._rounds, *(due - start for due in dues if due is not None)])
        requests = {hook: hook.before_run(context) for hook in self._others}
        program = next(iter(self._programs.values()))
        clock = time.perf_counter()
        done = program(self.session.workers.minimum(max(1, rounds)))
        seconds = time.perf_counter() - clock
        self.session.program_seconds += seconds
        self._pace(seconds, done)
        # The program has ended its rounds: what is left of the increment is its value.
        self._after_run(context, self._fetch(requests, self.session.counters.global_step))

    def _run_one(self, context: Any) -> None:
        requests = {}
        for index, group in enumerate(self._groups):
            if index in self._programs:
                clock = time.perf_counter()
                self._programs[index](1)
                self.session.program_seconds += time.perf_counter() - clock
            else:
                requests.update({hook: hook.before_run(context) for hook in group})
        self._after_run(context, self._fetch(requests, self._increment))

    def _fetch(self, requests: dict[Any, Any], increment: Any) -> dict[Any, Any]:
        """What hooks asked for, all of one draw, with `increment` for what ends a round."""

        def fetch(node: Any) -> Any:
            return increment if node is self._increment else node

        asked = {
            hook: tf.nest.map_structure(fetch, request.fetches)
            for hook, request in requests.items()
            if request and request.fetches is not None
        }
        feeds = {k: v for r in requests.values() if r for k, v in (r.feed_dict or {}).items()}
        _, *results = self.session.run([increment, *asked.values()], feeds)
        return dict(zip(asked, results))

    def _after_run(self, context: Any, results: dict[Any, Any]) -> None:
        for hook in self._hooks:
            hook.after_run(context, _v1.SessionRunValues(results.get(hook), None, None))

    def _pace(self, seconds: float, rounds: int) -> None:
        if not self._fixed and rounds == self._rounds and seconds < _SECONDS_PER_CALL:
            self._rounds = min(2 * self._rounds, self._max_rounds)


def _end(hooks: Sequence[Any], session: Session) -> None:
    """Calls each hook's `end`, and then raises the first error: the last hook saves the run."""
    first: Exception | None = None
    for hook in hooks:
        try:
            hook.end(session)
        except Exception as error:
            if first is None:
                first = error
            else:
                logging.exception("%s.end failed, too.", type(hook).__name__)
    if first is not None:
        raise first


def _is_fusible(hook: Any) -> bool:
    return type(hook) in (RunTrainOpsHook, ScheduledTrainOpsHook) and all(hook.updates)


def _grouped(hooks: Sequence[Any]) -> list[list[Any]]:
    """The hooks in their order, consecutive fusible ones together."""
    groups: list[list[Any]] = []
    for hook in hooks:
        if groups and _is_fusible(hook) and _is_fusible(groups[-1][0]):
            groups[-1].append(hook)
        else:
            groups.append([hook])
    return groups
