"""What comes of normalisation on two replicas, computed in a process of its own."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from tests.strategies import on_two_replicas
from tfgan_lite import features, tpu

CLASSES = 3
LABELS = np.array([2, 0, 1, 2, 0, 0, 1, 1])
SIZES = {"equal": (4, 4), "unequal": (6, 2), "one empty": (8, 0)}
# Of each class; a row of its own, so that no two classes look alike.
GAMMA = np.arange(1.0, 7.0).reshape(CLASSES, 2)
BETA = -GAMMA / 10
DECAY = 0.5


def batch(large_mean: bool = False) -> np.ndarray:
    """The whole batch, of which each replica gets a part."""
    numbers = np.random.default_rng(0).normal(size=[8, 3, 2]) + np.arange(8)[:, None, None]
    return np.float32(1e4 + 0.01 * numbers).astype(np.float64) if large_mean else numbers


def parts(whole: np.ndarray, sizes: tuple[int, ...] = SIZES["equal"]) -> list[np.ndarray]:
    return np.split(whole, np.cumsum(sizes)[:-1])


def loss_in_numpy(whole: np.ndarray) -> float:
    """A function of both moments."""
    return np.sin(whole.mean((0, 1))).sum() + np.square(whole.var((0, 1))).sum()


def _moments(parallel, group_size=None, sizes="equal", large_mean=False):
    return _on_replicas(
        lambda part: tpu.cross_replica_moments(part, [0, 1], parallel, group_size),
        parts(batch(large_mean), SIZES[sizes]),
    )


def _gradients(parallel):
    def gradient(part):
        with tf.GradientTape() as tape:
            tape.watch(part)
            mean, variance = tpu.cross_replica_moments(part, [0, 1], parallel)
            loss = tf.reduce_sum(tf.sin(mean)) + tf.reduce_sum(tf.square(variance))
        return tape.gradient(loss, part)

    return _on_replicas(gradient, parts(batch()), dtype=tf.float64)


def _mean(group_size=None):
    return _on_replicas(lambda part: tpu.cross_replica_mean(part, group_size), parts(batch()))


def _mean_beside_nan():
    first, second = parts(batch())
    return _on_replicas(lambda part: tpu.cross_replica_mean(part, 1), [np.nan * first, second])


def _error(group_size):
    try:
        return _mean(group_size)
    except ValueError as error:
        return str(error)


def _layer():
    with tf.distribute.get_strategy().scope():
        layer = features.ConditionalBatchNormalization(CLASSES, momentum=DECAY, synchronized=True)
        layer.build([(None, 3, 2), (None,)])
        for weight, value in zip(layer.trainable_weights, (GAMMA, BETA), strict=True):
            weight.assign(value)
    outputs = _on_replicas(
        lambda part, labels: layer([part, labels], training=True), parts(batch()), parts(LABELS)
    )
    return {"outputs": outputs, "moving": [w.numpy() for w in layer.non_trainable_weights]}


def _graph(function):
    """Training once, and then inference, of a function of (part, one-hot labels, training)."""
    images, labels = np.stack(parts(batch())), np.stack(parts(np.eye(CLASSES)[LABELS]))

    def call(training):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        part, one_hot = (tf.constant(whole, tf.float32) for whole in (images, labels))
        return function(tf.gather(part, replica), tf.gather(one_hot, replica), training)

    strategy = tf.distribute.get_strategy()
    with tf.Graph().as_default(), strategy.scope():
        trained, inferred = (
            strategy.experimental_local_results(strategy.run(call, [training]))
            for training in (True, False)
        )
        updates = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            outputs = session.run(trained)
            session.run(updates)
            return {"trained": outputs, "inferred": session.run(inferred)}


def _batch_norm(part, one_hot, training, conditional=True):
    return tpu.batch_norm(
        part,
        training,
        one_hot if conditional else None,
        gamma_initializer=tf.constant_initializer(GAMMA if conditional else GAMMA[0]),
        beta_initializer=tf.constant_initializer(BETA if conditional else BETA[0]),
    )


def _standardize(part, one_hot, training, across=None):
    del one_hot
    with tf.compat.v1.variable_scope("norm", reuse=tf.compat.v1.AUTO_REUSE):
        flat = tf.reshape(part, [-1, 2])
        outputs = tpu.standardize_batch(flat, training, decay=DECAY, use_cross_replica_mean=across)
    return tf.reshape(outputs, tf.shape(part))


CASES = {
    **{
        f"moments, {how}, {sizes}": functools.partial(_moments, how == "parallel", sizes=sizes)
        for how in ("parallel", "in turn")
        for sizes in SIZES
    },
    **{
        f"moments, {how}, {what}": functools.partial(_moments, how == "parallel", **arguments)
        for how in ("parallel", "in turn")
        for what, arguments in {
            "groups of one": {"group_size": 1},
            "groups of two": {"group_size": 2},
            "large mean": {"large_mean": True},
        }.items()
    },
    "gradients, parallel": functools.partial(_gradients, True),
    "gradients, in turn": functools.partial(_gradients, False),
    "mean": _mean,
    "mean, groups of one": functools.partial(_mean, 1),
    "mean, groups of one, NaN": _mean_beside_nan,
    "error, 3": functools.partial(_error, 3),
    "error, 0": functools.partial(_error, 0),
    "layer": _layer,
    "batch_norm": lambda: _graph(functools.partial(_batch_norm, conditional=False)),
    "batch_norm, conditional": lambda: _graph(_batch_norm),
    "standardize_batch": lambda: _graph(_standardize),
    "standardize_batch, alone": lambda: _graph(functools.partial(_standardize, across=False)),
}


def _on_replicas(function: Any, *arguments: list[np.ndarray], dtype: Any = tf.float32) -> list:
    """Each replica's result for its part of each argument."""
    strategy = tf.distribute.get_strategy()

    def distributed(pieces):
        tensors = [tf.constant(piece) for piece in pieces]
        tensors = [tf.cast(x, dtype) if x.dtype.is_floating else x for x in tensors]
        return strategy.experimental_distribute_values_from_function(
            lambda context: tensors[context.replica_id_in_sync_group]
        )

    run = tf.function(lambda *args: strategy.run(function, args), autograph=False)
    results = run(*map(distributed, arguments))
    results = [strategy.experimental_local_results(x) for x in tf.nest.flatten(results)]
    each = [[x.numpy() for x in of_replica] for of_replica in zip(*results)]
    return [values[0] if len(values) == 1 else values for values in each]


@functools.cache
def outcomes() -> dict[str, Any]:
    """The results of all cases."""
    return on_two_replicas(_outcomes)


def _outcomes(strategy: tf.distribute.Strategy) -> dict[str, Any]:
    with strategy.scope():
        return {name: case() for name, case in CASES.items()}
