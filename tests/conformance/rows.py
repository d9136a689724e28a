"""The rows of the conformance table: a world and a schedule, and what came of training in it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

import tfgan_lite as tfgan
from tests.strategies import on_two_replicas
from tests.train.linear_gan import COLUMNS, LinearGAN
from tfgan_lite.train import AdaptiveSteps, Phase, sequential, warm_up
from tfgan_lite.train.ops import update_of
from tfgan_lite.train.scheduled_hook import ScheduledTrainOpsHook

ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What a user asks for, and the sub-steps that each of the rounds then has."""

    get_hooks: Any
    rounds: tuple[tuple[str, ...], ...]

    @property
    def trace(self) -> list[str]:
        """The sub-steps of all rounds."""
        return [networks for each in self.rounds for networks in each]


def _sequential(generator: int, discriminator: int, order: str = "generator_first") -> Schedule:
    steps = tfgan.GANTrainSteps(generator, discriminator)
    parts = ("G",) * generator, ("D",) * discriminator
    first, second = parts if order == "generator_first" else parts[::-1]
    return Schedule(tfgan.get_sequential_train_hooks(steps, order), (first + second,) * ROUNDS)


def _joint(generator: int, discriminator: int) -> Schedule:
    together = min(generator, discriminator)
    alone = ("G",) * (generator - together) + ("D",) * (discriminator - together)
    steps = tfgan.GANTrainSteps(generator, discriminator)
    return Schedule(tfgan.get_joint_train_hooks(steps), (("GD",) * together + alone,) * ROUNDS)


def _phases(rounds: tuple[tuple[str, ...], ...], *phases: Phase) -> Schedule:
    return Schedule(tfgan.get_phased_train_hooks(phases), rounds)


def _one_more_after_two_rounds(train_ops: Any) -> list[tfgan.RunTrainOpsHook]:
    """The ratio follows the critic's loss, which is below 9. Its state is made in each world."""
    steps = AdaptiveSteps("discriminator_loss", low=9.0, high=10.0, least=2, every=2)
    phases = [Phase("generator", 1), Phase("discriminator", steps)]
    return tfgan.get_phased_train_hooks(phases)(train_ops)


SCHEDULES = {
    "sequential 1:1": _sequential(1, 1),
    "sequential 1:5": _sequential(1, 5),
    "sequential 5:1": _sequential(5, 1),
    "sequential 3:5": _sequential(3, 5),
    "sequential 0:1": _sequential(0, 1),
    "sequential 1:0": _sequential(1, 0),
    "discriminator first 3:5": _sequential(3, 5, "discriminator_first"),
    "joint 1:1": _joint(1, 1),
    "joint 3:5": _joint(3, 5),
    "warm-up": _phases(
        (("D", "D"), ("G", "D"), ("G", "D")),
        *warm_up(1, [Phase("discriminator", 2)], sequential()),
    ),
    "function of the round": _phases(
        (("GD", "D"), ("GD", "D", "D"), ("GD",)),
        Phase(("generator", "discriminator"), 1),
        Phase("discriminator", lambda round_number: (1, 2, 0)[round_number]),
    ),
    "adaptive": Schedule(
        _one_more_after_two_rounds,
        (("G", "D", "D"), ("G", "D", "D"), ("G", "D", "D", "D")),
    ),
}


class CalledHook(tfgan.RunTrainOpsHook):
    """A user's subclass, which sessions have to call: nothing is fused."""


class CalledScheduledHook(ScheduledTrainOpsHook):
    """The same of a number of sub-steps that changes."""


def _called(hook: Any) -> Any:
    if isinstance(hook, ScheduledTrainOpsHook):
        return CalledScheduledHook(hook.train_ops, hook.steps)
    return CalledHook(hook.train_ops, hook.train_steps)


@dataclasses.dataclass(frozen=True)
class World:
    """A way to run a program.

    Attributes:
      scope: what the program is run inside of.
      arguments: what goes to `gan_train`.
      fused: whether the session may run the train hooks in one compiled call.
      rounds_seen: after how many rounds the hook that watches is called.
      replicas: how many parts a batch is split into.
    """

    scope: Any = contextlib.nullcontext
    arguments: dict[str, Any] = dataclasses.field(default_factory=lambda: {"jit_compile": False})
    fused: bool = True
    rounds_seen: int = 1
    replicas: int = 1


