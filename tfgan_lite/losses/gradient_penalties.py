"""Gradient penalties, each about the discriminator's slope at places of its own.

WGAN-GP's are between real and generated data, R1's and R2's at real and at generated data, and
DRAGAN's near real data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.losses.draws import normals, seed_for, uniform
from tfgan_lite.losses.reduction import Reduction, as_written, publish, weighted_loss
from tfgan_lite.losses.safe_math import safe_sqrt
from tfgan_lite.losses.shapes import of_equal_shape
from tfgan_lite.losses.slopes import floating_leaves, squared_slopes
from tfgan_lite.structures import skeleton

# Autograph stays on in the penalties, so that `discriminator_fn` may use Python's `if` on tensors
# as it may everywhere else in a tf.function.


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
            _mixed(real, generated, seed),
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


def r1_penalty(
    real_data: Any,
    generator_inputs: Any,
    discriminator_fn: Callable[[Any, Any], Any],
    discriminator_scope: tf.compat.v1.VariableScope | str | None,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Half the squared slope of the discriminator at real data: R1.

    With the weight gamma this is `gamma / 2 * E |grad D(x)|^2`, so that gamma means what it means
    in the papers and in StyleGAN2's `r1_gamma`. The arithmetic is in float32 whatever the data's
    dtype.

    Paper: Mescheder et al., Which Training Methods for GANs do actually Converge?,
    arXiv:1801.04406.

    Args:
      real_data: A floating tensor [B, ...] or a nested structure of tensors, of known ranks.
        Leaves that are not floating, such as labels, are given to the discriminator as they are.
      generator_inputs: Passed on to `discriminator_fn`.
      discriminator_fn: Called as `discriminator_fn(data, generator_inputs)` with data of the
        structure and dtypes of `real_data`; a dict it returns has the key "logits", and a tuple or
        list has the logits first.
      discriminator_scope: In a tf.Graph, the variable scope whose variables `discriminator_fn`
        uses again, when it is a scope or its name; ignored elsewhere, and for a
        `discriminator_fn` with a true attribute `enters_own_scope`.
      weights: Factors >= 0, a scalar or [B].
      scope: Name scope of the operations.
      loss_collection: A collection of the tf.Graph that gets the returned value, or None.
      reduction: One of tf.compat.v1.losses.Reduction.
      add_summaries: Whether to summarise the value as `r1_penalty_loss`.

    Returns:
      A float32 scalar >= 0, or [B] when `reduction` is NONE.

    Raises:
      ValueError: If a rank is unknown, no part of the data is floating, their batch sizes differ,
        `discriminator_fn` ignores the data or returns no logits, or weights are negative.

    Example:
      >>> loss = tfgan.gan_loss(model, penalties=[(tfgan.losses.r1_penalty, 10.0, 16)])
      >>> loss.discriminator_loss.shape.as_list()
      []
    """
    with tf.name_scope(scope or "r1_penalty"):
        places = _in_float32(floating_leaves(real_data, "real_data"))
        squares = squared_slopes(
            places, real_data, generator_inputs, discriminator_fn, discriminator_scope
        )
        loss = weighted_loss(squares / 2, weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"r1_penalty_loss": loss})


