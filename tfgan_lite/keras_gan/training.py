"""What is behind a KerasGAN: the four calls, and what one `fit` leaves to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.features.averaging import WeightAverage
from tfgan_lite.keras_gan import kinds
from tfgan_lite.keras_gan.data import Batches
from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train import Session, gan_train_ops
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.optimizers import build_slots, check_made_under

__all__ = ["Training"]

_OPTIMIZERS = ("generator_optimizer", "discriminator_optimizer")
_OF_TRAIN_OPS = ("generator_average", "generator_metrics", "discriminator_metrics")


class Training:
    """Connects networks to data once, and keeps what training changes beside the networks.

    Args:
      kind: one of `kinds.KINDS`.
      generator, discriminator: the networks.
      noise: the distribution of the generator's noise, or None.
      codes: the distributions of its codes, or None.

    Attributes:
      options: the arguments of `KerasGAN.compile`; empty before it.
      model: the model tuple, once it is connected.
      train_ops: its GANTrainOps.
      session: the session that trains, with the place in the data.
    """

    def __init__(self, kind: str, generator: Any, discriminator: Any, noise: Any, codes: Any):
        self.kind, self.generator, self.discriminator = kind, generator, discriminator
        self.noise, self.codes = noise, codes
        self.options: dict[str, Any] = {}
        self.model: Any = None
        self.train_ops: GANTrainOps | None = None
        self.session: Session | None = None
        self._batches: Batches | None = None
        self._counts = (0, 0, 0, 0)  # Where nothing is connected.

    def compile(self, options: dict[str, Any]) -> None:
        """Takes options; what is connected is to be connected anew."""
        self._counts = self.counts
        self.model = self.train_ops = self.session = self._batches = None
        self.options = options
        self._build()

    def connect(self, batches: Batches, strategy: tf.distribute.Strategy) -> None:
        """Connects the networks to the data, unless they are connected to these already."""
        if self._batches is not None and self._batches.are_those_of(batches):
            return
        options, counts = dict(self.options), self.counts
        functions, penalties = options.pop("losses"), options.pop("penalties")
        optimizers = [options.pop(name) for name in _OPTIMIZERS]
        jit, seed = JitChoice(options.pop("jit_compile")), options.pop("seed")
        train_options = {name: options.pop(name) for name in _OF_TRAIN_OPS}
        del options["schedule"]
        self.model = kinds.connect(
            self.kind,
            self.generator,
            self.discriminator,
            batches.dataset.repeat() if batches.end else batches.dataset,
            self.noise,
            self.codes,
        )
        loss = kinds.loss_of(self.kind, self.model, functions, penalties, options)
        self.train_ops = gan_train_ops(self.model, loss, *optimizers, **train_options)
        counters = self.train_ops.global_step_inc_op.counters
        self.session = Session(counters, strategy, seed, jit)
        self._batches = batches
        self.counts = counts

    @property
    def counts(self) -> tuple[int, ...]:
        """Rounds, updates of the generator and of the discriminator, images seen."""
        return self._counts if self.session is None else tuple(map(_number, self._counters()))

    @counts.setter
    def counts(self, counts: Sequence[int]) -> None:
        self._counts = tuple(int(count) for count in counts)
        if self.session is not None:
            for counter, count in zip(self._counters(), self._counts):
                counter.assign(count)

    @property
    def averages(self) -> list[WeightAverage]:
        """One for each generator, or none."""
        given = self.options.get("generator_average")
        return [] if given is None else tf.nest.flatten(given)

    @property
    def average_variables(self) -> list[tf.Variable]:
        return [variable for average in self.averages for variable in average.averages]

    def _counters(self) -> list[tf.Variable]:
        c = self.session.counters
        return [c.global_step, c.generator_updates, c.discriminator_updates, c.images_seen]

    def _build(self) -> None:
        """Makes slots of optimizers and averages, which a file holds, if the networks are built."""
        pairs = [tf.nest.flatten(each) for each in (self.generator, self.discriminator)]
        if not all(getattr(network, "built", False) for pair in pairs for network in pair):
            return
        for name, networks in zip(_OPTIMIZERS, pairs):
            variables = [v for network in networks for v in network.trainable_variables]
            role = name.removesuffix("_optimizer")
            check_made_under(tf.distribute.get_strategy(), self.options[name], role)
            build_slots(self.options[name], variables)
        for average, network in zip(self.averages, pairs[0]):
            average.build(network.variables)


def _number(variable: tf.Variable) -> int:
    return int(variable.numpy())
