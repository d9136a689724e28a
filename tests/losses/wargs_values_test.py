"""The losses on logits against their formulas in float64 NumPy, in every world."""

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.formulas import (
    FORMULAS,
    LABELS,
    ON_LOGITS,
    WEIGHTS,
    actual,
    expected,
    inputs_for,
    weights_for,
)
from tests.losses.worlds import REDUCTIONS, WORLDS, Reduction, finite_differences
from tfgan_lite import runs
from tfgan_lite.losses import wargs

REAL, GEN = [[1.0], [2.0]], [[3.0], [-1.0]]

every_loss = pytest.mark.parametrize("name", FORMULAS)
every_loss_on_logits = pytest.mark.parametrize("name", ON_LOGITS)
every_world = pytest.mark.parametrize("world", WORLDS)


# Values


@pytest.mark.parametrize("name", [n for n, row in FORMULAS.items() if row.tfgan is not None])
def test_value_is_tfgans(name):
    logits = [REAL, GEN][-len(FORMULAS[name].inputs) :]
    np.testing.assert_allclose(actual(name, logits), FORMULAS[name].tfgan, atol=1e-5)


@every_loss
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_and_reduction(name, reduction, weights):
    logits = inputs_for(name)
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
        for name, row in FORMULAS.items()
        if "label_smoothing" in row.options
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
    logits = inputs_for(name)
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


@every_loss_on_logits
@pytest.mark.parametrize("shape", [(6,), (6, 1), (3, 4, 4, 1)])
def test_logits_may_be_a_vector_a_column_or_patches(name, shape):
    logits = inputs_for(name, shape)
    loss = actual(name, logits)
    assert loss.shape == []
    np.testing.assert_allclose(loss, expected(name, logits), rtol=1e-5)


@every_loss_on_logits
def test_one_weight_per_example_covers_its_patches(name):
    logits = inputs_for(name, (3, 4, 4, 1))
    weights = np.array([0.0, 1.0, 2.5]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(
        actual(name, logits, **weights_for(name, (weights, weights))),
        expected(name, logits, (weights, weights)),
        rtol=1e-5,
    )


@every_loss
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int32"])
def test_logits_of_any_dtype_are_computed_in_float32(name, dtype):
    logits = [tf.cast(values, dtype) for values in inputs_for(name)]
    loss = getattr(wargs, name)(*logits)
    assert loss.dtype == tf.float32
    rounded = [tf.cast(values, tf.float64).numpy() for values in logits]
    np.testing.assert_allclose(loss, expected(name, rounded), rtol=1e-5)


@every_loss
@pytest.mark.parametrize("size", [-1e4, 1e4])
def test_huge_logits_give_a_finite_loss_and_gradient(name, size):
    logits = tf.Variable([[size, -size]])
    labels = tf.constant([[1.0, 0.0]])
    with tf.GradientTape() as tape:
        inputs = [labels if i == LABELS else logits + 0.0 for i in FORMULAS[name].inputs]
        loss = getattr(wargs, name)(*inputs)
    assert np.isfinite(loss)
    assert np.isfinite(tape.gradient(loss, logits)).all()


# Gradients


@every_loss
@every_world
def test_gradient_is_that_of_finite_differences(name, world):
    inputs = inputs_for(name)
    labels = [inputs.pop()] if FORMULAS[name].takes_classes else []
    weights = WEIGHTS["per_example"]

    def gradient(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = getattr(wargs, name)(*tf.unstack(values), *labels, **weights_for(name, weights))
        return tape.gradient(loss, values)

    np.testing.assert_allclose(
        WORLDS[world](gradient, np.array(inputs, np.float32)),
        finite_differences(lambda x: expected(name, [*x, *labels], weights), np.array(inputs)),
        rtol=1e-4,
        atol=1e-5,
    )


# Worlds


@every_loss
@every_world
def test_value_is_the_same_in_every_world(name, world):
    logits = inputs_for(name)
    weights = WEIGHTS["per_example"]
    loss = WORLDS[world](
        lambda *values: getattr(wargs, name)(*values, **weights_for(name, weights)), *logits
    )
    np.testing.assert_allclose(loss, expected(name, logits, weights), rtol=1e-5)


@every_loss
@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_trace_serves_every_batch_size(name, jit_compile):
    row = FORMULAS[name]
    specs = [tf.TensorSpec([None, 2], tf.float64) for _ in row.inputs]
    shape = [None] if row.takes_classes else [None, 1]
    weight_specs = [tf.TensorSpec(shape, tf.float64) for _ in row.weights]

    @tf.function(input_signature=[specs, weight_specs], jit_compile=jit_compile)
    def loss(logits, weights):
        return getattr(wargs, name)(*logits, **dict(zip(row.weights, weights)))

    for batch in (5, 3):
        logits = inputs_for(name, (batch, 2))
        weights = [weights[:batch] for weights in WEIGHTS["per_example"]]
        given = weights_for(name, weights).values()
        np.testing.assert_allclose(
            loss(list(map(tf.constant, logits)), list(map(tf.constant, given))),
            expected(name, logits, weights),
            rtol=1e-5,
        )


# Summaries


def expected_summaries(name, logits):
    """The values by tag: a discriminator's generated part, its real part and the whole."""
    *parts, _ = tags = FORMULAS[name].tags
    values = [np.mean(part) for part in FORMULAS[name].elements(*logits)][::-1] if parts else []
    if name == "wasserstein_discriminator_loss":  # Its summary is the critic's score, not minus it.
        values[1] *= -1
    return dict(zip(tags, [*values, expected(name, logits)], strict=True))


@every_loss
def test_summaries_in_a_graph_are_tfgans(name):
    logits = inputs_for(name)
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
    monkeypatch.setattr(runs, "report", lambda tag, value: reported.append((tag, value)))
    logits = inputs_for(name)

    def reports(*values):
        reported.clear()
        getattr(wargs, name)(*values, add_summaries=True)
        return dict(reported)

    summaries = {tag: float(value) for tag, value in WORLDS[world](reports, *logits).items()}
    assert summaries == pytest.approx(expected_summaries(name, logits), rel=1e-5)


@every_loss
def test_summary_of_an_unreduced_loss_is_its_mean(name, monkeypatch):
    reported = {}
    monkeypatch.setattr(runs, "report", lambda tag, value: reported.update({tag: float(value)}))
    logits = inputs_for(name)
    actual(name, logits, add_summaries=True, reduction=Reduction.NONE)
    assert reported == pytest.approx(expected_summaries(name, logits), rel=1e-5)


@every_loss
def test_no_summary_unless_asked_for(name, monkeypatch):
    monkeypatch.setattr(runs, "report", lambda tag, value: pytest.fail(f"{tag} was reported"))
    actual(name, inputs_for(name))
    with tf.Graph().as_default():
        actual(name, inputs_for(name))
        assert tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.SUMMARIES) == []
