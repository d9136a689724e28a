"""What becomes of an update whose loss or gradient is not finite: an error, or a second chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.integers import checked_integer
from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.ops import update_of
from tfgan_lite.train.training_run import TrainingHook
from tfgan_lite.train.updates import joint_name

__all__ = ["NAN_POLICIES", "Rollbacks", "SkippedUpdatesHook", "check_nan_policy"]

NAN_POLICIES = ("raise", "skip", "rollback")


def check_nan_policy(
    policy: str,
    max_nans: int,
    train_ops: GANTrainOps,
    saves: bool,
    strategy: tf.distribute.Strategy,
) -> None:
    """Raises ValueError where a policy is unknown, or cannot be kept.

    Args:
      policy: one of NAN_POLICIES.
      max_nans: how many updates may be skipped in this call, or how many times it may go back.
      train_ops: what is trained.
      saves: whether the run saves checkpoints.
      strategy: the strategy of the networks.
    """
    if policy not in NAN_POLICIES:
        raise ValueError(f"nan_policy must be one of {', '.join(NAN_POLICIES)}, got {policy!r}.")
    checked_integer("max_nans", max_nans)
    if policy == "raise":
        return
    if not tf.executing_eagerly():
        raise ValueError(
            f"nan_policy={policy!r} needs TF2: a graph's op cannot take an update back. In a"
            ' tf.Graph pass nan_policy="raise".'
        )
    updates = [update_of(op) for op in tf.nest.flatten(tuple(train_ops[:2]))]
    if not all(update is not None and update.check_numerics for update in updates):
        raise ValueError(
            f"nan_policy={policy!r} needs train ops that gan_train_ops made with"
            " check_numerics=True."
        )
    if policy == "rollback" and not saves:
        raise ValueError(
            'nan_policy="rollback" goes back to a checkpoint: pass a logdir, and'
            " save_checkpoint_secs or save_checkpoint_steps."
        )
    if policy == "skip" and isinstance(strategy, tf.distribute.TPUStrategy):
        raise ValueError('nan_policy="skip" is not for TPUs: there pass "rollback".')


class SkippedUpdatesHook(TrainingHook):
    """Tells of updates that were skipped, and ends training when there are too many.

    Args:
      most: how many updates may be skipped in one call of `gan_train`.
    """

    def __init__(self, most: int):
        self._most = most
        self._skipped = 0

    def next_due(self, global_step: int) -> None:
        return None

    def after_round(self, run_context: Any, global_step: int) -> None:
        for hook in self.run.train_hooks:
            losses = [f"{update.name}_loss" for update in hook.updates if update is not None]
            columns = [hook.value_names.index(name) for name in losses]
            bad = np.flatnonzero(~np.isfinite(hook.values[:, columns]).all(axis=1))
            rounds = len(hook.values) // max(1, hook.train_steps)
            for row in bad:
                self._skipped += 1
                round_number = global_step - rounds + row // hook.train_steps + 1
                names = zip(hook.value_names, hook.values[row])
                what = (
                    f"{', '.join(f'{name} = {v}' for name, v in names if not np.isfinite(v))},"
                    f" in {joint_name(hook.updates)} sub-step"
                    f" {row % hook.train_steps + 1} of {hook.train_steps} of round {round_number}"
                )
                if self._skipped > self._most:
                    raise NanLossError(
                        f"Loss is not finite: {what}. The update was skipped, as were"
                        f" {self._most} before it in this call, which is all that max_nans allows."
                    )
                logging.warning(
                    "Skipped an update (%d of at most %d): loss or gradient is not finite: %s.",
                    self._skipped,
                    self._most,
                    what,
                )


class Rollbacks:
    """Takes training back to the last checkpoint, to go on with other noise and the next data.

    Args:
      most: how many times in one call of `gan_train`.
      restore: restores the last checkpoint, all but the position in the data; gives its path.
      session: the session that training runs in.
      train_hooks: the hooks that train; some have state.
    """

    def __init__(
        self,
        most: int,
        restore: Callable[[], str],
        session: Any,
        train_hooks: Sequence[Any],
    ):
        self._most = most
        self._done = 0
        self._restore = restore
        self._session = session
        self._train_hooks = train_hooks

    def after(self, error: NanLossError) -> None:
        """Goes back, or raises the error again where that was done too often."""
        if self._done == self._most:
            raise NanLossError(
                f"{error} Training went back to a checkpoint {self._most} times before in this"
                " call, which is all that max_nans allows."
            ) from error
        self._done += 1
        rollbacks = self._session.rollbacks
        number = int(rollbacks.numpy()) + 1  # The checkpoint may hold an earlier one.
        path = self._restore()
        rollbacks.assign(number)
        self._session.start_anew()
        for hook in self._train_hooks:
            hook.after_create_session(self._session, None)
        logging.warning(
            "%s Rolled back to %s (%d of at most %d); training continues with fresh noise and"
            " the next data.",
            error,
            path,
            self._done,
            self._most,
        )
