"""The programs of the README and of docs/ run as printed, the README's first in both worlds."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


def _programs(page: str = "README.md", kind: str = "python") -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def _in_a_graph(program: str) -> str:
    body = program.replace("\n", "\n    ")
    return f"import tensorflow\nwith tensorflow.Graph().as_default():\n    {body}"


@pytest.mark.parametrize("world", [str, _in_a_graph], ids=["tf2", "graph"])
def test_the_program_runs_as_printed(world, tmp_path):
    done = _run(world(_programs()[0]), tmp_path)
    assert "(100, 8, 8, 1)" in done.stdout


def test_the_later_programs_go_on_from_the_first(tmp_path):
    _run("\n".join(_programs()), tmp_path)


@pytest.mark.parametrize("page", ["docs/schedules.md", "docs/hooks.md", "docs/keras.md"])
def test_the_programs_of_a_page_go_on_from_the_readmes_first(page, tmp_path):
    first = _programs()[0].replace("last_step=3000", "last_step=10")
    done = _run("\n".join([first, *_programs(page)]), tmp_path)
    for printed in _programs(page, "text"):
        assert printed in done.stdout


def _run(program: str, folder: pathlib.Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", program]
    # Under Bazel the package is on this process's path only.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_the_program_has_about_thirty_lines():
    lines = [line for line in _programs()[0].splitlines() if line.strip()]
    assert len(lines) <= 35
