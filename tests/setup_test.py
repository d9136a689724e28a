"""What `pip install` brings: all that a run with the defaults needs."""

import pathlib
import runpy

import setuptools

ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_what_tensorflow_writes_summaries_with_is_brought(monkeypatch):
    """`tf.summary.scalar` is TensorBoard's own, and newer TensorFlows do not bring that."""
    given = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    runpy.run_path(str(ROOT / "setup.py"))
    assert "tensorboard" in given["install_requires"]
