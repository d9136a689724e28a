"""A discriminator that sees augmented data while it trains: `augmented`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.networks import Network

__all__ = ["Augmented", "augmented"]


def augmented(discriminator_fn: Callable[..., Any], augment: Callable[[Any], Any]) -> Augmented:
    """A discriminator that sees `augment(data)` in runs that train, and the data itself in others.

        discriminator_fn = tfgan.features.augmented(discriminator, tfgan.features.diff_augment)
        model = tfgan.gan_model(generator, discriminator_fn, ...)

    Real data, generated data and what a penalty probes are all augmented, each call with its own
    randomness, in the discriminator's updates and in the generator's (as arXiv:2006.10738 and
    arXiv:2006.06676 say: otherwise the augmentations leak into the samples). Runs that do not train
    evaluate the discriminator on the data as they are; in a graph, where a network is always called
    for training, there are no such runs.

    Args:
      discriminator_fn: what `gan_model` takes: a Keras model, a `tf.Module` or a function. Its
        first argument, or the first input of a functional model, is what is augmented.
      augment: a function of the data that gives data of the same structure, shape and dtype.

    Returns:
      A `discriminator_fn` with the variables, the regularisation losses and the signature of the
      one given; a model or module in it is saved in checkpoints as its attribute `discriminator`.

    Raises:
      TypeError: either of them cannot be called.

    Example:
      >>> judge = tf.keras.Sequential([layers.Flatten(), net(1)])
      >>> judge = tfgan.features.augmented(judge, tfgan.features.diff_augment)
      >>> judge(tf.zeros([2, 8, 8, 1])).shape.as_list()
      [2, 1]
    """
    return Augmented(discriminator_fn, augment)


class Augmented(tf.Module):
    """See `augmented`.

    Attributes:
      discriminator: the one given.
      augment: the function given.
    """

    def __init__(self, discriminator_fn: Callable[..., Any], augment: Callable[[Any], Any]):
        super().__init__(name="augmented")
        if isinstance(discriminator_fn, Network):  # A model's own goes into a second model.
            discriminator_fn = discriminator_fn.fn
        for name, fn in (("discriminator_fn", discriminator_fn), ("augment", augment)):
            if not callable(fn):
                raise TypeError(f"{name} must be a function, got {fn!r}.")
        self.discriminator = discriminator_fn
        self.augment = augment
        # Network asks for it, to find out what a discriminator takes.
        self.__signature__, self._passes_training = _signature(discriminator_fn)

    def __call__(self, data: Any, *args: Any, training: bool = False, **kwargs: Any) -> Any:
        """What the discriminator gives, for augmented data where `training`."""
        if self._passes_training:
            kwargs["training"] = training
        if training:
            data = self._augmented(data)
        return self.discriminator(data, *args, **kwargs)

    # A function has none of these, and so neither has its wrapper: then Network finds the variables
    # by their use.

    @property
    def trainable_variables(self) -> Sequence[Any]:
        return self.discriminator.trainable_variables

    @property
    def variables(self) -> Sequence[Any]:
        return self.discriminator.variables

    @property
    def losses(self) -> Sequence[Any]:
        return self.discriminator.losses

    @property
    def inputs(self) -> Sequence[Any]:
        return self.discriminator.inputs

    @property
    def _flatten_layers(self) -> Callable[..., Any]:
        """By which Keras models show their layers, to those who look for batch norm."""
        return self.discriminator._flatten_layers

    def _augmented(self, data: Any) -> Any:
        several = len(getattr(self.discriminator, "inputs", None) or ()) > 1
        if several and isinstance(data, (list, tuple)):  # A functional model gets all as one list.
            return [self.augment(data[0]), *data[1:]]
        return self.augment(data)


def _signature(fn: Callable[..., Any]) -> tuple[inspect.Signature, bool]:
    """The signature with a `training` parameter, and whether it had one.

    It is that of the function or of a Keras model's `call`.
    """
    try:
        signature = inspect.signature(getattr(fn, "call", fn))
    except (TypeError, ValueError):  # A builtin.
        signature = inspect.Signature(
            [inspect.Parameter("data", inspect.Parameter.POSITIONAL_ONLY)]
        )
    parameters = signature.parameters
    if "training" in parameters:
        return signature, True
    training = inspect.Parameter("training", inspect.Parameter.KEYWORD_ONLY, default=False)
    end = [p for p in parameters.values() if p.kind == p.VAR_KEYWORD]
    others = [p for p in parameters.values() if p.kind != p.VAR_KEYWORD]
    return signature.replace(parameters=[*others, training, *end]), False
