"""The programs and signatures of docs/metrics.md, on networks that the test makes."""

import ast
import inspect
import pathlib
import re

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan
from tests.eval import small_inception

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def programs():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


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
    *extractors, call = ast.parse(programs()[0]).body
    assert len(extractors) == 6
    for statement in map(ast.unparse, extractors):
        if "from_hub" in statement:  # An extra, which tests of its own cover.
            continue
        path = graph if "frozen_graph" in statement else tmp_path / "module"
        exec(f"{statement}\n{ast.unparse(call)}", {**names, "path": path}, found := {})
        assert found["outputs"]["features"].shape[0] == 1, statement


def test_the_loop_gives_the_distance_of_all_samples():
    images = np.random.default_rng(0).uniform(-1.0, 1.0, [50, 2, 2, 1]).astype(np.float32)
    flat = tfgan.eval.Extractor(
        lambda images: tf.reshape(images, [-1, 4]), name="flat", image_shape=(2, 2, 1)
    )
    names = {
        "tf": tf,
        "tfgan": tfgan,
        "strategy": tf.distribute.get_strategy(),
        "dataset": tf.data.Dataset.from_tensor_slices(images[:40]).batch(16),
        "extractor": flat,
        "real": tfgan.eval.ReferenceStatistics.compute(images, flat),
    }
    exec(programs()[1], names)
    expected = tfgan.eval.frechet_classifier_distance_from_activations(
        images[:40].reshape(40, 4), images.reshape(50, 4)
    )
    np.testing.assert_allclose(names["distance"], expected, rtol=1e-5)


def test_arguments_come_in_the_order_of_the_page():
    table = PAGE.read_text(encoding="utf-8").split("## Which comes first")[1].split("##")[0]
    calls = re.findall(r"`(\w+)\((.*?)\)`", table)
    assert len(calls) == 8
    for name, arguments in calls:
        parameters = list(inspect.signature(getattr(tfgan.eval, name)).parameters)
        assert ", ".join(parameters).startswith(arguments), name
