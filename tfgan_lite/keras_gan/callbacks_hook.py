"""A hook that calls Keras's callbacks as training goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.train.training_run import Means, TrainingHook

__all__ = ["CallbacksHook", "as_callback_list"]

_BATCH_METHODS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


class CallbacksHook(TrainingHook):
    """Calls callbacks, and stops training at its last round or where a callback asks for it.

    A batch, to a callback, is a round. Where no callback but the progress bar looks at batches,
    many rounds run in one compiled call, after which the bar jumps.

    Args:
      gan: the KerasGAN; its `stop_training` is what callbacks set.
      callbacks: a Keras CallbackList.
      rounds: how many rounds to run.
      rounds_per_epoch: how many of them make an epoch; the last may be shorter.
      initial_epoch: the number of the first epoch.
      validate: gives scores by name, at the end of epochs; None for none.
      validation_freq: epochs between two validations.

    Raises:
      ValueError: a callback that sets the learning rate of a model's one optimizer.
    """

    def __init__(
        self,
        gan: Any,
        callbacks: Any,
        rounds: int,
        rounds_per_epoch: int,
        initial_epoch: int,
        validate: Callable[[], dict[str, float]] | None = None,
        validation_freq: int = 1,
    ):
        _check_none_needs_one_optimizer(callbacks.callbacks)
        self._gan, self._callbacks = gan, callbacks
        self._validate, self._validation_freq = validate, validation_freq
        self._rounds, self._rounds_per_epoch = rounds, rounds_per_epoch
        self._initial_epoch = initial_epoch
        self._looks_at_batches = any(_looks_at_batches(c) for c in callbacks.callbacks)
        self._seen = Means()
        self._logs: dict[str, float] = {}

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._callbacks.on_train_begin()
        # BackupAndRestore has put back weights and counters by now, and says where to go on.
        restored = getattr(self._gan, "_initial_epoch", None) or self._initial_epoch
        self._rounds -= (restored - self._initial_epoch) * self._rounds_per_epoch
        self._initial_epoch = restored
        self._start = self._step = int(self._gan.rounds)
        if self._rounds <= 0:
            coord.request_stop()

    def next_due(self, global_step: int) -> int:
        if self._looks_at_batches:
            return global_step + 1
        left_of_epoch = self._rounds_per_epoch - self._batch(global_step)
        return min(global_step + left_of_epoch, self._start + self._rounds)

    def before_run(self, run_context: Any) -> Any:
        batch = self._batch(self._step)
        if batch == 0:
            self._seen.take()
            self._callbacks.on_epoch_begin(self._epoch(self._step))
        self._callbacks.on_train_batch_begin(batch)
        return super().before_run(run_context)

    def after_round(self, run_context: Any, global_step: int) -> None:
        last = global_step - 1
        self._step = global_step
        self._seen.add(self.run.values())
        self._logs = self._seen.means()
        self._callbacks.on_train_batch_end(self._batch(last), self._logs)
        done = self._gan.stop_training or global_step >= self._start + self._rounds
        if done or self._batch(global_step) == 0:
            epoch = self._epoch(last)
            if self._validate is not None and (epoch + 1) % self._validation_freq == 0:
                self._logs |= self._scores()
            self._callbacks.on_epoch_end(epoch, self._logs)
        if done or self._gan.stop_training:
            run_context.request_stop()

    def end(self, session: Any) -> None:
        self._callbacks.on_train_end(self._logs)

    def _scores(self) -> dict[str, float]:
        self._callbacks.on_test_begin()
        scores = {f"val_{name}": value for name, value in self._validate().items()}
        self._callbacks.on_test_end(scores)
        return scores

    def _batch(self, step: int) -> int:
        return (step - self._start) % self._rounds_per_epoch

    def _epoch(self, step: int) -> int:
        return self._initial_epoch + (step - self._start) // self._rounds_per_epoch


def as_callback_list(callbacks: Any, gan: Any, epochs: int, steps: int, verbose: Any) -> Any:
    """Callbacks as Keras's CallbackList, with a History and, if wanted, a progress bar.

    Args:
      callbacks: one, a list, None, or such a CallbackList, which stays as it is.
      gan: the KerasGAN.
      epochs: the number of the last epoch.
      steps: rounds in an epoch.
      verbose: "auto", 0, 1 or 2, as in Keras.
    """
    if isinstance(callbacks, tf.keras.callbacks.CallbackList):
        return callbacks
    return tf.keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        model=gan,
        verbose=1 if verbose == "auto" else verbose,
        epochs=epochs,
        steps=steps,
    )


def _check_none_needs_one_optimizer(callbacks: Any) -> None:
    keras = tf.keras.callbacks
    for callback in callbacks:
        if isinstance(callback, (keras.LearningRateScheduler, keras.ReduceLROnPlateau)):
            raise ValueError(
                f"{type(callback).__name__} sets the learning rate of one optimizer, but a GAN has"
                " two: give each a tf.keras.optimizers.schedules schedule, or set"
                " gan.generator_optimizer.learning_rate in a callback of your own."
            )


def _looks_at_batches(callback: Any) -> bool:
    if isinstance(callback, tf.keras.callbacks.ProgbarLogger):
        return False
    # Keras's own that save or write have a method for batches, too, and do nothing there.
    if "epoch" in (getattr(callback, "save_freq", None), getattr(callback, "update_freq", None)):
        return False
    base = tf.keras.callbacks.Callback
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(base, name)
        for name in _BATCH_METHODS
    )
