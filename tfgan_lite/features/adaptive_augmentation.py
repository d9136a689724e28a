"""Adaptive discriminator augmentation (ADA): as much augmentation as overfitting asks for."""

from __future__ import annotations

import functools
import math
import numbers
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.features.augmented_discriminator import Augmented
from tfgan_lite.features.random_augmentation import (
    ADA_OPERATIONS,
    check_operations,
    random_augment,
)
from tfgan_lite.integers import checked_integer
from tfgan_lite.losses.slopes import logits_of
from tfgan_lite.runs import current_run
from tfgan_lite.worlds import in_plain_graph

__all__ = ["AdaptiveAugment"]


class AdaptiveAugment(Augmented):
    """A discriminator with ADA: `random_augment`, and a controller of its probability.

    Where the discriminator overfits, its logits for real data are nearly always positive. So the
    controller observes `r = mean(sign(logits of real data))`: after every `interval` updates of the
    discriminator the probability rises by (images of these updates / `adjustment_images`) where r
    exceeds the target, and falls by as much where it is below.

        discriminator_fn = tfgan.features.AdaptiveAugment(discriminator)
        model = tfgan.gan_model(generator, discriminator_fn, ...)
        loss = tfgan.gan_loss(
            model,
            tfgan.losses.modified_generator_loss,
            discriminator_fn.observing(tfgan.losses.modified_discriminator_loss),
        )

    The loss has to be one in which positive logits mean real (not Wasserstein's). Data are
    augmented in the same runs as with `augmented`. The probability and what was observed are
    statistics of the discriminator, as batch norm's are: they move in its own updates only, and are
    saved in checkpoints. Under a `tf.distribute` strategy, make it in the strategy's scope; all
    replicas' logits count.

    Paper: Karras et al., arXiv:2006.06676.

    Args:
      discriminator_fn: what `gan_model` takes.
      target: the wanted r, in (-1, 1).
      adjustment_images: real images in which the probability can go from 0 to 1, > 0.
      interval: updates of the discriminator between two adjustments, >= 1.
      initial_probability: in [0, 1].
      operations: which of `ADA_OPERATIONS`.

    Attributes:
      probability: float32 scalar variable.

    Raises:
      ValueError: an argument out of its range.

    Example:
      >>> judge = tfgan.features.AdaptiveAugment(tf.keras.Sequential([layers.Flatten(), net(1)]))
      >>> judge(tf.zeros([2, 8, 8, 1])).shape.as_list()
      [2, 1]
    """

    def __init__(
        self,
        discriminator_fn: Callable[..., Any],
        target: float = 0.6,
        adjustment_images: float = 500_000,
        interval: int = 4,
        initial_probability: float = 0.0,
        operations: Sequence[str] = ADA_OPERATIONS,
    ):
        super().__init__(discriminator_fn, self._augment)
        _check("target", target, "in (-1, 1)", lambda x: -1 < x < 1)
        _check("adjustment_images", adjustment_images, "> 0", lambda x: 0 < x < math.inf)
        _check("initial_probability", initial_probability, "in [0, 1]", lambda x: 0 <= x <= 1)
        check_operations(operations)
        self.target = float(target)
        self.adjustment_images = float(adjustment_images)
        self.interval = checked_integer("interval", interval)
        self.operations = tuple(operations)
        self.probability = tf.Variable(
            float(initial_probability), trainable=False, name="augment_probability"
        )
        # Since the last adjustment: the sum of the images' signs, images, and updates. Floating, as
        # the statistics of a network are.
        self._observed = tf.Variable([0.0, 0.0, 0.0], trainable=False, name="augment_observed")
        # In a graph all calls of a run share one value, whenever the adjustment takes place.
        self._shared = self.probability.read_value() if in_plain_graph() else None
        self._last_run: Callable[[], Any] = lambda: None

    def __call__(self, data: Any, *args: Any, training: bool = False, **kwargs: Any) -> Any:
        """What the discriminator gives, for augmented data where `training`."""
        for variable in (self.probability, self._observed):
            variable.read_value()  # A function's variables are those that it uses.
        return super().__call__(data, *args, training=training, **kwargs)

    @property
    def variables(self) -> Sequence[Any]:
        return [*self.discriminator.variables, self.probability, self._observed]

    def observing(self, discriminator_loss_fn: Callable[..., Any]) -> Callable[..., Any]:
        """The discriminator's loss, which also shows the controller the logits of real data.

        Args:
          discriminator_loss_fn: a function of the model, as `gan_loss` takes.

        Returns:
          Such a function, of the same value and the same keywords.
        """

        @functools.wraps(discriminator_loss_fn)
        def loss_fn(gan_model: Any, **kwargs: Any) -> Any:
            def on_values(model: Any) -> Any:
                loss = discriminator_loss_fn(model, **kwargs)
                self._observe(model)
                return loss

            return defer(on_values, gan_model, name="observed_loss", lazily=True)

        return loss_fn

    def _augment(self, images: Any) -> tf.Tensor:
        return random_augment(images, self._current_probability(), self.operations)

    def _current_probability(self) -> tf.Tensor:
        return self.probability.read_value() if self._shared is None else self._shared

    def _observe(self, model: Any) -> None:
        run = current_run()
        if run is not None:
            if not run.training or self._last_run() is run:  # Two losses may observe it.
                return
            self._last_run = weakref.ref(run)
        elif tf.executing_eagerly():
            return
        assignments = self._adjust(logits_of(model.discriminator_real_outputs))
        if in_plain_graph():  # They run with the discriminator's updates, and with nothing else.
            model.discriminator_fn.update_ops.extend(assignments)

    def _adjust(self, logits: tf.Tensor) -> list[Any]:
        logits = tf.stop_gradient(logits)
        ones = tf.ones_like(logits, tf.float32)
        zero = tf.zeros([], logits.dtype)
        # Not tf.sign, whose nan would stay in the sum for good.
        signs = tf.where(logits > zero, ones, 0.0) - tf.where(logits < zero, ones, 0.0)
        images = tf.cast(tf.shape(logits)[0], tf.float32)
        now = tf.stack([tf.reduce_mean(signs) * images, images])
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            now = replica.all_reduce(tf.distribute.ReduceOp.SUM, now)
        observed = self._observed.read_value() + tf.concat([now, [1.0]], 0)
        signs, images, updates = tf.unstack(observed)
        due = updates >= self.interval
        direction = tf.sign(signs / tf.maximum(images, 1.0) - self.target)
        change = tf.where(due, direction * images / self.adjustment_images, 0.0)
        probability = tf.clip_by_value(self._current_probability() + change, 0.0, 1.0)
        return [
            self.probability.assign(probability, read_value=False),
            self._observed.assign(tf.where(due, 0.0, observed), read_value=False),
        ]


def _check(name: str, value: Any, expected: str, holds: Callable[[Any], bool]) -> None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not holds(value):
        raise ValueError(f"{name} must be {expected}, got {value!r}.")
