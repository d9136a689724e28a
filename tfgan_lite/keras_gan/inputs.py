"""What a KerasGAN's generator is made to work on: noise and codes, and how a file keeps them."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.noise import StandardNormal, normal

__all__ = ["CodeHeads", "as_distribution", "config_of", "from_config"]


def as_distribution(noise: Any) -> Any:
    """A distribution of one example's noise.

    Args:
      noise: a distribution, or a number or a shape of standard normal numbers.

    Raises:
      ValueError: anything else.
    """
    if hasattr(noise, "sample") and hasattr(noise, "event_shape"):
        return noise
    sizes = (noise,) if _is_size(noise) else noise
    if isinstance(sizes, (tuple, list)) and sizes and all(_is_size(size) for size in sizes):
        return normal([int(size) for size in sizes])
    raise ValueError(
        "The noise must be a number or a shape of standard normal numbers, such as 64, or a"
        f" distribution of one example's, such as TFP's; got {noise!r}."
    )


def config_of(distribution: Any) -> dict[str, Any]:
    """A distribution in JSON's types.

    Raises:
      TypeError: it is neither TFP's nor standard normal, or has a parameter that cannot be stored.
    """
    if isinstance(distribution, StandardNormal):
        shape = list(distribution.event_shape)
        return {"standard_normal": shape, "dtype": distribution.dtype.name}
    name = type(distribution).__name__
    if type(distribution) is not getattr(_tfd(), name, None):
        raise TypeError(f"{name} is no distribution of TFP's, and so cannot be stored in a file.")
    parameters = {key: _stored(value) for key, value in distribution.parameters.items()}
    return {"distribution": name, "parameters": parameters}


def from_config(config: Mapping[str, Any]) -> Any:
    """The distribution that `config_of` stored.

    Raises:
      ValueError: it names no distribution of TFP's.
    """
    if "standard_normal" in config:
        return normal(config["standard_normal"], config["dtype"])
    found = getattr(_tfd(), config["distribution"], None)
    # A file may name whatever it likes: only a distribution is made of it.
    if not (isinstance(found, type) and issubclass(found, _tfd().Distribution)):
        raise ValueError(f"TFP has no distribution {config['distribution']!r}.")
    return found(**{key: _restored(value) for key, value in config["parameters"].items()})


class CodeHeads(tf.Module):
    """A discriminator whose further outputs are what it tells of an InfoGAN's codes.

    Of a one-hot or categorical code they are logits, of any other the mean of a normal distribution
    of unit variance (Chen et al., arXiv:1606.03657). Outputs that are distributions stay.

    Args:
      discriminator: gives `[logits, head, ...]` or `(logits, [head, ...])`, a head for each code.
      codes: the distributions of the codes.
    """

    def __init__(self, discriminator: Any, codes: Sequence[Any]):
        super().__init__(name="discriminator")
        self.discriminator = discriminator
        self._codes = [type(code).__name__ for code in codes]

    def __call__(self, data: Any, training: bool | None = None) -> tuple[Any, list[Any]]:
        outputs = self.discriminator(data, training=training)
        if not isinstance(outputs, (tuple, list)) or len(outputs) < 2:
            raise TypeError(
                "An InfoGAN's discriminator must give logits and a head for each code, got"
                f" {outputs!r}."
            )
        heads = outputs[1] if isinstance(outputs[1], (tuple, list)) else outputs[1:]
        if len(heads) != len(self._codes):
            raise ValueError(
                f"The discriminator has {len(heads)} heads beside the logits, while there are"
                f" {len(self._codes)} codes: give one for each, in order."
            )
        return outputs[0], [_told(code, head) for code, head in zip(self._codes, heads)]

    @property
    def variables(self) -> list[Any]:
        return self.discriminator.variables

    @property
    def trainable_variables(self) -> list[Any]:
        return self.discriminator.trainable_variables

    @property
    def losses(self) -> list[Any]:
        return self.discriminator.losses


def _told(code: str, head: Any) -> Any:
    if hasattr(head, "log_prob"):
        return head
    if code in ("Categorical", "OneHotCategorical"):
        return getattr(_tfd(), code)(logits=head)
    return _tfd().Normal(head, 1.0)


def _tfd() -> Any:
    import tensorflow_probability as tfp  # Heavy, and needed for few GANs.

    return tfp.distributions


def _is_size(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value > 0


def _stored(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tf.DType, np.dtype, type)):
        return {"dtype": tf.as_dtype(value).name}
    if hasattr(value, "sample") and hasattr(value, "event_shape"):
        return config_of(value)
    if isinstance(value, (list, tuple)):
        return [_stored(each) for each in value]
    if tf.is_tensor(value) or isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        return {"values": array.tolist(), "dtype": array.dtype.name}
    raise TypeError(f"A distribution's parameter cannot be stored in a file: {value!r}.")


def _restored(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_restored(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if "values" in value:
        return np.asarray(value["values"], value["dtype"])
    return tf.as_dtype(value["dtype"]) if "dtype" in value else from_config(value)
