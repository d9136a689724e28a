"""Every fault of TF-GAN in docs/tfgan_faults.md is forbidden by tests that are there."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/tfgan_faults.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (B\d+) \|.*\| (.*) \|$", PAGE, re.MULTILINE))


def _names_in(file: pathlib.Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {name.removeprefix("test_") for name in functions if name.startswith("test_")}


def test_each_fault_is_listed_once():
    gone = re.findall(r"B\d+", PAGE.rpartition("Gone with")[2])
    numbers = sorted(int(name[1:]) for name in [*ROWS, *gone])
    assert numbers == list(range(1, 59))


@pytest.mark.parametrize("fault", ROWS)
def test_a_fault_is_forbidden_by_tests_that_are_there(fault):
    named = re.findall(r"`([\w/]+)::(\w+)`", ROWS[fault])
    assert named
    for file, test in named:
        assert test in _names_in(ROOT / f"tests/{file}.py"), f"{file}.py has no test_{test}"
