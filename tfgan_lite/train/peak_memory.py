"""The most memory that this process has had, as a person reads it."""

from __future__ import annotations

import importlib.util
import sys

import tensorflow as tf

__all__ = ["peak_memory"]


def peak_memory() -> str:
    """The peak resident memory of this process and, in TF2, the peak of each GPU.

    "1.2 GB", for instance, or "1.2 GB, GPU:0 3.4 GB"; empty where the system does not tell.
    """
    found = _of_the_process()
    parts = [_gigabytes(found)] if found else []
    # To list them sets them up, which a graph's session does itself.
    for device in tf.config.list_logical_devices("GPU") if tf.executing_eagerly() else ():
        name = device.name.split("device:")[-1]
        parts.append(f"{name} {_gigabytes(tf.config.experimental.get_memory_info(name)['peak'])}")
    return ", ".join(parts)


def _of_the_process() -> int:
    """Bytes."""
    if importlib.util.find_spec("resource") is None:  # Windows has none.
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB"
