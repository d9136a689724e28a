"""Ctrl-C and SIGTERM, sent to a real process that trains."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tfgan_lite.train.interruption import awaited_interruption

PROGRAM = """
import sys
import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, in_world, noise_of, real_of, same_batch


class Telling(tfgan.TrainingHook):
    def after_round(self, run_context, global_step):
        print("round", global_step, flush=True)

    def end(self, session):
        print("end", flush=True)


world, logdir, rounds = sys.argv[1:]
with in_world(world):
    gan = LinearGAN(same_batch(real_of), same_batch(noise_of))
    gan.train(int(rounds), logdir, hooks=[Telling()], save_checkpoint_secs=600)
print("finished", flush=True)
"""
both_worlds = pytest.mark.parametrize(
    "world", [pytest.param("graph", marks=pytest.mark.slow), "TF2"]
)


def start(world, logdir, rounds):
    """A process that trains, with its output as a file of lines."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, world, str(logdir), str(rounds)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupt_in_round_3(process, number):
    for line in process.stdout:
        if line == "round 3\n":
            break
    process.send_signal(number)
    return process.communicate()


@both_worlds
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="Ctrl-C", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, id="SIGTERM"),
    ],
)
def test_an_interrupted_run_saves_and_goes_on_in_the_next(world, number, tmp_path):
    process = start(world, tmp_path, 10**9)
    output, errors = interrupt_in_round_3(process, number)
    told = re.search(rf"Stopped by {number.name} after round (\d+); saved in .*run", errors)
    assert told, errors
    assert process.returncode == {signal.SIGINT: -signal.SIGINT, signal.SIGTERM: 143}[number]
    assert "finished" not in output
    resumed, _ = start(world, tmp_path, 1).communicate()
    assert resumed.startswith(f"round {int(told[1]) + 1}\n")


def test_a_second_signal_stops_at_once():
    # What runs the tests may have Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with awaited_interruption() as interruption:
            os.kill(os.getpid(), signal.SIGINT)
            assert interruption
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_are_afterwards_what_they_were():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with awaited_interruption() as interruption:
        assert not interruption
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
