"""The adversarial losses against their formulas in float64 NumPy, in every world."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite import deferred
from tfgan_lite.losses import wargs

Reduction = tf.compat.v1.losses.Reduction
REDUCTIONS = sorted(set(Reduction.all()))


def cross_entropy(target, logits):
    """The cross entropy of sigmoid(logits) by its definition."""
    probability = 1 / (1 + np.exp(-logits))
    return -target * np.log(probability) - (1 - target) * np.log(1 - probability)


def smoothed(real, gen, label_smoothing=0.25):
    return cross_entropy(1 - label_smoothing / 2, real), cross_entropy(0, gen)


# One row per loss: its losses per element, without weights. A discriminator's row gives two, that
# of the real and that of the generated logits, and the loss is their sum.
FORMULAS = {
    "wasserstein_generator_loss": lambda gen: -gen,
    "wasserstein_discriminator_loss": lambda real, gen: (-real, gen),
    "wasserstein_hinge_generator_loss": lambda gen: -gen,
    "wasserstein_hinge_discriminator_loss": lambda real, gen, real_hinge=1.0, generated_hinge=1.0: (
        np.maximum(0, real_hinge - real),
        np.maximum(0, generated_hinge + gen),
    ),
    "minimax_generator_loss": lambda gen, label_smoothing=0.0: (
        -cross_entropy(1 - label_smoothing / 2, np.ones_like(gen)) - cross_entropy(0, gen)
    ),
    "minimax_discriminator_loss": smoothed,
    "modified_generator_loss": lambda gen, label_smoothing=0.0: cross_entropy(
        1 - label_smoothing / 2, gen
    ),
    "modified_discriminator_loss": smoothed,
    "least_squares_generator_loss": lambda gen, real_label=1: (gen - real_label) ** 2 / 2,
    "least_squares_discriminator_loss": lambda real, gen, real_label=1, fake_label=0: (
        (real - real_label) ** 2 / 2,
        (gen - fake_label) ** 2 / 2,
    ),
}
GENERATOR_LOSSES = [name for name in FORMULAS if name.endswith("generator_loss")]

# The same table as TF-GAN 2.1.0 computes it, for the logits REAL and GEN and default arguments.
REAL, GEN = [[1.0], [2.0]], [[3.0], [-1.0]]
TFGAN_VALUES = {
    "wasserstein_generator_loss": -1.0,
    "wasserstein_discriminator_loss": -0.5,
    "wasserstein_hinge_generator_loss": -1.0,
    "wasserstein_hinge_discriminator_loss": 2.0,
    "minimax_generator_loss": -1.99419,
    "minimax_discriminator_loss": 2.08852,
    "modified_generator_loss": 0.68092,
    "modified_discriminator_loss": 2.08852,
    "least_squares_generator_loss": 2.0,
    "least_squares_discriminator_loss": 2.75,
}

# TF-GAN's summary tags. The hinge GAN's generator loss is Wasserstein's there, tag and all.
TAGS = {
    "wasserstein_generator_loss": ["generator_wass_loss"],
    "wasserstein_hinge_generator_loss": ["generator_wass_loss"],
    "minimax_generator_loss": ["generator_minimax_loss"],
    "modified_generator_loss": ["generator_modified_loss"],
    "least_squares_generator_loss": ["generator_lsq_loss"],
} | {
    name: [f"discriminator_{part}{kind}_loss" for part in ("gen_", "real_", "")]
    for name, kind in {
        "wasserstein_discriminator_loss": "wass",
        "wasserstein_hinge_discriminator_loss": "wass_hinge",
        "minimax_discriminator_loss": "minimax",
        "modified_discriminator_loss": "minimax",
        "least_squares_discriminator_loss": "lsq",
    }.items()
}

# Weights of the real (or only) and of the generated logits, for logits [5, 2].
WEIGHTS = {
    "scalar": (0.7, 1.3),
    "zero": (0.0, 0.0),
    "per_example": (
        np.array([[0.5], [0.0], [2.0], [1.0], [0.0]]),
        np.array([[0.0], [3.0], [0.0], [0.1], [1.0]]),
    ),
    "per_logit": (np.arange(10.0).reshape(5, 2) / 4, np.arange(10.0)[::-1].reshape(5, 2) % 3),
}


def logits_for(name, shape=(5, 2), seed=0):
    """Random float64 logits, in the order in which the loss takes them."""
    count = 1 if name in GENERATOR_LOSSES else 2
    return list(np.random.default_rng(seed).normal(0, 2, (count, *shape)))


def weights_for(name, weights):
    """A pair of weights as the loss's keyword arguments."""
    names = ("weights",) if name in GENERATOR_LOSSES else ("real_weights", "generated_weights")
    return dict(zip(names, weights, strict=False))


