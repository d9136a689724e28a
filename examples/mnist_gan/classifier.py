"""A small digit classifier: the eyes that score generated digits.

Its weights are NumPy arrays from a file, never variables. So it needs no Keras, no initialisation
and no session, and neither an optimizer nor a checkpoint can pick it up by accident.
"""

import dataclasses
import hashlib
import io
import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfgan_lite.eval import Extractor

DATASETS = ("digits", "mnist")
NUM_FEATURES = 64
WEIGHT_SHAPES = {
    "conv1/kernel": (5, 5, 1, 24),
    "conv1/bias": (24,),
    "conv2/kernel": (5, 5, 24, 48),
    "conv2/bias": (48,),
    "dense/kernel": (7 * 7 * 48, NUM_FEATURES),
    "dense/bias": (NUM_FEATURES,),
    "logits/kernel": (NUM_FEATURES, 10),
    "logits/bias": (10,),
}

_CHUNK = 500  # Images at a time: about 60 MB of activations.


def weights_path(dataset: str) -> pathlib.Path:
    """Returns where the weights for "digits" or "mnist" are kept."""
    if dataset not in DATASETS:
        raise ValueError(
            f"There is no digit classifier for {dataset!r}: choose one of {', '.join(DATASETS)}."
        )
    return pathlib.Path(__file__).parent / "weights" / f"{dataset}.npz"


def forward(weights: Mapping[str, tf.Tensor], images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the features [N, 64] and the logits [N, 10] of images [N, 28, 28, 1] in [-1, 1]."""
    # Convolutions pad with zeros, and outside of a digit there is paper: 0 must mean black.
    net = (images + 1.0) / 2.0
    for layer in ("conv1", "conv2"):
        net = tf.nn.conv2d(net, weights[f"{layer}/kernel"], strides=1, padding="SAME")
        net = tf.nn.relu(net + weights[f"{layer}/bias"])
        net = tf.nn.max_pool2d(net, ksize=2, strides=2, padding="SAME")
    net = tf.reshape(net, [-1, WEIGHT_SHAPES["dense/kernel"][0]])
    net = tf.matmul(net, weights["dense/kernel"]) + weights["dense/bias"]
    # Leaky, because a third of plain ReLUs here died in training: features that tell nothing.
    features = tf.nn.leaky_relu(net, alpha=0.1)
    return features, head(weights, features)


def head(weights: Mapping[str, tf.Tensor], features: tf.Tensor) -> tf.Tensor:
    """Returns the logits [N, 10] of features [N, 64]."""
    return tf.matmul(features, weights["logits/kernel"]) + weights["logits/bias"]


@dataclasses.dataclass(frozen=True)
class DigitClassifier:
    """A trained classifier, and what identifies it in a report of scores.

    Attributes:
      weights: Arrays by name, see `WEIGHT_SHAPES`; float32.
      sha256: Hexadecimal hash of the weights file.
      test_correct: Test images that it got right when it was trained.
      test_total: Test images that it was shown then.
    """

    weights: Mapping[str, np.ndarray]
    sha256: str
    test_correct: int
    test_total: int

    @classmethod
    def load(cls, dataset: str) -> "DigitClassifier":
        """Returns the classifier that was trained on "digits" or "mnist".

        Raises:
          FileNotFoundError: If its weights file is absent.
          ValueError: If there is no classifier for `dataset`.
        """
        path = weights_path(dataset)
        if not path.exists():
            raise FileNotFoundError(
                f"There is no {path}. Make it: "
                f"python -m examples.mnist_gan.train_classifier --dataset={dataset}"
            )
        return cls.from_bytes(path.read_bytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> "DigitClassifier":
        """Returns the classifier whose weights file has this content."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            weights = {name: arrays[name].astype(np.float32) for name in WEIGHT_SHAPES}
            correct, total = int(arrays["test_correct"]), int(arrays["test_total"])
        return cls(weights, hashlib.sha256(content).hexdigest(), correct, total)

    @property
    def test_accuracy(self) -> float:
        """The share of the test images, from 0 to 1, that it got right when it was trained."""
        return self.test_correct / self.test_total

    def extractor(self) -> Extractor:
        """Returns the classifier as the library's metrics want it."""
        return Extractor(
            lambda images: forward(self.weights, images),
            name="digit-classifier",
            hash=self.sha256,
            value_range=(-1, 1),
            image_shape=(28, 28, 1),
            batch_size=_CHUNK,
        )

    def features_and_logits(self, images: np.ndarray | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns what the classifier sees in images.

        An image's result does not depend on the others. Eagerly, many images go through in
        chunks, so that memory stays bounded; in a graph they go through together.

        Args:
          images: float32 [N, 28, 28, 1] in [-1, 1], where -1 is black, N >= 1.

        Returns:
          Features float32 [N, 64] and logits float32 [N, 10].

        Raises:
          ValueError: If `images` has another shape or dtype.
        """
        images = tf.convert_to_tensor(images)
        right_shape = images.shape.is_compatible_with((None, 28, 28, 1)) and images.shape[0] != 0
        if images.dtype != tf.float32 or not right_shape:
            raise ValueError(
                f"images are {images.dtype.name} {images.shape}, expected float32 (N, 28, 28, 1) "
                "from -1 to 1, N >= 1. Cast and reshape them first."
            )
        if not tf.executing_eagerly():
            return forward(self.weights, images)
        starts = range(0, len(images), _CHUNK)
        chunks = [forward(self.weights, images[start : start + _CHUNK]) for start in starts]
        features, logits = zip(*chunks, strict=True)
        return tf.concat(features, axis=0), tf.concat(logits, axis=0)
