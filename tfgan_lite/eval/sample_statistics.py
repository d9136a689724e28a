"""What metrics need of a set of samples, collected in one pass over it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tfgan_lite.eval.distances import as_features
from tfgan_lite.eval.gaussian_statistics import GaussianStatistics, Moments
from tfgan_lite.eval.rows import Rows
from tfgan_lite.eval.sample_streams import SampleStream

__all__ = ["ClassSums", "SampleStatistics", "collect", "extractor_protocol"]

NEEDS = ("moments", "features", "logits", "images", "labels")

_BLOCKS = 100
_ROWS_AT_ONCE = 2048


@dataclasses.dataclass
class ClassSums:
    """What a classifier says of samples, summed over blocks of them: all a score needs.

    Attributes:
      counts: float64 [B]: samples in a block.
      probabilities: float64 [B, K]: sums of p(y|x).
      negative_entropies: float64 [B]: sums over samples of the sum over y of p log p.
    """

    counts: np.ndarray
    probabilities: np.ndarray
    negative_entropies: np.ndarray

    @classmethod
    def zeros(cls, blocks: int, classes: int) -> ClassSums:
        """Returns the sums over nothing."""
        return cls(np.zeros(blocks), np.zeros([blocks, classes]), np.zeros(blocks))

    def add(self, logits: np.ndarray, blocks: np.ndarray) -> None:
        """Adds samples with logits [N, K] to the blocks [N] of these numbers."""
        logits = logits.astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
        p = np.exp(log_p)
        np.add.at(self.counts, blocks, 1.0)
        np.add.at(self.probabilities, blocks, p)
        np.add.at(self.negative_entropies, blocks, np.sum(p * log_p, axis=1))


@dataclasses.dataclass
class SampleStatistics:
    """What is known of a set of samples; None for what nobody asked for.

    Attributes:
      count: how many samples, N.
      moments: mean and covariance of their features, float64.
      features: [N, D], as the extractor gave them.
      class_sums: what a classifier says of them.
      images: some of them [M, H, W, C], in the order of the set. Which ones is random; of a set
        whose length is unknown beforehand they are the first.
      labels: integers [N].
      protocol: how all of it was made, for JSON.

    Example:
      >>> known = tfgan.eval.SampleStatistics(count=64, features=data)
      >>> known.num_features, known.has("labels")
      (3, False)
    """

    count: int
    moments: Moments | None = None
    features: np.ndarray | None = None
    class_sums: ClassSums | None = None
    images: np.ndarray | None = None
    labels: np.ndarray | None = None
    protocol: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def num_features(self) -> int | None:
        """D, where features or moments are known."""
        if self.features is not None:
            return self.features.shape[1]
        return None if self.moments is None else len(self.moments.mean)

    def has(self, need: str) -> bool:
        """Whether one of `NEEDS` is known."""
        return getattr(self, "class_sums" if need == "logits" else need) is not None


def collect(
    stream: SampleStream,
    needs: Collection[str],
    extractor: Any = None,
    *,
    max_images: int = 0,
    seed: int = 0,
    on_batch: Any = None,
) -> SampleStatistics:
    """Reads a stream once.

    Memory: one D x D matrix for "moments", `max_images` images, and where "features" are needed
    N x D of them in the extractor's dtype; if these are many, they are in a temporary file: see
    `Rows`.

    Args:
      stream: the samples.
      needs: of `NEEDS`.
      extractor: gives {"features": [B, D], "logits": [B, K]} of a batch; None where samples are
        features themselves, [N, D].
      max_images: how many images to keep.
      seed: which images to keep, where the stream tells its length; else the first ones are kept.
      on_batch: called with the number of samples of each batch when it is done.

    Returns:
      The `SampleStatistics`.

    Raises:
      ValueError: samples that the extractor does not take, features or logits that are missing or
        not finite, labels that are missing.
    """
    if "images" in needs and extractor is None:
        raise ValueError("A metric needs images, but without an extractor samples are features.")
    keep = _kept_indices(stream.count, max_images if "images" in needs else 0, seed)
    block = max(1, -(-stream.count // _BLOCKS)) if stream.count else 500
    features, labels, images = Rows(stream.count), [], []
    moments = _BufferedMoments()
    sums: ClassSums | None = None
    count, width, dtype = 0, None, None
    # Closed at once after an error, too: a model may be drawing with averaged weights.
    with contextlib.closing(stream.batches) as batches:
        for samples, batch_labels in batches:
            seen = _seen(extractor, samples)
            batch = _one_for_each(samples, seen.get("features"), "features", count)
            dtype = dtype or f"{samples.dtype} {list(samples.shape[1:])}"
            if batch.shape[1] != (width or batch.shape[1]):
                raise ValueError(f"Features of {batch.shape[1]} columns after some of {width}.")
            width = batch.shape[1]
            if "moments" in needs:
                moments.add(batch)
            if "features" in needs:
                features.append(batch)
            if "logits" in needs:
                logits = _one_for_each(samples, _logits(seen, extractor), "logits", count)
                sums = sums or ClassSums.zeros(_BLOCKS, logits.shape[1])
                sums.add(logits, np.arange(count, count + len(logits)) // block % _BLOCKS)
            if "labels" in needs:
                if batch_labels is None:
                    raise ValueError(
                        "A metric needs labels, but the samples come without: give pairs of samples"
                        " and labels, or for a model tuple labels_fn."
                    )
                labels.append(batch_labels)
            mine = keep[(keep >= count) & (keep < count + len(samples))] - count
            if len(mine):
                images.append(np.asarray(samples)[mine])
            count += len(samples)
            if on_batch is not None:
                on_batch(len(samples))
    if not count:
        raise ValueError("There are no samples: the source is empty.")
    return SampleStatistics(
        count=count,
        moments=moments.result() if "moments" in needs and count > 1 else None,
        features=features.result() if "features" in needs else None,
        class_sums=sums,
        images=np.concatenate(images) if images else None,
        labels=np.concatenate(labels) if labels else None,
        protocol={"count": count, **stream.protocol, "samples": dtype},
    )


def extractor_protocol(extractor: Any) -> dict[str, Any]:
    """Returns what a result must say of an extractor, for JSON."""
    if extractor is None:
        return {"extractor": "none: samples are features", "extractor_hash": ""}
    if hasattr(extractor, "protocol"):
        return dict(extractor.protocol)
    names = {"name": "extractor", "hash": "extractor_hash", "feature_size": "feature_size"}
    return {theirs: getattr(extractor, own, None) for own, theirs in names.items()}


class _BufferedMoments:
    """Moments of batches, updated in products wide enough to run at full speed."""

    def __init__(self):
        self._pending: list[np.ndarray] = []
        self._statistics: GaussianStatistics | None = None

    def add(self, batch: np.ndarray) -> None:
        self._pending.append(batch)
        if sum(map(len, self._pending)) >= _ROWS_AT_ONCE // 2:
            self._flush()

    def result(self) -> Moments:
        self._flush()
        found = self._statistics.result()
        return Moments(int(found.count), np.asarray(found.mean), np.asarray(found.covariance))

    def _flush(self) -> None:
        if self._pending:
            rows = np.concatenate(self._pending)
            self._statistics = self._statistics or GaussianStatistics(rows.shape[1])
            self._statistics.update_state(rows)
            self._pending = []


def _seen(extractor: Any, samples: np.ndarray) -> dict[str, Any]:
    if extractor is not None:
        seen = extractor(samples)
        if not isinstance(seen, Mapping):
            raise TypeError(
                f"The extractor gave a {type(seen).__name__}, not features by name. Make one of a"
                " function by tfgan_lite.eval.Extractor(function, name=..., image_shape=...), of a"
                " Keras model by tfgan_lite.eval.extractor_from_keras(model, ...)."
            )
        return seen
    if samples.ndim != 2:
        raise ValueError(
            f"Samples of shape {samples.shape[1:]} need an extractor; without one they must be"
            " features [N, D]."
        )
    return {"features": samples}


def _one_for_each(samples: np.ndarray, values: Any, name: str, first_row: int) -> np.ndarray:
    rows = as_features(values, name, first_row=first_row)
    if len(rows) != len(samples):
        raise ValueError(
            f"The extractor gave {name} of {len(rows)} samples for {len(samples)}: it must give a"
            " row for each."
        )
    return rows


def _logits(seen: dict[str, Any], extractor: Any) -> Any:
    if seen.get("logits") is None:
        name = getattr(extractor, "name", "none")
        raise ValueError(
            f"A metric needs logits, but the extractor {name!r} gives only features: leave the"
            " classifier score out, or take an extractor with a classifier."
        )
    return seen["logits"]


def _kept_indices(count: int | None, most: int, seed: int) -> np.ndarray:
    if not most:
        return np.zeros(0, np.int64)
    if count is None:
        return np.arange(most)
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])
