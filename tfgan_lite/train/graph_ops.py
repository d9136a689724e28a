"""Train ops of a `tf.Graph`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.graph_notes import note
from tfgan_lite.networks import Network
from tfgan_lite.train.updates import Update, apply_all

__all__ = ["check_unused_update_ops", "increment", "sync_replicas_hooks", "train_op"]


# The collection in which TensorFlow's hooks keep the one read of the global step that they share.
_STEP_READ = "global_step_read_op_cache"


def train_op(updates: Sequence[Update], update_ops: Sequence[Any] | None = None) -> list[tf.Tensor]:
    """One op for each update, of which all gradients are taken before any is applied.

    Args:
      updates: the updates that one `session.run` makes.
      update_ops: assignments to run with them; by default those of the networks' own calls.

    Returns:
      For each update its loss, a tensor that depends on all that the update does.
    """
    losses = [_checked(update) for update in updates]
    raw = [update.gradients(update.scaled(loss)) for update, loss in zip(updates, losses)]
    gradients = [update.transformed(pairs) for update, pairs in zip(updates, raw)]
    raw_checksums = [update.gradient_checksum(pairs) for update, pairs in zip(updates, raw)]
    scales = {update: update.scales() for update in updates}
    ready = [g for pairs in gradients for g, _ in pairs] + losses
    ready += [scale for each in scales.values() for scale in each]
    with tf.control_dependencies(losses):  # A bad loss is told before the bad gradient it gives.
        ready += [
            tf.debugging.check_numerics(
                tf.where(update.has_overflow(raw), 0.0, update.gradient_checksum(pairs)),
                f"The gradient of the {update.name}'s loss is not finite",
            )
            for update, pairs, raw in zip(updates, gradients, raw_checksums)
            if update.check_numerics
        ]
    with tf.control_dependencies(ready):
        # Identities keep the gradients behind the barrier where they feed fused kernels.
        barred = [[(_identity(g), v) for g, v in pairs] for pairs in gradients]
        barred = [u.to_apply(each, raw) for u, each, raw in zip(updates, barred, raw_checksums)]
        done = [*apply_all(updates, barred), *_counted(updates)]
        for update in updates:
            done += update.network.update_ops if update_ops is None else ()
    with tf.control_dependencies(done):
        done += [_averaged(update) for update in updates if update.average is not None]
    ops = []
    for update, loss, pairs in zip(updates, losses, gradients):
        values = [loss, *update.terms.values(), *update.metrics.values()]
        values += [*scales[update], *update.gradient_norms(pairs)]
        with tf.control_dependencies([*done, *(update_ops or ())]):
            op = tf.identity(loss, name=f"{update.name}_train_op")
            note(op, values=tf.stack([tf.cast(v, tf.float32) for v in values]))
        ops.append(op)
    return ops


def increment(global_step: tf.Variable) -> tf.Tensor:
    """An op that adds one to the global step, and gives the new step.

    TensorFlow's hooks fetch the step beside it, and take what they get for the step before. So the
    read that they share is made here, and comes first; else their periods were a round short.
    """
    reads = tf.compat.v1.get_collection_ref(_STEP_READ)
    if not reads:
        is_ready = tf.compat.v1.is_variable_initialized(global_step)
        before = tf.cond(is_ready, global_step.read_value, lambda: global_step.initial_value)
        reads.append(tf.identity(before, name="global_step_before"))
    with tf.control_dependencies(reads):
        raised = global_step.assign_add(1, read_value=True)
    with tf.control_dependencies([raised]):
        return tf.identity(raised, name="global_step_inc")


def _counted(updates: Sequence[Update]) -> list[tf.Operation]:
    """Ops that count the updates, and the images that the discriminator saw."""
    counts = []
    for update in updates:
        if update.counts and not update.is_sync_replicas:
            counts.append(update.counters.updates_of(update.role).assign_add(1).op)
        if update.counts and update.role == "discriminator":
            images = tf.shape(update.real_example, tf.int64)[0]
            counts.append(update.counters.images_seen.assign_add(images).op)
    return counts


def _averaged(update: Update) -> tf.Operation:
    images = tf.shape(update.generated_example)[0]
    return update.average.update(images, update.counters.images_seen.read_value())


def check_unused_update_ops(networks: Sequence[Network]) -> None:
    """Raises ValueError where the graph has update ops that none of the networks made."""
    owned = {op for network in networks for op in network.update_ops}
    collected = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
    unused = [op.name for op in collected if getattr(op, "op", op) not in owned]
    if unused:
        raise ValueError(
            f"The graph has update ops that no network made: {', '.join(unused)}. They would"
            " never run. Pass check_for_unused_update_ops=False if that is meant."
        )


def sync_replicas_hooks(updates: Sequence[Update], is_chief: bool) -> tuple[Any, ...]:
    """The session hooks that SyncReplicasOptimizers need."""
    return tuple(u.optimizer.make_session_run_hook(is_chief) for u in updates if u.is_sync_replicas)


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
