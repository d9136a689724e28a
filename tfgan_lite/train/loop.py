"""`gan_train`: the loop, in either world."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train import configuration, schedule
from tfgan_lite.train.checkpoint import check_writable
from tfgan_lite.train.checkpoint_files import check_logdir_state
from tfgan_lite.train.checkpoint_hook import CheckpointHook
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.hooks import GetHooksFn, RunTrainOpsHook, get_sequential_train_hooks
from tfgan_lite.train.interruption import awaited_interruption
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.monitored import MonitoredSession
from tfgan_lite.train.nan_policy import Rollbacks, SkippedUpdatesHook, check_nan_policy
from tfgan_lite.train.run_checkpoints import RunCheckpoints
from tfgan_lite.train.session import Session
from tfgan_lite.train.summary_hook import SummaryHook
from tfgan_lite.train.train_ops import update_of
from tfgan_lite.train.training_run import InitialStepHook, TrainingRun
from tfgan_lite.train.workers import Workers

__all__ = ["gan_train"]

_v1 = tf.compat.v1.train

# What graph_ops calls a bad loss, among the lines of user code that TensorFlow's message quotes.
_NOT_FINITE = re.compile(r"The (gradient of the )?\w+'s loss( \(\w+\))? is not finite")

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


def gan_train(
    train_ops: GANTrainOps,
    logdir: str | os.PathLike[str] | None,
    get_hooks_fn: GetHooksFn | None = None,
    master: str = "",
    is_chief: bool = True,
    scaffold: Any = None,
    hooks: Sequence[Any] | None = None,
    chief_only_hooks: Sequence[Any] | None = None,
    save_checkpoint_secs: float | None = 600,
    save_summaries_steps: int | None = 100,
    max_wait_secs: int = 7200,
    config: Any = None,
    *,
    seed: int = 0,
    jit_compile: bool | str = "auto",
    rounds_per_call: int | None = None,
    save_checkpoint_steps: int | None = None,
    max_to_keep: int | None = 5,
    allow_changes: bool = False,
    ignore_save_errors: bool = False,
    nan_policy: str = "raise",
    max_nans: int = 10,
    session: Session | None = None,
) -> np.generic:
    """Trains a GAN by alternating updates, until a hook stops it or the data ends.

    Each round runs the sub-steps of the schedule, then adds one to the global step. Hooks are
    called around rounds, yours before those that train. When `logdir` holds a checkpoint, training
    resumes from it. Ctrl-C and SIGTERM end the program after the round, with a checkpoint; a second
    signal ends it at once.

    Args:
      train_ops: what `gan_train_ops` returned.
      logdir: where checkpoints and summaries go; None for neither.
      get_hooks_fn: gives a round's hooks; `get_sequential_train_hooks()` by default.
      master: in a graph, the TensorFlow master to use.
      is_chief: whether this process saves checkpoints and summaries.
      scaffold: in a graph, a `tf.compat.v1.train.Scaffold`.
      hooks: SessionRunHooks for every process.
      chief_only_hooks: SessionRunHooks for the chief.
      save_checkpoint_secs: seconds between checkpoints; None for no such interval. Without this
        and `save_checkpoint_steps` there are none.
      save_summaries_steps: rounds between summaries; None writes none.
      max_wait_secs: in a graph, how long a worker waits for the chief.
      config: in a graph, a `tf.compat.v1.ConfigProto`.
      seed: in TF2, the seed of all noise that the library draws.
      jit_compile: in TF2, whether XLA compiles the updates; "auto" measures which is faster.
      rounds_per_call: in TF2, the most rounds in one compiled call; None to derive it.
      save_checkpoint_steps: rounds between checkpoints, beside `save_checkpoint_secs`, of which it
        takes the place in a graph.
      max_to_keep: how many checkpoints are kept, the newest; None for all.
      allow_changes: whether a run goes on from `logdir` where the schedule, an optimizer, a loss or
        the seed are not those that it began with. By default that is an error.
      ignore_save_errors: in TF2, whether training goes on, with an error in the log, where a
        checkpoint cannot be written, because the disk is full for instance.
      nan_policy: what becomes of an update whose loss or gradient is not finite, which is never
        applied: "raise" an error; in TF2 also "skip" it, or "rollback" to the last checkpoint and
        go on from there with other noise and the data that comes next.
      max_nans: how many updates may be skipped, or how many times training may go back.
      session: in TF2, the `Session` to train in, whose seed and choice of XLA hold; a second call
        with the same one goes on where the data are. None for one of the call's own.

    Returns:
      The global step after the last round, a NumPy scalar.

    Raises:
      ValueError: `logdir` is None with saving on, cannot be written to, or holds the checkpoint of
        another model or configuration; a policy that cannot be kept.
      NanLossError: a loss is not finite, as often as `nan_policy` and `max_nans` do not allow; the
        update was not applied.
      tf.errors.OpError: a checkpoint cannot be written. Those before are whole.
      TypeError: in TF2, one of TensorFlow's own hooks.

    Example:
      >>> stop = tfgan.StopAtStepHook(num_steps=3)
      >>> first = tfgan.gan_train(train_ops, "runs/gan_train", hooks=[stop])
      >>> second = tfgan.gan_train(train_ops, "runs/gan_train", hooks=[stop])  # Goes on.
      >>> int(second - first)
      3
    """
    workers = Workers(_strategy(train_ops))
    is_chief = is_chief and workers.is_chief
    logdir = None if logdir is None else os.fspath(logdir)
    saves = save_checkpoint_secs is not None or save_checkpoint_steps is not None
    _check_saving(save_checkpoint_steps, max_to_keep)
    _check_logdir(logdir, is_chief, saves, save_summaries_steps)
    get_hooks_fn = get_hooks_fn or get_sequential_train_hooks()
    train_hooks = get_hooks_fn(train_ops)
    user_hooks = [*(hooks or ()), *((chief_only_hooks or ()) if is_chief else ())]
    run = TrainingRun(
        train_ops=train_ops,
        train_hooks=[hook for hook in train_hooks if isinstance(hook, RunTrainOpsHook)],
        logdir=logdir,
        batch_size=_batch_size(train_ops),
        skips=nan_policy == "skip",
        jit_compile=jit_compile if tf.executing_eagerly() else None,
    )
    check_nan_policy(nan_policy, max_nans, train_ops, saves, _strategy(train_ops))
    if is_chief and save_summaries_steps and logdir is not None:
        user_hooks.append(SummaryHook(save_summaries_steps))
    phases = _phases(run.train_hooks)
    run.schedule = schedule.describe(phases)
    logging.info("A round is %s.", run.schedule)
    in_graph = not tf.executing_eagerly()
    current = configuration.configuration_of(run, phases, None if in_graph else seed)
    with contextlib.ExitStack() as stack:
        for hook in user_hooks:
            if hasattr(hook, "close"):
                stack.callback(hook.close)
        if not in_graph:
            for name, value in (("master", master), ("scaffold", scaffold), ("config", config)):
                if value:
                    raise ValueError(f"{name} has a meaning only in a tf.Graph.")
            jit = JitChoice(jit_compile)
            strategy = _strategy(train_ops)
            session = session or Session(_counters(train_ops), strategy, seed, jit, run.skips)
            hooks = [*user_hooks, *train_hooks]
            _check_eager_hooks(hooks)
            saver = rollbacks = None
            if run.skips:
                hooks.append(SkippedUpdatesHook(max_nans))
            if saves and logdir is not None and (is_chief or workers.count > 1):
                checkpoints = RunCheckpoints(run, session, hooks, max_to_keep)
                checkpoints.resume(current, allow_changes)
                saver = CheckpointHook(
                    checkpoints, save_checkpoint_secs, save_checkpoint_steps, ignore_save_errors
                )
                hooks.append(saver)
                if nan_policy == "rollback":
                    saver.save()  # Something to go back to.
                    rollbacks = Rollbacks(max_nans, checkpoints.roll_back, session, run.train_hooks)
            return _train_eagerly(run, hooks, session, rounds_per_call, saver, rollbacks)
        if session is not None:
            raise ValueError("session has a meaning only in TF2.")
        if saves and logdir is not None:
            check_logdir_state(logdir)
            if is_chief:
                configuration.update(logdir, current, allow_changes)
        run.hooks = [*user_hooks, *train_hooks]
        _attach(user_hooks, run)
        arguments = {
            "master": master,
            "is_chief": is_chief,
            "checkpoint_dir": logdir if saves or not is_chief else None,
            "scaffold": scaffold or _scaffold(max_to_keep),
            "hooks": [InitialStepHook(run), *user_hooks, *train_hooks],
            "save_checkpoint_secs": None if save_checkpoint_steps else save_checkpoint_secs,
            "save_checkpoint_steps": save_checkpoint_steps,
            # The graph's own summaries; losses are written by SummaryHook, from the updates.
            "save_summaries_steps": save_summaries_steps if _has_summaries() else None,
            "save_summaries_secs": None,
            "summary_dir": logdir,
            "log_step_count_steps": None,
            "max_wait_secs": max_wait_secs,
            "config": config,
        }
        return _train_in_graph(run, arguments)


def _check_eager_hooks(hooks: Sequence[Any]) -> None:
    for hook in hooks:
        name = type(hook).__name__
        if type(hook).__module__.startswith("tensorflow.") and name != "SessionRunHook":
            instead = _COUNTERPARTS.get(name, "a hook that fetches deferred values")
            raise TypeError(
                f"tf.compat.v1.train.{name} works on graph tensors only: in TF2, use {instead}."
            )


def _train_eagerly(
    run: TrainingRun,
    hooks: list[Any],
    session: Session,
    rounds_per_call: int | None,
    saver: CheckpointHook | None,
    rollbacks: Rollbacks | None,
) -> np.generic:
    counters, workers = session.counters, session.workers
    run.initial_step = int(counters.global_step.numpy())
    run.hooks = hooks
    _attach(hooks, run)
    increment = run.train_ops.global_step_inc_op
    with awaited_interruption() as interruption, workers.losses_told():
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


def _train_in_graph(run: TrainingRun, arguments: dict[str, Any]) -> np.generic:
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
    """Turns errors of the graph into those that TF2 raises, too."""
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


def get_sequential_train_steps(train_steps: Any = None) -> Any:
    """A train step function for slim-style loops (graph).

    Args:
      train_steps: GANTrainSteps, (1, 1) by default.

    Returns:
      `train_step_fn(session, train_ops, global_step, train_step_kwargs)`, which runs one round and
      gives the sum of both losses and whether to stop: what `should_stop` in `train_step_kwargs`
      says, False without it.

    Example:
      >>> train_step = tfgan.get_sequential_train_steps(tfgan.GANTrainSteps(1, 2))
      >>> session = tfgan.Session(train_ops.global_step_inc_op.counters)
      >>> total, stop = train_step(session, train_ops, None, {})
      >>> stop
      False
    """
    phases = schedule.sequential(*([train_steps] if train_steps is not None else []))

    def train_step(session, train_ops, global_step, train_step_kwargs):
        total = 0.0
        for phase in phases:
            loss = 0.0
            for _ in range(phase.steps):
                loss = session.run(getattr(train_ops, f"{phase.networks[0]}_train_op"))
            total += loss
        session.run(train_ops.global_step_inc_op)
        should_stop = (train_step_kwargs or {}).get("should_stop")
        return total, bool(session.run(should_stop)) if should_stop is not None else False

    return train_step


def _check_logdir(
    logdir: str | None, is_chief: bool, saves: bool, summaries_steps: int | None
) -> None:
    if logdir is None:
        if is_chief and (saves or summaries_steps):
            raise ValueError(
                "logdir is None, but checkpoints or summaries are on. Pass a logdir, or all of"
                " save_checkpoint_secs=None, save_checkpoint_steps=None and"
                " save_summaries_steps=None."
            )
    elif is_chief:
        check_writable(logdir)


def _check_saving(save_steps: int | None, max_to_keep: int | None) -> None:
    for name, value in (("save_checkpoint_steps", save_steps), ("max_to_keep", max_to_keep)):
        if value is not None and (isinstance(value, bool) or int(value) != value or value < 1):
            raise ValueError(f"{name} must be a positive integer or None, got {value!r}.")


def _scaffold(max_to_keep: int | None) -> Any:
    """What keeps another number of checkpoints than a graph does by itself."""
    if max_to_keep == 5:
        return None
    saver = _v1.Saver(max_to_keep=max_to_keep, sharded=True, allow_empty=True)
    return _v1.Scaffold(saver=saver)


def _attach(hooks: Sequence[Any], run: TrainingRun) -> None:
    for hook in hooks:
        if hasattr(hook, "attach"):
            hook.attach(run)


def _counters(train_ops: GANTrainOps) -> Any:
    return train_ops.global_step_inc_op.counters


def _batch_size(train_ops: GANTrainOps) -> int | None:
    for op in tf.nest.flatten(tuple(train_ops[:2])):
        update = update_of(op)
        if update is not None and update.role == "discriminator":
            return update.real_example.shape[0]
    return None


def _strategy(train_ops: GANTrainOps) -> tf.distribute.Strategy:
    """The strategy that the networks were made under, wherever gan_train is called."""
    updates = [update_of(op) for op in tf.nest.flatten(tuple(train_ops[:2]))]
    first = next((update.variables[0] for update in updates if update is not None), None)
    return getattr(first, "distribute_strategy", None) or tf.distribute.get_strategy()


def _phases(hooks: Sequence[RunTrainOpsHook]) -> tuple[schedule.Phase, ...]:
    def name(op: Any, update: Any) -> str:
        return update.name if update is not None else getattr(op, "name", "train op")

    return tuple(
        schedule.Phase(
            tuple(name(*pair) for pair in zip(hook.train_ops, hook.updates)),
            getattr(hook, "steps", hook.train_steps),
        )
        for hook in hooks
    )


def _has_summaries() -> bool:
    return bool(tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.SUMMARIES))
