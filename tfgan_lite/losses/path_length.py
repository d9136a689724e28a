"""Path length regularisation: a step in the latents moves the image by a fixed distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.losses.draws import normals, seed_for
from tfgan_lite.losses.moving_average import MovingAverage
from tfgan_lite.losses.reduction import (
    Reduction,
    as_written,
    publish,
    weighted_loss,
)
from tfgan_lite.losses.safe_math import safe_sqrt


def path_length_penalty(
    generator_inputs: Any,
    generator_fn: Callable[[Any], Any],
    average_length: float | tf.Tensor,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
    seed: int | tf.Tensor | None = None,
) -> tf.Tensor:
    """Penalises a generator whose path lengths differ: `(length - average_length) ** 2`.

    Paper: Karras et al., Analyzing and Improving the Image Quality of StyleGAN, arXiv:1912.04958,
    section 3.2. `PathLength` keeps the average.

    Args:
      generator_inputs: As in `path_lengths`.
      generator_fn: As in `path_lengths`.
      average_length: The average length over past batches.
      weights: Factors >= 0, a scalar or [B].
      scope: Name scope of the operations.
      loss_collection: A collection of the tf.Graph that gets the returned value, or None.
      reduction: One of tf.compat.v1.losses.Reduction.
      add_summaries: Whether to summarise the value as `path_length_penalty_loss`.
      seed: As in `path_lengths`.

    Returns:
      A float32 scalar >= 0, or [B] when `reduction` is NONE.

    Raises:
      ValueError: As in `path_lengths`, or weights are negative or do not fit.

    Example:
      >>> tfgan.losses.path_length_penalty(model, average_length=1.0)
      <Deferred 'path_length_penalty' shape=() dtype=float32>
    """
    with tf.name_scope(scope or "path_length_penalty"):
        lengths = path_lengths(generator_inputs, generator_fn, seed)
        loss = weighted_loss(tf.square(lengths - average_length), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"path_length_penalty_loss": loss})


def path_lengths(
    generator_inputs: Any,
    generator_fn: Callable[[Any], Any],
    seed: int | tf.Tensor | None = None,
) -> tf.Tensor:
    """How far a step in the latents moves generated data, for each example (arXiv:1912.04958).

    The length is the norm of the gradient of `sum(data * noise)` in the latents, where the noise is
    normal and divided by the square root of the number of pixels. Its square is summed over the
    latents' last axis and over the leaves of a structure, and averaged over the axes between (the
    layers of StyleGAN's styles [B, layers, channels]).

    Args:
      generator_inputs: Latents [B, ...], or a structure of them. Leaves that are not floating, such
        as labels, are held fixed.
      generator_fn: Gives floating data, [B, H, W, C] or other, for generator inputs.
      seed: What the noise depends on: an int or an integer tensor [2], with which every call draws
        the same; or None for the seed of the run in progress, or else TensorFlow's.

    Returns:
      float32 [B], >= 0; value and gradient are finite where the data do not move.

    Raises:
      ValueError: If no leaf is floating, a rank is unknown, or `generator_fn` ignores its inputs.

    Example:
      >>> latents, lengths = tf.zeros([2, 3]), tfgan.losses.wargs.path_lengths
      >>> once, twice = (lengths(latents, lambda z: speed * z, seed=0) for speed in (1.0, 2.0))
      >>> np.allclose(twice, 2.0 * once)
      True
    """
    inputs = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(generator_inputs)]
    latents = _latents(inputs)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(latents)
        moving = iter(latents)
        leaves = [tf.cast(next(moving), x.dtype) if x.dtype.is_floating else x for x in inputs]
        data = generator_fn(tf.nest.pack_sequence_as(generator_inputs, leaves))
        projection = _projected_on_noise(data, seed_for("path_length_penalty", seed))
    return _lengths(tape.gradient(projection, latents))


class PathLength(tf.Module):
    """The path length penalty of a model, with the average length that it needs.

    One penalty of `gan_loss`: `penalties=[(PathLength(), 2.0, 4)]`. Make it once, as a network is
    made. The average moves where the generator trains, by the batch that it trains on (of all
    replicas), before it is used; it is saved with the training run. Unlike StyleGAN2's it does not
    start at 0, which would draw the first lengths towards 0.

    Paper: Karras et al., arXiv:1912.04958; its average has the decay 0.99, and its penalty the
    weight 2 and every fourth sub-step, on half the batch (here: the whole).

    Args:
      decay: Of the average, in [0, 1).
      latents_fn: Gives the latents to step in for generator inputs, a mapping network for instance;
        None for the generator inputs themselves.
      synthesis_fn: Gives generated data for those latents; None for the whole generator. Both are
        given or neither is, and they use variables of the generator.
      name: Name of the variables, in checkpoints and messages.

    Raises:
      ValueError: If `decay` is out of its range, only one function is given, or this is made inside
        a tf.function.

    Example:
      >>> loss = tfgan.gan_loss(model, penalties=[(tfgan.losses.PathLength(), 2.0, 4)])
      >>> loss.generator_loss.shape.as_list()
      []
    """

    network = "generator"

    def __init__(
        self,
        decay: float = 0.99,
        latents_fn: Callable[[Any], Any] | None = None,
        synthesis_fn: Callable[[Any], Any] | None = None,
        name: str = "path_length",
    ):
        super().__init__(name=name)
        if (latents_fn is None) != (synthesis_fn is None):
            raise ValueError(
                "latents_fn and synthesis_fn are two halves of the generator: give both or neither."
            )
        self._latents_fn, self._synthesis_fn = latents_fn, synthesis_fn
        self._average = MovingAverage(decay, f"{name}_average")

    def __call__(self, model: Any) -> Any:
        """The penalty of the model's generator, a float32 scalar >= 0."""
        return defer(self._on_values, model, name=self.name, lazily=True)

    @as_written
    def _on_values(self, model: Any) -> tf.Tensor:
        inputs, generator = model.generator_inputs, model.generator_fn
        if self._latents_fn is None:
            lengths = path_lengths(inputs, generator)
        else:
            lengths = path_lengths(self._latents_fn(inputs), self._synthesis_fn)
        network = generator if hasattr(generator, "update_ops") else None
        average = self._average.updated(tf.reduce_mean(lengths), network)
        return tf.reduce_mean(tf.square(lengths - average))


