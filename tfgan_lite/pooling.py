"""Shows a discriminator earlier generated data too: `tensor_pool_adjusted_model`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.connections import Call
from tfgan_lite.deferred import defer
from tfgan_lite.graph_notes import noted
from tfgan_lite.heads import with_distributions
from tfgan_lite.structures import ACGANModel, GANModel, InfoGANModel

__all__ = ["tensor_pool_adjusted_model"]

Model = GANModel | InfoGANModel | ACGANModel


@tf.autograph.experimental.do_not_convert
def tensor_pool_adjusted_model(model: Model, tensor_pool_fn: Callable[[Any], Any]) -> Model:
    """The model with pooled records in place of the generated ones (arXiv:1703.10593, section 4).

    A record is all that belongs to a generated example, so that after pooling a discriminator is
    never asked for the label or the code of another image.

    Args:
      model: a GANModel, an InfoGANModel or an ACGANModel.
      tensor_pool_fn: a function of a record that gives such a record, such as
        `features.tensor_pool`. A record is `(generator_inputs, generated_data)`, of an InfoGANModel
        `(generator_inputs, generated_data, structured_generator_inputs)`, and of an ACGANModel
        `(generator_inputs, generated_data, one_hot_labels)`.

    Returns:
      The model with the pooled record and what its discriminator makes of that. In an ACGANModel
      `one_hot_labels` then belong to the pooled data, and no longer to the real ones.

    Raises:
      ValueError: another kind of model; a pool that changes the structure of its record.
      TypeError: a pool that cannot be called.

    Example:
      >>> pool = tfgan.features.TensorPool(50)
      >>> pooled = tfgan.tensor_pool_adjusted_model(model, pool)
      >>> pooled.discriminator_gen_outputs.shape.as_list()
      [8, 1]
    """
    if not callable(tensor_pool_fn):
        raise TypeError(f"tensor_pool_fn must be a function of a record, got {tensor_pool_fn!r}.")
    fields = ["generator_inputs", "generated_data"]
    if isinstance(model, InfoGANModel):
        fields.append("structured_generator_inputs")
    elif isinstance(model, ACGANModel):
        fields.append("one_hot_labels")
    elif not isinstance(model, GANModel):
        raise ValueError(
            f"tensor_pool_fn needs a GANModel, an InfoGANModel or an ACGANModel, got a"
            f" {type(model).__name__}."
        )
    record = tuple(getattr(model, field) for field in fields)

    def pool(*record: Any) -> tuple[Any, ...]:
        pooled = tensor_pool_fn(record)
        try:
            tf.nest.assert_same_structure(record, pooled, check_types=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"tensor_pool_fn must give a record like the one it gets, ({', '.join(fields)}):"
                f" {error}"
            ) from error
        return tf.nest.pack_sequence_as(record, tf.nest.flatten(pooled))

    pooled = dict(zip(fields, defer(pool, *record, name="pooled")))
    return model._replace(**pooled, **_judged(model, pooled))


def _judged(model: Model, pooled: dict[str, Any]) -> dict[str, Any]:
    """What the discriminator makes of pooled data, as fields of the model."""
    name = "discriminator_gen_outputs"
    data = pooled["generated_data"], pooled["generator_inputs"]
    superseded = _update_ops(model)
    if isinstance(model, InfoGANModel):
        whole = model.discriminator_and_aux_fn
        codes = pooled["structured_generator_inputs"]
        heads = functools.partial(with_distributions, codes=codes)
        call = Call(whole, name, *data, heads=heads, opaque=True)
        outputs = {
            name: call.output(0),
            "predicted_distributions": call.distributions(
                len(codes), "pooled_predicted_distributions"
            ),
        }
    elif isinstance(model, ACGANModel):
        call = Call(model.discriminator_fn, name, *data)
        classes = "discriminator_gen_classification_logits"
        outputs = {name: call.output(0), classes: call.output(1, classes)}
    else:
        outputs = {name: Call(model.discriminator_fn, name, *data).output()}
    if superseded:
        model.discriminator_fn.disown_updates(superseded)
    return outputs


def _update_ops(model: Model) -> tuple[tf.Operation, ...]:
    """In a graph, the assignments that came with the outputs for data that were not pooled."""
    first = tf.nest.flatten(model.discriminator_gen_outputs)[0]
    return noted(first, "update_ops") or ()
