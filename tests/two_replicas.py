"""Runs a function in a new process with two logical CPUs.

A CPU can be split only before TensorFlow is first used, and so a test of two replicas needs a
process of its own. The function is named by its module and gets a MirroredStrategy; what it returns
comes back pickled.
"""

import importlib
import os
import pickle
import subprocess
import sys
import tempfile


def on_two_replicas(function):
    """What `function(strategy)` returns there.

    An error there fails the test here, with what the process printed.

    Args:
      function: a function at the top level of a module.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.pickle")
        # This process may import from folders that only pytest or Bazel knows of.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-m", __name__, function.__module__, function.__name__, path],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        with open(path, "rb") as file:
            return pickle.load(file)


def _main(module, name, path):
    import tensorflow as tf

    # An all-reduce waits for the other replica's, so each needs threads of its own.
    tf.config.threading.set_inter_op_parallelism_threads(16)
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
    # Only one strategy in a process: two would number their all-reduces alike.
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    result = getattr(importlib.import_module(module), name)(strategy)
    with open(path, "wb") as file:
        pickle.dump(result, file)
    os._exit(0)  # The threads of MirroredStrategy's all-reduces can keep a process from ending.


if __name__ == "__main__":
    _main(*sys.argv[1:])
