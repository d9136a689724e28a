"""Grey 28x28 digits as NumPy arrays, and the endless stream of batches that trains a GAN.

"digits" needs no download (scikit-learn carries 1,797 real scanned digits), "mnist" is the real
thing, and "npz" and "folder" are your own images, cropped, resized and turned to grey.
"""

import dataclasses
import functools
import pathlib
import sys

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan

DATASETS = ("digits", "mnist", "npz", "folder")
SPLITS = ("train", "test")
IMAGE_SHAPE = (28, 28, 1)
NUM_CLASSES = 10
UNLABELLED = -1

_PREPARATION = {"image_size": IMAGE_SHAPE[0], "channels": IMAGE_SHAPE[2]}


@dataclasses.dataclass(frozen=True)
class Digits:
    """Images and what they show.

    Attributes:
      images: uint8 [N, 28, 28, 1], 0 is paper and 255 is ink.
      labels: int64 [N], the digit 0 to 9, or -1 (`UNLABELLED`) throughout if none were given.
    """

    images: np.ndarray
    labels: np.ndarray


def load(
    dataset: str, data_path: str | None = None, split: str = "train", skip_bad: bool = False
) -> Digits:
    """Returns one split of a dataset.

    Args:
      dataset: "digits" (scikit-learn's embedded digits), "mnist", "npz" or "folder".
      data_path: None for "digits". For "mnist" a directory with the idx files (plain or .gz), an
        .npz file with the keys of `keras.datasets.mnist`, or None to let Keras download it. For
        "npz" a file with x_train and, optionally, y_train, x_test and y_test: images are uint8,
        labels are integers from 0 to 9. For "folder" whatever `tfgan_lite.data.load` reads: images
        in a folder or a zip archive, with labels where there are folders for at most ten classes.
      split: "train" or "test". The two have no image in common.
      skip_bad: Whether files of a "folder" that cannot be read are left out, instead of an error.

    Raises:
      FileNotFoundError: If there is no file at the path, or the download failed.
      ImportError: If "digits" is asked for without scikit-learn.
      ValueError: If an argument is unknown, or a file is damaged or holds something else.
    """
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r}: choose one of {', '.join(SPLITS)}.")
    if dataset not in DATASETS:
        raise ValueError(f"Unknown dataset {dataset!r}: choose one of {', '.join(DATASETS)}.")
    if dataset == "digits":
        if data_path is not None:
            raise ValueError(
                f'data_path={data_path!r} was given, but dataset="digits" is embedded in '
                "scikit-learn. Leave the path out, or choose another dataset."
            )
        return _embedded_digits(split)
    if dataset == "mnist" and data_path is None:
        return _downloaded_mnist(split)
    if data_path is None:
        raise ValueError(f'dataset="{dataset}" needs data_path, which says where the images are.')
    if dataset == "folder":
        return _folder(data_path, split, skip_bad)
    kind = "idx" if dataset == "mnist" and pathlib.Path(data_path).is_dir() else "npz"
    digits = _as_digits(tfgan.data.load(data_path, kind=kind, split=split, **_PREPARATION))
    if dataset == "mnist":
        check_labels(digits, 'dataset="mnist"')
    return digits


PATH_RULE = "--dataset=npz and --dataset=folder need --data_path, and --dataset=digits takes none"


def path_fits(dataset: str, data_path: str | None) -> bool:
    """Returns whether a path is given to a dataset that needs one, and to no other: `PATH_RULE`."""
    needs_path = {"digits": False, "mnist": None, "npz": True, "folder": True}[dataset]
    return needs_path in (None, data_path is not None)


def load_reference(
    dataset: str, data_path: str | None = None, skip_bad: bool = False
) -> tuple[Digits, str]:
    """Returns the images to judge generated ones by, and the name of their split.

    These are the test images, unless your own data have none: then the training images.

    Args:
      dataset: See `load`.
      data_path: See `load`.
      skip_bad: See `load`.

    Raises:
      FileNotFoundError, ImportError, ValueError: See `load`.
    """
    try:
        return load(dataset, data_path, "test", skip_bad), "test"
    except tfgan.data.MissingSplitError:
        if dataset == "mnist":
            raise
        return load(dataset, data_path, "train", skip_bad), "train"


def check_batch_size(digits: Digits, batch_size: int) -> None:
    """Raises ValueError where not even one batch can be made of the images."""
    tfgan.data.from_arrays(digits.images).check_batch_size(batch_size)


def check_labels(digits: Digits, purpose: str) -> None:
    """Raises ValueError where images have no labels; `purpose` says what would need them."""
    if np.any(digits.labels == UNLABELLED):
        raise ValueError(
            f"{purpose} needs labels, and these images have none: add an array y_train of integers "
            "from 0 to 9 to the file, or put images in folders of at most ten classes."
        )


