"""What formulas on logits share: how they are described, and how they take real and generated."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.losses.reduction import as_written

# A name means the same in nearly every formula, so it is described once, here.
_ARGS = {
    "discriminator_real_outputs": "Logits of real data, [B], [B, K] or [B, H, W, C], of any dtype.",
    "discriminator_gen_outputs": "Logits of generated data, likewise, and of the real ones' shape.",
    "discriminator_real_classification_logits": "Class logits of real data, [B, classes], of any\n"
    "    floating dtype.",
    "discriminator_gen_classification_logits": "The same for generated data.",
    "one_hot_labels": "The wanted classes, [B, classes], of any dtype; each row sums to 1.",
    "label_smoothing": "In [0, 1]; the target 1 becomes 1 - label_smoothing / 2 (0.25: 0.875).",
    "real_hinge": "Where the loss of a real logit becomes 0, a number.",
    "generated_hinge": "Minus the place where the loss of a generated logit becomes 0, a number.",
    "real_label": "The logit of real data, a number; the generator's aim as well.",
    "fake_label": "The logit that generated data should have, a number.",
    "real_average": "The average logit of real data over past batches, a number.",
    "generated_average": "The same for generated data.",
    "logit_scale": "What distances of logits are divided by, >= 0; with 0 they count as 0.",
    "one_sided": "Whether real logits below `generated_average`, and generated ones above\n"
    "    `real_average`, are free.",
    "weights": "Factors >= 0, a scalar or of the losses' rank and broadcastable to their shape.",
    "real_weights": "Factors >= 0 for the losses of real data, a scalar or of their rank and\n"
    "    broadcastable to their shape.",
    "generated_weights": "The same for generated data.",
    "scope": "Name scope of the operations, or None for the function's name.",
    "loss_collection": "A collection of the tf.Graph that gets the returned value, or None.",
    "reduction": "One of tf.compat.v1.losses.Reduction.",
    "add_summaries": "Whether to summarise the loss and its parts.",
}
_RESULT = """
Returns:
  The loss, a float32 scalar; when `reduction` is NONE, one for each {element}.

Raises:
  ValueError: If shapes do not fit each other, weights are negative or do not fit the losses,
    another number is out of its range, `reduction` is unknown, or a collection is named outside a
    tf.Graph.
"""


def formula(function: Callable[..., Any] | None = None, **described: str) -> Callable[..., Any]:
    """Completes the docstring of a loss and keeps autograph out of it.

    Args:
      function: The loss.
      **described: What is said of arguments that mean something else in it than elsewhere.
    """
    if function is None:
        return functools.partial(formula, **described)
    names = inspect.signature(function).parameters
    texts = _ARGS | described
    arguments = "".join(f"  {name}: {texts[name]}\n" for name in names)
    result = _RESULT.format(element="example" if "one_hot_labels" in names else "logit")
    summary, heading, example = inspect.cleandoc(function.__doc__ or "").partition("\nExample:\n")
    function.__doc__ = f"{summary.rstrip()}\n\nArgs:\n{arguments}{result}{heading}{example}"
    return as_written(function)


def pair(real: tf.Tensor, generated: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Casts both logits to float32 after comparing their shapes."""
    real, generated = tf.cast(real, tf.float32), tf.cast(generated, tf.float32)
    if not real.shape.is_compatible_with(generated.shape):
        raise ValueError(
            f"discriminator_real_outputs has shape {real.shape} and discriminator_gen_outputs "
            f"{generated.shape}: they must be equal."
        )
    return real, generated


def tags(kind: str, loss: tf.Tensor, real_loss: tf.Tensor, fake_loss: tf.Tensor) -> dict:
    """Names a discriminator's loss and its two parts as TF-GAN's summaries do."""
    return {
        f"discriminator_gen_{kind}_loss": fake_loss,
        f"discriminator_real_{kind}_loss": real_loss,
        f"discriminator_{kind}_loss": loss,
    }


def check_smoothing(label_smoothing: float | tf.Tensor) -> None:
    """Raises ValueError for a number outside [0, 1]."""
    if not (tf.is_tensor(label_smoothing) or 0 <= label_smoothing <= 1):
        raise ValueError(f"label_smoothing must be in [0, 1], not {label_smoothing}.")


def cross_entropy_with_one(logits: tf.Tensor, label_smoothing: float | tf.Tensor) -> tf.Tensor:
    """Cross entropy of sigmoid(logits) with the target 1 - label_smoothing / 2."""
    check_smoothing(label_smoothing)
    return tf.nn.softplus(-logits) + label_smoothing / 2 * logits
