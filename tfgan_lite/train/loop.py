"""`gan_train`: the loop, in either world."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train import schedule
from tfgan_lite.train.checkpoint import CheckpointHook, check_writable, checkpoint_of
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.hooks import GetHooksFn, RunTrainOpsHook, get_sequential_train_hooks
from tfgan_lite.train.interruption import awaited_interruption
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.monitored import MonitoredSession
from tfgan_lite.train.monitoring import SummaryHook, TrainingRun
from tfgan_lite.train.session import Session
from tfgan_lite.train.train_ops import update_of

__all__ = ["gan_train"]

_v1 = tf.compat.v1.train

# What graph_ops calls a bad loss, among the lines of user code that TensorFlow's message quotes.
_NOT_FINITE = re.compile(r"The (gradient of the )?\w+'s loss( \(\w+\))? is not finite")

# TensorFlow's own hooks fetch graph tensors; what to use in TF2 instead.
_COUNTERPARTS = {
    "CheckpointSaverHook": "gan_train's save_checkpoint_secs",
    "FinalOpsHook": "tfgan_lite.FinalOpsHook",
    "LoggingTensorHook": "tfgan_lite.LossLoggingHook",
    "NanTensorHook": "tfgan_lite.NanGuardHook",
    "StepCounterHook": "tfgan_lite.ProgressHook",
    "StopAtStepHook": "tfgan_lite.StopAtStepHook",
    "SummarySaverHook": "tfgan_lite.SummaryHook",
}


def gan_train(
    train_ops: GANTrainOps,
    logdir: str | None,
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
      save_checkpoint_secs: seconds between checkpoints; None saves none.
      save_summaries_steps: rounds between summaries; None writes none.
      max_wait_secs: in a graph, how long a worker waits for the chief.
      config: in a graph, a `tf.compat.v1.ConfigProto`.
      seed: in TF2, the seed of all noise that the library draws.
      jit_compile: in TF2, whether XLA compiles the updates; "auto" measures which is faster.
      rounds_per_call: in TF2, the most rounds in one compiled call; None to derive it.
      session: in TF2, the `Session` to train in, whose seed and choice of XLA hold; a second call
        with the same one goes on where the data are. None for one of the call's own.

    Returns:
      The global step after the last round, a NumPy scalar.

    Raises:
      ValueError: `logdir` is None with saving on, cannot be written to, or holds another model's
        checkpoint.
      NanLossError: a loss is not finite; the update was not applied.
      TypeError: in TF2, one of TensorFlow's own hooks.

    Example:
      >>> stop = tfgan.StopAtStepHook(num_steps=3)
      >>> first = tfgan.gan_train(train_ops, "runs/gan_train", hooks=[stop])
      >>> second = tfgan.gan_train(train_ops, "runs/gan_train", hooks=[stop])  # Goes on.
      >>> int(second - first)
      3
    """
    _check_logdir(logdir, is_chief, save_checkpoint_secs, save_summaries_steps)
    get_hooks_fn = get_hooks_fn or get_sequential_train_hooks()
    train_hooks = get_hooks_fn(train_ops)
    user_hooks = [*(hooks or ()), *((chief_only_hooks or ()) if is_chief else ())]
    run = TrainingRun(
        train_ops=train_ops,
        train_hooks=[hook for hook in train_hooks if isinstance(hook, RunTrainOpsHook)],
        logdir=logdir,
        batch_size=_batch_size(train_ops),
    )
    if is_chief and save_summaries_steps and logdir is not None:
        user_hooks.append(SummaryHook(save_summaries_steps))
    logging.info("A round is %s.", schedule.describe(_phases(run.train_hooks)))
    try:
        if tf.executing_eagerly():
            for name, value in (("master", master), ("scaffold", scaffold), ("config", config)):
                if value:
                    raise ValueError(f"{name} has a meaning only in a tf.Graph.")
            return _train_eagerly(
                run,
                [*user_hooks, *train_hooks],
                save_checkpoint_secs if is_chief else None,
                session
                or Session(_counters(train_ops), _strategy(run), seed, JitChoice(jit_compile)),
                rounds_per_call,
            )
        if session is not None:
            raise ValueError("session has a meaning only in TF2.")
        _attach(user_hooks, run)
        arguments = {
            "master": master,
            "is_chief": is_chief,
            "checkpoint_dir": logdir if save_checkpoint_secs or not is_chief else None,
            "scaffold": scaffold,
            "hooks": [*user_hooks, *train_hooks],
            "save_checkpoint_secs": save_checkpoint_secs,
            # The graph's own summaries; losses are written by SummaryHook, from the updates.
            "save_summaries_steps": save_summaries_steps if _has_summaries() else None,
            "save_summaries_secs": None,
            "summary_dir": logdir,
            "log_step_count_steps": None,
            "max_wait_secs": max_wait_secs,
            "config": config,
        }
        return _train_in_graph(run, arguments)
    finally:
        for hook in user_hooks:
            if hasattr(hook, "close"):
                hook.close()


def _train_eagerly(
    run: TrainingRun,
    hooks: list[Any],
    save_secs: float | None,
    session: Session,
    rounds_per_call: int | None,
) -> np.generic:
    for hook in hooks:
        name = type(hook).__name__
        if type(hook).__module__.startswith("tensorflow.") and name != "SessionRunHook":
            instead = _COUNTERPARTS.get(name, "a hook that fetches deferred values")
            raise TypeError(
                f"tf.compat.v1.train.{name} works on graph tensors only: in TF2, use {instead}."
            )
    counters = session.counters
    saver = None
    if run.logdir is not None and save_secs is not None:
        checkpoint = checkpoint_of(run.train_ops, run.train_hooks, session)
        manager = tf.train.CheckpointManager(checkpoint, run.logdir, max_to_keep=5)
        saver = CheckpointHook(manager, save_secs, counters)
        saver.restore()
        hooks = [*hooks, saver]
    run.initial_step = int(counters.global_step.numpy())
    _attach(hooks, run)
    increment = run.train_ops.global_step_inc_op
    with awaited_interruption() as interruption:
        with MonitoredSession(session, hooks, increment, rounds_per_call) as monitored:
            while not monitored.should_stop():
                monitored.run_rounds()
                if interruption:
                    if saver is not None:
                        saver.save()
                    where = None if saver is None else run.logdir
                    interruption.end_program(int(counters.global_step.numpy()), where)
    step = counters.global_step.numpy()
    logging.info("Training stopped at round %d: %s.", step, monitored.stop_reason)
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
    logdir: str | None, is_chief: bool, save_secs: float | None, summaries_steps: int | None
) -> None:
    if logdir is None:
        if is_chief and (save_secs or summaries_steps):
            raise ValueError(
                "logdir is None, but checkpoints or summaries are on. Pass a logdir, or both"
                " save_checkpoint_secs=None and save_summaries_steps=None."
            )
    elif is_chief:
        check_writable(logdir)


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


def _strategy(run: TrainingRun) -> tf.distribute.Strategy:
    """The strategy that the networks were made under, wherever gan_train is called."""
    for hook in run.train_hooks:
        for update in hook.updates:
            if update is not None:
                strategy = getattr(update.variables[0], "distribute_strategy", None)
                return strategy or tf.distribute.get_strategy()
    return tf.distribute.get_strategy()


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
