"""A network's update: the gradients of its loss, and their application."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred
from tfgan_lite.features.averaging import WeightAverage
from tfgan_lite.networks import Network
from tfgan_lite.tracing import reports_of
from tfgan_lite.train import loss_scaling
from tfgan_lite.train.adam_kernel import adam_kernel
from tfgan_lite.train.checksums import checksum
from tfgan_lite.train.optimizers import as_optimized, without_sums_over_replicas

__all__ = ["GradsAndVars", "Update", "apply_all", "joint_name"]

GradsAndVars = list[tuple[tf.Tensor, tf.Variable]]


@dataclasses.dataclass(frozen=True, eq=False)
class Update:
    """What one sub-step of one network does, in either world.

    Attributes:
      network: the network that is updated.
      others: the model's other networks, whose statistics stay.
      variables: the variables that are updated.
      loss: a scalar; a deferred value in TF2, a tensor in a graph.
      terms: the named parts of the loss.
      every: of the terms that are due in every k-th update only, the k.
      metrics: other scalars to report, by name.
      state: variables that the loss reads or changes and that no network owns.
      optimizer: a Keras optimizer, or in a graph also a v1 optimizer.
      counters: the counters of the training run.
      counts: whether the counters count this update; of two that always run together, one does.
      real_example: a leaf of the real data, whose leading axis counts images.
      generated_example: a leaf of the generated data.
      average: moves after the update, or None.
      transform_grads_fn: maps (gradient, variable) pairs to such pairs, or None.
      check_numerics: whether an update whose loss is not finite is an error, and not applied.
      summarize_gradients: whether the gradients' norms are among the reported values.
      options: what goes to a v1 optimizer's `compute_gradients`.
    """

    network: Network
    others: Sequence[Network]
    variables: Sequence[tf.Variable]
    loss: Any
    terms: dict[str, Any]
    every: dict[str, int]
    optimizer: Any
    counters: Counters
    real_example: Any
    generated_example: Any
    metrics: dict[str, Any] = dataclasses.field(default_factory=dict)
    state: Sequence[tf.Variable] = ()
    counts: bool = True
    average: WeightAverage | None = None
    transform_grads_fn: Callable[[GradsAndVars], GradsAndVars] | None = None
    check_numerics: bool = True
    summarize_gradients: bool = False
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """The network's: "generator", "discriminator", "generator_x2y"."""
        return self.network.name

    @property
    def role(self) -> str:
        """ "generator" or "discriminator"."""
        return self.network.role

    @property
    def value_names(self) -> list[str]:
        """Names of the values that an update reports, the loss first."""
        loss = f"{self.name}_loss"
        names = [loss, *(f"{loss}/{term}" for term in self.terms)]
        names += [f"{self.name}_{metric}" for metric in self.metrics] + self.summary_names
        names += [f"{loss}_scale"] if self.is_scaled else []
        return names + self.gradient_norm_names

    @functools.cached_property
    def summary_names(self) -> list[str]:
        """Those of the values that loss functions with `add_summaries=True` report in TF2."""
        return reports_of([self.loss]) if isinstance(self.loss, Deferred) else []

    @property
    def gradient_norm_names(self) -> list[str]:
        """Those of the values that are norms of gradients, one for each variable."""
        if not self.summarize_gradients:
            return []
        return [f"{self._name_of(v)}_gradient_norm" for v in self.variables]

    def _name_of(self, variable: tf.Variable) -> str:
        """A Keras variable's path, since layers of one model may give theirs the same name."""
        owned = self.network.of_layer(variable)
        return getattr(owned, "path", variable.name.split(":")[0])

    @property
    def is_scaled(self) -> bool:
        """Whether the optimizer wants the loss scaled, for float16."""
        return loss_scaling.has_scale(self.optimizer)

    @property
    def may_overflow(self) -> bool:
        """Whether a gradient that is not finite can be the loss scale's doing, which then falls."""
        return loss_scaling.moves(self.optimizer)

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss as `gradients` takes it."""
        return loss_scaling.scaled_loss(self.optimizer, loss)

    def scales(self) -> list[tf.Tensor]:
        """The loss scale, where it is reported."""
        return [loss_scaling.scale_of(self.optimizer)] if self.is_scaled else []

    def gradients(self, loss: tf.Tensor, tape: tf.GradientTape | None = None) -> GradsAndVars:
        """The gradients of the loss, not transformed yet.

        Args:
          loss: what `scaled` gave.
          tape: knows how the loss came about; None in a graph or function, which does.

        Raises:
          ValueError: the loss depends on none of the network's variables.
        """
        if tape is not None:
            pairs = list(zip(tape.gradient(loss, self.variables), self.variables, strict=True))
        elif self.is_v1:
            pairs = self.optimizer.compute_gradients(loss, list(self.variables), **self.options)
        else:
            pairs = list(zip(tf.gradients(loss, list(self.variables)), self.variables))
        unused = [self._name_of(v) for g, v in pairs if g is None]
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
        gradients, variables = zip(*((g, v) for g, v in pairs if g is not None))
        return list(zip(loss_scaling.unscaled(self.optimizer, gradients), variables))

    def has_overflow(self, raw_checksum: tf.Tensor) -> tf.Tensor:
        """Whether gradients are not finite because the loss was scaled up.

        Then the scale falls, and the update is left out.

        Args:
          raw_checksum: the `gradient_checksum` of what `gradients` gave.
        """
        if not self.may_overflow:
            return tf.constant(False)
        scale = loss_scaling.scale_of(self.optimizer)
        return ~tf.math.is_finite(raw_checksum) & (scale > 1.0)

    def transformed(self, pairs: GradsAndVars) -> GradsAndVars:
        """The gradients that are applied."""
        return list(self.transform_grads_fn(pairs)) if self.transform_grads_fn else pairs

    def to_apply(self, pairs: GradsAndVars, raw_checksum: tf.Tensor) -> GradsAndVars:
        """The same as the optimizer takes it.

        Args:
          pairs: what `transformed` gave.
          raw_checksum: the `gradient_checksum` before that, or its mean over the replicas.
        """
        gradients, variables = [g for g, _ in pairs], [v for _, v in pairs]
        if self.is_scaled and pairs:
            gradients = loss_scaling.gradients_to_apply(self.optimizer, gradients, raw_checksum)
        return list(zip(gradients, as_optimized(self.optimizer, self.network, variables)))

    def in_order(self, pairs: GradsAndVars) -> list[Any]:
        """The gradients in the order of the variables, None where there is none.

        Raises:
          ValueError: a variable that the update does not train.
        """
        found = {id(v): g for g, v in pairs}
        gradients = [found.pop(id(v), None) for v in self.variables]
        if found:
            names = [self._name_of(v) for _, v in pairs if id(v) in found]
            raise ValueError(
                f"transform_grads_fn gave gradients of {', '.join(names)}, which the {self.name}'s"
                " update does not train: it may change and leave out pairs, not add any."
            )
        return gradients

    def apply(self, pairs: GradsAndVars) -> Any:
        """Applies gradients; in a graph, gives the op that does."""
        if self.is_sync_replicas:
            # It counts the updates that all workers made together. Of what it adds to the graph,
            # queues and initializers must not wait for this worker's gradients.
            # All such optimizers call their queue of tokens the same, which is then one queue: in
            # containers of their own, they wait each for its own tokens.
            container = tf.compat.v1.get_default_graph().container(self.name)
            with tf.control_dependencies(None), container:
                return self.optimizer.apply_gradients(pairs, self.counters.updates_of(self.role))
        if self.is_v1:
            return self.optimizer.apply_gradients(pairs)
        if tf.executing_eagerly() or tf.inside_function():
            with adam_kernel(self.optimizer), without_sums_over_replicas(self.optimizer):
                return self.optimizer.apply_gradients(pairs)
        # A Keras optimizer makes assignments without an order of their own, which only a function
        # body gives them.
        variables = [v for _, v in pairs]

        @tf.function(autograph=False)
        def apply_gradients(gradients):
            with adam_kernel(self.optimizer):
                self.optimizer.apply_gradients(list(zip(gradients, variables)))
            return tf.constant(True)

        return apply_gradients([tf.convert_to_tensor(g) for g, _ in pairs]).op

    @property
    def is_v1(self) -> bool:
        return isinstance(self.optimizer, tf.compat.v1.train.Optimizer)

    @property
    def is_sync_replicas(self) -> bool:
        """Whether an update gathers the gradients of several workers of a graph."""
        return isinstance(self.optimizer, tf.compat.v1.train.SyncReplicasOptimizer)

    def gradient_checksum(self, pairs: GradsAndVars) -> tf.Tensor:
        """A number that is finite if all gradients are."""
        dense = [g.values if isinstance(g, tf.IndexedSlices) else g for g, _ in pairs]
        return tf.add_n([checksum(tf.cast(g, tf.float32)) for g in dense])

    def gradient_norms(self, pairs: GradsAndVars) -> list[tf.Tensor]:
        """One norm for each variable, where they are reported."""
        if not self.summarize_gradients:
            return []
        norms = {id(v): tf.norm(tf.cast(tf.convert_to_tensor(g), tf.float32)) for g, v in pairs}
        return [norms.get(id(v), tf.constant(0.0)) for v in self.variables]


def joint_name(updates: Sequence[Update]) -> str:
    """The name of updates that run together: "generator + discriminator"."""
    return " + ".join(update.name for update in updates)


def apply_all(updates: Sequence[Update], gradients: Sequence[GradsAndVars]) -> list[Any]:
    """Applies all gradients; in a graph, gives the ops that do.

    Those of one optimizer go together: Keras counts an optimizer's steps by its calls.
    """
    by_optimizer: dict[int, tuple[Update, GradsAndVars]] = {}
    for update, pairs in zip(updates, gradients):
        by_optimizer.setdefault(id(update.optimizer), (update, []))[1].extend(pairs)
    return [update.apply(pairs) for update, pairs in by_optimizer.values()]
