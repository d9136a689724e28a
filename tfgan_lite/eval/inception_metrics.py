"""TF-GAN's metrics through Inception: images in [-1, 1] in, scores out.

Inception is loaded at the first use, once, from where `inception_extractor` looks for it; nothing
is downloaded. As TF-GAN's, these do not round images to pixels and resize as TensorFlow 1 did.
Each one runs Inception again: `evaluate` with an `inception_extractor` takes all metrics from one
pass, and says how its numbers were made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.eval import classifier_metrics, streaming
from tfgan_lite.eval.extractor_sources import resolved_hub_path, saved_model_function
from tfgan_lite.eval.extractors import Extractor, eagerly
from tfgan_lite.eval.inception import (
    INCEPTION_DEFAULT_IMAGE_SIZE,
    INCEPTION_FINAL_POOL,
    INCEPTION_OUTPUT,
    InceptionNetwork,
    inception_network,
)
from tfgan_lite.eval.resizing import resize
from tfgan_lite.eval.run_classifier import run_classifier_fn, sample_and_run_classifier_fn
from tfgan_lite.worlds import in_plain_graph

__all__ = [
    "INCEPTION_TFHUB",
    "classifier_fn_from_tfhub",
    "frechet_inception_distance",
    "frechet_inception_distance_streaming",
    "inception_score",
    "inception_score_streaming",
    "kernel_inception_distance",
    "kernel_inception_distance_and_std",
    "run_inception",
    "sample_and_run_inception",
]

INCEPTION_TFHUB = "https://tfhub.dev/tensorflow/tfgan/eval/inception/1"

ClassifierFn = Callable[[tf.Tensor], Any]


def classifier_fn_from_tfhub(
    tfhub_module: str, output_fields: str | Sequence[str] | None, return_tensor: bool = False
) -> ClassifierFn:
    """Returns a TF-Hub module as a classifier, which is loaded at its first call.

    Args:
      tfhub_module: Its handle, for which the package tensorflow_hub is needed; or the path of a
        SavedModel, for which it is not.
      output_fields: The key, or the keys, of the outputs to give; None for all.
      return_tensor: Whether to give the only output itself rather than a mapping with it.

    Returns:
      A function of images that gives a mapping from keys to tensors, each flattened to [N, K]. In
      a `tf.Graph` its variables are not the graph's.

    Raises:
      ValueError: At the call: there is no such output, or not just one to return.
      ImportError: At the call: tensorflow_hub is needed but missing.

    Example:
      >>> halves = tf.Module()
      >>> of_three = [tf.TensorSpec([None, 3])]
      >>> halves.__call__ = tf.function(lambda x: {"pool_3": x / 2.0}, input_signature=of_three)
      >>> tf.saved_model.save(halves, "halves")
      >>> pool_3 = tfgan.eval.classifier_fn_from_tfhub("halves", "pool_3", return_tensor=True)
      >>> pool_3([[2.0, 4.0, 6.0]]).numpy().tolist()
      [[1.0, 2.0, 3.0]]
    """
    fields = [output_fields] if isinstance(output_fields, str) else output_fields

    def classifier_fn(images: Any) -> Any:
        images = tf.convert_to_tensor(images)
        outputs = _run(_hub_function(str(tfhub_module)), images)
        if not isinstance(outputs, dict):
            outputs = {"default": outputs} if fields is None else {fields[0]: outputs}
        missing = [name for name in fields or () if name not in outputs]
        if missing:
            raise ValueError(f"{tfhub_module} has no output {missing[0]!r}, but {sorted(outputs)}.")
        chosen = {name: _flat(outputs[name]) for name in (fields or outputs)}
        if not return_tensor:
            return chosen
        if len(chosen) != 1:
            raise ValueError(
                f"return_tensor needs one output, but there are {sorted(chosen)}: name one in "
                "output_fields."
            )
        return next(iter(chosen.values()))

    return classifier_fn


def run_inception(
    input_tensor: Any, classifier_fn: ClassifierFn | None = None, num_batches: int = 1
) -> Any:
    """Returns what Inception sees in images.

    Args:
      input_tensor: Floats [N, H, W, 3] in [-1, 1], of any size.
      classifier_fn: Another network; by default the one that `inception_extractor` finds.
      num_batches: See `run_classifier_fn`.

    Returns:
      {"logits": [N, 1008], "pool_3": [N, 2048]}.

    Raises:
      FileNotFoundError: There is no Inception; the message says what to download and to where.
      ValueError: See `Extractor` and `run_classifier_fn`.

    Example:
      >>> # In Inception's place:
      >>> network = lambda images: {"pool_3": images, "logits": 2.0 * images}
      >>> sorted(tfgan.eval.run_inception(data, network, num_batches=4))
      ['logits', 'pool_3']
    """
    return run_classifier_fn(input_tensor, classifier_fn or _inception(), num_batches)


def sample_and_run_inception(
    sample_fn: Callable[[Any], Any],
    sample_inputs: Sequence[Any],
    classifier_fn: ClassifierFn | None = None,
) -> Any:
    """Returns what Inception sees in generated images, of which one batch exists at a time.

    Args:
      sample_fn: See `sample_and_run_classifier_fn`; it gives images as `run_inception` takes.
      sample_inputs: See there.
      classifier_fn: See `run_inception`.

    Returns:
      See `run_inception`.

    Example:
      >>> # In Inception's place:
      >>> network = lambda images: {"pool_3": images, "logits": 2.0 * images}
      >>> noises = [tf.zeros([8, 2]), tf.zeros([4, 2])]
      >>> tfgan.eval.sample_and_run_inception(generator, noises, network)["pool_3"].shape.as_list()
      [12, 3]
    """
    return sample_and_run_classifier_fn(sample_fn, sample_inputs, classifier_fn or _inception())


def inception_score(
    input_tensor: Any, classifier_fn: ClassifierFn | None = None, num_batches: int = 1
) -> Any:
    """Returns the Inception Score of images.

    Args:
      input_tensor: See `run_inception`.
      classifier_fn: Gives other logits; by default Inception's.
      num_batches: See `run_classifier_fn`.

    Returns:
      See `classifier_score`. Published ones are means over ten parts: see
      `classifier_score_and_std_from_logits`.

    Paper: Salimans et al., arXiv:1606.03498.

    Example:
      >>> sure = lambda images: 100.0 * tf.eye(4)  # In Inception's place: four classes.
      >>> round(float(tfgan.eval.inception_score(data[:4], sure)), 3)
      4.0
    """
    return classifier_metrics.classifier_score(
        input_tensor, classifier_fn or _inception(INCEPTION_OUTPUT), num_batches
    )


def inception_score_streaming(
    input_tensor: Any, classifier_fn: ClassifierFn | None = None, num_batches: int = 1
) -> tuple[Any, Any]:
    """The Inception Score of all images of all runs; see `classifier_score_streaming`.

    Example:
      >>> logits_of = lambda images: 2.0 * images  # In Inception's place.
      >>> score, update = tfgan.eval.inception_score_streaming(model.generated_data, logits_of)
      >>> int(update()), bool(1.0 <= score() <= 3.0)
      (8, True)
    """
    return streaming.classifier_score_streaming(
        input_tensor, classifier_fn or _inception(INCEPTION_OUTPUT), num_batches
    )


def frechet_inception_distance(
    input_tensor1: Any,
    input_tensor2: Any,
    classifier_fn: ClassifierFn | None = None,
    num_batches: int = 1,
) -> Any:
    """Returns the Fréchet Inception Distance between two sets of images.

    Args:
      input_tensor1: See `run_inception`.
      input_tensor2: See there.
      classifier_fn: Gives other activations; by default Inception's last pool.
      num_batches: See `run_classifier_fn`.

    Returns:
      See `frechet_classifier_distance`. With fewer images than its 2048 features it is mostly bias.

    Paper: Heusel et al., arXiv:1706.08500.

    Example:
      >>> pool_of = lambda images: tf.reduce_mean(images, 1, keepdims=True)  # In Inception's place.
      >>> round(float(tfgan.eval.frechet_inception_distance(data, data + 3.0, pool_of)), 3)
      9.0
    """
    return classifier_metrics.frechet_classifier_distance(
        input_tensor1, input_tensor2, classifier_fn or _inception(INCEPTION_FINAL_POOL), num_batches
    )


def frechet_inception_distance_streaming(
    input_tensor1: Any,
    input_tensor2: Any,
    classifier_fn: ClassifierFn | None = None,
    num_batches: int = 1,
) -> tuple[Any, Any]:
    """The FID between all images of all runs; see `frechet_classifier_distance_streaming`.

    Example:
      >>> pool_of = lambda images: 2.0 * images  # In Inception's place.
      >>> both = model.real_data, model.generated_data
      >>> value, update = tfgan.eval.frechet_inception_distance_streaming(*both, pool_of)
      >>> int(update()), bool(value() > 0.0)
      (8, True)
    """
    return streaming.frechet_classifier_distance_streaming(
        input_tensor1, input_tensor2, classifier_fn or _inception(INCEPTION_FINAL_POOL), num_batches
    )


def kernel_inception_distance(
    input_tensor1: Any,
    input_tensor2: Any,
    classifier_fn: ClassifierFn | None = None,
    num_batches: int = 1,
    max_block_size: int | None = 1024,
    dtype: tf.DType | None = None,
) -> Any:
    """Returns the Kernel Inception Distance between two sets of images.

    As `kernel_inception_distance_and_std`, without the standard error.

    Example:
      >>> pool_of = lambda images: 2.0 * images  # In Inception's place.
      >>> distance = tfgan.eval.kernel_inception_distance
      >>> bool(distance(data, data, pool_of) < distance(data, data + 5.0, pool_of))
      True
    """
    return classifier_metrics.kernel_classifier_distance(
        input_tensor1,
        input_tensor2,
        classifier_fn or _inception(INCEPTION_FINAL_POOL),
        num_batches,
        max_block_size,
        dtype,
    )


def kernel_inception_distance_and_std(
    input_tensor1: Any,
    input_tensor2: Any,
    classifier_fn: ClassifierFn | None = None,
    num_batches: int = 1,
    max_block_size: int | None = 1024,
    dtype: tf.DType | None = None,
) -> Any:
    """Returns the Kernel Inception Distance between two sets of images and its standard error.

    Args:
      input_tensor1: See `run_inception`.
      input_tensor2: See there.
      classifier_fn: Gives other activations; by default Inception's last pool.
      num_batches: See `run_classifier_fn`.
      max_block_size: See `kernel_classifier_distance_and_std`.
      dtype: See there.

    Returns:
      See `kernel_classifier_distance_and_std`.

    Paper: Bińkowski et al., arXiv:1801.01401.

    Example:
      >>> pool_of = lambda images: 2.0 * images  # In Inception's place.
      >>> distance = tfgan.eval.kernel_inception_distance_and_std
      >>> value, error = distance(data, data + 5.0, pool_of, max_block_size=16)  # Four blocks.
      >>> bool(value > error > 0.0)
      True
    """
    return classifier_metrics.kernel_classifier_distance_and_std(
        input_tensor1,
        input_tensor2,
        classifier_fn or _inception(INCEPTION_FINAL_POOL),
        num_batches,
        max_block_size,
        dtype,
    )


def _inception(output: str | None = None) -> ClassifierFn:
    """Returns Inception as a classifier, with both outputs by TF-GAN's names or with one alone."""
    extractor = _tfgan_extractor(inception_network())

    def classifier_fn(images: Any) -> Any:
        outputs = extractor(images)
        named = {
            INCEPTION_OUTPUT: outputs["logits"],
            INCEPTION_FINAL_POOL: outputs["features"],
        }
        return named if output is None else named[output]

    return classifier_fn


