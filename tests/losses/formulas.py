"""The table of all losses on logits: what they take, and what they give in float64 NumPy.

A test of one row holds for every row. A new loss is a row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.losses.worlds import Reduction, reduced
from tfgan_lite.losses import wargs

REAL_LOGITS, GEN_LOGITS = "discriminator_real_outputs", "discriminator_gen_outputs"
REAL_CLASSES = "discriminator_real_classification_logits"
GEN_CLASSES = "discriminator_gen_classification_logits"
LABELS = "one_hot_labels"


@dataclasses.dataclass(frozen=True)
class Formula:
    """One loss.

    Attributes:
      elements: gives the losses per element, without weights, of the inputs and options: one array
        for each of `weights`. The loss is the sum of their reductions.
      inputs: names of the first arguments.
      weights: names of the arguments that weigh `elements`.
      options: the other arguments with their defaults, but for the four that all losses end with.
      tags: of the summaries: that of each of `elements`, in TF-GAN's order, and of the loss.
      tfgan: the loss that TF-GAN 2.1.0 gives for the logits REAL and GEN, where it has the loss.
    """

    elements: Callable[..., tuple[np.ndarray, ...]]
    inputs: tuple[str, ...]
    weights: tuple[str, ...]
    tags: tuple[str, ...]
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    tfgan: float | None = None

    @property
    def takes_classes(self) -> bool:
        return LABELS in self.inputs


def cross_entropy(target, logits):
    """The cross entropy of sigmoid(logits) by its definition."""
    probability = 1 / (1 + np.exp(-logits))
    return -target * np.log(probability) - (1 - target) * np.log(1 - probability)


def class_cross_entropy(labels, logits, label_smoothing=0.0):
    """The cross entropy of softmax(logits) by its definition."""
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    targets = labels * (1 - label_smoothing) + label_smoothing / labels.shape[1]
    return -(targets * np.log(probability)).sum(1)


def smoothed(real, gen, label_smoothing=0.25):
    return cross_entropy(1 - label_smoothing / 2, real), cross_entropy(0, gen)


def _generator(elements, tag, tfgan, **options):
    def one(*inputs, **kwargs):
        return (elements(*inputs, **kwargs),)

    return Formula(one, (GEN_LOGITS,), ("weights",), (tag,), options, tfgan)


def _discriminator(elements, tag, tfgan, **options):
    tags = tuple(f"discriminator_{part}{tag}_loss" for part in ("gen_", "real_", ""))
    weights = ("real_weights", "generated_weights")
    return Formula(elements, (REAL_LOGITS, GEN_LOGITS), weights, tags, options, tfgan)


FORMULAS = {
    "wasserstein_generator_loss": _generator(lambda gen: -gen, "generator_wass_loss", -1.0),
    "wasserstein_discriminator_loss": _discriminator(lambda real, gen: (-real, gen), "wass", -0.5),
    # The hinge GAN's generator loss is Wasserstein's in TF-GAN, tag and all.
    "wasserstein_hinge_generator_loss": _generator(lambda gen: -gen, "generator_wass_loss", -1.0),
    "wasserstein_hinge_discriminator_loss": _discriminator(
        lambda real, gen, real_hinge=1.0, generated_hinge=1.0: (
            np.maximum(0, real_hinge - real),
            np.maximum(0, generated_hinge + gen),
        ),
        "wass_hinge",
        2.0,
        real_hinge=1.0,
        generated_hinge=1.0,
    ),
    "minimax_generator_loss": _generator(
        lambda gen, label_smoothing=0.0: (
            -cross_entropy(1 - label_smoothing / 2, np.ones_like(gen)) - cross_entropy(0, gen)
        ),
        "generator_minimax_loss",
        -1.99419,
        label_smoothing=0.0,
    ),
    "minimax_discriminator_loss": _discriminator(
        smoothed, "minimax", 2.08852, label_smoothing=0.25
    ),
    "modified_generator_loss": _generator(
        lambda gen, label_smoothing=0.0: cross_entropy(1 - label_smoothing / 2, gen),
        "generator_modified_loss",
        0.68092,
        label_smoothing=0.0,
    ),
    "modified_discriminator_loss": _discriminator(
        smoothed, "minimax", 2.08852, label_smoothing=0.25
    ),
    "least_squares_generator_loss": _generator(
        lambda gen, real_label=1: (gen - real_label) ** 2 / 2,
        "generator_lsq_loss",
        2.0,
        real_label=1,
    ),
    "least_squares_discriminator_loss": _discriminator(
        lambda real, gen, real_label=1, fake_label=0: (
            (real - real_label) ** 2 / 2,
            (gen - fake_label) ** 2 / 2,
        ),
        "lsq",
        2.75,
        real_label=1,
        fake_label=0,
    ),
    "relativistic_generator_loss": Formula(
        lambda real, gen: (
            cross_entropy(0, real - gen.mean()),
            cross_entropy(1, gen - real.mean()),
        ),
        (REAL_LOGITS, GEN_LOGITS),
        ("real_weights", "generated_weights"),
        ("generator_relativistic_loss",),
        tfgan=2.39336,
    ),
    "relativistic_discriminator_loss": _discriminator(
        lambda real, gen: (
            cross_entropy(1, real - gen.mean()),
            cross_entropy(0, gen - real.mean()),
        ),
        "relativistic",
        1.39336,
    ),
    "relativistic_paired_generator_loss": Formula(
        lambda real, gen: (cross_entropy(1, gen - real),),
        (REAL_LOGITS, GEN_LOGITS),
        ("weights",),
        ("generator_relativistic_paired_loss",),
    ),
    "relativistic_paired_discriminator_loss": Formula(
        lambda real, gen: (cross_entropy(1, real - gen),),
        (REAL_LOGITS, GEN_LOGITS),
        ("weights",),
        ("discriminator_relativistic_paired_loss",),
    ),
    "acgan_generator_loss": Formula(
        lambda logits, labels: (class_cross_entropy(labels, logits),),
        (GEN_CLASSES, LABELS),
        ("weights",),
        ("generator_ac_loss",),
    ),
    "acgan_discriminator_loss": Formula(
        lambda real, gen, labels, label_smoothing=0.0: (
            class_cross_entropy(labels, real, label_smoothing),
            class_cross_entropy(labels, gen),
        ),
        (REAL_CLASSES, GEN_CLASSES, LABELS),
        ("real_weights", "generated_weights"),
        ("discriminator_gen_ac_loss", "discriminator_real_ac_loss", "discriminator_ac_loss"),
        {"label_smoothing": 0.0},
    ),
}
ON_LOGITS = [name for name, row in FORMULAS.items() if not row.takes_classes]
OF_PAIRS = [name for name, row in FORMULAS.items() if len(row.inputs) > 1]

# Weights of the real (or only) and of the generated logits [5, 2]; of class logits, the first.
WEIGHTS = {
    "scalar": (0.7, 1.3),
    "zero": (0.0, 0.0),
    "per_example": (
        np.array([[0.5], [0.0], [2.0], [1.0], [0.0]]),
        np.array([[0.0], [3.0], [0.0], [0.1], [1.0]]),
    ),
    "per_logit": (np.arange(10.0).reshape(5, 2) / 4, np.arange(10.0)[::-1].reshape(5, 2) % 3),
}


def inputs_for(name, shape=(5, 2), seed=0):
    """Random float64 logits, and labels where the loss takes them, in its order."""
    random = np.random.default_rng(seed)
    labels = np.eye(shape[-1])[random.integers(shape[-1], size=shape[0])]
    return [
        labels if argument == LABELS else random.normal(0, 2, shape)
        for argument in FORMULAS[name].inputs
    ]


def weights_for(name, weights):
    """A pair of weights as the loss's keyword arguments."""
    row = FORMULAS[name]
    if row.takes_classes:  # An example has one loss.
        weights = [w if np.ndim(w) == 0 else np.asarray(w)[:, 0] for w in weights]
    return dict(zip(row.weights, weights, strict=False))


def expected(name, inputs, weights=(1, 1), reduction=Reduction.SUM_BY_NONZERO_WEIGHTS, **options):
    """The loss in float64 NumPy."""
    elements = FORMULAS[name].elements(*inputs, **options)
    weights = weights_for(name, weights).values()
    return sum(reduced(part, w, reduction) for part, w in zip(elements, weights, strict=True))


def actual(name, inputs, **arguments):
    """The loss in TensorFlow."""
    return getattr(wargs, name)(*map(tf.constant, inputs), **arguments)
