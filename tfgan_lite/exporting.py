"""`export`: a trained GAN as files that need no tfgan_lite to run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.deferred import Deferred, materialise
from tfgan_lite.eval.image_ranges import as_bytes
from tfgan_lite.noise_keys import EXPORTED_ROUND
from tfgan_lite.replaced_directory import replaced_directory
from tfgan_lite.runs import Run, random_key
from tfgan_lite.sampling import sample_with_inputs
from tfgan_lite.sources import SampledSource
from tfgan_lite.tracing import sources_of
from tfgan_lite.version import __version__

__all__ = ["export"]

_FORMAT = 1
_EXAMPLES = 4


def export(
    model: Any,
    directory: str | os.PathLike[str],
    *,
    average: Any = None,
    discriminator: bool = False,
    value_range: tuple[float, float] | None = (-1.0, 1.0),
    metadata: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes the generator for those who have TensorFlow and no tfgan_lite.

    The directory gets a SavedModel `generator/`, the same as `generator.keras` where it is a Keras
    model, `example.npz` (inputs and what the generator makes of them, to check a copy with) and
    `metadata.json`: weights, signatures, value range, versions and a hash of each file. With
    `discriminator=True` there are `discriminator/` and `discriminator.keras`, too. The networks are
    exported in inference mode. The directory appears whole or not at all; only where a process is
    killed in the moment that an earlier one is replaced, that one is beside it, in a `.tmp`.

    A SavedModel's signatures:
      serving_default: "inputs" (of a structure "inputs_0", ... in its order) to "generated".
      pixels: the same to uint8 images, where the value range is known.
      sample: "num_samples" and "seed", int32 scalars, to "generated": it draws the inputs itself.
        There where they come from distributions or TensorFlow's own random functions.
    The discriminator's are serving_default ("data", and "inputs" where it takes them, to "logits")
    and pixels, which takes uint8 "data".

    Args:
      model: a model with `generator_inputs`, made in TF2; of a CycleGANModel pass one direction.
      directory: where to; it must not exist, unless `overwrite` is set.
      average: the `features.WeightAverage` whose weights to export; None for the generator's own.
      discriminator: whether to export the discriminator, too.
      value_range: what generated data holds, such as (-1, 1) for tanh; None if it is no image.
      metadata: what else to write into `metadata.json`, as "user": anything that JSON knows.
      overwrite: whether an earlier directory is replaced, once the new one is complete.

    Returns:
      The directory.

    Raises:
      ValueError: a model made in a `tf.Graph`; a value range that is empty; metadata that JSON does
        not know.
      TypeError: a model that has no generator_inputs.
      FileExistsError: the directory exists.

    Example:
      >>> _ = tfgan.export(model, "exports/example")
      >>> sample = tf.saved_model.load("exports/example/generator").signatures["sample"]
      >>> sample(num_samples=tf.constant(8), seed=tf.constant(0))["generated"].shape.as_list()
      [8, 3]
    """
    _check(model, value_range)
    user = json.loads(_json(dict(metadata or {})))
    target = pathlib.Path(directory)
    if target.exists() and not overwrite:
        raise FileExistsError(
            f"{target} exists: choose another directory, or pass overwrite=True to replace it."
        )
    with replaced_directory(target) as folder:
        with contextlib.nullcontext() if average is None else average.averaged():
            notes = {"generator": _write_generator(model, folder, value_range)}
            if discriminator:
                notes["discriminator"] = _write_discriminator(model, folder, value_range)
        content = {
            "format": _FORMAT,
            "kind": type(model).__name__,
            "weights": "training" if average is None else "averaged",
            "value_range": None if value_range is None else [float(x) for x in value_range],
            **notes,
            "user": user,
            "versions": {
                "tfgan_lite": __version__,
                "tensorflow": tf.__version__,
                "keras": tf.keras.__version__,
                "python": platform.python_version(),
            },
            "sha256": _hashes(folder),
        }
        (folder / "metadata.json").write_text(_json(content) + "\n", encoding="utf-8")
    logging.info("Exported to %s.", target)
    return target