@functools.lru_cache(maxsize=2)
def _tfgan_extractor(network: InceptionNetwork) -> Extractor:
    size = (INCEPTION_DEFAULT_IMAGE_SIZE, INCEPTION_DEFAULT_IMAGE_SIZE)
    return Extractor(
        # TF-GAN gave [-1, 1] to the network as they were.
        lambda images: network.call(resize(images, size, "legacy_tf")),
        name="inception-2015-12-05",
        hash=network.hash,
        resize_mode="legacy_tf",
        note="images not rounded to 256 steps, nor shifted by half a step",
    )


@functools.lru_cache(maxsize=4)
def _hub_function(module: str) -> Any:
    """Returns a module as a function that is compiled once for each shape of an image."""
    call = saved_model_function(resolved_hub_path(module))
    return tf.function(call, autograph=False, reduce_retracing=True)


def _run(function: Any, images: tf.Tensor) -> Any:
    """Calls a function whose variables are eager ones, wherever the caller is."""
    if not in_plain_graph():
        return function(images)
    spec = tf.TensorSpec([None, *images.shape[1:]], images.dtype)
    traced = eagerly(lambda: function.get_concrete_function(spec)).structured_outputs
    leaves = tf.nest.flatten(traced)
    values = tf.py_function(
        lambda batch: tf.nest.flatten(function(batch)), [images], [leaf.dtype for leaf in leaves]
    )
    for value, leaf in zip(values, leaves):
        value.set_shape(leaf.shape)
    return tf.nest.pack_sequence_as(traced, values)


def _flat(value: tf.Tensor) -> tf.Tensor:
    if value.shape.rank in (None, 2):
        return value
    size = value.shape[1:].num_elements()
    return tf.reshape(value, [-1 if size else tf.shape(value)[0], size or -1])
