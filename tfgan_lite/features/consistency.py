"""Consistency regularisation: augmenting an image must not change what the discriminator says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.losses.slopes import logits_of

__all__ = ["consistency_regularization"]


def consistency_regularization(
    augment: Callable[[Any], Any], balanced: bool = False
) -> Callable[[Any], Any]:
    """A penalty of the discriminator, the mean of `||D(x) - D(augment(x))||^2`.

        augment = functools.partial(tfgan.features.diff_augment, policy="flip,translation")
        penalty = tfgan.features.consistency_regularization(augment, balanced=True)
        loss = tfgan.gan_loss(model, ..., penalties=[(penalty, 10.0, 1)])

    The discriminator itself sees data as they are: do not wrap it with `augmented` for this. Both
    terms have a gradient, and what is already known, D(x), costs no second call.

    Papers: CR-GAN, Zhang et al., arXiv:1910.12027 (shifts and flips, weight 10); balanced: bCR-GAN,
    Zhao et al., Improved Consistency Regularization for GANs, arXiv:2002.04724 (weight 10 for
    both terms).

    Args:
      augment: a function of the data that gives data of the same structure, shapes and dtypes.
      balanced: whether the same is asked for generated data, as a second term.

    Returns:
      A function of a model that gives a float32 scalar >= 0, of tensors or deferred values as the
      model has them. Its attribute `network` is "discriminator".

    Raises:
      TypeError: `augment` is not a function, `balanced` not a bool.

    Example:
      >>> noisy = lambda data: data + tf.random.normal(tf.shape(data), stddev=0.1)
      >>> consistency = tfgan.features.consistency_regularization(noisy)
      >>> loss = tfgan.gan_loss(model, penalties=[(consistency, 10.0)])
    """
    if not callable(augment):
        raise TypeError(f"augment must be a function, got {augment!r}.")
    if not isinstance(balanced, bool):
        raise TypeError(f"balanced must be True or False, got {balanced!r}.")

    def on_values(model: Any) -> tf.Tensor:
        penalty = _change(model, augment, model.real_data, model.discriminator_real_outputs)
        if balanced:
            penalty += _change(
                model, augment, model.generated_data, model.discriminator_gen_outputs
            )
        return penalty

    @tf.autograph.experimental.do_not_convert
    def consistency_penalty(model: Any) -> Any:
        return defer(on_values, model, name="consistency_penalty", lazily=True)

    consistency_penalty.network = "discriminator"
    return consistency_penalty


def _change(model: Any, augment: Callable[[Any], Any], data: Any, outputs: Any) -> tf.Tensor:
    """The mean over the batch of the squared norm of the logits' change."""
    before = tf.cast(logits_of(outputs), tf.float32)
    augmented = augment(data)
    _check_same(augmented, data)
    after = model.discriminator_fn(augmented, model.generator_inputs)
    change = tf.square(before - tf.cast(logits_of(after), tf.float32))
    return tf.reduce_sum(change) / tf.cast(tf.maximum(tf.shape(change)[0], 1), tf.float32)


def _check_same(augmented: Any, data: Any) -> None:
    try:
        tf.nest.assert_same_structure(augmented, data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"augment changed the structure of the data: {error}") from error
    for mine, given in zip(tf.nest.flatten(augmented), tf.nest.flatten(data)):
        if mine.dtype != given.dtype or not mine.shape.is_compatible_with(given.shape):
            raise ValueError(
                f"augment gave {mine.dtype.name}{mine.shape} for {given.dtype.name}{given.shape}:"
                " it must keep shapes and dtypes."
            )
