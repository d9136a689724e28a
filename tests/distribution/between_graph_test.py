"""TF1's own way to several machines: workers with a graph each, and a parameter server."""

import json
import subprocess
import sys

import pytest

ROUNDS = 4  # Of each of two workers.


def run(kind):
    done = subprocess.run(
        [sys.executable, "-m", "tests.distribution.between_graph", kind],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.strip(), done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_workers_update_the_same_weights_each_at_its_own_pace():
    found = run("async")
    assert found["rounds"] == [ROUNDS, ROUNDS] and found["global_step"] == 2 * ROUNDS
    assert found["generator_updates"] == found["discriminator_updates"] == 2 * ROUNDS


@pytest.mark.slow
def test_sync_replicas_make_one_update_of_both_workers_gradients():
    found = run("sync")
    updates = [found["generator_updates"], found["discriminator_updates"]]
    assert found["rounds"][0] == ROUNDS  # Which the chief alone could not do.
    assert (
        1 <= min(updates) and max(updates) <= (sum(found["rounds"]) + 2) / 2
    )  # 2 may be under way.
