"""The gradient penalty, and what counts as a discriminator's logits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite import deferred
from tfgan_lite.losses.reduction import (
    Reduction,
    as_written,
    in_plain_graph,
    publish,
    weighted_loss,
)


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


# Autograph stays on here, so that `discriminator_fn` may use Python's `if` on tensors as it may
# everywhere else in a tf.function.
def wasserstein_gradient_penalty(
    real_data: Any,
    generated_data: Any,
    generator_inputs: Any,
    discriminator_fn: Callable[[Any, Any], Any],
    discriminator_scope: tf.compat.v1.VariableScope | str | None,
    epsilon: float = 1e-10,
    target: float = 1.0,
    one_sided: bool = False,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
    seed: int | tf.Tensor | None = None,
) -> tf.Tensor:
    """Penalises a critic whose slope between real and generated data is not `target`.

    Each pair of a real and a generated example is mixed at one random place of the line between
    them; the slope there is the norm of the gradient of the critic's logits, and the penalty is
    `(slope / target - 1) ** 2`. The arithmetic is in float32 whatever the data's dtype. A critic
    that mixes the examples of a batch (batch normalisation) has no slope of its own per example.

    Paper: Gulrajani et al., Improved Training of Wasserstein GANs, arXiv:1704.00028.

    Args:
      real_data: A floating tensor [B, ...] or a nested structure of them, of known ranks.
      generated_data: The same structure, with equal shapes.
      generator_inputs: Passed on to `discriminator_fn`.
      discriminator_fn: Called as `discriminator_fn(data, generator_inputs)` with data of the
        structure and dtypes of `real_data`; see `logits_of` for what it may return.
      discriminator_scope: In a tf.Graph, the variable scope whose variables `discriminator_fn`
        uses again, when it is a scope or its name; ignored elsewhere, and for a
        `discriminator_fn` with a true attribute `enters_own_scope`.
      epsilon: Added to the squared slope, >= 0; value and gradient are finite with 0 as well.
      target: The wanted slope, > 0.
      one_sided: Whether slopes below `target` are free.
      weights: Loss weights >= 0, a scalar or [B].
      scope: Name scope of the operations.
      loss_collection: A collection of the tf.Graph that gets the returned value, or None.
      reduction: One of tf.compat.v1.losses.Reduction.
      add_summaries: Whether to summarise the value as `gradient_penalty_loss`.
      seed: What the random places depend on: an int or an integer tensor [2], with which every
        call draws the same; or None for the seed of the run in progress, or else TensorFlow's.

    Returns:
      A float32 scalar >= 0, or [B] when `reduction` is NONE.

    Raises:
      ValueError: If structures or shapes of the data differ, a rank is unknown, data are not
        floating, `discriminator_fn` ignores the data or returns no logits, or another argument
        is out of its range.
      tf.errors.InvalidArgumentError: If shapes that were unknown differ when the penalty runs.
    """
    if not (tf.is_tensor(epsilon) or epsilon >= 0):
        raise ValueError(f"epsilon must be >= 0, not {epsilon}.")
    if not (tf.is_tensor(target) or target > 0):
        raise ValueError(f"target must be > 0, not {target}: the penalty divides by it.")
    with tf.name_scope(scope or "wasserstein_gradient_penalty"):
        real, generated = _matching_leaves(real_data, generated_data)
        places = _places(real, generated, seed)
        with (
            _reusing(discriminator_scope, discriminator_fn),
            tf.GradientTape(watch_accessed_variables=False) as tape,
        ):
            tape.watch(places)
            data = [tf.cast(place, like.dtype) for place, like in zip(places, real, strict=True)]
            data = tf.nest.pack_sequence_as(real_data, data)
            logits = logits_of(discriminator_fn(data, generator_inputs))
        slopes = _slopes(tape.gradient(logits, places), epsilon)
        excess = slopes / target - 1.0
        if one_sided:
            excess = tf.nn.relu(excess)
        loss = weighted_loss(tf.square(excess), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"gradient_penalty_loss": loss})


@as_written
def _matching_leaves(real_data: Any, generated_data: Any) -> tuple[list, list]:
    """Flattens both structures to tensors, of which each pair has one shape."""
    try:
        tf.nest.assert_same_structure(real_data, generated_data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"real_data and generated_data differ in structure: {error}") from error
    real = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(real_data)]
    generated = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(generated_data)]
    for mine, other in zip(real, generated, strict=True):
        if not (mine.dtype.is_floating and other.dtype.is_floating):
            raise ValueError(
                f"A gradient needs floating data, not {mine.dtype.name} (real) and "
                f"{other.dtype.name} (generated); D gets labels through generator_inputs."
            )
        if not (mine.shape.rank and other.shape.rank):
            raise ValueError(
                "The ranks of the data must be known and at least 1; the shapes are "
                f"{mine.shape} (real) and {other.shape} (generated). Use tf.ensure_shape."
            )
        if not mine.shape.is_compatible_with(other.shape):
            raise ValueError(
                f"real_data has shape {mine.shape} and generated_data {other.shape}: they must be "
                "equal, since each real example is paired with a generated one."
            )
    if len({leaf.shape[0] for leaf in real + generated} - {None}) > 1:
        raise ValueError(
            "The parts of the data must have one batch size; their shapes are "
            f"{[leaf.shape.as_list() for leaf in real]}."
        )
    if all(leaf.shape.is_fully_defined() for leaf in real + generated):
        return real, generated
    batch = tf.shape(real[0])[:1]
    shapes = [tf.concat([batch, tf.shape(leaf)[1:]], axis=0) for leaf in real]
    return (
        [_with_shape(leaf, shape) for leaf, shape in zip(real, shapes, strict=True)],
        [_with_shape(leaf, shape) for leaf, shape in zip(generated, shapes, strict=True)],
    )


def _with_shape(leaf: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Returns the leaf after asserting its shape at run time."""
    assertion = tf.debugging.assert_equal(
        tf.shape(leaf), shape, "The shapes of real_data and generated_data differ."
    )
    with tf.control_dependencies([assertion]):
        # XLA drops the assertion; it keeps the reshape, which fails where the sizes differ.
        return tf.reshape(leaf, shape)


