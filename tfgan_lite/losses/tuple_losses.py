"""The losses of `losses.wargs`, taking a model tuple in place of its parts.

A penalty, which `gan_loss` adds to the loss of one network, says in its attribute `network` whose.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tfgan_lite.deferred import defer
from tfgan_lite.losses import wargs
from tfgan_lite.losses.on_models import described_as, name_of, signature_on
from tfgan_lite.losses.slopes import logits_of
from tfgan_lite.structures import CycleGANModel

_LOGITS = ("discriminator_real_outputs", "discriminator_gen_outputs")


def args_to_gan_model(loss_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a loss on plain arguments take a model tuple.

    Args:
      loss_fn: a function, a `functools.partial` or an object that can be called, whose parameters
        may be named like fields of a model tuple.

    Returns:
      A function of `(gan_model, **kwargs)`. Parameters named like fields come from the tuple, the
      others are keywords. With deferred values in the tuple its result is a deferred value.
      It raises ValueError when a keyword repeats a field, or a parameter is missing; TypeError when
      a keyword is none of the parameters, unless `loss_fn` takes any.

    Example:
      >>> def margin(discriminator_real_outputs, discriminator_gen_outputs):
      ...     return tf.reduce_mean(discriminator_gen_outputs - discriminator_real_outputs)
      >>> tfgan.losses.args_to_gan_model(margin)(model)
      <Deferred 'margin' shape=() dtype=float32>
    """
    signature = signature_on("gan_model", inspect.signature(loss_fn).parameters.values())
    parameters = dict(signature.parameters)
    del parameters["gan_model"]
    any_keyword = any(p.kind == p.VAR_KEYWORD for p in parameters.values())
    parameters = {n: p for n, p in parameters.items() if p.kind != p.VAR_KEYWORD}
    name = name_of(loss_fn)

    def loss_on_model(gan_model: Any, **kwargs: Any) -> Any:
        fields = [n for n in parameters if n in gan_model._fields]
        repeated = sorted(set(fields) & set(kwargs))
        if repeated:
            raise ValueError(
                f"{name} takes {', '.join(repeated)} from the model: use"
                " model._replace(...) or losses.wargs to give another."
            )
        unknown = sorted(set(kwargs) - set(parameters))
        if unknown and not any_keyword:
            raise TypeError(f"{name} has no argument {', '.join(unknown)}.")
        given = {*fields, *kwargs}
        missing = [n for n, p in parameters.items() if p.default is p.empty and n not in given]
        if missing:
            raise ValueError(
                f"{name} needs {', '.join(missing)}, which is no field of a"
                f" {type(gan_model).__name__}: give it as a keyword, or a model that has it."
            )

        def on_values(model: Any) -> Any:
            return loss_fn(**{n: _field(model, n) for n in fields}, **kwargs)

        return defer(on_values, gan_model, name=name, lazily=True)

    return described_as(loss_on_model, loss_fn, signature)


def _keywords_of(formula: Callable[..., Any], given: int) -> Callable[..., Any]:
    """Shows the formula's keywords in a function's signature, less those that the model gives."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        first, *own = inspect.signature(function).parameters.values()
        own = [p for p in own if p.kind != p.VAR_KEYWORD]
        keywords = list(inspect.signature(formula).parameters.values())[given:]
        function.__signature__ = signature_on(first.name, [*own, *keywords])
        return function

    return decorate


@_keywords_of(wargs.cycle_consistency_loss, given=4)
def cycle_consistency_loss(cyclegan_model: CycleGANModel, **kwargs: Any) -> Any:
    """`losses.wargs.cycle_consistency_loss` of a CycleGANModel.

    Args:
      cyclegan_model: a CycleGANModel, whose generators' inputs are the data.
      **kwargs: `scope`, `add_summaries` and `halved` of `losses.wargs.cycle_consistency_loss`.

    Returns:
      A float32 scalar, or a deferred value of it.

    Raises:
      ValueError: another model; data and reconstructed data differ in shape.

    Example:
      >>> model = tfgan.cyclegan_model((net(3), net(3)), (net(1), net(1)), dataset, dataset)
      >>> tfgan.losses.cycle_consistency_loss(model)
      <Deferred 'cycle_consistency_loss' shape=() dtype=float32>
    """
    if not isinstance(cyclegan_model, CycleGANModel):
        raise ValueError(
            "cycle_consistency_loss needs a CycleGANModel, as cyclegan_model makes it, not a"
            f" {type(cyclegan_model).__name__}."
        )

    def on_values(model: CycleGANModel) -> Any:
        return wargs.cycle_consistency_loss(
            model.model_x2y.generator_inputs,
            model.reconstructed_x,
            model.model_y2x.generator_inputs,
            model.reconstructed_y,
            **kwargs,
        )

    return defer(on_values, cyclegan_model, name="cycle_consistency_loss", lazily=True)


@_keywords_of(wargs.feature_matching_loss, given=2)
def feature_matching_loss(
    gan_model: Any, features_fn: Callable[[Any], Any] | None = None, **kwargs: Any
) -> Any:
    """`losses.wargs.feature_matching_loss` of a model's discriminator (arXiv:1606.03498).

    Under several replicas each one compares the means of its own part of the batch.

    Args:
      gan_model: a model tuple.
      features_fn: gives the features of data, a tensor or a structure of them; None where the
        discriminator returns a dict of "logits" and "features".
      **kwargs: `weights`, `scope`, `loss_collection`, `reduction` and `add_summaries` of
        `losses.wargs.feature_matching_loss`.

    Returns:
      A float32 scalar, or a deferred value of it.

    Raises:
      ValueError: the discriminator returns no features, and no `features_fn` is given; or as in
        `losses.wargs.feature_matching_loss`.

    Example:
      >>> tfgan.losses.feature_matching_loss(model, features_fn=lambda data: data**2)
      <Deferred 'feature_matching_loss' shape=() dtype=float32>
    """

    def on_values(model: Any) -> Any:
        if features_fn is not None:
            features = features_fn(model.real_data), features_fn(model.generated_data)
        else:
            outputs = model.discriminator_real_outputs, model.discriminator_gen_outputs
            features = map(_features_of, outputs)
        return wargs.feature_matching_loss(*features, **kwargs)

    return defer(on_values, gan_model, name="feature_matching_loss", lazily=True)


def mark_penalty(network: str, penalty: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a function of a model tuple as a penalty of this network."""
    penalty.network = network
    return penalty


