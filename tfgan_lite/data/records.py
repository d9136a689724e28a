"""Images in TFRecord files, of which any record is read alone: training has an order of its own."""

from __future__ import annotations

import pathlib
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from tfgan_lite.data.source import Source, existing
from tfgan_lite.data.splits import SPLITS, chosen_part

__all__ = ["Place", "is_record_file", "places_in", "source_of_places", "tfrecord_source"]

_IMAGE_KEYS = ("image", "image/encoded", "image_raw")
_LABEL_KEYS = ("label", "image/class/label")
# A record is its length, a check of that, the content, and a check of that.
_BEFORE, _AFTER = 12, 4


class Place(NamedTuple):
    """Where a record is: `length` bytes from `offset` on."""

    file: pathlib.Path
    offset: int
    length: int


def is_record_file(path: pathlib.Path) -> bool:
    """Whether a name is that of a TFRecord file, such as "cats-train.tfrecord-00000-of-00010"."""
    return re.search(r"\.tfrecords?(-\d+-of-\d+)?(\.gz)?$", path.name) is not None


def tfrecord_source(
    path: str, split: str, image_key: str | None = None, label_key: str | None = None
) -> Source:
    """Returns the images in TFRecord files of tf.train.Example.

    Args:
      path: A file, or a folder of them. Where names say "train" and another split, those are parts.
      split: The part to read.
      image_key: The feature that has the encoded image; by default "image", "image/encoded" or
        "image_raw", whichever is there.
      label_key: The feature that has the label, an integer from 0 on; by default "label" or
        "image/class/label", whichever is there.

    Raises:
      FileNotFoundError: There is nothing at the path.
      MissingSplitError: There is no such part.
      ValueError: A file is compressed or damaged.
    """
    root = existing(path)
    files = sorted(filter(is_record_file, root.iterdir())) if root.is_dir() else [root]
    words = {file: set(re.split(r"[-_.]", file.name)) for file in files}
    part = chosen_part(str(root), set().union(*words.values()) & set(SPLITS), split)
    places = [p for f in files if part is None or part in words[f] for p in places_in(f)]
    return source_of_places(str(root), "tfrecord", places, image_key, label_key)


def places_in(path: pathlib.Path) -> list[Place]:
    """Returns where the records of a file are, found by leaping from one to the next.

    Raises:
      ValueError: The file is compressed, or cut short.
    """
    places, size = [], path.stat().st_size
    with open(path, "rb") as file:
        if file.read(2) == b"\x1f\x8b":
            raise ValueError(
                f"{path} is compressed, so that no record can be read alone: gunzip it first."
            )
        offset = 0
        while offset < size:
            file.seek(offset)
            before = file.read(_BEFORE)
            (length,) = struct.unpack("<Q", before[:8]) if len(before) == _BEFORE else (size,)
            places.append(Place(path, offset + _BEFORE, length))
            offset += _BEFORE + length + _AFTER
    if offset > size:
        raise ValueError(
            f"{path} is no whole TFRecord file: record {len(places) - 1} ends beyond its end. "
            "Fetch or write it again."
        )
    return places


def source_of_places(
    path: str,
    kind: str,
    places: Sequence[Place],
    image_key: str | None,
    label_key: str | None,
    class_names: Sequence[str] | None = None,
) -> Source:
    """Returns the images of some records.

    Args:
      path: For messages.
      kind: See `Source`.
      places: The records.
      image_key: See `tfrecord_source`.
      label_key: See `tfrecord_source`.
      class_names: What labels mean, if that is known.
    """

    def features(index: int, max_bytes: int | None = None) -> Mapping[str, Any]:
        place = places[index]
        if max_bytes is not None and place.length > max_bytes:
            raise ValueError(f"is longer than {max_bytes} bytes, the most that max_pixels allows")
        with open(place.file, "rb") as file:
            file.seek(place.offset)
            try:
                return tf.train.Example.FromString(file.read(place.length)).features.feature
            except DecodeError as error:
                raise ValueError("is damaged, or no tf.train.Example") from error

    def read(index: int, max_bytes: int) -> bytes:
        if labels is not None and labels[index] < 0:
            raise ValueError("has no label from 0 on, but others have")
        found = features(index, max_bytes)
        keys = _IMAGE_KEYS if image_key is None else (image_key,)
        values = next((found[key].bytes_list.value for key in keys if key in found), ())
        if len(values) != 1:
            raise ValueError(
                f"has no encoded image as {' or '.join(keys)}, only the features {sorted(found)}: "
                "say which with image_key"
            )
        return values[0]

    labels = _labels(features, len(places), _LABEL_KEYS if label_key is None else (label_key,))
    if labels is None:
        class_names = ()
    elif class_names is None:
        class_names = [str(label) for label in range(labels.max() + 1)]
    names = [f"{place.file.name}, at byte {place.offset}" for place in places]
    return Source(path, kind, names, read, labels, tuple(class_names))


def _labels(features, num_records: int, keys: Sequence[str]) -> np.ndarray | None:
    """Returns the label of each record, -1 where it has none; None if that is everywhere."""
    labels = np.full(num_records, -1, np.int64)
    for index in range(num_records):
        try:
            found = features(index)
        except ValueError:  # Whoever reads its image will say so.
            continue
        values = next((found[key].int64_list.value for key in keys if key in found), ())
        if len(values) == 1:
            labels[index] = values[0]
    return None if np.all(labels < 0) else labels
