"""The API page, from the docstrings: `python docs/api.py > docs/api.md`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

__all__ = ["BEGINNING", "page", "public"]

MODULES = ("", "train", "losses", "losses.wargs", "features", "eval", "data", "report", "tpu")

# What every example of a docstring begins with.
BEGINNING = """\
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan

layers, tfd = tf.keras.layers, tfp.distributions


def net(units):
    return tf.keras.Sequential([layers.Dense(units)])


def batches(*arrays):
    elements = arrays[0] if len(arrays) == 1 else arrays
    return tf.data.Dataset.from_tensor_slices(elements).repeat().batch(8, drop_remainder=True)


data = np.random.default_rng(0).normal(size=[64, 3]).astype(np.float32)
labels = np.eye(2, dtype=np.float32)[np.arange(64) % 2]
dataset, labelled = batches(data), batches(data, labels)
noise = tfd.Normal(tf.zeros([2]), 1.0)
generator, discriminator, classifier = net(3), net(1), net(3)
model = tfgan.gan_model(generator, discriminator, dataset, noise)
loss = tfgan.gan_loss(
    model, tfgan.losses.modified_generator_loss, tfgan.losses.modified_discriminator_loss
)
images = np.zeros([64, 4, 4, 1], np.float32)
draws = tf.keras.Sequential([layers.Dense(16), layers.Reshape([4, 4, 1])])
judges = tf.keras.Sequential([layers.Flatten(), layers.Dense(1)])
image_model = tfgan.gan_model(draws, judges, batches(images), noise)
sgd = tf.keras.optimizers.SGD
train_ops = tfgan.gan_train_ops(model, loss, sgd(), sgd())
real_logits, generated_logits = tf.constant([[1.0], [2.0]]), tf.constant([[3.0], [-1.0]])


def train(*hooks, rounds=None, get_hooks_fn=None):
    hooks = [*hooks, *([tfgan.StopAtStepHook(num_steps=rounds)] if rounds else [])]
    no_files = {"save_checkpoint_secs": None, "save_summaries_steps": None, "jit_compile": False}
    tfgan.gan_train(train_ops, None, get_hooks_fn, hooks=hooks, **no_files)
"""


def public() -> Iterator[tuple[str, Any]]:
    """Every public function and class, with its path under `tfgan`."""
    for module in MODULES:
        place = importlib.import_module(f"tfgan_lite.{module}" if module else "tfgan_lite")
        names = getattr(place, "__all__", None) or sorted(n for n in vars(place) if n[0] != "_")
        for name in names:
            thing = getattr(place, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield (f"{module}.{name}" if module else name), thing


def page() -> str:
    """The page, in Markdown."""
    parts = [
        "# API",
        "Generated from the docstrings. The test suite runs their examples, which all begin with",
        f"```python\n{BEGINNING}```",
    ]
    module = None
    for path, thing in public():
        place = path.rpartition(".")[0]
        if place != module:
            module = place
            parts.append(f"## tfgan{'.' + place if place else ''}")
        parts += [f"### {path}", f"```python\n{_signature(path, thing)}\n```", _text(thing)]
    return "\n\n".join(parts) + "\n"


def _signature(path: str, thing: Any) -> str:
    name = path.rpartition(".")[2]
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return name
    shown = [str(p.replace(annotation=p.empty, default=_default(p))) for p in parameters]
    return f"{name}({', '.join(shown)})"


def _default(parameter: inspect.Parameter) -> Any:
    """A function by its name, without its place in memory."""
    default = parameter.default
    return _Named(default.__name__) if inspect.isfunction(default) else default


class _Named:
    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return self._name


def _text(thing: Any) -> str:
    """A docstring in Markdown: sections in bold, arguments as a list, examples as code."""
    lines, example = [], False
    for line in (inspect.getdoc(thing) or "").splitlines():
        starts_example = line.startswith("  >>> ")
        if starts_example and not example:
            lines.append("```pycon")
        if example and not line.startswith("  "):
            lines.append("```")
        example = (example or starts_example) and line.startswith("  ")
        if example:
            lines.append(line[2:])
        elif line in ("Args:", "Attributes:", "Returns:", "Yields:", "Raises:", "Example:"):
            lines += [f"**{line[:-1]}**", ""]
        elif line.startswith("  ") and line[2] != " ":
            name, colon, rest = line[2:].partition(": ")
            lines.append(f"- `{name}`: {rest}" if colon else f"- {line[2:]}")
        else:
            lines.append(line)
    return "\n".join([*lines, "```"] if example else lines)


if __name__ == "__main__":
    print(page(), end="")
