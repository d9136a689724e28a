"""A discriminator's slope: the gradient of its logits in its data, for each example."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.losses.reduction import as_written
from tfgan_lite.losses.shapes import with_shape
from tfgan_lite.worlds import in_plain_graph


@as_written
def logits_of(outputs: Any) -> tf.Tensor:
    """Picks the logits out of what a discriminator returned.

    Args:
      outputs: A tensor, which is the logits; a dict, whose key "logits" holds them; or a tuple or
        list, whose first item they are.

    Returns:
      The logits.

    Raises:
      ValueError: If there is no tensor at that place.
    """
    logits = outputs
    if isinstance(outputs, Mapping):
        if "logits" not in outputs:
            raise ValueError(
                'The discriminator returned a dict without the key "logits"; its keys are '
                f"{sorted(map(str, outputs))}."
            )
        logits = outputs["logits"]
    elif isinstance(outputs, (tuple, list)) and outputs:
        logits = outputs[0]
    if not tf.is_tensor(logits):
        raise ValueError(
            'The discriminator must return its logits as a tensor, under the key "logits" of a '
            f"dict, or first in a tuple or list; it returned {outputs!r}."
        )
    return logits


@as_written
def floating_leaves(data: Any, name: str) -> list[tf.Tensor]:
    """Of data's tensors, which have one batch size, those that can have gradients.

    Args:
      data: A tensor or a structure of them.
      name: What the caller calls it, for messages.

    Raises:
      ValueError: If no leaf is floating, a rank is unknown, or batch sizes differ.
    """
    leaves = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(data)]
    if not any(leaf.dtype.is_floating for leaf in leaves):
        dtypes = ", ".join(leaf.dtype.name for leaf in leaves)
        raise ValueError(f"A gradient needs floating data, but {name} is {dtypes}.")
    for leaf in leaves:
        if not leaf.shape.rank:
            raise ValueError(
                f"The ranks of the data must be known and at least 1; {name} has the shape"
                f" {leaf.shape}. Use tf.ensure_shape."
            )
    sizes = {leaf.shape[0] for leaf in leaves}
    if len(sizes - {None}) > 1:
        raise ValueError(
            f"The parts of {name} must have one batch size; their shapes are "
            f"{[leaf.shape.as_list() for leaf in leaves]}."
        )
    if None in sizes:
        batch = tf.shape(leaves[0])[:1]
        message = f"The batch sizes of the parts of {name} differ."
        shapes = [tf.concat([batch, tf.shape(leaf)[1:]], axis=0) for leaf in leaves[1:]]
        rest = zip(leaves[1:], shapes)
        leaves = [leaves[0], *(with_shape(leaf, shape, message) for leaf, shape in rest)]
    return [leaf for leaf in leaves if leaf.dtype.is_floating]


def squared_slopes(
    places: Sequence[tf.Tensor],
    like: Any,
    generator_inputs: Any,
    discriminator_fn: Callable[[Any, Any], Any],
    discriminator_scope: Any,
) -> tf.Tensor:
    """The squared norm of the logits' gradient for each example, over all leaves of the data.

    Args:
      places: Where to take the slope: float32, one for each floating leaf of data.
      like: Data whose structure and dtypes `discriminator_fn` expects; its other leaves, such as
        integer labels, are given to it as they are.
      generator_inputs: Passed on to `discriminator_fn`.
      discriminator_fn: Called as `discriminator_fn(data, generator_inputs)`; see `logits_of`.
      discriminator_scope: In a tf.Graph, the variable scope that it finds its variables in.

    Returns:
      float32 [B].

    Raises:
      ValueError: If `discriminator_fn` ignores the data or returns no logits.
    """
    with (
        _reusing(discriminator_scope, discriminator_fn),
        tf.GradientTape(watch_accessed_variables=False) as tape,
    ):
        tape.watch(places)
        data = _moved_to(places, like)
        logits = tf.cast(logits_of(discriminator_fn(data, generator_inputs)), tf.float32)
    _warn_of_packs(logits, places[0])
    return _summed_squares(tape.gradient(logits, places))


@as_written
def _moved_to(places: Sequence[tf.Tensor], like: Any) -> Any:
    """Data with the places as its floating leaves."""
    leaves, rest = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(like)], iter(places)
    leaves = [tf.cast(next(rest), x.dtype) if x.dtype.is_floating else x for x in leaves]
    return tf.nest.pack_sequence_as(like, leaves)


@as_written
def _warn_of_packs(logits: tf.Tensor, examples: tf.Tensor) -> None:
    """Warns where the discriminator judges several examples together, as PacGAN's does."""
    count, size = (x.shape[0] if x.shape.rank else None for x in (logits, examples))
    if count and size and count < size:
        warnings.warn(
            f"The discriminator gives {count} logits for {size} examples, while the penalty is of"
            " the slope at each example by itself and not at those that are judged together. Make"
            f" a pack one example of the data: [{count}, {size // count}, ...].",
            stacklevel=2,
        )


@as_written
def _summed_squares(gradients: Sequence[tf.Tensor | None]) -> tf.Tensor:
    gradients = [gradient for gradient in gradients if gradient is not None]
    if not gradients:
        raise ValueError(
            "The discriminator ignores its data: its logits have no gradient with respect to them."
        )
    squares = [
        tf.reduce_sum(tf.square(gradient), axis=list(range(1, gradient.shape.rank)))
        for gradient in gradients
    ]
    return tf.add_n(squares)


def _reusing(scope: Any, discriminator_fn: Any) -> contextlib.AbstractContextManager:
    """Opens the variable scope that the critic's variables are in, where there is such a thing."""
    named = isinstance(scope, (str, tf.compat.v1.VariableScope))
    if named and in_plain_graph() and not getattr(discriminator_fn, "enters_own_scope", False):
        return tf.compat.v1.variable_scope(scope, reuse=tf.compat.v1.AUTO_REUSE)
    return contextlib.nullcontext()
