"""The loop of a graph: TensorFlow's MonitoredTrainingSession."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.train.checkpoint_files import check_logdir_state
from tfgan_lite.train.configuration import load_checked, save
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.interruption import awaited_interruption
from tfgan_lite.train.saving import Saving
from tfgan_lite.train.training_run import InitialStepHook, TrainingRun

__all__ = ["train_in_graph"]

_v1 = tf.compat.v1.train
_DEFAULT_MAX_TO_KEEP = 5  # Of TensorFlow's Saver.

# What graph_ops calls a bad loss, among the lines of user code that TensorFlow's message quotes.
_NOT_FINITE = re.compile(r"The (gradient of the )?\w+'s loss( \(\w+\))? is not finite")


def train_in_graph(
    run: TrainingRun,
    hooks: Sequence[Any],
    saving: Saving,
    configuration: dict[str, Any],
    *,
    save_summaries_steps: int | None,
    is_chief: bool,
    scaffold: Any,
    **arguments: Any,
) -> np.generic:
    """Trains until a hook stops it or the data ends, and gives the global step.

    Args:
      run: what hooks know of the run.
      hooks: the user's, then those that train.
      saving: when to save.
      configuration: of the run, which is compared with that of a checkpoint.
      save_summaries_steps: rounds between the summaries that the graph has of its own.
      is_chief: whether this process saves.
      scaffold: the user's, or None.
      **arguments: what else a MonitoredTrainingSession takes.
    """
    own_hooks: list[Any] = [InitialStepHook(run)]
    if saving.is_on and run.logdir is not None:
        check_logdir_state(run.logdir)
        if is_chief:
            if tf.train.latest_checkpoint(run.logdir):
                load_checked(run.logdir, configuration, saving.allow_changes)
            own_hooks.append(_ConfigurationHook(run.logdir, configuration))
    run.attach(hooks)
    # TensorFlow reads 0 seconds as "no interval".
    save_steps = 1 if saving.seconds == 0 else saving.steps
    arguments |= {
        "is_chief": is_chief,
        "checkpoint_dir": run.logdir if saving.is_on or not is_chief else None,
        "scaffold": scaffold or _scaffold(saving.max_to_keep),
        "hooks": [*own_hooks, *hooks],
        "save_checkpoint_secs": None if save_steps else saving.seconds,
        "save_checkpoint_steps": save_steps,
        # The graph's own summaries; losses are written by SummaryHook, from the updates.
        "save_summaries_steps": save_summaries_steps if _has_summaries() else None,
        "save_summaries_secs": None,
        "summary_dir": run.logdir,
        "log_step_count_steps": None,
    }
    increment = run.train_ops.global_step_inc_op
    step, reason = 0, "the data ended"
    global_step = _v1.get_global_step()
    with awaited_interruption() as interruption:
        with _named_errors(run, lambda: step), _v1.MonitoredTrainingSession(**arguments) as session:
            step = session.run_step_fn(lambda step_context: step_context.session.run(global_step))
            while not (session.should_stop() or interruption):
                step = session.run(increment)
            reason = "a hook asked for it"
        if interruption:  # TensorFlow's hook has saved: to it, this is a normal end.
            interruption.end_program(int(step), arguments["checkpoint_dir"])
    run.stop_reason = reason
    logging.info("Training stopped at round %s: %s.", step, reason)
    return step


@contextlib.contextmanager
def _named_errors(run: TrainingRun, step: Any) -> Any:
    """Turns errors of the graph into those that TF2 raises as well."""
    try:
        yield
    except (tf.errors.NotFoundError, tf.errors.InvalidArgumentError) as error:
        if "Restoring from checkpoint failed" in error.message:
            lines = error.message.splitlines()
            what = next((x for x in lines if x.startswith("Key ") or "shape" in x), lines[-1])
            raise ValueError(
                f"The logdir's checkpoint is not of this model and these optimizers: {what}\n"
                "Pass another logdir, or remove this one, to start anew."
            ) from error
        what = _NOT_FINITE.search(error.message)
        if what is None:
            raise
        failed = next((hook for hook in run.train_hooks if hook.sub_step), None)
        place = f"sub-step {failed.sub_step} of {failed.train_steps} of " if failed else ""
        raise NanLossError(
            f"{what[0]}, in {place}round {int(step()) + 1}. The update was not applied."
        ) from None


class _ConfigurationHook(_v1.SessionRunHook):
    """Saves the configuration after TensorFlow's hook, which saves when the session begins."""

    def __init__(self, logdir: str, configuration: dict[str, Any]):
        self._logdir, self._configuration = logdir, configuration

    def after_create_session(self, session: Any, coord: Any) -> None:
        save(self._logdir, self._configuration)


def _scaffold(max_to_keep: int | None) -> Any:
    """A scaffold whose saver keeps `max_to_keep` checkpoints; None for TensorFlow's default."""
    if max_to_keep == _DEFAULT_MAX_TO_KEEP:
        return None
    saver = _v1.Saver(max_to_keep=max_to_keep, sharded=True, allow_empty=True)
    return _v1.Scaffold(saver=saver)


def _has_summaries() -> bool:
    return bool(tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.SUMMARIES))
