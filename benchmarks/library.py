"""tfgan_lite as its users run it: `gan_train`, timed by a hook, in either world."""

from __future__ import annotations

import contextlib
from typing import Any

import tensorflow as tf

import tfgan_lite as tfgan
from benchmarks.cases import ADAM, NOISE_DIMS, PENALTY_WEIGHT, Case, make_dataset, make_networks
from benchmarks.slices import Slices

__all__ = ["Library"]


class Library:
    """A call of `gan_train`.

    Args:
      case: what to train.
      jit_compile: what `gan_train` gets.
      joint: whether the hooks are those of joint training.
      in_graph: whether all is built in a `tf.Graph`.
      strategy: in whose scope the networks are made.
      dtype_policy: what `make_networks` gets.
    """

    def __init__(
        self,
        case: Case,
        jit_compile: bool | str = "auto",
        joint: bool = False,
        in_graph: bool = False,
        strategy: tf.distribute.Strategy | None = None,
        dtype_policy: str = "float32",
    ):
        self._case = case
        self._jit_compile = jit_compile
        self._joint = joint
        self._in_graph = in_graph
        self._strategy = strategy
        self._dtype_policy = dtype_policy
        self._slices = Slices(self._train)
        self._hook = _SliceHook(self._slices)
        self.run, self.close = self._slices.run, self._slices.close

    @property
    def note(self) -> str:
        """What `gan_train` decided on XLA."""
        return self._hook.decisions()

    @property
    def program_seconds(self) -> float:
        """What all rounds so far spent in compiled programs."""
        return self._hook.session.program_seconds

    def _train(self) -> None:
        world = self._strategy.scope() if self._strategy else contextlib.nullcontext()
        with tf.Graph().as_default() if self._in_graph else world:
            self._train_in_world()

    def _train_in_world(self) -> None:
        generator, discriminator, *optimizers = make_networks(self._case, self._dtype_policy)
        if self._in_graph:
            optimizers = [tf.compat.v1.train.AdamOptimizer(*ADAM.values()) for _ in range(2)]
        data, inputs = make_dataset(self._case), tfgan.normal([NOISE_DIMS])
        if self._case.conditional:
            data, labels = tfgan.from_dataset(data)
            inputs, discriminator = (inputs, labels), _told_labels(discriminator)
        model = tfgan.gan_model(generator, discriminator, data, inputs)
        if self._case.kind == "wgan-gp":
            loss = tfgan.gan_loss(
                model,
                tfgan.losses.wasserstein_generator_loss,
                tfgan.losses.wasserstein_discriminator_loss,
                gradient_penalty_weight=PENALTY_WEIGHT,
            )
        else:
            loss = tfgan.gan_loss(
                model,
                tfgan.losses.modified_generator_loss,
                tfgan.losses.modified_discriminator_loss,
            )
        schedule = tfgan.get_joint_train_hooks if self._joint else tfgan.get_sequential_train_hooks
        tfgan.gan_train(
            tfgan.gan_train_ops(model, loss, *optimizers),
            logdir=None,
            get_hooks_fn=schedule(tfgan.GANTrainSteps(*self._case.steps)),
            hooks=[
                tfgan.LossLoggingHook(100, log=lambda line: None),
                tfgan.NanGuardHook(),
                self._hook,
            ],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            jit_compile=self._jit_compile,
        )


def _told_labels(discriminator: Any) -> Any:
    def judge(images, inputs, training=None):
        return discriminator((images, inputs[1]), training=training)

    return judge


class _SliceHook(tfgan.TrainingHook):
    """Tells the slices of a round's end, and stops training when no more are wanted."""

    def __init__(self, slices: Slices):
        self._slices = slices
        self.session: Any = None

    def decisions(self) -> str:
        found = getattr(getattr(self.session, "jit", None), "decisions", {})
        return ", ".join(
            f"{name}: XLA {'on' if how['jit_compile'] else 'off'}"
            f"{', several rounds' * how['many_rounds']}{', one pass' * how['one_pass']}"
            for name, how in found.items()
        )

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.session = session
        self._slices.begin()

    def next_due(self, global_step: int) -> int:
        return self._slices.last_round

    def after_round(self, run_context: Any, global_step: int) -> None:
        if not self._slices.end(global_step):
            run_context.request_stop()
