"""Loss scales under several replicas."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.strategies import on_two_replicas

RATE, KERNEL, NOISE = 1 / 1024, -0.75, 0.125
REAL = np.float32([[0.25]] * 4 + [[100.0]] * 4)  # A replica gets the first four, another the rest.


def train(strategy, rounds):
    """The critic's weight and loss scale on each replica, after each number of rounds."""
    with strategy.scope():
        optimizers = [
            tf.keras.optimizers.LossScaleOptimizer(tf.keras.optimizers.SGD(RATE), 2.0**12)
            for _ in range(2)
        ]
        critic = tf.keras.layers.Dense(
            1,
            use_bias=False,
            kernel_initializer=tf.constant_initializer(KERNEL),
            dtype="mixed_float16",
        )
        generator = tf.keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)
        model = tfgan.gan_model(
            generator,
            critic,
            real_data=tf.data.Dataset.from_tensors(REAL).repeat(),
            generator_inputs=tf.data.Dataset.from_tensors(np.full([8, 1], NOISE, "f")).repeat(),
        )
        loss = tfgan.gan_loss(model)
        train_ops = tfgan.gan_train_ops(model, loss, *optimizers)

    def local(variable):
        parts = strategy.experimental_local_results(variable.value)
        return [float(np.squeeze(part.numpy())) for part in parts]

    found = []
    for stop in rounds:
        tfgan.gan_train(
            train_ops,
            None,
            get_hooks_fn=tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(0, 1)),
            hooks=[tfgan.StopAtStepHook(last_step=stop)],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            jit_compile=False,
        )
        found.append((local(critic.kernel), local(optimizers[1].dynamic_scale)))
    return found


def test_an_overflow_on_one_replica_is_one_on_all():
    """A gradient of 100 times half the scale is infinite in float16 until the scale is 2 ** 10."""
    overflowed, mended = on_two_replicas(train, (2, 3))
    assert overflowed == ([KERNEL, KERNEL], [2.0**10, 2.0**10])
    expected = KERNEL - RATE * (NOISE - REAL.mean())
    assert mended[0] == pytest.approx([expected, expected], rel=1e-3)
