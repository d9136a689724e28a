"""The step function of TF-GAN's slim-style loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.structures import GANTrainSteps
from tfgan_lite.train import schedule

__all__ = ["get_sequential_train_steps"]


def get_sequential_train_steps(
    train_steps: GANTrainSteps | None = None,
) -> Callable[..., tuple[Any, bool]]:
    """A train step function for slim-style loops.

    Args:
      train_steps: GANTrainSteps, (1, 1) by default.

    Returns:
      `train_step_fn(session, train_ops, global_step, train_step_kwargs)`, which runs one round and
      gives the sum of all sub-steps' losses and whether to stop: what `should_stop` in
      `train_step_kwargs` says, False without it.

    Example:
      >>> train_step = tfgan.get_sequential_train_steps(tfgan.GANTrainSteps(1, 2))
      >>> session = tfgan.Session(train_ops.global_step_inc_op.counters)
      >>> total, stop = train_step(session, train_ops, None, {})
      >>> stop
      False
    """
    phases = schedule.sequential(GANTrainSteps(1, 1) if train_steps is None else train_steps)

    def train_step(session, train_ops, global_step, train_step_kwargs):
        total = 0.0
        for phase in phases:
            for _ in range(phase.steps):
                losses = session.run(getattr(train_ops, f"{phase.networks[0]}_train_op"))
                total += sum(tf.nest.flatten(losses))  # A CycleGAN's are two, in a tuple.
        session.run(train_ops.global_step_inc_op)
        should_stop = (train_step_kwargs or {}).get("should_stop")
        return total, bool(session.run(should_stop)) if should_stop is not None else False

    return train_step
