"""Features that make their variables when they are called, as TF1's functions do."""

from __future__ import annotations

from tfgan_lite.worlds import in_plain_graph

__all__ = ["check_can_make_variables"]


def check_can_make_variables(function: str, instead: str) -> None:
    """Checks that a call may make variables by `tf.compat.v1.get_variable`.

    Args:
      function: the caller's name.
      instead: what serves in TF2.

    Raises:
      ValueError: outside a tf.Graph, where a second call would make a second set of variables.
    """
    if not in_plain_graph():
        raise ValueError(
            f"{function} makes its variables when it is called, which works in a tf.Graph only:"
            " TF2 has no variable scopes, so each call would train new ones. Make"
            f" {instead} once, outside the network's function, and call it there."
        )
