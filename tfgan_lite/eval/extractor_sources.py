"""Extractors of what a trained network is kept in: Keras, SavedModel, TF-Hub, frozen graph.

Nothing here unpickles anything. A SavedModel and a graph are programs all the same, which
TensorFlow runs with the rights of the caller: load them from where you trust, and check their hash.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from tfgan_lite.eval.extractors import Extractor, arrays_hash, eagerly

__all__ = [
    "extractor_from_frozen_graph",
    "extractor_from_hub",
    "extractor_from_keras",
    "extractor_from_saved_model",
    "graph_function",
    "hash_of_files",
    "parsed_graph",
    "resolved_hub_path",
    "saved_model_function",
]

PathLike = str | os.PathLike[str]


def extractor_from_keras(
    model: Any,
    features: str | None = None,
    logits: str | None = None,
    *,
    name: str | None = None,
    **options: Any,
) -> Extractor:
    """Returns an extractor of a Keras model, of Keras 3 or tf_keras, in inference mode.

    Its hash is that of the weights as they are now: do not train the model while it extracts.

    Args:
      model: A model with one input, images [B, H, W, C]. With names of layers it must be a
        functional or sequential model.
      features: The layer whose output are the features; the model's output by default.
      logits: The layer whose output are the logits; none by default.
      name: The model's by default.
      **options: `Extractor`'s: value_range, image_shape (by default what the model declares),
        resize_mode, batch_size, layer, note, hash.

    Raises:
      ValueError: There is no layer of this name, or the model has more than one input.

    Example:
      >>> flat, classes = layers.Flatten(name="flat"), layers.Dense(10, name="classes")
      >>> reader = tf.keras.Sequential([layers.Input([4, 4, 1]), flat, classes])
      >>> extractor = tfgan.eval.extractor_from_keras(reader, features="flat", logits="classes")
      >>> {name: value.shape[1] for name, value in sorted(extractor(images).items())}
      {'features': 16, 'logits': 10}
    """
    if features is not None or logits is not None:
        kind = next((c for c in type(model).__mro__ if c.__name__ == "Model"), tf.keras.Model)
        outputs = {"features": _layer_output(model, features) if features else model.output}
        if logits is not None:
            outputs["logits"] = _layer_output(model, logits)
        inner = kind(model.inputs, outputs)
    else:
        inner = model
    if len(getattr(inner, "inputs", None) or [None]) != 1:
        raise ValueError(f"model must have one input, the images, but it has {len(inner.inputs)}.")
    declared = getattr(inner, "input_shape", None)
    if "image_shape" not in options and isinstance(declared, (tuple, list)) and len(declared) == 4:
        options["image_shape"] = tuple(declared[1:])
    # An unbuilt model has its weights only after it was called, so the hash comes after that.
    options.setdefault("hash", lambda: arrays_hash(model.weights))
    options.setdefault("layer", features)
    return Extractor(
        lambda images: inner(tf.cast(images, tf.float32), training=False),
        name=name or getattr(model, "name", None) or type(model).__name__,
        **options,
    )


def extractor_from_saved_model(
    path: PathLike,
    features: str | None = None,
    logits: str | None = None,
    *,
    signature: str | None = None,
    name: str | None = None,
    **options: Any,
) -> Extractor:
    """Returns an extractor of a SavedModel folder. Its hash is that of the folder's files.

    Args:
      path: The folder that has `saved_model.pb`.
      features: The key of the features among the outputs; not needed where there is one output.
      logits: The key of the logits; none by default.
      signature: The signature to call. By default the object itself where it can be called, else
        "serving_default".
      name: The folder's by default.
      **options: `Extractor`'s: value_range, image_shape, resize_mode, batch_size, layer, note,
        hash.

    Raises:
      FileNotFoundError: There is no SavedModel at `path`.
      ValueError: There is no such signature or output, or the files are broken.

    Example:
      >>> pool = tf.Module()
      >>> spec = [tf.TensorSpec([None, 4, 4, 1])]
      >>> pool.__call__ = tf.function(lambda x: tf.reduce_mean(x, [1, 2]), input_signature=spec)
      >>> tf.saved_model.save(pool, "mean_pool")
      >>> extractor = tfgan.eval.extractor_from_saved_model("mean_pool", image_shape=(4, 4, 1))
      >>> extractor.name, extractor(images)["features"].shape
      ('mean_pool', TensorShape([64, 1]))
    """
    path = pathlib.Path(path)
    function = saved_model_function(path, signature)
    options.setdefault("hash", hash_of_files(path))
    options.setdefault("layer", ":".join(filter(None, [signature, features])))
    return Extractor(
        lambda images: _selected(function(images), features, logits, str(path)),
        name=name or path.name,
        **options,
    )


def extractor_from_hub(
    handle: str, *args: Any, name: str | None = None, **kwargs: Any
) -> Extractor:
    """Returns an extractor of a TF-Hub module, which TF-Hub downloads unless its cache has it.

    Args:
      handle: A TF-Hub URL, or the path of a module.
      *args: `extractor_from_saved_model`'s: features, logits.
      name: The handle by default.
      **kwargs: `extractor_from_saved_model`'s.

    Raises:
      ImportError: The package tensorflow_hub is missing.

    Example:
      >>> pool = tf.Module()
      >>> spec = [tf.TensorSpec([None, 4, 4, 1])]
      >>> pool.__call__ = tf.function(lambda x: tf.reduce_mean(x, [1, 2]), input_signature=spec)
      >>> tf.saved_model.save(pool, "pool")
      >>> extractor = tfgan.eval.extractor_from_hub("pool", image_shape=(4, 4, 1))  # Or a URL.
      >>> extractor(images)["features"].shape
      TensorShape([64, 1])
    """
    path = resolved_hub_path(handle)
    return extractor_from_saved_model(path, *args, name=name or handle, **kwargs)


def resolved_hub_path(handle: str) -> str:
    """Returns the folder of a TF-Hub module: a path as it is, a URL's in TF-Hub's cache."""
    if os.path.isdir(handle):
        return handle
    try:
        import tensorflow_hub
    except ImportError as error:
        raise ImportError(
            f"Loading {handle!r} needs the package tensorflow_hub: pip install 'tfgan_lite[hub]'. "
            "Or download the module by other means and give its path."
        ) from error
    return tensorflow_hub.resolve(handle)


def extractor_from_frozen_graph(
    path: PathLike,
    *,
    inputs: str,
    features: str,
    logits: str | None = None,
    name: str | None = None,
    sha256: str | None = None,
    **options: Any,
) -> Extractor:
    """Returns an extractor of a frozen graph, a `.pb` file. Its hash is that of the file.

    Args:
      path: The file: a serialised GraphDef without variables.
      inputs: The tensor that images replace, such as "input:0": float32
        [B, *image_shape].
      features: The features' tensor, such as "pool_3:0".
      logits: The logits' tensor; none by default.
      name: The file's by default.
      sha256: What the file's SHA-256 must be, in hexadecimal; not checked by default.
      **options: `Extractor`'s: value_range, image_shape, resize_mode, batch_size, layer, note.

    Raises:
      FileNotFoundError: There is no such file.
      ValueError: The file is not a graph, has another hash or lacks a tensor.

    Example:
      >>> with tf.Graph().as_default() as graph:
      ...     image = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 1], name="input")
      ...     pool = tf.reduce_mean(image, [1, 2], name="pool")
      >>> _ = tf.io.write_graph(graph, ".", "frozen.pb", as_text=False)
      >>> extractor = tfgan.eval.extractor_from_frozen_graph(
      ...     "frozen.pb", inputs="input:0", features="pool:0", image_shape=(4, 4, 1)
      ... )
      >>> extractor(images)["features"].shape
      TensorShape([64, 1])
    """
    path = pathlib.Path(path)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and sha256.lower() != digest:
        raise ValueError(f"{path} has the SHA-256 {digest}, but {sha256} was expected.")
    fetches = {"features": features} if logits is None else {"features": features, "logits": logits}
    function = graph_function(parsed_graph(content, str(path)), inputs, fetches, str(path))
    return Extractor(
        lambda images: function(tf.cast(images, tf.float32)),
        name=name or path.stem,
        hash=digest,
        **{"layer": features, **options},
    )


def parsed_graph(content: bytes, source: str) -> tf.compat.v1.GraphDef:
    """Returns a serialised GraphDef that is `source`'s; a ValueError if it is none."""
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(content)
    except DecodeError as error:
        raise ValueError(
            f"{source} is no TensorFlow graph ({len(content):,} bytes): it may be truncated, or be "
            "another kind of file. Download it again."
        ) from error
    return graph


