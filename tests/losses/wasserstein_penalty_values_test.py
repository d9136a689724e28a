"""WGAN-GP's gradient penalty against closed forms and float64 NumPy, in every world."""

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.critics import half_square, scaled_sum, sum_of_parts
from tests.losses.worlds import WORLDS, Reduction, finite_differences, in_tf_graph
from tfgan_lite import runs
from tfgan_lite.losses.gradient_penalties import wasserstein_gradient_penalty

ROOT_2 = np.sqrt(2.0)
every_world = pytest.mark.parametrize("world", WORLDS)


def penalty(critic=sum_of_parts, real=None, generated=None, inputs=None, scope=None, **arguments):
    real = tf.zeros([3, 2]) if real is None else real
    generated = tf.ones([3, 2]) if generated is None else generated
    return wasserstein_gradient_penalty(real, generated, inputs, critic, scope, **arguments)


# Values


@every_world
def test_linear_critic_has_its_closed_form(world):
    value = WORLDS[world](lambda: penalty(sum_of_parts))
    np.testing.assert_allclose(value, (ROOT_2 - 1) ** 2, rtol=1e-5)
    np.testing.assert_allclose(value, 0.17157, atol=1e-5)  # TF-GAN 2.1.0


def test_flat_critic_is_penalised_by_one():
    np.testing.assert_allclose(penalty(lambda data, _: 0.0 * sum_of_parts(data, _)), 1.0, atol=1e-4)


def test_slope_at_the_target_is_free():
    np.testing.assert_allclose(penalty(target=ROOT_2), 0.0, atol=1e-10)


def test_penalty_is_of_the_slope_relative_to_the_target():
    np.testing.assert_allclose(penalty(target=0.5), (ROOT_2 / 0.5 - 1) ** 2, rtol=1e-5)


def test_epsilon_is_added_to_the_squared_slope():
    np.testing.assert_allclose(penalty(epsilon=2.0), (2.0 - 1) ** 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("scale", "value"),
    [(0.5, 0.0), (1.0, (ROOT_2 - 1) ** 2)],
    ids=["slope below the target", "slope above the target"],
)
def test_one_sided_penalty_is_of_steep_slopes_only(scale, value):
    result = penalty(scaled_sum, inputs=scale, one_sided=True)
    np.testing.assert_allclose(result, value, rtol=1e-5)


def test_slope_is_over_all_axes_but_the_first():
    images = tf.zeros([2, 3, 3, 4])
    result = penalty(lambda data, _: tf.reduce_sum(data, [1, 2, 3]), images, images)
    np.testing.assert_allclose(result, (6.0 - 1) ** 2, rtol=1e-5)


def test_data_may_be_one_number_per_example():
    numbers = tf.zeros([4])
    np.testing.assert_allclose(penalty(lambda x, _: 3 * x, numbers, numbers), 4.0, rtol=1e-5)


@pytest.mark.parametrize("shape", [[3], [3, 1], [3, 2, 2, 1]])
def test_slope_is_of_the_sum_of_an_examples_logits(shape):
    def patches(data, _):
        copies = np.prod(shape[1:])
        logits = tf.repeat(sum_of_parts(data, None)[:, None] / copies, int(copies), axis=1)
        return tf.reshape(logits, shape)

    np.testing.assert_allclose(penalty(patches), (ROOT_2 - 1) ** 2, rtol=1e-5)


SCALES = np.array([[0.0], [1.0], [2.0]])
PENALTIES = (ROOT_2 * SCALES[:, 0] - 1) ** 2
WEIGHTS = np.array([1.0, 0.0, 3.0])


@pytest.mark.parametrize(
    ("reduction", "value"),
    [
        (Reduction.NONE, PENALTIES * WEIGHTS),
        (Reduction.SUM, PENALTIES @ WEIGHTS),
        (Reduction.MEAN, PENALTIES @ WEIGHTS / 4),
        (Reduction.SUM_OVER_BATCH_SIZE, PENALTIES @ WEIGHTS / 3),
        (Reduction.SUM_BY_NONZERO_WEIGHTS, PENALTIES @ WEIGHTS / 2),
    ],
)
def test_weights_and_reduction(reduction, value):
    inputs = tf.constant(SCALES, tf.float32)
    result = penalty(scaled_sum, inputs=inputs, weights=WEIGHTS, reduction=reduction)
    np.testing.assert_allclose(result, value, rtol=1e-4)


# Interpolation


def places_of(real, generated, **arguments):
    """The data with which the penalty calls its critic."""
    seen = []

    def critic(data, _):
        seen.append(data)
        return tf.add_n([tf.reduce_sum(leaf) for leaf in tf.nest.flatten(data)])

    penalty(critic, real, generated, **arguments)
    (data,) = seen
    return data


