"""The BUILD files name every Python file, no file that is gone, and all that a file imports."""

import ast
import collections
import functools
import pathlib
import re
from typing import NamedTuple

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


class _Target(NamedTuple):
    files: set[str]
    deps: set[str]
    runs: bool


def _absolute(label: str, folder: str) -> str:
    """//a/b:b of //a/b or, in the folder a/b, of :b."""
    if label.startswith(":"):
        return f"//{folder}{label}"
    return label if ":" in label else f"{label}:{label.rsplit('/', 1)[-1]}"


@functools.cache
def _targets() -> dict[str, _Target]:
    """The targets of Python rules, by label. What we write in BUILD files is Python as well."""
    targets = {}

    def add(kind, folder, *, name, srcs=(), files=(), deps=(), **_):
        files = [name] if kind == "pytest_test" else files
        srcs = [*srcs, *(f"{file}.py" for file in files)]
        targets[f"//{folder}:{name}"] = _Target(
            {str(pathlib.PurePath(folder, file)) for file in srcs},
            {_absolute(label, folder) for label in deps},
            runs=kind != "py_library",
        )

    for folder in _folders():
        place = "" if folder == "." else folder
        rules = collections.defaultdict(lambda: lambda *_, **__: [])
        for kind in ("py_library", "py_binary", "pytest_test", "pytest_tests"):
            rules[kind] = functools.partial(add, kind, place)
        exec((ROOT / folder / "BUILD").read_text(encoding="utf-8"), rules)
    return targets


def _brought_by(label: str) -> set[str]:
    """The files of a target and of all that it depends on."""
    files, seen, labels = set(), set(), [label]
    while labels:
        label = labels.pop()
        if label in _targets() and label not in seen:
            seen.add(label)
            files |= _targets()[label].files
            labels.extend(_targets()[label].deps)
    return files


@functools.cache
def _imported_by(file: str) -> set[str]:
    """The project's own files that a Python file imports."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    places = [name.replace(".", "/") for name in names]
    files = {f"{place}{end}" for place in places for end in (".py", "/__init__.py")}
    return {file for file in files if (ROOT / file).is_file()}


@pytest.mark.parametrize("label", [label for label, target in _targets().items() if target.runs])
def test_what_runs_depends_on_all_that_is_imported(label):
    files = _brought_by(label)
    missing = set().union(*map(_imported_by, files)) - files
    assert not missing, f"{label} has no deps that bring {sorted(missing)}"
