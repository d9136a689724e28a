"""`gan_train`: what it is told, checked, and handed to the loop of its world."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.counters import Counters
from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train import schedule
from tfgan_lite.train.checkpoint import check_writable
from tfgan_lite.train.configuration import configuration_of
from tfgan_lite.train.eager_loop import train_eagerly
from tfgan_lite.train.graph_loop import train_in_graph
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.nan_policy import check_nan_policy
from tfgan_lite.train.ops import updates_behind
from tfgan_lite.train.optimizers import check_made_under
from tfgan_lite.train.saving import Saving
from tfgan_lite.train.session import Session
from tfgan_lite.train.summary_hook import SummaryHook
from tfgan_lite.train.train_hooks import GetHooksFn, get_sequential_train_hooks
from tfgan_lite.train.training_run import TrainingRun
from tfgan_lite.train.workers import Workers

__all__ = ["gan_train"]

# Values of arguments that a world does without. A graph's call has one round, and no XLA.
_ASK_FOR_NOTHING = {
    "master": ("", None),
    "scaffold": (None,),
    "max_wait_secs": (7200,),
    "config": (None,),
    "jit_compile": ("auto", False),
    "rounds_per_call": (None, 1),
    "ignore_save_errors": (False,),
    "session": (None,),
}

# What "auto" found: a second call with the same train ops measures nothing.
_decisions: weakref.WeakKeyDictionary[Counters, dict[str, Any]] = weakref.WeakKeyDictionary()


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
      seed: in TF2, the seed of all noise that the library draws; a graph has its own, by
        `tf.compat.v1.set_random_seed` before the model is made.
      jit_compile: in TF2, whether XLA compiles the updates; "auto" measures which is faster.
      rounds_per_call: in TF2, the most rounds in one compiled call; None to derive it.
      save_checkpoint_steps: rounds between checkpoints, in addition to `save_checkpoint_secs`; in a
        graph it replaces it.
      max_to_keep: how many checkpoints are kept, the newest; None for all.
      allow_changes: whether a run goes on from `logdir` where the schedule, an optimizer, a loss or
        the seed are not those that it began with. By default that is an error.
      ignore_save_errors: in TF2, whether training goes on, with an error in the log, where a
        checkpoint cannot be written, because the disk is full for instance.
      nan_policy: what becomes of an update whose loss or gradient is not finite, which is never
        applied: "raise" an error; in TF2 also "skip" it, or "rollback" to the last checkpoint and
        go on from there with other noise and the data that comes next.
      max_nans: how many updates may be skipped in this call, or how many times it may go back.
      session: in TF2, the `Session` to train in: its seed and XLA choice apply, and it must skip
        updates exactly if `nan_policy` is "skip". Reusing one continues reading the data where it
        stopped. None for one of the call's own.

    Returns:
      The global step after the last round, a NumPy scalar.

    Raises:
      ValueError: `logdir` is None with saving on, cannot be written to, has a name that TensorFlow
        takes for a pattern, or holds the checkpoint of another model or configuration; a policy
        that cannot be kept; an argument that has no meaning in this world, or disagrees with the
        session.
      NanLossError: a loss is not finite, as often as `nan_policy` and `max_nans` do not allow; the
        update was not applied.
      tf.errors.OpError: a checkpoint cannot be written. Those before are whole.
      TypeError: train ops or hooks of another kind; in TF2, one of TensorFlow's own hooks.

    Example:
      >>> stop = tfgan.StopAtStepHook(num_steps=3)
      >>> first = tfgan.gan_train(train_ops, "runs/gan_train", hooks=[stop])
      >>> second = tfgan.gan_train(train_ops, "runs/gan_train", hooks=[stop])  # Goes on.
      >>> int(second - first)
      3
    """
    _check_kinds(train_ops, get_hooks_fn, [hooks, chief_only_hooks])
    strategy, eager = _strategy(train_ops), tf.executing_eagerly()
    workers = Workers(strategy)
    is_chief = is_chief and workers.is_chief
    logdir = None if logdir is None else os.fspath(logdir)
    saving = Saving(
        save_checkpoint_secs, save_checkpoint_steps, max_to_keep, allow_changes, ignore_save_errors
    )
    _check_logdir(logdir, is_chief, saving.is_on, save_summaries_steps)
    check_nan_policy(nan_policy, max_nans, train_ops, saving.is_on, strategy)
    skips = nan_policy == "skip"
    if eager:
        _check_unused(
            "a tf.Graph",
            master=master,
            scaffold=scaffold,
            max_wait_secs=max_wait_secs,
            config=config,
        )
        for update in updates_behind(train_ops):
            check_made_under(strategy, update.optimizer, update.name)
        is_own = session is None
        session = _session(train_ops, strategy, seed, jit_compile, skips, session)
    else:
        _check_unused(
            "TF2",
            jit_compile=jit_compile,
            rounds_per_call=rounds_per_call,
            ignore_save_errors=ignore_save_errors,
            session=session,
        )
        _check_seed_of_the_graph(seed)
    train_hooks = (get_hooks_fn or get_sequential_train_hooks())(train_ops)
    user_hooks = [*(hooks or ()), *((chief_only_hooks or ()) if is_chief else ())]
    run = TrainingRun(
        train_ops=train_ops,
        train_hooks=[hook for hook in train_hooks if isinstance(hook, RunTrainOpsHook)],
        logdir=logdir,
        batch_size=_batch_size(train_ops),
        skips=skips,
        jit_compile=session.jit.jit_compile if eager else None,
    )
    if is_chief and save_summaries_steps and logdir is not None:
        user_hooks.append(SummaryHook(save_summaries_steps))
    phases = _phases(run.train_hooks)
    run.schedule = schedule.describe(phases)
    logging.info("A round is %s.", run.schedule)
    configuration = configuration_of(run, phases, session.seed if eager else None)
    all_hooks = [*user_hooks, *train_hooks]
    with contextlib.ExitStack() as stack:
        for hook in user_hooks:
            if hasattr(hook, "close"):
                stack.callback(hook.close)
        if eager:
            if is_own:
                stack.callback(session.close)
            saves = saving.is_on and logdir is not None and (is_chief or workers.count > 1)
            return train_eagerly(
                run,
                session,
                all_hooks,
                saving if saves else None,
                configuration,
                nan_policy=nan_policy,
                max_nans=max_nans,
                rounds_per_call=rounds_per_call,
            )
        return train_in_graph(
            run,
            all_hooks,
            saving,
            configuration,
            save_summaries_steps=save_summaries_steps,
            is_chief=is_chief,
            scaffold=scaffold,
            master=master,
            max_wait_secs=max_wait_secs,
            config=config,
        )


