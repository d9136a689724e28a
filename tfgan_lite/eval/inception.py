"""Inception, as published FIDs, KIDs and Inception Scores see: the graph of December 2015.

Its weights are another training than Keras's or torchvision's InceptionV3, so values from those are
not comparable with published ones. Nothing here touches a network unless it is told to.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.eval import extractor_sources, image_ranges, inception_files
from tfgan_lite.eval.extractor_sources import PathLike
from tfgan_lite.eval.extractors import Extractor, arrays_hash
from tfgan_lite.eval.image_ranges import ValueRange
from tfgan_lite.eval.resizing import check_mode, resize

__all__ = [
    "INCEPTION_DEFAULT_IMAGE_SIZE",
    "INCEPTION_FINAL_POOL",
    "INCEPTION_OUTPUT",
    "InceptionNetwork",
    "inception_extractor",
    "inception_network",
    "keras_inception_extractor",
]

INCEPTION_OUTPUT = "logits"
INCEPTION_FINAL_POOL = "pool_3"
INCEPTION_DEFAULT_IMAGE_SIZE = 299

_SIZE = (INCEPTION_DEFAULT_IMAGE_SIZE, INCEPTION_DEFAULT_IMAGE_SIZE)
# Node names of the published graph. What is before the input decodes a JPEG and resizes it.
_INPUT, _POOL = "Mul", "pool_3"
_LAST_PRODUCT, _LOGITS = "softmax/logits/MatMul", "logits"


@dataclasses.dataclass(frozen=True)
class InceptionNetwork:
    """The published network without what comes before it.

    Attributes:
      call: float32 images [B, 299, 299, 3], about from -1 to 1, to "features" [B, 2048], the last
        pool, and "logits" [B, 1008]: of the frozen graph without the biases, as the code of the
        Inception Score has them (arXiv:1606.03498).
      hash: The SHA-256 of the graph; of a SavedModel, of its files.
      source: The file or the folder.
    """

    call: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    hash: str
    source: str


def inception_extractor(
    path: PathLike | None = None,
    *,
    resize_mode: str = "legacy_tf",
    value_range: ValueRange = (-1.0, 1.0),
    rounded: bool = True,
    sha256: str | None = None,
    cache_dir: PathLike | None = None,
    download: bool | str = False,
    batch_size: int = 50,
) -> Extractor:
    """Returns the extractor of published FIDs: images of any size to 2048 features, 1008 logits.

    What is done to an image: it is brought to [0, 255], rounded there, resized to 299 x 299 and
    brought to about [-1, 1]: by (x - 128) / 128, as the published graph does it (and TTUR,
    torch-fidelity and clean-fid); for "legacy_torch" by x / 127.5 - 1, as pytorch-fid does it.

    Args:
      path: `inception-2015-12-05.tgz`, the `classify_image_graph_def.pb` within it, or the folder
        of the SavedModel `tfgan/eval/inception/1`. By default it is looked for where the variable
        TFGAN_LITE_INCEPTION points to, and then in the cache folder.
      resize_mode: "legacy_tf", "legacy_torch" or "clean": see `tfgan_lite.eval.resize`.
      value_range: What images hold: (-1, 1), (0, 1) or "uint8".
      rounded: Whether floats are rounded to a pixel's 256 levels, as if they had been saved.
        Published values are of saved images; TF-GAN's own functions did not round.
      sha256: What the SHA-256 of the file, or of the graph in it, must be, in hexadecimal.
      cache_dir: By default the variable TFGAN_LITE_CACHE, or else `~/.cache/tfgan_lite`.
      download: Whether to download the file to the cache folder if it is not there; or the URL to
        do it from. On later loads the file's hash must be the same as on that day.
      batch_size: Images at a time.

    Raises:
      FileNotFoundError: There is no such file; the message says what to download and to where.
      ValueError: The file is broken, is another graph or has another hash; or a bad argument.

    Papers: Heusel et al., arXiv:1706.08500; Salimans et al., arXiv:1606.03498; Bińkowski et al.,
    arXiv:1801.01401; for resizing Parmar et al., arXiv:2104.11222.

    Example:
      >>> try:
      ...     extractor = tfgan.eval.inception_extractor("inception-2015-12-05.tgz")
      ... except FileNotFoundError as error:
      ...     print(error)  # Where to download it, and where to put it.
      There is no inception-2015-12-05.tgz. Published FIDs are made with https://...
    """
    check_mode(resize_mode)
    value_range = image_ranges.checked_range(value_range)
    network = inception_network(path, sha256=sha256, cache_dir=cache_dir, download=download)
    # One and the same for all metrics of a program.
    return _extractor(network, resize_mode, value_range, bool(rounded), batch_size)


def inception_network(
    path: PathLike | None = None,
    *,
    sha256: str | None = None,
    cache_dir: PathLike | None = None,
    download: bool | str = False,
) -> InceptionNetwork:
    """Returns the published network, loaded once; see `inception_extractor` for all arguments."""
    found = inception_files.find(path, cache_dir=cache_dir, download=download, sha256=sha256)
    modified = max(each.stat().st_mtime_ns for each in [found, *found.glob("**/*")])
    network, digests = _loaded(found, modified)
    if sha256 is not None and sha256.lower() not in digests:
        raise ValueError(
            f"{found} has the SHA-256 {digests[0]}, but {sha256} was expected: it is damaged, or "
            "not the published one."
        )
    return network


def keras_inception_extractor(
    weights: PathLike,
    *,
    include_top: bool = True,
    resize_mode: str = "clean",
    value_range: ValueRange = (-1.0, 1.0),
    rounded: bool = True,
    batch_size: int = 50,
) -> Extractor:
    """Returns an extractor of Keras's InceptionV3 with your weights.

    It is not the network of published FIDs but was trained separately: its values can be compared
    with each other, but not with published ones. Results say so.

    Args:
      weights: The weights file, `.h5` or `.weights.h5`. Nothing is downloaded.
      include_top: Whether the file has the last layer, which gives the logits [B, 1000].
      resize_mode, value_range, rounded, batch_size: See `inception_extractor`.

    Raises:
      FileNotFoundError: There is no such file.
      ValueError: The weights are those of another network.

    Example:
      >>> weights = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
      >>> try:
      ...     extractor = tfgan.eval.keras_inception_extractor(weights)
      ... except FileNotFoundError as error:
      ...     print(error)
      There is no file inception_v3_weights...
    """
    check_mode(resize_mode)
    value_range = image_ranges.checked_range(value_range)
    weights = pathlib.Path(weights)
    if not weights.is_file():
        raise FileNotFoundError(
            f"There is no file {weights}. Keras names its own in keras.applications.InceptionV3: "
            "inception_v3_weights_tf_dim_ordering_tf_kernels.h5."
        )
    top = {"classifier_activation": None} if include_top else {"pooling": "avg"}
    model = tf.keras.applications.InceptionV3(
        weights=None, include_top=include_top, input_shape=(*_SIZE, 3), **top
    )
    model.load_weights(str(weights))
    if include_top:
        outputs = [model.get_layer("avg_pool").output, model.output]
        network = tf.keras.Model(model.inputs, outputs)
    else:
        network = model

    def function(images: tf.Tensor) -> Any:
        pixels = image_ranges.as_bytes(images, value_range, rounded)
        return network(resize(pixels, _SIZE, resize_mode) / 127.5 - 1.0, training=False)

    return Extractor(
        function,
        name="keras-inception-v3",
        hash=lambda: arrays_hash(model.weights),
        value_range=value_range,
        resize_mode=resize_mode,
        batch_size=batch_size,
        note="not comparable with published values: Keras's InceptionV3 has other weights",
    )


@functools.lru_cache(maxsize=8)
def _extractor(
    network: InceptionNetwork,
    resize_mode: str,
    value_range: ValueRange,
    rounded: bool,
    batch_size: int,
) -> Extractor:
    def function(images: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = resize(image_ranges.as_bytes(images, value_range, rounded), _SIZE, resize_mode)
        if resize_mode == "legacy_torch":
            return network.call(pixels / 127.5 - 1.0)
        return network.call((pixels - 128.0) / 128.0)

    unrounded = value_range != "uint8" and not rounded
    return Extractor(
        function,
        name="inception-2015-12-05",
        hash=network.hash,
        value_range=value_range,
        resize_mode=resize_mode,
        batch_size=batch_size,
        note="images not rounded to 256 steps" if unrounded else "",
    )


@functools.lru_cache(maxsize=4)
def _loaded(path: pathlib.Path, modified: int) -> tuple[InceptionNetwork, tuple[str, ...]]:
    """Returns the network, and the hashes that stand for its file; `modified` is when it was."""
    del modified  # It makes a changed file another one.
    if path.is_dir():
        call = extractor_sources.saved_model_function(path)
        digest = extractor_sources.hash_of_files(path)
        return InceptionNetwork(_by_tfgan_names(call, path), digest, str(path)), (digest,)
    content = path.read_bytes()
    graph = content if path.suffix == ".pb" else inception_files.graph_in_archive(content, path)
    call = _published_function(graph, str(path))
    digests = tuple(hashlib.sha256(each).hexdigest() for each in (content, graph))
    return InceptionNetwork(call, digests[1], str(path)), digests


def _by_tfgan_names(call: Callable[[tf.Tensor], Any], path: pathlib.Path) -> Callable:
    def named(images: tf.Tensor) -> dict[str, tf.Tensor]:
        try:
            outputs = call(images)
            return {"features": outputs[INCEPTION_FINAL_POOL], "logits": outputs[INCEPTION_OUTPUT]}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is another SavedModel than tfgan/eval/inception/1: it does not turn images"
                f" [B, 299, 299, 3] into {INCEPTION_FINAL_POOL!r} and {INCEPTION_OUTPUT!r}."
            ) from error

    return named


def _published_function(content: bytes, source: str) -> Callable:
    """Returns the graph of 2015, or the one that tf.contrib.gan had made of it."""
    graph = extractor_sources.parsed_graph(content, source)
    nodes = {node.name: node for node in graph.node}
    fetches = {"features": f"{_POOL}:0"}
    product = nodes.get(_LAST_PRODUCT)
    if product is None and _LOGITS in nodes:
        fetches["logits"] = f"{_LOGITS}:0"
    else:
        # The published graph takes one image at a time after the pool, so the product is ours.
        weights = product.input[1] if product is not None else _LAST_PRODUCT
        fetches["weights"] = weights if ":" in weights else f"{weights}:0"
    function = extractor_sources.graph_function(graph, f"{_INPUT}:0", fetches, source)

    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = function(images)
        features = tf.reshape(outputs["features"], [-1, outputs["features"].shape[-1]])
        if "logits" in outputs:
            return {"features": features, "logits": outputs["logits"]}
        return {"features": features, "logits": tf.matmul(features, outputs["weights"])}

    return call
