"""Runs a function in new processes: on logical CPUs, or as the workers of a cluster.

A CPU can be split only before TensorFlow is first used, and a worker is a process. So a test of a
strategy names a function at the top level of a module; what it returns comes back pickled. All
processes are forks of one that has imported TensorFlow, which takes longer than most of them.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import pathlib
import pickle
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from typing import Any

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tensorflow"])

Function = Callable[..., Any]


def on_two_replicas(function: Function, *args: Any, **environment: str) -> Any:
    """What `function(strategy, *args)` returns under a MirroredStrategy of two logical CPUs."""
    return on_replicas(2, function, *args, **environment)


def on_replicas(replicas: int, function: Function, *args: Any, **environment: str) -> Any:
    """What `function(strategy, *args)` returns under a MirroredStrategy of logical CPUs.

    An error there fails the test here, with what the process printed.

    Args:
      replicas: how many parts the CPU is split into; 1 for a OneDeviceStrategy.
      function: a function at the top level of a module.
      *args: what it gets besides the strategy; can be pickled.
      **environment: further variables of the process's environment.
    """
    with started(_under_a_strategy, replicas, function, *args, **environment) as process:
        return process.result()


@contextlib.contextmanager
def on_workers(
    workers: int, function: Function, *args: Any, **environment: str
) -> Iterator[list[Process]]:
    """Processes on this machine in each of which a worker calls `function(strategy, *args)`.

    The strategy is a MultiWorkerMirroredStrategy of one CPU for each worker.
    """
    addresses = free_addresses(workers)
    with contextlib.ExitStack() as stack:
        processes = []
        for index in range(workers):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": {"worker": addresses}, "task": task})
            worker = started(_under_a_strategy, 0, function, *args, TF_CONFIG=config, **environment)
            processes.append(stack.enter_context(worker))
        yield processes


def free_addresses(count: int) -> list[str]:
    """Addresses on this machine that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [f"localhost:{each.getsockname()[1]}" for each in sockets]


@contextlib.contextmanager
def started(function: Function, *args: Any, **environment: str) -> Iterator[Process]:
    """A process that calls `function(*args)`, and that ends with the context at the latest."""
    with tempfile.TemporaryDirectory() as folder:
        process = Process(pathlib.Path(folder), function, args, environment)
        try:
            yield process
        finally:
            process.kill()


class Process:
    """A process that calls a function; see `started`."""

    def __init__(self, folder: pathlib.Path, function: Function, args: Any, environment: Any):
        self._folder = folder
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **environment}
        self._process = _forks.Process(
            target=_call, args=(str(folder), environment, function, *args), daemon=True
        )
        self._process.start()

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        self._process.join()
        return self._process.exitcode

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return (self._folder / "output").read_text(encoding="utf-8")

    def result(self) -> Any:
        """What the function returned; an error there is an error here."""
        assert self.wait() == 0, self.output
        return pickle.loads((self._folder / "result").read_bytes())

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends it at once, if it still runs."""
        self._process.kill()
        self._process.join()


def _call(folder: str, environment: dict[str, str], function: Function, *args: Any) -> None:
    output = os.open(os.path.join(folder, "output"), os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        found = function(*args)
        with open(os.path.join(folder, "result"), "wb") as file:
            pickle.dump(found, file)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # The threads of a strategy's all-reduces can keep a process from ending.


def _under_a_strategy(replicas: int, function: Function, *args: Any) -> Any:
    import tensorflow as tf

    # An all-reduce waits for the other replicas', so each needs threads of its own.
    tf.config.threading.set_inter_op_parallelism_threads(16)
    # Only one strategy in a process: two would number their all-reduces alike.
    if replicas == 0:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif replicas == 1:
        strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    else:
        parts = [tf.config.LogicalDeviceConfiguration()] * replicas
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, parts)
        strategy = tf.distribute.MirroredStrategy([f"/cpu:{i}" for i in range(replicas)])
    return function(strategy, *args)
