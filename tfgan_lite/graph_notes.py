"""What the library remembers about a graph's tensors, beside the graph and for as long as it lives.

TF2's deferred values carry such facts as attributes; graph tensors cannot.
"""

from __future__ import annotations

import weakref
from typing import Any

import tensorflow as tf

__all__ = ["note", "noted"]

_notes: weakref.WeakKeyDictionary[tf.Graph, dict[tuple[str, str], Any]] = (
    weakref.WeakKeyDictionary()
)


def note(tensor: tf.Tensor, **facts: Any) -> tf.Tensor:
    """Remembers facts about a graph's tensor, and gives the tensor back."""
    known = _notes.setdefault(tensor.graph, {})
    known.update({(tensor.name, key): fact for key, fact in facts.items()})
    return tensor


def noted(tensor: Any, key: str) -> Any:
    """The fact of this name about the tensor, or None; of what is in no graph, None."""
    graph = getattr(tensor, "graph", None)
    return None if graph is None else _notes.get(graph, {}).get((tensor.name, key))
