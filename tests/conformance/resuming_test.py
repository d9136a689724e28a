"""Ten rounds equal five, a new process and five more, bit for bit: every model and schedule."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.conformance.resuming import CASES


def train(rounds, output, logdir=None):
    """A process's results by case and name."""
    arguments = [str(rounds), str(output), *([str(logdir)] if logdir else [])]
    subprocess.run(
        [sys.executable, "-m", "tests.conformance.resuming", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
    )
    results = {}
    with np.load(output, allow_pickle=False) as file:
        for key in file.files:
            case, name = key.split("|", 1)
            results.setdefault(case, {})[name] = file[key]
    return results


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Without a stop, and the two parts of one with a stop."""
    folder = tmp_path_factory.mktemp("resuming")
    whole = train(10, folder / "whole.npz")
    first = train(5, folder / "first.npz", folder / "logs")
    return whole, first, train(5, folder / "second.npz", folder / "logs")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_run_that_a_new_process_resumes_equals_one_that_was_not_stopped(runs, case):
    whole, first, second = (run[case] for run in runs)
    for name, value in whole.items():
        if name.startswith(("state", "samples")):
            np.testing.assert_array_equal(second[name], value, err_msg=name)
        else:  # All that was reported, in order.
            parts = [run[name] for run in (first, second) if name in run]
            np.testing.assert_array_equal(np.concatenate(parts), value, err_msg=name)
