"""Feature extractors: what sees images for the metrics, and how it is named in their results.

`Extractor` is the interface; `extractor_sources` makes one of a Keras model, a SavedModel, a TF-Hub
handle or a frozen graph, and `inception` the one that published FIDs are made with.
"""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.eval import image_ranges
from tfgan_lite.eval.image_ranges import ValueRange
from tfgan_lite.integers import checked_integer

__all__ = ["Extractor", "arrays_hash", "eagerly"]

Outputs = dict[str, tf.Tensor]

# Attributes that tell how or where an operation runs, or the number that it has in this program.
_COUNTED = ("config", "config_proto", "executor_type", "container", "shared_name", "token")


class Extractor:
    """Images to features and, where there are any, logits: loaded once, compiled once.

    It is traced when it is made, for any number of images: neither a ragged last batch nor a second
    metric traces it again. Eagerly, many images go through in batches, so that memory stays
    bounded. In a `tf.function` it is a part of the function; in a `tf.Graph` it is an op that runs
    it eagerly, so that its weights are neither in the graph nor in its checkpoints.

    Args:
      function: Images to features [B, D], or to `(features, logits)`, or to a mapping with
        "features" and, if there are any, "logits" [B, K]. What follows the first axis is flattened.
        It is given a tensor [B, *image_shape]: uint8 if `value_range` is "uint8", else float32.
      name: What it is called in results.
      hash: Hexadecimal, identifies its weights; or a function that gives it once `function` has
        been traced. By default, a SHA-256 of the operations and the weights that it was traced to;
        another release of TensorFlow may trace other operations, so give one of your own (see
        `arrays_hash`) to compare across releases, or where `function` calls Python code (as
        `tf.numpy_function`), which no hash sees.
      value_range: What images hold: (-1, 1), (0, 1) or "uint8".
      image_shape: (height, width, channels), with None for what is free.
      resize_mode: How `function` resizes, for the results; None if it does not.
      batch_size: Images at a time, eagerly.
      layer: Which layer or output of a network the features are, for the results; None if the hash
        says it all. Statistics of another layer's features are refused.
      note: A remark for whoever reads results, such as what they are not comparable with.

    Raises:
      TypeError: `function` cannot be called, or gives something else.
      ValueError: Arguments or outputs of other values or shapes, or eager execution is off.

    Example:
      >>> flat = lambda images: tf.reshape(images, [-1, 64])
      >>> pixels = tfgan.eval.Extractor(flat, name="pixels", image_shape=(8, 8, 1))
    """

    def __init__(
        self,
        function: Callable[[tf.Tensor], Any],
        *,
        name: str,
        hash: str | Callable[[], str] | None = None,
        value_range: ValueRange = (-1.0, 1.0),
        image_shape: Sequence[int | None] = (None, None, 3),
        resize_mode: str | None = None,
        batch_size: int = 64,
        layer: str | None = None,
        note: str = "",
    ):
        if not callable(function):
            raise TypeError(f"function must be callable, but it is {function!r}.")
        if not isinstance(name, str) or not name:
            raise ValueError(f"name must be a string that is not empty, but it is {name!r}.")
        self._name, self._resize_mode, self._layer, self._note = name, resize_mode, layer, note
        self._value_range = image_ranges.checked_range(value_range)
        self._image_shape = _checked_shape(image_shape)
        self._batch_size = checked_integer("batch_size", batch_size)
        self._source = function  # What a Keras model or a SavedModel owns lives as long as this.
        self._concrete = eagerly(lambda: self._traced(function))
        if hash is None:
            hash = functools.partial(_graph_hash, self._concrete)
        self._hash = _checked_hash(eagerly(hash) if callable(hash) else hash)

    @property
    def name(self) -> str:
        """What it is called in results."""
        return self._name

    @property
    def hash(self) -> str:
        """Hexadecimal: identifies its weights."""
        return self._hash

    @property
    def feature_size(self) -> int:
        """D: the number of features of an image."""
        return self._concrete.structured_outputs["features"].shape[1]

    @property
    def num_classes(self) -> int | None:
        """K: the number of logits of an image; None without logits."""
        logits = self._concrete.structured_outputs.get("logits")
        return None if logits is None else logits.shape[1]

    @property
    def value_range(self) -> ValueRange:
        """What images hold: (-1.0, 1.0), (0.0, 1.0) or "uint8"."""
        return self._value_range

    @property
    def image_shape(self) -> tuple[int | None, int | None, int | None]:
        """(height, width, channels) of images, with None for what is free."""
        return self._image_shape

    @property
    def resize_mode(self) -> str | None:
        """How it resizes images; None if it does not."""
        return self._resize_mode

    @property
    def batch_size(self) -> int:
        """Images at a time, eagerly."""
        return self._batch_size

    @property
    def protocol(self) -> dict[str, Any]:
        """What a result must state about it, ready for JSON."""
        protocol = {
            "extractor": self.name,
            "extractor_hash": self.hash,
            "feature_size": self.feature_size,
            "value_range": self.value_range,
            "resize_mode": self.resize_mode,
        }
        remarks = {"layer": self._layer, "note": self._note}
        return protocol | {name: remark for name, remark in remarks.items() if remark}

    @tf.autograph.experimental.do_not_convert
    def __call__(self, images: Any) -> Outputs:
        """Returns what it sees in images.

        Args:
          images: [N, *image_shape], N >= 1, in `value_range`, of any floating dtype; or uint8
            images, which are scaled to it. With "uint8" they must be uint8: how floats are
            rounded is up to the caller.

        Returns:
          "features" float32 [N, feature_size] and, if it has logits, "logits" float32
          [N, num_classes].

        Raises:
          ValueError: Another shape or dtype; eagerly also a value that is out of range or not
            finite, which is an `InvalidArgumentError` where only the run knows the values.
        """
        images = tf.convert_to_tensor(images)
        image_ranges.check_images(images, self._image_shape, self._value_range, self._name)
        if tf.executing_eagerly():
            return self._in_batches(images)
        if tf.compat.v1.executing_eagerly_outside_functions():
            return self._concrete(image_ranges.asserted(images, self._value_range, self._name))
        names = list(self._concrete.structured_outputs)
        values = tf.py_function(
            lambda batch: [self(batch)[name] for name in names], [images], [tf.float32] * len(names)
        )
        for name, value in zip(names, values):
            value.set_shape([images.shape[0], self._concrete.structured_outputs[name].shape[1]])
        return dict(zip(names, values))

    def __repr__(self) -> str:
        return f"Extractor({self.name!r}, hash={self.hash[:8]!r}, feature_size={self.feature_size})"

    def _in_batches(self, images: tf.Tensor) -> Outputs:
        batches = []
        for start in range(0, images.shape[0], self._batch_size):
            batch = images[start : start + self._batch_size]
            image_ranges.check_values(batch, self._value_range, self._name, start)
            batches.append(self._concrete(image_ranges.scaled(batch, self._value_range)))
        if len(batches) == 1:
            return batches[0]
        return {name: tf.concat([batch[name] for batch in batches], 0) for name in batches[0]}

    def _traced(self, function: Callable[[tf.Tensor], Any]) -> Any:
        dtype = tf.uint8 if self._value_range == "uint8" else tf.float32
        spec = tf.TensorSpec([None, *self._image_shape], dtype, "images")

        @tf.autograph.experimental.do_not_convert
        def call(images: tf.Tensor) -> Outputs:
            return _as_outputs(function(images), self._name)

        return tf.function(call, autograph=False).get_concrete_function(spec)


