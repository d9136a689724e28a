"""The BUILD files name every Python file of their folder, and no file that is gone."""

import pathlib
import re

import pytest

# Under Bazel this file is a link into the source tree, and it is the source tree that we check.
ROOT = pathlib.Path(__file__).resolve().parents[1]
# Folders that tools make; so are those that start with a dot or with "bazel-".
GENERATED = {"build", "dist", "runs", "__pycache__"}


def _is_source(path: pathlib.Path) -> bool:
    folders = path.relative_to(ROOT).parts[:-1]
    return not any(f in GENERATED or f.startswith((".", "bazel-")) for f in folders)


def _folders() -> list[str]:
    files = [*ROOT.rglob("*.py"), *ROOT.rglob("BUILD")]
    return sorted({str(f.parent.relative_to(ROOT)) for f in files if _is_source(f)})


def _named_in(build: pathlib.Path) -> set[str]:
    text = re.sub(r"(?m)^\s*#.*|^load\(.*", "", build.read_text(encoding="utf-8"))
    # A pytest_test is called by its file's name without ".py".
    tests = (f"{name}.py" for name in re.findall(r'"(\w+_test)"', text))
    return {*re.findall(r'"(\w+\.py)"', text), *tests}


def test_the_source_tree_was_found():
    assert {".", "tfgan_lite", "tests"} <= set(_folders())


@pytest.mark.parametrize("folder", _folders())
def test_build_file_names_the_python_files(folder):
    build = ROOT / folder / "BUILD"
    assert build.is_file(), f"{folder} has Python files and no BUILD file"
    named, there = _named_in(build), {path.name for path in build.parent.glob("*.py")}
    assert not there - named, f"{folder}/BUILD names no target for {sorted(there - named)}"
    assert not named - there, f"{folder}/BUILD names {sorted(named - there)}, which do not exist"
