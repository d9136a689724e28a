"""Models that translate between domains: `cyclegan_model` and `stargan_model`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.batches import batch_size_of
from tfgan_lite.connections import Call, as_network, check_disjoint, check_same, connect
from tfgan_lite.deferred import defer
from tfgan_lite.heads import check_labels, with_classes
from tfgan_lite.integers import checked_integer
from tfgan_lite.models import as_gan_model
from tfgan_lite.networks import Network
from tfgan_lite.runs import random_seed
from tfgan_lite.sources import as_values
from tfgan_lite.structures import CycleGANModel, GANModel, StarGANModel
from tfgan_lite.worlds import in_plain_graph

__all__ = ["cyclegan_model", "generate_stargan_random_domain_target", "stargan_model"]

Fn = Callable[..., Any]


@tf.autograph.experimental.do_not_convert
def cyclegan_model(
    generator_fn: Fn | tuple[Fn, Fn],
    discriminator_fn: Fn | tuple[Fn, Fn],
    data_x: Any,
    data_y: Any,
    generator_scope: str = "Generator",
    discriminator_scope: str = "Discriminator",
    model_x2y_scope: str = "ModelX2Y",
    model_y2x_scope: str = "ModelY2X",
    check_shapes: bool = True,
) -> CycleGANModel:
    """Two GANs that translate between two domains, there and back (arXiv:1703.10593).

    Args:
      generator_fn: a pair `(x2y, y2x)` of generators as `gan_model` takes them, whose inputs are
        data of the other domain. In a `tf.Graph` also one function that calls
        `tf.compat.v1.get_variable`: it is called in two variable scopes, and so is two networks.
      discriminator_fn: a pair likewise; the first judges y, the second x.
      data_x: data of the first domain, as `gan_model`'s `real_data`.
      data_y: data of the second domain, with as many examples.
      generator_scope: in a graph, the variable scope of a generator, inside its model's.
      discriminator_scope: the same for a discriminator.
      model_x2y_scope: in a graph, the variable scope of the networks from x to y.
      model_y2x_scope: the same for the way back.
      check_shapes: whether generated data must have the real data's structure, shape and dtype.

    Returns:
      A CycleGANModel.

    Raises:
      ValueError: both directions share a variable; not a pair; whatever `gan_model` raises.

    Example:
      >>> model = tfgan.cyclegan_model((net(3), net(3)), (net(1), net(1)), dataset, dataset)
      >>> loss = tfgan.cyclegan_loss(model, identity_loss_weight=5.0)
      >>> model.reconstructed_x.shape.as_list()
      [8, 3]
    """
    x, y = as_values(data_x, "data_x"), as_values(data_y, "data_y")
    generators = _pair("generator_fn", generator_fn)
    discriminators = _pair("discriminator_fn", discriminator_fn)

    def model(direction: int, inputs: Any, real: Any) -> GANModel:
        scope = (model_x2y_scope, model_y2x_scope)[direction]
        name = ("x2y", "y2x")[direction]
        with _variable_scope(scope):
            prefix = "" if in_plain_graph() else f"{scope}/"
            generator = as_network(
                generators[direction], "generator", f"{prefix}{generator_scope}", name
            )
            discriminator = as_network(
                discriminators[direction], "discriminator", f"{prefix}{discriminator_scope}", name
            )
            check = check_same if check_shapes else None
            connection = connect(generator, discriminator, real, [inputs], [inputs], check=check)
        return as_gan_model(connection)

    x2y, y2x = model(0, x, y), model(1, y, x)
    _check_two_networks("generator_fn", x2y.generator_fn, y2x.generator_fn)
    _check_two_networks("discriminator_fn", x2y.discriminator_fn, y2x.discriminator_fn)
    check_disjoint(x2y.generator_fn, y2x.discriminator_fn)
    check_disjoint(y2x.generator_fn, x2y.discriminator_fn)
    return CycleGANModel(
        x2y,
        y2x,
        reconstructed_x=_again(y2x.generator_fn, "reconstructed_x", x2y.generated_data),
        reconstructed_y=_again(x2y.generator_fn, "reconstructed_y", y2x.generated_data),
    )


@tf.autograph.experimental.do_not_convert
def stargan_model(
    generator_fn: Fn,
    discriminator_fn: Fn,
    input_data: Any,
    input_data_domain_label: Any,
    generator_scope: Any = "Generator",
    discriminator_scope: Any = "Discriminator",
) -> StarGANModel:
    """One generator that translates between any two of several domains (arXiv:1711.09020).

    Args:
      generator_fn: `generator_fn(data, target)` gives data of the shape of `data`; `target` are
        labels [B, domains].
      discriminator_fn: `discriminator_fn(data, num_domains)` gives `(source, domain_logits)`: the
        logits of being real, and [B, domains].
      input_data: data of all domains, as `gan_model`'s `real_data`, but one tensor; a list, of one
        batch for each domain say, is concatenated.
      input_data_domain_label: one-hot labels [B, domains], a list where the data are a list.
        `from_dataset` gives data and labels of one draw. Of domains that do not exclude each other
        (see `stargan_loss`), several may be 1.
      generator_scope: as `gan_model`'s.
      discriminator_scope: as `gan_model`'s.

    Returns:
      A StarGANModel. Its target domains are drawn at random in every run, once.

    Raises:
      ValueError: labels of another shape; translated data of another shape than the input;
        whatever `gan_model` raises.
      TypeError: a generator without the parameter `target`; a discriminator that does not give a
        pair of tensors.

    Example:
      >>> images, domains = tfgan.from_dataset(labelled)
      >>> translator = net(3)
      >>> model = tfgan.stargan_model(
      ...     lambda images, target: translator(tf.concat([images, target], 1)),
      ...     lambda images, domains: tf.split(classifier(images), [1, domains], 1),
      ...     images,
      ...     domains,
      ... )
      >>> loss = tfgan.stargan_loss(model)
    """
    data = _joined(input_data, "input_data")
    labels = _joined(input_data_domain_label, "input_data_domain_label", like=data)
    check_labels("input_data_domain_label", labels, data)
    domains = int(labels.shape[1])
    generator = as_network(generator_fn, "generator", generator_scope)
    discriminator = as_network(discriminator_fn, "discriminator", discriminator_scope)
    if not generator.takes(2):
        raise TypeError(
            "generator_fn must take two inputs, (data, target): it cannot translate to a domain"
            f" that it is not told. Got {generator.fn!r}."
        )
    target = _random_target(data, domains)
    connection = connect(
        generator,
        discriminator,
        data,
        [data, target],
        [domains],
        check=functools.partial(check_same, name="input_data", remedy=""),
        heads=functools.partial(with_classes, classes=domains),
    )
    generated = connection.generated.output()

    def heads(call: Call, data_name: str) -> list[Any]:
        kinds = ("source_predication", "domain_predication")
        return [call.output(i, f"discriminator_{data_name}_{kind}") for i, kind in enumerate(kinds)]

    real_source, real_domain = heads(connection.on_real, "input_data")
    generated_source, generated_domain = heads(connection.on_generated, "generated_data")
    return StarGANModel(
        input_data=data,
        input_data_domain_label=labels,
        generated_data=generated,
        generated_data_domain_target=target,
        reconstructed_data=_again(generator, "reconstructed_data", generated, labels),
        discriminator_input_data_source_predication=real_source,
        discriminator_generated_data_source_predication=generated_source,
        discriminator_input_data_domain_predication=real_domain,
        discriminator_generated_data_domain_predication=generated_domain,
        generator_variables=generator.trainable_variables,
        generator_scope=generator.scope,
        generator_fn=generator,
        discriminator_variables=discriminator.trainable_variables,
        discriminator_scope=discriminator.scope,
        discriminator_fn=discriminator,
    )


@tf.autograph.experimental.do_not_convert
def generate_stargan_random_domain_target(batch_size: Any, num_domains: int) -> tf.Tensor:
    """Target domains, each as likely as any other.

    Args:
      batch_size: how many, an integer or an integer scalar.
      num_domains: of how many domains, at least 1.

    Returns:
      One-hot labels, float32 [batch_size, num_domains]. In a run they follow from its seed.

    Raises:
      ValueError: numbers out of their ranges.

    Example:
      >>> target = tfgan.generate_stargan_random_domain_target(5, 3)
      >>> tf.reduce_sum(target, 1).numpy().tolist()
      [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if not tf.is_tensor(batch_size):
        checked_integer("batch_size", batch_size, least=0)
    checked_integer("num_domains", num_domains)
    seed = random_seed("stargan_target")
    arguments = {"shape": [batch_size], "maxval": num_domains, "dtype": tf.int32}
    if seed is None:
        domains = tf.random.uniform(**arguments)
    else:
        domains = tf.random.stateless_uniform(**arguments, minval=0, seed=seed, alg="philox")
    return tf.one_hot(domains, num_domains)


def _pair(name: str, given: Any) -> tuple[Fn, Fn]:
    """The functions of both directions."""
    if callable(given):
        return given, given
    if not (isinstance(given, (tuple, list)) and len(given) == 2):
        raise ValueError(f"{name} must be a pair (x2y, y2x) of networks, got {given!r}.")
    return given[0], given[1]


def _check_two_networks(name: str, x2y: Network, y2x: Network) -> None:
    known = {id(v) for v in x2y.trainable_variables}
    shared = [v.name for v in y2x.trainable_variables if id(v) in known]
    if shared:
        raise ValueError(
            f"{name} is the same network in both directions: they share {', '.join(shared)}."
            f" Pass a pair of two networks, {name}=(x2y, y2x)."
        )


def _again(generator: Network, name: str, *args: Any) -> Any:
    """Another call of a generator, which may use no variables but its own."""
    call = Call(generator, name, *args)
    if call.is_deferred:
        generator.check_owned(call.node)
    return call.output()


def _random_target(data: Any, domains: int) -> Any:
    def target(batch: tf.Tensor) -> tf.Tensor:
        return generate_stargan_random_domain_target(batch_size_of(batch), domains)

    return defer(target, data, name="generated_data_domain_target")


def _joined(structure: Any, name: str, like: Any = None) -> Any:
    """One value; a list of values is concatenated."""
    values = tf.nest.flatten(as_values(structure, name, like))
    if len(values) == 1:
        return values[0]
    return defer(lambda *parts: tf.concat(parts, 0), *values, name=name)


def _variable_scope(name: str) -> contextlib.AbstractContextManager:
    if in_plain_graph():
        return tf.compat.v1.variable_scope(name, reuse=tf.compat.v1.AUTO_REUSE)
    return contextlib.nullcontext()
