"""Slices of rounds of a training call that would run on: how the table's sides take turns."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Slices"]


class Slices:
    """A training call in a thread of its own, which pauses between slices of rounds.

    Only a hook or a callback can stand between two rounds of a library's training call. Nothing
    runs beside it: whoever asks for a slice waits for its end.

    Args:
      train: the call. It has `begin` called before its first round, and `end` after each.
    """

    def __init__(self, train: Callable[[], None]):
        self._train = train
        self._asked: queue.Queue[int | None] = queue.Queue()
        self._answers: queue.Queue[Any] = queue.Queue()
        self._thread = threading.Thread(target=self._train_and_tell, daemon=True)
        self._start = 0.0
        self.last_round = 0

    def run(self, rounds: int) -> float:
        """Trains for some rounds, and gives the seconds that they took."""
        self._asked.put(rounds)
        if self._thread.ident is None:
            self._thread.start()
        answer = self._answers.get()
        if isinstance(answer, BaseException):
            raise answer
        seconds, done = answer
        return seconds * rounds / done

    def close(self) -> None:
        """Ends the call."""
        if self._thread.ident is not None:
            self._asked.put(None)
            self._thread.join()

    def begin(self, now: int = 0) -> bool:
        """Waits for a slice, whose first round comes after round `now`; False: training ends."""
        rounds = self._asked.get()
        if rounds is None:
            return False
        self._first, self.last_round = now, now + rounds
        self._start = time.perf_counter()
        return True

    def end(self, now: int) -> bool:
        """Tells that rounds up to `now` are done, and returns whether to go on."""
        if now < self.last_round:
            return True
        self._answers.put((time.perf_counter() - self._start, now - self._first))
        return self.begin(now)

    def _train_and_tell(self) -> None:
        try:
            self._train()
        except BaseException as error:
            self._answers.put(error)
