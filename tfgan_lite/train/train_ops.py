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
from tfgan_lite.train.session import run_alone
from tfgan_lite.train.updates import GradsAndVars, Update
from tfgan_lite.variables import unwrapped

__all__ = ["gan_train_ops"]

Metrics = Mapping[str, Callable[[Any], Any]]


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
    transform_grads_fn: Callable[[GradsAndVars], GradsAndVars] | None = None,
    summarize_gradients: bool = False,
    check_numerics: bool = True,
    variables_to_train: Sequence[Any] | None = None,
    update_ops: Sequence[Any] | None = None,
    gate_gradients: int | None = None,
    aggregation_method: int | None = None,
    colocate_gradients_with_ops: bool | None = None,
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
      generator_average: a `features.WeightAverage` that follows the generator's weights; for a
        CycleGAN a pair of them. `generate(..., average=...)` samples with it.
      generator_metrics: functions of the model that give scalars, by name. Each generator update
        reports them as "generator_<name>", to summaries, logs and schedules.
      discriminator_metrics: the same for the discriminator, such as
        `{"accuracy": losses.discriminator_accuracy}`.
      transform_grads_fn: a function of a list of (gradient, variable) pairs that gives such a list.
      summarize_gradients: whether updates report the norm of each variable's gradient.
      check_numerics: whether a loss that is not finite stops training before it is applied.
      variables_to_train: the only variables to train, of those that the networks own; some of each.
      update_ops: in a graph, assignments to run in place of those that the networks' calls made.
      gate_gradients: in a graph, for v1 optimizers, as their `compute_gradients` takes it.
      aggregation_method: likewise.
      colocate_gradients_with_ops: likewise.

    Returns:
      GANTrainOps of ops whose values are the losses, or of deferred values; for a CycleGAN pairs of
      them, one for each direction.

    Raises:
      ValueError: no trainable variables; variables to train that no network owns; a loss that is
        not a scalar; a loss that does not depend on its network; one optimizer for both networks;
        unused update ops; in TF2, an argument of graphs; a call inside a tf.function.
      TypeError: an optimizer of the wrong kind; a loss of another model.

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
    of_v1 = {
        "gate_gradients": gate_gradients,
        "aggregation_method": aggregation_method,
        "colocate_gradients_with_ops": colocate_gradients_with_ops,
    }
    of_v1 = {name: value for name, value in of_v1.items() if value is not None}
    if not in_graph:
        _check_unused(update_ops=update_ops, **of_v1)
    _check_not_shared(generator_optimizer, discriminator_optimizer)
    parts = _parts(model, loss)
    networks = [network for part in parts for network in part.networks]
    _check_owned(variables_to_train, networks)
    counters = Counters()

    def made(role: str, optimizer: Any, metrics: Metrics | None, averages: Any) -> list[Update]:
        return _updates(
            role,
            parts,
            optimizer,
            averages=averages,
            metrics=metrics or {},
            variables_to_train=variables_to_train,
            counters=counters,
            transform_grads_fn=transform_grads_fn,
            check_numerics=check_numerics,
            summarize_gradients=summarize_gradients,
            options=of_v1,
        )

    averages = _averages(generator_average, parts)
    updates = [
        made("generator", generator_optimizer, generator_metrics, averages),
        made("discriminator", discriminator_optimizer, discriminator_metrics, [None] * len(parts)),
    ]
    flat = [update for each in updates for update in each]
    if not in_graph:
        return GANTrainOps(
            *(_one_or_all([TrainOp(u, run_alone) for u in each]) for each in updates),
            IncrementOp(counters),
            (),
        )

    if check_for_unused_update_ops and update_ops is None:
        graph_ops.check_unused_update_ops(networks)
    hooks = graph_ops.sync_replicas_hooks(flat, is_chief)
    ops = {u: graph_ops.train_op([u], update_ops)[0] for u in flat}
    for each, op in ops.items():
        note(op, update=each, update_ops=update_ops)
    return GANTrainOps(
        *(_one_or_all([ops[u] for u in each]) for each in updates),
        note(graph_ops.increment(counters.global_step), counters=counters),
        hooks,
    )


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


