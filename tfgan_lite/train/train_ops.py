"""`gan_train_ops`: from losses and optimizers to the updates that training alternates."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred, sources_of
from tfgan_lite.graph_notes import note, noted
from tfgan_lite.losses.composite import terms_of
from tfgan_lite.networks import Network
from tfgan_lite.structures import GANLoss, GANModel, GANTrainOps
from tfgan_lite.train.counters import Counters
from tfgan_lite.train.updates import Update

__all__ = ["IncrementOp", "TrainOp", "gan_train_ops", "joint_ops"]

_GRAPH_OPTIONS = ("gate_gradients", "aggregation_method", "colocate_gradients_with_ops")


class TrainOp(Deferred):
    """In TF2, one update of one network; its value is the loss."""

    def __init__(self, update: Update):
        super().__init__(lambda: update.loss(), f"{update.name}_train_op")
        self.update = update
        self.report = Report(update)

    def __call__(self) -> tf.Tensor:
        """Runs one update, and gives the loss that it was made from."""
        from tfgan_lite.train.session import session_for_single_calls

        return session_for_single_calls(self.update.counters).run(self)


class Report(Deferred):
    """In TF2, the values that an update reports, float32 [len(update.value_names)]."""

    def __init__(self, update: Update):
        spec = tf.zeros([len(update.value_names)])
        super().__init__(lambda: spec, f"{update.name}_report")
        self.update = update


class IncrementOp(Deferred):
    """In TF2, ends a round: adds one to the global step, and gives the new step."""

    def __init__(self, counters: Counters):
        super().__init__(lambda: counters.global_step.assign_add(1), "global_step_inc_op")
        self.counters = counters


def gan_train_ops(
    model: GANModel,
    loss: GANLoss,
    generator_optimizer: Any,
    discriminator_optimizer: Any,
    check_for_unused_update_ops: bool = True,
    is_chief: bool = True,
    **kwargs: Any,
) -> GANTrainOps:
    """The updates that training alternates.

    Batch norm's statistics belong to the network that has them: they move in that network's own
    updates, and in no other's.

    Args:
      model: a GANModel.
      loss: its GANLoss; both losses scalars.
      generator_optimizer: a Keras 3 or tf_keras optimizer, or in a `tf.Graph` also a
        `tf.compat.v1.train.Optimizer`.
      discriminator_optimizer: another one for the discriminator.
      check_for_unused_update_ops: in a graph, whether update ops that neither network made are an
        error.
      is_chief: in a graph with a `SyncReplicasOptimizer`, whether this worker is the chief.
      **kwargs: `transform_grads_fn`, a function of a list of (gradient, variable) pairs that gives
        such a list; `summarize_gradients` (False): report the norm of each variable's gradient;
        `check_numerics` (True): a loss that is not finite stops training before it is applied;
        `variables_to_train`: train these only, of the variables that the networks own. In a graph
        also `update_ops`, which replaces what the networks' calls made, and `gate_gradients`,
        `aggregation_method` and `colocate_gradients_with_ops` for v1 optimizers.

    Returns:
      GANTrainOps of ops whose values are the losses, or of deferred values.

    Raises:
      ValueError: no trainable variables; a loss that is not a scalar; a loss that does not depend
        on its network; unused update ops; a call inside a tf.function.
      TypeError: an optimizer of the wrong kind; an unknown keyword.
    """
    if tf.inside_function():
        raise ValueError(
            "gan_train_ops has no place inside a tf.function: there, take gradients of gan_loss's"
            " tensors with a tf.GradientTape. For gan_train, call it outside."
        )
    in_graph = not tf.executing_eagerly()
    options = _checked_options(kwargs, in_graph)
    generator, discriminator = _networks(model)
    if generator_optimizer is discriminator_optimizer and not isinstance(
        generator_optimizer, tf.compat.v1.train.Optimizer
    ):
        raise ValueError(
            "Both networks share one Keras optimizer: its slots belong to one list of variables."
            " Give each network an optimizer of its own."
        )
    counters = Counters()

    def update(network, other, optimizer, total):
        _check_optimizer(optimizer, network.name, in_graph)
        _check_scalar(total, network.name, in_graph)
        variables = _variables(network, options["variables_to_train"])
        _build_slots(optimizer, variables)
        return Update(
            name=network.name,
            network=network,
            other=other,
            variables=variables,
            loss=total,
            terms=terms_of(total),
            optimizer=optimizer,
            counters=counters,
            real_example=tf.nest.flatten(model.real_data)[0],
            transform_grads_fn=options["transform_grads_fn"],
            check_numerics=options["check_numerics"],
            summarize_gradients=options["summarize_gradients"],
            options=options["graph"],
        )

    updates = [
        update(generator, discriminator, generator_optimizer, loss.generator_loss),
        update(discriminator, generator, discriminator_optimizer, loss.discriminator_loss),
    ]
    if not in_graph:
        return GANTrainOps(*(TrainOp(u) for u in updates), IncrementOp(counters), ())

    from tfgan_lite.train import graph_ops

    if check_for_unused_update_ops and options["update_ops"] is None:
        graph_ops.check_unused_update_ops(generator, discriminator)
    hooks = graph_ops.sync_replicas_hooks(updates, is_chief)
    ops = [graph_ops.train_op([u], options["update_ops"])[0] for u in updates]
    for op, each in zip(ops, updates):
        note(op, update=each, update_ops=options["update_ops"])
    increment = counters.global_step.assign_add(1, read_value=True)
    with tf.control_dependencies([increment]):
        increment = tf.identity(increment, name="global_step_inc")
    return GANTrainOps(*ops, note(increment, counters=counters), hooks)


def joint_ops(train_ops: Sequence[Any]) -> list[Any]:
    """Ops that, run together, take all gradients at the same weights before any is applied.

    In TF2 a run of several updates does that by itself; a graph needs ops of their own.
    """
    if all(isinstance(op, Deferred) for op in train_ops):
        return list(train_ops)
    updates = [noted(op, "update") for op in train_ops]
    if None in updates:  # Not made by gan_train_ops: their order is their maker's.
        return list(train_ops)
    from tfgan_lite.train import graph_ops

    joint = graph_ops.train_op(updates, noted(train_ops[0], "update_ops"))
    for op, update in zip(joint, updates):
        note(op, update=update)
    return joint


def update_of(train_op: Any) -> Update | None:
    """The update behind a train op that `gan_train_ops` made."""
    return train_op.update if isinstance(train_op, TrainOp) else noted(train_op, "update")


def report_of(train_op: Any) -> Any:
    """What to fetch for all values that an update reports: the op itself for others' ops."""
    if isinstance(train_op, TrainOp):
        return train_op.report
    if isinstance(train_op, Deferred) or noted(train_op, "values") is None:
        return train_op
    # The values alone do not depend on the update.
    with tf.control_dependencies([train_op]):
        return tf.identity(noted(train_op, "values"))


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


