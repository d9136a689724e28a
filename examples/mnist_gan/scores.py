"""How good generated digits are: what a classifier says of them and of real ones."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan
from examples.mnist_gan import classifier, data

# More real images than these are left out: the Frechet distance hardly changes, only the time.
_MAX_IMAGES = 10_000
_PATHS = 1000  # Short steps through the noise, whose mean the path length is.
_IMAGES_OF_A_CURVE = 1000


@dataclasses.dataclass(frozen=True)
class Judge:
    """Scores images by a classifier's features, against real images that training never saw.

    Attributes:
      digit_classifier: Extracts features and logits.
      classifier_name: The dataset that the classifier was trained on.
      reference: Features float32 [N, 64] and logits float32 [N, 10] of the held-out images.
      reference_split: Their split: "test", or "train" where there are no others.
      real: Features and logits of training images: what a perfect generator would draw.
      reference_images: The held-out images themselves, uint8 [N, 28, 28, 1].
      reference_labels: The digits that they show, or `data.UNLABELLED`: integers [N].
      training_images: The training images.
    """

    digit_classifier: classifier.DigitClassifier
    classifier_name: str
    reference: tuple[tf.Tensor, tf.Tensor]
    reference_split: str
    real: tuple[tf.Tensor, tf.Tensor]
    reference_images: np.ndarray
    reference_labels: np.ndarray
    training_images: np.ndarray

    @classmethod
    def load(cls, dataset: str, data_path: str | None = None, skip_bad: bool = False) -> "Judge":
        """Returns the judge for a dataset; see `data.load` for arguments and errors."""
        # A classifier for somebody's own images does not exist; MNIST's sees shapes in any.
        name = dataset if dataset in classifier.DATASETS else "mnist"
        digit_classifier = classifier.DigitClassifier.load(name)
        held_out, split = data.load_reference(dataset, data_path, skip_bad)
        training = data.load(dataset, data_path, "train", skip_bad)
        return cls(
            digit_classifier=digit_classifier,
            classifier_name=name,
            reference=_features_and_logits(digit_classifier, held_out),
            reference_split=split,
            real=_features_and_logits(digit_classifier, training),
            reference_images=held_out.images[:_MAX_IMAGES],
            reference_labels=held_out.labels[:_MAX_IMAGES],
            training_images=training.images[:_MAX_IMAGES],
        )

    @property
    def num_images(self) -> int:
        """How many generated images to score by default: as many as there are real ones."""
        return len(self.real[0])

    def report(
        self,
        images: np.ndarray,
        further: Callable[[np.ndarray], dict[str, Any]] = lambda read: {},
        asked: np.ndarray | None = None,
    ) -> dict[str, Any]:
        """Returns the scores of generated images, and all that it takes to compare them.

        Args:
          images: float32 [N, 28, 28, 1] in [-1, 1], N >= 2.
          further: A function of the digits that the classifier reads in them, integers [N], that
            gives further scores.
          asked: The digits that the generator was asked for, integers [N], to compare each with the
            real ones of its class.
        """
        features, logits = self.digit_classifier.features_and_logits(images)
        classes = np.argmax(logits, axis=1)
        return {
            **self._scores(features, logits),
            **further(classes),
            **({} if asked is None else self._class_distances(features, asked)),
            "class_histogram": np.bincount(classes, minlength=data.NUM_CLASSES).tolist(),
            "num_generated_images": len(images),
            "num_reference_images": len(self.reference[0]),
            "reference_split": self.reference_split,
            # The same two scores where the training images stand for generated ones.
            "real": {**self._scores(*self.real), "num_images": len(self.real[0])},
            "classifier": {
                "trained_on": self.classifier_name,
                "sha256": self.digit_classifier.sha256,
                "test_accuracy": self.digit_classifier.test_accuracy,
            },
        }

    def evaluate(self, images: np.ndarray, seed: int, weights: str) -> tfgan.eval.EvaluationResult:
        """Returns all that the library can say of images, with standard errors; print it.

        Args:
          images: float32 [N, 28, 28, 1] in [-1, 1], N >= 2, drawn in inference mode.
          seed: For what the metrics draw: pairs, subsets and resamples.
          weights: Which the generator had: "averaged" or "training".
        """
        metrics = [
            tfgan.eval.FrechetDistance(),
            tfgan.eval.KernelDistance(),
            tfgan.eval.ClassifierScore(),
            tfgan.eval.MultiscaleSSIM(),
            tfgan.eval.NearDuplicates(),
        ]
        fewest = min(len(images), len(self.reference_images))
        if fewest > 5:  # Each sample needs a fifth-nearest other one.
            metrics += [tfgan.eval.PrecisionRecall(), tfgan.eval.DensityCoverage()]
        if fewest > 10 * classifier.NUM_FEATURES:
            metrics.append(tfgan.eval.FrechetDistanceInfinity())
        if self.reference_split == "test":
            metrics.append(tfgan.eval.DataCopying(self.training_images))
        result = tfgan.eval.evaluate(
            images,
            self.reference_images,
            metrics,
            extractor=self.digit_classifier.extractor(),
            seed=seed,
            batch_size=500,
            split=self.reference_split,
            allow_rank_deficient=True,
        )
        # Which images alone do not tell.
        result.protocol["generated"] |= {"weights": weights, "batch_norm": "inference"}
        return result

    def hook(
        self, model: tfgan.GANModel, every_n_steps: int, average: Any, seed: int
    ) -> tfgan.eval.MetricHook:
        """Returns a hook that scores 1,000 images every so many rounds, for a curve.

        Args:
          model: What draws.
          every_n_steps: The rounds between two scores.
          average: The `WeightAverage` that draws; None for the weights that are trained.
          seed: Of the images.
        """
        metrics = [tfgan.eval.KernelDistance(), tfgan.eval.ClassifierScore()]
        if len(self.reference_images) > classifier.NUM_FEATURES:  # Fewer have no full rank.
            metrics.insert(0, tfgan.eval.FrechetDistance())
        return tfgan.eval.MetricHook(
            model,
            self.reference_images,
            self.digit_classifier.extractor(),
            metrics,
            num_samples=_IMAGES_OF_A_CURVE,
            every_n_steps=every_n_steps,
            average=average,
            seed=seed,
            batch_size=500,
        )

    def path_length(
        self, draw: Callable[[int, int], Any], generator: Callable[[Any], Any], seed: int
    ) -> dict[str, Any]:
        """Returns how fast what the classifier sees changes while a generator's noise moves.

        Args:
          draw: Gives the generator's inputs for (how many, seed).
          generator: Gives images of inputs, float32 [N, 28, 28, 1] in [-1, 1].
          seed: For the noise.
        """
        lengths = tfgan.eval.perceptual_path_length(
            generator,
            draw,
            lambda images: self.digit_classifier.features_and_logits(images)[0],
            num_samples=_PATHS,
            seed=seed,
        )
        return {"perceptual_path_length": float(np.mean(lengths)), "path_length_steps": _PATHS}

    def _class_distances(self, features: tf.Tensor, asked: np.ndarray) -> dict[str, Any]:
        features, labels = np.asarray(features), self.reference_labels
        known = [
            digit
            for digit in range(data.NUM_CLASSES)
            if min(np.count_nonzero(asked == digit), np.count_nonzero(labels == digit)) > 1
        ]
        if not known:
            return {}
        real, generated = np.isin(labels, known), np.isin(asked, known)
        distances = tfgan.eval.class_frechet_distances(
            np.asarray(self.reference[0])[real],
            labels[real],
            features[generated],
            asked[generated],
            allow_rank_deficient=True,
        )
        return {
            "frechet_distance_by_class": {str(digit): each for digit, each in distances.items()},
            "mean_class_frechet_distance": float(np.mean(list(distances.values()))),
        }

    def _scores(self, features: tf.Tensor, logits: tf.Tensor) -> dict[str, float]:
        distance = tfgan.eval.frechet_classifier_distance_from_activations(
            features, self.reference[0]
        )
        score = tfgan.eval.classifier_score_from_logits(logits)
        return {"frechet_distance": float(distance), "classifier_score": float(score)}


def label_scores(asked: np.ndarray, read: np.ndarray) -> dict[str, Any]:
    """Returns how often a classifier reads the digit that the generator was asked for.

    Args:
      asked: Integers [N] from 0 to 9.
      read: The same of what the classifier reads.
    """
    counts = _confusions(asked, read)
    return {
        "label_accuracy": float(np.trace(counts) / np.sum(counts)),
        "label_accuracy_by_class": _shares(np.diag(counts), counts.sum(axis=1)),
        "label_counts": counts.sum(axis=1).tolist(),
    }


def code_scores(codes: np.ndarray, read: np.ndarray) -> dict[str, Any]:
    """Returns how well a code that nobody gave a meaning to tells the digit.

    Each code stands for one digit and each digit has one code, so that most images are read as
    their code's digit. (Were several codes to stand for one digit, as in the usual purity, then a
    generator that draws nothing but ones would be perfect.)

    Args:
      codes: Integers [N] from 0 to 9.
      read: The digits that a classifier reads.
    """
    counts = _confusions(codes, read)
    digits = _best_digits(counts)
    correct = counts[np.arange(len(digits)), digits]
    return {
        "code_digits": digits,
        "code_accuracy": float(np.sum(correct) / np.sum(counts)),
        "code_accuracy_by_code": _shares(correct, counts.sum(axis=1)),
        "code_counts": counts.sum(axis=1).tolist(),
    }


def _best_digits(counts: np.ndarray) -> list[int]:
    """Returns for each row a column of its own, so that the sum of those places is greatest."""

    @functools.cache
    def best(row: int, free: frozenset[int]) -> tuple[int, list[int]]:
        if row == len(counts):
            return 0, []
        choices = []
        for column in sorted(free):
            rest, columns = best(row + 1, free - {column})
            choices.append((int(counts[row, column]) + rest, [column, *columns]))
        return max(choices, key=lambda choice: choice[0])

    return best(0, frozenset(range(counts.shape[1])))[1]


def _confusions(asked: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Returns how often what was asked for (rows) was read as what (columns), [10, 10]."""
    counts = np.zeros([data.NUM_CLASSES, data.NUM_CLASSES], np.int64)
    np.add.at(counts, (asked, read), 1)
    return counts


def _shares(parts: np.ndarray, wholes: np.ndarray) -> list[float | None]:
    return [float(part / whole) if whole else None for part, whole in zip(parts, wholes)]


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
    for name, label in (
        ("label_accuracy", "Read as the digit asked for"),
        ("code_accuracy", "Read as their code's digit"),
    ):
        if name in report:
            lines.append(f"{label:28}{report[name]:12.1%}")
    for name, label in (
        ("mean_class_frechet_distance", "Frechet distance by class"),
        ("perceptual_path_length", "Perceptual path length"),
    ):
        if name in report:
            lines.append(f"{label:28}{report[name]:12.2f}")
    counts = " ".join(f"{digit}:{n}" for digit, n in enumerate(report["class_histogram"]))
    lines.append(f"Generated digits by class: {counts}")
    return "\n".join(lines)


def _features_and_logits(
    digit_classifier: classifier.DigitClassifier, digits: data.Digits
) -> tuple[tf.Tensor, tf.Tensor]:
    images = digits.images[:_MAX_IMAGES].astype(np.float32) / 127.5 - 1.0
    return digit_classifier.features_and_logits(images)
