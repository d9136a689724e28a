"""The checkpoints of one run in its logdir: restored at the start, saved, gone back to (TF2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.train import configuration
from tfgan_lite.train.checkpoint import checkpoint_parts, data_iterators, restore
from tfgan_lite.train.checkpoint_files import check_logdir_state, remove_unfinished
from tfgan_lite.train.loss_scaling import wrapped
from tfgan_lite.train.session import Session
from tfgan_lite.train.training_run import TrainingRun
from tfgan_lite.train.whole_checkpoints import WholeCheckpoints
from tfgan_lite.train.worker_checkpoints import WorkerCheckpoints

__all__ = ["RunCheckpoints"]

# A rollback leaves these as they are: the data goes on where it is.
_NOT_ROLLED_BACK = ("data", "jit", "rollbacks")
_STATEFUL = (tf.Module, tf.train.experimental.PythonState)


class RunCheckpoints:
    """The newest checkpoints of a run.

    Args:
      run: the run; its logdir is where they go.
      session: the session that it trains in.
      hooks: all hooks; those that are tf.Modules or PythonStates are saved, too.
      max_to_keep: how many are kept; None for all.

    Raises:
      ValueError: the logdir's list of checkpoints points elsewhere.
    """

    def __init__(
        self,
        run: TrainingRun,
        session: Session,
        hooks: Sequence[Any] = (),
        max_to_keep: int | None = 5,
    ):
        self._logdir = run.logdir
        self._parts = checkpoint_parts(run.train_ops, run.train_hooks, session)
        stateful = [hook for hook in hooks if isinstance(hook, _STATEFUL)]
        if stateful:
            self._parts["hooks"] = stateful
        self._counters = session.counters
        self._saved_step: int | None = None
        self._unsaved_configuration: Mapping[str, Any] | None = None
        self.workers = session.workers
        check_logdir_state(run.logdir)
        if self.workers.is_chief:
            remove_unfinished(run.logdir)
        checkpoint = tf.train.Checkpoint(**self._parts)
        if self.workers.count > 1:
            data = data_iterators(session, [u for h in run.train_hooks for u in h.updates if u])
            self._manager = WorkerCheckpoints(
                checkpoint, run.logdir, data, self.workers, max_to_keep
            )
        else:
            self._manager = WholeCheckpoints(checkpoint, run.logdir, max_to_keep)

    @property
    def latest(self) -> str | None:
        """The path of the newest."""
        return self._manager.latest_checkpoint

    def resume(self, current: Mapping[str, Any], allow_changes: bool = False) -> None:
        """Restores the newest checkpoint of the logdir, if there is one.

        Args:
          current: the configuration of this program, which its first checkpoint puts beside it.
          allow_changes: whether it may differ from that of the program that saved. What changed
            starts anew: another kind of optimizer without the old one's moments, for instance.

        Raises:
          ValueError: lists how the program differs, or what does not fit.
        """
        if self.latest is not None:
            saved = configuration.load_checked(self._logdir, current, allow_changes)
            if saved is not None and saved != current:
                self._resume_changed(saved, current)
            else:
                restore(self._manager.checkpoint, self.latest, partially=allow_changes)
            if self.workers.count > 1:
                self._manager.restore_position()
            self._saved_step = int(self._counters.global_step.numpy())
            logging.info("Resumed from %s at round %d.", self.latest, self._saved_step)
        self._unsaved_configuration = current if self.workers.is_chief else None

    def save(self) -> None:
        """Saves, unless nothing changed since the last time.

        Raises:
          OSError, tf.errors.OpError: the checkpoint cannot be written; those before are whole.
        """
        step = int(self._counters.global_step.numpy())
        if step == self._saved_step:
            return
        self._manager.save(step)
        if self._unsaved_configuration is not None:  # Until now it was that of other checkpoints.
            configuration.save(self._logdir, self._unsaved_configuration)
            self._unsaved_configuration = None
        self._saved_step = step

    def roll_back(self) -> str:
        """Restores the newest, all but the position in the data; gives its path."""
        parts = {name: part for name, part in self._parts.items() if name not in _NOT_ROLLED_BACK}
        restore(tf.train.Checkpoint(**parts), self.latest, partially=True)
        self._saved_step = int(self._counters.global_step.numpy())
        return self.latest

    def _resume_changed(self, saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
        def optimizer(of: Mapping[str, Any], network: str) -> Mapping[str, Any]:
            return of.get(network, {}).get("optimizer", {})

        parts = dict(self._parts)
        asked = {}
        for network in [name for name in current if isinstance(current[name], dict)]:
            part = f"{network.split('_')[0]}_optimizer"
            old, new = optimizer(saved, network), optimizer(current, network)
            if _kind(old) != _kind(new):
                parts.pop(part, None)
            elif old.get("learning_rate") != new.get("learning_rate"):
                asked[self._parts[part]] = new["learning_rate"]
        restore(tf.train.Checkpoint(**parts), self.latest, partially=True)
        for each, rate in asked.items():  # The checkpoint brought the old one.
            if isinstance(rate, (int, float)):
                wrapped(each).learning_rate = rate


def _kind(optimizer: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The classes of an optimizer, as the configuration has it, and of what is around it."""
    return optimizer.get("class"), optimizer.get("wrapper", {}).get("class")
