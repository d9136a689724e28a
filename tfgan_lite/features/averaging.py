"""Averaged weights: the generator that samples best is an average of the ones that trained."""

from __future__ import annotations

import contextlib
import math
import numbers
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.variables import unwrapped
from tfgan_lite.worlds import in_plain_graph

__all__ = ["WeightAverage"]


class WeightAverage(tf.Module):
    """An exponential moving average of a network's variables, its half-life counted in images.

    After each update of the network, `average += (1 - beta) (variable - average)` with
    `beta = 0.5 ** (images in the batch / half-life)`: whatever the batch size, a weight's old value
    counts half after `half_life_images` images. Early in training the half-life is `ramp_up` times
    the images seen, so that the average soon forgets the random initial weights.

    All floating variables are averaged, statistics such as batch norm's moments too: they then
    belong to the averaged weights. Integers and booleans (counters, seeds) have no average and are
    used as they are. Half-precision variables have float32 averages, which small steps still move.

    Papers: Yazici et al., arXiv:1806.04498; half-life and ramp-up: Karras et al., StyleGAN2-ADA,
    arXiv:2006.06676 (which copies statistics instead).

    Args:
      half_life_images: images, >= 0; with 0 the average is a copy.
      ramp_up: the half-life's largest share of the images seen, > 0; None for no ramp-up.

    Attributes:
      averages: after `build`, one variable for each floating variable, in the same order.

    Example:
      >>> average = tfgan.features.WeightAverage(half_life_images=10_000)
      >>> sgd = tf.keras.optimizers.SGD
      >>> train_ops = tfgan.gan_train_ops(model, loss, sgd(), sgd(), generator_average=average)
      >>> tfgan.generate(model, 5, seed=0, average=average).shape.as_list()
      [5, 3]
    """

    def __init__(self, half_life_images: float = 10_000, ramp_up: float | None = 0.05):
        super().__init__(name="weight_average")
        if not _is_number(half_life_images) or not 0 <= half_life_images < math.inf:
            raise ValueError(
                f"half_life_images must be a number of images >= 0, got {half_life_images!r}."
            )
        if ramp_up is not None and (not _is_number(ramp_up) or not 0 < ramp_up < math.inf):
            raise ValueError(f"ramp_up must be a number > 0, or None, got {ramp_up!r}.")
        self.half_life_images = float(half_life_images)
        self.ramp_up = ramp_up
        self.averages: list[tf.Variable] = []
        # In a function, so that tf.Module does not count them, nor a checkpoint save them twice.
        self._variables: Callable[[], list[tf.Variable]] | None = None

    def build(self, variables: Sequence[tf.Variable]) -> None:
        """Makes the averages, with the values that the variables have; a second time does nothing.

        Args:
          variables: all that a network owns: `model.generator_fn.variables`, or
            `keras_model.variables`.

        Raises:
          TypeError: something is not a variable.
          ValueError: no floating variable; other variables than the first time; in a graph, a
            reference variable, which cannot be read before and after a change.
        """
        variables = [unwrapped(v) for v in variables]
        for v in variables:
            if not isinstance(v, tf.Variable):
                raise TypeError(f"variables must be tf.Variables or Keras variables, got {v!r}.")
            if not hasattr(v, "handle"):
                raise ValueError(
                    f"{v.name} is a reference variable: call"
                    " tf.compat.v1.enable_resource_variables() before it is made."
                )
        floating = [v for v in variables if v.dtype.is_floating]
        if self._variables is not None:
            if [id(v) for v in floating] != [id(v) for v in self._variables()]:
                raise ValueError("This WeightAverage was built for other variables; make another.")
            return
        if not floating:
            raise ValueError(f"None of the {len(variables)} variables is floating.")
        self.averages = [_average_of(v) for v in floating]
        self._variables = lambda: floating

    @tf.autograph.experimental.do_not_convert
    def update(self, images_in_batch: Any, images_seen: Any) -> tf.Operation | None:
        """Moves the averages towards the variables.

        Args:
          images_in_batch: images of the update that has just changed the variables, over all
            replicas; a number or a scalar tensor, > 0.
          images_seen: images of all updates before it, >= 0.

        Returns:
          In a `tf.Graph` the op that does it; elsewhere it is done.

        Raises:
          ValueError: a number that is negative; `build` was not called.
        """
        rate = self._rate(images_in_batch, images_seen)
        done = []
        for variable, average in self._pairs():
            value = tf.cast(variable.read_value(), average.dtype)
            old = average.read_value()
            # At rate 1 a weighted sum is exactly the value, which old + (value - old) is not.
            share = tf.cast(rate, average.dtype)
            new = tf.where(share < 1.0, old + share * (value - old), value)
            done.append(average.assign(new, read_value=False))
        return tf.group(*done) if in_plain_graph() else None

    @contextlib.contextmanager
    def averaged(self) -> Iterator[Callable[[Any], Any]]:
        """The variables have their averaged values inside, and their own again after it.

        Yields a function that results must pass through, in every world:

            with average.averaged() as restored:
                images = restored(generator(noise, training=False))

        In a `tf.Graph` what it returns runs after the variables have their own values again;
        nothing else that reads or changes them may be in the same `session.run`. Elsewhere it
        returns its argument, and an exception inside restores the variables too.

        Raises:
          ValueError: `build` was not called; in a graph, nothing went through the function.
        """
        pairs = self._pairs()
        saved = [tf.identity(variable.read_value()) for variable, _ in pairs]

        def swap() -> list[Any]:
            return [v.assign(tf.cast(a, v.dtype), read_value=False) for v, a in pairs]

        def restore() -> list[Any]:
            return [v.assign(s, read_value=False) for (v, _), s in zip(pairs, saved)]

        if not in_plain_graph():
            swap()
            try:
                yield lambda results: results
            finally:
                restore()
            return

        used = []

        def restored(results: Any) -> Any:
            used.append(results)
            with tf.control_dependencies(tf.nest.flatten(results)):
                back = restore()
            with tf.control_dependencies(back):
                return tf.nest.map_structure(tf.identity, results)

        with tf.control_dependencies(saved):
            swapped = swap()
        with tf.control_dependencies(swapped):
            yield restored
        if len(used) != 1:
            raise ValueError(
                f"{len(used)} results went through the function that averaged() gave, and in a"
                " tf.Graph there must be one (a structure of all of them), so that the variables"
                " get their own values back after it: images = restored(generator(noise))."
            )

    def _rate(self, images_in_batch: Any, images_seen: Any) -> tf.Tensor:
        """1 - beta, float32."""
        for name, value in (("images_in_batch", images_in_batch), ("images_seen", images_seen)):
            if _is_number(value) and not value >= 0:
                raise ValueError(f"{name} must be >= 0, got {value!r}.")
        half_life = tf.constant(self.half_life_images)
        if self.ramp_up is not None:
            half_life = tf.minimum(half_life, tf.cast(images_seen, tf.float32) * self.ramp_up)
        positive = half_life > 0.0
        half_lives = tf.cast(images_in_batch, tf.float32) / tf.where(positive, half_life, 1.0)
        # The difference 1 - beta would cancel most digits of a small rate.
        return tf.where(positive, -tf.math.expm1(-math.log(2.0) * half_lives), 1.0)

    def _pairs(self) -> list[tuple[tf.Variable, tf.Variable]]:
        if self._variables is None:
            raise ValueError("Call build(variables) before the averages are used.")
        return [
            pair
            for variable, average in zip(self._variables(), self.averages)
            for pair in zip(_copies(variable), _copies(average), strict=True)
        ]