def test_places_are_on_the_line_with_one_share_per_example():
    random = np.random.default_rng(0)
    real, generated = random.normal(size=(2, 50, 4, 3)).astype(np.float32)
    shares = (places_of(real, generated) - real) / (generated - real)
    first = shares[:, :1, :1]
    np.testing.assert_allclose(shares, np.broadcast_to(first, shares.shape), atol=1e-3)
    assert len(np.unique(first)) == 50


def test_shares_are_uniform():
    shares = np.sort(places_of(tf.zeros([10_000, 1]), tf.ones([10_000, 1]))[:, 0])
    assert shares[0] >= 0
    assert shares[-1] <= 1
    # Kolmogorov and Smirnov's distance; a uniform sample of this size passes 0.025 once in 10^5.
    assert np.abs(shares - np.linspace(0, 1, 10_000)).max() < 0.025


def test_all_parts_of_an_example_share_the_place():
    real = {"image": tf.zeros([20, 4, 4]), "pose": (tf.zeros([20, 2]), tf.zeros([20]))}
    generated = tf.nest.map_structure(tf.ones_like, real)
    places = places_of(real, generated)
    tf.nest.assert_same_structure(places, real)
    shares = places["pose"][1].numpy()
    np.testing.assert_array_equal(places["image"], np.tile(shares[:, None, None], [1, 4, 4]))
    np.testing.assert_array_equal(places["pose"][0], np.tile(shares[:, None], [1, 2]))


def test_slope_of_structured_data_is_over_all_parts():
    data = {"a": tf.zeros([2, 3]), "b": [tf.zeros([2, 2, 3])]}

    def critic(data, _):
        return tf.reduce_sum(data["a"], 1) + tf.reduce_sum(data["b"][0], [1, 2])

    np.testing.assert_allclose(penalty(critic, data, data), (3.0 - 1) ** 2, rtol=1e-5)


def test_part_that_the_critic_ignores_has_no_slope():
    data = (tf.zeros([2, 4]), tf.zeros([2, 9]))
    result = penalty(lambda data, _: sum_of_parts(data[0], None), data, data)
    np.testing.assert_allclose(result, (2.0 - 1) ** 2, rtol=1e-5)


def test_generator_inputs_are_passed_on():
    inputs = {"noise": tf.ones([3, 5])}
    seen = []

    def critic(data, generator_inputs):
        seen.append(generator_inputs)
        return sum_of_parts(data, None)

    penalty(critic, inputs=inputs)
    assert len(seen) == 1
    assert seen[0] is inputs


# Randomness


@pytest.mark.parametrize("seed", [7, [3, 4]])
def test_seed_fixes_the_places(seed):
    first, second = (places_of(tf.zeros([5, 1]), tf.ones([5, 1]), seed=seed) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_another_seed_gives_other_places():
    first, second = (places_of(tf.zeros([5, 1]), tf.ones([5, 1]), seed=seed) for seed in (1, 2))
    assert np.all(first != second)


def test_without_a_seed_every_call_draws_anew():
    draw = tf.function(lambda: penalty(half_square, generated=tf.fill([3, 2], 5.0)))
    assert draw() != draw()


def test_without_a_seed_the_run_in_progress_gives_it(monkeypatch):
    seeds = {"gradient_penalty": tf.constant([0, 7])}
    monkeypatch.setattr(runs, "random_seed", seeds.get)
    of_the_run = places_of(tf.zeros([5, 1]), tf.ones([5, 1]))
    np.testing.assert_array_equal(of_the_run, places_of(tf.zeros([5, 1]), tf.ones([5, 1])))
    given = places_of(tf.zeros([5, 1]), tf.ones([5, 1]), seed=tf.constant([0, 7]))
    np.testing.assert_array_equal(of_the_run, given)


def test_seed_gives_the_same_value_in_every_world():
    def value():
        return penalty(half_square, generated=tf.fill([3, 2], 5.0), seed=3)

    values = [WORLDS[world](value) for world in WORLDS]
    np.testing.assert_allclose(values, np.full(4, values[0]), rtol=1e-5)
    assert values[0] > 0


# Precision


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float32, tf.float64])
def test_critic_gets_the_datas_dtype_and_the_penalty_is_float32(dtype):
    def critic(data, _):
        assert data.dtype == dtype
        return sum_of_parts(data, None)

    result = penalty(critic, tf.zeros([3, 2], dtype), tf.ones([3, 2], dtype))
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, (ROOT_2 - 1) ** 2, rtol=1e-5)


def test_slope_that_has_no_square_in_float16_is_exact():
    """300 is a float16; its square, 90,000, is beyond the largest one."""
    data = tf.zeros([3, 1], tf.float16)
    result = penalty(lambda data, _: 300 * sum_of_parts(data, None), data, data)
    np.testing.assert_allclose(result, (300.0 - 1) ** 2, rtol=1e-6)


