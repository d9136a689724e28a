"""What a network's optimizer has to be, and its variables."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.networks import Network
from tfgan_lite.train.loss_scaling import wrapped

__all__ = [
    "as_optimized",
    "build_slots",
    "check_made_under",
    "check_optimizer",
    "without_sums_over_replicas",
]


def check_optimizer(optimizer: Any, name: str, variables: Sequence[tf.Variable]) -> None:
    """Checks that an optimizer can train the variables.

    Args:
      optimizer: what was given.
      name: the network's, for messages.
      variables: what it would train.

    Raises:
      TypeError: it is not an optimizer, or one of graphs in TF2.
      ValueError: it was made outside the strategy that trains, or accumulates gradients where Keras
        cannot: in a graph or on several replicas.
    """
    in_graph = not tf.executing_eagerly()
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
    strategy = getattr(variables[0], "distribute_strategy", None) or tf.distribute.get_strategy()
    check_made_under(strategy, optimizer, name)
    gathers = getattr(wrapped(optimizer), "gradient_accumulation_steps", None)
    if gathers and (in_graph or strategy.num_replicas_in_sync > 1):
        where = "in a tf.Graph" if in_graph else "under a strategy of several replicas"
        raise ValueError(
            f"The {name}'s optimizer has gradient_accumulation_steps={gathers}, with which Keras"
            f" does not train {where}: there pass larger batches, or an optimizer without it."
        )


def check_made_under(strategy: tf.distribute.Strategy, optimizer: Any, name: str) -> None:
    """Raises ValueError where several replicas would share a Keras optimizer made elsewhere.

    Args:
      strategy: the one that trains.
      optimizer: of any kind.
      name: the network's, for messages.
    """
    own = getattr(wrapped(optimizer), "_distribution_strategy", strategy)
    if strategy.num_replicas_in_sync > 1 and own is not strategy:
        raise ValueError(
            f"The {name}'s optimizer was made outside the scope of the {type(strategy).__name__}"
            " that trains: make networks, optimizers and the model in its scope, or train outside"
            " of any."
        )


def as_optimized(optimizer: Any, network: Network, variables: Sequence[tf.Variable]) -> list[Any]:
    """A network's variables as its optimizer takes them.

    Keras 3's gets those that the layers have, for their constraints and, with some optimizers, for
    their paths.
    """
    keras = sys.modules.get("keras")
    is_keras_3 = keras is not None and isinstance(optimizer, keras.optimizers.Optimizer)
    return [network.of_layer(v) for v in variables] if is_keras_3 else list(variables)


def build_slots(optimizer: Any, variables: Sequence[Any]) -> None:
    """Makes a Keras optimizer's variables now: a compiled update cannot.

    Args:
      optimizer: of any kind; v1 optimizers make theirs themselves.
      variables: what `as_optimized` gave.

    Raises:
      TypeError: an optimizer, such as Muon, that trains only variables of Keras layers.
    """
    if isinstance(optimizer, tf.compat.v1.train.Optimizer):
        return
    if hasattr(optimizer, "build"):
        try:
            optimizer.build(list(variables))
        except AttributeError as error:
            raise TypeError(
                f"{type(optimizer).__name__} cannot train variables that are not those of Keras"
                f" layers ({error}): make the network of layers, or choose another optimizer."
            ) from error
    elif hasattr(optimizer, "_create_all_weights"):  # tf_keras.optimizers.legacy
        optimizer._create_all_weights(list(variables))


# Keras 3's and tf_keras's methods that sum pairs of gradients and variables over replicas.
_SUMS = ("_all_reduce_sum_gradients", "aggregate_gradients")


@contextlib.contextmanager
def without_sums_over_replicas(optimizer: Any) -> Iterator[None]:
    """Inside, a Keras optimizer takes gradients as they are, if there is one replica.

    The sum registers a custom gradient, which TensorFlow never releases, and with it the
    surrounding graph: megabytes for every program.
    """
    keras = wrapped(optimizer)
    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    sums = [] if several else [name for name in _SUMS if _is_of_keras(type(keras), name)]
    vars(keras).update(dict.fromkeys(sums, list))
    try:
        yield
    finally:
        for name in sums:
            vars(keras).pop(name, None)


def _is_of_keras(optimizer: type, method: str) -> bool:
    """Whether it has the method, and from Keras: programs may override tf_keras's."""
    module = getattr(getattr(optimizer, method, None), "__module__", "")
    return module.split(".")[0] in ("keras", "tf_keras")