def _updates(
    role: str,
    parts: Sequence[_Part],
    optimizer: Any,
    averages: Sequence[WeightAverage | None],
    metrics: Metrics,
    variables_to_train: Sequence[Any] | None,
    **alike: Any,
) -> list[Update]:
    """The updates of all networks of a role, which share its optimizer.

    Args:
      role: "generator" or "discriminator".
      parts: what is trained.
      optimizer: the role's.
      averages: what follows each network's weights.
      metrics: further scalars to report, by name.
      variables_to_train: as given to `gan_train_ops`.
      **alike: what all updates of the run have in common.
    """
    networks = [network for part in parts for network in part.networks]
    trained = [network for network in networks if network.role == role]
    variables = [_variables(network, variables_to_train) for network in trained]
    check_optimizer(optimizer, role, [v for each in variables for v in each])
    owned = [as_optimized(optimizer, *each) for each in zip(trained, variables)]
    build_slots(optimizer, [v for each in owned for v in each])
    updates = []
    for network, mine, part, average in zip(trained, variables, parts, averages):
        loss = _checked_loss(part.loss_of(role), network.name)
        update = Update(
            network=network,
            others=[other for other in networks if other is not network],
            variables=mine,
            loss=loss,
            terms=terms_of(loss),
            every=every_of(loss),
            metrics={name: _metric(fn, name, part.model) for name, fn in metrics.items()},
            state=_state(loss, networks),
            optimizer=optimizer,
            counts=network is trained[0],
            real_example=part.real_example,
            generated_example=part.generated_example,
            average=average,
            **alike,
        )
        updates.append(update)
    return updates


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


def _state(loss: Any, networks: Sequence[Network]) -> list[tf.Variable]:
    """Variables of the loss itself, such as a history of images; a graph saves all it has."""
    if not tf.executing_eagerly():
        return []
    owned = {id(v) for network in networks for v in network.variables}
    return [v for v in variables_of([loss]) if id(v) not in owned]


def _one_or_all(ops: Sequence[Any]) -> Any:
    return ops[0] if len(ops) == 1 else tuple(ops)


def _check_unused(**of_graphs: Any) -> None:
    given = sorted(name for name, value in of_graphs.items() if value is not None)
    if given:
        raise ValueError(f"{', '.join(given)} has a meaning only in a tf.Graph.")


def _check_not_shared(generator_optimizer: Any, discriminator_optimizer: Any) -> None:
    is_v1 = isinstance(generator_optimizer, tf.compat.v1.train.Optimizer)
    is_keras = hasattr(type(generator_optimizer), "apply_gradients") and not is_v1
    if generator_optimizer is discriminator_optimizer and is_keras:
        raise ValueError(
            "Both networks share one Keras optimizer: its slots belong to one list of variables."
            " Give each network an optimizer of its own."
        )


def _check_owned(chosen: Sequence[Any] | None, networks: Sequence[Network]) -> None:
    owned = {id(v) for network in networks for v in network.variables}
    others = [v.name for v in chosen or () if id(unwrapped(v)) not in owned]
    if others:
        raise ValueError(f"variables_to_train has variables that no network owns: {others}.")


def _variables(network: Network, chosen: Sequence[Any] | None) -> list[tf.Variable]:
    variables = list(network.trainable_variables)
    if chosen is not None:
        wanted = {id(unwrapped(v)) for v in chosen}
        variables = [v for v in variables if id(v) in wanted]
    if not variables:
        raise ValueError(
            f"The {network.name} has no trainable variables"
            + (" among variables_to_train." if chosen is not None else ".")
            + f" It is {network.fn!r}: are its layers frozen, or does its output come from"
            " somewhere else?"
        )
    return variables


def _checked_loss(loss: Any, name: str) -> Any:
    in_graph = not tf.executing_eagerly()
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