def _check_kinds(train_ops: Any, get_hooks_fn: Any, hooks: Sequence[Any]) -> None:
    if not isinstance(train_ops, GANTrainOps):
        raise TypeError(
            f"train_ops must be what gan_train_ops returned, got a {type(train_ops).__name__}."
        )
    if get_hooks_fn is not None and not callable(get_hooks_fn):
        raise TypeError(
            "get_hooks_fn must be a function of train ops, such as"
            f" get_sequential_train_hooks(GANTrainSteps(1, 5)), got {get_hooks_fn!r}."
        )
    for each in hooks:
        if each is not None and not isinstance(each, Sequence):
            raise TypeError(f"hooks must be a list, got {each!r}.")
        for hook in each or ():
            if isinstance(hook, type) or not hasattr(hook, "before_run"):
                raise TypeError(
                    f"hooks must be SessionRunHooks, got {hook!r}."
                    + (" Call it." if isinstance(hook, type) else "")
                )


def _check_unused(world: str, **arguments: Any) -> None:
    for name, value in arguments.items():
        if value not in _ASK_FOR_NOTHING[name]:
            raise ValueError(f"{name} has a meaning only in {world}, got {value!r}.")


def _check_seed_of_the_graph(seed: int) -> None:
    if seed and tf.compat.v1.get_default_graph().seed != seed:
        raise ValueError(
            f"seed={seed} comes too late in a graph, where what draws noise is made already: call"
            f" tf.compat.v1.set_random_seed({seed}) before you make the model."
        )


def _session(
    train_ops: GANTrainOps,
    strategy: tf.distribute.Strategy,
    seed: int,
    jit_compile: bool | str,
    skips: bool,
    given: Session | None,
) -> Session:
    """The session that was given, which the other arguments must agree with, or a new one."""
    if given is None:
        counters = train_ops.global_step_inc_op.counters
        jit = JitChoice(jit_compile, decisions=_decisions.setdefault(counters, {}))
        return Session(counters, strategy, seed, jit, skips)
    JitChoice(jit_compile)  # Refuses any other value.
    for name, value, default, held in (
        ("seed", seed, 0, given.seed),
        ("jit_compile", jit_compile, "auto", given.jit.jit_compile),
    ):
        if value not in (default, held):
            raise ValueError(
                f"{name}={value!r}, but the session was made with {held!r}: pass {name} to one of"
                " them only."
            )
    if skips != given.skips:
        raise ValueError(
            f'nan_policy="skip" goes with a Session(skips=True), and no other policy does: got'
            f" a session with skips={given.skips}."
        )
    return given


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


def _batch_size(train_ops: GANTrainOps) -> int | None:
    real = [u.real_example for u in updates_behind(train_ops) if u.role == "discriminator"]
    return real[0].shape[0] if real else None


def _strategy(train_ops: GANTrainOps) -> tf.distribute.Strategy:
    """The strategy that the networks were made under, wherever gan_train is called."""
    first = next((update.variables[0] for update in updates_behind(train_ops)), None)
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