def eagerly(function: Callable[[], Any]) -> Any:
    """Returns what a function gives when it is called eagerly, wherever the caller is.

    Raises:
      ValueError: Eager execution is off altogether.
    """
    with tf.init_scope():
        if tf.executing_eagerly():
            return function()
    # Within `tf.Graph().as_default()`. Which graph is the default is each thread's own matter.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        if thread.submit(tf.executing_eagerly).result():
            return thread.submit(function).result()
    raise ValueError(
        "An extractor needs eager execution, which tf.compat.v1.disable_eager_execution() has "
        "turned off. Leave it on and build graphs in `with tf.Graph().as_default()`: an extractor "
        "works in those."
    )


def arrays_hash(arrays: Iterable[Any]) -> str:
    """Returns the SHA-256, in hexadecimal, of arrays' values, dtypes and shapes in their order."""
    digest = hashlib.sha256()
    for array in arrays:
        # Keras 3's variables are no arrays for NumPy, and give theirs themselves.
        array = np.asarray(array.numpy() if hasattr(array, "numpy") else array)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _as_outputs(given: Any, name: str) -> Outputs:
    """Returns what a function gave by name, as float32 matrices."""
    if isinstance(given, Mapping):
        outputs = dict(given)
    elif isinstance(given, (tuple, list)) and len(given) == 2:
        outputs = {"features": given[0], "logits": given[1]}
    else:
        outputs = {"features": given}
    if outputs.get("features") is None or not set(outputs) <= {"features", "logits"}:
        shown = f"a mapping with {sorted(given)}" if isinstance(given, Mapping) else repr(given)
        raise ValueError(
            f"The function of extractor {name!r} must give features, (features, logits) or a "
            f'mapping with "features" and "logits", but it gave {shown}.'
        )
    return {
        key: _as_matrix(value, key, name) for key, value in outputs.items() if value is not None
    }


