"""Functions that give fresh values from Python: NumPy's generators, counters, files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.source_checks import check_array

__all__ = ["python_side", "spec_of_python", "unknown_size"]


def spec_of_python(call: Callable[[Any], Any], size: int | None, name: str) -> Any | None:
    """The specs of what a callable of Python's gives; None for one of TensorFlow's.

    Tracing keeps only what TensorFlow computes, and of that only stateful operations, such as
    random ones, give fresh values in every run. Where there are none, whatever is fresh comes from
    Python (NumPy's generators, counters, files), which tracing would run once and freeze.
    """
    outputs = []

    def body():
        outputs.append(call(unknown_size() if size is None else size))
        return outputs[-1]

    try:
        graph = tf.function(body, autograph=False).get_concrete_function().graph
    except Exception:
        # A function of NumPy's cannot take a symbolic size; anything else fails again here.
        outputs.append(call(size or 1))
    else:
        tensors_only = all(tf.is_tensor(leaf) for leaf in tf.nest.flatten(outputs[-1]))
        if tensors_only and any(op.op_def.is_stateful for op in graph.get_operations()):
            return None

    def spec(leaf: Any) -> tf.TensorSpec:
        check_array(leaf, f"What the callable of {name} gives")
        leaf = leaf if tf.is_tensor(leaf) else np.asarray(leaf)
        return tf.TensorSpec(leaf.shape, leaf.dtype)

    return tf.nest.map_structure(spec, outputs[-1])


def python_side(call: Callable[[Any], Any], spec: Any) -> Callable[..., Any]:
    """Calls back into Python in every run, where tracing would freeze the first value."""
    specs = tf.nest.flatten(spec)

    def arrays(size: Any) -> list[np.ndarray]:
        leaves = tf.nest.flatten(call(int(size)))
        return [np.asarray(leaf, s.dtype.as_numpy_dtype) for leaf, s in zip(leaves, specs)]

    def sample(size, seed=None):
        del seed
        # Eagerly, a list of one comes back as its tensor.
        flat = tf.nest.flatten(tf.numpy_function(arrays, [size], [s.dtype for s in specs]))
        for tensor, s in zip(flat, specs):
            # The next batch may have another size, unless this is the size that was asked for.
            as_asked = s.shape.rank == 0 or (isinstance(size, int) and s.shape[0] == size)
            tensor.set_shape(s.shape if as_asked else [None, *s.shape[1:]])
        return tf.nest.pack_sequence_as(spec, flat)

    return sample


def unknown_size() -> tf.Tensor:
    return tf.compat.v1.placeholder(tf.int32, [])
