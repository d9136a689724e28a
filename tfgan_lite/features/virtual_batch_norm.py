"""Virtual batch normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.features.moments import moments, wide_dtype
from tfgan_lite.worlds import in_plain_graph

__all__ = ["VBN"]


class _Moments(NamedTuple):
    """Statistics of the reference batch, of the shape [1, ..., C, ..., 1]."""

    mean: tf.Tensor
    variance: tf.Tensor
    examples: tf.Tensor  # How many the batch has.


class VBN(tf.Module):
    """Virtual batch normalisation: each example is normalised with a fixed reference batch.

    An example's statistics are those of the batch that the example and the reference batch make
    together, so an example's result does not depend on the others in its batch.

    In TF2, make the object once, outside the function that calls it. Where the reference batch goes
    through layers that train, give a function, which is called anew wherever the statistics are
    needed:

        first = VBN(images)
        second = VBN(lambda: dense(first.reference_batch_normalization()))

    Paper: Salimans et al., Improved Techniques for Training GANs, arXiv:1606.03498.

    Args:
      reference_batch: a floating tensor of known rank >= 2 and known number of channels, or a
        function without arguments that gives it.
      axis: the channels' axis; statistics are taken over all others.
      epsilon: added to the variance, > 0.
      center: whether to add a variable `beta`, one number per channel.
      scale: whether to multiply by a variable `gamma`, one number per channel.
      beta_initializer: the initialiser of `beta`, by default zeros.
      gamma_initializer: the initialiser of `gamma`, by default ones.
      beta_regularizer: gives a loss for `beta`, or None. In a tf.Graph the loss goes to the
        collection REGULARIZATION_LOSSES, in TF2 to the attribute `losses`.
      gamma_regularizer: the same for `gamma`.
      trainable: whether `beta` and `gamma` are trained.
      name: in a tf.Graph the variable scope, in TF2 the prefix of the variables' names.
      batch_axis: the examples' axis.

    Raises:
      ValueError: the reference batch or an argument is not as described; or both axes are one.

    Example:
      >>> normalise = tfgan.features.VBN(tf.constant([[0.0], [2.0]]))
      >>> alone, beside = normalise([[1.0]]), normalise([[1.0], [9.0]])
      >>> float(alone[0, 0]), float(beside[0, 0])  # Others in the batch do not matter.
      (0.0, 0.0)
    """

    @tf.autograph.experimental.do_not_convert
    def __init__(
        self,
        reference_batch: tf.Tensor | Callable[[], tf.Tensor],
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = None,
        gamma_initializer: Any = None,
        beta_regularizer: Callable[[Any], tf.Tensor] | None = None,
        gamma_regularizer: Callable[[Any], tf.Tensor] | None = None,
        trainable: bool = True,
        name: str | None = None,
        batch_axis: int = 0,
    ):
        super().__init__()
        if not epsilon > 0:
            raise ValueError(f"epsilon must be > 0, not {epsilon}: a variance may be zero.")
        self._epsilon = epsilon
        if callable(reference_batch):
            reference = tf.convert_to_tensor(reference_batch())
            self._reference = reference_batch
        else:
            reference = tf.convert_to_tensor(reference_batch)
            self._reference = lambda: reference
        self._shape = reference.shape
        self._axis, self._batch_axis = _axes(reference, axis, batch_axis)
        # Those of a fixed batch are computed once.
        self._fixed = None if callable(reference_batch) else self._moments_of(reference)

        dtype = wide_dtype(reference.dtype)
        self._regularizers = []
        self.beta, self.gamma = None, None
        with _variable_scope(name):
            if center:
                initializer = beta_initializer or tf.zeros_initializer()
                self.beta = self._variable("beta", initializer, beta_regularizer, dtype, trainable)
            if scale:
                initializer = gamma_initializer or tf.ones_initializer()
                self.gamma = self._variable(
                    "gamma", initializer, gamma_regularizer, dtype, trainable
                )

    @property
    def losses(self) -> list[tf.Tensor]:
        """In TF2, the regularisation losses of `beta` and `gamma`."""
        return [regularizer(variable) for regularizer, variable in self._regularizers]

    @tf.autograph.experimental.do_not_convert
    def reference_batch_normalization(self) -> tf.Tensor:
        """The reference batch, normalised by its own statistics alone.

        Returns:
          A tensor of the reference batch's shape and dtype.
        """
        batch = tf.convert_to_tensor(self._reference())
        reference = self._fixed or self._moments_of(batch)
        return self._normalized(batch, reference.mean, reference.variance)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Normalises each example together with the reference batch.

        Args:
          inputs: a floating tensor of the reference batch's shape, but for the number of examples.

        Returns:
          A tensor of the shape and dtype of `inputs`; 16-bit inputs are normalised in float32.

        Raises:
          ValueError: the shape of `inputs` is not the reference batch's.
        """
        inputs = tf.convert_to_tensor(inputs)
        expected = self._shape.as_list()
        expected[self._batch_axis] = None
        if inputs.shape.rank is None or not inputs.shape.is_compatible_with(expected):
            raise ValueError(
                f"inputs have shape {inputs.shape} and the reference batch {self._shape}: only the"
                f" number of examples, axis {self._batch_axis}, may differ."
            )
        reference = self._fixed or self._moments_of(tf.convert_to_tensor(self._reference()))
        own = tf.cast(inputs, reference.mean.dtype)
        others = [i for i in range(inputs.shape.rank) if i not in (self._axis, self._batch_axis)]
        mean, variance = moments(own, others, keepdims=True)
        # The moments of two samples together, as sums of what is never negative.
        share = 1 / (reference.examples + 1)
        distance = mean - reference.mean
        mean = reference.mean + share * distance
        variance = (
            share * variance
            + (1 - share) * reference.variance
            + share * (1 - share) * tf.square(distance)
        )
        return self._normalized(inputs, mean, variance)

    def _moments_of(self, batch: tf.Tensor) -> _Moments:
        batch = tf.cast(batch, wide_dtype(batch.dtype))
        others = [i for i in range(batch.shape.rank) if i != self._axis]
        mean, variance = moments(batch, others, keepdims=True)
        return _Moments(mean, variance, tf.cast(tf.shape(batch)[self._batch_axis], batch.dtype))

    def _normalized(self, inputs: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
        outputs = (tf.cast(inputs, mean.dtype) - mean) * tf.math.rsqrt(variance + self._epsilon)
        per_channel = [1] * inputs.shape.rank
        per_channel[self._axis] = self._shape[self._axis]
        if self.gamma is not None:
            outputs *= tf.reshape(self.gamma, per_channel)
        if self.beta is not None:
            outputs += tf.reshape(self.beta, per_channel)
        return tf.cast(outputs, inputs.dtype)

    def _variable(
        self, name: str, initializer: Any, regularizer: Any, dtype: tf.DType, trainable: bool
    ) -> Any:
        shape = [self._shape[self._axis]]
        if in_plain_graph():
            return tf.compat.v1.get_variable(
                name, shape, dtype, initializer, regularizer, trainable
            )
        variable = tf.Variable(initializer(shape, dtype), trainable=trainable, name=name)
        if regularizer is not None:
            self._regularizers.append((regularizer, variable))
        return variable


def _axes(reference: tf.Tensor, axis: int, batch_axis: int) -> tuple[int, int]:
    """Both axes, counted from the front."""
    shape, rank = reference.shape, reference.shape.rank
    if rank is None or rank < 2:
        raise ValueError(f"reference_batch must have a known rank >= 2; its shape is {shape}.")
    if not reference.dtype.is_floating:
        raise ValueError(f"reference_batch must be floating, not {reference.dtype.name}.")
    for argument, value in (("axis", axis), ("batch_axis", batch_axis)):
        if not -rank <= value < rank:
            raise ValueError(f"{argument} {value} is out of range for a batch of shape {shape}.")
    if axis % rank == batch_axis % rank:
        raise ValueError(f"axis and batch_axis must differ; both are axis {axis % rank}.")
    if shape[axis] is None:
        raise ValueError(
            f"The number of channels, axis {axis} of reference_batch, must be known; the shape is"
            f" {shape}. Use tf.ensure_shape."
        )
    return axis % rank, batch_axis % rank


def _variable_scope(name: str | None) -> Any:
    if in_plain_graph():
        return tf.compat.v1.variable_scope(name, "VBN")
    return tf.name_scope(name or "VBN")
