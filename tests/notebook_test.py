"""The tutorial's notebook runs in a kernel, as a reader runs it, and holds the page's program."""

import os
import pathlib
import re
import sys

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHOWN = "from IPython.display import Image"  # What a page needs no program for.


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def notebook():
    return nbformat.read(ROOT / "examples" / "tutorial.ipynb", as_version=4)


def test_it_holds_the_tutorials_program_and_no_outputs(notebook):
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    programs = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    sources = [cell.source for cell in code_cells(notebook)]
    assert [s.strip() for s in sources if SHOWN not in s] == [p.strip() for p in programs]
    assert not any(cell.outputs for cell in code_cells(notebook))


@pytest.mark.slow
def test_it_runs_in_a_kernel_and_shows_what_was_drawn(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, sys.path)))
    for cell in code_cells(notebook):
        cell.source = cell.source.replace("3000", "20")
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, timeout=600, startup_timeout=300, kernel_name="python3", resources=place
    ).execute()
    printed = "".join(
        output.text
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "stream"
    )
    assert "round 20" in printed and "Stopped at round 20" in printed
    [picture] = [output for output in code_cells(notebook)[-1].outputs if "data" in output]
    assert "image/png" in picture.data
