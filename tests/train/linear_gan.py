"""A GAN so small that every update has a closed form, and a record of all that its updates saw.

The generator is `a z + b`, the critic is `c x`, the losses are Wasserstein's and the optimizer is
plain gradient descent. So with the means z of a batch of noise, g of the generated data and r of
the real data:

    generator's loss = -c g        d/da = -c z    d/db = -c
    critic's loss = c (g - r)      d/dc = g - r

Both datasets are numbered, so that what an update drew tells when it ran.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan

BATCH = 4
LEARNING_RATE = 1 / 8
INITIAL = {"a": 1.0, "b": 0.5, "c": -0.75}
COLUMNS = ("noise", "real", "a", "b", "c")
_MOST_UPDATES = 100


def noise_of(index: int) -> np.ndarray:
    """The noise of the batch of this number."""
    return (np.arange(BATCH) + BATCH * index) / 64


def real_of(index: int) -> np.ndarray:
    """The real data of the batch of this number."""
    return 2 + noise_of(index)


def dataset(batch: Any, batches: int | None = None) -> tf.data.Dataset:
    """`batch(0)`, `batch(1)`, ... as a dataset of float32 [BATCH, 1]."""
    numbers = np.concatenate([batch(i) for i in range(batches or _MOST_UPDATES)])
    numbers = numbers[:, np.newaxis].astype(np.float32)
    options = tf.data.Options()
    options.autotune.enabled = False  # Its threads make a process with many iterators end slowly.
    made = tf.data.Dataset.from_tensor_slices(numbers).batch(BATCH, drop_remainder=True)
    return made.with_options(options)


def poisoned(batch: int, value: float = np.nan) -> tf.data.Dataset:
    """Real data whose batch of this number holds a value that is not finite."""
    numbers = np.stack([real_of(i) for i in range(20)])[:, :, np.newaxis].astype(np.float32)
    numbers[batch, 1] = value
    return tf.data.Dataset.from_tensor_slices(numbers)


def same_batch(batch: Any) -> Any:
    """The same data in every sub-step, so that a run does not depend on where the data is."""
    return lambda: tf.constant(batch(0)[:, np.newaxis], tf.float32)


class Generator(tf.Module):
    """`a z + b`; `probe` stays 0, and the gradient of its loss is the mean of the noise."""

    def __init__(self):
        super().__init__(name="generator")
        self.a = tf.Variable(INITIAL["a"], name="a")
        self.b = tf.Variable(INITIAL["b"], name="b")
        self.probe = tf.Variable([0.0, 0.0], name="generator_probe")

    def __call__(self, noise):
        return self.a * noise + self.b

    def loss(self, model):
        """Wasserstein's, and the probe."""
        drawn = [tf.reduce_mean(model.generator_inputs), 0.0]
        return tfgan.losses.wasserstein_generator_loss(model) + tf.tensordot(self.probe, drawn, 1)


class Critic(tf.Module):
    """`c x`; the gradient of its probe's loss is the means of noise and real data."""

    def __init__(self):
        super().__init__(name="critic")
        self.c = tf.Variable(INITIAL["c"], name="c")
        self.probe = tf.Variable([0.0, 0.0], name="critic_probe")

    def __call__(self, data):
        return self.c * data

    def loss(self, model):
        """Wasserstein's, and the probe."""
        drawn = [tf.reduce_mean(model.generator_inputs), tf.reduce_mean(model.real_data)]
        return tfgan.losses.wasserstein_discriminator_loss(model) + tf.tensordot(
            self.probe, drawn, 1
        )


