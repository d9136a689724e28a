"""Two calls of a network in one run, made as one call where that gives the same.

A discriminator's update judges real and generated data. One pass over both batches is faster than
two passes, and gives the same values where no layer mixes the examples of a batch, draws at random
or remembers anything. That is found by trying, never assumed.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.batches import batch_size_of
from tfgan_lite.deferred import Deferred, materialise
from tfgan_lite.runs import Run

if TYPE_CHECKING:
    from tfgan_lite.connections import Call

__all__ = ["MergedCalls"]

_TOLERANCE = 1e-4  # Relative: another batch size makes other roundings.
_UNKNOWN_BATCH = 3


class MergedCalls:
    """Two calls of one network on two batches.

    Args:
      first: a deferred call.
      second: another one of the same network.
    """

    def __init__(self, first: Call, second: Call):
        self._calls = (first, second)

    @property
    def nodes(self) -> tuple[Deferred, ...]:
        """The values of the calls."""
        return tuple(call.node for call in self._calls)

    def compute(self, run: Run) -> None:
        """Gives the run the values of both calls."""
        values = self._together(*(materialise(call.args) for call in self._calls))
        for node, value in zip(self.nodes, values):
            run.know(node, value)

    @functools.cached_property
    def is_exact(self) -> bool:
        """Whether one call on both batches gives what two calls give, found by trying."""
        with tf.init_scope():
            variables = self._calls[0].network.variables
            before = [v.numpy() for v in variables]
            try:
                with Run(key=tf.zeros([2], tf.int32), training=True):
                    exact = self._gives_the_same()
            except Exception as error:  # Whatever fails works as two calls, as it did so far.
                logging.debug("The discriminator is called on each batch by itself: %s", error)
                exact = False
            after = [v.numpy() for v in variables]
            unchanged = all(map(_is_same, before, after))
            if not unchanged:
                for variable, value in zip(variables, before):
                    variable.assign(value)
            return exact and unchanged

    def _gives_the_same(self) -> bool:
        first, second = self._calls
        examples = [_made_up(call.args, seed) for seed, call in enumerate(self._calls)]
        other = _made_up(second.args, 2)
        together = self._together(*examples)
        alone = [call.on(args) for call, args in zip(self._calls, examples)]
        if not all(map(_is_close, together, alone)):
            return False
        # What the first batch gives must not depend on the second, not even with a weight of zero:
        # zero times NaN is NaN.
        poisoned = tf.nest.map_structure(_poisoned, other)
        return all(
            _is_close(self._together(examples[0], batch)[0], together[0])
            and _is_close(self._together(batch, examples[1])[1], together[1])
            for batch in (other, poisoned)
        )

    def _together(self, first_args: Any, second_args: Any) -> list[tuple[Any, Any]]:
        sizes = [batch_size_of(tf.nest.flatten(args)[0]) for args in (first_args, second_args)]
        outputs, losses = self._calls[0].on(tf.nest.map_structure(_joined, first_args, second_args))
        parts = zip(*(tf.split(x, sizes) for x in tf.nest.flatten(outputs)))
        return [(tf.nest.pack_sequence_as(outputs, part), losses) for part in parts]


def _joined(first: Any, second: Any) -> Any:
    if not tf.is_tensor(first):  # Such as a number of classes.
        if first != second:
            raise ValueError(f"{first} is not {second}.")
        return first
    return tf.concat([first, second], 0)


def _made_up(args: Any, seed: int) -> Any:
    """Arguments of the same shapes, and only as many examples as there are."""
    random = np.random.default_rng(seed)

    def example(leaf: Any) -> Any:
        if not (isinstance(leaf, Deferred) or tf.is_tensor(leaf)):
            return leaf
        shape = [_UNKNOWN_BATCH if leaf.shape[0] is None else leaf.shape[0], *leaf.shape[1:]]
        if leaf.dtype.is_floating:
            return tf.cast(random.uniform(-1, 1, shape), leaf.dtype)
        return tf.fill(shape, tf.cast(seed % 2, leaf.dtype))

    return tf.nest.map_structure(example, args)


def _poisoned(leaf: Any) -> Any:
    if tf.is_tensor(leaf) and leaf.dtype.is_floating:
        return tf.fill(leaf.shape, tf.constant(np.nan, leaf.dtype))
    return leaf


def _is_close(one: Any, other: Any) -> bool:
    tf.nest.assert_same_structure(one, other)
    return all(map(_are_close, tf.nest.flatten(one), tf.nest.flatten(other)))


def _are_close(one: tf.Tensor, other: tf.Tensor) -> bool:
    one, other = (tf.cast(x, tf.float64).numpy() for x in (one, other))
    if one.shape != other.shape or not np.isfinite(one).all():
        return False
    return bool(
        np.max(abs(one - other), initial=0.0) <= _TOLERANCE * np.max(abs(other), initial=1e-6)
    )


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.tobytes() == other.tobytes()
