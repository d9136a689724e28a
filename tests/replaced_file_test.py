"""A file that is replaced is whole, or is as it was."""

import pytest

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
