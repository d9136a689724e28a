"""tfgan_lite as its users run it: `gan_train`, timed by a hook, in either world."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import Any

import tensorflow as tf

import tfgan_lite as tfgan
from benchmarks.cases import ADAM, NOISE_DIMS, Case, make_dataset, make_networks

__all__ = ["Library"]


class Library:
    """A call of `gan_train` that pauses between slices of rounds.

    Only a hook can stand between two rounds of `gan_train`, so the call has a thread of its own.
    Nothing runs beside it: whoever asks for a slice waits for its end.

    Args:
      case: what to train.
      jit_compile: what `gan_train` gets.
      joint: whether the hooks are those of joint training.
      in_graph: whether all is built in a `tf.Graph`.
    """

    def __init__(
        self,
        case: Case,
        jit_compile: bool | str = "auto",
        joint: bool = False,
        in_graph: bool = False,
    ):
        self._case = case
        self._jit_compile = jit_compile
        self._joint = joint
        self._in_graph = in_graph
        self._slices = _Slices()
        self._thread = threading.Thread(target=self._train_and_tell, daemon=True)

    def run(self, rounds: int) -> float:
        """Trains, and gives the seconds that it took."""
        self._slices.asked.put(rounds)
        if self._thread.ident is None:
            self._thread.start()
        answer = self._slices.answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def note(self) -> str:
        """What `gan_train` decided on XLA."""
        return self._slices.decisions()

    def close(self) -> None:
        if self._thread.ident is not None:
            self._slices.asked.put(None)
            self._thread.join()

    def _train_and_tell(self) -> None:
        try:
            with tf.Graph().as_default() if self._in_graph else contextlib.nullcontext():
                self._train()
        except BaseException as error:
            self._slices.answers.put(error)

    def _train(self) -> None:
        generator, discriminator, *optimizers = make_networks(self._case)
        if self._in_graph:
            optimizers = [tf.compat.v1.train.AdamOptimizer(*ADAM.values()) for _ in range(2)]
        noise = tfgan.normal([NOISE_DIMS])
        model = tfgan.gan_model(generator, discriminator, make_dataset(self._case), noise)
        loss = tfgan.gan_loss(
            model,
            tfgan.losses.modified_generator_loss,
            tfgan.losses.modified_discriminator_loss,
        )
        schedule = tfgan.get_joint_train_hooks if self._joint else tfgan.get_sequential_train_hooks
        tfgan.gan_train(
            tfgan.gan_train_ops(model, loss, *optimizers),
            logdir=None,
            get_hooks_fn=schedule(tfgan.GANTrainSteps(*self._case.steps)),
            hooks=[
                tfgan.LossLoggingHook(100, log=lambda line: None),
                tfgan.NanGuardHook(),
                self._slices,
            ],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            jit_compile=self._jit_compile,
        )


class _Slices(tfgan.TrainingHook):
    """Waits for a number of rounds to run, times them, and tells; stops training at None."""

    def __init__(self):
        self.asked: queue.Queue[int | None] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()
        self._session: Any = None
        self._end = 0
        self._start = 0.0

    def decisions(self) -> str:
        found = getattr(getattr(self._session, "jit", None), "decisions", {})
        return ", ".join(
            f"{name}: XLA {'on' if how['jit_compile'] else 'off'}{', one pass' * how['one_pass']}"
            for name, how in found.items()
        )

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._session = session
        self._begin(0)

    def next_due(self, global_step: int) -> int:
        return self._end

    def after_round(self, run_context: Any, global_step: int) -> None:
        if global_step >= self._end:
            self.answers.put(time.perf_counter() - self._start)
            if not self._begin(global_step):
                run_context.request_stop()

    def _begin(self, global_step: int) -> bool:
        rounds = self.asked.get()
        if rounds is None:
            return False
        self._end = global_step + rounds
        self._start = time.perf_counter()
        return True
