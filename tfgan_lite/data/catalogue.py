"""The datasets of tensorflow-datasets, by name."""

from __future__ import annotations

import pathlib

from tfgan_lite.data.bad_files import MissingSplitError
from tfgan_lite.data.records import places_in, source_of_places
from tfgan_lite.data.source import Source

__all__ = ["tfds_source"]


def tfds_source(
    name: str, split: str, image_key: str | None = None, label_key: str | None = None
) -> Source:
    """Returns the images of a dataset, made or downloaded where that was not done before.

    Args:
      name: Such as "cifar10" or "cats_vs_dogs:4.0.1".
      split: What tensorflow-datasets calls a split, such as "train[:80%]".
      image_key: The feature that has the image; "image" by default.
      label_key: The feature that has the label; "label" by default.

    Raises:
      ImportError: tensorflow-datasets is not installed.
      MissingSplitError: There is no such split.
      ValueError: There is no such dataset, or it is not kept in TFRecord files.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            f"{name!r} is a name of tensorflow-datasets: pip install 'tfgan_lite[tfds]'"
        ) from error
    try:
        builder = tfds.builder(name)
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(
            f"tensorflow-datasets has no dataset {name!r}. Its names are at "
            "https://www.tensorflow.org/datasets/catalog."
        ) from error
    if str(getattr(builder.info.file_format, "value", "tfrecord")) != "tfrecord":
        raise ValueError(
            f"{name} is kept as {builder.info.file_format.value}, expected TFRecord files: prepare "
            'it with file_format="tfrecord".'
        )
    builder.download_and_prepare()
    try:
        instructions = builder.info.splits[split].file_instructions
    except (KeyError, ValueError) as error:
        known = ", ".join(sorted(builder.info.splits))
        raise MissingSplitError(f"{name} has no split {split!r}, only {known}.") from error
    places = []
    for each in instructions:  # Of each file a stretch.
        stop = None if each.take < 0 else each.skip + each.take
        places += places_in(pathlib.Path(each.filename))[each.skip : stop]
    features = builder.info.features
    label = features[label_key or "label"] if (label_key or "label") in features else None
    class_names = getattr(label, "names", None)
    return source_of_places(f"tfds:{name}", "tfds", places, image_key, label_key, class_names)