def _as_matrix(value: Any, key: str, name: str) -> tf.Tensor:
    tensor = None if isinstance(value, str) else tf.convert_to_tensor(value)
    if tensor is None or not (tensor.dtype.is_floating or tensor.dtype.is_integer):
        raise TypeError(
            f"The function of extractor {name!r} gave {value!r} for {key}, not a tensor of numbers."
        )
    value = tf.cast(tensor, tf.float32)
    if value.shape.rank is None or value.shape.rank < 2 or None in value.shape[1:]:
        raise ValueError(
            f"The {key} of extractor {name!r} must be [B, D] with a D that is known beforehand, but"
            f" have the shape {value.shape}. Pool over height and width, or give image_shape."
        )
    return tf.reshape(value, [tf.shape(value)[0], int(np.prod(value.shape[1:]))])


def _checked_shape(shape: Sequence[int | None]) -> tuple[int | None, int | None, int | None]:
    shape = tuple(shape)
    good = len(shape) == 3 and all(n is None or (isinstance(n, int) and n > 0) for n in shape)
    if not good:
        raise ValueError(
            "image_shape must be (height, width, channels), each an integer >= 1 or None, but it is"
            f" {shape}."
        )
    return shape


def _checked_hash(value: str) -> str:
    if not isinstance(value, str) or not value or not set(value) <= set("0123456789abcdef"):
        raise ValueError(f"hash must be hexadecimal in lower case, but it is {value!r}.")
    return value


def _graph_hash(concrete: Any) -> str:
    """Returns a hash of what a function does and of the values that it captured."""
    graph = concrete.graph.as_graph_def()
    functions = {function.signature.name: function for function in graph.library.function}
    digest = hashlib.sha256(_nodes_hash(graph.node, functions))
    variables = {id(variable.handle): variable for variable in concrete.graph.variables}
    arrays = []
    for captured in concrete.captured_inputs:
        if id(captured) in variables:
            arrays.append(variables[id(captured)].numpy())
        elif captured.dtype not in (tf.resource, tf.variant):
            arrays.append(captured.numpy())
    digest.update(arrays_hash(arrays).encode())
    return digest.hexdigest()


def _nodes_hash(nodes: Iterable[Any], functions: Mapping[str, Any], caller: Any = None) -> bytes:
    """Returns a hash of operations, their attributes and inputs, and of the functions they call.

    What a program counts up is left out: names, of which the order of the nodes takes the place,
    and tokens of Python functions, which cannot be told apart.

    Args:
      nodes: NodeDefs.
      functions: FunctionDefs by name.
      caller: the FunctionDef that the nodes are the body of; None for a graph.
    """
    digest = hashlib.sha256()
    places = {node.name: f"node {place}" for place, node in enumerate(nodes)}
    results = []
    if caller is not None:
        arguments = enumerate(caller.signature.input_arg)
        places |= {each.name: f"argument {place}" for place, each in arguments}
        results = [caller.ret[each.name] for each in caller.signature.output_arg]

    def add_source(name: str) -> None:
        source, *output = name.lstrip("^").split(":")
        digest.update(":".join([places[source], *output]).encode())

    for node in nodes:
        digest.update(node.op.encode())
        for name in node.input:
            add_source(name)
        for name, value in sorted(node.attr.items()):
            if name.startswith("_") or name in _COUNTED:
                continue
            digest.update(name.encode())
            called = [value.func] if value.HasField("func") else value.list.func
            for function in (functions[each.name] for each in called):
                digest.update(_nodes_hash(function.node_def, functions, function))
            if not called:
                digest.update(value.SerializeToString(deterministic=True))
    for name in results:
        add_source(name)
    return digest.digest()
