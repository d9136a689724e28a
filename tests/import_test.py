"""Importing tfgan_lite is quick, needs TensorFlow and NumPy only, and changes no global state."""

import inspect
import json
import os
import pathlib
import subprocess
import sys

import pytest

import tfgan_lite

ROOT = pathlib.Path(tfgan_lite.__file__).parents[1]
PACKAGES = ("data", "eval", "features", "losses", "tpu", "train")

# Runs in an interpreter of its own. What TensorFlow itself imports and sets is not counted.
PROGRAM = """
import gc, json, logging, os, random, sys, warnings

import absl.logging
import numpy as np
import tensorflow as tf


def state():
    return {
        "dtype policy": tf.keras.mixed_precision.global_policy().name,
        "float type": tf.keras.backend.floatx(),
        "image data format": tf.keras.backend.image_data_format(),
        "tf.random seed": str(tf.compat.v1.get_seed(None)),
        "random": hash(random.getstate()),
        "np.random": hash(np.random.get_state()[1].tobytes()),
        "eager mode": tf.executing_eagerly(),
        "eager functions": tf.config.functions_run_eagerly(),
        "soft device placement": tf.config.get_soft_device_placement(),
        "jit": tf.config.optimizer.get_jit(),
        "default graph": str(tf.compat.v1.get_default_graph().get_operations()),
        "strategy": str(tf.distribute.has_strategy()),
        "absl verbosity": absl.logging.get_verbosity(),
        "root logger": str((logging.root.level, logging.root.handlers, logging.root.filters)),
        "tensorflow logger": str((tf.get_logger().level, tf.get_logger().handlers)),
        "warnings": str(warnings.filters),
        "environment": dict(os.environ),
        "sys.path": list(sys.path),
    }


before, modules = state(), set(sys.modules)
import tfgan_lite
metrics = [name for name in sys.modules if name.startswith("tfgan_lite.eval")]
import tfgan_lite.eval
added = set(sys.modules) - modules
changed = {name: [before[name], value] for name, value in state().items() if before[name] != value}
models = [str(type(o)) for o in gc.get_objects() if issubclass(type(o), tf.keras.layers.Layer)]
missing = [name for name in tfgan_lite.__all__ if not hasattr(tfgan_lite, name)]
keras = tf.keras.Model.__module__.split(".")[0]
packages = sorted({name.split(".")[0] for name in added})
print(json.dumps(dict(packages=packages, changed=changed, models=models, missing=missing,
                      metrics=metrics, keras=keras)))
"""


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def facts(request):
    """What an import did, with Keras 3 and with TF_USE_LEGACY_KERAS=1."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("TF_USE_LEGACY_KERAS", None)
    if request.param == "tf_keras":
        environment["TF_USE_LEGACY_KERAS"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["keras"] == request.param
    return found


@pytest.mark.parametrize("package", ["tensorflow_probability", "sklearn", "rich", "PIL", "scipy"])
def test_optional_package_is_not_imported(facts, package):
    assert "tfgan_lite" in facts["packages"]
    assert package not in facts["packages"]


def test_metrics_are_imported_when_they_are_first_used(facts):
    """They take as long as all the rest."""
    assert facts["metrics"] == []


def test_no_keras_layer_or_model_is_built(facts):
    assert facts["models"] == []


def test_no_global_state_is_changed(facts):
    assert facts["changed"] == {}


def test_every_public_name_exists(facts):
    assert facts["missing"] == []


def public_names():
    modules = [tfgan_lite, *(getattr(tfgan_lite, name) for name in PACKAGES)]
    return [(m.__name__, name) for m in modules for name in m.__all__ if name != "__version__"]


@pytest.mark.parametrize(("module", "name"), public_names())
def test_public_name_has_a_docstring_of_its_own(module, name):
    text = inspect.getdoc(getattr(sys.modules[module], name))
    assert text
    assert not text.startswith(f"{name}("), "a named tuple's made-up docstring"


def test_public_names_are_sorted_and_named_once():
    assert list(tfgan_lite.__all__) == sorted(set(tfgan_lite.__all__))
