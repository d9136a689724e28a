"""The worlds that a model lives in: what tests of models share.

A program is made by a function that makes networks and gives a function of no arguments, which
connects them and gives what to fetch. Each world makes it, runs it once and gives NumPy values.
"""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters


def in_tf2(make_program):
    return tfgan.Session(Counters(), seed=1).run(make_program()())


def in_tf2_eagerly(make_program):
    """As a debugger sees it."""
    tf.config.run_functions_eagerly(True)
    try:
        return in_tf2(make_program)
    finally:
        tf.config.run_functions_eagerly(False)


def in_tf_graph(make_program):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        fetches = make_program()()
        session.run(
            [tf.compat.v1.global_variables_initializer(), tf.compat.v1.tables_initializer()]
        )
        return session.run(fetches)


def in_tf_function(make_program, jit_compile=False):
    """In a loop of the user's own."""
    step = tf.function(make_program(), autograph=False, jit_compile=jit_compile)
    return tf.nest.map_structure(np.asarray, step())


def in_xla(make_program):
    return in_tf_function(make_program, jit_compile=True)


WORLDS = {
    "TF2": in_tf2,
    "TF2 eagerly": in_tf2_eagerly,
    "tf.Graph": in_tf_graph,
    "tf.function": in_tf_function,
    "XLA": in_xla,
}
every_world = pytest.mark.parametrize("run", WORLDS.values(), ids=WORLDS)
both_worlds = pytest.mark.parametrize("run", [in_tf2, in_tf_graph], ids=["TF2", "tf.Graph"])


class Linear(tf.Module):
    """x W, with weights drawn from a seed."""

    def __init__(self, width, units, seed=0):
        super().__init__()
        weights = np.random.default_rng([width, units, seed]).normal(size=[width, units])
        self.weights = tf.Variable(weights.astype(np.float32), name=f"weights_{seed}")

    def __call__(self, inputs):
        return inputs @ self.weights


def normal(*shape):
    """Fresh noise in every run, in every world."""
    return lambda: tf.random.normal(shape)


def close(given, expected):
    np.testing.assert_allclose(given, expected, rtol=2e-4, atol=1e-5)


def log_softmax(logits):
    shifted = np.float64(logits) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def cross_entropy(labels, logits):
    """The mean over the batch."""
    return -(labels * log_softmax(logits)).sum(-1).mean()
