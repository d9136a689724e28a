"""How a sub-step is compiled: told, or found by measuring."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from absl import logging

from tfgan_lite.train.fused_rounds import may_fuse, rounds_in_one_launch
from tfgan_lite.train.sub_step import SubStep
from tfgan_lite.train.trial import Trial
from tfgan_lite.train.updates import joint_name
from tfgan_lite.train.variables_kept import variables_kept

__all__ = ["JitChoice"]

_REPEATS = 5
_CLEARLY = 1.1  # Times the seconds of the fastest: what is slower need not be measured again.
_ONE_PROGRAM = 1.3  # Upper bound on the slowdown of a round that can no longer be one XLA program.
_LAUNCH_MATTERS_BELOW = 3e-3  # Seconds of a sub-step: a launch takes about 0.2 ms.
_MOST_TO_COMPILE = 5.0  # Seconds that a program took whose like is compiled to gain a tenth.
_DECIDED = ("jit_compile", "one_pass", "many_rounds")


class JitChoice(tf.train.experimental.PythonState):
    """Decides for each kind of sub-step, once in a run: checkpoints keep the decisions.

    XLA is the faster for some networks, batch sizes and machines, and the slower for others, with
    its kernels for convolutions most of all; and so are several rounds in one program, and one pass
    of the discriminator over real and generated data. "auto" measures them on the networks
    themselves, with a made-up batch, and puts every variable back. What is told instead makes two
    passes, and with XLA several rounds in a program where that can be.

    Args:
      jit_compile: True, False, or "auto".
      clock: gives seconds; a test injects its own.
      decisions: those of earlier calls on the same train ops, which this one adds to.

    Raises:
      ValueError: another jit_compile.

    Example:
      >>> jit = tfgan.train.JitChoice(False)
      >>> session = tfgan.Session(tfgan.train.Counters(), jit=jit)
      >>> session.jit.jit_compile
      False
    """

    def __init__(
        self,
        jit_compile: bool | str,
        clock: Callable[[], float] = time.perf_counter,
        decisions: dict[str, dict[str, bool]] | None = None,
    ):
        if jit_compile not in (True, False, "auto"):
            raise ValueError(f'jit_compile must be True, False or "auto", got {jit_compile!r}.')
        self.jit_compile = jit_compile
        self.decisions = {} if decisions is None else decisions
        self._clock = clock
        # Convolution ops of sub-steps for which XLA measured clearly slower.
        self._slow_convolutions = frozenset[str]()

    def serialize(self) -> str:
        return json.dumps(self.decisions)

    def deserialize(self, saved: bytes) -> None:
        self.decisions.clear()
        self.decisions.update(json.loads(saved))

    def decide(self, step: SubStep) -> SubStep:
        """The sub-step, compiled as decided.

        Raises:
          ValueError: XLA is asked for, and a batch size is unknown.
        """
        name = joint_name(step.updates)
        unknown = [s for s in step.sources if not all(x.shape.is_fully_defined() for x in s.specs)]
        # A callable may still give one shape always, which the last batch of a dataset has not.
        ragged = [str(x) for s in unknown if s in step.dataset_sources for x in s.specs]
        if self.jit_compile is True and ragged:
            raise ValueError(
                f"jit_compile=True needs static shapes, but the dataset has {', '.join(ragged)}."
                " Batch with drop_remainder=True, or pass jit_compile=False."
            )
        if self.jit_compile != "auto" or unknown or tf.config.functions_run_eagerly():
            return step.compiled(self.jit_compile is True, many_rounds=True)
        # Decisions saved by early versions have no many_rounds: it is then False.
        if name in self.decisions:
            return step.compiled(**self.decisions[name])
        with variables_kept(step.changeable_variables()):
            faster = self._faster(step, name)
        self.decisions[name] = {key: getattr(faster, key) for key in _DECIDED}
        return faster

    def _faster(self, step: SubStep, name: str) -> SubStep:
        """The fastest of all ways to compile it that are worth a trial."""
        trials: dict[SubStep, Trial | None] = {}
        plain, alone = step.compiled(False), step.compiled(True)
        together = step.compiled(True, many_rounds=True)
        fuses = may_fuse([together])
        several = fuses and rounds_in_one_launch([together]) > 1
        with_xla = together if several else alone
        # Not compiled again, which takes seconds, where XLA has clearly lost by the like.
        if step.convolutions and step.convolutions <= self._slow_convolutions:
            best = plain
        else:
            # A sub-step out of XLA takes the others of its round out of their common program, which
            # no trial shows.
            preferred = with_xla if fuses and not step.convolutions else None
            best = self._fastest([plain, with_xla], trials, name, preferred, _ONE_PROGRAM)
            if _clearly_slower(trials[with_xla], trials[plain]):
                self._slow_convolutions |= step.convolutions
        if several and _one_round_may_be_faster(trials[best]):
            best = self._fastest([best, alone], trials, name)
        # In a round that is one program of XLA's, two passes are made beside each other, which was
        # always faster.
        if best.can_take_one_pass and not (fuses and best.jit_compile):
            one_pass = best.compiled(best.jit_compile, True, best.many_rounds)
            best = self._fastest([best, one_pass], trials, name)
        return best

    def _fastest(
        self,
        candidates: list[SubStep],
        trials: dict[SubStep, Trial | None],
        name: str,
        preferred: SubStep | None = None,
        margin: float = _CLEARLY,
    ) -> SubStep:
        """The fastest, or the preferred one, unless another is faster by the margin."""
        for each in candidates:
            if each not in trials:
                known = [trial.best for trial in trials.values() if trial is not None]
                trials[each] = _tried(Trial, each, self._clock, min(known, default=0.0))
        can_run = [each for each in candidates if trials[each] is not None]
        seconds = dict.fromkeys(can_run or candidates, float("inf"))
        for turn in range(_REPEATS):  # In turn, so that a busy moment hits all.
            for each in can_run:
                seconds[each] = min(seconds[each], _tried(trials[each].seconds) or float("inf"))
            if turn > 0:
                limit = _CLEARLY * min(seconds.values())
                can_run = [each for each in can_run if seconds[each] <= limit]
            if len(can_run) < 2:
                break
        best = min(seconds, key=lambda x: seconds[x] / (margin if x is preferred else 1.0))
        measured = ", ".join(f"{1e3 * s:.2f} ms {_words(each)}" for each, s in seconds.items())
        if seconds[best] > min(seconds.values()):
            measured += "; another one would have to be clearly faster"
        logging.info("%s sub-step: %s (%s).", name, _words(best), measured)
        return best


def _tried(function: Callable[..., Any], *args: Any) -> Any:
    """What the function gives; None for what XLA does not know, or where trials diverged."""
    try:
        return function(*args)
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        logging.info("A measurement has failed: %s", error.message[:200])
        return None


def _one_round_may_be_faster(trial: Trial | None) -> bool:
    """Whether a program for each round may be the faster, and is soon compiled."""
    if trial is None:
        return True
    return trial.best > _LAUNCH_MATTERS_BELOW and trial.warm_up < _MOST_TO_COMPILE


def _clearly_slower(trial: Trial | None, other: Trial | None) -> bool:
    return trial is not None and other is not None and trial.best > _CLEARLY * other.best


def _words(step: SubStep) -> str:
    words = ["with XLA" if step.jit_compile else "without XLA"]
    words += ["several rounds in a program"] if step.many_rounds else []
    words += ["real and generated data in one pass"] if step.one_pass else []
    return ", ".join(words)
