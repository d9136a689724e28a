"""What hooks know of the run that they are attached to, and the hook that all of ours are.

`gan_train` attaches each to the run before the session begins. A hook that says when it is next due
(`next_due`) lets the rounds before run in one compiled call.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train.hooks import RunTrainOpsHook

__all__ = [
    "InitialStepHook",
    "Means",
    "TrainingHook",
    "TrainingRun",
    "next_multiple",
]

_v1 = tf.compat.v1.train


@dataclasses.dataclass
class TrainingRun:
    """What a hook may know of the run it is attached to.

    Attributes:
      train_ops: what is trained.
      train_hooks: the hooks that run the sub-steps; their `values` are those of the last round, or
        of all rounds since the last call of `after_run`.
      logdir: where the run writes, or None.
      batch_size: real examples in a sub-step's batch, where it is known.
      initial_step: the global step when the session began.
      skips: whether updates that are not finite are skipped: `values` leaves them out.
      schedule: a round in words.
      jit_compile: in TF2, what `gan_train` was told of XLA.
      stop_reason: why training stopped; empty while it runs, and after an error.
      hooks: all hooks of the session, as far as `gan_train` knows them.
      notes: what hooks found last and people want to read at the end, by name.

    Example:
      >>> class Watch(tfgan.TrainingHook):
      ...     def after_round(self, run_context, global_step):
      ...         print(sorted(self.run.values()), self.run.images_per_round)
      >>> train(Watch(), rounds=1)
      ['discriminator_loss', 'generator_loss'] 8
    """

    train_ops: GANTrainOps
    train_hooks: Sequence[RunTrainOpsHook]
    logdir: str | None = None
    batch_size: int | None = None
    initial_step: int = 0
    skips: bool = False
    schedule: str = ""
    jit_compile: bool | str | None = None
    stop_reason: str = ""
    hooks: Sequence[Any] = ()
    notes: dict[str, str] = dataclasses.field(default_factory=dict)

    def attach(self, hooks: Sequence[Any]) -> None:
        """Registers the session's hooks and calls `attach(self)` on those that define it."""
        self.hooks = hooks
        for hook in hooks:
            if hasattr(hook, "attach"):
                hook.attach(self)

    def values(self) -> dict[str, np.ndarray]:
        """Reported values by name ("generator_loss"), one for each sub-step, in their order."""
        by_round = self.values_by_round().items()
        return {name: self.kept(values.ravel(), name) for name, values in by_round}

    def values_by_round(self) -> dict[str, np.ndarray]:
        """The same as [rounds, sub-steps in a round]."""
        found: dict[str, list[np.ndarray]] = {}
        for hook in self.train_hooks:
            for name, column in zip(hook.value_names, np.asarray(hook.values).T):
                by_round = column.reshape([-1, max(1, hook.train_steps)])
                if len(by_round):
                    found.setdefault(name, []).append(by_round)
        return {name: np.concatenate(parts, axis=1) for name, parts in found.items()}

    def gradient_norms(self) -> dict[str, np.ndarray]:
        """By network, the norm of the whole gradient in each sub-step.

        Empty without `gan_train_ops(summarize_gradients=True)`.
        """
        found: dict[str, list[np.ndarray]] = {}
        for hook in self.train_hooks:
            # By place and not by name: both networks may have variables of one name.
            columns = iter(np.asarray(hook.values).T)
            for update in filter(None, hook.updates):
                mine = list(itertools.islice(columns, len(update.value_names)))
                norms = mine[len(mine) - len(update.gradient_norm_names) :]
                if norms:
                    norm = np.sqrt(np.sum(np.square(norms), axis=0))
                    found.setdefault(update.name, []).append(norm)
        return {
            name: self.kept(np.concatenate(norms), f"{name}_gradient_norm")
            for name, norms in found.items()
        }

    def kept(self, values: np.ndarray, name: str) -> np.ndarray:
        """Those of some reported values [N] that belong to updates which were not left out.

        An update that a loss scale leaves out has a loss, but its gradients have no norms.
        """
        overflows = name.endswith("_gradient_norm") and any(
            update is not None and update.may_overflow
            for hook in self.train_hooks
            for update in hook.updates
        )
        return values[np.isfinite(values)] if self.skips or overflows else values

    @property
    def images_per_round(self) -> int | None:
        """Real examples that the discriminator is updated on in a round."""
        if self.batch_size is None:
            return None
        steps = sum(
            hook.train_steps
            for hook in self.train_hooks
            if any(update and update.role == "discriminator" for update in hook.updates)
        )
        return self.batch_size * steps


class TrainingHook(_v1.SessionRunHook):
    """A hook that is called with the global step after rounds. Override `after_round`.

    Example:
      >>> class Printer(tfgan.TrainingHook):
      ...     def after_round(self, run_context, global_step):
      ...         print("rounds so far:", global_step - self.run.initial_step)
      >>> train(Printer(), rounds=2)
      rounds so far: 1
      rounds so far: 2
    """

    _attached_to: TrainingRun | None = None

    @property
    def run(self) -> TrainingRun:
        """The run that the hook is attached to.

        Raises:
          RuntimeError: the hook was not passed to `gan_train`.
        """
        if self._attached_to is None:
            raise RuntimeError(
                f"{type(self).__name__} is not attached to a run: pass it to gan_train(hooks=[...])"
                " or call hook.attach(TrainingRun(train_ops, train_hooks)) first."
            )
        return self._attached_to

    def attach(self, run: TrainingRun) -> None:
        """Called once by `gan_train`, before `begin`."""
        self._attached_to = run

    def next_due(self, global_step: int) -> int | None:
        """The latest global step by which the hook must be called.

        It is also called earlier, whenever another hook is due; None if it has no deadline.
        """
        return global_step + 1

    def after_round(self, run_context: Any, global_step: int) -> None:
        """Called after a round, or after several that ended with `global_step`."""

    def before_run(self, run_context: Any) -> Any:
        return _v1.SessionRunArgs(self.run.train_ops.global_step_inc_op)

    def close(self) -> None:
        """Called by `gan_train` when training has ended, even after errors: closes files and such.

        Hooks of other classes that have such a method are closed as well.
        """

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.after_round(run_context, int(run_values.results))


class InitialStepHook(_v1.SessionRunHook):
    """Tells the run of a graph where it begins: the session knows, which restores checkpoints."""

    def __init__(self, run: TrainingRun):
        self._run = run

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._run.initial_step = int(session.run(_v1.get_global_step()))


class Means:
    """Means of reported values, over any number of calls."""

    def __init__(self):
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, values: dict[str, np.ndarray]) -> None:
        for name, column in values.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + float(np.sum(column, dtype=np.float64)), count + len(column)

    def means(self) -> dict[str, float]:
        return {name: total / count for name, (total, count) in self._sums.items() if count}

    def take(self) -> dict[str, float]:
        means = self.means()
        self._sums.clear()
        return means


def next_multiple(step: int, period: int) -> int:
    """The first multiple of a period after a step."""
    return (step // period + 1) * period
