"""SIGKILL at any moment loses no checkpoint, and changes nothing of the result."""

import os
import subprocess
import sys

import numpy as np
import pytest


@pytest.mark.slow
def test_a_run_that_is_killed_fifty_times_ends_as_one_that_is_not(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.killed_runs", "50", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rounds = [int(number) for number in done.stdout.removeprefix("went on from").split()]
    assert rounds == sorted(rounds)
    assert len(set(rounds)) > 10  # They did train in between.
    with np.load(tmp_path / "killed.npz") as killed, np.load(tmp_path / "undisturbed.npz") as other:
        assert killed.files == other.files
        for name in killed.files:
            np.testing.assert_array_equal(killed[name], other[name])
