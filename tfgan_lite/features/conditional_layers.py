"""Keras layers that are conditioned on labels, or on any vector.

Each is called with a pair, `layer([inputs, conditioning])`. The conditioning is, with
`num_classes`, labels: integers [B], or one-hot [B, num_classes], which may be soft; without it any
vectors [B, E], such as embeddings. `tf.keras` decides whether these are layers of Keras 3 or of
tf_keras, so importing this module loads Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.features.conditioning import (
    check_conditioning,
    check_embedding_size,
    of_equal_batch,
)
from tfgan_lite.features.spectral_norm_layer import SpectralNormalization
from tfgan_lite.integers import checked_integer

__all__ = ["ConditionTensor", "ConditionalBatchNormalization", "ProjectionDiscriminator"]

_serializable = tf.keras.utils.register_keras_serializable(package="tfgan_lite")


class _Conditional(tf.keras.layers.Layer):
    """What the layers of this module share.

    They compute in the dtype of their variables, which mixed precision leaves at float32.
    """

    def __init__(self, num_classes: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if num_classes is not None:  # Of a layer that is conditioned on vectors.
            num_classes = checked_integer("num_classes", num_classes)
        self.num_classes = num_classes

    def _shapes(self, input_shape: Any) -> tuple[tf.TensorShape, tf.TensorShape]:
        """The shapes of the pair that the layer is called with."""
        pair = isinstance(input_shape, (list, tuple)) and len(input_shape) == 2
        if not pair or any(size is None or isinstance(size, int) for size in input_shape):
            raise ValueError(
                f"{type(self).__name__} must be called with a pair [inputs, conditioning]; the"
                f" shape of what it was called with is {input_shape}."
            )
        inputs, conditioning = map(tf.TensorShape, input_shape)
        if not inputs[:1].is_compatible_with(conditioning[:1]):
            raise ValueError(
                f"inputs {inputs} and conditioning {conditioning} must have one batch size."
            )
        return inputs, conditioning

    def _pair(self, inputs: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        inputs, conditioning = inputs
        self._shapes([inputs.shape, conditioning.shape])
        return inputs, of_equal_batch(conditioning, inputs)

    def _width(self, conditioning: tf.TensorShape) -> int:
        """The numbers that a vector has, after labels became one-hot."""
        if self.num_classes is None:
            if conditioning.rank != 2 or conditioning[1] is None:
                raise ValueError(
                    "Without num_classes the conditioning is vectors [B, E] with a known E; its"
                    f" shape is {conditioning}. For integer labels [B] give num_classes."
                )
            return conditioning[1]
        one_hot = conditioning.rank == 2 and conditioning[1] == self.num_classes
        if conditioning.rank != 1 and not one_hot:
            raise ValueError(
                f"labels must be integers [B] or one-hot [B, {self.num_classes}], since num_classes"
                f" is {self.num_classes}; their shape is {conditioning}."
            )
        return self.num_classes

    def _vectors(self, conditioning: tf.Tensor) -> tf.Tensor:
        self._width(conditioning.shape)
        if conditioning.shape.rank == 2:
            return tf.cast(conditioning, self.variable_dtype)
        if not conditioning.dtype.is_integer:
            raise ValueError(f"labels [B] must be integers, not {conditioning.dtype.name}.")
        message = f"A label is not one of 0 to {self.num_classes - 1}, as num_classes says."
        in_range = tf.logical_and(conditioning >= 0, conditioning < self.num_classes)
        with tf.control_dependencies([tf.debugging.assert_equal(in_range, True, message)]):
            return tf.one_hot(conditioning, self.num_classes, dtype=self.variable_dtype)

    def _dense(self, units: int, name: str, **kwargs: Any) -> Any:
        return tf.keras.layers.Dense(units, name=name, dtype=self.variable_dtype, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}


@_serializable
class ConditionTensor(_Conditional):
    """Adds an affine function of the conditioning, or of an embedding of it, to the inputs.

    It is called with `[inputs, conditioning]`; inputs are [B, ...] with known sizes but B. Vectors
    may have more than one axis besides B.

    Args:
      num_classes: the number of classes if the conditioning is labels, or None.
      embedding_size: numbers per embedding: the conditioning first goes through a matrix of so many
        columns. None for none.
      **kwargs: arguments of every Keras layer: `name`, `dtype`.

    Example:
      >>> layer = tfgan.features.ConditionTensor(num_classes=10)
      >>> layer([tf.zeros([2, 3]), tf.constant([1, 7])]).shape.as_list()
      [2, 3]
    """

    def __init__(
        self, num_classes: int | None = None, embedding_size: int | None = None, **kwargs: Any
    ):
        super().__init__(num_classes, **kwargs)
        if embedding_size is not None:
            check_embedding_size(embedding_size)
        self.embedding_size = embedding_size

    def build(self, input_shape: Any) -> None:
        inputs, conditioning = self._shapes(input_shape)
        if self.num_classes is not None:
            conditioning = tf.TensorShape([conditioning[0], self._width(conditioning)])
        self._size, units = check_conditioning(inputs, conditioning)
        size = self._size
        self.embedding = None
        if self.embedding_size is not None:
            self.embedding = self._dense(self.embedding_size, "embedding", use_bias=False)
            self.embedding.build([None, size])
            size = self.embedding_size
        self.dense = self._dense(units, "dense")
        self.dense.build([None, size])
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        inputs, vectors = self._pair(inputs)
        if self.num_classes is not None:
            vectors = self._vectors(vectors)
        vectors = tf.reshape(tf.cast(vectors, self.variable_dtype), [-1, self._size])
        if self.embedding is not None:
            vectors = self.embedding(vectors)
        return inputs + tf.cast(tf.reshape(self.dense(vectors), tf.shape(inputs)), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "embedding_size": self.embedding_size}


@_serializable
class ConditionalBatchNormalization(_Conditional):
    """Batch normalisation whose scale and offset are functions of the conditioning.

    For labels, each class has its own scale and offset (Dumoulin et al., arXiv:1610.07629); for
    vectors both are affine functions, which start as one and zero (de Vries et al.,
    arXiv:1707.00683). It is called with `[inputs, conditioning]`, and with `training` if need be;
    inputs are floating, of rank >= 2.

    Args:
      num_classes: the number of classes if the conditioning is labels, or None.
      axis: the channels' axis, of a known size.
      momentum: what the moving averages keep in one step, 0 to 1.
      epsilon: added to the variance, > 0.
      center: whether there is an offset.
      scale: whether there is a scale.
      synchronized: whether replicas of a tf.distribute strategy normalise by their common moments.
      **kwargs: arguments of every Keras layer: `name`, `dtype`.

    Example:
      >>> layer = tfgan.features.ConditionalBatchNormalization(num_classes=10)
      >>> layer([tf.zeros([2, 3]), tf.constant([1, 7])], training=True).shape.as_list()
      [2, 3]
    """

    def __init__(
        self,
        num_classes: int | None = None,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        synchronized: bool = False,
        **kwargs: Any,
    ):
        super().__init__(num_classes, **kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be 0 to 1, not {momentum}.")
        if not epsilon > 0:
            raise ValueError(f"epsilon must be > 0, not {epsilon}: a variance may be zero.")
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.synchronized = synchronized

    def build(self, input_shape: Any) -> None:
        inputs, conditioning = self._shapes(input_shape)
        rank, width = inputs.rank, self._width(conditioning)
        if rank is None or rank < 2 or not -rank < self.axis < rank or self.axis == 0:
            raise ValueError(
                f"axis {self.axis} does not hold the channels of inputs of shape {inputs}; axis 0"
                " is the batch."
            )
        channels = inputs[self.axis]
        if channels is None:
            raise ValueError(f"The size of axis {self.axis} of inputs {inputs} must be known.")
        self.normalization = tf.keras.layers.BatchNormalization(
            axis=self.axis % rank,
            momentum=self.momentum,
            epsilon=self.epsilon,
            center=False,
            scale=False,
            synchronized=self.synchronized,
            name="normalization",
            dtype=self.variable_dtype,
        )
        self.normalization.build(inputs.as_list())
        self.gamma = self._coefficients("gamma", "ones", channels, width) if self.scale else None
        self.beta = self._coefficients("beta", "zeros", channels, width) if self.center else None
        self.built = True

    def _coefficients(self, name: str, initializer: str, channels: int, width: int) -> Any:
        if self.num_classes is not None:  # Row by row those of the classes.
            start = {"use_bias": False, "kernel_initializer": initializer}
        else:
            start = {"kernel_initializer": "zeros", "bias_initializer": initializer}
        dense = self._dense(channels, name, **start)
        dense.build([None, width])
        return dense

    def call(self, inputs: Sequence[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        inputs, conditioning = self._pair(inputs)
        vectors = self._vectors(conditioning)
        per_example = [1] * inputs.shape.rank
        per_example[self.axis] = inputs.shape[self.axis]
        per_example[0] = -1
        outputs = tf.cast(inputs, self.variable_dtype)
        outputs = self.normalization(outputs, training=training)
        if self.gamma is not None:
            outputs *= tf.reshape(self.gamma(vectors), per_example)
        if self.beta is not None:
            outputs += tf.reshape(self.beta(vectors), per_example)
        return tf.cast(outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        names = ("axis", "momentum", "epsilon", "center", "scale", "synchronized")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@_serializable
class ProjectionDiscriminator(_Conditional):
    """A discriminator's last layer, which projects its features on an embedding of the labels.

    The logits are `psi(features) + <embed(labels), features>`, with an affine `psi`. The layer is
    called with `[features, labels]`; features are [B, ..., F], for instance the sum of a feature
    map over its places, [B, F], or the map itself, [B, H, W, F].

    Paper: Miyato and Koyama, cGANs with Projection Discriminator, arXiv:1802.05637.

    Args:
      num_classes: the number of classes if the conditioning is labels; or None, and the embedding
        is a linear function of vectors.
      spectral_normalization: whether both matrices are spectrally normalised (arXiv:1802.05957).
      **kwargs: arguments of every Keras layer: `name`, `dtype`.

    Returns, when called, the logits [B, ..., 1].

    Example:
      >>> layer = tfgan.features.ProjectionDiscriminator(num_classes=10)
      >>> layer([tf.zeros([2, 3]), tf.constant([1, 7])]).shape.as_list()
      [2, 1]
    """

    def __init__(
        self, num_classes: int | None = None, spectral_normalization: bool = False, **kwargs: Any
    ):
        super().__init__(num_classes, **kwargs)
        self.spectral_normalization = spectral_normalization

    def build(self, input_shape: Any) -> None:
        features, conditioning = self._shapes(input_shape)
        if features.rank is None or features.rank < 2 or features[-1] is None:
            raise ValueError(
                f"features must have a shape [B, ..., F] with a known F, not {features}."
            )
        self.psi = self._head(1, "psi", features.as_list())
        width = self._width(conditioning)
        self.embedding = self._head(features[-1], "embedding", [None, width], use_bias=False)
        self.built = True

    def _head(self, units: int, name: str, input_shape: list[int | None], **kwargs: Any) -> Any:
        layer = self._dense(units, name, **kwargs)
        if self.spectral_normalization:
            layer = SpectralNormalization(layer, name=name, dtype=self.variable_dtype)
        layer.build(input_shape)
        return layer

    def call(self, inputs: Sequence[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        features, conditioning = self._pair(inputs)
        mode = {"training": training} if self.spectral_normalization else {}
        places = [1] * (features.shape.rank - 2)
        features = tf.cast(features, self.variable_dtype)
        embedding = self.embedding(self._vectors(conditioning), **mode)
        embedding = tf.reshape(embedding, [-1, *places, features.shape[-1]])
        projection = tf.reduce_sum(features * embedding, axis=-1, keepdims=True)
        return tf.cast(self.psi(features, **mode) + projection, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*tuple(input_shape[0])[:-1], 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "spectral_normalization": self.spectral_normalization}
