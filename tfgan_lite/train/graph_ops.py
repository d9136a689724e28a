"""Train ops of a `tf.Graph`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.graph_notes import note
from tfgan_lite.networks import Network
from tfgan_lite.train.updates import Update

__all__ = ["check_unused_update_ops", "sync_replicas_hooks", "train_op"]


def train_op(updates: Sequence[Update], update_ops: Sequence[Any] | None = None) -> list[tf.Tensor]:
    """One op for each update, of which all gradients are taken before any is applied.

    Args:
      updates: the updates that one `session.run` makes.
      update_ops: assignments to run with them; by default those of the networks' own calls.

    Returns:
      For each update its loss, a tensor that depends on all that the update does.
    """
    losses = [_checked(update) for update in updates]
    gradients = [update.gradients(loss) for update, loss in zip(updates, losses)]
    ready = [g for pairs in gradients for g, _ in pairs] + losses
    with tf.control_dependencies(losses):  # A bad loss is told before the bad gradient it gives.
        ready += [
            tf.debugging.check_numerics(
                update.gradient_sum(pairs),
                f"The gradient of the {update.name}'s loss is not finite",
            )
            for update, pairs in zip(updates, gradients)
            if update.check_numerics
        ]
    ops = []
    for update, loss, pairs in zip(updates, losses, gradients):
        statistics = update.network.update_ops if update_ops is None else update_ops
        with tf.control_dependencies(ready):
            # Identities keep the gradients behind the barrier where they feed fused kernels.
            applied = update.apply([(_identity(g), v) for g, v in pairs])
            counts = [update.counters.updates_of(update.name).assign_add(1).op]
            if update.name == "discriminator":
                images = tf.cast(tf.shape(update.real_example)[0], tf.int64)
                counts.append(update.counters.images_seen.assign_add(images).op)
        values = [loss, *update.terms.values(), *update.gradient_norms(pairs)]
        with tf.control_dependencies([applied, *counts, *statistics]):
            op = tf.identity(loss, name=f"{update.name}_train_op")
            note(op, values=tf.stack([tf.cast(v, tf.float32) for v in values]))
        ops.append(op)
    return ops


def check_unused_update_ops(generator: Network, discriminator: Network) -> None:
    """Raises ValueError where the graph has update ops that neither network made."""
    owned = {*generator.update_ops, *discriminator.update_ops}
    collected = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
    unused = [op.name for op in collected if getattr(op, "op", op) not in owned]
    if unused:
        raise ValueError(
            f"The graph has update ops that neither network made: {', '.join(unused)}. They would"
            " never run. Pass check_for_unused_update_ops=False if that is meant."
        )


def sync_replicas_hooks(updates: Sequence[Update], is_chief: bool) -> tuple[Any, ...]:
    """The session hooks that SyncReplicasOptimizers need."""
    kind = tf.compat.v1.train.SyncReplicasOptimizer
    return tuple(
        u.optimizer.make_session_run_hook(is_chief)
        for u in updates
        if isinstance(u.optimizer, kind)
    )


def _checked(update: Update) -> tf.Tensor:
    """The loss, behind a check of each of its terms where the update asks for it."""
    if not update.check_numerics:
        return update.loss
    terms = [
        tf.debugging.check_numerics(term, f"The {update.name}'s loss ({name}) is not finite")
        for name, term in update.terms.items()
    ]
    with tf.control_dependencies(terms):  # So that the error names the term, where one is to blame.
        return tf.debugging.check_numerics(update.loss, f"The {update.name}'s loss is not finite")


def _identity(gradient: Any) -> Any:
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(
            tf.identity(gradient.values), gradient.indices, gradient.dense_shape
        )
    return tf.identity(gradient)
