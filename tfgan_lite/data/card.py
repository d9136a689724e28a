"""What a set of images is, on one card to print."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["DatasetCard"]

_MOST_CLASSES = 10


@dataclasses.dataclass(frozen=True)
class DatasetCard:
    """What a set of images is; print it.

    Attributes:
      path: Where it is.
      kind: What it is kept in.
      num_images: How many images training sees.
      image_shape: Their (height, width, channels), as training sees them.
      kept_sizes: How many images are kept in each (height, width).
      kept_formats: How many are kept in each format, such as "png".
      classes: How many there are of each class, by its name; empty without labels.
      levels: The darkest and the brightest level of all, from 0 to 255.
      num_duplicates: Images that are equal to an earlier one, as training sees them.
      num_contradictions: Those of them that have another label than the earlier one.
      duplicates: Names of some: (a copy, the earlier one).
      num_skipped: Bad files that were left out.
      ignored: How many files that are no images were left alone, by extension.
      megabytes_in_memory: Of pixels that are kept; 0.0 if they are decoded anew in each pass.
      fingerprint: A hash of all pixels and labels, in order.

    Example:
      >>> black = np.zeros([3, 8, 8], np.uint8)
      >>> card = tfgan.data.from_arrays(black, np.array([0, 1, 1])).card
      >>> card.num_images, card.classes, card.num_duplicates
      (3, {'0': 1, '1': 2}, 2)
    """

    path: str
    kind: str
    num_images: int
    image_shape: tuple[int, int, int]
    kept_sizes: dict[tuple[int, int], int]
    kept_formats: dict[str, int]
    classes: dict[str, int]
    levels: tuple[int, int]
    num_duplicates: int
    num_contradictions: int
    duplicates: tuple[tuple[str, str], ...]
    num_skipped: int
    ignored: dict[str, int]
    megabytes_in_memory: float
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it in types that JSON has."""
        values = dataclasses.asdict(self)
        values["kept_sizes"] = {f"{h}x{w}": n for (h, w), n in self.kept_sizes.items()}
        return values

    def __str__(self) -> str:
        height, width, channels = self.image_shape
        colours = {1: "grey", 3: "colour", 4: "colour and opacity"}[channels]
        rows = [
            ("images", f"{self.num_images}, {height} x {width}, {colours}"),
            ("kept as", f"{_counts(self.kept_formats)}; {self._sizes()}"),
            ("classes", self._classes()),
            ("levels", f"{self.levels[0]} to {self.levels[1]} of 0 to 255"),
            ("duplicates", self._duplicates()),
        ]
        if self.num_skipped:
            rows.append(("skipped", f"{self.num_skipped} bad files"))
        if self.ignored:
            rows.append(("ignored", f"{_counts(self.ignored)} (no images)"))
        memory = f"{self.megabytes_in_memory:.0f} MB of pixels are kept"
        rows.append(("memory", memory if self.megabytes_in_memory else "decoded in each pass"))
        rows.append(("fingerprint", self.fingerprint))
        return "\n".join([f"{self.path} ({self.kind})", *(f"  {k:<12}{v}" for k, v in rows)])

    def _sizes(self) -> str:
        if len(self.kept_sizes) == 1:
            ((height, width),) = self.kept_sizes
            return f"{height} x {width}"
        by_area = sorted(self.kept_sizes, key=lambda size: size[0] * size[1])
        (h0, w0), (h1, w1) = by_area[0], by_area[-1]
        return f"{len(by_area)} sizes from {h0} x {w0} to {h1} x {w1}"

    def _classes(self) -> str:
        if not self.classes:
            return "no labels"
        if len(self.classes) <= _MOST_CLASSES:
            return f"{len(self.classes)}: {_counts(self.classes)}"
        fewest, most = min(self.classes.values()), max(self.classes.values())
        return f"{len(self.classes)}, with {fewest} to {most} images each"

    def _duplicates(self) -> str:
        if not self.num_duplicates:
            return "none"
        copy, original = self.duplicates[0]
        said = f"{self.num_duplicates}, such as {copy!r} of {original!r}"
        if self.num_contradictions:
            said += f"; {self.num_contradictions} have another label than their original"
        return said


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
