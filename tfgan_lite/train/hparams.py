"""Hyper-parameters for TensorBoard's HPARAMS page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from absl import logging

__all__ = ["hparams_summary"]


def hparams_summary(values: Mapping[str, Any]) -> Any:
    """A `Summary` proto that says with which values the folder's run was made.

    Args:
      values: by name. Numbers, texts and booleans stay what they are, None is left out, and all
        else becomes a text.

    Returns:
      The proto; None where TensorBoard, whose format it is, is not installed.
    """
    try:
        from tensorboard.plugins.hparams import api
    except ImportError:
        logging.info("No hyper-parameters for TensorBoard: pip install tensorboard.")
        return None
    plain = {
        name: value if isinstance(value, (bool, int, float, str)) else str(value)
        for name, value in values.items()
        if value is not None
    }
    return api.hparams_pb(plain)
