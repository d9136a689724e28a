"""Connects networks to data: `gan_model`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tfgan_lite.deferred import Deferred, leaves, materialise
from tfgan_lite.networks import Network
from tfgan_lite.sources import as_values
from tfgan_lite.structures import GANModel

__all__ = ["gan_model"]


@tf.autograph.experimental.do_not_convert
def gan_model(
    generator_fn: Callable[..., Any],
    discriminator_fn: Callable[..., Any],
    real_data: Any,
    generator_inputs: Any,
    generator_scope: Any = "Generator",
    discriminator_scope: Any = "Discriminator",
    check_shapes: bool = True,
) -> GANModel:
    """A generator and a discriminator, connected to data (Goodfellow et al., arXiv:1406.2661).

    Args:
      generator_fn: `generator_fn(generator_inputs)` gives data. A Keras 3 or tf_keras model, a
        `tf.Module`, or a function that closes over them; in a `tf.Graph` also a function that calls
        `tf.compat.v1.get_variable`. If it takes `training`, it gets True in runs that train and
        False in runs that only sample or evaluate (in a graph: True).
      discriminator_fn: `discriminator_fn(data, generator_inputs)` gives logits. One that takes only
        one input gets the data alone.
      real_data: a `tf.data.Dataset`, a value, or a structure of them; leading axis B.
      generator_inputs: a dataset, a distribution of one example's inputs, a callable, a value, or a
        structure of them. Of a distribution, as many examples are drawn as the real batch has.
      generator_scope: in a graph, the variable scope (or its name) that the generator is called in.
      discriminator_scope: the same for the discriminator.
      check_shapes: whether generated data must have the real data's structure, shape and dtype.

    Returns:
      A GANModel of tensors in a `tf.Graph` or inside a `tf.function`, of deferred values otherwise.

    Raises:
      ValueError: generated and real data differ; a network makes new variables when it is called
        again; both networks own the same variable; the dataset is empty or not batched.
    """
    real = as_values(real_data, "real_data")
    inputs = as_values(
        generator_inputs, f"{_name(generator_scope)}/inputs", like=tf.nest.flatten(real)[0]
    )
    generator = _network(generator_fn, "generator", generator_scope)
    discriminator = _network(discriminator_fn, "discriminator", discriminator_scope)

    generated = _Call(generator, "generated_data", inputs)
    if generated.is_deferred:
        generator.own(generated.node, Deferred(generated.sample, "sampled_data"))
    if check_shapes:
        _check_same(generated.value, real)

    on_generated = _Call(discriminator, "discriminator_gen_outputs", generated.value, inputs)
    on_real = _Call(discriminator, "discriminator_real_outputs", real, inputs)
    if generated.is_deferred:
        discriminator.own(on_generated.node, on_real.node)
    generator.regularization_losses = generated.losses
    discriminator.regularization_losses = on_real.losses
    _check_disjoint(generator, discriminator)
    return GANModel(
        generator_inputs=inputs,
        generated_data=generated.value,
        generator_variables=generator.trainable_variables,
        generator_scope=generator.scope,
        generator_fn=generator,
        real_data=real,
        discriminator_real_outputs=on_real.value,
        discriminator_gen_outputs=on_generated.value,
        discriminator_variables=discriminator.trainable_variables,
        discriminator_scope=discriminator.scope,
        discriminator_fn=discriminator,
    )


class _Call:
    """A network's output for values, and the losses its layers declare, in either world."""

    def __init__(self, network: Network, name: str, *args: Any):
        self._network, self._args = network, args
        self.is_deferred = any(isinstance(leaf, Deferred) for leaf in tf.nest.flatten(args))
        if self.is_deferred:
            self.node = Deferred(self._outputs_and_losses, name)
            self.value = leaves(Deferred(lambda: self.node()[0], name))
            self.losses = leaves(Deferred(lambda: self.node()[1], f"{name}_losses"))
        else:
            self.value = network(*args)
            self.losses = network.last_losses()

    def _outputs_and_losses(self) -> tuple[Any, tuple[tf.Tensor, ...]]:
        # Read at once: the next call replaces a Keras model's losses.
        return self._network(*materialise(self._args)), self._network.last_losses()

    def sample(self) -> Any:
        return self._network(*materialise(self._args), training=False)


def _network(fn: Callable[..., Any], name: str, scope: Any) -> Network:
    # A model's own generator_fn may go into a second model.
    return Network(fn.fn if isinstance(fn, Network) else fn, name, scope)


def _name(scope: Any) -> str:
    return scope if isinstance(scope, str) else scope.name


def _check_same(generated: Any, real: Any) -> None:
    given, expected = _specs(generated), _specs(real)
    message = (
        "generator_fn's output does not match real_data:\n"
        f"  generated: {_described(given)}\n  real:      {_described(expected)}\n"
        "Change the generator or the data so that they agree, or pass check_shapes=False."
    )
    if _skeleton(given) != _skeleton(expected):
        raise ValueError(message)
    for mine, theirs in zip(tf.nest.flatten(given), tf.nest.flatten(expected)):
        if mine.dtype != theirs.dtype or not mine.shape.is_compatible_with(theirs.shape):
            raise ValueError(message)


def _specs(values: Any) -> Any:
    return tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), values)


def _skeleton(values: Any) -> Any:
    """What has to agree of two structures: keys and lengths. A list may stand for a tuple."""
    if isinstance(values, Mapping):
        return {key: _skeleton(value) for key, value in values.items()}
    return [_skeleton(value) for value in values] if isinstance(values, (list, tuple)) else None


def _described(specs: Any) -> str:
    return str(tf.nest.map_structure(lambda s: f"{s.dtype.name}{s.shape}", specs)).replace("'", "")


def _check_disjoint(generator: Network, discriminator: Network) -> None:
    theirs = {id(v) for v in discriminator.trainable_variables}
    shared = [v.name for v in generator.trainable_variables if id(v) in theirs]
    if shared:
        raise ValueError(
            f"Both networks own {', '.join(shared)}: each would undo the other's updates."
            " Give each network variables of its own."
        )
