"""What a run is, in facts that a person can read: networks, data, schedule, devices, versions."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.replaced_file import replaced_file
from tfgan_lite.train.loss_scaling import wrapped
from tfgan_lite.train.training_run import TrainingRun
from tfgan_lite.train.updates import Update
from tfgan_lite.version import __version__

__all__ = ["RUN_FILE", "hyperparameters", "run_facts", "save_run_facts", "shown_facts"]

RUN_FILE = "run.json"


def run_facts(run: TrainingRun) -> dict[str, Any]:
    """Facts of a run that has been attached, in JSON's types."""
    updates = {u.name: u for hook in run.train_hooks for u in hook.updates if u is not None}
    judged = [u.real_example for u in updates.values() if u.role == "discriminator"]
    return {
        "networks": {name: _network(update) for name, update in updates.items()},
        "data": [_shape(example) for example in judged],
        "round": run.schedule,
        "first_round": run.initial_step,
        "world": "TF2" if tf.executing_eagerly() else "tf.Graph",
        "devices": _devices(),
        "jit_compile": run.jit_compile,
        "versions": {
            "tfgan_lite": __version__,
            "tensorflow": tf.__version__,
            "keras": importlib.metadata.version(tf.keras.Model.__module__.split(".")[0]),
            "python": platform.python_version(),
        },
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
    }


def save_run_facts(logdir: str, facts: dict[str, Any]) -> None:
    """Writes `run.json` into a folder, whole or not at all."""
    with replaced_file(os.path.join(logdir, RUN_FILE)) as file:
        file.write(json.dumps(facts, indent=2).encode())


def shown_facts(facts: dict[str, Any]) -> dict[str, str]:
    """The same as a few short lines, by name."""
    lines = {}
    for name, network in facts["networks"].items():
        rate = network.get("learning_rate")
        lines[name] = (
            f"{network['class']}, {network['parameters']:,} parameters, {network['optimizer']}"
            + (f" at {rate:g}" if isinstance(rate, float) else f" ({rate})" if rate else "")
        )
    lines["data"] = ", ".join(f"batches of {shape}" for shape in facts["data"])
    lines["round"] = facts["round"]
    lines["devices"] = f"{', '.join(facts['devices'])} ({facts['machine']})"
    if facts["world"] == "TF2":
        choices = {True: "on", False: "off", "auto": "measured before the first round"}
        lines["XLA"] = choices.get(facts["jit_compile"], str(facts["jit_compile"]))
    else:
        lines["world"] = "a tf.Graph, as in TensorFlow 1"
    return {name: line for name, line in lines.items() if line}


def hyperparameters(facts: dict[str, Any]) -> dict[str, Any]:
    """What TensorBoard compares runs by."""
    found: dict[str, Any] = {"round": facts["round"], "batch": ", ".join(facts["data"])}
    for name, network in facts["networks"].items():
        for key in ("optimizer", "learning_rate", "parameters"):
            if network.get(key) is not None:
                found[f"{name}_{key}"] = network[key]
    return found


def _network(update: Update) -> dict[str, Any]:
    fn = update.network.fn
    return {
        "class": getattr(fn, "__name__", None) or type(fn).__name__,
        "parameters": sum(int(np.prod(v.shape)) for v in update.network.trainable_variables),
        "trained": sum(int(np.prod(v.shape)) for v in update.variables),
        "loss_terms": list(update.terms),
        "optimizer": type(wrapped(update.optimizer)).__name__,
        "loss_scale": update.is_scaled,
        "learning_rate": _learning_rate(wrapped(update.optimizer)),
    }


def _learning_rate(optimizer: Any) -> float | str | None:
    schedule = getattr(optimizer, "_learning_rate", None)  # Keras gives its value at a step only.
    if callable(schedule) and not tf.is_tensor(schedule):
        initial = getattr(schedule, "initial_learning_rate", None)
        start = "" if initial is None else f" from {float(initial):g}"
        return f"{type(schedule).__name__}{start}"
    if isinstance(schedule, (int, float)):  # A v1 optimizer's.
        return float(schedule)
    if not tf.executing_eagerly():
        return None
    rate = getattr(optimizer, "learning_rate", None)
    try:
        return float(f"{float(rate):.6g}")
    except (TypeError, ValueError):
        return None


def _shape(value: Any) -> str:
    shape = "?" if value.shape.rank is None else value.shape.as_list()
    return f"{value.dtype.name} {shape}".replace("None", "?")


def _devices() -> list[str]:
    accelerators = [d for d in tf.config.list_logical_devices() if d.device_type != "CPU"]
    found = accelerators or tf.config.list_logical_devices("CPU")
    return [device.name.removeprefix("/device:") for device in found]
