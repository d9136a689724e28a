"""The rows of the second conformance table: kinds of models, losses and penalties.

A row makes a model and its loss from networks with fixed weights and numbered data, so that every
world computes the same. Adding a row costs a line.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import traceback
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.strategies import on_two_replicas
from tfgan_lite import losses
from tfgan_lite.train import Phase, during, get_phased_train_hooks
from tfgan_lite.train.ops import updates_behind

BATCH, SIZE, CLASSES = 4, 3, 3
ROUNDS = ("G", "D", "GD", "GD")  # Who is updated in each round.


class Net(tf.Module):
    """Two layers with weights drawn from a seed."""

    def __init__(self, inputs: int, outputs: int, seed: int):
        super().__init__()
        draw = np.random.default_rng([inputs, outputs, seed]).normal
        self.first = tf.Variable(draw(size=[inputs, 8]).astype(np.float32) / 2)
        self.second = tf.Variable(draw(size=[8, outputs]).astype(np.float32) / 2)

    def __call__(self, inputs):
        return tf.tanh(tf.concat(tf.nest.flatten(inputs), -1) @ self.first) @ self.second


def data(seed: int, width: int = SIZE) -> tf.data.Dataset:
    """Batches [BATCH, width], the same in each world."""
    numbers = np.random.default_rng(seed).normal(size=[16 * BATCH, width]).astype(np.float32)
    return _batched(numbers)


def labels(seed: int) -> tf.data.Dataset:
    """One-hot batches [BATCH, CLASSES]."""
    classes = np.random.default_rng(seed).integers(CLASSES, size=16 * BATCH)
    return _batched(np.eye(CLASSES, dtype=np.float32)[classes])


def _batched(numbers: np.ndarray) -> tf.data.Dataset:
    options = tf.data.Options()
    options.autotune.enabled = False  # Its threads make a process with many iterators end slowly.
    made = tf.data.Dataset.from_tensor_slices(numbers).repeat().batch(BATCH, drop_remainder=True)
    return made.with_options(options)


def unconditional(
    generator_loss=losses.modified_generator_loss,
    discriminator_loss=losses.modified_discriminator_loss,
    **arguments,
):
    model = tfgan.gan_model(Net(2, SIZE, 1), Net(SIZE, 1, 2), data(3), data(4, 2))
    arguments = {name: make() if callable(make) else make for name, make in arguments.items()}
    return model, tfgan.gan_loss(model, generator_loss, discriminator_loss, **arguments)


def conditional():
    """Both networks are told the label."""
    noise, classes = tfgan.from_dataset(data(4, 2)), tfgan.from_dataset(labels(5))
    judge = Net(SIZE + CLASSES, 1, 2)

    def discriminator(x, inputs):
        return judge([x, inputs[1]])

    generator = Net(2 + CLASSES, SIZE, 1)
    model = tfgan.gan_model(generator, discriminator, data(3), [noise, classes])
    return model, tfgan.gan_loss(model)


def matching_features():
    whole = Net(SIZE, 1 + CLASSES, 2)

    def judge(x):
        logits, features = tf.split(whole(x), [1, CLASSES], 1)
        return {"logits": logits, "features": features}

    model = tfgan.gan_model(Net(2, SIZE, 1), judge, data(3), data(4, 2))
    return model, tfgan.gan_loss(model, penalties=[losses.feature_matching_loss])


def combined(**arguments):
    """The generator has a second loss, of each number of its data."""
    model, loss = unconditional()
    pixels = tfgan.defer(lambda m: tf.reduce_mean(m.generated_data**2), model, lazily=True)
    return model, losses.combine_adversarial_loss(loss, model, pixels, **arguments)


def pooled():
    return unconditional(tensor_pool_fn=lambda: tfgan.features.TensorPool(8))


def infogan():
    whole = Net(SIZE, 2, 2)

    def judge(x):
        logits, code = tf.split(whole(x), 2, 1)
        return logits, [tfp.distributions.Normal(code, 1.0)]

    model = tfgan.infogan_model(Net(3, SIZE, 1), judge, data(3), [data(4, 2)], [data(5, 1)])
    return model, tfgan.gan_loss(model, mutual_information_penalty_weight=0.5)


def acgan():
    whole = Net(SIZE, 1 + CLASSES, 2)

    def judge(x):
        return tf.split(whole(x), [1, CLASSES], 1)

    classes = tfgan.from_dataset(labels(5))
    inputs = [tfgan.from_dataset(data(4, 2)), classes]
    model = tfgan.acgan_model(Net(2 + CLASSES, SIZE, 1), judge, data(3), inputs, classes)
    weights = {"aux_cond_generator_weight": 0.5, "aux_cond_discriminator_weight": 0.5}
    return model, tfgan.gan_loss(model, **weights)


def cyclegan(**arguments):
    generators = Net(SIZE, SIZE, 1), Net(SIZE, SIZE, 2)
    discriminators = Net(SIZE, 1, 3), Net(SIZE, 1, 4)
    model = tfgan.cyclegan_model(generators, discriminators, data(3), data(4))
    return model, tfgan.cyclegan_loss(model, **arguments)


def stargan(**arguments):
    generator, whole = Net(4 + CLASSES, 4, 1), Net(4, 1 + CLASSES, 2)

    def translate(images, target):
        return tf.reshape(generator([_flat(images), target]), [-1, 2, 2, 1])

    def judge(images, domains):
        source, classes = tf.split(whole(_flat(images)), [1, domains], 1)
        return source[:, 0], classes

    images = data(3, 4).map(lambda x: tf.reshape(x, [BATCH, 2, 2, 1]))
    model = tfgan.stargan_model(translate, judge, images, labels(5))
    return model, tfgan.stargan_loss(model, **arguments)


def _flat(images):
    return tf.reshape(images, [-1, 4])


@dataclasses.dataclass(frozen=True)
class Row:
    """How a model and its loss are made.

    Attributes:
      make: gives both.
      uses: the public losses in it, by name.
      of_a_world: whether its numbers are those of a world: it draws random ones inside, or computes
        something from a replica's own batch alone.
      has_state: whether `resuming` tries a run that is resumed.
    """

    make: Callable[[], tuple[Any, Any]]
    uses: Collection[str] = ()
    of_a_world: bool = False
    has_state: bool = False


def _losses(name: str) -> Row:
    """The two losses of this name."""
    names = [f"{name}_{role}_loss" for role in ("generator", "discriminator")]
    return Row(functools.partial(unconditional, *(getattr(losses, n) for n in names)), names)


def _penalty(name: str, every: int = 1, make: Callable[[], Any] | None = None, **facts: Any) -> Row:
    """The penalty of this name; if it has state, `make` makes it in each world."""

    def penalties():
        return [(make() if make else getattr(losses, name), 0.3, every)]

    return Row(functools.partial(unconditional, penalties=penalties), [name], **facts)


def _reversed(data):
    return data[:, ::-1]


_HINGE = {
    "generator_loss_fn": losses.stargan_generator_loss_wrapper(
        losses.wargs.wasserstein_hinge_generator_loss
    ),
    "discriminator_loss_fn": losses.stargan_discriminator_loss_wrapper(
        losses.wargs.wasserstein_hinge_discriminator_loss
    ),
    "gradient_penalty_weight": 0.0,
}
_ACGAN = ("acgan_generator_loss", "acgan_discriminator_loss")
_CYCLEGAN = ("cyclegan_loss", "cycle_consistency_loss")
_STARGAN = (
    "stargan_loss",
    "stargan_generator_loss_wrapper",
    "stargan_discriminator_loss_wrapper",
    "stargan_gradient_penalty_wrapper",
)

ROWS = {
    "GAN": Row(unconditional, ["gan_loss"], has_state=True),
    "conditional GAN": Row(conditional),
    "InfoGAN": Row(infogan, ["mutual_information_penalty"], has_state=True),
    "ACGAN": Row(acgan, _ACGAN, has_state=True),
    "CycleGAN": Row(cyclegan, _CYCLEGAN, has_state=True),
    "CycleGAN, identity": Row(functools.partial(cyclegan, identity_loss_weight=5.0)),
    "StarGAN": Row(stargan, _STARGAN, of_a_world=True, has_state=True),
    "StarGAN, hinge": Row(functools.partial(stargan, **_HINGE), of_a_world=True),
    "wasserstein": _losses("wasserstein"),
    "wasserstein hinge": _losses("wasserstein_hinge"),
    "minimax": _losses("minimax"),
    "modified": _losses("modified"),
    "least squares": _losses("least_squares"),
    "relativistic": _losses("relativistic"),
    "relativistic paired": _losses("relativistic_paired"),
    "combined, weight": Row(
        functools.partial(combined, weight_factor=0.5), ["combine_adversarial_loss"]
    ),
    "combined, ratio": Row(functools.partial(combined, gradient_ratio=4.0), of_a_world=True),
    "feature matching": Row(matching_features, ["feature_matching_loss"], of_a_world=True),
    "gradient penalty": _penalty("wasserstein_gradient_penalty", of_a_world=True),
    "R1": _penalty("r1_penalty"),
    "R1, lazily": _penalty("r1_penalty", every=2, has_state=True),
    "R2": _penalty("r2_penalty"),
    "DRAGAN": _penalty("dragan_penalty", of_a_world=True),
    "LeCam": _penalty("LeCam", make=losses.LeCam, has_state=True),
    "path length": _penalty("PathLength", make=losses.PathLength, of_a_world=True, has_state=True),
    "consistency": _penalty(
        "consistency", make=lambda: tfgan.features.consistency_regularization(_reversed, True)
    ),
    "tensor pool": Row(pooled, of_a_world=True, has_state=True),
}

WORLDS = ("graph", "TF2", "XLA", "2 replicas")


@dataclasses.dataclass
class Outcome:
    """What came of training.

    Attributes:
      weights: before the first round and after each, by the name of the network.
      updates: of the generator and the discriminator, by the counters.
      losses: that a hook was told, by name, all rounds.
    """

    weights: list[dict[str, np.ndarray]]
    updates: tuple[int, int]
    losses: dict[str, list[float]]


class _Watch(tfgan.TrainingHook):
    def __init__(self, networks: dict[str, Any], counters: Any):
        self._fetches = [n.trainable_variables for n in networks.values()]
        self._names = list(networks)
        self._counters = [counters.generator_updates, counters.discriminator_updates]
        self.outcome = Outcome([], (0, 0), {})

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._look(session)

    def after_round(self, run_context: Any, global_step: int) -> None:
        self._look(run_context.session)
        for name, values in self.run.values().items():
            self.outcome.losses.setdefault(name, []).extend(np.ravel(values).tolist())

    def _look(self, session: Any) -> None:
        values = session.run(self._fetches)
        weights = [np.concatenate([np.ravel(v) for v in each]) for each in values]
        self.outcome.weights.append(dict(zip(self._names, weights)))
        self.outcome.updates = tuple(int(n) for n in session.run(self._counters))


def train(row: str, world: str) -> Outcome:
    """Trains the row's model in a world; on two replicas, inside a strategy's scope."""
    phases = [
        Phase("generator", during(1, 0, 1)),
        Phase("discriminator", during(1, 1, 2)),
        Phase(("generator", "discriminator"), during(1, 2)),
    ]
    scope = tf.Graph().as_default() if world == "graph" else contextlib.nullcontext()
    if world == "graph":
        tf.keras.backend.clear_session()  # A graph's checkpoint goes by names, which Keras numbers.
    with scope:
        model, loss = ROWS[row].make()
        sgd = tf.keras.optimizers.SGD
        train_ops = tfgan.gan_train_ops(model, loss, sgd(0.05), sgd(0.05))
        updates = updates_behind(train_ops)
        watch = _Watch({u.name: u.network for u in updates}, updates[0].counters)
        tfgan.gan_train(
            train_ops,
            logdir=None,
            get_hooks_fn=get_phased_train_hooks(phases),
            hooks=[watch, tfgan.StopAtStepHook(num_steps=len(ROUNDS))],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            jit_compile=world == "XLA",
        )
    return watch.outcome


def attempt(row: str, world: str) -> Outcome | str:
    """What came of training, or the error that it ended with."""
    try:
        return train(row, world)
    except Exception:
        return traceback.format_exc()


def attempt_all_rows(strategy: tf.distribute.Strategy) -> dict[str, Outcome | str]:
    """Every row, under a strategy."""
    with strategy.scope():
        return {row: attempt(row, "2 replicas") for row in ROWS}


_attempt_once = functools.cache(attempt)
_attempt_all_rows_once = functools.cache(lambda: on_two_replicas(attempt_all_rows))


def outcome(row: str, world: str) -> Outcome:
    """What came of training, which each row has once in a world."""
    on_two = world == "2 replicas"
    found = _attempt_all_rows_once()[row] if on_two else _attempt_once(row, world)
    assert isinstance(found, Outcome), found
    return found
