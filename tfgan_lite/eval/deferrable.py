"""Metrics of deferred values are deferred values, as metrics of a graph's tensors are tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import tensorflow as tf

from tfgan_lite.deferred import defer

__all__ = ["deferrable"]

Function = TypeVar("Function", bound=Callable[..., Any])


def deferrable(fn: Function) -> Function:
    """`fn`, which also takes deferred values and gives one for each tensor of its result then."""
    # Autograph cannot read lambdas, and there is nothing here for it to convert.
    plain = tf.autograph.experimental.do_not_convert(fn)

    @functools.wraps(fn)
    def on_any(*args: Any, **kwargs: Any) -> Any:
        return defer(lambda args, kwargs: plain(*args, **kwargs), args, kwargs, name=fn.__name__)

    return on_any
