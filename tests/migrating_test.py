"""The programs of docs/migrating_from_tfgan.md run, as graphs and in TF2, for a few steps."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "migrating_from_tfgan.md"
PROGRAMS = dict(
    re.findall(
        r"<!-- program: ([\w ]+) -->\n```python\n(.*?)```",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL,
    )
)
# Noise of MNIST's shape and type: a test downloads nothing.
MNIST = """
import numpy as np
import tensorflow

_images = np.random.default_rng(0).integers(0, 256, [1100, 28, 28]).astype(np.uint8)
_labels = np.zeros([1100], np.uint8)
for _keras in (tensorflow.keras, tensorflow.compat.v1.keras):
    _keras.datasets.mnist.load_data = lambda: ((_images, _labels), (_images, _labels))
"""
FEWER = {"last_step=5000": "last_step=2", "last_step=10_000": "last_step=4", "=2500": "=2"}


def run(folder, *names):
    program = "".join(PROGRAMS[name] for name in names).replace("shuffle(10_000", "shuffle(100")
    for many, few in FEWER.items():
        program = program.replace(many, few)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    environment.pop("TF_USE_LEGACY_KERAS", None)
    if "tf.layers" in program:  # As the page says.
        environment["TF_USE_LEGACY_KERAS"] = "1"
    command = [sys.executable, "-c", MNIST + program]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_has_three_programs_in_both_forms():
    both = [
        f"{program} {form}" for program in ("mnist", "wgan", "infogan") for form in ("graph", "tf2")
    ]
    assert list(PROGRAMS) == [*both, "estimator"]


@pytest.mark.parametrize(
    "name",
    ["wgan graph"]
    + [pytest.param(name, marks=pytest.mark.slow) for name in ("mnist graph", "infogan graph")]
    + [pytest.param(name, marks=pytest.mark.slow) for name in ("mnist tf2", "infogan tf2")],
)
def test_a_program_trains(name, tmp_path):
    run(tmp_path, name)
    assert list(tmp_path.glob("runs/*/*2.index"))  # A checkpoint of the last step.


@pytest.mark.slow
def test_what_the_estimator_did_goes_on_from_a_program(tmp_path):
    printed = run(tmp_path, "wgan tf2", "estimator")
    assert "{4: " in printed  # Metrics of the fourth step alone.
    assert "(168, 168, 1)" in printed
    assert list(tmp_path.glob("runs/wgan_tf2/*-4.index"))


def test_a_graph_program_differs_from_tf_gan_s_by_its_import_alone():
    for name, program in PROGRAMS.items():
        if name.endswith("graph"):
            ours = [line for line in program.splitlines() if "tfgan_lite" in line]
            assert ours == ["import tfgan_lite as tfgan  # Was: import tensorflow_gan as tfgan"]
