"""Grey 28x28 digits as NumPy arrays, and the endless stream of batches that trains a GAN.

Three sources: "digits" needs no download (scikit-learn carries 1,797 real scanned digits), "mnist"
is the real thing, and "npz" is any file of one's own in the same layout.
"""

import dataclasses
import gzip
import pathlib
import struct
import zipfile
import zlib

import numpy as np
import tensorflow as tf

DATASETS = ("digits", "mnist", "npz")
SPLITS = ("train", "test")
IMAGE_SHAPE = (28, 28, 1)
NUM_CLASSES = 10
UNLABELLED = -1

_IDX_PREFIXES = {"train": "train", "test": "t10k"}
# What reading a damaged zip archive or gzip stream can raise besides OSError. NumPy reports a
# member cut short, or one that only pickle could read, as a ValueError.
_DAMAGED = (ValueError, EOFError, zipfile.BadZipFile, zlib.error)


class MissingArrayError(ValueError):
    """An .npz file lacks an array that was asked for."""


@dataclasses.dataclass(frozen=True)
class Digits:
    """Images and what they show.

    Attributes:
      images: uint8 [N, 28, 28, 1], 0 is paper and 255 is ink.
      labels: int64 [N], the digit 0 to 9, or -1 (`UNLABELLED`) throughout if none were given.
    """

    images: np.ndarray
    labels: np.ndarray


def load(dataset: str, data_path: str | None = None, split: str = "train") -> Digits:
    """Returns one split of a dataset.

    Args:
      dataset: "digits" (scikit-learn's embedded digits), "mnist" or "npz".
      data_path: None for "digits". For "mnist" a directory with the idx files (plain or .gz), an
        .npz file with the keys of `keras.datasets.mnist`, or None to let Keras download it. For
        "npz" a file with x_train and, optionally, y_train, x_test and y_test: images are uint8
        [N, 28, 28] or [N, 28, 28, 1], labels are integers [N] from 0 to 9.
      split: "train" or "test". The two have no image in common.

    Raises:
      FileNotFoundError: If there is no file at the path, or the download failed.
      ImportError: If "digits" is asked for without scikit-learn.
      ValueError: If an argument is unknown, or a file is damaged or holds something else.
    """
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r}: choose one of {', '.join(SPLITS)}.")
    if dataset == "digits":
        if data_path is not None:
            raise ValueError(
                f'data_path={data_path!r} was given, but dataset="digits" is embedded in '
                'scikit-learn. Leave the path out, or choose "mnist" or "npz".'
            )
        return _embedded_digits(split)
    if dataset == "mnist":
        return _mnist(data_path, split)
    if dataset == "npz":
        if data_path is None:
            raise ValueError('dataset="npz" needs data_path: the .npz file with x_train.')
        path = _existing(data_path)
        if path.is_dir():
            raise ValueError(f'{path} is a directory, but dataset="npz" needs an .npz file.')
        return _from_npz(path, split, need_labels=False)
    raise ValueError(f"Unknown dataset {dataset!r}: choose one of {', '.join(DATASETS)}.")


def load_reference(dataset: str, data_path: str | None = None) -> tuple[Digits, str]:
    """Returns the images to judge generated ones by, and the name of their split.

    These are the test images, unless a file of one's own has none: then the training images.

    Args:
      dataset: See `load`.
      data_path: See `load`.

    Raises:
      FileNotFoundError, ImportError, ValueError: See `load`.
    """
    try:
        return load(dataset, data_path, "test"), "test"
    except MissingArrayError:
        if dataset != "npz":
            raise
        return load(dataset, data_path, "train"), "train"


def check_batch_size(digits: Digits, batch_size: int) -> None:
    """Raises ValueError where not even one batch can be made of the images."""
    num_images = len(digits.images)
    if not 1 <= batch_size <= num_images:
        raise ValueError(
            f"batch_size={batch_size} must be from 1 to {num_images}, the number of images. "
            "Choose a smaller batch or more data."
        )


