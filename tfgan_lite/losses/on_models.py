"""What functions of a model share that are made of functions on plain arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["described_as", "name_of", "signature_on", "unwrapped"]


def unwrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function or object inside any `functools.partial`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return fn


def name_of(fn: Callable[..., Any]) -> str:
    """A name for a function, a `functools.partial` or an object that can be called."""
    fn = unwrapped(fn)
    return getattr(fn, "__name__", None) or getattr(fn, "name", None) or type(fn).__name__


def signature_on(model: str, others: Iterable[inspect.Parameter]) -> inspect.Signature:
    """A model first, and then keywords, any where the function takes any."""
    first = inspect.Parameter(model, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    keywords = [
        p if p.kind == p.VAR_KEYWORD else p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for p in others
        if p.kind != p.VAR_POSITIONAL
    ]
    return inspect.Signature([first, *keywords])


def described_as(
    loss_on_model: Callable[..., Any], loss_fn: Callable[..., Any], signature: inspect.Signature
) -> Callable[..., Any]:
    """Gives a function of a model the name, help and attributes of the loss that it is made of."""
    functools.update_wrapper(loss_on_model, unwrapped(loss_fn))
    loss_on_model.__name__ = name_of(loss_fn)
    loss_on_model.__signature__ = signature
    return loss_on_model
