"""Trains with TF-GAN, in its environment: `echo 10 | python -m benchmarks.tfgan_program CASE`.

For each number of rounds on a line of its input it prints the seconds that these took.
"""

from __future__ import annotations

import inspect
import sys
import time
import types

import tensorflow as tf
import tensorflow_gan as tfgan

from benchmarks.cases import ADAM, CASES, NOISE_DIMS, PENALTY_WEIGHT, Case, make_dataset

v1 = tf.compat.v1
if not hasattr(inspect, "getargspec"):  # Which TF-GAN calls; Python 3.11 has it no more.
    inspect.getargspec = lambda function: types.SimpleNamespace(
        keywords=inspect.getfullargspec(function).varkw
    )
# TF-GAN was made for layers that find their variables by scope, and Keras 3 has none.
layers = v1.layers


def _generator(case: Case):
    def generator(inputs):
        noise = tf.concat(inputs, 1) if case.conditional else inputs
        if case.nets == "dense":
            hidden = layers.dense(noise, 128, tf.nn.relu, name="1")
            return tf.reshape(layers.dense(hidden, 784, tf.tanh, name="2"), [-1, 28, 28, 1])
        hidden = layers.dense(noise, 1024, tf.nn.relu, name="1")
        hidden = layers.dense(hidden, 7 * 7 * 128, tf.nn.relu, name="2")
        hidden = tf.reshape(hidden, [-1, 7, 7, 128])
        for i, filters in enumerate((64, 32)):
            hidden = layers.conv2d_transpose(
                hidden, filters, 4, 2, "same", activation=tf.nn.relu, name=f"{3 + i}"
            )
        return layers.conv2d(hidden, 1, 3, padding="same", activation=tf.tanh, name="5")

    return generator


def _discriminator(case: Case):
    def discriminator(data, inputs):
        hidden = data
        if case.nets == "dense":
            hidden = layers.flatten(hidden)
            if case.conditional:
                hidden = tf.concat([hidden, inputs[1]], 1)
            hidden = tf.nn.leaky_relu(layers.dense(hidden, 128, name="1"), 0.2)
            return layers.dense(hidden, 1, name="2")
        for i, filters in enumerate((64, 128)):
            hidden = layers.conv2d(hidden, filters, 4, 2, "same", name=f"{1 + i}")
            hidden = tf.nn.leaky_relu(hidden, 0.2)
        hidden = tf.nn.leaky_relu(layers.dense(layers.flatten(hidden), 1024, name="3"), 0.2)
        return layers.dense(hidden, 1, name="4")

    return discriminator


class _Slices(v1.train.SessionRunHook):
    """Reads how many rounds to run, and prints the seconds that they took."""

    def after_create_session(self, session, coord):
        self._begin(coord)

    def after_run(self, run_context, run_values):
        self._left -= 1
        if not self._left:
            print(time.perf_counter() - self._start, flush=True)
            self._begin(run_context)

    def _begin(self, stopped):
        line = sys.stdin.readline()
        if line:
            self._left, self._start = int(line), time.perf_counter()
        else:
            stopped.request_stop()


def main() -> None:
    v1.disable_v2_behavior()
    case = next(case for case in CASES if case.name == sys.argv[1])
    data = v1.data.make_one_shot_iterator(make_dataset(case)).get_next()
    inputs = tf.random.normal([case.batch_size, NOISE_DIMS])
    if case.conditional:
        data, labels = data
        inputs = inputs, labels
    model = tfgan.gan_model(_generator(case), _discriminator(case), data, inputs)
    wasserstein, losses = case.kind == "wgan-gp", tfgan.losses
    loss = tfgan.gan_loss(
        model,
        losses.wasserstein_generator_loss if wasserstein else losses.modified_generator_loss,
        losses.wasserstein_discriminator_loss
        if wasserstein
        else losses.modified_discriminator_loss,
        gradient_penalty_weight=PENALTY_WEIGHT if wasserstein else None,
        add_summaries=False,
    )
    optimizers = [v1.train.AdamOptimizer(*ADAM.values()) for _ in range(2)]
    v1.train.create_global_step()
    tfgan.gan_train(
        tfgan.gan_train_ops(model, loss, *optimizers),
        logdir=None,
        get_hooks_fn=tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(*case.steps)),
        hooks=[_Slices()],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
    )


if __name__ == "__main__":
    main()
