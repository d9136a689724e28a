"""Domains of pictures, made from scikit-learn's embedded digits, and what was made of a picture.

Each domain has digits of its own: no picture is there twice, so none shows how to translate it. But
as the domains are made by rule, a translation can be measured, which real unpaired data do not let.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from examples.mnist_gan import classifier, data

Array = np.ndarray | tf.Tensor


@dataclasses.dataclass(frozen=True)
class Colours:
    """A drawing's two colours: red, green and blue, each from 0 to 255."""

    ink: tuple[int, int, int]
    paper: tuple[int, int, int]

    def paint(self, grey: Array) -> Array:
        """Returns drawings [B, 28, 28, 3] of grey ones [B, 28, 28, 1], both float32 in [-1, 1]."""
        ink, paper = _levels(self.ink), _levels(self.paper)
        return paper + (ink - paper) * (grey + 1.0) / 2.0

    def grey(self, drawings: np.ndarray) -> np.ndarray:
        """Returns the grey drawings: how far each pixel is on the way from paper to ink."""
        ink, paper = _levels(self.ink), _levels(self.paper)
        share = (drawings - paper) @ (ink - paper) / np.sum((ink - paper) ** 2)
        return (2.0 * np.clip(share, 0.0, 1.0) - 1.0)[..., np.newaxis].astype(np.float32)


def one_of_each(labels: np.ndarray) -> list[int]:
    """Returns the indices of the digits 0 to 9, where each is first."""
    return [int(np.argmax(labels == digit)) for digit in range(data.NUM_CLASSES)]


def ink_colour(drawings: np.ndarray, paper: tuple[int, int, int]) -> np.ndarray:
    """Returns the mean colour, [B, 3] from 0 to 255, of the pixels that are most unlike paper."""
    away = np.max(np.abs(drawings - _levels(paper)), axis=-1, keepdims=True)
    is_ink = away >= 0.8 * np.max(away, axis=(1, 2), keepdims=True)
    mean = np.sum(drawings * is_ink, axis=(1, 2)) / np.sum(is_ink, axis=(1, 2))
    return (mean + 1.0) * 127.5


def part(digits: data.Digits, index: int, parts: int) -> data.Digits:
    """Returns one of several disjoint parts."""
    return data.Digits(digits.images[index::parts], digits.labels[index::parts])


def turned(grey: np.ndarray, degrees: float) -> np.ndarray:
    """Returns pictures [N, 28, 28, 1], turned to the left; what comes in is their darkest level."""
    from scipy import ndimage  # Comes with scikit-learn.

    rotated = ndimage.rotate(
        grey.astype(np.float32), degrees, (1, 2), reshape=False, order=1, cval=float(np.min(grey))
    )
    return rotated.astype(grey.dtype)


def share_read_as(labels: np.ndarray, grey: np.ndarray) -> float:
    """Returns the share of grey drawings that the digit classifier reads as their labels."""
    _, logits = classifier.DigitClassifier.load("digits").features_and_logits(grey)
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def _levels(colour: tuple[int, int, int]) -> np.ndarray:
    return np.array(colour, np.float32) / np.float32(127.5) - 1.0
