"""Connects networks to data: `gan_model`, `infogan_model` and `acgan_model`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.connections import Connection, as_network, check_same, connect
from tfgan_lite.heads import check_one_hot, with_classes, with_distributions
from tfgan_lite.networks import LogitsOnly
from tfgan_lite.source_checks import check_given
from tfgan_lite.sources import as_values
from tfgan_lite.structures import ACGANModel, GANModel, InfoGANModel, as_list

__all__ = ["acgan_model", "as_gan_model", "gan_model", "infogan_model"]


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
        one input gets the data alone. Real data come with the same generator inputs as generated
        ones: labels in them have to be those of the real batch, or else be a part of the data.
      real_data: a `tf.data.Dataset`, a value, or a structure of them; leading axis B.
      generator_inputs: a dataset, a distribution of one example's inputs, a callable, a value, or a
        structure of them. A distribution gives as many examples as the real batch has.
      generator_scope: in a graph, the variable scope (or its name) that the generator is called in.
      discriminator_scope: the same for the discriminator.
      check_shapes: whether generated data must have the real data's structure, shape and dtype.

    Returns:
      A GANModel of tensors in a `tf.Graph` or inside a `tf.function`, of deferred values otherwise.

    Raises:
      ValueError: generated and real data differ; a network makes new variables when it is called
        again; both networks own the same variable; the dataset is empty or not batched.

    Example:
      >>> model = tfgan.gan_model(generator, discriminator, dataset, noise)
      >>> model.discriminator_gen_outputs.shape.as_list()
      [8, 1]
      >>> model.generated_data().shape.as_list()  # An eager tensor, of a run of its own.
      [8, 3]
    """
    real = as_values(real_data, "real_data")
    inputs = _inputs(generator_inputs, generator_scope, real)
    generator = as_network(generator_fn, "generator", generator_scope)
    discriminator = as_network(discriminator_fn, "discriminator", discriminator_scope)
    check = check_same if check_shapes else None
    connection = connect(generator, discriminator, real, [inputs], [inputs], check=check)
    return as_gan_model(connection)


@tf.autograph.experimental.do_not_convert
def infogan_model(
    generator_fn: Callable[..., Any],
    discriminator_fn: Callable[..., Any],
    real_data: Any,
    unstructured_generator_inputs: Any,
    structured_generator_inputs: Any,
    generator_scope: Any = "Generator",
    discriminator_scope: Any = "Discriminator",
    check_shapes: bool = True,
) -> InfoGANModel:
    """A GAN whose discriminator also tells what codes data are made from (arXiv:1606.03657).

    Args:
      generator_fn: as `gan_model`'s; its inputs are one list, the unstructured ones first.
      discriminator_fn: as `gan_model`'s, but gives `(logits, distributions)`: for each code, in
        order, a distribution (an object with `log_prob`) of the code's shape, such as TFP's.
      real_data: as `gan_model`'s.
      unstructured_generator_inputs: the noise, a list; an item is whatever `gan_model` takes. What
        is not a list counts as a list of one.
      structured_generator_inputs: the codes, likewise: TFP distributions of one example's, say.
      generator_scope: as `gan_model`'s.
      discriminator_scope: as `gan_model`'s.
      check_shapes: as `gan_model`'s.

    Returns:
      An InfoGANModel. Its `discriminator_fn` gives the logits alone. In TF2 its
      `predicted_distributions` are deferred: to a loss function they are the distributions
      themselves, and so is what calling one gives.

    Raises:
      ValueError: no codes; not one distribution for each code; an object without `log_prob`;
        whatever `gan_model` raises.
      TypeError: a discriminator that does not give a pair.

    Example:
      >>> model = tfgan.infogan_model(
      ...     lambda inputs: generator(tf.concat(inputs, 1)),
      ...     lambda x: (discriminator(x), [tfd.Normal(x[:, :1], 1.0)]),
      ...     dataset,
      ...     [tfd.Normal([0.0], 1.0)],
      ...     [tfd.Uniform([-1.0], [1.0])],
      ... )
      >>> loss = tfgan.gan_loss(model, mutual_information_penalty_weight=1.0)
    """
    unstructured = as_list(unstructured_generator_inputs)
    structured = as_list(structured_generator_inputs)
    if not structured:
        raise ValueError(
            "structured_generator_inputs is empty: an InfoGAN needs at least one code. Without"
            " codes, use gan_model."
        )
    real = as_values(real_data, "real_data")
    inputs = _inputs(unstructured + structured, generator_scope, real)
    codes = inputs[len(unstructured) :]
    generator = as_network(generator_fn, "generator", generator_scope)
    whole = as_network(discriminator_fn, "discriminator", discriminator_scope)

    heads = functools.partial(with_distributions, codes=codes)
    check = check_same if check_shapes else None
    connection = connect(
        generator, whole, real, [inputs], [inputs], check=check, heads=heads, opaque=True
    )
    predicted = connection.on_generated.distributions(len(codes), "predicted_distributions")
    return InfoGANModel(
        *as_gan_model(connection, head=0)._replace(discriminator_fn=LogitsOnly(whole)),
        structured_generator_inputs=codes,
        predicted_distributions=predicted,
        discriminator_and_aux_fn=whole,
    )


