"""Rows that come in batches are one array, in memory or in a file."""

import errno
import os
import pathlib
import re

import numpy as np
import pytest

from tfgan_lite.eval.rows import Rows, release, take

BATCHES = np.split(np.arange(9000.0, dtype=np.float32).reshape([3000, 3]), [10, 11, 2500])


def filled(count, in_memory):
    rows = Rows(count, in_memory)
    for batch in BATCHES:
        rows.append(batch)
    return rows.result()


def mapped_files():
    """How many files without a name this process has mapped."""
    return pathlib.Path("/proc/self/maps").read_text().count("(deleted)")


@pytest.mark.parametrize("count", [3000, None], ids=["known", "unknown"])
@pytest.mark.parametrize("in_memory", [0, 2**30], ids=["file", "memory"])
def test_all_rows_are_there_in_their_order(count, in_memory):
    np.testing.assert_array_equal(filled(count, in_memory), np.concatenate(BATCHES))


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="needs Linux's /proc")
def test_many_rows_are_in_a_file_that_is_gone_with_them():
    before = mapped_files()
    assert filled(3000, 36_000).nbytes == 36_000 and mapped_files() == before
    rows = filled(3000, 35_999)
    assert mapped_files() == before + 1
    del rows
    assert mapped_files() == before


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps"), reason="needs Linux's /proc")
def test_released_rows_take_no_memory_and_are_as_before():
    rows = filled(3000, 0)
    total = rows.sum()
    assert resident_kilobytes() > 0
    release(rows[5:], np.ones(3))
    assert resident_kilobytes() == 0
    assert rows.sum() == total and resident_kilobytes() > 0


def test_rows_are_taken_in_any_order():
    which = np.random.default_rng(0).integers(0, 3000, 200)
    for in_memory in (0, 2**30):
        np.testing.assert_array_equal(take(filled(3000, in_memory), which), filled(3000, 0)[which])


def resident_kilobytes():
    """How much of a mapped file without a name is in memory."""
    maps = pathlib.Path("/proc/self/smaps").read_text()
    return int(re.search(r"\(deleted\)\n(?:.*\n)*?Rss: +(\d+) kB", maps)[1])


def test_without_room_for_a_file_they_are_in_memory(monkeypatch):
    def full(*unused):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    np.testing.assert_array_equal(filled(3000, 0), np.concatenate(BATCHES))
