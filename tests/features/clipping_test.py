"""Weight clipping: optimizers of every kind keep weights within a bound, in both worlds."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, in_world
from tfgan_lite.features import (
    VariableClippingOptimizer,
    clip_discriminator_weights,
    clip_variables,
)

v1 = tf.compat.v1
both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])
START = [[3.0, -4.0], [0.3, 0.4]]
OPTIMIZERS = {
    "Keras SGD": lambda: tf.keras.optimizers.SGD(1.0),
    "Keras Adam": lambda: tf.keras.optimizers.Adam(1.0),
    "v1 SGD": lambda: v1.train.GradientDescentOptimizer(1.0),
    "v1 Adam": lambda: v1.train.AdamOptimizer(1.0),
}


def updated(world, make_optimizer, wrap, gradient):
    """The values of two variables, of which only the first has a gradient, after one update."""
    with in_world(world):
        variables = [tf.Variable(START, name="one"), tf.Variable(START, name="other")]
        optimizer = wrap(make_optimizer(), variables)
        pairs = [(tf.constant(gradient), variables[0])]
        if world == "TF2":
            optimizer.apply_gradients(pairs)
            return [v.numpy() for v in variables]
        if not isinstance(optimizer, v1.train.Optimizer):
            optimizer.build(variables[:1])
        if isinstance(optimizer, v1.train.Optimizer):
            update = optimizer.apply_gradients(pairs)
        else:  # As gan_train_ops does it.

            @tf.function(autograph=False)
            def apply(given):
                optimizer.apply_gradients([(given, variables[0])])
                return tf.constant(True)

            update = apply(pairs[0][0])
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            session.run(update)
            return session.run(variables)


def in_worlds_of(kind):
    return ["graph"] if kind.startswith("v1") else ["graph", "TF2"]


cases = pytest.mark.parametrize(
    ("kind", "world"), [(kind, world) for kind in OPTIMIZERS for world in in_worlds_of(kind)]
)


@cases
def test_each_value_is_clipped_after_the_update(kind, world):
    """Also of the variable without a gradient, which TF-GAN's left as it was."""
    got = updated(
        world, OPTIMIZERS[kind], lambda o, v: clip_variables(o, v, 0.35), [[0.0, 0.0], [1.0, 0.0]]
    )
    np.testing.assert_allclose(got[0], [[0.35, -0.35], [-0.35, 0.35]])  # 0.3 - 1, then clipped.
    np.testing.assert_allclose(got[1], [[0.35, -0.35], [0.3, 0.35]])


@cases
@pytest.mark.parametrize(
    ("dims", "expected"),
    [
        ([1], [[0.6, -0.8], [0.3, 0.4]]),
        ([0, 1], np.array(START) / np.sqrt(25.25)),
        ([], [[1.0, -1.0], [0.3, 0.4]]),
    ],
)
def test_norms_are_clipped_along_the_dimensions(kind, world, dims, expected):
    def wrap(optimizer, variables):
        pairs = [(v, dims) for v in variables]
        return VariableClippingOptimizer(optimizer, pairs, 1.0, colocate_clip_ops_with_vars=True)

    for got in updated(world, OPTIMIZERS[kind], wrap, np.zeros([2, 2], np.float32)):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_variables_of_tf2_may_be_keys():
    """No regression of TF-GAN's mapping, which took no TF2 variable (unhashable)."""
    variable = tf.Variable(START)
    optimizer = VariableClippingOptimizer(
        tf.keras.optimizers.SGD(1.0), {variable.ref(): [1]}, max_norm=1.0
    )
    optimizer.apply_gradients([(tf.zeros([2, 2]), variable)])
    np.testing.assert_allclose(variable, [[0.6, -0.8], [0.3, 0.4]], rtol=1e-6)


def test_sparse_gradients_are_taken():
    variable = tf.Variable(START)
    optimizer = clip_variables(tf.keras.optimizers.SGD(1.0), [variable], 0.35)
    optimizer.apply_gradients([(tf.IndexedSlices([[1.0, 0.0]], [1], [2, 2]), variable)])
    np.testing.assert_allclose(variable, [[0.35, -0.35], [-0.35, 0.35]])


def test_a_v1_optimizer_stays_one():
    with tf.Graph().as_default():
        variable = tf.Variable(1.0)
        optimizer = clip_variables(v1.train.AdamOptimizer(1.0), [variable], 0.5)
        step = v1.train.create_global_step()
        update = optimizer.minimize(variable * variable, global_step=step)
        assert isinstance(optimizer, v1.train.Optimizer)
        assert isinstance(optimizer, VariableClippingOptimizer)
        assert optimizer.get_slot_names() == ["m", "v"]
        assert optimizer.get_slot(variable, "m") is not None
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            session.run(update)
            assert session.run(variable) == pytest.approx(0.0, abs=1e-6)  # Adam's first is 1 long.
            assert session.run(step) == 1