def r2_penalty(
    generated_data: Any,
    generator_inputs: Any,
    discriminator_fn: Callable[[Any, Any], Any],
    discriminator_scope: tf.compat.v1.VariableScope | str | None,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Half the squared slope of the discriminator at generated data: R2.

    The convention is that of `r1_penalty`: the weight is the papers' gamma.

    Papers: Mescheder et al., arXiv:1801.04406; with R1 in R3GAN, arXiv:2501.05441.

    Args:
      generated_data: A floating tensor [B, ...] or a nested structure of tensors, of known ranks.
        Leaves that are not floating, such as labels, are given to the discriminator as they are.
      generator_inputs: Passed on to `discriminator_fn`.
      discriminator_fn: As in `r1_penalty`.
      discriminator_scope: As in `r1_penalty`.
      weights: Factors >= 0, a scalar or [B].
      scope: Name scope of the operations.
      loss_collection: A collection of the tf.Graph that gets the returned value, or None.
      reduction: One of tf.compat.v1.losses.Reduction.
      add_summaries: Whether to summarise the value as `r2_penalty_loss`.

    Returns:
      A float32 scalar >= 0, or [B] when `reduction` is NONE.

    Raises:
      ValueError: As in `r1_penalty`.

    Example:
      >>> loss = tfgan.gan_loss(model, penalties=[(tfgan.losses.r2_penalty, 10.0, 16)])
      >>> loss.discriminator_loss.shape.as_list()
      []
    """
    with tf.name_scope(scope or "r2_penalty"):
        places = _in_float32(floating_leaves(generated_data, "generated_data"))
        squares = squared_slopes(
            places, generated_data, generator_inputs, discriminator_fn, discriminator_scope
        )
        loss = weighted_loss(squares / 2, weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"r2_penalty_loss": loss})


def dragan_penalty(
    real_data: Any,
    generator_inputs: Any,
    discriminator_fn: Callable[[Any, Any], Any],
    discriminator_scope: tf.compat.v1.VariableScope | str | None,
    noise_scale: float = 0.5,
    target: float = 1.0,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
    seed: int | tf.Tensor | None = None,
) -> tf.Tensor:
    """Penalises a discriminator whose slope near real data is not `target`: DRAGAN.

    Each real example is moved by normal noise, and the penalty there is `(slope - target) ** 2`.
    The noise's standard deviation is `noise_scale` times that of all numbers of the real batch, as
    in the authors' code (whose noise is uniform; the paper's is normal).

    Paper: Kodali et al., On Convergence and Stability of GANs, arXiv:1705.07215; lambda is 10.

    Args:
      real_data: A floating tensor [B, ...] or a nested structure of tensors, of known ranks.
        Leaves that are not floating, such as labels, are given to the discriminator as they are.
      generator_inputs: Passed on to `discriminator_fn`.
      discriminator_fn: As in `r1_penalty`.
      discriminator_scope: As in `r1_penalty`.
      noise_scale: Standard deviation of the noise in units of that of the data, >= 0.
      target: The wanted slope, >= 0.
      weights: Factors >= 0, a scalar or [B].
      scope: Name scope of the operations.
      loss_collection: A collection of the tf.Graph that gets the returned value, or None.
      reduction: One of tf.compat.v1.losses.Reduction.
      add_summaries: Whether to summarise the value as `dragan_penalty_loss`.
      seed: What the noise depends on: an int or an integer tensor [2], with which every call draws
        the same; or None for the seed of the run in progress, or else TensorFlow's.

    Returns:
      A float32 scalar >= 0, or [B] when `reduction` is NONE.

    Raises:
      ValueError: As in `r1_penalty`, or `noise_scale` or `target` is negative.

    Example:
      >>> loss = tfgan.gan_loss(model, penalties=[(tfgan.losses.dragan_penalty, 10.0)])
      >>> loss.discriminator_loss.shape.as_list()
      []
    """
    for name, value in {"noise_scale": noise_scale, "target": target}.items():
        if not (tf.is_tensor(value) or value >= 0):
            raise ValueError(f"{name} must be >= 0, not {value}.")
    with tf.name_scope(scope or "dragan_penalty"):
        leaves = floating_leaves(real_data, "real_data")
        places = _perturbed(_in_float32(leaves), noise_scale, seed_for("dragan_penalty", seed))
        squares = squared_slopes(
            places, real_data, generator_inputs, discriminator_fn, discriminator_scope
        )
        loss = weighted_loss(tf.square(safe_sqrt(squares) - target), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"dragan_penalty_loss": loss})


@as_written
def _matching_leaves(real_data: Any, generated_data: Any) -> tuple[list, list]:
    """Flattens both structures to tensors, of which each pair has one shape."""
    try:
        tf.nest.assert_same_structure(skeleton(real_data), skeleton(generated_data))
    except (TypeError, ValueError) as error:
        raise ValueError(f"real_data and generated_data differ in structure: {error}") from error
    _check_all_floating(real_data, "real_data")
    _check_all_floating(generated_data, "generated_data")
    pairs = zip(
        floating_leaves(real_data, "real_data"), floating_leaves(generated_data, "generated_data")
    )
    # Each real example is paired with a generated one.
    pairs = [of_equal_shape(*pair, "real_data", "generated_data") for pair in pairs]
    return [real for real, _ in pairs], [generated for _, generated in pairs]


@as_written
def _check_all_floating(data: Any, name: str) -> None:
    for leaf in tf.nest.flatten(data):
        dtype = tf.convert_to_tensor(leaf).dtype
        if not dtype.is_floating:
            raise ValueError(
                f"The gradient penalty is taken between real and generated data, but a part of"
                f" {name} is {dtype.name}: there is nothing between two labels or tokens. Make them"
                " one-hot vectors, or give labels of the real batch through generator_inputs; R1"
                " and R2 leave integers as they are."
            )


@as_written
def _mixed(
    real: Sequence[tf.Tensor], generated: Sequence[tf.Tensor], seed: int | tf.Tensor | None
) -> list[tf.Tensor]:
    """Mixes each pair of leaves in float32, with one random share per example."""
    share = uniform(tf.shape(real[0])[:1], seed_for("gradient_penalty", seed))
    places = []
    for start, end in zip(_in_float32(real), _in_float32(generated), strict=True):
        places.append(
            start + tf.reshape(share, [-1] + [1] * (start.shape.rank - 1)) * (end - start)
        )
    return places


@as_written
def _in_float32(leaves: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    return [tf.cast(leaf, tf.float32) for leaf in leaves]


@as_written
def _perturbed(
    leaves: list[tf.Tensor], noise_scale: float | tf.Tensor, seed: tf.Tensor | None
) -> list[tf.Tensor]:
    noises = normals([tf.shape(leaf) for leaf in leaves], seed)
    return [
        leaf + noise_scale * safe_sqrt(tf.math.reduce_variance(leaf)) * noise
        for leaf, noise in zip(leaves, noises)
    ]
