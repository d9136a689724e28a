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


@pytest.mark.parametrize(
    "world",
    [pytest.param(str, id="tf2"), pytest.param(_in_a_graph, id="graph", marks=pytest.mark.slow)],
)
def test_the_program_runs_as_printed(world, tmp_path):
    done = _run(world(_programs()[0]), tmp_path)
    assert "(100, 8, 8, 1)" in done.stdout


@pytest.mark.slow
def test_the_later_programs_go_on_from_the_first(tmp_path):
    _run("\n".join(_programs()), tmp_path)


# `make docs` makes "api" of the docstrings, so it is there only sometimes.
_TESTED_ELSEWHERE = {"api", "index", "tutorial", "data", "metrics", "migrating_from_tfgan"}
_PAGES = sorted(
    path.stem
    for path in (ROOT / "docs").glob("*.md")
    if "```python" in path.read_text(encoding="utf-8") and path.stem not in _TESTED_ELSEWHERE
)


@pytest.mark.slow
@pytest.mark.parametrize("name", _PAGES)
def test_the_programs_of_a_page_go_on_from_the_readmes_first(name, tmp_path):
    page = f"docs/{name}.md"
    first = _programs()[0].replace("last_step=3000", "last_step=10")
    done = _run("\n".join([first, *_programs(page)]), tmp_path)
    for printed in _programs(page, "text"):
        assert printed in done.stdout


def test_the_first_page_has_the_readmes_first_program():
    assert _programs("docs/index.md") == _programs()[:1]


@pytest.mark.slow
def test_the_tutorials_program_runs_as_printed(tmp_path):
    program = "\n".join(_programs("docs/tutorial.md"))
    _run(program.replace("3000", "20"), tmp_path)
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_programs_of_the_page_on_data_run_on_a_folder_of_photos(tmp_path):
    import numpy as np
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for number in range(16):
        image = np.random.default_rng(number).integers(0, 256, (40, 50, 3), np.uint8)
        Image.fromarray(image).save(tmp_path / "photos" / f"{number}.jpg")
    imports = "import tensorflow as tf, tfgan_lite as tfgan\n"
    done = _run(imports + "\n".join(_programs("docs/data.md")), tmp_path)
    for printed in _programs("docs/data.md", "text"):
        assert printed in done.stdout
    assert "16, 32 x 32, colour" in done.stdout


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
