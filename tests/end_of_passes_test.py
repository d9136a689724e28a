"""Passes over datasets end without anybody waiting for them."""

import threading

import tensorflow as tf

from tfgan_lite import end_of_passes


def test_a_thread_that_takes_longer_ends_all_passes_nevertheless(monkeypatch):
    ended, errors = threading.Event(), []
    forget = end_of_passes._forget

    def forget_later(queue, count):
        returned.wait(20)
        forget(queue, count)
        ended.set()

    returned = threading.Event()
    monkeypatch.setattr(end_of_passes, "_SECONDS", 0)
    monkeypatch.setattr(end_of_passes, "_forget", forget_later)
    monkeypatch.setattr(threading, "excepthook", errors.append)
    passes = {name: iter(tf.data.Dataset.range(3)) for name in ("real", "noise")}
    end_of_passes.end_passes(passes)
    returned.set()
    assert ended.wait(20), errors
    assert not passes
