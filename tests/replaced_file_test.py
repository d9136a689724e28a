"""A file that is replaced is whole, or is as it was."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.replaced_file import replaced_file


def test_what_was_written_takes_the_files_place(tmp_path):
    path = tmp_path / "new" / "file"
    for content in (b"first", b"second"):
        with replaced_file(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_after_an_exception_the_file_is_as_it_was_and_nothing_is_beside_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"whole")
    with pytest.raises(RuntimeError), replaced_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_other_file_systems_are_replaced_there(tmp_path, monkeypatch):
    """ram:// is TensorFlow's file system in memory."""
    monkeypatch.chdir(tmp_path)
    path = "ram://replaced_file_test/new/file"
    for content in (b"first", b"second"):
        with replaced_file(path) as file:
            file.write(content)
        assert tf.io.gfile.GFile(path, "rb").read() == content
    assert tf.io.gfile.listdir("ram://replaced_file_test/new") == ["file"]
    assert not list(tmp_path.iterdir())


def test_numpy_writes_its_archives_to_it(tmp_path):
    path = tmp_path / "file.npz"
    with replaced_file(path) as file:
        np.savez(file, numbers=np.arange(5))
    with np.load(path) as archive:
        np.testing.assert_array_equal(archive["numbers"], [0, 1, 2, 3, 4])


def test_where_the_file_cannot_take_its_place_nothing_is_beside_it(tmp_path):
    path = tmp_path / "file"
    path.mkdir()
    with pytest.raises(tf.errors.OpError), replaced_file(path) as file:
        file.write(b"whole")
    assert list(tmp_path.iterdir()) == [path]
