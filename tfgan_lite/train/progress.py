"""What a person at the console reads of a run: what it is, how far it is, how it ended."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from tfgan_lite.train.console_logs import follow_stderr
from tfgan_lite.train.peak_memory import peak_memory
from tfgan_lite.train.run_facts import run_facts, shown_facts
from tfgan_lite.train.training_run import TrainingHook

__all__ = ["ProgressHook"]

_WIDEST_BAR, _NARROWEST_BAR = 40, 5
_WIDEST_STATE = len("1,000.0 rounds/s, 100,000 images/s, G loss -0.000, D loss -0.000")


class ProgressHook(TrainingHook):
    """Shows a run at the console: a header, a progress bar, and how it ended.

    The header says what is trained, on what, in which rounds, and where. Then come rounds and
    images per second, the time left and both losses: in a terminal, and in a notebook that has
    ipywidgets, as a progress bar; elsewhere, in a log file, as a line every now and then. What
    hooks note, such as the scores of a `MetricHook`, has a line when it is new. In the end it says
    why training stopped, what the metrics were, and where things are.

    Args:
      last_step: the global step that training stops at, for the bar and the time left.
      every_secs: seconds between two lines, of notes and where there is no terminal.
      clock: gives seconds.
      console: a rich Console; by default one on stderr, and in a notebook stdout for all but a bar.
      header: further lines of the header by name, such as {"data": "1,797 digits, 10 classes"}, in
        place of its own of that name.
      summary: whether there are a header and a closing block.

    Example:
      >>> train(tfgan.ProgressHook(last_step=3), rounds=3)  # Draws on stderr, or logs.
    """

    def __init__(
        self,
        last_step: int | None = None,
        every_secs: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        console: Any = None,
        *,
        header: Mapping[str, str] | None = None,
        summary: bool = True,
    ):
        self._last_step = last_step
        self._every_secs = every_secs
        self._clock = clock
        self._console = console
        self._lines: Any = None
        self._header = dict(header or {})
        self._summary = summary
        self._progress: Any = None
        self._step: int | None = None
        self._told: dict[str, str] = {}
        self._undo_logs: Callable[[], None] = lambda: None
        self._started = 0.0
        self._losses: dict[str, float] = {}

    def next_due(self, global_step: int) -> None:
        return None

    def begin(self) -> None:
        from rich import console, progress

        if self._console is None:
            self._console = console.Console(file=sys.stderr)
            if self._console.is_jupyter:  # A notebook would make a block of each line of rich's.
                self._lines = console.Console(file=sys.stdout, force_jupyter=False)
        in_notebook = self._console.is_jupyter and importlib.util.find_spec("ipywidgets")
        if self._console.is_terminal or in_notebook:
            self._progress = progress.Progress(
                progress.TextColumn("round"),
                progress.MofNCompleteColumn(),
                progress.BarColumn(self._bar_width()),
                progress.TextColumn("{task.fields[state]}"),
                progress.TimeRemainingColumn(),
                console=self._console,
            )

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._line_time: float | None = None
        self._noted_time = -float("inf")
        self._step = self.run.initial_step
        self._started = self._clock()
        if self._summary:
            self._print_header()
        if self._progress is not None:
            stderr = sys.stderr
            self._progress.start()
            self._undo_logs = follow_stderr(stderr)
            self._task = self._progress.add_task(
                "train", total=self._last_step, completed=self.run.initial_step, state="compiling"
            )

    def after_round(self, run_context: Any, global_step: int) -> None:
        now = self._clock()
        self._step = global_step
        if self._line_time is None:  # The first rounds took the time that compiling took.
            self._line_step, self._line_time = global_step, now
            self._print_first_round(run_context.session)
        if now - self._noted_time >= self._every_secs:
            self._noted_time = now
            self._print_new_notes()
        elapsed = now - self._line_time
        due = 0.5 if self._progress is not None else self._every_secs
        if elapsed < due and global_step != self._last_step:
            return
        rate = (global_step - self._line_step) / max(elapsed, 1e-9)
        self._line_step, self._line_time = global_step, now
        state = self._state(rate)
        if self._progress is not None:
            self._progress.update(self._task, completed=global_step, state=self._fitting(state))
        else:
            self._print(f"round {global_step:,}{self._left(global_step, rate)}: {state}")

    def close(self) -> None:
        """Stops drawing, and says how it ended; `gan_train` calls it even after errors."""
        if self._progress is not None:
            self._progress.stop()
            self._undo_logs()
        if self._summary and self._step is not None:
            self._print_end()
        self._step = None

    def _print_header(self) -> None:
        facts = run_facts(self.run)
        versions = facts["versions"]
        lines = {**shown_facts(facts), **self._header}
        if self.run.logdir is not None:
            lines["logdir"] = str(self.run.logdir)
        start = f", from round {self._step:,}" if self._step else ""
        title = f"tfgan_lite {versions['tfgan_lite']} on TensorFlow {versions['tensorflow']}"
        self._print_block(f"{title}{start}", lines)

    def _print_first_round(self, session: Any) -> None:
        """What measuring found, if it measured, and what compiling and a round took of memory."""
        decisions = getattr(getattr(session, "jit", None), "decisions", {})
        found = decisions if self.run.jit_compile == "auto" else {}
        words = "; ".join(f"{name} {_chosen(each)}" for name, each in found.items())
        if self._summary:
            self._print_block(None, {"XLA": words, "peak memory": peak_memory()})

    def _print_new_notes(self) -> None:
        new = {k: note for k, note in self.run.notes.items() if self._told.get(k) != note}
        if self._summary:
            self._print_block(None, new)
        self._told |= new

    def _print_end(self) -> None:
        error = sys.exc_info()[1]
        reason = self.run.stop_reason
        if not reason:
            reason = f"{type(error).__name__}" if error is not None else "interrupted"
        done = self._step - self.run.initial_step
        seconds = self._clock() - self._started
        lines = {"losses": self._last_losses(), **self.run.notes}
        if self.run.logdir is not None:
            lines["curves"] = f"tensorboard --logdir {self.run.logdir}"
            lines["report"] = f"tfgan-lite report {self.run.logdir}"
        title = f"Stopped at round {self._step:,}: {reason} ({done:,} rounds in {seconds:,.0f} s)"
        self._print_block(title, lines)

    def _print_block(self, title: str | None, lines: Mapping[str, str]) -> None:
        if title is not None:
            self._print(title)
        width = max(map(len, lines), default=0)
        for name, line in lines.items():
            if line:
                self._print(f"  {name:{width}}  {line}")

    def _print(self, line: str) -> None:
        # As it is: no wrapping, and nothing in it is markup.
        (self._lines or self._console).print(line, markup=False, highlight=False, soft_wrap=True)

    def _bar_width(self) -> int:
        """What the other columns leave, so that none of them is cut off in a usual terminal."""
        free = self._console.width - self._width_without_bar() - _WIDEST_STATE
        return max(_NARROWEST_BAR, min(_WIDEST_BAR, free))

    def _width_without_bar(self) -> int:
        counts = 2 * len(str(self._last_step or "?")) + 1
        return len("round") + counts + len("0:00:00") + 4  # A space between two columns.

    def _fitting(self, state: str) -> str:
        """As many of the state's parts as fit beside the bar; the last ones, the losses, first."""
        room = self._console.width - self._width_without_bar() - self._bar_width()
        parts = state.split(", ")
        while len(parts) > 2 and len(", ".join(parts)) > room:
            parts.pop(0)
        return ", ".join(parts)[: max(room, 0)]

    def _state(self, rate: float) -> str:
        parts = [f"{rate:,.1f} rounds/s"] if rate else []
        if rate and self.run.images_per_round:
            parts.append(f"{rate * self.run.images_per_round:,.0f} images/s")
        losses = self._last_losses()
        return ", ".join([*parts, losses] if losses else parts)

    def _last_losses(self) -> str:
        for name, values in self.run.values().items():
            if len(values):
                self._losses[name] = float(values[-1])
        names = (("G", "generator_loss"), ("D", "discriminator_loss"))
        known = [(letter, name) for letter, name in names if name in self._losses]
        return ", ".join(f"{letter} loss {self._losses[name]:.3f}" for letter, name in known)

    def _left(self, global_step: int, rate: float) -> str:
        if self._last_step is None or rate <= 0 or global_step >= self._last_step:
            return ""
        seconds = (self._last_step - global_step) / rate
        return f" of {self._last_step:,}, {seconds:.0f} s left"


def _chosen(decision: Mapping[str, bool]) -> str:
    words = ["on" if decision["jit_compile"] else "off"]
    words += ["several rounds in a program"] if decision.get("many_rounds") else []
    words += ["one pass over real and generated data"] if decision.get("one_pass") else []
    return ", ".join(words)
