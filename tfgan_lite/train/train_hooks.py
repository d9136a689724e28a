"""The hooks that train, of a schedule: `get_sequential_train_hooks` and its like."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfgan_lite.structures import GANTrainOps, GANTrainSteps, as_list
from tfgan_lite.train import schedule
from tfgan_lite.train.hooks import RunTrainOpsHook
from tfgan_lite.train.ops import joint_ops
from tfgan_lite.train.scheduled_hook import ScheduledTrainOpsHook

__all__ = [
    "GetHooksFn",
    "get_joint_train_hooks",
    "get_phased_train_hooks",
    "get_sequential_train_hooks",
]

SessionRunHook = tf.compat.v1.train.SessionRunHook
GetHooksFn = Callable[[GANTrainOps], list[SessionRunHook]]


def get_sequential_train_hooks(
    train_steps: GANTrainSteps = GANTrainSteps(1, 1), order: str = "generator_first"
) -> GetHooksFn:
    """Hooks that train one network after the other, each sub-step on a fresh draw.

    Args:
      train_steps: sub-steps of each network in a round.
      order: "generator_first", as in TF-GAN, or "discriminator_first".

    Returns:
      A function of GANTrainOps that gives the hooks of a round.

    Raises:
      ValueError: steps that are negative, not integers, or both 0; an unknown order.

    Example:
      >>> train(get_hooks_fn=tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 5)), rounds=1)
    """
    return get_phased_train_hooks(schedule.sequential(train_steps, order))


def get_joint_train_hooks(train_steps: GANTrainSteps = GANTrainSteps(1, 1)) -> GetHooksFn:
    """Hooks that train both networks together, as far as both have sub-steps, then the rest.

    A joint sub-step draws once, takes all gradients at the same weights, then applies them. With
    3 generator and 5 discriminator steps a round has 3 joint sub-steps and 2 of the discriminator.

    Example:
      >>> train(get_hooks_fn=tfgan.get_joint_train_hooks(), rounds=1)
    """
    return get_phased_train_hooks(schedule.joint(train_steps))


def get_phased_train_hooks(phases: Sequence[schedule.Phase]) -> GetHooksFn:
    """Hooks of any schedule: a round is these phases, one after the other.

    Args:
      phases: `train.Phase(networks, steps)` each; `train.sequential`, `train.joint` and
        `train.warm_up` also make such lists.

    Raises:
      ValueError: an unknown network; sub-steps that are negative, or all 0.

    Example:
      >>> from tfgan_lite.train import Phase
      >>> phases = [Phase("discriminator", 2), Phase(("generator", "discriminator"), 1)]
      >>> train(get_hooks_fn=tfgan.get_phased_train_hooks(phases), rounds=1)
    """
    phases = schedule.checked_phases(phases)

    def get_hooks(train_ops: GANTrainOps) -> list[SessionRunHook]:
        hooks = []
        for phase in phases:
            ops = [
                op
                for network in phase.networks
                for op in as_list(getattr(train_ops, f"{network}_train_op"))
            ]
            together = joint_ops(ops) if len(ops) > 1 and phase.steps else ops
            kind = ScheduledTrainOpsHook if callable(phase.steps) else RunTrainOpsHook
            hooks.append(kind(together, phase.steps))
        return hooks + list(train_ops.train_hooks)

    get_hooks.phases = phases
    return get_hooks
