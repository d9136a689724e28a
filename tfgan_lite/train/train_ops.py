"""`gan_train_ops`: from losses and optimizers to the updates that training alternates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.features.averaging import WeightAverage
from tfgan_lite.graph_notes import note
from tfgan_lite.losses.terms import every_of, terms_of
from tfgan_lite.networks import Network, networks_of
from tfgan_lite.structures import (
    CycleGANLoss,
    CycleGANModel,
    GANLoss,
    GANTrainOps,
    StarGANModel,
    as_list,
)
from tfgan_lite.tracing import sources_of, variables_of
from tfgan_lite.train import graph_ops
from tfgan_lite.train.ops import IncrementOp, TrainOp
from tfgan_lite.train.optimizers import as_optimized, build_slots, check_optimizer
from tfgan_lite.train.updates import Update

__all__ = ["gan_train_ops"]

Metrics = Mapping[str, Callable[[Any], Any]]

_GRAPH_OPTIONS = ("gate_gradients", "aggregation_method", "colocate_gradients_with_ops")


def gan_train_ops(
    model: Any,
    loss: GANLoss | CycleGANLoss,
    generator_optimizer: Any,
    discriminator_optimizer: Any,
    check_for_unused_update_ops: bool = True,
    is_chief: bool = True,
    *,
    generator_average: WeightAverage | Sequence[WeightAverage] | None = None,
    generator_metrics: Metrics | None = None,
    discriminator_metrics: Metrics | None = None,
    **kwargs: Any,
) -> GANTrainOps:
    """The updates that training alternates.

    Batch norm's statistics belong to the network that has them: they move in that network's own
    updates, and in no other's.

    Args:
      model: any model of this library.
      loss: its GANLoss, or a CycleGAN's CycleGANLoss; all losses scalars.
      generator_optimizer: a Keras 3 or tf_keras optimizer, or in a `tf.Graph` also a
        `tf.compat.v1.train.Optimizer`. A CycleGAN's two generators share it.
      discriminator_optimizer: another one for the discriminator.
      check_for_unused_update_ops: in a graph, whether update ops that neither network made are an
        error.
      is_chief: in a graph with a `SyncReplicasOptimizer`, whether this worker is the chief.
      generator_average: a `features.WeightAverage` that follows the generator's weights; of a
        CycleGAN a pair of them. `generate(..., average=...)` samples with it.
      generator_metrics: functions of the model that give scalars, by name. Each generator update
        reports them as "generator_<name>", to summaries, logs and schedules.
      discriminator_metrics: the same for the discriminator, such as
        `{"accuracy": losses.discriminator_accuracy}`.
      **kwargs: `transform_grads_fn`, a function of a list of (gradient, variable) pairs that gives
        such a list; `summarize_gradients` (False): report the norm of each variable's gradient;
        `check_numerics` (True): a loss that is not finite stops training before it is applied;
        `variables_to_train`: train these only, of the variables that the networks own. In a graph
        also `update_ops`, which replaces what the networks' calls made, and `gate_gradients`,
        `aggregation_method` and `colocate_gradients_with_ops` for v1 optimizers.

    Returns:
      GANTrainOps of ops whose values are the losses, or of deferred values; of a CycleGAN tuples of
      two, one for each direction.

    Raises:
      ValueError: no trainable variables; a loss that is not a scalar; a loss that does not depend
        on its network; unused update ops; a call inside a tf.function.
      TypeError: an optimizer of the wrong kind; a loss of another model; an unknown keyword.

    Example:
      >>> adam = tf.keras.optimizers.Adam
      >>> train_ops = tfgan.gan_train_ops(model, loss, adam(1e-3, 0.5), adam(1e-3, 0.5))
      >>> float(train_ops.discriminator_train_op()) > 0.0  # One update; gives the loss.
      True
    """
    if tf.inside_function():
        raise ValueError(
            "gan_train_ops has no place inside a tf.function: there, take gradients of gan_loss's"
            " tensors with a tf.GradientTape. For gan_train, call it outside."
        )
    in_graph = not tf.executing_eagerly()
    options = _checked_options(kwargs, in_graph)
    counters = Counters()
    parts = _parts(model, loss)
    networks = [network for part in parts for network in part.networks]
    averages = _averages(generator_average, parts)

    def updates_of(role: str, optimizer: Any, metrics: Metrics) -> list[Update]:
        trained = [network for network in networks if network.role == role]
        variables = [_variables(each, options["variables_to_train"]) for each in trained]
        of_all = [v for each in variables for v in each]
        check_optimizer(optimizer, role, of_all)
        _check_not_shared(generator_optimizer, discriminator_optimizer)
        owned = [as_optimized(optimizer, *each) for each in zip(trained, variables)]
        build_slots(optimizer, [v for each in owned for v in each])
        return [
            Update(
                network=network,
                others=[other for other in networks if other is not network],
                variables=mine,
                loss=total,
                terms=terms_of(total),
                every=every_of(total),
                metrics={name: _metric(fn, name, part.model) for name, fn in metrics.items()},
                state=_state(total, networks, in_graph),
                optimizer=optimizer,
                counters=counters,
                counts=network is trained[0],
                real_example=part.real_example,
                generated_example=part.generated_example,
                average=averages[index] if role == "generator" else None,
                transform_grads_fn=options["transform_grads_fn"],
                check_numerics=options["check_numerics"],
                summarize_gradients=options["summarize_gradients"],
                options=options["graph"],
            )
            for index, (network, mine, part) in enumerate(zip(trained, variables, parts))
            for total in [_checked_loss(part.loss_of(role), network.name, in_graph)]
        ]

    updates = [
        updates_of("generator", generator_optimizer, generator_metrics or {}),
        updates_of("discriminator", discriminator_optimizer, discriminator_metrics or {}),
    ]
    flat = [update for each in updates for update in each]
    if not in_graph:
        return GANTrainOps(
            *(_one_or_all([TrainOp(u) for u in each]) for each in updates),
            IncrementOp(counters),
            (),
        )

    if check_for_unused_update_ops and options["update_ops"] is None:
        graph_ops.check_unused_update_ops(networks)
    hooks = graph_ops.sync_replicas_hooks(flat, is_chief)
    ops = {u: graph_ops.train_op([u], options["update_ops"])[0] for u in flat}
    for each, op in ops.items():
        note(op, update=each, update_ops=options["update_ops"])
    return GANTrainOps(
        *(_one_or_all([ops[u] for u in each]) for each in updates),
        note(graph_ops.increment(counters.global_step), counters=counters),
        hooks,
    )


def _checked_options(kwargs: dict[str, Any], in_graph: bool) -> dict[str, Any]:
    defaults = {
        "transform_grads_fn": None,
        "summarize_gradients": False,
        "check_numerics": True,
        "variables_to_train": None,
        "update_ops": None,
    }
    unknown = sorted(set(kwargs) - set(defaults) - set(_GRAPH_OPTIONS))
    if unknown:
        raise TypeError(
            f"gan_train_ops has no argument {', '.join(unknown)}; it takes"
            f" {', '.join([*defaults, *_GRAPH_OPTIONS])}."
        )
    graph_only = sorted(set(kwargs) & {"update_ops", *_GRAPH_OPTIONS})
    if graph_only and not in_graph:
        raise ValueError(f"{', '.join(graph_only)} has a meaning only in a tf.Graph.")
    graph = {name: kwargs[name] for name in _GRAPH_OPTIONS if name in kwargs}
    return {**defaults, **{k: v for k, v in kwargs.items() if k not in graph}, "graph": graph}


class _Part(NamedTuple):
    """A generator with its discriminator: a whole model, or one direction of a CycleGAN."""

    model: Any
    loss: GANLoss
    networks: tuple[Network, Network]

    @property
    def real_example(self) -> Any:
        real = self.model.input_data if self._is_stargan else self.model.real_data
        return tf.nest.flatten(real)[0]

    @property
    def generated_example(self) -> Any:
        return tf.nest.flatten(self.model.generated_data)[0]

    @property
    def _is_stargan(self) -> bool:
        return isinstance(self.model, StarGANModel)

    def loss_of(self, role: str) -> Any:
        return getattr(self.loss, f"{role}_loss")


def _parts(model: Any, loss: Any) -> list[_Part]:
    if not hasattr(model, "_fields"):
        raise TypeError(
            "model must be a tuple that gan_model or its like returned, got a"
            f" {type(model).__name__}."
        )
    kind = CycleGANLoss if isinstance(model, CycleGANModel) else GANLoss
    if not isinstance(loss, kind):
        raise TypeError(
            f"The loss of a {type(model).__name__} is a {kind.__name__}, got a"
            f" {type(loss).__name__}."
        )
    pairs = zip(model[:2], loss) if kind is CycleGANLoss else [(model, loss)]
    return [_Part(each, its_loss, networks_of(each)) for each, its_loss in pairs]


def _averages(given: Any, parts: Sequence[_Part]) -> list[WeightAverage | None]:
    averages = [None] * len(parts) if given is None else as_list(given)
    if len(averages) != len(parts):
        raise ValueError(
            f"generator_average must have one WeightAverage for each of {len(parts)} generators,"
            f" got {len(averages)}."
        )
    for average, part in zip(averages, parts):
        if average is None:
            continue
        if not isinstance(average, WeightAverage):
            raise TypeError(f"generator_average must be a features.WeightAverage, got {average!r}.")
        average.build(part.networks[0].variables)
    return averages


def _metric(fn: Any, name: str, model: Any) -> Any:
    if not callable(fn):
        raise TypeError(f"Metric {name} must be a function of the model, got {fn!r}.")
    value = defer(fn, model, name=name, lazily=True)
    if value.shape.rank not in (0, None):
        raise ValueError(f"Metric {name} must give a scalar, but its shape is {value.shape}.")
    return value


def _state(loss: Any, networks: Sequence[Network], in_graph: bool) -> list[tf.Variable]:
    """Variables of the loss itself, such as a history of images; a graph saves all it has."""
    if in_graph:
        return []
    owned = {id(v) for network in networks for v in network.variables}
    return [v for v in variables_of([loss]) if id(v) not in owned]


def _one_or_all(ops: Sequence[Any]) -> Any:
    return ops[0] if len(ops) == 1 else tuple(ops)


def _check_not_shared(generator_optimizer: Any, discriminator_optimizer: Any) -> None:
    is_v1 = isinstance(generator_optimizer, tf.compat.v1.train.Optimizer)
    if generator_optimizer is discriminator_optimizer and not is_v1:
        raise ValueError(
            "Both networks share one Keras optimizer: its slots belong to one list of variables."
            " Give each network an optimizer of its own."
        )


def _variables(network: Network, chosen: Sequence[Any] | None) -> list[tf.Variable]:
    variables = list(network.trainable_variables)
    if chosen is not None:
        wanted = {id(getattr(v, "value", v)) for v in chosen} | {id(v) for v in chosen}
        variables = [v for v in variables if id(v) in wanted]
    if not variables:
        raise ValueError(
            f"The {network.name} has no trainable variables"
            + (" among variables_to_train." if chosen is not None else ".")
            + f" It is {network.fn!r}: are its layers frozen, or does its output come from"
            " somewhere else?"
        )
    return variables


def _checked_loss(loss: Any, name: str, in_graph: bool) -> Any:
    if not in_graph and not isinstance(loss, Deferred):
        raise TypeError(
            f"The {name}'s loss is an eager value ({loss!r}), computed once from one batch:"
            " training cannot compute it anew. Use what gan_loss returned, or"
            " tfgan_lite.defer(fn, ...)."
        )
    if loss.shape.rank not in (0, None):
        raise ValueError(
            f"The {name}'s loss must be a scalar, but has shape {loss.shape}: choose a reduction"
            " other than NONE."
        )
    if not in_graph:
        sources_of([loss])  # Traces everything the loss needs, so that mistakes show here.
    return loss
