"""One network's weights from a checkpoint: of this library, or of a TF-GAN graph."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from tfgan_lite.networks import Network
from tfgan_lite.train.checkpoint import trackable
from tfgan_lite.train.checkpoint_files import newest_of, open_checkpoint
from tfgan_lite.variables import unwrapped

__all__ = ["WarmStart", "warm_start"]

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_NUMBER = re.compile(r"_\d+$")

# What graph layers of old call a variable or a layer, and what Keras does.
_KERAS_NAMES = {
    "weights": "kernel",
    "w": "kernel",
    "biases": "bias",
    "b": "bias",
    "fully_connected": "dense",
    "conv": "conv2d",
    "convolution": "conv2d",
    "batchnorm": "batch_normalization",
    "batch_norm": "batch_normalization",
    "layernorm": "layer_normalization",
    "moving_avg": "moving_mean",
}
# What optimizers and moving averages keep beside a variable, under its name.
_KEPT_BESIDE = re.compile(
    r"/(Adam(_\d+)?|Momentum|RMSProp(_\d+)?|Adagrad|Adadelta(_\d+)?|Ftrl(_\d+)?|AdaMax(_\d+)?"
    r"|ExponentialMovingAverage|local_step|biased)$"
)


class WarmStart(NamedTuple):
    """What came of a warm start; `print` shows it.

    Attributes:
      loaded: names in the checkpoint by the names of the variables that took their values.
      not_loaded: variables that kept their values, each with the reason.
      not_used: the checkpoint's variables of that network that no variable took.

    Example:
      >>> print(tfgan.train.WarmStart({"dense/bias": "generator/bias"}, {}, []))
      loaded 1:
        dense/bias <- generator/bias
      not loaded 0:
      in the checkpoint, not used 0:
    """

    loaded: dict[str, str]
    not_loaded: dict[str, str]
    not_used: list[str]

    def __str__(self) -> str:
        lines = [f"loaded {len(self.loaded)}:"]
        lines += [f"  {mine} <- {theirs}" for mine, theirs in self.loaded.items()]
        lines += [f"not loaded {len(self.not_loaded)}:"]
        lines += [f"  {mine}: {why}" for mine, why in self.not_loaded.items()]
        lines += [f"in the checkpoint, not used {len(self.not_used)}:"]
        lines += [f"  {theirs}" for theirs in self.not_used]
        return "\n".join(lines)


def warm_start(
    network: Any,
    path: str | os.PathLike[str],
    scope: str = "generator",
    *,
    names: Mapping[str, str] | None = None,
    partially: bool = False,
) -> WarmStart:
    """Gives a network the weights that a checkpoint has, and leaves all else alone.

    The checkpoint is one of `gan_train` in TF2, or of a graph, TF-GAN's for instance, whose
    variables have names such as "Generator/dense/kernel". There, the layers of one kind (all dense
    ones) are matched by their names if these are the same, and else in the order of their numbers
    if there are as many: "dense_4" of the second model of a program is "dense" of a graph.

    Args:
      network: a model, a module or a function's network (`model.generator_fn`), built, in TF2; or
        a `WeightAverage`, built.
      path: the checkpoint without `.index`, or a folder for its newest.
      scope: whose weights: in a checkpoint of TF2 "generator" or "discriminator", or
        "generator_average" for averaged ones; in a graph's the variable scope, of which case does
        not matter.
      names: of a graph's checkpoint, the name there for names of variables here, where matching
        finds none.
      partially: whether variables may be left as they are; by default that is an error, before any
        of them is changed.

    Returns:
      What was loaded and what was not; print it.

    Raises:
      ValueError: in a graph; the checkpoint cannot be read or has nothing under the scope;
        variables for which it has nothing of their shape, unless `partially`.

    Example:
      >>> path = tf.train.Checkpoint(generator=generator).save("pretrained/model")
      >>> len(tfgan.train.warm_start(generator, path).loaded)
      2
    """
    if not tf.executing_eagerly():
        raise ValueError(
            "warm_start works in TF2. In a graph, call before the session"
            " tf.compat.v1.train.init_from_checkpoint(path, {'Generator/': 'Generator/'})."
        )
    path = newest_of(path)
    reader = open_checkpoint(path)
    shapes = reader.get_variable_to_shape_map()
    variables = _variables(network)
    if _OBJECT_GRAPH in shapes:
        pairs, theirs = _match_objects(path, reader, network, variables, scope)
    else:
        theirs = _under_scope(shapes, scope)
        pairs = _match_names(variables, theirs, len(scope.strip("/")) + 1, names or {})
    if not theirs:
        tops = sorted({name.split("/")[0] for name in shapes if not name.startswith("_")})
        raise ValueError(
            f"The checkpoint {path} has nothing under {scope!r}; it has {', '.join(tops)}."
        )
    found = WarmStart({}, {}, [])
    for name, variable in variables.items():
        source = pairs.get(name)
        if source is None or source not in shapes:
            found.not_loaded[name] = "nothing matches" if source is None else f"no {source}"
        elif list(shapes[source]) != list(variable.shape):
            found.not_loaded[name] = f"{list(variable.shape)} here, {shapes[source]} of {source}"
        else:
            found.loaded[name] = source
    found.not_used.extend(sorted(set(theirs) - set(found.loaded.values())))
    if found.not_loaded and not partially:
        raise ValueError(
            f"The checkpoint {path} does not have all weights of the network; none were"
            f" loaded. Pass names={{...}}, or partially=True.\n{found}"
        )
    try:
        values = {name: reader.get_tensor(source) for name, source in found.loaded.items()}
    except (tf.errors.OpError, RuntimeError) as error:
        raise ValueError(f"Cannot read the checkpoint {path}: {error}") from error
    for name, value in values.items():
        variables[name].assign(tf.cast(value, variables[name].dtype))
    return found


def _variables(network: Any) -> dict[str, tf.Variable]:
    """A network's variables by names that tell them apart."""
    owner = network.variables if isinstance(network, Network) else list(network.variables)
    if not owner:
        raise ValueError(f"{network!r} has no variables: call it once, so that it builds itself.")
    named: dict[str, tf.Variable] = {}
    for variable in owner:
        name = getattr(variable, "path", variable.name).split(":")[0]
        if name.rsplit("/", 1)[-1] == "seed_generator_state":  # Dropout's, of no weight.
            continue
        unique, number = name, 1
        while unique in named:
            number += 1
            unique = f"{name} ({number})"
        named[unique] = unwrapped(variable)
    return named