@tf.autograph.experimental.do_not_convert
def acgan_model(
    generator_fn: Callable[..., Any],
    discriminator_fn: Callable[..., Any],
    real_data: Any,
    generator_inputs: Any,
    one_hot_labels: Any,
    generator_scope: Any = "Generator",
    discriminator_scope: Any = "Discriminator",
    check_shapes: bool = True,
) -> ACGANModel:
    """A GAN whose discriminator also classifies (Odena et al., arXiv:1610.09585).

    Args:
      generator_fn: as `gan_model`'s.
      discriminator_fn: as `gan_model`'s, but gives `(logits, class_logits)`, the latter
        [B, classes].
      real_data: as `gan_model`'s. `from_dataset` gives data and labels of one draw.
      generator_inputs: as `gan_model`'s; a generator of classes gets the labels here.
      one_hot_labels: [B, classes], of the real and of the generated batch alike; whatever
        `gan_model` takes as data.
      generator_scope: as `gan_model`'s.
      discriminator_scope: as `gan_model`'s.
      check_shapes: as `gan_model`'s.

    Returns:
      An ACGANModel. Its `discriminator_fn` gives both.

    Raises:
      ValueError: labels that are not one-hot, as far as is known; labels and discriminator
        disagree on the number of classes; whatever `gan_model` raises.
      TypeError: a discriminator that does not give a pair of tensors.

    Example:
      >>> images, labels = tfgan.from_dataset(labelled)  # Of one draw.
      >>> model = tfgan.acgan_model(
      ...     generator, lambda x: tf.split(classifier(x), [1, 2], 1), images, noise, labels
      ... )
      >>> loss = tfgan.gan_loss(model, aux_cond_discriminator_weight=1.0)
    """
    real = as_values(real_data, "real_data")
    example = tf.nest.flatten(real)[0]
    labels = as_values(one_hot_labels, "one_hot_labels", like=example)
    check_one_hot("one_hot_labels", labels, example)
    inputs = _inputs(generator_inputs, generator_scope, real)
    generator = as_network(generator_fn, "generator", generator_scope)
    discriminator = as_network(discriminator_fn, "discriminator", discriminator_scope)
    heads = functools.partial(with_classes, classes=int(labels.shape[1]))
    check = check_same if check_shapes else None
    connection = connect(
        generator, discriminator, real, [inputs], [inputs], check=check, heads=heads
    )
    return ACGANModel(
        *as_gan_model(connection, head=0),
        one_hot_labels=labels,
        discriminator_real_classification_logits=connection.on_real.output(
            1, "discriminator_real_classification_logits"
        ),
        discriminator_gen_classification_logits=connection.on_generated.output(
            1, "discriminator_gen_classification_logits"
        ),
    )


def as_gan_model(connection: Connection, head: int | None = None) -> GANModel:
    """The GANModel of two networks that are connected; of several heads, `head` is the logits'."""
    generated, on_generated, on_real = connection
    generator, discriminator = generated.network, on_real.network
    return GANModel(
        generator_inputs=generated.args[0],
        generated_data=generated.output(),
        generator_variables=generator.trainable_variables,
        generator_scope=generator.scope,
        generator_fn=generator,
        real_data=on_real.args[0],
        discriminator_real_outputs=on_real.output(head),
        discriminator_gen_outputs=on_generated.output(head),
        discriminator_variables=discriminator.trainable_variables,
        discriminator_scope=discriminator.scope,
        discriminator_fn=discriminator,
    )


def _inputs(generator_inputs: Any, generator_scope: Any, real: Any) -> Any:
    check_given(generator_inputs, "generator_inputs")
    scope = generator_scope if isinstance(generator_scope, str) else generator_scope.name
    return as_values(generator_inputs, f"{scope}/inputs", like=tf.nest.flatten(real)[0])
