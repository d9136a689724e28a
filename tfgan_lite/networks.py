"""A network: a callable that owns its variables.

Ownership is by use, never by name: a network owns the variables that its calls touch. So it takes
Keras 3 and tf_keras models, `tf.Module`s, functions that close over them, and functions that call
`tf.compat.v1.get_variable`, alike.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred
from tfgan_lite.graph_ownership import losses_of_weights, variables_touched
from tfgan_lite.held_layers import held_layers, used_layers
from tfgan_lite.quick_gradients import quick_gradients
from tfgan_lite.replicas import check_supported, is_distributed
from tfgan_lite.runs import current_run
from tfgan_lite.signatures import Signature
from tfgan_lite.tracing import program_of, rehearse
from tfgan_lite.variables import unwrapped, whole_variables
from tfgan_lite.worlds import check_tensor_shapes, in_plain_graph

__all__ = ["LogitsOnly", "Network", "networks_of"]

_ASSIGNMENTS = frozenset(
    f"{kind}{suffix}"
    for kind in ("Assign", "AssignAdd", "AssignSub")
    for suffix in ("", "VariableOp")
)
_GraphKeys = tf.compat.v1.GraphKeys


class Network:
    """A generator or a discriminator.

    Args:
      fn: the model, module or function.
      role: "generator" or "discriminator".
      scope: in a graph, the variable scope that every call enters.
      direction: tells networks of one role apart, "x2y" for instance.

    Attributes:
      fn: the model, module or function.
      role: "generator" or "discriminator".
      scope: in a graph, the variable scope of its calls, as the first call opened it; elsewhere as
        it was given.
      name: the role and the direction, for messages and checkpoints: "generator_x2y".
      variables: all variables that the network owns, in a fixed order.
      trainable_variables: those that its optimizer updates.
      update_ops: in a graph, the assignments that its calls made (batch norm's statistics).
      layers: the outermost Keras layers that it is made of; None before a first call.
      regularization_losses: the regularisation losses its layers declare, to be added to its own
        loss; activity regularisers are evaluated on its own data (real data for a discriminator).
    """

    enters_own_scope = True

    def __init__(self, fn: Callable[..., Any], role: str, scope: Any = None, direction: str = ""):
        check_tensor_shapes()
        if not callable(fn):
            raise TypeError(f"{role}_fn must be a model or a function, got {fn!r}.")
        self.fn = fn
        self.role = role
        self.name = f"{role}_{direction}" if direction else role
        self.scope = scope
        self.variables: list[tf.Variable] = []
        self.trainable_variables: list[tf.Variable] = []
        self.update_ops: list[tf.Operation] = []
        self.regularization_losses: tuple[Any, ...] = ()
        self.layers: list[Any] | None = None
        self._of_layers: dict[int, Any] = {}
        self._collected_losses: list[tf.Tensor] = []
        self._earlier_losses: list[tf.Tensor] = []
        self._called = False
        self._used: Sequence[tf.Variable] = ()  # By the first call, in TF2.
        self._keeps_statistics = False
        self._signature = Signature(fn, role)

    def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """The network's output.

        In a graph, whoever has opened the network's own variable scope is left in it, with what it
        brings: a custom getter that gives averaged weights, say.

        Args:
          *args: `(inputs)` for a generator, `(data, generator_inputs)` for a discriminator, whose
            second argument is left out where it takes only one.
          training: whether layers such as batch norm train. By default what the current run says;
            without a run, True while a graph or a function is built and False eagerly.
          **kwargs: passed on to the function, such as `is_training`.
        """
        if training is None:
            run = current_run()
            training = run.training if run is not None else not tf.executing_eagerly()
        if self._signature.takes_training:
            kwargs["training"] = training
        args = self._signature.fitted(args)
        with quick_gradients() if training else contextlib.nullcontext():
            if not in_plain_graph():
                with self._scope_of_the_graph():
                    return self._called_in_tf2(args, kwargs)
            with self._recorded(), self._own_scope():
                return self.fn(*args, **kwargs)

    @functools.cached_property
    def sampler(self) -> Callable[[Any], Any]:
        """The network in inference mode, compiled: a function of its inputs."""
        return program_of(lambda *inputs: self(*inputs, training=False), reduce_retracing=True)

    def build(self, call: Deferred) -> None:
        """Lets the network's first call make its variables, in TF2 under a strategy.

        There Keras can make variables eagerly, but not while it is traced.

        Raises:
          ValueError: a strategy that is not supported.
        """
        strategy = tf.distribute.get_strategy()
        check_supported(strategy)
        is_built = self._called or getattr(self.fn, "built", False)
        if is_distributed(strategy) and not is_built:
            rehearse(call)

    def own(self, *calls: Deferred) -> None:
        """Takes the variables that the first call touches, in TF2.

        Raises:
          ValueError: another call touches variables that the first did not.
        """
        first, *others = (call.trace.variables for call in calls)
        for used in others:
            self._check_reuse(first, used)
        self._set_variables(first)
        self._used = first
        self._warn_of_still_statistics()

    def _warn_of_still_statistics(self) -> None:
        """Where batch norm is in a function that does not hear of training."""
        moving = [v.name for v in self.statistics if "moving_" in v.name]
        if moving and not self._signature.takes_training:
            warnings.warn(
                f"{self.role}_fn has moving averages ({moving[0]}, ...) but no parameter"
                " `training`: its layers work as they do in inference, and the averages stay as"
                " they are. Take it and pass it on, as in"
                " lambda inputs, training: model(inputs, training=training).",
                stacklevel=2,
            )

    def check_owned(self, call: Deferred) -> None:
        """Raises ValueError where a later call touches variables that the first did not, in TF2."""
        self._check_reuse(self._used, call.trace.variables)

    def takes(self, count: int, first: Any = None) -> bool:
        """Whether the network can be called with so many inputs; see `Signature.takes`."""
        return self._signature.takes(count, first)

    def disown_updates(self, operations: Sequence[tf.Operation]) -> None:
        """Forgets assignments that its calls made in a graph, whose data it does not train on."""
        self.update_ops = [op for op in self.update_ops if op not in set(operations)]
        _remove_from_update_ops(tf.compat.v1.get_default_graph(), operations)

    @property
    def statistics(self) -> list[tf.Variable]:
        """Variables that calls change and optimizers do not, such as batch norm's moments."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trainable and v.dtype.is_floating]

    @contextlib.contextmanager
    def statistics_kept(self) -> Iterator[None]:
        """Calls inside leave the network's statistics as they were.

        A network's batch norm learns from its own sub-steps only: while the other network trains,
        or while a penalty probes it, it normalises by the batch but does not remember it.
        """
        if in_plain_graph():
            before, self._keeps_statistics = self._keeps_statistics, True
            try:
                yield
            finally:
                self._keeps_statistics = before
            return
        saved = [(v, tf.identity(v)) for v in self.statistics]
        try:
            yield
        finally:
            for variable, value in saved:
                variable.assign(value)

    def last_losses(self) -> tuple[tf.Tensor, ...]:
        """The regularisation losses that the layers declare for weights and for the last call."""
        earlier = [*self._earlier_losses, *self._collected_losses]
        declared = [x for x in self._declared_losses() if all(x is not y for y in earlier)]
        return (*self._collected_losses, *declared)

    def _declared_losses(self) -> list[tf.Tensor]:
        declared = getattr(self.fn, "losses", None)
        if declared is None:
            declared = [loss for layer in self.layers or () for loss in layer.losses]
        return [tf.convert_to_tensor(loss) for loss in declared]

    @contextlib.contextmanager
    def _recorded(self) -> Iterator[None]:
        """Notes what a call adds to the graph."""
        # In a graph tf_keras keeps the losses of all calls.
        self._earlier_losses = self._declared_losses()
        graph = tf.compat.v1.get_default_graph()
        seen = len(graph.get_operations())
        keys = (_GraphKeys.UPDATE_OPS, _GraphKeys.REGULARIZATION_LOSSES)
        sizes = [len(graph.get_collection_ref(key)) for key in keys]
        yield
        operations = graph.get_operations()[seen:]
        updates, losses = (graph.get_collection_ref(key)[size:] for key, size in zip(keys, sizes))
        used = variables_touched(graph, operations)
        if not self._called:
            self._set_variables(used)
            self._called = True
            # An earlier model, or the program itself, may have made the variables.
            earlier = losses_of_weights(graph, self.variables)
            losses = [x for x in earlier if all(x is not y for y in losses)] + losses
        elif tf.compat.v1.get_variable_scope().custom_getter is None:  # A getter may give others.
            self._check_reuse(self.variables, used)
        self._collected_losses += losses
        if not self._keeps_statistics:
            initializers = {v.initializer for v in self.variables}
            assignments = [
                op for op in operations if op.type in _ASSIGNMENTS and op not in initializers
            ]
            self.update_ops += assignments + [getattr(op, "op", op) for op in updates]
        else:
            _remove_from_update_ops(graph, updates)

    @contextlib.contextmanager
    def _own_scope(self) -> Iterator[None]:
        """Opens the network's variable scope in a graph, unless the caller did."""
        current = tf.compat.v1.get_variable_scope()
        if self._called and current.name and current.name == self.scope.name:
            yield
            return
        with tf.compat.v1.variable_scope(self.scope, reuse=tf.compat.v1.AUTO_REUSE) as scope:
            self.scope = scope
            yield

    def _scope_of_the_graph(self) -> contextlib.AbstractContextManager:
        """Where a function that a graph calls, a conditional's branch say, finds variables."""
        if isinstance(self.scope, tf.compat.v1.VariableScope):
            return tf.compat.v1.variable_scope(self.scope, reuse=tf.compat.v1.AUTO_REUSE)
        return contextlib.nullcontext()

    def _layers_among(self, used: Sequence[tf.Variable]) -> list[Any]:
        layers = held_layers(self.fn)
        if hasattr(self.fn, "trainable_variables"):
            return layers
        # A function may also hold those of others.
        ids = {id(v) for v in whole_variables(used)}
        return used_layers(layers, lambda variable: id(unwrapped(variable)) in ids)

    def _set_variables(self, used: Sequence[tf.Variable]) -> None:
        self.layers = self._layers_among(used)
        self._of_layers = {id(unwrapped(v)): v for x in self.layers for v in x.variables}
        is_model = hasattr(self.fn, "trainable_variables")
        owned = self.fn.variables if is_model else whole_variables(used)
        trained = self.fn.trainable_variables if is_model else [v for v in owned if v.trainable]
        # A layer knows which of its variables are frozen.
        trained = [v for v in trained if id(unwrapped(v)) not in self._of_layers]
        trained += [v for x in self.layers for v in x.trainable_variables]
        trainable = {id(unwrapped(v)) for v in trained}
        if is_model:  # A model of Keras does not list the states of its recurrent layers.
            states = [v for v in whole_variables(used) if not v.trainable]
            owned = [*owned, *self._of_layers.values(), *states]
        owned = [unwrapped(v) for v in owned]
        self.variables = list({id(v): v for v in owned}.values())
        self.trainable_variables = [v for v in self.variables if id(v) in trainable]

    def of_layer(self, variable: tf.Variable) -> Any:
        """The Keras 3 variable that a layer has of it, with a path and a constraint, if any."""
        return self._of_layers.get(id(variable), variable)

    def _called_in_tf2(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        with tf.variable_creator_scope(self._create):
            if self.layers is not None or tf.executing_eagerly():
                outputs = self.fn(*args, **kwargs)
            else:  # The first call that is traced.
                with tf.GradientTape() as tape:
                    outputs = self.fn(*args, **kwargs)
                used = tape.watched_variables()
                self.layers = self._layers_among(used)
                if current_run() is None and not self._called:  # In a user's own tf.function.
                    self._set_variables(used)
        self._called = True
        return outputs

    def _create(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        """Makes a variable in the first call, where a network may build itself, and in no other."""
        if self._called:
            raise self._not_reused([kwargs.get("name") or "Variable"])
        return next_creator(**kwargs)

    def _check_reuse(self, first: Sequence[tf.Variable], later: Sequence[tf.Variable]) -> None:
        known = {id(v) for v in first}
        new = [v.name for v in later if id(v) not in known]
        if new:
            raise self._not_reused(new)

    def _not_reused(self, new: Sequence[str]) -> ValueError:
        return ValueError(
            f"{self.role}_fn made new variables when it was called a second time:"
            f" {', '.join(new[:4])}{', ...' if len(new) > 4 else ''}. Each call would train a"
            " network of its own. Make the layers once, outside the function, or pass the"
            " model itself (in a tf.Graph, tf.compat.v1.get_variable reuses them too)."
        )


class LogitsOnly(Network):
    """A network that has several outputs, seen by whoever wants the first alone, the logits.

    All else, its variables and what becomes of them, is the whole network's.

    Args:
      whole: a network whose output is a tuple or list.
    """

    def __init__(self, whole: Network):
        object.__setattr__(self, "whole", whole)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The first of the whole network's outputs."""
        return self.whole(*args, **kwargs)[0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.whole, name, value)


def networks_of(model: Any) -> tuple[Network, Network]:
    """The generator and the discriminator of a model that `gan_model` or its like returned.

    Raises:
      TypeError: a model that was put together by hand, of functions.
    """
    networks = model.generator_fn, model.discriminator_fn
    for network in networks:
        if not isinstance(network, Network):
            raise TypeError(
                "The model's networks must be those that gan_model and its like returned, and know"
                f" their variables, got {network!r}."
            )
    return networks


def _remove_from_update_ops(graph: tf.Graph, updates: Sequence[Any]) -> None:
    """Takes update ops out of the graph's collection, for those who would run all that is there."""
    unwanted = {getattr(op, "op", op) for op in updates}
    collection = graph.get_collection_ref(_GraphKeys.UPDATE_OPS)
    collection[:] = [op for op in collection if getattr(op, "op", op) not in unwanted]
