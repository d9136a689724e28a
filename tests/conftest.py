"""Spares the tests the garbage collections that would look through all of TensorFlow each time."""

import gc


def pytest_collection_finish():
    gc.collect()
    gc.freeze()  # What all tests share is not looked through again.
    gc.set_threshold(50_000, 20, 50)
