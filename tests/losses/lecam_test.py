"""LeCam: the penalty's formula, and the averages that it keeps."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.losses.worlds import REDUCTIONS, WORLDS, finite_differences, reduced
from tfgan_lite.losses import LeCam, wargs
from tfgan_lite.runs import Run

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 2, (2, 5, 1))
WEIGHTS = RANDOM.uniform(size=(2, 5, 1))
AVERAGES = {"real_average": 0.75, "generated_average": -0.5}
every_world = pytest.mark.parametrize("world", WORLDS)
NOTHING = tfgan.GANModel(*[None] * len(tfgan.GANModel._fields))


def elements(logits, one_sided=False, logit_scale=1.0):
    """Equation 3 of arXiv:2104.03310, per element."""
    real, generated = (
        logits[0] - AVERAGES["generated_average"],
        AVERAGES["real_average"] - logits[1],
    )
    if one_sided:
        real, generated = np.maximum(real, 0), np.maximum(generated, 0)
    return (real / logit_scale) ** 2, (generated / logit_scale) ** 2


def in_numpy(logits, weights=(1.0, 1.0), reduction="weighted_sum_by_nonzero_weights", **options):
    return sum(reduced(e, w, reduction) for e, w in zip(elements(logits, **options), weights))


# The formula


@every_world
@pytest.mark.parametrize("options", [{}, {"one_sided": True}, {"logit_scale": 3.0}])
def test_value_is_numpys(world, options):
    value = WORLDS[world](lambda *x: wargs.lecam_penalty(*x, **AVERAGES, **options), *LOGITS)
    np.testing.assert_allclose(value, in_numpy(LOGITS, **options), rtol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_and_reduction(reduction):
    weights = dict(zip(("real_weights", "generated_weights"), WEIGHTS))
    value = wargs.lecam_penalty(*LOGITS, **AVERAGES, **weights, reduction=reduction)
    np.testing.assert_allclose(value, in_numpy(LOGITS, WEIGHTS, reduction), rtol=1e-5)


@every_world
def test_gradient_is_that_of_finite_differences(world):
    def gradient(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = wargs.lecam_penalty(*tf.unstack(logits), **AVERAGES)
        return tape.gradient(value, logits)

    np.testing.assert_allclose(
        WORLDS[world](gradient, LOGITS.astype(np.float32)),
        finite_differences(in_numpy, LOGITS),
        rtol=1e-3,
        atol=1e-4,
    )


def test_scale_of_zero_gives_zero_and_a_finite_gradient():
    logits = tf.Variable([[1.0], [2.0]])
    with tf.GradientTape() as tape:
        value = wargs.lecam_penalty(logits, logits, 0.0, 0.0, logit_scale=0.0)
    assert value == 0
    np.testing.assert_array_equal(tape.gradient(value, logits), np.zeros([2, 1]))


# The averages


def model(real, generated):
    return NOTHING._replace(
        discriminator_real_outputs=tf.cast(real, tf.float32),
        discriminator_gen_outputs=tf.cast(generated, tf.float32),
    )


def averages(values, decay):
    """Weighted means over all values so far, of which each older one weighs `decay` times less."""
    result = []
    for t in range(1, len(values) + 1):
        weights = decay ** np.arange(t)[::-1]
        result.append(np.sum(weights * values[:t]) / np.sum(weights))
    return result


BATCHES = np.random.default_rng(1).normal(size=(6, 2, 4, 1)).astype(np.float32)


def penalties_in_numpy(batches, decay):
    real = averages(batches[:, 0].mean((1, 2)), decay)
    generated = averages(batches[:, 1].mean((1, 2)), decay)
    return [
        np.mean((x - g) ** 2) + np.mean((y - r) ** 2)
        for (x, y), r, g in zip(batches, real, generated)
    ]


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "tf.function"])
def test_penalty_is_of_averages_over_the_batches_so_far(decay, wrap):
    lecam = LeCam(decay)
    penalty = wrap(lambda x, y: lecam(model(x, y)))
    values = [penalty(*map(tf.constant, batch)) for batch in BATCHES]
    np.testing.assert_allclose(values, penalties_in_numpy(BATCHES, decay), rtol=1e-4)


def test_normalized_penalty_does_not_depend_on_the_scale_of_the_logits():
    small, large = LeCam(normalize=True), LeCam(normalize=True)
    for real, generated in BATCHES:
        value = small(model(real, generated))
        np.testing.assert_allclose(large(model(100 * real, 100 * generated)), value, rtol=1e-4)


def test_normalized_penalty_divides_by_the_mean_square_of_the_logits():
    (real, generated), *_ = BATCHES
    value = LeCam(normalize=True)(model(real, generated))
    square = (np.mean(real**2) + np.mean(generated**2)) / 2
    np.testing.assert_allclose(value, penalties_in_numpy(BATCHES[:1], 0.9)[0] / square, rtol=1e-5)


def test_logits_of_zero_are_free_also_where_normalized():
    assert LeCam(normalize=True)(model(np.zeros([3, 1]), np.zeros([3, 1]))) == 0


def test_averages_have_no_gradient():
    logits = tf.Variable(LOGITS, dtype=tf.float32)
    with tf.GradientTape() as tape:
        m = NOTHING._replace(
            discriminator_real_outputs=logits[0], discriminator_gen_outputs=logits[1]
        )
        value = LeCam(0.0)(m)
    averages = LOGITS.mean((1, 2))
    expected = 2 * (LOGITS - averages[::-1, None, None]) / 5
    np.testing.assert_allclose(tape.gradient(value, logits), expected, rtol=1e-4)


def test_averages_are_the_only_variables_and_are_not_trained():
    lecam = LeCam()
    assert not lecam.trainable_variables
    assert len(lecam.variables) == 4


def test_batch_that_is_not_finite_shows_in_the_penalty_but_leaves_no_trace():
    lecam = LeCam(0.5)
    lecam(model([[1.0]], [[2.0]]))
    before = [v.numpy() for v in lecam.variables]
    value = lecam(model([[np.nan]], [[np.nan]]))
    assert np.isnan(value)
    assert [v.numpy() for v in lecam.variables] == before


@pytest.mark.parametrize(("training", "steps"), [(True, 1.0), (False, 0.0)])
def test_run_that_does_not_train_remembers_nothing(training, steps):
    lecam = LeCam()
    with Run(key=tf.zeros([2], tf.int32), training=training):
        lecam(model([[1.0]], [[2.0]]))
    assert max(v.numpy() for v in lecam.variables if "steps" in v.name) == steps


# In training


def linear_gan():
    generator, critic = tf.Variable(tf.ones([2, 2])), tf.Variable(tf.ones([2, 1]))
    return tfgan.gan_model(
        lambda z: z @ generator,
        lambda x: x @ critic,
        lambda: tf.random.stateless_normal([4, 2], [1, 2]),
        lambda n: tf.random.stateless_normal([n, 2], [3, 4]),
    )


def losses_with(lecam, m):
    loss = tfgan.gan_loss(m)
    return loss._replace(discriminator_loss=loss.discriminator_loss + lecam(m))


def train_ops(loss, m):
    return tfgan.gan_train_ops(m, loss, tf.keras.optimizers.SGD(0.0), tf.keras.optimizers.SGD(0.0))


def test_averages_move_in_the_discriminators_updates_alone():
    m, lecam = linear_gan(), LeCam()
    loss = losses_with(lecam, m)
    ops = train_ops(loss, m)
    seen = []
    for op in (ops.generator_train_op, ops.discriminator_train_op, loss.discriminator_loss):
        op()
        seen.append(max(v.numpy() for v in lecam.variables if "steps" in v.name))
    assert seen == [0, 1, 1]


def test_averages_move_in_the_discriminators_train_op_of_a_graph_alone():
    """And the forward value does not depend on the assignment, so that it may run in any order."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        m, lecam = linear_gan(), LeCam()
        loss = losses_with(lecam, m)
        ops = train_ops(loss, m)
        session.run(tf.compat.v1.global_variables_initializer())
        (steps, *_) = [v for v in lecam.variables if "steps" in v.name]
        seen = []
        for op in (ops.generator_train_op, ops.discriminator_train_op, loss.discriminator_loss):
            session.run(op)
            seen.append(session.run(steps))
    assert seen == [0, 1, 1]