def reduced(losses, weights, reduction):
    """TF1's reductions, by their documentation; an empty mean is zero."""
    weights = np.broadcast_to(weights, losses.shape)
    if reduction == Reduction.NONE:
        return losses * weights
    count = {
        Reduction.SUM: 1,
        Reduction.SUM_OVER_BATCH_SIZE: losses.size,
        Reduction.MEAN: weights.sum(),
        Reduction.SUM_BY_NONZERO_WEIGHTS: np.count_nonzero(weights),
    }[reduction]
    return (losses * weights).sum() / count if count else 0.0


def expected(name, logits, weights=(1, 1), reduction=Reduction.SUM_BY_NONZERO_WEIGHTS, **options):
    losses = FORMULAS[name](*logits, **options)
    losses = losses if isinstance(losses, tuple) else (losses,)
    return sum(reduced(loss, weight, reduction) for loss, weight in zip(losses, weights))


def actual(name, logits, **arguments):
    return getattr(wargs, name)(*map(tf.constant, logits), **arguments)


def in_tf_graph(function, *values):
    """Calls the function in a tf.Graph of its own and evaluates its result."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(function(*map(tf.constant, values)))


WORLDS = {
    "eager": lambda function, *values: function(*map(tf.constant, values)),
    "tf.function": lambda function, *values: tf.function(function)(*map(tf.constant, values)),
    "jit": lambda function, *values: tf.function(function, jit_compile=True)(
        *map(tf.constant, values)
    ),
    "tf.Graph": in_tf_graph,
}

every_loss = pytest.mark.parametrize("name", FORMULAS)
every_world = pytest.mark.parametrize("world", WORLDS)


# Values


@every_loss
def test_value_is_tfgans(name):
    logits = [GEN] if name in GENERATOR_LOSSES else [REAL, GEN]
    np.testing.assert_allclose(actual(name, logits), TFGAN_VALUES[name], atol=1e-5)


@every_loss
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_and_reduction(name, reduction, weights):
    logits = logits_for(name)
    np.testing.assert_allclose(
        actual(name, logits, reduction=reduction, **weights_for(name, WEIGHTS[weights])),
        expected(name, logits, WEIGHTS[weights], reduction),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (name, {"label_smoothing": value})
        for name in FORMULAS
        if name.startswith(("minimax", "modified"))
        for value in (0, 0.1, np.float64(0.5), 1)
    ]
    + [
        ("wasserstein_hinge_discriminator_loss", {"real_hinge": 2.0}),
        ("wasserstein_hinge_discriminator_loss", {"generated_hinge": 0.5}),
        ("least_squares_generator_loss", {"real_label": 0.9}),
        ("least_squares_discriminator_loss", {"real_label": 0.9}),
        ("least_squares_discriminator_loss", {"fake_label": -1}),
    ],
)
def test_option(name, options):
    logits = logits_for(name)
    np.testing.assert_allclose(
        actual(name, logits, **options), expected(name, logits, **options), rtol=1e-5
    )


def test_label_smoothing_of_a_quarter_means_the_target_0_875():
    """Cross entropy is least where the probability is the target."""
    best = np.log(0.875 / 0.125)
    logits = tf.Variable(best, dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = wargs.modified_generator_loss(logits, label_smoothing=0.25)
    np.testing.assert_allclose(tape.gradient(loss, logits), 0.0, atol=1e-6)


@every_loss
@pytest.mark.parametrize("shape", [(6,), (6, 1), (3, 4, 4, 1)])
def test_logits_may_be_a_vector_a_column_or_patches(name, shape):
    logits = logits_for(name, shape)
    loss = actual(name, logits)
    assert loss.shape == []
    np.testing.assert_allclose(loss, expected(name, logits), rtol=1e-5)


@every_loss
def test_one_weight_per_example_covers_its_patches(name):
    logits = logits_for(name, (3, 4, 4, 1))
    weights = np.array([0.0, 1.0, 2.5]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(
        actual(name, logits, **weights_for(name, (weights, weights))),
        expected(name, logits, (weights, weights)),
        rtol=1e-5,
    )


@every_loss
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int32"])
def test_logits_of_any_dtype_are_computed_in_float32(name, dtype):
    logits = [tf.cast(values, dtype) for values in logits_for(name)]
    loss = getattr(wargs, name)(*logits)
    assert loss.dtype == tf.float32
    rounded = [tf.cast(values, tf.float64).numpy() for values in logits]
    np.testing.assert_allclose(loss, expected(name, rounded), rtol=1e-5)


@every_loss
@pytest.mark.parametrize("size", [-1e4, 1e4])
def test_huge_logits_give_a_finite_loss_and_gradient(name, size):
    logits = [tf.Variable([size, -size]) for _ in logits_for(name)]
    with tf.GradientTape() as tape:
        loss = getattr(wargs, name)(*logits)
    assert np.isfinite(loss)
    assert np.isfinite(tape.gradient(loss, logits)).all()


# Gradients


@every_loss
@every_world
def test_gradient_is_that_of_finite_differences(name, world):
    logits = np.array(logits_for(name))
    weights = WEIGHTS["per_example"]

    def gradient(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = getattr(wargs, name)(*tf.unstack(values), **weights_for(name, weights))
        return tape.gradient(loss, values)

    step = 1e-5
    differences = np.zeros_like(logits)
    for index in np.ndindex(logits.shape):
        nudge = np.zeros_like(logits)
        nudge[index] = step
        above, below = (
            expected(name, logits + nudge, weights),
            expected(name, logits - nudge, weights),
        )
        differences[index] = (above - below) / (2 * step)
    np.testing.assert_allclose(
        WORLDS[world](gradient, logits.astype(np.float32)), differences, rtol=1e-4, atol=1e-5
    )


# Worlds


@every_loss
@every_world
def test_value_is_the_same_in_every_world(name, world):
    logits = logits_for(name)
    weights = WEIGHTS["per_example"]
    loss = WORLDS[world](
        lambda *values: getattr(wargs, name)(*values, **weights_for(name, weights)), *logits
    )
    np.testing.assert_allclose(loss, expected(name, logits, weights), rtol=1e-5)


@every_loss
@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_trace_serves_every_batch_size(name, jit_compile):
    specs = [tf.TensorSpec([None, 2], tf.float64) for _ in logits_for(name)]
    weight_specs = [tf.TensorSpec([None, 1], tf.float64) for _ in specs]

    @tf.function(input_signature=[specs, weight_specs], jit_compile=jit_compile)
    def loss(logits, weights):
        return getattr(wargs, name)(*logits, **weights_for(name, weights))

    for batch in (5, 3):
        logits = logits_for(name, (batch, 2))
        weights = [weights[:batch] for weights in WEIGHTS["per_example"]][: len(logits)]
        np.testing.assert_allclose(
            loss(list(map(tf.constant, logits)), list(map(tf.constant, weights))),
            expected(name, logits, weights),
            rtol=1e-5,
        )


# Summaries


def expected_summaries(name, logits, **options):
    """The values by tag: a discriminator's generated part, its real part and the whole."""
    whole = expected(name, logits, **options)
    if name in GENERATOR_LOSSES:
        return dict(zip(TAGS[name], [whole], strict=True))
    real, generated = (np.mean(part) for part in FORMULAS[name](*logits))
    # The Wasserstein summary of real data is the critic's score, of which the loss takes minus.
    real = -real if name == "wasserstein_discriminator_loss" else real
    return dict(zip(TAGS[name], [generated, real, whole], strict=True))