class LinearGAN:
    """The GAN with its train ops, in the world that it is made in.

    Args:
      real: batches of real data; numbered ones by default.
      noise: the generator's inputs; numbered batches by default.
      optimizer: makes each network's optimizer.
      penalties: what `gan_loss` gets; a function of the GAN, which its networks are known to.
      **options: what else goes to `gan_train_ops`.
    """

    def __init__(
        self,
        real: Any = None,
        noise: Any = None,
        optimizer: Any = None,
        penalties: Any = lambda gan: (),
        **options: Any,
    ):
        make = optimizer or (lambda: tf.keras.optimizers.SGD(LEARNING_RATE))
        self.generator, self.critic = Generator(), Critic()
        self.model = tfgan.gan_model(
            self.generator,
            self.critic,
            real_data=dataset(real_of) if real is None else real,
            generator_inputs=dataset(noise_of) if noise is None else noise,
        )
        self.loss = tfgan.gan_loss(
            self.model, self.generator.loss, self.critic.loss, penalties=penalties(self)
        )
        self.records = {"generator": _Record("g"), "critic": _Record("c")}
        options.setdefault("transform_grads_fn", self._record)
        self.optimizers = make(), make()
        self.train_ops = tfgan.gan_train_ops(self.model, self.loss, *self.optimizers, **options)

    @property
    def weights(self) -> dict[str, tf.Variable]:
        """The weights by their names in the formulas."""
        return {"a": self.generator.a, "b": self.generator.b, "c": self.critic.c}

    def _record(self, pairs):
        """Writes down what an update drew and the weights it saw; the probe takes no update."""
        probe = next(g for g, v in pairs if "probe" in v.name)
        network = "critic" if any("critic" in v.name for _, v in pairs) else "generator"
        # A replica's gradient is that of its share of the global batch's loss.
        drawn = probe * tf.distribute.get_replica_context().num_replicas_in_sync
        weights = [tf.convert_to_tensor(v) for v in self.weights.values()]
        written = self.records[network].write(tf.concat([drawn, tf.stack(weights)], 0))
        with tf.control_dependencies([written] if not tf.executing_eagerly() else []):
            return [(tf.identity(g), v) for g, v in pairs if "probe" not in v.name]

    def train(self, rounds: int | None = None, logdir: Any = None, **arguments: Any) -> int:
        """Calls `gan_train`, without XLA, checkpoints and summaries unless they are asked for."""
        hooks = [*arguments.pop("hooks", [])]
        if rounds is not None:
            hooks.append(tfgan.StopAtStepHook(num_steps=rounds))
        defaults = {
            "save_checkpoint_secs": None,
            "save_summaries_steps": None,
            "jit_compile": False,
        }
        logdir = None if logdir is None else str(logdir)
        step = tfgan.gan_train(self.train_ops, logdir, hooks=hooks, **{**defaults, **arguments})
        return int(step)


@contextlib.contextmanager
def in_world(name: str) -> Iterator[None]:
    """The "graph", "TF2", or "eager": TF2 with functions that run eagerly."""
    if name == "graph":
        # A graph's checkpoint goes by names, and Keras numbers the optimizers of a process.
        tf.keras.backend.clear_session()
        with tf.Graph().as_default():
            yield
        return
    tf.config.run_functions_eagerly(name == "eager")
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


class _Record:
    """Rows of `COLUMNS`, one for each update, as the first replica sees it."""

    def __init__(self, name: str):
        same = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        shape = [_MOST_UPDATES, len(COLUMNS)]
        self.rows = tf.Variable(tf.fill(shape, np.float32(np.nan)), name=f"{name}_rows", **same)
        self.length = tf.Variable(0, name=f"{name}_length", **same)

    def write(self, row: tf.Tensor) -> Any:
        index = tf.convert_to_tensor(self.length)
        mine = tf.equal(tf.range(_MOST_UPDATES), index)[:, tf.newaxis]
        rows = tf.where(mine, row[tf.newaxis], tf.convert_to_tensor(self.rows))
        with tf.control_dependencies([self.rows.assign(rows)]):
            return self.length.assign(index + 1)


@dataclasses.dataclass
class Expected:
    """What a run comes to."""

    rows: dict[str, list[dict[str, float]]]  # For each update of a network, the COLUMNS.
    losses: dict[str, list[float]]
    weights: dict[str, float]


def simulate(trace: Sequence[str]) -> Expected:
    """The closed form in NumPy's float64.

    Args:
      trace: who is updated in each sub-step: "G", "D" or, together, "GD".
    """
    w = {name: np.float64(value) for name, value in INITIAL.items()}
    rows: dict[str, list] = {"generator": [], "critic": []}
    losses: dict[str, list] = {"generator_loss": [], "discriminator_loss": []}
    for sub_step, networks in enumerate(trace):
        z = noise_of(sub_step).mean()
        g = w["a"] * z + w["b"]
        changes = {}
        if "G" in networks:
            rows["generator"].append({"noise": z, "real": 0.0, **w})
            losses["generator_loss"].append(-w["c"] * g)
            changes |= {"a": -w["c"] * z, "b": -w["c"]}
        if "D" in networks:
            r = real_of(len(rows["critic"])).mean()
            rows["critic"].append({"noise": z, "real": r, **w})
            losses["discriminator_loss"].append(w["c"] * (g - r))
            changes |= {"c": g - r}
        w = w | {name: w[name] - LEARNING_RATE * change for name, change in changes.items()}
    return Expected(rows, losses, w)
