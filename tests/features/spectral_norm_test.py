"""The functions of spectral normalisation: values, gradients, and when u moves."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import in_world
from tfgan_lite.features import (
    compute_spectral_norm,
    spectral_norm_regularizer,
    spectral_normalization_custom_getter,
    spectral_normalize,
    tensor_pool,
)

v1 = tf.compat.v1
both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])
SHAPES = [(4, 3), (3, 5), (1, 4), (5, 1), (3, 3, 2, 4)]
ROUNDS = 20
TOLERANCE = {"float16": 2e-3, "bfloat16": 1e-2, "float32": 1e-5, "float64": 1e-12}


def weight(shape=(4, 3), scale=1.0):
    """A weight with one large singular value, on which power iteration is quick."""
    return scale * (3 + np.random.default_rng(7).normal(size=shape))


def matrix(w):
    return np.reshape(w, [-1, w.shape[-1]])


def largest_singular_value(w):
    return np.linalg.svd(matrix(w), compute_uv=False)[0]


def variable_u(shape, dtype=tf.float32):
    start = np.random.default_rng(3).normal(size=[np.prod(shape[:-1]), 1])
    return tf.Variable(start, dtype=dtype, trainable=False)


def in_either(world, function, w, dtype="float32", **options):
    """`function(w, ...)` after many rounds."""
    options = {"power_iteration_rounds": ROUNDS, **options}
    with in_world(world):
        w = tf.constant(w, dtype)
        if world == "TF2":
            return function(w, u=variable_u(w.shape), **options).numpy()
        value = function(w, **options)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            return session.run(value)


@pytest.mark.slow
@both_worlds
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_norm_is_the_largest_singular_value(world, shape):
    got = in_either(world, compute_spectral_norm, weight(shape))
    assert got == pytest.approx(largest_singular_value(weight(shape)), rel=1e-5)


@pytest.mark.slow
@both_worlds
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_float_is_taken_and_given_back(world, dtype):
    w = weight()
    norm = in_either(world, compute_spectral_norm, w, dtype)
    normalized = in_either(world, spectral_normalize, w, dtype)
    assert norm.dtype == normalized.dtype == tf.as_dtype(dtype).as_numpy_dtype
    largest = largest_singular_value(w)
    assert float(norm) == pytest.approx(largest, rel=TOLERANCE[dtype])
    np.testing.assert_allclose(
        normalized.astype(np.float64), w / largest, rtol=4 * TOLERANCE[dtype], atol=1e-8
    )


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1e10, 1e30])
def test_tiny_and_huge_weights_are_normalised_alike(scale):
    """Squares of these leave float32's range."""
    got = in_either("TF2", spectral_normalize, weight(scale=scale))
    np.testing.assert_allclose(got, weight() / largest_singular_value(weight()), rtol=1e-4)


@pytest.mark.parametrize(("scale", "factor"), [(0.01, 1.0), (10.0, None)])
def test_unequal_constraint_leaves_small_weights_alone(scale, factor):
    w = weight(scale=scale)
    got = in_either("TF2", spectral_normalize, w, equality_constrained=False)
    np.testing.assert_allclose(got, w * (factor or 1 / largest_singular_value(w)), rtol=1e-5)


@both_worlds
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_a_zero_kernel_stays_zero(world, rounds):
    """No regression of TF-GAN's 0/0."""
    got = in_either(world, spectral_normalize, np.zeros([4, 3]), power_iteration_rounds=rounds)
    np.testing.assert_array_equal(got, np.zeros([4, 3]))


def test_a_zero_kernel_has_a_finite_gradient_and_leaves_u():
    w, u = tf.Variable(tf.zeros([4, 3])), variable_u((4, 3))
    direction = u / tf.norm(u)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(spectral_normalize(w, u=u) + compute_spectral_norm(w, u=u))
    assert np.isfinite(tape.gradient(loss, w)).all()
    np.testing.assert_allclose(u, direction, rtol=1e-6)


def test_zero_rounds_take_u_as_it_is():
    """No regression of TF-GAN's UnboundLocalError; u is the singular vector, and stays."""
    w = weight()
    left, values, _ = np.linalg.svd(w)
    u = tf.Variable(left[:, :1], dtype=tf.float32, trainable=False)
    got = compute_spectral_norm(tf.constant(w, tf.float32), power_iteration_rounds=0, u=u)
    assert float(got) == pytest.approx(values[0], rel=1e-6)
    np.testing.assert_array_equal(u, left[:, :1].astype(np.float32))


