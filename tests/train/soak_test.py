"""A hundred thousand rounds, or many calls: memory, objects and traces stay what they were.

How long rounds take is not looked at here: other programs on the machine change it.
"""

import gc
import weakref

import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.conformance.kinds import SIZE, Net, data
from tests.train.linear_gan import LinearGAN

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


def test_calls_of_train_ops_end_with_them():
    ops = LinearGAN().train_ops
    ops.generator_train_op()
    counters = weakref.ref(ops.global_step_inc_op.counters)
    assert counters() is not None
    del ops
    gc.collect()
    assert counters() is None