def check_labels(digits: Digits, purpose: str) -> None:
    """Raises ValueError where images have no labels; `purpose` says what would need them."""
    if np.any(digits.labels == UNLABELLED):
        raise ValueError(
            f"{purpose} needs labels, and these images have none: add an array y_train of integers "
            "from 0 to 9 to the file."
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
    check_batch_size(digits, batch_size)
    num_images = len(digits.images)
    batches_per_pass = num_images // batch_size
    pick = _picker(digits.images, batch_size)
    if with_labels:
        check_labels(digits, "with_labels=True")
        pick_label = _picker(digits.labels, batch_size)

    def indices_of_pass(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(num_images), seed=tf.stack([tf.constant(seed, tf.int64), number])
        )
        rows = tf.reshape(order[: batches_per_pass * batch_size], [batches_per_pass, batch_size])
        return tf.data.Dataset.from_tensor_slices(rows)

    def batch(indices: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(pick(indices), tf.float32) / 127.5 - 1.0
        if not with_labels:
            return images
        return images, tf.one_hot(pick_label(indices), NUM_CLASSES)

    # Shuffling numbers and gathering a batch at once takes half the time of shuffling images.
    return tf.data.Dataset.counter().flat_map(indices_of_pass).map(batch).prefetch(4)


def _picker(examples: np.ndarray, batch_size: int):
    """Returns a function from indices [batch_size] to those examples."""
    if tf.executing_eagerly():
        with tf.device("cpu"):
            tensor = tf.constant(examples)
        return lambda indices: tf.gather(tensor, indices)

    # A graph would hold all images as a constant, and write them into every checkpoint's .meta.
    def pick(indices: tf.Tensor) -> tf.Tensor:
        picked = tf.numpy_function(examples.__getitem__, [indices], examples.dtype, stateful=False)
        return tf.ensure_shape(picked, (batch_size, *examples.shape[1:]))

    return pick


def _embedded_digits(split: str) -> Digits:
    """Returns scikit-learn's 8x8 digits in MNIST's size: every fifth of a class is for testing."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            'dataset="digits" comes with scikit-learn: pip install tfgan_lite[examples]'
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


def _mnist(data_path: str | None, split: str) -> Digits:
    if data_path is not None:
        path = _existing(data_path)
        if path.is_dir():
            return _from_idx(path, split)
        return _from_npz(path, split, need_labels=True)
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
    return _checked(images, labels, "the MNIST of Keras")


def _from_npz(path: pathlib.Path, split: str, need_labels: bool) -> Digits:
    image_key, label_key = f"x_{split}", f"y_{split}"
    arrays = {}
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it is a single array")
        with archive:
            keys = archive.files
            for key in {image_key, label_key} & set(keys):
                arrays[key] = archive[key]
    except _DAMAGED as error:
        raise ValueError(
            f"{path} is not a readable .npz archive of plain arrays ({error}). It may be cut short "
            "or of another kind: fetch it again, or write it with numpy.savez."
        ) from error
    for key in (image_key, label_key) if need_labels else (image_key,):
        if key not in arrays:
            raise MissingArrayError(
                f"{path} has no array {key!r}, only {sorted(keys)}. Rename or add it."
            )
    return _checked(arrays[image_key], arrays.get(label_key), str(path))


def _from_idx(directory: pathlib.Path, split: str) -> Digits:
    prefix = _IDX_PREFIXES[split]
    images = _read_idx(directory, f"{prefix}-images-idx3-ubyte", rank=3)
    labels = _read_idx(directory, f"{prefix}-labels-idx1-ubyte", rank=1)
    return _checked(images, labels, str(directory))


def _read_idx(directory: pathlib.Path, name: str, rank: int) -> np.ndarray:
    """Returns the bytes of an idx file: magic number, `rank` sizes, then the values."""
    plain, packed = directory / name, directory / f"{name}.gz"
    if plain.exists():
        path, content = plain, plain.read_bytes()
    elif packed.exists():
        path = packed
        try:
            content = gzip.decompress(packed.read_bytes())
        except (*_DAMAGED, gzip.BadGzipFile) as error:
            raise ValueError(f"{path} is no whole gzip file ({error}). Fetch it again.") from error
    else:
        raise FileNotFoundError(
            f"{directory} has neither {name} nor {name}.gz. Put MNIST's four idx files there."
        )
    header_size = 4 * (1 + rank)
    if len(content) < header_size:
        raise ValueError(
            f"{path} is cut short: {len(content)} bytes, the header alone has {header_size}. "
            "Fetch it again."
        )
    magic, *shape = struct.unpack_from(f">{1 + rank}I", content)
    expected_magic = 0x0800 + rank  # 0x08 says unsigned bytes, the last byte is the rank.
    if magic != expected_magic:
        raise ValueError(
            f"{path} starts with the magic number {magic}, expected {expected_magic}. It is not "
            "the file that its name says: fetch it again."
        )
    size = int(np.prod(shape, dtype=object))
    if len(content) - header_size != size:
        raise ValueError(
            f"{path} says it has {size} values in the shape {tuple(shape)}, but "
            f"{len(content) - header_size} follow. It is cut short or damaged: fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)


def _existing(data_path: str) -> pathlib.Path:
    path = pathlib.Path(data_path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"There is no {path}. Check data_path={str(data_path)!r}.")
    return path


def _checked(images: np.ndarray, labels: np.ndarray | None, source: str) -> Digits:
    """Returns the arrays as `Digits`, or raises a ValueError that names `source`."""
    if images.dtype != np.uint8:
        raise ValueError(
            f"The images of {source} are {images.dtype}, expected uint8 from 0 to 255. Convert "
            "them first."
        )
    if images.shape[1:] not in (IMAGE_SHAPE, IMAGE_SHAPE[:2]):
        raise ValueError(
            f"The images of {source} have the shape {images.shape}, expected [N, 28, 28] or "
            "[N, 28, 28, 1]. Resize them, or turn them to grey, first."
        )
    if not len(images):
        raise ValueError(f"{source} has no images in this split. Give at least one.")
    images = images.reshape(-1, *IMAGE_SHAPE)
    if labels is None:
        return Digits(images, np.full(len(images), UNLABELLED, np.int64))
    if not np.issubdtype(labels.dtype, np.integer) or labels.shape != (len(images),):
        raise ValueError(
            f"The labels of {source} are {labels.dtype} {labels.shape}, expected integers "
            f"({len(images)},): one for each image."
        )
    if labels.min() < 0 or labels.max() >= NUM_CLASSES:
        raise ValueError(
            f"The labels of {source} go from {labels.min()} to {labels.max()}, expected 0 to 9."
        )
    return Digits(images, labels.astype(np.int64))
