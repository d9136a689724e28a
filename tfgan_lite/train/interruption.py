"""Ctrl-C and preemption: the round is finished and saved before the program ends."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from absl import logging

__all__ = ["Interruption", "awaited_interruption"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the user or the machine's scheduler asked the program to end."""

    def __init__(self):
        self.signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def end_program(self, step: int, logdir: str | None) -> None:
        """Says how to go on, and raises what ends the program.

        Raises:
          KeyboardInterrupt: after Ctrl-C (SIGINT).
          SystemExit: after SIGTERM, with the code that shells use, 143.
        """
        if self.signal is None:
            self.signal = signal.SIGTERM  # The signal was received by another worker.
        saved = f"; saved in {logdir}: run the same program again to go on" if logdir else ""
        logging.warning("Stopped by %s after round %d%s.", self.signal.name, step, saved)
        if self.signal is signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self.signal)


@contextlib.contextmanager
def awaited_interruption() -> Iterator[Interruption]:
    """Takes note of the first signal; a second one acts at once, as it would without this.

    Only the main thread can do so: in others, and after the block, signals are what they were.
    """
    found = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            # None stands for a handler that Python did not install, and cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def take_note(number: int, unused_frame: Any) -> None:
        found.signal = signal.Signals(number)
        restore()

    for number in _SIGNALS:
        signal.signal(number, take_note)
    try:
        yield found
    finally:
        restore()