@as_written
def _places(
    real: Sequence[tf.Tensor], generated: Sequence[tf.Tensor], seed: int | tf.Tensor | None
) -> list[tf.Tensor]:
    """Mixes each pair of leaves in float32, with one random share per example."""
    if seed is None:
        seed = deferred.random_seed("gradient_penalty")
    elif tf.convert_to_tensor(seed).shape.rank == 0:
        seed = tf.stack([0, seed])
    batch = tf.shape(real[0])[:1]
    if seed is None:
        share = tf.random.uniform(batch)
    else:
        # Left to itself, TensorFlow takes another algorithm under XLA, and so other numbers.
        share = tf.random.stateless_uniform(batch, seed, alg="philox")
    places = []
    for start, end in zip(real, generated, strict=True):
        start, end = tf.cast(start, tf.float32), tf.cast(end, tf.float32)
        places.append(
            start + tf.reshape(share, [-1] + [1] * (start.shape.rank - 1)) * (end - start)
        )
    return places


def _reusing(scope: Any, discriminator_fn: Any) -> contextlib.AbstractContextManager:
    """Opens the variable scope that the critic's variables are in, where there is such a thing."""
    named = isinstance(scope, (str, tf.compat.v1.VariableScope))
    if named and in_plain_graph() and not getattr(discriminator_fn, "enters_own_scope", False):
        return tf.compat.v1.variable_scope(scope, reuse=True)
    return contextlib.nullcontext()


@as_written
def _slopes(gradients: Sequence[tf.Tensor | None], epsilon: float | tf.Tensor) -> tf.Tensor:
    """Takes the norm per example over all leaves, safe in value and gradient at zero."""
    gradients = [gradient for gradient in gradients if gradient is not None]
    if not gradients:
        raise ValueError(
            "The discriminator ignores its data: its logits have no gradient with respect to them."
        )
    squares = [
        tf.reduce_sum(tf.square(gradient), axis=list(range(1, gradient.shape.rank)))
        for gradient in gradients
    ]
    square = tf.add_n(squares) + epsilon
    # The root's derivative is infinite at zero. The inner `where` keeps that infinity out of the
    # gradient, where zero times it would be nan.
    steep = square > 0.0
    return tf.where(steep, tf.sqrt(tf.where(steep, square, 1.0)), 0.0)
