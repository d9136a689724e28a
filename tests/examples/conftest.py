"""Runs the example's programs, each in a process of its own, and makes the runs that tests read."""

import json
import os
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from sklearn import datasets

REPOSITORY = pathlib.Path(__file__).parents[2]

# Importing TensorFlow takes longer than most of these runs. So one process imports it once, and
# each run is a fork of that process in which the program starts as `python -m` would start it.
_SERVER = """
import json, os, runpy, sys
import tensorflow, tensorflow_probability, tfgan_lite

for line in sys.stdin:
    request = json.loads(line)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    for stream, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    code = 0
    try:
        for hidden in request["hidden_modules"]:
            sys.modules[hidden] = None
        sys.argv = [request["program"], *request["flags"]]
        runpy.run_module(request["program"], run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
"""


class Programs:
    """Runs examples.mnist_gan's programs.

    Args:
      folder: For the programs' output.
    """

    def __init__(self, folder):
        # With one thread sums have one order, however busy the machine is: tests compare pixels.
        settings = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1"}
        environment = os.environ | settings | {"CUDA_VISIBLE_DEVICES": "-1"}
        self._folder = folder
        self._server = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment,
        )

    def __call__(self, program, *flags, hidden_modules=()):
        """Returns a program's exit code, its stdout and its stderr."""
        request = {
            "program": program if "." in program else f"examples.mnist_gan.{program}",
            "flags": [str(flag) for flag in flags],
            "hidden_modules": list(hidden_modules),
            "stdout": str(self._folder / "stdout"),
            "stderr": str(self._folder / "stderr"),
        }
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        return code, *((self._folder / name).read_text() for name in ("stdout", "stderr"))

    def succeed(self, program, *flags):
        """Runs a program that must succeed, and returns its stdout."""
        code, stdout, stderr = self(program, *flags)
        assert code == 0, stderr
        return stdout

    def fail(self, program, *flags, hidden_modules=()):
        """Runs a program that must refuse what the user gave, and returns what it says."""
        code, _, stderr = self(program, *flags, hidden_modules=hidden_modules)
        assert code in (1, 2), (code, stderr)
        assert "Traceback" not in stderr
        return re.sub(r"\s+", " ", stderr)

    def close(self):
        self._server.stdin.close()
        self._server.wait()


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    programs = Programs(tmp_path_factory.mktemp("output"))
    yield programs
    programs.close()


@pytest.fixture(scope="session", params=["tf2", pytest.param("graph", marks=pytest.mark.slow)])
def run(request, programs, tmp_path_factory):
    """The folder of a short training run, in either world."""
    folder = tmp_path_factory.mktemp(request.param)
    world = "--graph_mode" if request.param == "graph" else "--jit_compile=false"
    programs.succeed("train", f"--logdir={folder}", "--max_number_of_steps=3", "--seed=5", world)
    return folder


# Each kind of GAN and each preset, in both worlds; what does not differ between them is cheap here:
# few images to learn from, to draw and to compare with.
_SHORT_RUNS = [
    pytest.param((gan_type, preset, world), id=f"{gan_type}-{preset}-{world}")
    for gan_type, preset in (
        ("conditional", "default"),
        ("acgan", "default"),
        ("infogan", "default"),
        ("unconditional", "r3gan"),
    )
    for world in ("tf2", "graph")
]


class FewDigits(NamedTuple):
    """Data of which scores are cheap."""

    path: pathlib.Path

    @property
    def flags(self):
        """Those of a program that trains on them, in small batches."""
        return ("--dataset=npz", f"--data_path={self.path}", "--batch_size=8")


@pytest.fixture(scope="session")
def few_digits(tmp_path_factory):
    """An npz file with 40 labelled digits."""
    small, labels = datasets.load_digits(return_X_y=True)
    images = np.zeros([40, 28, 28], np.uint8)
    images[:, 2:26, 2:26] = np.kron(small[:40].reshape(-1, 8, 8) * 15, np.ones([3, 3]))
    path = tmp_path_factory.mktemp("data") / "few.npz"
    np.savez(path, x_train=images, y_train=labels[:40])
    return FewDigits(path)


@pytest.fixture(scope="session", params=_SHORT_RUNS)
def kind_run(request, programs, few_digits, tmp_path_factory):
    """The folder of a short run of one kind of GAN or preset, in either world."""
    gan_type, preset, world = request.param
    folder = tmp_path_factory.mktemp(f"{gan_type}_{preset}_{world}")
    programs.succeed(
        "train",
        f"--logdir={folder}",
        f"--gan_type={gan_type}",
        f"--preset={preset}",
        *few_digits.flags,
        # After a few rounds only does the average begin to be another than the weights.
        f"--max_number_of_steps={8 if preset == 'r3gan' else 2}",
        "--seed=5",
        "--graph_mode" if world == "graph" else "--jit_compile=false",
    )
    return folder