def test_model_without_networks_moves_the_averages_when_the_penalty_is_read_in_a_graph():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        lecam = LeCam(0.5)
        logits = tf.compat.v1.placeholder(tf.float32, [2, 4, 1])
        value = lecam(
            NOTHING._replace(
                discriminator_real_outputs=logits[0], discriminator_gen_outputs=logits[1]
            )
        )
        session.run(tf.compat.v1.global_variables_initializer())
        values = [session.run(value, {logits: batch}) for batch in BATCHES]
    np.testing.assert_allclose(values, penalties_in_numpy(BATCHES, 0.5), rtol=1e-4)


# Errors and the interface


def test_penalty_belongs_to_the_discriminator():
    assert LeCam().network == LeCam.network == "discriminator"


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_decay_outside_its_range_is_an_error(decay):
    with pytest.raises(ValueError, match="decay must be >= 0 and < 1"):
        LeCam(decay)


def test_making_it_inside_a_tf_function_is_an_error():
    with pytest.raises(ValueError, match="make it outside of the tf.function"):
        tf.function(lambda: LeCam()(model([[1.0]], [[2.0]])), autograph=False)()


def test_using_it_in_a_graph_that_it_was_not_made_in_is_an_error():
    lecam = LeCam()
    with tf.Graph().as_default(), pytest.raises(ValueError, match="Make lecam_.* in the tf.Graph"):
        lecam(model([[1.0]], [[2.0]]))


def test_unequal_logits_are_an_error():
    with pytest.raises(ValueError, match="must be equal"):
        LeCam()(model([[1.0]], [[2.0], [3.0]]))


def test_checkpoint_restores_the_averages(tmp_path):
    saved, restored = LeCam(0.5), LeCam(0.5)
    saved(model([[1.0]], [[2.0]]))
    path = tf.train.Checkpoint(lecam=saved).write(str(tmp_path / "state"))
    tf.train.Checkpoint(lecam=restored).read(path).assert_consumed()
    assert [v.numpy() for v in restored.variables] == [v.numpy() for v in saved.variables]