def _average_of(variable: tf.Variable) -> tf.Variable:
    def initial_value() -> tf.Tensor:
        if not in_plain_graph():
            value = variable.read_value()
        else:  # Both may be initialised in one session.run, in any order.
            value = tf.cond(
                tf.compat.v1.is_variable_initialized(variable),
                variable.read_value,
                lambda: variable.initial_value,
            )
        return tf.cast(value, dtype)

    dtype = tf.float32 if variable.dtype.size < 4 else variable.dtype.base_dtype
    on_read = variable.synchronization == tf.VariableSynchronization.ON_READ
    strategy = getattr(variable, "distribute_strategy", None)
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        return tf.Variable(
            initial_value,
            trainable=False,
            name=f"{variable.name.split(':')[0]}/average",
            shape=variable.shape,
            # Replicas that differ (in batch norm's moments) have averages that differ; where they
            # agree, the averages do too, and need no communication.
            synchronization=variable.synchronization,
            aggregation=variable.aggregation if on_read else tf.VariableAggregation.NONE,
        )


def _copies(variable: tf.Variable) -> tuple[tf.Variable, ...]:
    """Inside a replica, its own copy of a distributed variable; outside, the copies of all."""
    strategy = getattr(variable, "distribute_strategy", None)
    context = tf.distribute.get_replica_context()
    if strategy is None or (context is not None and context.strategy is strategy):
        return (variable,)
    return strategy.experimental_local_results(variable)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
