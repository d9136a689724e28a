"""What a sub-step takes, measured on made-up data."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgan_lite.runs import random_key
from tfgan_lite.train.fused_rounds import FusedRounds, may_fuse, rounds_in_one_launch
from tfgan_lite.train.sub_step import SubStep

__all__ = ["Trial"]

_MIN_SECONDS = 0.05  # Of a measurement, so that timer and scheduler noise stay small.
_LONG = 1e-2  # Seconds of a sub-step.


class Trial:
    """Times a sub-step on made-up data; making one warms it up.

    Data are drawn from a pipeline, whose work beside the sub-steps takes from the machine what one
    or another of them could use.

    Args:
      step: compiled in the way that is tried.
      clock: gives seconds.
      expected: seconds that the sub-step may take, as far as that is known.

    Attributes:
      best: the least of the seconds measured so far.
      warm_up: seconds that compiling and the first run took.
    """

    def __init__(self, step: SubStep, clock: Callable[[], float], expected: float = 0.0):
        self._clock = clock
        examples = {source: [_example(spec) for spec in source.specs] for source in step.sources}
        self._data = [iter(_pipeline(examples.pop(source))) for source in step.dataset_sources]
        self._given = list(examples.values())

        # With another one in the same launch, as in a round: its generated data may be made beside
        # the first. A joint sub-step mostly is a round, and a long one, whose compiling takes
        # longest, gains little.
        is_alone = len(step.updates) > 1 or expected > _LONG
        launches = [step] * (1 if is_alone else 2)
        fused = None
        if may_fuse(launches):
            fused = FusedRounds(launches, rounds_in_one_launch(launches))
        self._steps_in_turn = fused.most * len(launches) if fused else 1

        @tf.function(autograph=False)
        def program(given, repeats, data):  # A captured iterator would outlive the trial.
            samples = dict(zip(examples, given))

            def draw():
                return [tf.nest.flatten(iterator.get_next()) for iterator in data]

            def once(i, unused_last):
                if fused is None:
                    report = step(draw(), random_key(i, 0), samples=samples).report[0]
                else:
                    keys = [[random_key(i, k) for k in range(len(launches))]] * fused.most
                    draws = [
                        [step.inputs(draw(), key, samples=samples) for key in of_round]
                        for of_round in keys
                    ]
                    report = fused(draws, keys).reports[-1][0, 0]
                with tf.control_dependencies([report]):
                    return i + 1, report

            return tf.while_loop(lambda i, _: i < repeats, once, [0, 0.0], parallel_iterations=1)

        self._program = program
        self._repeats = 1
        self.best = float("inf")
        self.warm_up = self.seconds() * self._steps_in_turn
        seconds = max(self.seconds() * self._steps_in_turn, 1e-6)
        self._repeats = max(1, round(_MIN_SECONDS / seconds))

    def seconds(self) -> float:
        start = self._clock()
        self._program(self._given, tf.constant(self._repeats), self._data)[1].numpy()
        seconds = (self._clock() - start) / (self._repeats * self._steps_in_turn)
        self.best = min(self.best, seconds)
        return seconds


def _example(spec: tf.TensorSpec) -> tf.Tensor:
    if spec.dtype.is_floating:
        return tf.random.stateless_uniform(spec.shape, [0, 0], -1.0, 1.0, spec.dtype, "philox")
    return tf.zeros(spec.shape, spec.dtype)


def _pipeline(batch: list[tf.Tensor]) -> tf.data.Dataset:
    """The batch without end, put together of its examples each time, where it has such."""
    options = tf.data.Options()
    # There is nothing to tune, and TensorFlow's thread for it may take a minute to see the end.
    options.autotune.enabled = False
    whole = tf.data.Dataset.from_tensors(tuple(batch)).with_options(options)
    sizes = {x.shape[0] if x.shape.rank else 0 for x in batch}
    if len(sizes) > 1 or 0 in sizes:
        return whole.repeat()
    return whole.unbatch().repeat().batch(sizes.pop(), drop_remainder=True).prefetch(1)