@every_loss
def test_summaries_in_a_graph_are_tfgans(name):
    logits = logits_for(name)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        actual(name, logits, add_summaries=True)
        merged = session.run(tf.compat.v1.summary.merge_all())
    values = tf.compat.v1.Summary.FromString(merged).value
    summaries = {value.tag: value.simple_value for value in values}
    assert summaries == pytest.approx(expected_summaries(name, logits), rel=1e-5)


@every_loss
@pytest.mark.parametrize("world", ["eager", "tf.function"])
def test_summaries_elsewhere_are_reported_to_the_run(name, world, monkeypatch):
    reported = []
    monkeypatch.setattr(deferred, "report", lambda tag, value: reported.append((tag, value)))
    logits = logits_for(name)

    def reports(*values):
        reported.clear()
        getattr(wargs, name)(*values, add_summaries=True)
        return dict(reported)

    summaries = {tag: float(value) for tag, value in WORLDS[world](reports, *logits).items()}
    assert summaries == pytest.approx(expected_summaries(name, logits), rel=1e-5)


@every_loss
def test_summary_of_an_unreduced_loss_is_its_mean(name, monkeypatch):
    reported = {}
    monkeypatch.setattr(deferred, "report", lambda tag, value: reported.update({tag: float(value)}))
    logits = logits_for(name)
    actual(name, logits, add_summaries=True, reduction=Reduction.NONE)
    assert reported == pytest.approx(expected_summaries(name, logits), rel=1e-5)


@every_loss
def test_no_summary_unless_asked_for(name, monkeypatch):
    monkeypatch.setattr(deferred, "report", lambda tag, value: pytest.fail(f"{tag} was reported"))
    actual(name, logits_for(name))
    with tf.Graph().as_default():
        actual(name, logits_for(name))
        assert tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.SUMMARIES) == []
