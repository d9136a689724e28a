"""A checked set of images, and the batches that train a GAN."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfgan_lite.data import pipeline
from tfgan_lite.data.card import DatasetCard
from tfgan_lite.data.checking import Facts, facts_of
from tfgan_lite.eval.image_ranges import ValueRange, checked_range, scaled

__all__ = ["Images"]

_PREFETCHED = 4
_NAMED_DUPLICATES = 10


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images of one size, checked and ready to train on; `load` and `from_arrays` make them.

    Attributes:
      path: Where they are.
      kind: What they are kept in: one of `KINDS`, or "arrays".
      image_shape: (height, width, channels) after preparation.
      names: One for each image, as errors and the card call it.
      labels: int64 [N], or None.
      class_names: What labels mean, by label; empty without labels.
      pixels: uint8 [N, height, width, channels], or None where they would take more memory than
        allowed: then they are decoded anew in each pass.

    Example:
      >>> images = tfgan.data.from_arrays(np.zeros([6, 8, 8], np.uint8))
      >>> batch = next(iter(images.batches(4)))
      >>> batch.shape.as_list(), float(batch[0, 0, 0, 0])
      ([4, 8, 8, 1], -1.0)
    """

    path: str
    kind: str
    image_shape: tuple[int, int, int]
    names: Sequence[str]
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    pixels: np.ndarray | None
    # What the card tells besides, and how to decode an image anew.
    facts: Sequence[Facts] | None = None
    kept_sizes: Counter[tuple[int, int]] = dataclasses.field(default_factory=Counter)
    kept_formats: Counter[str] = dataclasses.field(default_factory=Counter)
    num_skipped: int = 0
    ignored: Counter[str] = dataclasses.field(default_factory=Counter)
    read: Callable[[int], bytes] | None = None
    prepare: Callable[[tf.Tensor], tf.Tensor] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"<{len(self)} images of {self.path}, {self.image_shape}>"

    def batches(
        self,
        batch_size: int,
        *,
        seed: int = 0,
        flip: bool = False,
        value_range: ValueRange = (-1.0, 1.0),
        with_labels: bool = False,
    ) -> tf.data.Dataset:
        """Returns an endless stream of shuffled batches, to train on.

        Each pass sees the images in a new order, which is a pure function of the seed and the
        number of the pass, and so is what is flipped: the iterator's checkpoint is small and
        resumes exactly. What does not fill a batch at the end of a pass is left out of that pass.

        Args:
          batch_size: Images per batch, from 1 to the number of images.
          seed: An integer of at most 64 bits. Equal seeds give equal streams.
          flip: Whether each image is mirrored, left to right, in half of the passes by chance.
          value_range: (-1, 1) or (0, 1), what black and white become; or "uint8".
          with_labels: Whether an element is a pair of images and their labels. The images are the
            same in both cases.

        Returns:
          A dataset of images float32, or uint8 if asked for, [batch_size, height, width, channels];
          labels are one-hot, float32 [batch_size, number of classes].

        Raises:
          ValueError: `batch_size` or `value_range` is out of range, or there are no labels.
        """
        self._check(batch_size, with_labels)
        rows = pipeline.shuffled(len(self), batch_size, seed)
        stream = self._stream(rows, batch_size, flip, value_range, with_labels, endless=True)
        # Its length is known to be none: rounds need not ask whether the data goes on.
        stream = stream.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
        return pipeline.saved_by_position(stream)

    def one_pass(
        self,
        batch_size: int,
        *,
        value_range: ValueRange = (-1.0, 1.0),
        with_labels: bool = False,
    ) -> tf.data.Dataset:
        """Returns each image once, in order, to evaluate with; the last batch may be smaller.

        Args:
          batch_size: Images per batch, from 1 to the number of images.
          value_range: See `batches`.
          with_labels: See `batches`.

        Raises:
          ValueError: See `batches`.
        """
        self._check(batch_size, with_labels)
        rows = pipeline.in_order(len(self), batch_size)
        return self._stream(rows, batch_size, False, value_range, with_labels, endless=False)

    @functools.cached_property
    def card(self) -> DatasetCard:
        """What these images are; print it."""
        facts = self.facts
        if facts is None:
            facts = [facts_of(image) for image in self.pixels]
        first: dict[bytes, int] = {}
        copies = []
        for index, fact in enumerate(facts):
            earlier = first.setdefault(fact.digest, index)
            if earlier != index:
                copies.append((index, earlier))
        fingerprint = hashlib.sha256(b"".join(fact.digest for fact in facts))
        classes, contradictions = {}, []
        if self.labels is not None:
            fingerprint.update(self.labels.tobytes())
            counts = np.bincount(self.labels, minlength=len(self.class_names))
            classes = dict(zip(self.class_names, counts.tolist()))
            contradictions = [pair for pair in copies if len({*self.labels[list(pair)]}) > 1]
        return DatasetCard(
            path=self.path,
            kind=self.kind,
            num_images=len(self),
            image_shape=self.image_shape,
            kept_sizes=dict(self.kept_sizes),
            kept_formats=dict(self.kept_formats.most_common()),
            classes=classes,
            levels=(min(fact.low for fact in facts), max(fact.high for fact in facts)),
            num_duplicates=len(copies),
            num_contradictions=len(contradictions),
            duplicates=tuple(
                (self.names[copy], self.names[earlier])
                for copy, earlier in copies[:_NAMED_DUPLICATES]
            ),
            num_skipped=self.num_skipped,
            ignored=dict(self.ignored.most_common()),
            megabytes_in_memory=0.0 if self.pixels is None else self.pixels.nbytes / 1e6,
            fingerprint=fingerprint.hexdigest()[:16],
        )

    def check_batch_size(self, batch_size: int) -> None:
        """Raises ValueError where not even one batch can be made of the images."""
        if not 1 <= batch_size <= len(self):
            raise ValueError(
                f"batch_size={batch_size} must be from 1 to {len(self)}, the number of images. "
                "Choose a smaller batch or more data."
            )

    def _check(self, batch_size: int, with_labels: bool) -> None:
        self.check_batch_size(batch_size)
        if with_labels and self.labels is None:
            raise ValueError(
                f"with_labels=True needs labels, and the images of {self.path} have none: put each "
                "class in a folder of its own, or give an array of integers with them."
            )

    def _stream(
        self,
        rows: tf.data.Dataset,
        batch_size: int,
        flip: bool,
        value_range: ValueRange,
        with_labels: bool,
        endless: bool,
    ) -> tf.data.Dataset:
        value_range = checked_range(value_range)
        if self.pixels is not None:
            batches = pipeline.picked(rows, self.pixels)
        else:
            batches = pipeline.decoded(rows, self.read, self.prepare, batch_size, endless)
        label_of = pipeline.picker(self.labels) if with_labels else None

        def finished(images: tf.Tensor, indices: tf.Tensor, coins: tf.Tensor):
            if flip:
                flipped = tf.reverse(images, axis=[2])
                images = tf.where(coins[:, tf.newaxis, tf.newaxis, tf.newaxis], flipped, images)
            images = scaled(images, value_range)
            if label_of is None:
                return images
            return images, tf.one_hot(label_of(indices), len(self.class_names))

        return batches.map(finished).prefetch(_PREFETCHED)
