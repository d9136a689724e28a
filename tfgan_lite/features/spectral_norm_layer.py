"""Spectral normalisation as a Keras layer.

Defines a Keras layer class, and so is imported when its name is first used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfgan_lite.features.spectral_norm import normalized, power_iteration, stored

__all__ = ["SpectralNormalization"]

_IS_KERAS_3 = tf.keras.layers.Layer.__module__.startswith("keras.")


@tf.keras.utils.register_keras_serializable("tfgan_lite")
class SpectralNormalization(tf.keras.layers.SpectralNormalization):
    """Keras's SpectralNormalization for networks that train in turn (Miyato, arXiv:1802.05957).

    It has the weights, the arguments and the meaning of Keras's layer of this name, of which it is
    a kind. Keras's own writes the normalised kernel over the trained one in every training call, so
    the generator's sub-steps would change the discriminator's weights, and the gradient would miss
    the normalisation. This one leaves the kernel alone: the wrapped layer computes with
    `kernel / sigma`, as in the paper, through which gradients pass with the singular vectors taken
    as constants. A training call changes nothing but `vector_u`, a statistic as batch norm's are:
    it moves in the network's own sub-steps, and in no other's.

    Without `training` the kernel is normalised in the same way, and `vector_u` stays.

    Args:
      layer: a layer with `kernel` or `embeddings`.
      power_iterations: rounds >= 1 of power iteration in each call.
      **kwargs: a layer's.

    Raises:
      ValueError: `power_iterations` < 1; on building: `layer` has neither weight.

    Example:
      >>> layer = tfgan.features.SpectralNormalization(layers.Dense(4))
      >>> layer(tf.ones([2, 3])).shape.as_list()
      [2, 4]
    """

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        # Of the replicas, which all have the same kernel, one says how u moves; and u stays float32
        # where a policy would read it as float16.
        if _IS_KERAS_3:
            kwargs |= {"aggregation": "only_first_replica", "autocast": False}
        else:
            kwargs |= {
                "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA,
                "experimental_autocast": False,
            }
        return super().add_weight(*args, **kwargs)

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs: Any, training: bool = False) -> Any:
        kernel = tf.convert_to_tensor(self.kernel)
        wide = kernel if kernel.dtype == tf.float64 else tf.cast(kernel, tf.float32)
        # Keras's u is of the outputs, and a row.
        matrix = tf.transpose(tf.reshape(wide, [-1, kernel.shape[-1]]))
        old = tf.cast(tf.transpose(stored(self.vector_u)), wide.dtype)
        sigma, new = power_iteration(matrix, old, self.power_iterations)
        if training:
            self.vector_u.assign(tf.cast(tf.transpose(new), self.vector_u.dtype))
        value = tf.cast(normalized(wide, sigma), self.layer.compute_dtype)
        with _replaced(self.layer, self.kernel, value):
            return self.layer(inputs)


@contextlib.contextmanager
def _replaced(layer: Any, variable: Any, value: tf.Tensor) -> Iterator[None]:
    """Inside, a layer has a tensor where it has a variable."""
    attributes = vars(layer)  # Around Keras's tracking of attributes.
    name = next((name for name, held in attributes.items() if held is variable), None)
    if name is None:
        raise ValueError(
            f"SpectralNormalization cannot normalise {layer!r}: its kernel is not a variable of its"
            " own, but is computed (as LoRA and quantisation do)."
        )
    attributes[name] = value
    try:
        yield
    finally:
        attributes[name] = variable
