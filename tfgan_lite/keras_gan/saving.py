"""How a `.keras` file keeps what a KerasGAN was compiled with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite import losses
from tfgan_lite.features.averaging import WeightAverage
from tfgan_lite.structures import GANTrainSteps
from tfgan_lite.train.schedule import Phase

__all__ = ["compile_config_of", "compile_options_from", "network_config_of", "network_from"]

_OURS = "tfgan_lite.losses."


def network_config_of(network: Any) -> Any:
    """A Keras model, or a pair of them, in JSON's types.

    Raises:
      TypeError: a network that is no Keras model, which trains but cannot be stored.
    """
    if isinstance(network, (list, tuple)):
        return [network_config_of(each) for each in network]
    if not isinstance(network, tf.keras.layers.Layer):
        raise TypeError(
            f"Only networks that are Keras models can be saved in a .keras file, not {network!r}."
        )
    return tf.keras.utils.serialize_keras_object(network)


def network_from(config: Any, custom_objects: Any = None) -> Any:
    """The network that `network_config_of` stored, as far as Keras's safe mode allows."""
    if isinstance(config, (list, tuple)):
        return tuple(network_from(each, custom_objects) for each in config)
    return tf.keras.utils.deserialize_keras_object(config, custom_objects=custom_objects)


def compile_config_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compile`, in JSON's types.

    Raises:
      TypeError: something has no name by which a file could keep it; says what.
    """
    config = dict(options)
    for role in ("generator", "discriminator"):
        optimizer = config[f"{role}_optimizer"]
        config[f"{role}_optimizer"] = tf.keras.optimizers.serialize(optimizer)
        metrics = config[f"{role}_metrics"] or {}
        config[f"{role}_metrics"] = {key: _name_of(value) for key, value in metrics.items()}
    if not isinstance(config["losses"], (str, type(None))):
        config["losses"] = [_name_of(function) for function in config["losses"]]
    config["penalties"] = [_stored_penalty(penalty) for penalty in config["penalties"]]
    config["schedule"] = _stored_schedule(config["schedule"])
    averages = config["generator_average"]
    if averages is not None:
        many = averages if isinstance(averages, (list, tuple)) else [averages]
        config["generator_average"] = [[a.half_life_images, a.ramp_up] for a in many]
    for name, value in config.items():
        _check_plain(name, value)
    return config


def compile_options_from(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compile` that `compile_config_of` stored."""
    options = dict(config)
    for role in ("generator", "discriminator"):
        stored = options[f"{role}_optimizer"]
        options[f"{role}_optimizer"] = tf.keras.optimizers.deserialize(stored)
        metrics = options[f"{role}_metrics"]
        options[f"{role}_metrics"] = {key: _named(value) for key, value in metrics.items()}
    if isinstance(options["losses"], (list, tuple)):
        options["losses"] = tuple(_named(name) for name in options["losses"])
    options["penalties"] = [(_named(name), *rest) for name, *rest in options["penalties"]]
    schedule = options["schedule"]
    if schedule is not None:
        is_steps = not isinstance(schedule[0], (list, tuple))
        make = GANTrainSteps._make if is_steps else _phases
        options["schedule"] = make(schedule)
    averages = options["generator_average"]
    if averages is not None:
        made = [WeightAverage(half_life, ramp_up) for half_life, ramp_up in averages]
        options["generator_average"] = made[0] if len(made) == 1 else made
    return options


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", "")
    if getattr(losses, name, None) is function:
        return f"{_OURS}{name}"
    registered = tf.keras.utils.get_registered_name(function)
    if isinstance(registered, str) and tf.keras.utils.get_registered_object(registered) is function:
        return registered
    raise TypeError(
        f"{name or repr(function)}, which is no function of tfgan_lite.losses and is not registered"
        " with tf.keras.utils.register_keras_serializable"
    )


def _named(name: str) -> Any:
    if name.startswith(_OURS) and name.removeprefix(_OURS) in losses.__all__:
        return getattr(losses, name.removeprefix(_OURS))
    found = tf.keras.utils.get_registered_object(name)
    if found is None:
        raise ValueError(
            f"The file names the function {name!r}, which is not registered here: import the module"
            " that registers it with tf.keras.utils.register_keras_serializable, or load with"
            " compile=False."
        )
    return found


def _stored_penalty(penalty: Any) -> list[Any]:
    function, *rest = penalty if isinstance(penalty, (tuple, list)) else (penalty,)
    return [_name_of(function), *rest]


def _stored_schedule(schedule: Any) -> list[Any] | None:
    if schedule is None:
        return None
    if isinstance(schedule, GANTrainSteps):
        return [int(steps) for steps in schedule]
    phases = getattr(schedule, "phases", schedule)
    if callable(phases) or any(callable(phase.steps) for phase in phases):
        raise TypeError("a schedule that is a function")
    networks = [[p.networks] if isinstance(p.networks, str) else p.networks for p in phases]
    return [[list(names), int(phase.steps)] for names, phase in zip(networks, phases)]


def _phases(stored: Sequence[Any]) -> list[Phase]:
    return [Phase(tuple(networks), steps) for networks, steps in stored]


def _check_plain(name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, each in value.items():
            _check_plain(f"{name}[{key!r}]", each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _check_plain(name, each)
    elif value is not None and not isinstance(value, (bool, int, float, str)):
        raise TypeError(f"{name}, which is {value!r}")
