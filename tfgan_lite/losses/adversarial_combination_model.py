"""`combine_adversarial_loss` on a GANLoss: in graphs, in tf.functions and on deferred values."""

from __future__ import annotations

import contextlib
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred, defer, materialise
from tfgan_lite.losses import adversarial_combination
from tfgan_lite.losses.reduction import as_written
from tfgan_lite.runs import Run, current_run
from tfgan_lite.structures import GANLoss


@as_written
def combine_adversarial_loss(
    gan_loss: GANLoss,
    gan_model: Any,
    non_adversarial_loss: Any,
    weight_factor: float | tf.Tensor | None = None,
    gradient_ratio: float | tf.Tensor | None = None,
    gradient_ratio_epsilon: float = 1e-6,
    scalar_summaries: bool = True,
    gradient_summaries: bool = True,
) -> GANLoss:
    """Adds another loss, of pixels for instance, to the generator's adversarial loss.

    The generator's new loss is `non_adversarial_loss + weight * gan_loss.generator_loss`; see
    `losses.wargs.combine_adversarial_loss` for the weight. With `gradient_ratio` each update takes
    both losses' gradients once more; under several replicas each replica finds its own weight.

    Args:
      gan_loss: The GANLoss of the model.
      gan_model: The GANModel, whose generator's variables the gradients are taken in.
      non_adversarial_loss: A scalar, or losses [B, ...]: a tensor or a deferred value
        (`tfgan_lite.defer(fn, gan_model)`).
      weight_factor: The weight of the adversarial loss, >= 0; 0 leaves it out.
      gradient_ratio: The wanted ratio of the norms of the gradients, the other loss's to the
        adversarial one's, > 0. Exactly one of both is given.
      gradient_ratio_epsilon: Keeps the weight finite, >= 0.
      scalar_summaries: Whether to summarise both losses, their sum and the weight.
      gradient_summaries: Whether to summarise the gradients' norms, where they are needed anyway.

    Returns:
      The GANLoss with the generator's loss replaced.

    Raises:
      ValueError: As in `losses.wargs.combine_adversarial_loss`.
      RuntimeError: If a gradient ratio is asked for of eager tensors.

    Example:
      >>> pixels = tfgan.defer(lambda m: tf.reduce_mean(m.generated_data**2), model, name="pixels")
      >>> both = tfgan.losses.combine_adversarial_loss(loss, model, pixels, weight_factor=0.01)
      >>> both.generator_loss.shape.as_list()
      []
    """
    adversarial_combination.check_combination(weight_factor, gradient_ratio, gradient_ratio_epsilon)
    if adversarial_combination.is_zero(weight_factor):
        return gan_loss._replace(generator_loss=non_adversarial_loss)
    nodes = non_adversarial_loss, gan_loss.generator_loss

    def on_values(main_loss: tf.Tensor, adversarial_loss: tf.Tensor) -> tf.Tensor:
        arguments = {
            "weight_factor": weight_factor,
            "gradient_ratio": gradient_ratio,
            "gradient_ratio_epsilon": gradient_ratio_epsilon,
            "scalar_summaries": scalar_summaries,
            "gradient_summaries": gradient_summaries,
        }
        run = current_run()
        if gradient_ratio is not None and run is not None and tf.executing_eagerly():
            norms = _norms_in_eager_run(run, nodes, gan_model)
            return adversarial_combination.combined(
                main_loss, adversarial_loss, norms=norms, **arguments
            )
        return adversarial_combination.combine_adversarial_loss(
            main_loss, adversarial_loss, variables=gan_model.generator_variables, **arguments
        )

    total = defer(on_values, *nodes, name="combined_generator_loss")
    return gan_loss._replace(generator_loss=total)


def _norms_in_eager_run(
    run: Run, nodes: tuple[Any, Any], gan_model: Any
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes both losses of an eager run again, on the same draws, this time on a tape.

    An eager tensor does not know how it was computed; in a traced run `tf.gradients` asks the
    graph, and nothing is computed twice.
    """
    again = Run(
        run.draws,
        key=run.key,
        seed=run.seed,
        training=run.training,
        values={node: value for node, value in run.fed.items() if isinstance(node, Deferred)},
        iterators=run.iterators,
        batch_size=run.batch_size,
    )
    with contextlib.ExitStack() as stack:
        for network in (gan_model.generator_fn, gan_model.discriminator_fn):
            stack.enter_context(network.statistics_kept())
        stack.enter_context(again)
        with tf.GradientTape(persistent=True) as tape:
            main_loss, adversarial_loss = materialise(nodes)
        return adversarial_combination.gradient_norms(
            main_loss, adversarial_loss, gan_model.generator_variables, tape
        )
