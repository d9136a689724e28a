"""Log lines that do not tear a progress bar apart."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from absl import logging as absl_logging

__all__ = ["follow_stderr"]


def follow_stderr(earlier: Any) -> Callable[[], None]:
    """Redirects log handlers that hold an earlier stderr to the current `sys.stderr`.

    A bar that is being drawn takes the place of `sys.stderr`, to write lines above itself. Handlers
    hold the stream that they were made with, and would write into the middle of the bar.

    Args:
      earlier: what `sys.stderr` was when the handlers were made.

    Returns:
      A function that undoes it.
    """
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = [handler for each in loggers for handler in getattr(each, "handlers", ())]
    handlers.append(absl_logging.get_absl_handler().python_handler)
    streams = (earlier, sys.__stderr__)
    found = [h for h in handlers if any(getattr(h, "stream", 0) is each for each in streams)]
    before = [handler.stream for handler in found]
    for handler in found:
        handler.stream = sys.stderr

    def undo() -> None:
        for handler, stream in zip(found, before):
            handler.stream = stream

    return undo
