"""Hooks that show a run while it trains, and draw at its end."""

import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

import tfgan_lite as tfgan
from examples.mnist_gan import kinds

_PICTURE_STEPS = 250
_SUMMARY_STEPS = 50


def watching(
    kind: kinds.Unconditional,
    generator: tf.keras.Model,
    average: tfgan.features.WeightAverage | None,
    config: dict[str, Any],
    last_step: int,
    num_images: int,
) -> tuple[tfgan.FinalOpsHook, list[Any]]:
    """Returns the hook that draws at the end, and the list of hooks that it is part of.

    Args:
      kind: What the generator is told.
      generator: The network that draws.
      average: The averaged weights that draw; None for the weights that are trained.
      config: The training program's flags.
      last_step: The round to stop after.
      num_images: How many random images are drawn at the end, besides the grids.
    """
    seed = config["seed"]

    def drawing(inputs: Any, count: int) -> Callable[[], Any]:
        sampled = kinds.sampling_model(generator, inputs)
        return lambda: tfgan.generate(sampled, count, seed=seed, average=average)

    inputs_of_grids = {**kind.grids(seed), "interpolation": kind.rows(seed)}
    grids = {name: drawing(inputs, 100) for name, inputs in inputs_of_grids.items()}
    drawn = tfgan.FinalOpsHook({"images": drawing(kind.sampled_inputs(), num_images), **grids})
    return drawn, [
        tfgan.ProgressHook(last_step),
        tfgan.SummaryHook(_SUMMARY_STEPS, hparams=config),
        tfgan.eval.SampleGridHook(
            grids["samples"],
            _PICTURE_STEPS,
            columns=10,
            folder=os.path.join(config["logdir"], "pictures"),
        ),
        drawn,
    ]
