"""Statistics of real samples, computed once and kept in a file."""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfgan_lite.eval.gaussian_statistics import Moments
from tfgan_lite.eval.sample_statistics import (
    ClassSums,
    SampleStatistics,
    collect,
    extractor_protocol,
)
from tfgan_lite.eval.sample_streams import open_stream
from tfgan_lite.replaced_file import replaced_file

__all__ = ["ReferenceStatistics", "read_once"]

_FORMAT = 1


class ReferenceStatistics(SampleStatistics):
    """What metrics need to know of the real samples.

    `ReferenceStatistics.compute(images, extractor).save(path)` once, and from then on
    `ReferenceStatistics.load(path)` in place of the images. The file is an .npz without pickles. It
    knows its extractor: with another one it raises an error.

    Example:
      >>> tfgan.eval.ReferenceStatistics.compute(data, split="test").save("test.npz")
      >>> real = tfgan.eval.ReferenceStatistics.load("test.npz")
      >>> real.count, real.protocol["split"]
      (64, 'test')
    """

    @classmethod
    def compute(
        cls,
        reference: Any,
        extractor: Any = None,
        *,
        metrics: Sequence[Any] | None = None,
        num_samples: int | None = None,
        split: str | None = None,
        batch_size: int = 100,
        seed: int = 0,
    ) -> ReferenceStatistics:
        """Returns the statistics of an array or dataset.

        Args:
          reference: samples [N, ...], a pair of them and integer labels, or a dataset of batches.
          extractor: see `evaluate`.
          metrics: what they must serve; by default every metric that needs no labels, which takes
            N x D numbers, 410 MB for 50,000 of Inception's. `[FrechetDistance()]` takes D x D.
          num_samples: how many; all by default.
          split: what to call them in results, "test" for instance.
          batch_size: samples at a time.
          seed: which samples, where there are more.

        Raises:
          ValueError: see `evaluate`.
        """
        needs = {"moments", "features"}
        if metrics is not None:
            needs = set().union(*(metric.needs_of_reference for metric in metrics))
        stream = open_stream(reference, num_samples, batch_size=batch_size, seed=seed)
        found = collect(stream, needs, extractor, seed=seed)
        protocol = {**found.protocol, "split": split, **extractor_protocol(extractor)}
        fields = {f.name: getattr(found, f.name) for f in dataclasses.fields(found)}
        return cls(**{**fields, "protocol": protocol})

    def check_extractor(self, extractor: Any) -> None:
        """Raises ValueError unless these statistics were made with the extractor."""
        mine, given = self.protocol, extractor_protocol(extractor)
        for name in ("extractor_hash", "layer", "resize_mode"):
            if mine.get(name) != given.get(name):
                raise ValueError(
                    f"The reference statistics were made with the extractor"
                    f" {mine.get('extractor')!r} ({name} {mine.get(name)!r}), but this one is"
                    f" {given.get('extractor')!r} ({name} {given.get(name)!r}): their features do"
                    " not compare. Compute the statistics anew with ReferenceStatistics.compute."
                )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the statistics as .npz, whole or not at all."""
        arrays: dict[str, Any] = {
            "format": np.array(_FORMAT),
            "protocol": np.array(json.dumps(self.protocol)),
            "count": np.array(self.count),
        }
        if self.moments is not None:
            arrays |= {"mean": self.moments.mean, "covariance": self.moments.covariance}
        if self.class_sums is not None:
            arrays |= {
                f"class_{f.name}": getattr(self.class_sums, f.name)
                for f in dataclasses.fields(ClassSums)
            }
        for name in ("features", "labels", "images"):
            if getattr(self, name) is not None:
                arrays[name] = getattr(self, name)
        with replaced_file(path) as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ReferenceStatistics:
        """Returns what `save` wrote.

        Raises:
          FileNotFoundError: there is no such file.
          ValueError: it is not such a file, or is damaged.
        """
        try:
            file = np.load(path, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise ValueError("it is one array")
            with file:
                arrays = {name: file[name] for name in file.files}
            _check_shapes(arrays)
            if int(arrays["format"]) != _FORMAT:
                raise ValueError(f"its format is {arrays['format']}, not {_FORMAT}")
            count = int(arrays["count"])
            moments = sums = None
            if "mean" in arrays:
                moments = Moments(count, arrays["mean"], arrays["covariance"])
            if "class_counts" in arrays:
                sums = ClassSums(
                    *(arrays[f"class_{field.name}"] for field in dataclasses.fields(ClassSums))
                )
            protocol = json.loads(str(arrays["protocol"]))
            if not isinstance(protocol, dict):
                raise ValueError("its protocol is no mapping")
            return cls(
                count=count,
                moments=moments,
                features=arrays.get("features"),
                class_sums=sums,
                images=arrays.get("images"),
                labels=arrays.get("labels"),
                protocol=protocol,
            )
        except FileNotFoundError:
            raise
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{os.fspath(path)} holds no reference statistics of tfgan_lite, or is damaged"
                f" ({error}). Make it with ReferenceStatistics.compute(...).save(path)."
            ) from error


def read_once(reference: Any, extractor: Any, metrics: Sequence[Any] | None, seed: int = 0) -> Any:
    """Returns what metrics need of real samples, which stand for them in further evaluations.

    Args:
      reference: the samples, see `evaluate`; what is `ReferenceStatistics` already, or samples that
        no metric asks for, come back as they are.
      extractor: see `evaluate`.
      metrics: see `evaluate`.
      seed: see `evaluate`.
    """
    compared = metrics is None or any(metric.needs_of_reference for metric in metrics)
    if isinstance(reference, ReferenceStatistics) or not compared:
        return reference
    return ReferenceStatistics.compute(reference, extractor, metrics=metrics, seed=seed)


def _check_shapes(arrays: Mapping[str, np.ndarray]) -> None:
    """Raises a ValueError unless arrays of a file are as many as it says."""
    for name in ("format", "count"):
        if arrays[name].shape or not np.issubdtype(arrays[name].dtype, np.integer):
            raise ValueError(f"its {name} is no integer")
    for name, rank in (("features", 2), ("labels", 1)):
        each = arrays.get(name)
        if each is not None and (each.ndim != rank or len(each) != arrays["count"]):
            raise ValueError(f"it has {name} {each.shape} of {arrays['count']} samples")