def test_initial_weights_are_clipped_before_their_first_use():
    """No regression of TF-GAN's: its first generator steps saw an unclipped critic."""
    variable = tf.Variable(START)
    clip_variables(tf.keras.optimizers.SGD(1.0), [variable], 0.35).build([variable])
    np.testing.assert_allclose(variable, [[0.35, -0.35], [0.3, 0.35]])


def test_initial_weights_of_a_graph_are_clipped_by_clip():
    with tf.Graph().as_default(), v1.Session() as session:
        variable = tf.Variable(START)
        clip = clip_variables(tf.keras.optimizers.SGD(1.0), [variable], 0.35).clip()
        session.run(v1.global_variables_initializer())
        session.run(clip)
        np.testing.assert_allclose(session.run(variable), [[0.35, -0.35], [0.3, 0.35]])


def train_clipped(world, logdir=None, rounds=3, **options):
    """A critic `c x` whose gradient pushes c up from -0.75, clipped to 0.5: c in each round."""
    with in_world(world):
        gan = LinearGAN()
        make = tf.keras.optimizers.Adam
        discriminator_optimizer = clip_discriminator_weights(make(0.3, 0.5), gan.model, 0.5)
        ops = tfgan.gan_train_ops(gan.model, gan.loss, make(0.01), discriminator_optimizer)
        seen = []
        tfgan.gan_train(
            ops,
            logdir=logdir,
            hooks=[tfgan.StopAtStepHook(last_step=rounds), Look(gan.critic.c, seen)],
            save_checkpoint_secs=60 if logdir else None,
            save_summaries_steps=None,
            **options,
        )
    return [float(c) for c in seen], discriminator_optimizer


class Look(tfgan.TrainingHook):
    """Notes a variable before the first round and after each."""

    def __init__(self, variable, seen):
        self._variable, self._seen = variable, seen

    def after_create_session(self, session, unused_coordinator):
        self._seen.append(session.run(self._variable))

    def after_run(self, run_context, unused_values):
        self._seen.append(run_context.session.run(self._variable))


@pytest.mark.parametrize("world", ["graph", "TF2", "XLA"])
def test_the_discriminators_weights_stay_within_the_bound_while_training(world):
    seen, _ = train_clipped(
        "TF2" if world == "XLA" else world, rounds=8, jit_compile=world == "XLA"
    )
    assert seen[0] == (-0.75 if world == "graph" else -0.5)  # TF2 clips the initial weight.
    assert all(abs(c) <= 0.5 for c in seen[1:])
    assert seen[-1] == 0.5


def test_the_optimizers_state_is_in_the_checkpoint(tmp_path):
    _, first = train_clipped("TF2", str(tmp_path), rounds=3, jit_compile=False)
    _, second = train_clipped("TF2", str(tmp_path), rounds=5, jit_compile=False)
    assert int(first.iterations) == 3
    assert int(second.iterations) == 5
    saved = [name for name, _ in tf.train.list_variables(str(tmp_path))]
    assert any(name.startswith("discriminator_optimizer/optimizer/") for name in saved)


def test_it_has_the_optimizers_attributes():
    optimizer = clip_variables(tf.keras.optimizers.Adam(0.25), [tf.Variable(1.0)], 1.0)
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate = 0.5
    assert float(optimizer.optimizer.learning_rate) == 0.5
    assert optimizer.beta_1 == 0.9
    with pytest.raises(AttributeError, match="nonsense"):
        optimizer.nonsense  # noqa: B018


def sgd():
    return tf.keras.optimizers.SGD(0.1)


@pytest.mark.parametrize("bound", [0, 0.0, -1.0, float("nan"), float("inf"), "1", None])
def test_a_bound_that_is_not_positive_is_refused(bound):
    """No regression of TF-GAN's clipping to 0, which makes all weights zero."""
    with pytest.raises(ValueError, match="weight_clip must be a number > 0"):
        clip_variables(sgd(), [tf.Variable(1.0)], bound)
    with pytest.raises(ValueError, match="max_norm must be a number > 0"):
        VariableClippingOptimizer(sgd(), [(tf.Variable([1.0]), [0])], bound)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="variables is empty"):
        clip_variables(sgd(), [], 1.0)
    with pytest.raises(TypeError, match="opt must be a Keras or v1 optimizer"):
        clip_variables("sgd", [tf.Variable(1.0)], 1.0)
    with pytest.raises(TypeError, match="must name variables"):
        clip_variables(sgd(), [1.0], 1.0)
    with pytest.raises(ValueError, match=r"dimensions \[2\]"):
        VariableClippingOptimizer(sgd(), [(tf.Variable(START), [2])], 1.0)