@contextlib.contextmanager
def _eagerly() -> Iterator[None]:
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


WORLDS = {
    "graph": World(scope=lambda: tf.Graph().as_default()),
    "eager": World(scope=_eagerly),
    "compiled": World(),
    "several rounds a call": World(
        arguments={"jit_compile": False, "rounds_per_call": ROUNDS}, rounds_seen=ROUNDS
    ),
    "not fused": World(fused=False),
    "XLA": World(arguments={"jit_compile": True}),
    "2 replicas": World(replicas=2),
}


@dataclasses.dataclass
class Outcome:
    """What came of a run, in plain Python numbers."""

    rows: dict[str, list[dict[str, float]]]  # For each update of a network, what it saw.
    losses: list[dict[str, list[float]]]  # What a hook was told, for each of its calls.
    steps: list[int]  # The global steps that the hook was called with.
    weights: dict[str, float]
    counters: dict[str, int]
    returned: int

    @property
    def trace(self) -> list[str]:
        """Who was updated in each sub-step: the noise is numbered and tells the order."""
        drew = {name: [row["noise"] for row in rows] for name, rows in self.rows.items()}
        letters = {"generator": "G", "critic": "D"}
        return [
            "".join(letters[name] for name in drew if noise in drew[name])
            for noise in sorted({noise for each in drew.values() for noise in each})
        ]


class Watch(tfgan.TrainingHook):
    """Keeps what a hook can know."""

    def __init__(self, every: int):
        self.losses: list[dict[str, list[float]]] = []
        self.steps: list[int] = []
        self._every = every

    def next_due(self, global_step: int) -> int:
        return global_step + self._every

    def after_round(self, run_context: Any, global_step: int) -> None:
        self.steps.append(global_step)
        self.losses.append({name: v.tolist() for name, v in self.run.values().items()})


@functools.cache
def _outcome(world: str, schedule: str) -> Outcome | Exception:
    try:
        return _train(WORLDS[world], SCHEDULES[schedule])
    except Exception as error:
        return error


def outcome(world: str, schedule: str) -> Outcome:
    """What came of `ROUNDS` rounds of training, which each row has once."""
    if world == "2 replicas":
        return _outcomes_on_two_replicas()[schedule]
    found = _outcome(world, schedule)
    if isinstance(found, Exception):
        raise found
    return found


def _train(world: World, schedule: Schedule) -> Outcome:
    def get_hooks(train_ops):
        hooks = schedule.get_hooks(train_ops)
        if world.fused:
            return hooks
        return [_called(hook) for hook in hooks]

    with world.scope():
        gan = LinearGAN()
        counters = update_of(gan.train_ops.generator_train_op).counters
        names = ("global_step", "generator_updates", "discriminator_updates", "images_seen")
        final = tfgan.FinalOpsHook(
            {
                "weights": gan.weights,
                "counters": {name: getattr(counters, name) for name in names},
                "rows": {name: record.rows for name, record in gan.records.items()},
                "lengths": {name: record.length for name, record in gan.records.items()},
            }
        )
        watch = Watch(world.rounds_seen)
        returned = tfgan.gan_train(
            gan.train_ops,
            logdir=None,
            get_hooks_fn=get_hooks,
            hooks=[watch, tfgan.StopAtStepHook(ROUNDS), final],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            **world.arguments,
        )
    values = final.final_ops_values
    rows = {
        name: [dict(zip(COLUMNS, row.tolist())) for row in values["rows"][name][: int(length)]]
        for name, length in values["lengths"].items()
    }
    return Outcome(
        rows=rows,
        losses=watch.losses,
        steps=watch.steps,
        weights={name: float(value) for name, value in values["weights"].items()},
        counters={name: int(value) for name, value in values["counters"].items()},
        returned=int(returned),
    )


@functools.cache
def _outcomes_on_two_replicas() -> dict[str, Outcome]:
    return on_two_replicas(outcomes_of_all_schedules)


def outcomes_of_all_schedules(strategy: tf.distribute.Strategy) -> dict[str, Outcome]:
    """Each schedule's, under a strategy."""
    world = dataclasses.replace(WORLDS["2 replicas"], scope=strategy.scope)
    return {name: _train(world, schedule) for name, schedule in SCHEDULES.items()}
