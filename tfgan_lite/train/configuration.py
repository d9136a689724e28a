"""What a run was configured with, kept beside its checkpoints, and how a later program differs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfgan_lite.losses.terms import recipe_of
from tfgan_lite.replaced_file import replaced_file
from tfgan_lite.train import schedule
from tfgan_lite.train.loss_scaling import wrapped
from tfgan_lite.train.ops import updates_behind
from tfgan_lite.train.training_run import TrainingRun
from tfgan_lite.train.updates import Update

__all__ = ["configuration_of", "load_checked", "save"]

_FILE_NAME = "configuration.json"
_IMMATERIAL = ("built", "iterations", "is_legacy_optimizer", "jit_compile", "lock", "name",
               "use_locking")  # fmt: skip
_LARGEST_FILE = 10_000_000  # Bytes; a stranger's may be anything.


def configuration_of(run: TrainingRun, phases: Any, seed: int | None) -> dict[str, Any]:
    """What decides what a run computes, as far as it can be known, in JSON's types.

    Args:
      run: the run, in either world.
      phases: the schedule's phases.
      seed: the program's seed; None in a graph.
    """
    updates = {update.name: update for update in updates_behind(run.train_ops)}
    found: dict[str, Any] = {"round": schedule.describe(phases)}
    if seed is not None:
        found["seed"] = seed
    found.update({name: _network(update) for name, update in sorted(updates.items())})
    return json.loads(json.dumps(found))


def save(logdir: str, configuration: Mapping[str, Any]) -> None:
    """Writes the file, whole or not at all; once there is a checkpoint of this configuration."""
    with replaced_file(os.path.join(logdir, _FILE_NAME)) as file:
        file.write((json.dumps(configuration, indent=2) + "\n").encode())


def load_checked(
    logdir: str, current: Mapping[str, Any], allow_changes: bool
) -> dict[str, Any] | None:
    """The configuration that a folder's checkpoints were written with, where it is known.

    Raises:
      ValueError: lists how `current` differs, unless that is allowed; the file is not what `save`
        writes.
    """
    saved = _load(logdir)
    if saved is not None and not allow_changes:
        _raise_if_changed(logdir, saved, current)
    return saved


def _load(logdir: str) -> dict[str, Any] | None:
    path = os.path.join(logdir, _FILE_NAME)
    if not tf.io.gfile.exists(path):
        return None
    try:
        with tf.io.gfile.GFile(path) as file:
            text = file.read(_LARGEST_FILE + 1)
        if len(text) > _LARGEST_FILE:
            raise ValueError(f"it is larger than {_LARGEST_FILE:,} bytes")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("it is not a JSON object")
    except (ValueError, RecursionError, tf.errors.OpError) as error:
        raise ValueError(
            f"Cannot read {path}: {error}. Remove it to resume without comparing configurations."
        ) from error
    return found


def _raise_if_changed(logdir: str, saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    differences = list(_differences("", saved, current))
    if differences:
        lines = "\n".join(f"  {line}" for line in differences)
        raise ValueError(
            f"The checkpoint in {logdir} was written with a different configuration, so training"
            f" would not continue as it began:\n{lines}\nPut these back, pass another logdir, or"
            " pass allow_changes=True to go on with what is new."
        )


def _differences(place: str, saved: Any, current: Any) -> Any:
    if isinstance(saved, dict) and isinstance(current, dict):
        for key in dict.fromkeys([*saved, *current]):
            inner = f"{place}: {key}" if place else key
            if key not in current:
                yield f"{inner} was {_short(saved[key])}, and is gone"
            elif key not in saved:
                yield f"{inner} is new: {_short(current[key])}"
            else:
                yield from _differences(inner, saved[key], current[key])
    elif saved != current:
        yield f"{place} was {_short(saved)}, is {_short(current)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _network(update: Update) -> dict[str, Any]:
    shapes = [f"{v.dtype.base_dtype.name} {list(v.shape)}" for v in update.network.variables]
    found = {
        "variables": {str(index): shape for index, shape in enumerate(shapes)},
        "trained": len(update.variables),
        "optimizer": _optimizer(update.optimizer),
        "loss": recipe_of(update.loss),
        "data": _shape(update.real_example),
    }
    if update.average is not None:
        found["average"] = type(update.average).__name__
    return found


def _shape(value: Any) -> str:
    return f"{value.dtype.name} {value.shape.as_list() if value.shape.rank is not None else '?'}"


def _optimizer(optimizer: Any) -> dict[str, Any]:
    """An optimizer's class and settings; a LossScaleOptimizer around it is a field of its own."""
    inner = wrapped(optimizer)
    found = {"class": type(inner).__name__, **_settings(inner)}
    if inner is not optimizer:
        scaling = _settings(optimizer)
        scaling.pop("inner_optimizer", None)
        found["wrapper"] = {"class": type(optimizer).__name__, **scaling}
    return found


def _settings(optimizer: Any) -> dict[str, Any]:
    if tf.executing_eagerly():
        settings = optimizer.get_config()
    else:  # Variables have no values yet, such as a Keras optimizer's learning rate.
        settings = {
            key.lstrip("_"): value
            for key, value in vars(optimizer).items()
            if isinstance(value, (bool, int, float)) and not key.startswith("_self")
        }
    return {k: _plain(v) for k, v in sorted(settings.items()) if k not in _IMMATERIAL}


def _plain(value: Any) -> Any:
    """A value in JSON's types: of any other, its class."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items() if key != "name"}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.6g}")  # Of a float32 variable: 0.1, not 0.10000000149.
    if value is None or isinstance(value, (bool, int, str)):
        return value
    try:
        return _plain(float(value))
    except (TypeError, ValueError):
        return type(value).__name__
