"""One network's update: the gradients of its loss, and their application."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.networks import Network
from tfgan_lite.train.counters import Counters

__all__ = ["Update"]

GradsAndVars = list[tuple[tf.Tensor, tf.Variable]]


@dataclasses.dataclass(frozen=True, eq=False)
class Update:
    """What one sub-step of one network does, in either world.

    Attributes:
      name: "generator" or "discriminator".
      network: the network that is updated.
      other: the network that is not, and whose statistics therefore stay.
      variables: the variables that are updated.
      loss: a scalar; a deferred value in TF2, a tensor in a graph.
      terms: the named parts of the loss.
      optimizer: a Keras optimizer, or in a graph also a v1 optimizer.
      counters: the counters of the training run.
      real_example: a leaf of the real data, whose leading axis counts images.
      transform_grads_fn: maps (gradient, variable) pairs to such pairs, or None.
      check_numerics: whether an update whose loss is not finite is an error, and not applied.
      summarize_gradients: whether the gradients' norms are among the reported values.
      options: what goes to a v1 optimizer's `compute_gradients`.
    """

    name: str
    network: Network
    other: Network
    variables: Sequence[tf.Variable]
    loss: Any
    terms: dict[str, Any]
    optimizer: Any
    counters: Counters
    real_example: Any
    transform_grads_fn: Callable[[GradsAndVars], GradsAndVars] | None = None
    check_numerics: bool = True
    summarize_gradients: bool = False
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def value_names(self) -> list[str]:
        """Names of the values that an update reports, the loss first."""
        loss = f"{self.name}_loss"
        names = [loss, *(f"{loss}/{term}" for term in self.terms)]
        if self.summarize_gradients:
            names += [f"{_tag(v)}_gradient_norm" for v in self.variables]
        return names

    def gradients(self, loss: tf.Tensor, tape: tf.GradientTape | None = None) -> GradsAndVars:
        """The transformed gradients of the loss.

        Raises:
          ValueError: the loss depends on none of the network's variables.
        """
        if tape is not None:
            pairs = list(zip(tape.gradient(loss, self.variables), self.variables, strict=True))
        elif self.is_v1:
            pairs = self.optimizer.compute_gradients(loss, list(self.variables), **self.options)
        else:
            pairs = list(zip(tf.gradients(loss, list(self.variables)), self.variables))
        unused = [v.name for g, v in pairs if g is None]
        if len(unused) == len(pairs):
            raise ValueError(
                f"The {self.name}'s loss does not depend on any of its variables"
                f" ({', '.join(unused[:4])}): is the right loss function given, and does the"
                " discriminator use its data?"
            )
        if unused:
            warnings.warn(
                f"The {self.name}'s loss does not depend on {', '.join(unused)}: they will not be"
                " trained.",
                stacklevel=2,
            )
        pairs = [(g, v) for g, v in pairs if g is not None]
        return list(self.transform_grads_fn(pairs)) if self.transform_grads_fn else pairs

    def apply(self, pairs: GradsAndVars) -> Any:
        """Applies gradients; in a graph, gives the op that does."""
        if self.is_v1 or tf.executing_eagerly() or tf.inside_function():
            return self.optimizer.apply_gradients(pairs)
        # A Keras optimizer makes assignments without an order of their own, which only a function
        # body gives them.
        variables = [v for _, v in pairs]

        @tf.function(autograph=False)
        def apply_gradients(gradients):
            self.optimizer.apply_gradients(list(zip(gradients, variables)))
            return tf.constant(True)

        return apply_gradients([tf.convert_to_tensor(g) for g, _ in pairs]).op

    @property
    def is_v1(self) -> bool:
        return isinstance(self.optimizer, tf.compat.v1.train.Optimizer)

    def gradient_sum(self, pairs: GradsAndVars) -> tf.Tensor:
        """A number that is finite if all gradients are."""
        dense = [g.values if isinstance(g, tf.IndexedSlices) else g for g, _ in pairs]
        return tf.add_n([tf.reduce_sum(tf.cast(g, tf.float32)) for g in dense])

    def gradient_norms(self, pairs: GradsAndVars) -> list[tf.Tensor]:
        """One norm for each variable, where they are reported."""
        if not self.summarize_gradients:
            return []
        norms = {id(v): tf.norm(tf.cast(tf.convert_to_tensor(g), tf.float32)) for g, v in pairs}
        return [norms.get(id(v), tf.constant(0.0)) for v in self.variables]


def _tag(variable: tf.Variable) -> str:
    return variable.name.split(":")[0]