def test_rounds_over_several_calls_are_as_good_as_in_one():
    w = tf.constant(weight(), tf.float32)
    one_by_one, at_once = variable_u(w.shape), variable_u(w.shape)
    for _ in range(5):
        last = compute_spectral_norm(w, u=one_by_one)
    assert float(last) == pytest.approx(float(compute_spectral_norm(w, 5, u=at_once)), rel=1e-6)
    np.testing.assert_allclose(one_by_one, at_once, rtol=1e-5)


def test_without_training_u_stays():
    w, u = tf.constant(weight(), tf.float32), variable_u((4, 3))
    before = u.numpy()
    compute_spectral_norm(w, training=False, u=u)
    np.testing.assert_array_equal(u, before)


def test_the_gradient_takes_singular_vectors_for_constants():
    """d sigma/dW = u v^T (arXiv:1802.05957, section 2.1), and the quotient's finite differences.

    Far from the fixed point of the iteration, where it makes a difference.
    """
    w, kept = weight(), variable_u((4, 3), tf.float64)
    v = w.T @ kept.numpy()[:, 0]
    v /= np.linalg.norm(v)
    u = w @ v / np.linalg.norm(w @ v)
    weights = tf.constant(w)
    coefficients = np.random.default_rng(11).normal(size=w.shape)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(weights)
        norm = compute_spectral_norm(weights, training=False, u=kept)
        normalized = spectral_normalize(weights, training=False, u=kept)
        loss = tf.reduce_sum(coefficients * normalized)
    np.testing.assert_allclose(tape.gradient(norm, weights), np.outer(u, v), atol=1e-12)

    def at(x):
        return np.sum(coefficients * x / (u @ x @ v))

    steps = 1e-6 * np.eye(w.size).reshape([-1, *w.shape])
    expected = [(at(w + step) - at(w - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(
        np.ravel(tape.gradient(loss, weights)), expected, rtol=1e-6, atol=1e-8
    )


@both_worlds
def test_the_regularizer_is_the_scaled_norm(world):
    def regularized(w, u=None, **options):
        return spectral_norm_regularizer(0.25, u=u, **options)(w)

    got = in_either(world, regularized, weight())
    assert got == pytest.approx(0.25 * largest_singular_value(weight()), rel=1e-5)


def test_a_regularizer_of_scale_zero_gives_none():
    assert spectral_norm_regularizer(0.0)(weight()) is None


def test_it_compiles_under_xla():
    w, u = tf.constant(weight(), tf.float32), variable_u((4, 3))
    compiled = tf.function(lambda: compute_spectral_norm(w, u=u), jit_compile=True)
    for _ in range(ROUNDS):
        got = compiled()
    assert float(got) == pytest.approx(largest_singular_value(weight()), rel=1e-5)


def graph_discriminator(data):
    """One kernel by the custom getter, one by the function."""
    getter = spectral_normalization_custom_getter()
    with v1.variable_scope("normalised", custom_getter=getter):
        kernel = v1.get_variable("kernel", [4, 8])
        bias = v1.get_variable("bias", [8])
    last = spectral_normalize(v1.get_variable("last", [8, 1]))
    return tf.nn.relu(data @ kernel + bias) @ last


class Discriminator(tf.Module):
    """In TF2, u has a holder."""

    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(weight((4, 3)), dtype=tf.float32, name="kernel")
        self.u = tf.Variable(variable_u((4, 1)), trainable=False, name="spectral_norm_u")

    def __call__(self, data):
        return tf.reduce_sum(data @ spectral_normalize(self.kernel, u=self.u), 1)


@pytest.mark.slow
@both_worlds
@pytest.mark.parametrize(
    "options",
    [{}, {"gradient_penalty_weight": 1.0}, {"tensor_pool_fn": tensor_pool}],
    ids=["plain", "penalty", "pool"],
)
def test_u_moves_only_when_the_discriminator_trains(world, options):
    """No regression of TF-GAN's u, which generator steps and evaluations moved as well."""
    with in_world(world):
        numbers = np.random.default_rng(5).normal(size=[6, 4]).astype(np.float32)
        data = tf.data.Dataset.from_tensors(numbers).repeat()
        discriminator = graph_discriminator if world == "graph" else Discriminator()
        generator = tf.keras.Sequential([tf.keras.layers.Dense(4)])
        model = tfgan.gan_model(generator, discriminator, data, data)
        loss = tfgan.gan_loss(model, **options)
        ops = tfgan.gan_train_ops(
            model, loss, tf.keras.optimizers.SGD(0.1), tf.keras.optimizers.SGD(0.1)
        )
        fetches = [ops.generator_train_op, loss.discriminator_loss, ops.discriminator_train_op]
        us = [v for v in model.discriminator_fn.variables if "spectral_norm_u" in v.name]
        moved = moved_by(world, ops, us, fetches)
    assert us
    assert moved == [False, False, True]


def moved_by(world, ops, us, fetches):
    """For each fetch, whether a run of it moved all, or (False) none of the variables."""
    if world == "graph":
        session = v1.Session()
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
        tables = v1.get_collection(v1.GraphKeys.TABLE_INITIALIZERS)
        session.run(tables)
    else:
        session = tfgan.Session(ops.global_step_inc_op.counters)
    moved = []
    for fetch in fetches:
        before = session.run(us)
        session.run(fetch)
        changes = {bool((a != b).any()) for a, b in zip(before, session.run(us))}
        assert len(changes) == 1
        moved.append(changes.pop())
    return moved


@pytest.mark.parametrize(
    ("name", "is_normalised"),
    [
        ("kernel", True),
        ("weights", True),
        ("depthwise_kernel", True),
        ("pointwise_weights", True),
        ("bias", False),
        ("kernels", False),
        ("my_kernel", False),
    ],
)
def test_the_getter_normalises_kernels_by_their_names(name, is_normalised):
    with tf.Graph().as_default():
        getter = spectral_normalization_custom_getter()
        with v1.variable_scope("scope", custom_getter=getter):
            got = v1.get_variable(name, [4, 3])
        names = {v.op.name for v in v1.global_variables()}
        # As in TF-GAN's checkpoints.
        u = f"scope/scope/{name}/spectral_normalize/spectral_norm/spectral_norm_u"
    assert names == {f"scope/{name}", *([u] if is_normalised else [])}
    assert isinstance(got, tf.Variable) != is_normalised


def test_a_weights_vector_has_tf_gans_name():
    with tf.Graph().as_default():
        for name in (None, "named"):
            spectral_normalize(tf.eye(2), name=name)
        names = [v.op.name for v in v1.global_variables()]
    assert names == [
        "spectral_normalize/spectral_norm/spectral_norm_u",
        "named/spectral_norm/spectral_norm_u",
    ]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_getters_weights_have_norm_one_and_are_shared_on_reuse(dtype):
    with tf.Graph().as_default():
        getter = spectral_normalization_custom_getter(power_iteration_rounds=ROUNDS)
        for reuse in (False, True):
            with v1.variable_scope("scope", custom_getter=getter, reuse=reuse):
                start = v1.constant_initializer(weight())
                got = v1.get_variable("kernel", [4, 3], dtype, start)
        assert len(v1.global_variables()) == 2
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            value = session.run(got)
    assert value.dtype == dtype
    assert largest_singular_value(value.astype(float)) == pytest.approx(1.0, rel=TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "message"),
    [
        ("a", [3], "float32", "rank >= 2"),
        ("a", [3, 2], "int32", "floating-point dtype, got int32"),
        ("spectral_norm_u", [3, 1], "float32", "keeps its vector"),
    ],
)
def test_the_getter_refuses_what_is_no_kernel(name, shape, dtype, message):
    with tf.Graph().as_default():
        getter = spectral_normalization_custom_getter(lambda name: True)
        with (
            v1.variable_scope("scope", custom_getter=getter),
            pytest.raises(ValueError, match=message),
        ):
            v1.get_variable(name, shape, dtype, v1.zeros_initializer())


BAD_CALLS = {
    "no u in TF2": (lambda: compute_spectral_norm(weight()), "SpectralNormalization"),
    "rank 1": (lambda: compute_spectral_norm(np.ones(3), u=variable_u((3, 1))), "rank >= 2"),
    "integers": (lambda: compute_spectral_norm(np.ones([2, 2], int)), "floating-point"),
    "empty": (lambda: compute_spectral_norm(np.ones([0, 2])), "no elements"),
    "negative rounds": (lambda: compute_spectral_norm(weight(), -1), "at least 0, got -1"),
    "fractional rounds": (lambda: compute_spectral_norm(weight(), 1.5), "at least 0, got 1.5"),
    "u's shape": (lambda: spectral_normalize(weight(), u=variable_u((3, 1))), r"shape \[4, 1\]"),
    "integer scale": (lambda: spectral_norm_regularizer(1), "scale cannot be an integer"),
    "negative scale": (lambda: spectral_norm_regularizer(-0.5), "scale must be >= 0"),
    "nan scale": (lambda: spectral_norm_regularizer(float("nan")), "scale must be >= 0"),
    "no filter": (lambda: spectral_normalization_custom_getter("kernel"), "name_filter must be"),
    "getter's rounds": (
        lambda: spectral_normalization_custom_getter(power_iteration_rounds=-1),
        "power_iteration_rounds must be",
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_argument_is_refused(case):
    call, message = BAD_CALLS[case]
    with pytest.raises(ValueError, match=message):
        call()
