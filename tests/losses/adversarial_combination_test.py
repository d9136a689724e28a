"""`combine_adversarial_loss` on plain arguments, and the norm that it needs."""

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.worlds import WORLDS, finite_differences
from tfgan_lite import runs
from tfgan_lite.losses.wargs import combine_adversarial_loss, numerically_stable_global_norm

every_world = pytest.mark.parametrize("world", WORLDS)
traced_world = pytest.mark.parametrize("world", [w for w in WORLDS if w != "eager"])

# main = a . x and adversarial = b . x have the gradients a and b, whose norms are 5 and 13.
A, B = np.array([3.0, 4.0], np.float32), np.array([5.0, 12.0], np.float32)
X = np.array([2.0, -1.0], np.float32)
MAIN, ADVERSARIAL = np.dot(A, X), np.dot(B, X)


def variable(value=X):
    return tf.compat.v1.get_variable("x", initializer=value, use_resource=True)


def with_ratio(ratio, x, main=A, adversarial=B, **arguments):
    return combine_adversarial_loss(
        tf.reduce_sum(main * x),
        tf.reduce_sum(adversarial * x),
        gradient_ratio=ratio,
        variables=[x],
        **arguments,
    )


# A weight


@every_world
@pytest.mark.parametrize("weight", [0.5, np.float32(3), tf.constant(2.0).numpy()])
def test_weight_is_that_of_the_adversarial_loss(world, weight):
    value = WORLDS[world](
        lambda x, y: combine_adversarial_loss(x, y, weight_factor=weight), MAIN, ADVERSARIAL
    )
    np.testing.assert_allclose(value, MAIN + weight * ADVERSARIAL, rtol=1e-6)


def test_weight_of_zero_gives_the_main_loss_itself():
    main = tf.constant(1.0)
    assert combine_adversarial_loss(main, tf.constant(np.nan), weight_factor=0) is main


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_sum_of_half_precision_losses_is_float32(weight):
    half = tf.constant(1.5, tf.float16)
    total = combine_adversarial_loss(half, half, weight_factor=weight)
    assert total.dtype == tf.float32
    assert total == 1.5 * (1.0 + weight)


def test_no_gradient_flows_into_the_weight():
    weight = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        value = combine_adversarial_loss(tf.constant(1.0), tf.constant(3.0), weight_factor=weight)
    assert value == 7
    assert tape.gradient(value, weight) is None


# A ratio of gradients


@traced_world
@pytest.mark.parametrize("ratio", [1.0, 10.0])
def test_adversarial_gradient_gets_its_share(world, ratio):
    """Of the norms 5 and 13, the weight is 5 / 13 / ratio."""
    value = WORLDS[world](lambda x: with_ratio(ratio, x, gradient_ratio_epsilon=0.0), X)
    np.testing.assert_allclose(value, MAIN + 5 / 13 / ratio * ADVERSARIAL, rtol=1e-5)


def test_epsilon_is_added_to_the_adversarial_norm():
    value = WORLDS["tf.function"](lambda x: with_ratio(1.0, x, gradient_ratio_epsilon=2.0), X)
    np.testing.assert_allclose(value, MAIN + 5 / 15 * ADVERSARIAL, rtol=1e-5)


@traced_world
def test_gradient_of_the_sum_treats_the_weight_as_a_number(world):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = with_ratio(1.0, x)
        return tape.gradient(value, x)

    np.testing.assert_allclose(WORLDS[world](gradient, X), A + 5 / 13 * B, rtol=1e-5)


@traced_world
@pytest.mark.parametrize("epsilon", [0.0, 1e-6])
def test_gradients_of_zero_give_a_finite_loss(world, epsilon):
    """TF-GAN's norm was nan there (B48)."""
    zero = np.zeros(2, np.float32)

    def values(x):
        arguments = {"gradient_ratio_epsilon": epsilon}
        no_main = with_ratio(1.0, x, main=zero, **arguments)
        no_adversarial = with_ratio(1.0, x, adversarial=zero, **arguments)
        return tf.stack([no_main, no_adversarial, with_ratio(1.0, x, zero, zero, **arguments)])

    np.testing.assert_allclose(WORLDS[world](values, X), [0.0, MAIN, 0.0], atol=1e-5)


def test_variables_are_by_default_all_that_can_be_trained_in_a_graph():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = variable()
        value = combine_adversarial_loss(
            tf.reduce_sum(A * x), tf.reduce_sum(B * x), gradient_ratio=1.0
        )
        session.run(x.initializer)
        np.testing.assert_allclose(session.run(value), MAIN + 5 / 13 * ADVERSARIAL, rtol=1e-5)


def test_keras_variables_may_be_given():
    layer = tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    layer.build([None, 2])

    @tf.function
    def value():
        losses = (tf.reduce_sum(layer(v[None])) for v in (A, B))
        return combine_adversarial_loss(
            *losses, gradient_ratio=1.0, variables=layer.trainable_variables
        )

    np.testing.assert_allclose(value(), 7 + 5 / 13 * 17, rtol=1e-5)


# Shapes


def test_losses_of_one_shape_keep_it():
    """Unreduced losses were once an error in TF-GAN (fixed there in 1696b6a)."""
    main, adversarial = tf.constant([[1.0], [2.0]]), tf.constant([[3.0], [4.0]])
    value = combine_adversarial_loss(main, adversarial, weight_factor=2.0)
    np.testing.assert_array_equal(value, [[7.0], [10.0]])


