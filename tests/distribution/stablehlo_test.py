"""What a TPU would run of each sub-step is mathematics alone: lowered to StableHLO, no host op.

TensorFlow 2.16 does not show StableHLO: there it is the HLO that is made of it.
"""

import re

import pytest
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

import tfgan_lite as tfgan
from tests.conformance.kinds import ROWS
from tests.distribution.small_gan import NOISE, SmallGAN
from tfgan_lite.runs import random_key
from tfgan_lite.train.ops import update_of

pytestmark = pytest.mark.slow
# What talks to the host, or calls what the compiler does not know.
HOST = re.compile(r"\b(infeed|outfeed|send|recv|custom[_-]call)\b.*")
# Custom calls that only name a function.
MATHEMATICS = {"mhlo.topk", "mhlo.erf", "mhlo.asin", '"TopK"'}
STAGE = "hlo" if tf.__version__.startswith("2.16.") else "stablehlo"
KERAS_3 = (
    "SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Lion", "Adagrad", "Ftrl", "Adadelta",
    "Adafactor", "Lamb", "Muon",
)  # fmt: skip
OPTIMIZERS = {
    **{n: getattr(tf.keras.optimizers, n) for n in KERAS_3 if hasattr(tf.keras.optimizers, n)},
    "loss scale": lambda rate: tf.keras.optimizers.LossScaleOptimizer(
        tf.keras.optimizers.SGD(rate)
    ),
    "tf_keras's Adam": tf_keras.optimizers.Adam,
}
PHASES = ("G", "D", "GD")


def train_ops_of(model, loss, optimizer="SGD"):
    make = OPTIMIZERS[optimizer]
    return tfgan.gan_train_ops(model, loss, make(0.01), make(0.01))


def lowered(train_ops, phase):
    """The StableHLO of a sub-step: its sampling, gradients, check and updates."""
    roles = {"G": train_ops.generator_train_op, "D": train_ops.discriminator_train_op}
    ops = [op for letter in phase for op in tf.nest.flatten(roles[letter])]
    updates = [update_of(op) for op in ops]
    step = tfgan.Session(updates[0].counters).sub_step(updates)
    elements = [
        [tf.zeros(spec.shape, spec.dtype) for spec in s.specs] for s in step.dataset_sources
    ]

    @tf.function(jit_compile=True, autograph=False)
    def program(elements, key):
        return step.compute_unasserted(step.inputs(elements, key), key)

    return program.experimental_get_compiler_ir(elements, random_key(0, 0))(stage=STAGE)


def assert_no_host_op(text):
    assert "stablehlo.dot" in text or " dot(" in text  # It is the program.
    found = [match[0] for match in HOST.finditer(text)]
    unknown = [line for line in found if not any(name in line for name in MATHEMATICS)]
    assert not unknown, unknown[:3]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("row", ROWS)
def test_every_kind_loss_and_penalty_has_no_host_op(row, phase):
    assert_no_host_op(lowered(train_ops_of(*ROWS[row].make()), phase))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_has_no_host_op(optimizer):
    gan = SmallGAN(None)  # Of Keras layers, which Muon wants.
    assert_no_host_op(lowered(train_ops_of(gan.model, gan.loss, optimizer), "GD"))


@pytest.mark.parametrize("phase", PHASES)
def test_noise_of_a_distribution_and_batch_norm_have_no_host_op(phase):
    gan = SmallGAN(None, noise=tfp.distributions.Normal(tf.zeros([NOISE]), 1.0))
    assert_no_host_op(lowered(gan.train_ops, phase))


def test_an_update_that_is_not_finite_is_not_made_and_is_told():
    """A TPU's program holds no assertion: whoever runs it asserts what it returns."""
    gan = SmallGAN(None)
    update = update_of(gan.train_ops.discriminator_train_op)
    step = tfgan.Session(gan.counters).sub_step([update])
    program = tf.function(step.compute_unasserted, jit_compile=True, autograph=False)
    before = gan.weights(trainable=True)[0]
    good = [[tf.random.stateless_normal(s.shape, [1, 2]) for s in x.specs] for x in step.sources]
    bad = [[tf.fill(s.shape, float("nan")) for s in x.specs] for x in step.sources]
    *_, [checked] = program(bad, random_key(0, 0))
    assert not bool(tf.reduce_all(tf.math.is_finite(checked)))
    for one, other in zip(before, gan.weights(trainable=True)[0], strict=True):
        assert (one == other).all()
    *_, [checked] = program(good, random_key(0, 0))
    assert bool(tf.reduce_all(tf.math.is_finite(checked)))
    assert any((a != b).any() for a, b in zip(before, gan.weights(trainable=True)[0], strict=True))
