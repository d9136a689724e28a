"""How good generated digits are: what a classifier says of them and of real ones."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan
from examples.mnist_gan import classifier, data

# More real images than these are left out: the Frechet distance hardly changes, only the time.
_MAX_IMAGES = 10_000


@dataclasses.dataclass(frozen=True)
class Judge:
    """Scores images through a classifier's eyes, against real images that training never saw.

    Attributes:
      classifier: Whose eyes.
      classifier_name: The dataset that the classifier was trained on.
      reference: Features float32 [N, 64] and logits float32 [N, 10] of the held-out images.
      reference_split: Their split: "test", or "train" where there are no others.
      real: Features and logits of training images: what a perfect generator would draw.
    """

    classifier: classifier.DigitClassifier
    classifier_name: str
    reference: tuple[tf.Tensor, tf.Tensor]
    reference_split: str
    real: tuple[tf.Tensor, tf.Tensor]

    @classmethod
    def load(cls, dataset: str, data_path: str | None = None) -> "Judge":
        """Returns the judge for a dataset; see `data.load` for arguments and errors."""
        # A classifier for somebody's own images does not exist; MNIST's sees shapes in any.
        name = dataset if dataset in classifier.DATASETS else "mnist"
        eyes = classifier.DigitClassifier.load(name)
        held_out, split = data.load_reference(dataset, data_path)
        training = data.load(dataset, data_path, "train")
        return cls(eyes, name, _seen(eyes, held_out), split, _seen(eyes, training))

    @property
    def num_images(self) -> int:
        """How many generated images to score by default: as many as there are real ones."""
        return len(self.real[0])

    def report(self, images: np.ndarray) -> dict[str, Any]:
        """Returns the scores of generated images, and all that it takes to compare them.

        Args:
          images: float32 [N, 28, 28, 1] in [-1, 1], N >= 2.
        """
        features, logits = self.classifier.features_and_logits(images)
        classes = np.argmax(logits, axis=1)
        return {
            **self._scores(features, logits),
            "class_histogram": np.bincount(classes, minlength=data.NUM_CLASSES).tolist(),
            "num_generated_images": len(images),
            "num_reference_images": len(self.reference[0]),
            "reference_split": self.reference_split,
            # The same two scores where the training images stand for generated ones.
            "real": {**self._scores(*self.real), "num_images": len(self.real[0])},
            "classifier": {
                "trained_on": self.classifier_name,
                "sha256": self.classifier.sha256,
                "test_accuracy": self.classifier.test_accuracy,
            },
        }

    def _scores(self, features: tf.Tensor, logits: tf.Tensor) -> dict[str, float]:
        distance = tfgan.eval.frechet_classifier_distance_from_activations(
            features, self.reference[0]
        )
        score = tfgan.eval.classifier_score_from_logits(logits)
        return {"frechet_distance": float(distance), "classifier_score": float(score)}


def table(report: dict[str, Any]) -> str:
    """Returns a report as a few lines for a terminal."""
    real = report["real"]
    generated_count, real_count = report["num_generated_images"], real["num_images"]
    lines = [
        f"{'':28}{'generated':>12}{'real':>12}",
        f"{'images':28}{generated_count:12d}{real_count:12d}",
    ]
    for name in ("frechet_distance", "classifier_score"):
        label = name.replace("_", " ").capitalize()
        lines.append(f"{label:28}{report[name]:12.2f}{real[name]:12.2f}")
    counts = " ".join(f"{digit}:{n}" for digit, n in enumerate(report["class_histogram"]))
    lines.append(f"Generated digits by class: {counts}")
    return "\n".join(lines)


def _seen(eyes: classifier.DigitClassifier, digits: data.Digits) -> tuple[tf.Tensor, tf.Tensor]:
    images = digits.images[:_MAX_IMAGES].astype(np.float32) / 127.5 - 1.0
    return eyes.features_and_logits(images)
