"""The Wasserstein GAN's gradient penalty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.losses.draws import seed_for, uniform
from tfgan_lite.losses.reduction import Reduction, as_written, publish, weighted_loss
from tfgan_lite.losses.safe_math import safe_sqrt
from tfgan_lite.losses.shapes import of_equal_shape
from tfgan_lite.losses.slopes import floating_leaves, squared_slopes
from tfgan_lite.losses.slopes import logits_of as logits_of


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

    Example:
      >>> x = tf.zeros([4, 2])  # The slope of x1 + x2 is the root of 2: (1.4142 - 1) ** 2.
      >>> critic = lambda data, inputs: tf.reduce_sum(data, 1)
      >>> penalty = tfgan.losses.wargs.wasserstein_gradient_penalty(x, x + 1.0, None, critic, None)
      >>> round(float(penalty), 4)
      0.1716
    """
    if not (tf.is_tensor(epsilon) or epsilon >= 0):
        raise ValueError(f"epsilon must be >= 0, not {epsilon}.")
    if not (tf.is_tensor(target) or target > 0):
        raise ValueError(f"target must be > 0, not {target}: the penalty divides by it.")
    with tf.name_scope(scope or "wasserstein_gradient_penalty"):
        real, generated = _matching_leaves(real_data, generated_data)
        squares = squared_slopes(
            _places(real, generated, seed),
            real_data,
            generator_inputs,
            discriminator_fn,
            discriminator_scope,
        )
        excess = safe_sqrt(squares + epsilon) / target - 1.0
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
    pairs = zip(
        floating_leaves(real_data, "real_data"), floating_leaves(generated_data, "generated_data")
    )
    # Each real example is paired with a generated one.
    pairs = [of_equal_shape(*pair, "real_data", "generated_data") for pair in pairs]
    return [real for real, _ in pairs], [generated for _, generated in pairs]


@as_written
def _places(
    real: Sequence[tf.Tensor], generated: Sequence[tf.Tensor], seed: int | tf.Tensor | None
) -> list[tf.Tensor]:
    """Mixes each pair of leaves in float32, with one random share per example."""
    share = uniform(tf.shape(real[0])[:1], seed_for("gradient_penalty", seed))
    places = []
    for start, end in zip(real, generated, strict=True):
        start, end = tf.cast(start, tf.float32), tf.cast(end, tf.float32)
        places.append(
            start + tf.reshape(share, [-1] + [1] * (start.shape.rank - 1)) * (end - start)
        )
    return places
