"""What tests of losses share: the worlds that code runs in, and independent arithmetic."""

import numpy as np
import tensorflow as tf

Reduction = tf.compat.v1.losses.Reduction
REDUCTIONS = sorted(set(Reduction.all()))


def in_tf_graph(function, *values):
    """Calls the function in a tf.Graph of its own and evaluates its result."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        result = function(*map(tf.constant, values))
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run(result)


WORLDS = {
    "eager": lambda function, *values: function(*map(tf.constant, values)),
    "tf.function": lambda function, *values: tf.function(function)(*map(tf.constant, values)),
    "jit": lambda function, *values: tf.function(function, jit_compile=True)(
        *map(tf.constant, values)
    ),
    "tf.Graph": in_tf_graph,
}


def reduced(losses, weights, reduction):
    """TF1's reductions, by their documentation; an empty mean is zero."""
    weights = np.broadcast_to(weights, losses.shape)
    if reduction == Reduction.NONE:
        return losses * weights
    count = {
        Reduction.SUM: 1,
        Reduction.SUM_OVER_BATCH_SIZE: losses.size,
        Reduction.MEAN: weights.sum(),
        Reduction.SUM_BY_NONZERO_WEIGHTS: np.count_nonzero(weights),
    }[reduction]
    return (losses * weights).sum() / count if count else 0.0


def finite_differences(function, point, step=1e-5):
    """The gradient of a scalar function of a float64 array."""
    result = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        nudge = np.zeros_like(point)
        nudge[index] = step
        result[index] = (function(point + nudge) - function(point - nudge)) / (2 * step)
    return result