def _match_objects(
    path: str, reader: Any, network: Any, variables: Mapping[str, tf.Variable], scope: str
) -> tuple[dict[str, str], list[str]]:
    """For variables the keys of a TF2 checkpoint, and all keys of that part."""
    saved = trackable_object_graph_pb2.TrackableObjectGraph()
    saved.ParseFromString(reader.get_tensor(_OBJECT_GRAPH))
    view = tf.train.CheckpointView(path)
    part = view.children(0).get(scope)
    if part is None:
        return {}, []

    def keys(node: int) -> list[str]:
        return [each.checkpoint_key for each in saved.nodes[node].attributes]

    root = tf.train.Checkpoint(**{scope: trackable(network)})
    found = {id(unwrapped(obj)): keys(node) for node, obj in view.match(root).items()}
    pairs = {
        name: found[id(v)][0] for name, v in variables.items() if len(found.get(id(v), ())) == 1
    }
    theirs, seen, stack = [], set(), [part]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            theirs += keys(node)
            stack.extend(view.children(node).values())
    return pairs, theirs


def _under_scope(names: Mapping[str, Any], scope: str) -> list[str]:
    prefix = f"{scope.strip('/').lower()}/"
    return [n for n in names if n.lower().startswith(prefix) and not _KEPT_BESIDE.search(n)]


def _match_names(
    variables: Mapping[str, tf.Variable], theirs: list[str], start: int, given: Mapping[str, str]
) -> dict[str, str]:
    """For variables the names of a graph's checkpoint, which begin after their scope."""
    unknown = sorted(set(given) - set(variables))
    if unknown:
        raise ValueError(
            f"The network has no variables {', '.join(unknown)}; it has {', '.join(variables)}."
        )
    pairs = dict(given)
    mine = _by_kind([name for name in variables if name not in given])
    whole = {name[start:]: name for name in theirs if name not in given.values()}
    others = _by_kind(sorted(whole, key=_natural))
    for kind, names in mine.items():
        candidates = others.get(kind, [])
        by_place = {_place(name): name for name in candidates}
        if {_place(name) for name in names} == set(by_place):
            pairs.update((name, whole[by_place[_place(name)]]) for name in names)
        elif len(names) == len(candidates):
            pairs.update((name, whole[other]) for name, other in zip(names, candidates))
    return pairs


def _by_kind(names: list[str]) -> dict[tuple[str, str], list[str]]:
    """Names in their order, by the kind of the layer and of the variable in it."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name in names:
        *_, layer, leaf = ("", *name.lower().split("/"))
        layer, leaf = _NUMBER.sub("", layer), _NUMBER.sub("", leaf)
        kind = _KERAS_NAMES.get(layer, layer), _KERAS_NAMES.get(leaf, leaf)
        kinds.setdefault(kind, []).append(name)
    return kinds


def _place(name: str) -> str:
    """A variable's name in its network: "dense_1/kernel" of "Generator/dense_1/weights"."""
    *_, layer, leaf = ("", *name.lower().split("/"))
    return f"{layer}/{_KERAS_NAMES.get(leaf, leaf)}"


def _natural(name: str) -> list[tuple[str, int]]:
    """A key by which "dense_10" comes after "dense_9"."""
    parts = [re.fullmatch(r"(.*?)(?:_(\d+))?", part) for part in name.split("/")]
    return [(part[1], int(part[2] or 0)) for part in parts]
