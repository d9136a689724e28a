"""Finding out what is at a path, and making checked images of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tfgan_lite.data.arrays import checked_arrays, holds_idx_files, idx_arrays, npz_arrays
from tfgan_lite.data.bad_files import BadFile, BadFilesError
from tfgan_lite.data.catalogue import tfds_source
from tfgan_lite.data.checking import checked_content, decode_all, read_headers
from tfgan_lite.data.files import folder_source, zip_source
from tfgan_lite.data.headers import Header
from tfgan_lite.data.images import Images
from tfgan_lite.data.preparation import Wishes
from tfgan_lite.data.records import is_record_file, tfrecord_source
from tfgan_lite.data.source import Source, existing

__all__ = ["KINDS", "from_arrays", "kind_of", "load"]

_SOURCES = {
    "folder": folder_source,
    "zip": zip_source,
    "tfrecord": tfrecord_source,
    "tfds": tfds_source,
}
_ARRAYS = {"npz": npz_arrays, "idx": idx_arrays}
KINDS = (*_SOURCES, *_ARRAYS)

_TFDS = "tfds:"


def load(
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    split: str = "train",
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    fit: str = "crop",
    background: int = 255,
    skip_bad: bool = False,
    max_pixels: int = 2**26,
    memory_limit: int = 2**30,
    image_key: str | None = None,
    label_key: str | None = None,
) -> Images:
    """Reads and checks your own images.

    Every image is decoded once, now, so that whatever is wrong shows before training, all of it
    together. Pixels that fit in `memory_limit` are kept; otherwise every pass decodes them anew.

    Args:
      path: A folder of images, flat or with one folder for each class; a zip archive of the same;
        an .npz file; a folder of idx files; a TFRecord file or a folder of them; or "tfds:" and a
        name of tensorflow-datasets.
      kind: One of `KINDS`; by default what the path looks like.
      split: The part to read, where the data has parts: folders called train and test, arrays
        called x_train and x_test, files called train-* and t10k-* (idx: "test"), splits of
        tensorflow-datasets. Data without parts is "train".
      image_size: The side of square images, or (height, width); by default that of the images,
        which must have one size then.
      channels: 1 (grey), 3 (colour) or 4 (with opacity); by default 1 if all images are grey,
        else 3.
      fit: "crop" cuts out the middle where proportions differ, "stretch" changes proportions.
      background: What transparent pixels are laid on, from 0 (black) to 255 (white).
      skip_bad: Whether to go on without bad files, instead of raising.
      max_pixels: An image that declares more pixels than this is bad, and is not decoded.
      memory_limit: Bytes of prepared pixels to keep at most; 0 for none. Arrays are always kept.
      image_key: Of TFRecord and tensorflow-datasets, the feature that has the image; by default
        "image", "image/encoded" or "image_raw".
      label_key: The feature that has the label; by default "label" or "image/class/label".

    Raises:
      BadFilesError: Some files are bad; it names all of them.
      FileNotFoundError: There is nothing at the path.
      ImportError: tensorflow-datasets is needed and not installed.
      MissingSplitError: There is no such part.
      ValueError: Anything else that is wrong with the data or the arguments.

    Example:
      >>> picture = tf.io.encode_png(np.zeros([8, 12, 1], np.uint8))
      >>> for animal in ("cat", "dog"):
      ...     tf.io.write_file(f"pets/{animal}/1.png", picture)
      >>> pets = tfgan.data.load("pets", image_size=4)
      >>> len(pets), pets.class_names, pets.image_shape
      (2, ('cat', 'dog'), (4, 4, 1))
    """
    wishes = Wishes(image_size, channels, fit, background)
    path = os.fspath(path)
    kind = kind_of(path) if kind is None else kind
    if kind not in KINDS:
        raise ValueError(f"Unknown kind {kind!r}: choose one of {', '.join(KINDS)}.")
    if max_pixels < 1 or memory_limit < 0:
        raise ValueError(
            "max_pixels must be at least 1 and memory_limit at least 0, got"
            f" {max_pixels} and {memory_limit}."
        )
    if kind in _ARRAYS:
        return _of_arrays(path, kind, *_ARRAYS[kind](path, split), wishes)
    keys = {"image_key": image_key, "label_key": label_key} if kind.startswith("tf") else {}
    if not keys and (image_key or label_key):
        raise ValueError(f"image_key and label_key are for tfrecord and tfds, not for {kind}.")
    source = _SOURCES[kind](path.removeprefix(_TFDS), split, **keys)
    return _of_source(source, wishes, skip_bad, max_pixels, memory_limit)


def from_arrays(
    images: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    class_names: Sequence[str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    fit: str = "crop",
    background: int = 255,
) -> Images:
    """Makes images of arrays that are there already.

    Args:
      images: uint8 [N, H, W] or [N, H, W, C] with 1, 3 or 4 channels.
      labels: Integers [N] from 0 on, or None.
      class_names: What labels mean, by label; by default their numbers.
      image_size: See `load`.
      channels: See `load`.
      fit: See `load`.
      background: See `load`.

    Raises:
      ValueError: Arrays of another dtype or shape, or too few names.

    Example:
      >>> images = tfgan.data.from_arrays(np.zeros([6, 8, 12], np.uint8), image_size=4, channels=3)
      >>> len(images), images.image_shape
      (6, (4, 4, 3))
    """
    wishes = Wishes(image_size, channels, fit, background)
    labels = None if labels is None else np.asarray(labels)
    images, labels = checked_arrays(np.asarray(images), labels, "the arrays")
    return _of_arrays("arrays", "arrays", images, labels, wishes, class_names)


def kind_of(path: str) -> str:
    """Returns which of `KINDS` a path looks like.

    Raises:
      FileNotFoundError: There is nothing at the path.
      ValueError: It looks like none.
    """
    if path.startswith(_TFDS):
        return "tfds"
    found = existing(path)
    if found.is_dir():
        if holds_idx_files(found):
            return "idx"
        return "tfrecord" if any(map(is_record_file, found.iterdir())) else "folder"
    if found.suffix.lower() in (".npz", ".zip"):
        return found.suffix.lower()[1:]
    if is_record_file(found):
        return "tfrecord"
    raise ValueError(
        f"{found} is neither a folder nor a .zip, .npz or .tfrecord file. Say what it is with "
        f"kind: {', '.join(KINDS)}."
    )


def _of_arrays(
    path: str,
    kind: str,
    images: np.ndarray,
    labels: np.ndarray | None,
    wishes: Wishes,
    class_names: Sequence[str] | None = None,
) -> Images:
    num_classes = 0 if labels is None else int(labels.max()) + 1
    if class_names is None:
        class_names = [str(label) for label in range(num_classes)]
    if len(class_names) < num_classes or (labels is None and class_names):
        raise ValueError(
            f"class_names has {len(class_names)} names, but the labels need {num_classes}."
        )
    preparation = wishes.preparation(images.shape[1:3], min(images.shape[3], 3))
    return Images(
        path=path,
        kind=kind,
        image_shape=preparation.shape,
        names=[f"image {index}" for index in range(len(images))],
        labels=labels,
        class_names=tuple(class_names),
        pixels=preparation.of_arrays(images),
        kept_sizes=Counter({images.shape[1:3]: len(images)}),
        kept_formats=Counter({"uint8 arrays": len(images)}),
    )


def _of_source(
    source: Source, wishes: Wishes, skip_bad: bool, max_pixels: int, memory_limit: int
) -> Images:
    headers = read_headers(source, max_pixels)
    bad_files = [*source.bad_files, *(h for h in headers if isinstance(h, BadFile))]
    readable = [i for i, header in enumerate(headers) if isinstance(header, Header)]
    declared = [headers[i] for i in readable]
    if declared:
        channels = 1 if all(header.is_grey for header in declared) else 3
        size = (1, 1) if wishes.image_size else _common_size(source.path, declared)
        preparation = wishes.preparation(size, channels)
        num_bytes = len(readable) * int(np.prod(preparation.shape))
        pixels = None
        if num_bytes <= memory_limit:
            pixels = np.empty([len(readable), *preparation.shape], np.uint8)
        facts = decode_all(source, readable, preparation, max_pixels, pixels)
        bad_files += [fact for fact in facts if isinstance(fact, BadFile)]
        rows = [row for row, fact in enumerate(facts) if not isinstance(fact, BadFile)]
    if bad_files and not skip_bad:
        raise BadFilesError(source.path, bad_files, len(source.names) + len(source.bad_files))
    if not declared or not rows:
        raise ValueError(
            f"{source.path} has no images: {len(bad_files)} bad files were skipped, and "
            f"{source.ignored.total()} other files are not images, judging by their extensions."
        )
    kept = [readable[row] for row in rows]
    good = [headers[index] for index in kept]
    if pixels is not None and len(rows) < len(pixels):
        pixels = pixels[rows]

    def read(row: int) -> bytes:
        try:
            return checked_content(source, kept[row], max_pixels)[0]
        except (OSError, ValueError) as error:  # It was right when it was checked.
            raise ValueError(f"{source.path}: {source.names[kept[row]]}: {error}") from error

    return Images(
        path=source.path,
        kind=source.kind,
        image_shape=preparation.shape,
        names=[source.names[index] for index in kept],
        labels=None if source.labels is None else source.labels[kept],
        class_names=source.class_names,
        pixels=pixels,
        facts=[facts[row] for row in rows],
        kept_sizes=Counter((header.height, header.width) for header in good),
        kept_formats=Counter(header.format for header in good),
        num_skipped=len(bad_files),
        ignored=source.ignored,
        read=read,
        prepare=preparation.of_encoded,
    )


def _common_size(path: str, headers: Sequence[Header]) -> tuple[int, int]:
    sizes = Counter((header.height, header.width) for header in headers)
    if len(sizes) > 1:
        told = ", ".join(f"{h} x {w} ({count})" for (h, w), count in sizes.most_common(5))
        raise ValueError(
            f"The images of {path} have {len(sizes)} sizes: {told}"
            f"{' and more' if len(sizes) > 5 else ''}. Say with image_size which one to train on."
        )
    return next(iter(sizes))
