"""Workers save together: all have saved, or all know that one could not."""

import concurrent.futures
import threading

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.train.worker_checkpoints import WorkerCheckpoints
from tfgan_lite.train.workers import Workers


class ThreadWorkers(Workers):
    """Workers that are threads of this process."""

    def __init__(self, index, numbers, barrier):
        self.count, self.index, self.is_chief = len(numbers), index, index == 0
        self._numbers, self._barrier = numbers, barrier

    def gather(self, number):
        self._numbers[self.index] = number
        self._barrier.wait()
        found = np.array(self._numbers)
        self._barrier.wait()  # Until all have read.
        return found


def two_workers(logdir):
    """Checkpoints of a chief and another worker, each with its own data."""
    numbers, barrier = [0, 0], threading.Barrier(2, timeout=20)
    made = []
    for index in range(2):
        data = iter(tf.data.Dataset.range(10))
        checkpoint = tf.train.Checkpoint(number=tf.Variable(0.0))
        workers = ThreadWorkers(index, numbers, barrier)
        made.append(WorkerCheckpoints(checkpoint, str(logdir), [data], workers, max_to_keep=5))
    return made


def save(workers, number):
    """Saves on both at once; gives the futures of what each returned or raised."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [pool.submit(each.save, number) for each in workers]


def unwritable(folder):
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in the folder's place")


def test_all_raise_where_one_cannot_write_its_position_and_the_chief_writes_nothing(tmp_path):
    workers = two_workers(tmp_path)
    save(workers, 1)
    unwritable(tmp_path / "worker_1")
    chief, other = save(workers, 2)
    with pytest.raises(OSError, match="another worker cannot write"):
        chief.result()
    with pytest.raises((OSError, tf.errors.OpError), match="worker_1"):
        other.result()
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-1")


def test_all_raise_where_the_chief_cannot_write_and_ask_each_other_the_same_afterwards(
    tmp_path, monkeypatch
):
    def fail(*args, **kwargs):
        raise OSError("the disk is full")

    workers = two_workers(tmp_path)
    save(workers, 1)
    monkeypatch.setattr(workers[0].checkpoint, "_write", fail)
    chief, other = save(workers, 2)
    with pytest.raises(OSError, match="disk is full"):
        chief.result()
    with pytest.raises(OSError, match="another worker cannot write"):
        other.result()
    monkeypatch.undo()
    for each in save(workers, 3):
        each.result()
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-3")


def test_a_worker_that_fails_removes_nothing_of_the_chiefs(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("the temporary folder is full")

    workers = two_workers(tmp_path)
    monkeypatch.setattr(workers[1].checkpoint, "_write", fail)
    for each in save(workers, 1):
        assert isinstance(each.exception(), OSError)
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-1")
