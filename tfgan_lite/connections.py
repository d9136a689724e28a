"""Networks connected to data: their calls, in either world, and what has to fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.deferred import Deferred, leaves, materialise
from tfgan_lite.graph_notes import note
from tfgan_lite.merged_calls import MergedCalls
from tfgan_lite.networks import Network
from tfgan_lite.runs import current_run
from tfgan_lite.structures import skeleton

__all__ = ["Call", "Connection", "as_network", "check_disjoint", "check_same", "connect"]


class Call:
    """A network's output for values, and the losses that its layers declare, in either world.

    Args:
      network: what is called.
      name: the output's name.
      *args: values.
      heads: checks the network's output and gives it a fixed form, such as a pair of logits.
      opaque: whether the output has parts that are not tensors.
    """

    def __init__(
        self,
        network: Network,
        name: str,
        *args: Any,
        heads: Callable[[Any], Any] | None = None,
        opaque: bool = False,
    ):
        self.name = name
        self.network, self.args, self._heads = network, args, heads
        self.is_deferred = any(isinstance(leaf, Deferred) for leaf in tf.nest.flatten(args))
        if self.is_deferred:
            self.node = Deferred(self._in_run, name, opaque)
            network.build(self.node)
            self.losses = leaves(Deferred(lambda: self.node()[1], f"{name}_losses"))
        else:
            known = len(network.update_ops)
            self._outputs, self.losses = self.on(args)
            self._note_updates(network.update_ops[known:])

    def output(self, head: int | None = None, name: str = "") -> Any:
        """The whole output, or that of one head: tensors, or deferred values."""

        def chosen(outputs: Any) -> Any:
            return outputs if head is None else outputs[head]

        if not self.is_deferred:
            return chosen(self._outputs)
        return leaves(Deferred(lambda: chosen(self.node()[0]), name or self.name))

    def distributions(self, count: int, name: str) -> list[Any]:
        """Those of the second head: distributions, or deferred values of them."""

        def one(i: int) -> Any:
            if not self.is_deferred:
                return self._outputs[1][i]
            return Deferred(lambda: self.node()[0][1][i], f"{name}/{i}", opaque=True)

        return [one(i) for i in range(count)]

    @property
    def sampled(self) -> Deferred:
        """In TF2, the output in inference mode."""
        return Deferred(
            lambda: self.network(*materialise(self.args), training=False), f"{self.name}_sampled"
        )

    def on(self, args: Sequence[Any]) -> tuple[Any, tuple[tf.Tensor, ...]]:
        """The network's output for tensors, and the losses that its layers declare."""
        # Read at once: the next call replaces a Keras model's losses.
        outputs, losses = self.network(*args), self.network.last_losses()
        return (outputs if self._heads is None else self._heads(outputs)), losses

    def _in_run(self) -> tuple[Any, tuple[tf.Tensor, ...]]:
        run = current_run()
        if self.node.merged in run.merges:
            self.node.merged.compute(run)
            return run.value(self.node)
        return self.on(materialise(self.args))

    def _note_updates(self, updates: Sequence[tf.Operation]) -> None:
        """Remembers which assignments came with the output, in a graph."""
        first = tf.nest.flatten(self._outputs)[0]
        if updates and tf.is_tensor(first):
            note(first, update_ops=tuple(updates))


class Connection(NamedTuple):
    """A generator's call, and a discriminator's on what it gives and on real data."""

    generated: Call
    on_generated: Call
    on_real: Call


def connect(
    generator: Network,
    discriminator: Network,
    real: Any,
    generator_args: Sequence[Any],
    discriminator_args: Sequence[Any],
    *,
    check: Callable[[Any, Any], None] | None,
    heads: Callable[[Any], Any] | None = None,
    opaque: bool = False,
) -> Connection:
    """Calls both networks; each takes the variables that its calls use.

    Args:
      generator: called with `generator_args`.
      discriminator: called with generated and with real data, each followed by
        `discriminator_args`.
      real: real data.
      generator_args: values.
      discriminator_args: values.
      check: of generated and real data, before the discriminator sees them.
      heads: see `Call`, of the discriminator's output.
      opaque: see `Call`, of the discriminator's output.

    Raises:
      ValueError: generated and real data differ; a network makes new variables when it is called
        again; both networks own the same variable.
    """
    generated = Call(generator, "generated_data", *generator_args)
    if generated.is_deferred:
        generator.own(generated.node, generated.sampled)
    value = generated.output()
    if check is not None:
        check(value, real)

    def judged(name: str, data: Any) -> Call:
        return Call(discriminator, name, data, *discriminator_args, heads=heads, opaque=opaque)

    on_generated = judged("discriminator_gen_outputs", value)
    on_real = judged("discriminator_real_outputs", real)
    if generated.is_deferred:
        discriminator.own(on_generated.node, on_real.node)
        if not opaque:
            merged = MergedCalls(on_real, on_generated)
            on_real.node.merged = on_generated.node.merged = merged
    generator.regularization_losses = generated.losses
    discriminator.regularization_losses = on_real.losses
    check_disjoint(generator, discriminator)
    return Connection(generated, on_generated, on_real)


def as_network(fn: Callable[..., Any], role: str, scope: Any, direction: str = "") -> Network:
    """The network of a model, a function, or of another model's network."""
    return Network(fn.fn if isinstance(fn, Network) else fn, role, scope, direction)


def check_same(
    given: Any, expected: Any, name: str = "real_data", remedy: str = ", or pass check_shapes=False"
) -> None:
    """Raises ValueError where generated data differ from real in structure, shape or dtype."""
    given, expected = _specs(given), _specs(expected)
    message = (
        f"generator_fn's output does not match {name}:\n"
        f"  generated: {_described(given)}\n  real:      {_described(expected)}\n"
        f"Change the generator or the data so that they agree{remedy}."
    )
    if skeleton(given) != skeleton(expected):
        raise ValueError(message)
    for mine, theirs in zip(tf.nest.flatten(given), tf.nest.flatten(expected)):
        if mine.dtype != theirs.dtype or not mine.shape.is_compatible_with(theirs.shape):
            raise ValueError(message)


def check_disjoint(*networks: Network) -> None:
    """Raises ValueError where two networks train the same variable."""
    owners: dict[int, Network] = {}
    for network in networks:
        shared = [v.name for v in network.trainable_variables if id(v) in owners]
        if shared:
            raise ValueError(
                f"Both networks own {', '.join(shared)}: each would undo the other's updates."
                " Give each network variables of its own."
            )
        owners.update((id(v), network) for v in network.trainable_variables)


def _specs(values: Any) -> Any:
    return tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), values)


def _described(specs: Any) -> str:
    return str(tf.nest.map_structure(lambda s: f"{s.dtype.name}{s.shape}", specs)).replace("'", "")