def _networks(model: GANModel) -> tuple[Network, Network]:
    networks = model.generator_fn, model.discriminator_fn
    for network in networks:
        if not isinstance(network, Network):
            raise TypeError(
                f"The model's networks must be those that gan_model returned, got {network!r}."
            )
    return networks


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


def _check_optimizer(optimizer: Any, name: str, in_graph: bool) -> None:
    is_v1 = isinstance(optimizer, tf.compat.v1.train.Optimizer)
    if is_v1 and not in_graph:
        raise TypeError(
            f"The {name}'s optimizer is a tf.compat.v1.train.{type(optimizer).__name__}, which"
            " needs a tf.Graph. Pass a Keras optimizer, such as tf.keras.optimizers.Adam."
        )
    if inspect.isclass(optimizer) or not hasattr(optimizer, "apply_gradients"):
        raise TypeError(
            f"The {name}'s optimizer must be a Keras optimizer"
            f"{' or a v1 optimizer' if in_graph else ''}, got {optimizer!r}."
        )


def _check_scalar(loss: Any, name: str, in_graph: bool) -> None:
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


def _build_slots(optimizer: Any, variables: Sequence[tf.Variable]) -> None:
    """Makes a Keras optimizer's variables now: a compiled update cannot."""
    if isinstance(optimizer, tf.compat.v1.train.Optimizer):
        return
    if hasattr(optimizer, "build"):
        optimizer.build(list(variables))
    elif hasattr(optimizer, "_create_all_weights"):  # tf_keras.optimizers.legacy
        optimizer._create_all_weights(list(variables))
