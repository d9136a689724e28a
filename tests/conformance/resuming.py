"""Trains every kind of model and every schedule for some rounds, in a process of its own.

    python -m tests.conformance.resuming ROUNDS OUTPUT [LOGDIR]

goes on from what an earlier process left in LOGDIR, and writes to OUTPUT, an .npz file, what came
of the rounds: losses, and at the end weights, optimizers, counters and samples, by the case's name.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.conformance import kinds
from tests.conformance.rows import SCHEDULES
from tfgan_lite.train import AdaptiveSteps, Phase
from tfgan_lite.train.ops import updates_behind


def with_sampled_noise():
    """Shuffled data, and noise of a distribution."""
    real = kinds.data(3).unbatch().shuffle(20, seed=1).batch(kinds.BATCH, drop_remainder=True)
    noise = tfp.distributions.Normal(tf.zeros([2]), 1.0)
    model = tfgan.gan_model(kinds.Net(2, kinds.SIZE, 1), kinds.Net(kinds.SIZE, 1, 2), real, noise)
    return model, tfgan.gan_loss(model, gradient_penalty_weight=1.0)


class Module(tf.Module):
    """Keras layers inside a module."""

    def __init__(self, layers: tf.keras.Sequential):
        super().__init__()
        self.layers = layers

    def __call__(self, data, training=True):
        return self.layers(data, training=training)


def with_drawing_layers(wrap: Any = lambda layers: layers) -> Any:
    """Keras layers that draw in each call."""
    tf.keras.utils.set_random_seed(1)  # In a process of its own.
    layers = tf.keras.layers
    generator = tf.keras.Sequential([tf.keras.Input([2]), layers.Dense(kinds.SIZE)])
    discriminator = tf.keras.Sequential(
        [
            tf.keras.Input([kinds.SIZE]),
            layers.GaussianNoise(0.3),
            layers.Dense(8),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    model = tfgan.gan_model(generator, wrap(discriminator), kinds.data(3), tfgan.normal([2]))
    return model, tfgan.gan_loss(model)


def adaptive() -> Any:
    """More or fewer updates of the discriminator, by its loss."""
    steps = AdaptiveSteps("discriminator_loss", low=-1.0, high=0.0, most=3, every=2)
    phases = [Phase("generator", 1), Phase("discriminator", steps)]
    return tfgan.get_phased_train_hooks(phases)


def round_dependent() -> Any:
    """Numbers of sub-steps that are functions of the round."""
    phases = [Phase("generator", lambda r: r % 2), Phase("discriminator", lambda r: 1 + r % 3)]
    return tfgan.get_phased_train_hooks(phases)


_SEQUENTIAL = SCHEDULES["discriminator first 3:5"].get_hooks
CASES = {
    row: (kinds.ROWS[row].make, _SEQUENTIAL) for row in kinds.ROWS if kinds.ROWS[row].has_state
}
CASES |= {
    name: (with_sampled_noise, each.get_hooks)
    for name, each in SCHEDULES.items()
    if name != "function of the round"  # It knows three rounds only.
}
CASES |= {
    "layers that draw": (with_drawing_layers, _SEQUENTIAL),
    "layers that draw, in a module": (lambda: with_drawing_layers(Module), _SEQUENTIAL),
    "adaptive": (with_sampled_noise, adaptive),
    "function of the round": (with_sampled_noise, round_dependent),
}


class Losses(tfgan.TrainingHook):
    """Keeps all that is reported."""

    def __init__(self):
        self.losses: dict[str, list[float]] = {}

    def next_due(self, global_step: int) -> None:
        return None

    def after_round(self, run_context: Any, global_step: int) -> None:
        for name, values in self.run.values().items():
            self.losses.setdefault(name, []).extend(values.tolist())


def train(case: str, rounds: int, logdir: str | None) -> dict[str, np.ndarray]:
    """What came of some rounds of a case."""
    make, get_hooks = CASES[case]
    get_hooks = get_hooks() if case in ("adaptive", "function of the round") else get_hooks
    model, loss = make()
    optimizers = [tf.keras.optimizers.Adam(0.01) for _ in range(2)]
    train_ops = tfgan.gan_train_ops(model, loss, *optimizers)
    updates = updates_behind(train_ops)
    losses = Losses()
    final = tfgan.FinalOpsHook(getattr(model, "generated_data", None))
    tfgan.gan_train(
        train_ops,
        logdir and os.path.join(logdir, case.replace(" ", "_")),
        get_hooks_fn=get_hooks,
        hooks=[losses, tfgan.StopAtStepHook(num_steps=rounds), final],
        save_checkpoint_secs=600 if logdir else None,
        save_summaries_steps=None,
        jit_compile=False,
    )
    state = [v for u in updates for v in (*u.network.variables, *u.state)]
    state += [v for each in optimizers for v in each.variables]
    state += updates[0].counters.variables
    found = {f"{case}/{name}": np.array(v) for name, v in losses.losses.items()}
    found |= {f"{case}/state {i}": np.array(v) for i, v in enumerate(state)}
    if final.final_ops_values is not None:
        found[f"{case}/samples"] = final.final_ops_values
    return found


def main(rounds: str, output: str, logdir: str | None = None) -> None:
    """Trains all cases."""
    found: dict[str, np.ndarray] = {}
    for case in CASES:
        found |= train(case, int(rounds), logdir)
    np.savez(output, **{name.replace("/", "|"): value for name, value in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
