"""A hundred thousand rounds, or many calls: memory, objects and traces stay what they were.

How long rounds take is not looked at here: other programs on the machine change it.
"""

import gc
import threading
import weakref

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.conformance.kinds import SIZE, Net, data
from tests.train.linear_gan import BATCH, LinearGAN, real_of
from tfgan_lite.end_of_passes import end_passes

ROUNDS, EVERY = 100_000, 10_000
WARM_UP = 20_000


class Counted(Net):
    """Counts the calls of its Python code: a network is called when it is traced."""

    calls = 0

    def __call__(self, inputs):
        self.calls += 1
        return super().__call__(inputs)


class Look(tfgan.TrainingHook):
    """Memory in pages, objects, and calls of the networks so far, every so many rounds."""

    def __init__(self, networks):
        self._networks = networks
        self.seen = []

    def next_due(self, global_step):
        return (global_step // EVERY + 1) * EVERY

    def after_round(self, run_context, global_step):
        if global_step % EVERY == 0:
            with open("/proc/self/statm", encoding="ascii") as file:
                memory = int(file.read().split()[1])
            calls = sum(network.calls for network in self._networks)
            self.seen.append((global_step, memory, len(gc.get_objects()), calls))


def gan():
    networks = Counted(2, SIZE, 1), Counted(SIZE, 1, 2)
    model = tfgan.gan_model(*networks, data(3), data(4, 2))
    loss = tfgan.gan_loss(
        model,
        tfgan.losses.modified_generator_loss,
        tfgan.losses.modified_discriminator_loss,
    )
    sgd = tf.keras.optimizers.SGD
    ops = tfgan.gan_train_ops(model, loss, sgd(0.001), sgd(0.001))
    return networks, ops


def train(rounds):
    networks, ops = gan()
    look = Look(networks)
    tfgan.gan_train(
        ops,
        None,
        hooks=[look, tfgan.LossLoggingHook(1000), tfgan.StopAtStepHook(rounds)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        jit_compile=False,
    )
    return look, sum(network.calls for network in networks)


def graphs():
    gc.collect()
    return sum(type(each).__name__ == "FuncGraph" for each in gc.get_objects())


def test_a_call_leaves_no_graph_behind():
    _, ops = gan()
    seen = []
    for _ in range(3):
        tfgan.gan_train(
            ops,
            None,
            hooks=[tfgan.StopAtStepHook(num_steps=2)],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            jit_compile=False,
        )
        seen.append(graphs())
    assert seen == [seen[0]] * 3


@pytest.mark.slow
def test_a_long_run_is_as_its_beginning():
    _, calls_of_two_rounds = train(2)
    look, calls = train(ROUNDS)
    assert calls == calls_of_two_rounds
    steps, memory, objects, _ = zip(*look.seen)
    assert steps == tuple(range(EVERY, ROUNDS + 1, EVERY))
    after = steps.index(WARM_UP)
    assert memory[-1] < 1.02 * memory[after]
    assert objects[-1] < 1.02 * objects[after]


class Endless:
    """Real data without end, which notes when nobody reads it any more."""

    def __init__(self):
        self.ended, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()
        spec = tf.TensorSpec([BATCH, 1])
        self.dataset = tf.data.Dataset.from_generator(self._elements, output_signature=spec)

    def _elements(self):
        try:
            while True:
                yield real_of(0)[:, np.newaxis]
        finally:
            self.may_end.wait(60)
            self.ended.set()


@pytest.fixture
def no_garbage_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("jit_compile", [False, "auto"])
def test_a_call_ends_the_passes_over_its_data(jit_compile, no_garbage_collection):
    real = Endless()
    gan = LinearGAN(real=real.dataset)
    gan.train(2, jit_compile=jit_compile)
    assert real.ended.wait(60)


def test_a_pass_ends_though_a_checkpoint_has_its_position(no_garbage_collection):
    data = Endless()
    passes = {"data": iter(data.dataset)}
    next(passes["data"])
    tf.train.Checkpoint(data=[passes["data"]])  # It refers to itself, and so stays.
    end_passes(passes)
    assert data.ended.wait(60)


def test_nobody_waits_for_a_pass_that_is_slow_to_end(monkeypatch):
    errors = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    slow, other = Endless(), Endless()
    slow.may_end.clear()
    passes = {each: iter(each.dataset) for each in (slow, other)}
    assert len([next(each) for each in passes.values()]) == 2
    others = set(threading.enumerate())
    end_passes(passes)
    assert not slow.ended.is_set()
    slow.may_end.set()
    assert slow.ended.wait(60)
    assert other.ended.wait(60)
    for thread in set(threading.enumerate()) - others:
        thread.join()
    assert not errors


def test_calls_of_train_ops_end_with_them():
    ops = LinearGAN().train_ops
    ops.generator_train_op()
    counters = weakref.ref(ops.global_step_inc_op.counters)
    assert counters() is not None
    del ops
    gc.collect()
    assert counters() is None
