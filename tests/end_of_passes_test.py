"""Passes over datasets that nobody needs any more end."""

import gc
import threading

import numpy as np
import pytest
import tensorflow as tf

from tests.train.linear_gan import BATCH, LinearGAN, real_of
from tfgan_lite.end_of_passes import end_passes


class Endless:
    """Real data without end, which notes when nobody reads it any more."""

    def __init__(self):
        self.ended, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()
        spec = tf.TensorSpec([BATCH, 1])
        self.dataset = tf.data.Dataset.from_generator(self._elements, output_signature=spec)

    def _elements(self):
        try:
            while True:
                yield real_of(0)[:, np.newaxis]
        finally:
            self.may_end.wait(60)
            self.ended.set()


@pytest.fixture
def no_garbage_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("jit_compile", [False, "auto"])
def test_a_call_ends_the_passes_over_its_data(jit_compile, no_garbage_collection):
    real = Endless()
    gan = LinearGAN(real=real.dataset)
    gan.train(2, jit_compile=jit_compile)
    assert real.ended.wait(60)


def test_a_pass_ends_though_a_checkpoint_has_its_position(no_garbage_collection):
    data = Endless()
    passes = {"data": iter(data.dataset)}
    next(passes["data"])
    tf.train.Checkpoint(data=[passes["data"]])  # It refers to itself, and so stays.
    end_passes(passes)
    assert data.ended.wait(60)


def test_nobody_waits_for_a_pass_that_is_slow_to_end(monkeypatch):
    errors = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    slow, other = Endless(), Endless()
    slow.may_end.clear()
    passes = {each: iter(each.dataset) for each in (slow, other)}
    assert len([next(each) for each in passes.values()]) == 2
    others = set(threading.enumerate())
    end_passes(passes)
    assert not slow.ended.is_set()
    slow.may_end.set()
    assert slow.ended.wait(60)
    assert other.ended.wait(60)
    for thread in set(threading.enumerate()) - others:
        thread.join()
    assert not errors


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
