"""The four numbers of a training run."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["Counters"]


class Counters(tf.Module):
    """Counts rounds, updates and images, in either world; all four are saved with the networks.

    Attributes:
      global_step: rounds finished, int64.
      generator_updates: updates of the generator, int64.
      discriminator_updates: updates of the discriminator, int64.
      images_seen: real examples that the discriminator was updated on, int64.

    Example:
      >>> session = tfgan.Session(tfgan.train.Counters(), seed=1)
      >>> session.run(model.generated_data).shape
      (8, 3)
    """

    def __init__(self):
        super().__init__(name="counters")
        if tf.executing_eagerly():
            self.global_step = _variable("global_step")
            make = _variable
        else:
            self.global_step = tf.compat.v1.train.get_or_create_global_step()
            make = _graph_variable
        self.generator_updates = make("generator_updates")
        self.discriminator_updates = make("discriminator_updates")
        self.images_seen = make("images_seen")

    def updates_of(self, network: str) -> tf.Variable:
        """The counter of the updates of "generator" or "discriminator"."""
        return getattr(self, f"{network}_updates")


def _variable(name: str) -> tf.Variable:
    return tf.Variable(
        0,
        dtype=tf.int64,
        trainable=False,
        name=name,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )


def _graph_variable(name: str) -> tf.Variable:
    with tf.compat.v1.variable_scope("tfgan_lite", reuse=tf.compat.v1.AUTO_REUSE):
        return tf.compat.v1.get_variable(
            name, [], tf.int64, tf.compat.v1.zeros_initializer(), trainable=False
        )
