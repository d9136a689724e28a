"""What an evaluation gives: values, how sure they are, and how they were made."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfgan_lite.replaced_file import replaced_file

__all__ = ["EvaluationResult"]


@dataclasses.dataclass(frozen=True)
class EvaluationResult:
    """Scores with their protocol, without which a number cannot be compared with any other.

    `print(result)` shows a table.

    Attributes:
      values: by name.
      standard_errors: by name, for those that have one.
      protocol: counts, split, extractor and its hash, resize mode, dtypes, seed, weights, batch
        norm and versions, for JSON.

    Example:
      >>> result = tfgan.eval.evaluate(data, data, [tfgan.eval.FrechetDistance()])
      >>> result.save("scores.json")
      >>> tfgan.eval.EvaluationResult.load("scores.json").values == result.values
      True
    """

    values: dict[str, float]
    standard_errors: dict[str, float]
    protocol: dict[str, Any]

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it ready for JSON: what is not finite is a string, "inf" or "nan"."""
        return _for_json(dataclasses.asdict(self))

    def to_json(self) -> str:
        """Returns `to_dict` as JSON.

        Raises:
          ValueError: a graph's result, whose values are tensors.
        """
        if any(tf.is_tensor(each) for each in self.values.values()):
            raise ValueError(
                "The values are tensors of a graph: run result.values in a session, and write what"
                " it gives."
            )
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the JSON, whole or not at all."""
        with replaced_file(path) as file:
            file.write(self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EvaluationResult:
        """Returns what `save` wrote.

        Raises:
          FileNotFoundError: there is no such file.
          ValueError: it is another file, or is damaged.
        """
        with open(path, encoding="utf-8") as file:
            try:
                content = json.load(file)
                for name in ("values", "standard_errors"):
                    content[name] = {key: float(value) for key, value in content[name].items()}
                return cls(**content)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{os.fspath(path)} holds no result of evaluate, or is damaged ({error})."
                ) from error

    def table(self) -> Any:
        """Returns a rich table, for a console of your own."""
        from rich.table import Table

        table = Table(caption=_caption(self.protocol), caption_justify="left")
        table.add_column("metric")
        table.add_column("value", justify="right")
        table.add_column("± standard error", justify="right")
        for name, value in self.values.items():
            error = self.standard_errors.get(name)
            shown = "a tensor of a graph" if tf.is_tensor(value) else _shown(value)
            table.add_row(name, shown, "" if error is None else _shown(error, 2))
        return table

    def __str__(self) -> str:
        from rich.console import Console

        text = io.StringIO()
        Console(file=text, width=100, color_system=None).print(self.table())
        return text.getvalue().rstrip("\n")


def _shown(value: float, digits: int = 5) -> str:
    return f"{value:.{digits}g}"


def _caption(protocol: Mapping[str, Any]) -> str:
    """Returns the protocol's lines; none for a graph's, which knows its metrics only."""
    if "generated" not in protocol:
        return ""
    generated, reference = protocol["generated"], protocol.get("reference")
    made = [f"{generated['count']} generated ({generated.get('source', '')})"]
    made += [f"{generated[key]} {word}" for key, word in _WORDS.items() if key in generated]
    lines = [", ".join(made)]
    if reference:
        split = reference.get("split")
        lines.append(f"{reference['count']} real" + (f" ({split})" if split else ""))
    extractor = protocol["extractor"]
    shown = f"extractor {extractor['extractor']}"
    if extractor.get("extractor_hash"):
        shown += f" {extractor['extractor_hash'][:12]}"
    if extractor.get("resize_mode"):
        shown += f", resized as {extractor['resize_mode']}"
    if extractor.get("note"):
        shown += f" ({extractor['note']})"
    lines.append(shown)
    lines.append(f"seed {protocol['seed']}, tfgan_lite {protocol['versions']['tfgan_lite']}")
    return "\n".join(lines)


_WORDS = {"weights": "weights", "batch_norm": "batch norm"}


def _for_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _for_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
