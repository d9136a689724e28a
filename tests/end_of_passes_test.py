"""Passes over datasets that nobody needs any more end."""

import threading

import pytest
import tensorflow as tf

from tfgan_lite.end_of_passes import end_passes


@pytest.mark.parametrize("eagerly", [False, True], ids=["compiled", "eagerly"])
def test_all_passes_end_without_an_error(eagerly, monkeypatch):
    errors = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    passes = {i: iter(tf.data.Dataset.range(3)) for i in range(2)}
    tf.config.run_functions_eagerly(eagerly)
    try:
        before = set(threading.enumerate())
        end_passes(passes)
        for thread in set(threading.enumerate()) - before:
            thread.join(10.0)
    finally:
        tf.config.run_functions_eagerly(False)
    assert not passes and not errors