def graph_function(
    graph: tf.compat.v1.GraphDef, inputs: str, fetches: Mapping[str, str], source: str
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Returns a frozen graph as a function of one tensor.

    Args:
      graph: A graph without variables.
      inputs: The tensor that the function's argument takes the place of.
      fetches: Names of tensors by name of the result.
      source: Where the graph is from, for messages.

    Raises:
      ValueError: The graph lacks a node.
    """
    there = {node.name for node in graph.node}
    missing = [t for t in (inputs, *fetches.values()) if t.split(":")[0] not in there]
    if missing:
        raise ValueError(
            f"{source} has no {', '.join(missing)}: it is another graph, or truncated. It has "
            f"{len(there)} nodes."
        )

    @tf.autograph.experimental.do_not_convert
    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        # Inputs are mapped before shapes are inferred, so a batch size of 1 in the file is gone.
        values = tf.graph_util.import_graph_def(
            graph,
            input_map={inputs: images},
            return_elements=list(fetches.values()),
            name="frozen",
        )
        return dict(zip(fetches, values))

    return call


def saved_model_function(
    path: PathLike, signature: str | None = None
) -> Callable[[tf.Tensor], Any]:
    """Returns a SavedModel, or one of its signatures, as a function of images.

    Args:
      path: The folder.
      signature: See `extractor_from_saved_model`.

    Raises:
      FileNotFoundError, ValueError: See `extractor_from_saved_model`.
    """
    path = pathlib.Path(path)
    if not tf.saved_model.contains_saved_model(str(path)):
        raise FileNotFoundError(
            f"There is no SavedModel at {path}: a folder with saved_model.pb is needed."
        )
    try:
        loaded = eagerly(lambda: tf.saved_model.load(str(path)))
    except (DecodeError, OSError, tf.errors.OpError) as error:
        raise ValueError(
            f"{path} is a broken SavedModel, perhaps a truncated one: {error}"
        ) from error
    if signature is None and callable(loaded):
        return loaded
    signature = signature or "serving_default"
    if signature not in loaded.signatures:
        raise ValueError(
            f"{path} has no signature {signature!r}, but {sorted(loaded.signatures)}: choose one."
        )
    function = loaded.signatures[signature]
    arguments = function.structured_input_signature[1]
    if len(arguments) != 1:
        raise ValueError(
            f"Signature {signature!r} of {path} must take images only, but takes "
            f"{sorted(arguments)}."
        )
    [(argument, spec)] = arguments.items()

    @tf.autograph.experimental.do_not_convert
    def call(images: tf.Tensor) -> Any:
        return function(**{argument: tf.cast(images, spec.dtype)})

    call.loaded = loaded  # A signature does not keep the variables alive.
    return call


def hash_of_files(folder: PathLike) -> str:
    """Returns the SHA-256, in hexadecimal, of a SavedModel's graph and variables."""
    folder = pathlib.Path(folder)
    digest = hashlib.sha256()
    variables = sorted((folder / "variables").glob("*"))
    graph = [folder / name for name in ("saved_model.pb", "saved_model.pbtxt")]
    for path in [*(p for p in graph if p.exists()), *variables]:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _layer_output(model: Any, layer: str) -> Any:
    names = [each.name for each in model.layers]
    if layer not in names:
        raise ValueError(f"The model has no layer {layer!r}. Its layers are {', '.join(names)}.")
    return model.get_layer(layer).output


def _selected(outputs: Any, features: str | None, logits: str | None, source: str) -> Any:
    """Returns the outputs of these keys by what they are to an extractor."""
    if not isinstance(outputs, Mapping):
        if features is None and logits is None:
            return outputs
        raise ValueError(f"{source} gives no mapping, so it has no output {features or logits!r}.")
    keys = {"features": features, "logits": logits}
    if features is None and len(outputs) > 1:
        if "features" not in outputs:
            raise ValueError(
                f"{source} has the outputs {sorted(outputs)}: say which are the features."
            )
        keys["features"] = "features"
    elif features is None:
        [keys["features"]] = outputs
    chosen = {kind: key for kind, key in keys.items() if key is not None}
    missing = [key for key in chosen.values() if key not in outputs]
    if missing:
        raise ValueError(f"{source} has no output {missing[0]!r}, but {sorted(outputs)}.")
    return {kind: outputs[key] for kind, key in chosen.items()}