def as_dataset(
    digits: Digits, batch_size: int, seed: int, with_labels: bool = False
) -> tf.data.Dataset:
    """Returns an endless stream of shuffled batches.

    Each pass sees the images in a new order, which is a pure function of the seed and the number
    of the pass: the iterator's checkpoint is small and resumes exactly. What does not fill a
    batch at the end of a pass is left out of that pass.

    Args:
      digits: The images and their labels.
      batch_size: Images per batch, from 1 to the number of images.
      seed: An integer of at most 64 bits. Equal seeds give equal streams.
      with_labels: Whether an element is a pair of images and their labels. The images are the same
        in both cases.

    Returns:
      A dataset of images float32 [batch_size, 28, 28, 1] in [-1, 1]; labels are one-hot, float32
      [batch_size, 10].

    Raises:
      ValueError: If `batch_size` is out of range, or there are no labels.
    """
    if with_labels:
        check_labels(digits, "with_labels=True")
        classes = [str(digit) for digit in range(NUM_CLASSES)]
        images = tfgan.data.from_arrays(digits.images, digits.labels, class_names=classes)
    else:
        images = tfgan.data.from_arrays(digits.images)
    return images.batches(batch_size, seed=seed, with_labels=with_labels)


def _embedded_digits(split: str) -> Digits:
    """Returns scikit-learn's 8x8 digits in MNIST's size: every fifth of a class is for testing."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            "dataset=\"digits\" comes with scikit-learn: pip install 'tfgan_lite[examples]'"
        ) from error
    small, labels = datasets.load_digits(return_X_y=True)
    labels = labels.astype(np.int64)
    rank_in_class = np.zeros_like(labels)
    for label in range(NUM_CLASSES):
        members = np.flatnonzero(labels == label)
        rank_in_class[members] = np.arange(len(members))
    chosen = (rank_in_class % 5 == 4) == (split == "test")
    return Digits(_enlarge(small[chosen].reshape(-1, 8, 8) / 16.0), labels[chosen])


def _enlarge(small: np.ndarray) -> np.ndarray:
    """Draws grey levels [N, 8, 8] in [0, 1] as MNIST does: 20x20 in the middle of 28x28.

    An enlarged scan is soft. Stretching the levels from 0.3 to 0.8 gives it MNIST's narrow edges:
    of its pixels 21 % are not black and 8 % are white, of MNIST's 19 % and 7 %.
    """
    weights = _cubic_weights(8, 20)
    ink = np.clip((weights @ small @ weights.T - 0.3) / 0.5, 0.0, 1.0)
    image = np.pad(np.rint(ink * 255.0).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))
    return image[..., np.newaxis]


def _cubic_weights(source: int, target: int) -> np.ndarray:
    """Returns the matrix [target, source] of cubic interpolation (Keys, a = -1/2).

    In NumPy rather than `tf.image.resize`, so that it works while a graph is being built.
    """
    centres = (np.arange(target) + 0.5) * source / target - 0.5
    d = np.abs(centres[:, np.newaxis] - np.arange(source))
    near = 1.5 * d**3 - 2.5 * d**2 + 1.0
    far = -0.5 * d**3 + 2.5 * d**2 - 4.0 * d + 2.0
    weights = np.where(d < 1.0, near, np.where(d < 2.0, far, 0.0))
    return weights / weights.sum(axis=1, keepdims=True)


def _downloaded_mnist(split: str) -> Digits:
    try:
        # Keras checks the file against a hash before it opens it.
        train, test = tf.keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when it cannot download.
        raise FileNotFoundError(
            f"MNIST could not be downloaded ({error}). Fetch mnist.npz from "
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz, or the four "
            "files *-idx?-ubyte.gz, by other means, put it in ~/.keras/datasets/ or anywhere, and "
            'give its path as data_path; or use dataset="digits", which needs no download.'
        ) from error
    images, labels = train if split == "train" else test
    return _as_digits(tfgan.data.from_arrays(images, labels))


# Decoding takes its time, and both training and those who judge it ask.
@functools.lru_cache(maxsize=len(SPLITS))
def _folder(path: str, split: str, skip_bad: bool) -> Digits:
    images = tfgan.data.load(
        path, split=split, skip_bad=skip_bad, memory_limit=sys.maxsize, **_PREPARATION
    )
    print(images.card)
    if len(images.class_names) > NUM_CLASSES:
        return Digits(images.pixels, np.full(len(images), UNLABELLED, np.int64))
    return _as_digits(images)


def _as_digits(images: tfgan.data.Images) -> Digits:
    if images.labels is None:
        return Digits(images.pixels, np.full(len(images), UNLABELLED, np.int64))
    if len(images.class_names) > NUM_CLASSES:
        raise ValueError(
            f"The labels of {images.path} go from {images.labels.min()} to {images.labels.max()}, "
            "expected 0 to 9."
        )
    return Digits(images.pixels, images.labels)