@as_written
def _latents(inputs: list[tf.Tensor]) -> list[tf.Tensor]:
    latents = [tf.cast(leaf, tf.float32) for leaf in inputs if leaf.dtype.is_floating]
    if not latents:
        raise ValueError(
            "The path length needs floating generator_inputs to step in; they are"
            f" {[leaf.dtype.name for leaf in inputs]}."
        )
    for leaf in latents:
        if not leaf.shape.rank:
            raise ValueError(
                "The ranks of generator_inputs must be known and at least 1; a shape is"
                f" {leaf.shape}. Use tf.ensure_shape."
            )
    return latents


@as_written
def _projected_on_noise(data: Any, seed: tf.Tensor | None) -> tf.Tensor:
    leaves = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(data)]
    leaves = [tf.cast(leaf, tf.float32) for leaf in leaves if leaf.dtype.is_floating]
    noises = normals([tf.shape(leaf) for leaf in leaves], seed)
    projections = []
    for leaf, noise in zip(leaves, noises):
        pixels = tf.cast(tf.reduce_prod(tf.shape(leaf)[1:-1]), tf.float32)
        projections.append(tf.reduce_sum(leaf * noise / tf.sqrt(pixels)))
    return tf.add_n(projections)


@as_written
def _lengths(gradients: list[tf.Tensor | None]) -> tf.Tensor:
    gradients = [gradient for gradient in gradients if gradient is not None]
    if not gradients:
        raise ValueError(
            "The generator ignores its inputs: generated data have no gradient with respect to"
            " generator_inputs."
        )
    squares = []
    for gradient in gradients:
        square = tf.square(gradient)
        if square.shape.rank > 1:
            square = tf.reduce_sum(square, axis=-1)
            square = tf.reduce_mean(square, axis=list(range(1, square.shape.rank)))
        squares.append(square)
    return safe_sqrt(tf.add_n(squares))
