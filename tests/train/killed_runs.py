"""Kills real processes that train, at random moments, and starts them again.

    python -m tests.train.killed_runs KILLS FOLDER

Importing TensorFlow takes longer than the training: so one process imports, does nothing with it,
and forks the processes that train. Each tells through a pipe from which round it goes on and which
rounds it finished. The last one is not killed, goes on for a while, and is compared with one that
had a logdir of its own and was never disturbed.
"""

from __future__ import annotations

import os
import random
import re
import select
import signal
import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.train.linear_gan import BATCH, LinearGAN

NO_END = 10**9


class Tell(tfgan.TrainingHook):
    """Writes "from ROUND" and then each ROUND to a pipe."""

    def __init__(self, pipe: int):
        self._pipe = pipe

    def after_create_session(self, session: Any, coord: Any) -> None:
        os.write(self._pipe, f"from {self.run.initial_step}\n".encode())

    def after_round(self, run_context: Any, global_step: int) -> None:
        os.write(self._pipe, f"{global_step}\n".encode())


def train(logdir: str, pipe: int, last_step: int, output: str) -> None:
    """Trains to a round, and writes what came of it."""
    numbers = np.arange(5 * BATCH, dtype=np.float32)[:, np.newaxis] / 8
    data = tf.data.Dataset.from_tensor_slices(numbers).shuffle(5 * BATCH, seed=1).repeat()
    noise = tfp.distributions.Normal(tf.zeros([1]), 1.0)
    gan = LinearGAN(
        data.batch(BATCH, drop_remainder=True), noise, lambda: tf.keras.optimizers.Adam(0.01)
    )
    stop = tfgan.StopAtStepHook(last_step=last_step)
    gan.train(None, logdir, hooks=[Tell(pipe), stop], save_checkpoint_steps=5, max_to_keep=2)
    slots = [v.numpy() for optimizer in gan.optimizers for v in optimizer.variables]
    np.savez(output, *[w.numpy() for w in gan.weights.values()], *slots)


def started(logdir: str, last_step: int, output: str = "") -> tuple[int, Any]:
    """A process that trains, and its lines."""
    read, write = os.pipe()
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        os.close(read)
        try:
            train(logdir, write, last_step, output)
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    os.close(write)
    return process, os.fdopen(read)


def newest(logdir: str) -> int:
    """The round of the newest checkpoint that the folder lists; 0 if there is none."""
    path = tf.train.latest_checkpoint(logdir)
    return int(re.search(r"ckpt-(\d+)$", path)[1]) if path else 0


def first_round(lines: Any) -> int:
    """The round that a process goes on from."""
    line = lines.readline()
    if not line.startswith("from "):
        raise AssertionError(f"The process did not start: {line!r}")
    return int(line.split()[1])


def kill_at_random(kills: int, logdir: str) -> None:
    """Starts and kills processes; every one goes on from the newest checkpoint."""
    draw = random.Random(0)
    beginning = 1.0  # Seconds until a process trains.
    seen = []
    for _ in range(kills):
        expected, clock = newest(logdir), time.monotonic()
        process, lines = started(logdir, NO_END)
        if draw.random() < 0.2:  # While it starts and restores.
            select.select([], [], [], draw.uniform(0, beginning))
        else:
            seen.append(first_round(lines))
            beginning = time.monotonic() - clock
            if seen[-1] != expected:
                raise AssertionError(f"Went on from round {seen[-1]}, not from {expected}.")
            for _ in range(draw.randint(1, 60)):
                lines.readline()
            select.select([], [], [], draw.uniform(0, 0.03))  # Into a round, or into a save.
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        lines.close()
        if not os.WIFSIGNALED(status):
            raise AssertionError(f"The process ended by itself: {status}.")
    print("went on from", *seen)


def finish(logdir: str, last_step: int, output: str) -> None:
    """A process that is not disturbed."""
    process, lines = started(logdir, last_step, output)
    for _ in lines:
        pass
    _, status = os.waitpid(process, 0)
    if status:
        raise AssertionError(f"The process ended with {status}.")


def main(kills: str, folder: str) -> None:
    """Writes killed.npz and undisturbed.npz."""
    logdir = os.path.join(folder, "killed")
    kill_at_random(int(kills), logdir)
    last_step = newest(logdir) + 50
    for name in ("killed", "undisturbed"):
        finish(os.path.join(folder, name), last_step, os.path.join(folder, f"{name}.npz"))


if __name__ == "__main__":
    main(*sys.argv[1:])
