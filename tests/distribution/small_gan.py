"""A small GAN of Keras layers with batch norm and Adam, trained under any strategy."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.train.ops import update_of

BATCH, NOISE, SIZE = 8, 3, 5


def numbered(seed: int, width: int, examples: int = 10 * BATCH) -> tf.data.Dataset:
    """Endless global batches, shuffled, the same wherever they are read."""
    numbers = np.random.default_rng(seed).normal(size=[examples, width]).astype(np.float32)
    options = tf.data.Options()
    options.autotune.enabled = False  # Its threads make a process with many iterators end slowly.
    made = tf.data.Dataset.from_tensor_slices(numbers).shuffle(examples, seed=seed).repeat()
    return made.batch(BATCH, drop_remainder=True).with_options(options)


def layers(widths: list[int], synchronized: bool) -> tf.keras.Sequential:
    """Dense layers with batch norm between them. Not built: `gan_model` has to do it."""
    made = []
    for seed, width in enumerate(widths):
        initializer = tf.keras.initializers.GlorotUniform(seed=seed)
        # A bias before batch norm has no gradient but rounding errors, of which Adam makes much.
        is_last = seed == len(widths) - 1
        made += [
            tf.keras.layers.Dense(width, use_bias=is_last, kernel_initializer=initializer),
            tf.keras.layers.BatchNormalization(synchronized=synchronized),
            tf.keras.layers.LeakyReLU(0.2),
        ]
    return tf.keras.Sequential(made[:-2])


class SmallGAN:
    """The GAN with its train ops.

    Args:
      strategy: what it is made under; None for none.
      real: global batches [BATCH, SIZE].
      noise: the generator's inputs.
      synchronized: whether batch norm takes the moments of all replicas.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy | None,
        real: Any = None,
        noise: Any = None,
        synchronized: bool = True,
    ):
        self.strategy = strategy
        self._scope = contextlib.nullcontext if strategy is None else strategy.scope
        with self._scope():
            self.generator = layers([6, SIZE], synchronized)
            self.discriminator = layers([6, 1], synchronized)
            self.model = tfgan.gan_model(
                self.generator,
                self.discriminator,
                numbered(1, SIZE) if real is None else real,
                numbered(2, NOISE) if noise is None else noise,
            )
            self.loss = tfgan.gan_loss(
                self.model,
                tfgan.losses.modified_generator_loss,
                tfgan.losses.modified_discriminator_loss,
            )
            adam = functools.partial(tf.keras.optimizers.Adam, 0.01, epsilon=1e-3)
            self.train_ops = tfgan.gan_train_ops(self.model, self.loss, adam(), adam())
        self.counters = update_of(self.train_ops.generator_train_op).counters

    def train(self, last_step: int, logdir: str | None = None, **arguments: Any) -> int:
        """Trains up to a round."""
        hooks = [tfgan.StopAtStepHook(last_step=last_step), *arguments.pop("hooks", ())]
        defaults = {
            "get_hooks_fn": tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 2)),
            "save_checkpoint_secs": 600 if logdir else None,
            "save_summaries_steps": None,
            "jit_compile": False,
        }
        # Outside the scope, on purpose: the strategy is that of the networks.
        return int(
            tfgan.gan_train(self.train_ops, logdir, hooks=hooks, **{**defaults, **arguments})
        )

    def weights(self, trainable: bool = False) -> list[list[np.ndarray]]:
        """Both networks' variables, with or without batch norm's moments, on each replica here."""
        networks = self.generator, self.discriminator
        kind = "trainable_variables" if trainable else "variables"
        variables = [v.value for network in networks for v in getattr(network, kind)]
        if self.strategy is None:
            return [[v.numpy() for v in variables]]
        local = self.strategy.experimental_local_results
        return [list(each) for each in zip(*([x.numpy() for x in local(v)] for v in variables))]

    def counts(self) -> tuple[int, ...]:
        """Rounds, updates of each network, images."""
        c = self.counters
        each = (c.global_step, c.generator_updates, c.discriminator_updates, c.images_seen)
        return tuple(int(counter.numpy()) for counter in each)


class Losses(tfgan.TrainingHook):
    """Keeps the losses of all updates."""

    def __init__(self):
        self.values: dict[str, list[float]] = {}

    def after_round(self, run_context: Any, global_step: int) -> None:
        for name, values in self.run.values().items():
            self.values.setdefault(name, []).extend(values.tolist())
