"""The program of docs/metrics.md, on networks that the test makes."""

import ast
import pathlib
import re

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan
from tests.eval import small_inception

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def test_every_extractor_of_the_page_gives_features(tmp_path, monkeypatch):
    archive = tmp_path / "inception-2015-12-05.tgz"
    archive.write_bytes(small_inception.archive_bytes())
    graph = tmp_path / "graph.pb"
    graph.write_bytes(small_inception.graph_bytes())
    tf.saved_model.save(small_inception.TFGANModule(), str(tmp_path / "module"))
    monkeypatch.setenv("TFGAN_LITE_INCEPTION", str(archive))
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            tf.keras.Input([299, 299, 3]),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(2, name="classes"),
        ]
    )
    names = {
        "tfgan": tfgan,
        "model": model,
        "function": lambda images: tf.reduce_mean(images, axis=[1, 2]),
        "images": np.zeros([1, 299, 299, 3], np.float32),
    }
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    *extractors, call = ast.parse(program).body
    assert len(extractors) == 6
    for statement in map(ast.unparse, extractors):
        if "from_hub" in statement:  # An extra, which tests of its own cover.
            continue
        path = graph if "frozen_graph" in statement else tmp_path / "module"
        exec(f"{statement}\n{ast.unparse(call)}", {**names, "path": path}, found := {})
        assert found["outputs"]["features"].shape[0] == 1, statement