def _write_generator(model: Any, folder: pathlib.Path, value_range: Any) -> dict[str, Any]:
    network, structure = model.generator_fn, model.generator_inputs
    specs = _specs(structure, "inputs")

    def generate(*flat: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs = tf.nest.pack_sequence_as(structure, flat)
        return _named(network(inputs, training=False), "generated")

    signatures = {"serving_default": _function(generate, specs)}
    if value_range is not None:

        def pixels(*flat: tf.Tensor) -> dict[str, tf.Tensor]:
            return {name: _pixels(x, value_range) for name, x in generate(*flat).items()}

        signatures["pixels"] = _function(pixels, specs)
    if _draws_by_itself(structure):

        def sample(num_samples: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
            with Run(key=random_key(EXPORTED_ROUND, seed), batch_size=num_samples):
                return generate(*tf.nest.flatten(materialise(structure)))

        scalars = [tf.TensorSpec([], tf.int32, name) for name in ("num_samples", "seed")]
        signatures["sample"] = _function(sample, scalars)
    notes = _save(network, signatures, folder)
    inputs, generated = sample_with_inputs(model, _EXAMPLES, seed=0)
    arrays = {
        **dict(zip((spec.name for spec in specs), tf.nest.flatten(inputs))),
        **_named(generated, "generated"),
    }
    np.savez(folder / "example.npz", **{name: x.numpy() for name, x in arrays.items()})
    return notes


def _write_discriminator(model: Any, folder: pathlib.Path, value_range: Any) -> dict[str, Any]:
    network, data = model.discriminator_fn, model.generated_data
    specs = _specs(data, "data")
    count = len(specs)
    if network.takes(2, data):
        specs = [*specs, *_specs(model.generator_inputs, "inputs")]

    def judge(*flat: tf.Tensor) -> dict[str, tf.Tensor]:
        args = [tf.nest.pack_sequence_as(data, flat[:count])]
        if len(flat) > count:
            args.append(tf.nest.pack_sequence_as(model.generator_inputs, flat[count:]))
        logits, *others = tf.nest.flatten(network(*args, training=False))
        return {"logits": logits, **{f"output_{i}": x for i, x in enumerate(others, 1)}}

    signatures = {"serving_default": _function(judge, specs)}
    if value_range is not None:

        def judge_pixels(*flat: tf.Tensor) -> dict[str, tf.Tensor]:
            low, high = value_range
            floats = [
                tf.cast(tf.cast(x, tf.float32) * ((high - low) / 255.0) + low, spec.dtype)
                for x, spec in zip(flat, specs[:count])
            ]
            return judge(*floats, *flat[count:])

        taken = [tf.TensorSpec(s.shape, tf.uint8, s.name) for s in specs[:count]]
        signatures["pixels"] = _function(judge_pixels, [*taken, *specs[count:]])
    return _save(network, signatures, folder)


def _save(network: Any, signatures: dict[str, Any], folder: pathlib.Path) -> dict[str, Any]:
    """Writes a network twice, and gives what metadata says of it."""
    module = tf.Module()
    module.owned = list(network.variables)  # What the functions capture has to be in the file.
    tf.saved_model.save(module, str(folder / network.role), signatures)
    keras_file, reason = f"{network.role}.keras", None
    try:
        if not hasattr(network.fn, "get_config"):
            raise TypeError(f"it is a {type(network.fn).__name__}, not a Keras model")
        network.fn.save(folder / keras_file)
    except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
        (folder / keras_file).unlink(missing_ok=True)
        keras_file, reason = None, str(error).splitlines()[0]
        logging.info("The %s has no .keras file: %s.", network.role, reason)
    return {
        "saved_model": network.role,
        "keras_file": keras_file,
        **({} if reason is None else {"no_keras_file": reason}),
        "parameters": sum(int(np.prod(v.shape)) for v in network.trainable_variables),
        "signatures": {name: _described(fn) for name, fn in signatures.items()},
    }


def _function(fn: Any, specs: Sequence[tf.TensorSpec]) -> Any:
    # A signature's keyword arguments have the names of the specs.
    return tf.function(fn, autograph=False).get_concrete_function(*specs)


def _described(function: Any) -> dict[str, Any]:
    def side(specs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: {"shape": spec.shape.as_list(), "dtype": spec.dtype.name}
            for name, spec in specs.items()
        }

    specs = tf.nest.flatten(function.structured_input_signature)
    return {
        "inputs": side({spec.name: spec for spec in specs}),
        "outputs": side(function.structured_outputs),
    }


def _specs(structure: Any, name: str) -> list[tf.TensorSpec]:
    """What the leaves of a structure look like, for a batch of any size."""
    leaves = tf.nest.flatten(structure)
    names = [name] if len(leaves) == 1 else [f"{name}_{i}" for i in range(len(leaves))]
    return [
        tf.TensorSpec([None, *leaf.shape[1:]] if leaf.shape.rank else [], leaf.dtype, each)
        for leaf, each in zip(leaves, names)
    ]


def _named(structure: Any, name: str) -> dict[str, tf.Tensor]:
    leaves = tf.nest.flatten(structure)
    return {name if len(leaves) == 1 else f"{name}_{i}": leaf for i, leaf in enumerate(leaves)}


def _pixels(images: tf.Tensor, value_range: tuple[float, float]) -> tf.Tensor:
    return tf.cast(as_bytes(images, value_range, rounded=True), tf.uint8)


def _draws_by_itself(structure: Any) -> bool:
    """Whether inputs are drawn by TensorFlow alone: from no dataset, and not by Python."""
    leaves = tf.nest.flatten(structure)
    deferred = [leaf for leaf in leaves if isinstance(leaf, Deferred)]
    sources = sources_of(deferred)
    if not sources or not all(isinstance(source, SampledSource) for source in sources):
        return False

    def draw(num_samples: tf.Tensor) -> Any:
        with Run(key=tf.zeros([2], tf.int32), batch_size=num_samples):
            return tf.nest.flatten(materialise(structure))

    traced = tf.function(draw, autograph=False).get_concrete_function(tf.TensorSpec([], tf.int32))
    kinds = {op.type for op in traced.graph.get_operations()}
    return not any("PyFunc" in kind for kind in kinds)


def _hashes(folder: pathlib.Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def _check(model: Any, value_range: Any) -> None:
    if not hasattr(model, "generator_inputs"):
        raise TypeError(
            f"A {type(model).__name__} has no generator_inputs to export a generator for. Of a"
            " CycleGANModel pass one direction: model.model_x2y."
        )
    if not any(isinstance(x, Deferred) for x in tf.nest.flatten(model.generator_inputs)):
        raise ValueError(
            "export needs a model made in TF2: build the model outside of the tf.Graph, load the"
            " graph's checkpoint into its variables, and export that."
        )
    if value_range is not None and not value_range[0] < value_range[1]:
        raise ValueError(f"value_range must be (low, high) with low < high, got {value_range!r}.")


def _json(values: Any) -> str:
    try:
        return json.dumps(values, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"metadata must be what JSON knows: {error}.") from error