def _features_of(outputs: Any) -> Any:
    if isinstance(outputs, Mapping) and "features" in outputs:
        return outputs["features"]
    keys = sorted(map(str, outputs)) if isinstance(outputs, Mapping) else type(outputs).__name__
    raise ValueError(
        'Feature matching needs a discriminator that returns a dict of "logits" and "features", or'
        f" an argument features_fn; this one returned {keys}."
    )


def _field(model: Any, name: str) -> Any:
    value = getattr(model, name)
    return logits_of(value) if name in _LOGITS else value


wasserstein_generator_loss = args_to_gan_model(wargs.wasserstein_generator_loss)
wasserstein_discriminator_loss = args_to_gan_model(wargs.wasserstein_discriminator_loss)
wasserstein_hinge_generator_loss = args_to_gan_model(wargs.wasserstein_hinge_generator_loss)
wasserstein_hinge_discriminator_loss = args_to_gan_model(wargs.wasserstein_hinge_discriminator_loss)
minimax_generator_loss = args_to_gan_model(wargs.minimax_generator_loss)
minimax_discriminator_loss = args_to_gan_model(wargs.minimax_discriminator_loss)
modified_generator_loss = args_to_gan_model(wargs.modified_generator_loss)
modified_discriminator_loss = args_to_gan_model(wargs.modified_discriminator_loss)
least_squares_generator_loss = args_to_gan_model(wargs.least_squares_generator_loss)
least_squares_discriminator_loss = args_to_gan_model(wargs.least_squares_discriminator_loss)
relativistic_generator_loss = args_to_gan_model(wargs.relativistic_generator_loss)
relativistic_discriminator_loss = args_to_gan_model(wargs.relativistic_discriminator_loss)
relativistic_paired_generator_loss = args_to_gan_model(wargs.relativistic_paired_generator_loss)
relativistic_paired_discriminator_loss = args_to_gan_model(
    wargs.relativistic_paired_discriminator_loss
)
acgan_generator_loss = args_to_gan_model(wargs.acgan_generator_loss)
acgan_discriminator_loss = args_to_gan_model(wargs.acgan_discriminator_loss)
mutual_information_penalty = args_to_gan_model(wargs.mutual_information_penalty)

wasserstein_gradient_penalty = mark_penalty(
    "discriminator", args_to_gan_model(wargs.wasserstein_gradient_penalty)
)
r1_penalty = mark_penalty("discriminator", args_to_gan_model(wargs.r1_penalty))
r2_penalty = mark_penalty("discriminator", args_to_gan_model(wargs.r2_penalty))
dragan_penalty = mark_penalty("discriminator", args_to_gan_model(wargs.dragan_penalty))
lecam_penalty = mark_penalty("discriminator", args_to_gan_model(wargs.lecam_penalty))
path_length_penalty = mark_penalty("generator", args_to_gan_model(wargs.path_length_penalty))
mark_penalty("generator", feature_matching_loss)