def test_losses_of_other_shapes_are_averaged_to_one_number_per_example():
    images, logits = np.arange(12.0).reshape(2, 3, 2), np.array([[1.0], [5.0]])
    value = combine_adversarial_loss(tf.constant(images), tf.constant(logits), weight_factor=2.0)
    np.testing.assert_allclose(value, images.mean((1, 2)) + 2 * logits[:, 0])


@pytest.mark.parametrize(("main", "adversarial"), [([3, 2], [2]), ([], [2]), ([1, 2], [3])])
def test_losses_of_unequal_batches_are_an_error(main, adversarial):
    with pytest.raises(ValueError, match="main_loss has shape.*one batch size"):
        combine_adversarial_loss(tf.zeros(main), tf.zeros(adversarial), weight_factor=1.0)


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Give weight_factor or gradient_ratio"),
        ({"weight_factor": 1.0, "gradient_ratio": 1.0}, "and not both"),
        ({"weight_factor": -1.0}, "weight_factor must be >= 0"),
        ({"weight_factor": float("nan")}, "weight_factor must be >= 0"),
        ({"gradient_ratio": 0.0}, "gradient_ratio must be > 0"),
        ({"gradient_ratio": 1.0, "gradient_ratio_epsilon": -1.0}, "epsilon must be >= 0"),
    ],
)
def test_bad_weight_or_ratio_is_an_error_that_names_it(arguments, message):
    with pytest.raises(ValueError, match=message):
        combine_adversarial_loss(tf.constant(1.0), tf.constant(1.0), **arguments)


def test_ratio_of_eager_tensors_is_an_error_that_says_what_to_do():
    with pytest.raises(RuntimeError, match="in one tf.function, or in a tf.Graph, or give"):
        with_ratio(1.0, tf.Variable(X))


@pytest.mark.parametrize("name", ["main_loss", "adversarial_loss"])
def test_loss_that_does_not_depend_on_the_variables_is_an_error_that_names_it(name):
    @tf.function
    def value(x):
        losses = {"main_loss": tf.reduce_sum(x), "adversarial_loss": tf.reduce_sum(x)}
        losses[name] = tf.constant(1.0)
        return combine_adversarial_loss(**losses, gradient_ratio=1.0, variables=[x])

    with pytest.raises(ValueError, match=f"{name} depends on none of the variables"):
        value(tf.constant(X))


@pytest.mark.parametrize("variables", [[], None])
def test_no_variables_in_a_tf_function_are_an_error(variables):
    @tf.function
    def value(x):
        return combine_adversarial_loss(x, x, gradient_ratio=1.0, variables=variables)

    with pytest.raises(ValueError, match="needs variables"):
        value(1.0)


# Summaries


def test_summaries_are_of_both_losses_their_sum_the_weight_and_the_norms(monkeypatch):
    tags = []
    monkeypatch.setattr(runs, "report", lambda tag, value: tags.append(tag))
    WORLDS["tf.function"](lambda x: with_ratio(1.0, x), X)
    scalars = ["main_loss", "adversarial_loss", "combined_loss", "adversarial_loss_weight"]
    norms = ["main_loss_gradient_norm", "adversarial_loss_gradient_norm"]
    assert sorted(tags) == sorted(scalars + norms)
    tags.clear()
    WORLDS["tf.function"](lambda x: with_ratio(1.0, x, gradient_summaries=False), X)
    assert sorted(tags) == sorted(scalars)
    tags.clear()
    WORLDS["tf.function"](
        lambda x: with_ratio(1.0, x, gradient_summaries=False, scalar_summaries=False), X
    )
    assert tags == []


# The norm

PARTS = [np.array([[3.0, 0.0]]), np.array([4.0, 12.0])]


@every_world
def test_norm_is_over_all_tensors(world):
    value = WORLDS[world](lambda *parts: numerically_stable_global_norm(parts), *PARTS)
    np.testing.assert_allclose(value, 13.0, rtol=1e-6)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_norm_of_numbers_whose_squares_are_no_float32(size):
    tensors = [tf.constant(size * part, tf.float32) for part in PARTS]
    np.testing.assert_allclose(numerically_stable_global_norm(tensors), 13 * size, rtol=1e-5)


@every_world
def test_norm_and_its_gradient_are_zero_at_zero(world):
    def value_and_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            norm = numerically_stable_global_norm([x])
        return tf.concat([[norm], tape.gradient(norm, x)], 0)

    np.testing.assert_array_equal(WORLDS[world](value_and_gradient, np.zeros(2, "f")), np.zeros(3))


def test_gradient_of_the_norm_is_that_of_finite_differences():
    x = tf.Variable(PARTS[1], dtype=tf.float32)
    with tf.GradientTape() as tape:
        norm = numerically_stable_global_norm([x])
    np.testing.assert_allclose(
        tape.gradient(norm, x), finite_differences(np.linalg.norm, PARTS[1]), rtol=1e-5
    )


def test_missing_gradients_count_as_zero():
    assert numerically_stable_global_norm([None, tf.constant([3.0, 4.0])]) == 5
    assert numerically_stable_global_norm([None, None]) == 0
    assert numerically_stable_global_norm([]) == 0
    assert numerically_stable_global_norm([tf.zeros([0])]) == 0


def test_rows_of_a_sparse_gradient_that_occur_twice_are_summed():
    slices = tf.IndexedSlices(tf.constant([[1.0], [2.0]]), tf.constant([0, 0]), tf.constant([4, 1]))
    assert numerically_stable_global_norm([slices]) == 3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_norm_hides_no_number_that_is_not_finite(bad):
    assert not np.isfinite(numerically_stable_global_norm([tf.constant([1.0, bad])]))