@every_world
@pytest.mark.parametrize("epsilon", [0.0, 1e-10])
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-30])
def test_value_and_gradient_at_zero_slope_are_finite(world, epsilon, scale):
    """1e-20 is a float32 with a square that is subnormal, and 1e-30 one whose square is zero."""

    def value_and_gradient(scale):
        with tf.GradientTape() as tape:
            tape.watch(scale)
            value = penalty(scaled_sum, inputs=scale, epsilon=epsilon)
        return tf.stack([value, tape.gradient(value, scale)])

    value, gradient = WORLDS[world](value_and_gradient, np.float32(scale))
    np.testing.assert_allclose(value, 1.0, atol=1e-4)
    assert np.isfinite(gradient)


# Gradients. With the same data on both sides there is no randomness in the place.


DATA = np.random.default_rng(1).normal(size=(4, 3))
HIDDEN = np.random.default_rng(2).normal(size=(3, 5))
OUT = np.random.default_rng(3).normal(size=5)


def tanh_penalty_in_numpy(hidden):
    """The penalty of D(x) = OUT . tanh(x HIDDEN), whose gradient has a closed form."""
    slopes = np.linalg.norm((OUT * (1 - np.tanh(DATA @ hidden) ** 2)) @ hidden.T, axis=1)
    return np.mean((slopes - 1) ** 2)


def tanh_penalty(hidden):
    data = tf.constant(DATA, tf.float32)
    out = tf.constant(OUT[:, None], tf.float32)
    return penalty(lambda data, _: tf.tanh(data @ hidden) @ out, data, data)


@every_world
def test_value_of_a_network_is_numpys(world):
    value = WORLDS[world](tanh_penalty, HIDDEN.astype(np.float32))
    np.testing.assert_allclose(value, tanh_penalty_in_numpy(HIDDEN), rtol=1e-5)


@every_world
def test_gradient_through_the_penalty_is_that_of_finite_differences(world):
    def gradient(hidden):
        with tf.GradientTape() as tape:
            tape.watch(hidden)
            value = tanh_penalty(hidden)
        return tape.gradient(value, hidden)

    np.testing.assert_allclose(
        WORLDS[world](gradient, HIDDEN.astype(np.float32)),
        finite_differences(tanh_penalty_in_numpy, HIDDEN),
        rtol=1e-3,
        atol=1e-5,
    )


def test_tf_gradients_in_a_graph_are_those_of_finite_differences():
    def gradient(hidden):
        return tf.gradients(tanh_penalty(hidden), hidden)[0]

    np.testing.assert_allclose(
        in_tf_graph(gradient, HIDDEN.astype(np.float32)),
        finite_differences(tanh_penalty_in_numpy, HIDDEN),
        rtol=1e-3,
        atol=1e-5,
    )


def test_keras_critic_with_normalisation_gets_gradients():
    """A step down the gradient lowers the penalty by the step times its squared length."""
    tf.keras.utils.set_random_seed(0)
    critic = tf.keras.Sequential(
        [
            tf.keras.layers.Dense(8, activation="tanh"),
            tf.keras.layers.LayerNormalization(center=False),
            tf.keras.layers.Dense(1, use_bias=False),
        ]
    )
    data = tf.constant(DATA, tf.float32)

    @tf.function
    def value_and_gradients():
        with tf.GradientTape() as tape:
            value = penalty(lambda data, _: critic(data), data, data)
        return value, tape.gradient(value, critic.trainable_variables)

    before, gradients = value_and_gradients()
    step = 1e-3
    for variable, gradient in zip(critic.trainable_variables, gradients, strict=True):
        variable.assign_sub(step * gradient)
    after, _ = value_and_gradients()
    foretold = step * sum(np.sum(np.square(gradient)) for gradient in gradients)
    np.testing.assert_allclose(before - after, foretold, rtol=0.1)


def test_generated_data_get_a_gradient():
    """Half the square has the slope |x|; at x = a g, the penalty's gradient is 2 a (a g - 1)."""
    generated = tf.Variable([[4.0]])
    with tf.GradientTape() as tape:
        value = penalty(half_square, tf.zeros([1, 1]), generated, seed=5)
    share = places_of(tf.zeros([1, 1]), tf.ones([1, 1]), seed=5).numpy()
    np.testing.assert_allclose(
        tape.gradient(value, generated), 2 * share * (4 * share - 1), rtol=1e-4
    )


def test_critic_may_branch_on_tensors_in_a_tf_function():
    def critic(data, _):
        if tf.reduce_sum(data) >= 0:
            logits = sum_of_parts(data, None)
        else:
            logits = 9.0 * sum_of_parts(data, None)
        return logits

    value = tf.function(lambda data: penalty(critic, data, data))
    np.testing.assert_allclose(value(tf.ones([3, 2])), (ROOT_2 - 1) ** 2, rtol=1e-5)
    np.testing.assert_allclose(value(-tf.ones([3, 2])), (9 * ROOT_2 - 1) ** 2, rtol=1e-5)
