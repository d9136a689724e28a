"""The loop of TF2: rounds, checkpoints, and what ends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import logging

from tfgan_lite.train.checkpoint_hook import CheckpointHook
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.interruption import awaited_interruption
from tfgan_lite.train.monitored import MonitoredSession
from tfgan_lite.train.nan_policy import Rollbacks, SkippedUpdatesHook
from tfgan_lite.train.run_checkpoints import RunCheckpoints
from tfgan_lite.train.saving import Saving
from tfgan_lite.train.session import Session
from tfgan_lite.train.training_run import TrainingRun

__all__ = ["train_eagerly"]

# TensorFlow's own hooks fetch graph tensors; what to use in TF2 instead.
_COUNTERPARTS = {
    "CheckpointSaverHook": "gan_train's save_checkpoint_secs and save_checkpoint_steps",
    "FinalOpsHook": "tfgan_lite.FinalOpsHook",
    "LoggingTensorHook": "tfgan_lite.LossLoggingHook",
    "NanTensorHook": "tfgan_lite.NanGuardHook",
    "StepCounterHook": "tfgan_lite.ProgressHook",
    "StopAtStepHook": "tfgan_lite.StopAtStepHook",
    "SummarySaverHook": "tfgan_lite.SummaryHook",
}


def train_eagerly(
    run: TrainingRun,
    session: Session,
    hooks: Sequence[Any],
    saving: Saving | None,
    configuration: dict[str, Any],
    *,
    nan_policy: str,
    max_nans: int,
    rounds_per_call: int | None,
) -> np.generic:
    """Trains until a hook stops it or the data ends, and gives the global step.

    Args:
      run: what hooks know of the run.
      session: where updates run.
      hooks: the user's, then those that train.
      saving: None where this process has nothing to save.
      configuration: of the run, which is compared with that of a checkpoint.
      nan_policy: "raise", "skip" or "rollback".
      max_nans: how many updates may be skipped in this call, or how many times it may go back.
      rounds_per_call: the most rounds in one compiled call, or None.
    """
    _check_hooks(hooks)
    hooks = [*hooks]
    if nan_policy == "skip":
        hooks.append(SkippedUpdatesHook(max_nans))
    saver = rollbacks = None
    if saving is not None:
        checkpoints = RunCheckpoints(run, session, hooks, saving.max_to_keep)
        checkpoints.resume(configuration, saving.allow_changes)
        saver = CheckpointHook(checkpoints, saving.seconds, saving.steps, saving.ignore_errors)
        hooks.append(saver)
        if nan_policy == "rollback":
            saver.save()  # Something to go back to.
            rollbacks = Rollbacks(max_nans, checkpoints.roll_back, session, run.train_hooks)
    counters, workers = session.counters, session.workers
    run.initial_step = int(counters.global_step.numpy())
    run.attach(hooks)
    increment = run.train_ops.global_step_inc_op
    with awaited_interruption() as interruption, workers.logging_lost_workers():
        with MonitoredSession(session, hooks, increment, rounds_per_call) as monitored:
            while not workers.any(monitored.should_stop()):
                try:
                    monitored.run_rounds()
                except NanLossError as error:
                    if rollbacks is None:
                        raise
                    rollbacks.after(error)
                if workers.any(bool(interruption)):
                    where = run.logdir if saver is not None and saver.save() else None
                    interruption.end_program(int(counters.global_step.numpy()), where)
    step, run.stop_reason = counters.global_step.numpy(), monitored.stop_reason
    logging.info("Training stopped at round %d: %s.", step, run.stop_reason)
    return step


def _check_hooks(hooks: Sequence[Any]) -> None:
    for hook in hooks:
        bases = [base for base in type(hook).__mro__ if base.__module__.startswith("tensorflow.")]
        name = bases[0].__name__ if bases else "SessionRunHook"
        if name != "SessionRunHook":
            instead = _COUNTERPARTS.get(name, "a hook that fetches deferred values")
            raise TypeError(
                f"tf.compat.v1.train.{name} works on graph tensors only: in TF2, use {instead}."
            )
