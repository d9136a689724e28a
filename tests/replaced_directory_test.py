"""A directory that is replaced is whole, or is as it was."""

import os

import pytest

from tfgan_lite import replaced_directory as module
from tfgan_lite.replaced_directory import replaced_directory


@pytest.fixture
def target(tmp_path):
    """A directory that holds what was written first."""
    path = tmp_path / "folder" / "target"
    write(path, "first")
    return path


def write(path, content):
    with replaced_directory(path) as folder:
        (folder / "file").write_text(content)


def test_what_was_written_takes_the_directorys_place(target):
    write(target, "second")
    assert (target / "file").read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_others_may_read_it_as_they_may_any_new_directory(target):
    (target.parent / "new").mkdir()
    assert target.stat().st_mode == (target.parent / "new").stat().st_mode


def test_after_an_exception_the_directory_is_as_it_was_and_nothing_is_beside_it(target):
    with pytest.raises(RuntimeError), replaced_directory(target) as folder:
        (folder / "file").write_text("half")
        raise RuntimeError
    assert (target / "file").read_text() == "first"
    assert list(target.parent.iterdir()) == [target]


def test_what_killed_processes_leave_is_not_in_the_way(target, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "rmtree", lambda *args, **kwargs: None)
        for _ in range(2):  # In a container each process has the same number.
            with pytest.raises(KeyboardInterrupt), replaced_directory(target):
                raise KeyboardInterrupt
    assert len(list(target.parent.iterdir())) == 3
    write(target, "second")
    assert (target / "file").read_text() == "second"


def test_an_earlier_directory_that_cannot_go_back_is_kept_beside(target, monkeypatch):
    def replace(source, destination):
        if destination == target:
            raise PermissionError("nothing can be renamed to it")
        os.rename(source, destination)

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "replace", replace)
        with pytest.raises(PermissionError):
            write(target, "second")
    (kept,) = target.parent.glob("target.*.tmp/earlier/file")
    assert kept.read_text() == "first"
