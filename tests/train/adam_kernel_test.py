"""Adam's updates by TensorFlow's kernel are Keras's own, and the paper's."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.strategies import on_two_replicas
from tfgan_lite.train.adam_kernel import adam_kernel, has_adam_kernel

RATE, BETA_1, BETA_2, EPSILON = 0.1, 0.5, 0.9, 1e-7
START = np.array([[1.0, -2.0], [0.5, 0.25]], np.float32)
GRADIENTS = [np.array([[0.5, -1.0], [0.0, 2.0]]), np.array([[-0.25, 1.0], [3.0, 0.5]])] * 2
KINDS = {
    "Adam": keras.optimizers.Adam,
    "AdamW": lambda *args: keras.optimizers.AdamW(args[0], 0.1, *args[1:]),
    "clipped": lambda *args: keras.optimizers.Adam(*args, clipnorm=0.5),
    "averaged": lambda *args: keras.optimizers.Adam(*args, use_ema=True, ema_momentum=0.5),
    "scaled": lambda *args: keras.optimizers.Adam(*args, loss_scale_factor=4.0),
    "in a LossScaleOptimizer": lambda *args: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(*args), initial_scale=4.0
    ),
}


def papers_adam():
    """Kingma and Ba's algorithm 1, in the order of its section 2's last line."""
    weights, m, v = START.astype(np.float64), 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m, v = BETA_1 * m + (1 - BETA_1) * g, BETA_2 * v + (1 - BETA_2) * g**2
        rate = RATE * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        weights -= rate * m / (np.sqrt(v) + EPSILON)
    return weights


def trained(optimizer, with_kernel=True, jit_compile=False, weights=None):
    """The weights after an update by each gradient, made in a tf.function."""
    weights = tf.Variable(START) if weights is None else weights
    optimizer.build([weights])

    @tf.function(jit_compile=jit_compile or None)
    def update(gradient):
        if not with_kernel:
            optimizer.apply_gradients([(gradient, weights)])
            return
        with adam_kernel(optimizer):
            optimizer.apply_gradients([(gradient, weights)])

    for gradient in GRADIENTS:
        update(tf.constant(gradient, tf.float32))
    return weights.numpy()


def ops_of(optimizer, gradient):
    """The types of the operations that an update is made of."""
    weights = tf.Variable(START)
    optimizer.build([weights])

    @tf.function
    def update():
        with adam_kernel(optimizer):
            optimizer.apply_gradients([(gradient, weights)])

    return {op.type for op in update.get_concrete_function().graph.get_operations()}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_updates_are_the_papers(jit_compile):
    adam = keras.optimizers.Adam(RATE, BETA_1, BETA_2, EPSILON)
    np.testing.assert_allclose(
        trained(adam, jit_compile=jit_compile), papers_adam(), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_updates_are_those_of_keras(kind):
    ours, theirs = (KINDS[kind](RATE, BETA_1, BETA_2, EPSILON) for _ in range(2))
    assert has_adam_kernel(ours)
    np.testing.assert_allclose(
        trained(ours), trained(theirs, with_kernel=False), rtol=1e-5, atol=1e-5
    )
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-5, atol=1e-5)


def test_updates_follow_a_schedule_of_the_rate():
    schedule = keras.optimizers.schedules.PolynomialDecay(RATE, decay_steps=4)
    expected = trained(keras.optimizers.Adam(schedule), with_kernel=False)
    np.testing.assert_allclose(
        trained(keras.optimizers.Adam(schedule)), expected, rtol=1e-5, atol=1e-5
    )


def _on_a_replica(strategy):
    with strategy.scope():
        weights, adam = tf.Variable(START), keras.optimizers.Adam(RATE, BETA_1, BETA_2, EPSILON)
        adam.build([weights])

    @tf.function
    def update(gradient):
        def on_replica():
            with adam_kernel(adam):
                adam.apply_gradients([(gradient / 2, weights)])  # Keras sums over replicas.

        strategy.run(on_replica)

    for gradient in GRADIENTS:
        update(tf.constant(gradient, tf.float32))
    return [part.numpy() for part in strategy.experimental_local_results(weights)]


def test_every_replica_is_updated():
    for weights in on_two_replicas(_on_a_replica):
        np.testing.assert_allclose(weights, papers_adam(), rtol=1e-5, atol=1e-5)


def test_an_update_is_one_operation():
    ops = ops_of(keras.optimizers.Adam(RATE), tf.ones([2, 2]))
    assert "ResourceApplyAdam" in ops
    assert "AssignSubVariableOp" not in ops


def test_gradients_of_rows_stay_with_keras():
    rows = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([1]), tf.constant([2, 2]))
    assert "ResourceApplyAdam" not in ops_of(keras.optimizers.Adam(RATE), rows)


class OwnUpdate(keras.optimizers.Adam):
    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, gradient * learning_rate)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.SGD(RATE),
        lambda: keras.optimizers.Adam(RATE, amsgrad=True),
        lambda: OwnUpdate(RATE),
        lambda: tf_keras.optimizers.Adam(RATE),
    ],
    ids=["SGD", "AMSGrad", "own update", "tf_keras"],
)
def test_other_updates_are_left_alone(make):
    optimizer = make()
    assert not has_adam_kernel(optimizer)
    assert "ResourceApplyAdam" not in ops_of(optimizer, tf.ones([2, 2]))


def test_the_optimizer_is_left_as_it_was():
    adam = keras.optimizers.Adam(RATE)
    before = set(vars(adam))
    with pytest.raises(RuntimeError), adam_kernel(adam):
        raise RuntimeError
    assert set(vars(adam)) == before
