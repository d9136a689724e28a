"""R1, R2 and DRAGAN against closed forms and float64 NumPy, in every world; one table of all."""

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.critics import half_square, scaled_sum, sum_of_parts
from tests.losses.worlds import REDUCTIONS, WORLDS, finite_differences, reduced
from tfgan_lite import runs
from tfgan_lite.losses import wargs

# For each penalty: its value for an example where the slope is s.
PENALTIES = {
    "r1_penalty": lambda s: s**2 / 2,
    "r2_penalty": lambda s: s**2 / 2,
    "dragan_penalty": lambda s: (s - 1) ** 2,
}
every_penalty = pytest.mark.parametrize("name", PENALTIES)
every_world = pytest.mark.parametrize("world", WORLDS)
CONSTANT = {"r1_penalty": {}, "r2_penalty": {}, "dragan_penalty": {"noise_scale": 0.0}}


def penalty(name, critic=sum_of_parts, data=None, inputs=None, scope=None, **arguments):
    """The penalty of the critic at the data; DRAGAN's noise is left out, where it matters."""
    data = tf.zeros([3, 2]) if data is None else data
    return getattr(wargs, name)(data, inputs, critic, scope, **{**CONSTANT[name], **arguments})


# Values

DATA = np.random.default_rng(1).normal(size=(4, 3))
HIDDEN = np.random.default_rng(2).normal(size=(3, 5))
OUT = np.random.default_rng(3).normal(size=5)


def tanh_penalty_in_numpy(name, hidden):
    """The penalty of D(x) = OUT . tanh(x HIDDEN), whose gradient has a closed form."""
    slopes = np.linalg.norm((OUT * (1 - np.tanh(DATA @ hidden) ** 2)) @ hidden.T, axis=1)
    return np.mean(PENALTIES[name](slopes))


def tanh_penalty(name, hidden):
    out = tf.constant(OUT[:, None], tf.float32)
    critic = lambda data, _: tf.tanh(data @ hidden) @ out  # noqa: E731
    return penalty(name, critic, tf.constant(DATA, tf.float32))


@every_penalty
@every_world
def test_value_of_a_network_is_numpys(name, world):
    value = WORLDS[world](lambda hidden: tanh_penalty(name, hidden), HIDDEN.astype(np.float32))
    np.testing.assert_allclose(value, tanh_penalty_in_numpy(name, HIDDEN), rtol=1e-5)


@every_penalty
@every_world
def test_gradient_is_that_of_finite_differences(name, world):
    def gradient(hidden):
        with tf.GradientTape() as tape:
            tape.watch(hidden)
            value = tanh_penalty(name, hidden)
        return tape.gradient(value, hidden)

    np.testing.assert_allclose(
        WORLDS[world](gradient, HIDDEN.astype(np.float32)),
        finite_differences(lambda hidden: tanh_penalty_in_numpy(name, hidden), HIDDEN),
        rtol=1e-3,
        atol=1e-5,
    )


SCALES = np.array([[0.0], [1.0], [2.0]])
WEIGHTS = np.array([1.0, 0.0, 3.0])


@every_penalty
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_and_reduction(name, reduction):
    inputs = tf.constant(SCALES, tf.float32)
    value = penalty(name, scaled_sum, inputs=inputs, weights=WEIGHTS, reduction=reduction)
    slopes = np.sqrt(2.0) * SCALES[:, 0]
    np.testing.assert_allclose(
        value, reduced(PENALTIES[name](slopes), WEIGHTS, reduction), rtol=1e-5
    )


@pytest.mark.parametrize("name", ["r1_penalty", "r2_penalty"])
def test_the_weight_of_r1_and_r2_is_the_papers_gamma(name):
    """gamma / 2 E|grad D|^2: for the critic x1 + x2, |grad D|^2 = 2 and the penalty is gamma."""
    np.testing.assert_allclose(7.0 * penalty(name), 7.0, rtol=1e-6)


def test_slope_of_r1_is_taken_at_the_data_themselves():
    data = tf.constant([[3.0, 4.0], [0.0, 1.0]])
    np.testing.assert_allclose(penalty("r1_penalty", half_square, data), (25 + 1) / 2 / 2)


def test_target_of_dragan_is_a_difference():
    np.testing.assert_allclose(
        penalty("dragan_penalty", target=3.0), (np.sqrt(2) - 3) ** 2, rtol=1e-6
    )


@every_penalty
def test_slope_is_over_all_parts_and_axes(name):
    data = {"a": tf.zeros([2, 3]), "b": [tf.zeros([2, 2, 3])]}

    def critic(data, _):
        return tf.reduce_sum(data["a"], 1) + tf.reduce_sum(data["b"][0], [1, 2])

    np.testing.assert_allclose(penalty(name, critic, data), PENALTIES[name](3.0), rtol=1e-6)


@every_penalty
@every_world
def test_integer_labels_among_the_data_reach_the_critic_as_they_are(name, world):
    labels = np.array([1, 2, 4], np.int32)

    def critic(data, _):  # Its slope at an example is the example's label.
        vectors, numbers = data
        assert numbers.dtype == tf.int32
        return vectors[:, 0] * tf.cast(numbers, tf.float32)

    expected = np.mean([PENALTIES[name](label) for label in labels])
    value = WORLDS[world](lambda *data: penalty(name, critic, data), np.zeros([3, 2], "f"), labels)
    np.testing.assert_allclose(value, expected, rtol=1e-6)


# Precision


@every_penalty
@every_world
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-30])
def test_value_and_gradient_at_zero_slope_are_finite(name, world, scale):
    """A slope of 1e-20 has a square that is subnormal, and one of 1e-30 a square that is zero."""

    def value_and_gradient(scale):
        with tf.GradientTape() as tape:
            tape.watch(scale)
            value = penalty(name, scaled_sum, inputs=scale)
        return tf.stack([value, tape.gradient(value, scale)])

    value, gradient = WORLDS[world](value_and_gradient, np.float32(scale))
    np.testing.assert_allclose(value, PENALTIES[name](0.0), atol=1e-6)
    assert np.isfinite(gradient)


@every_penalty
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float32, tf.float64])
def test_critic_gets_the_datas_dtype_and_the_penalty_is_float32(name, dtype):
    def critic(data, _):
        assert data.dtype == dtype
        return sum_of_parts(data, None)

    value = penalty(name, critic, tf.zeros([3, 2], dtype))
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, PENALTIES[name](np.sqrt(2.0)), rtol=1e-5)


@every_penalty
def test_slope_that_has_no_square_in_float16_is_exact(name):
    """300 is a float16; its square, 90,000, is beyond the largest one."""
    critic = lambda data, _: 300 * sum_of_parts(data, None)  # noqa: E731
    value = penalty(name, critic, tf.zeros([3, 1], tf.float16))
    np.testing.assert_allclose(value, PENALTIES[name](300.0), rtol=1e-6)


# DRAGAN's noise


def places_of(data, **arguments):
    """The data with which DRAGAN calls its critic."""
    seen = []

    def critic(data, _):
        seen.append(data)
        return tf.add_n([tf.reduce_sum(leaf) for leaf in tf.nest.flatten(data)])

    wargs.dragan_penalty(data, None, critic, None, **arguments)
    return seen[0]


def test_noise_is_normal_and_as_wide_as_told():
    data = np.random.default_rng(0).normal(5.0, 3.0, [2000, 5]).astype(np.float32)
    noise = (places_of(data, seed=1) - data).numpy() / (0.5 * data.std())
    # Of 10,000 standard normal numbers, these are five standard errors.
    assert abs(noise.mean()) < 0.05
    assert abs(noise.std() - 1) < 0.035
    assert abs(np.mean(noise**4) - 3) < 0.5


def test_constant_data_get_no_noise():
    np.testing.assert_array_equal(places_of(tf.ones([4, 2])), np.ones([4, 2]))


def test_parts_of_the_data_get_noise_of_their_own():
    data = (tf.constant([[0.0], [1.0]]), tf.constant([[0.0], [1.0]]))
    first, second = places_of(data, seed=3)
    assert np.all(first.numpy() != second.numpy())


@pytest.mark.parametrize("seed", [7, [3, 4]])
def test_seed_fixes_the_noise_in_every_world(seed):
    data = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    values = [
        WORLDS[world](lambda x: wargs.dragan_penalty(x, None, half_square, None, seed=seed), data)
        for world in WORLDS
    ]
    np.testing.assert_allclose(values, np.full(4, values[0]), rtol=1e-5)


def test_two_penalties_of_one_run_draw_other_noise():
    with runs.Run(key=tf.constant([1, 2])):
        first, second = (places_of(tf.constant([[0.0], [1.0]])) for _ in range(2))
    assert np.all(first.numpy() != second.numpy())


# Errors


@every_penalty
def test_critic_that_ignores_its_data_is_an_error(name):
    with pytest.raises(ValueError, match="discriminator ignores its data"):
        penalty(name, lambda data, _: tf.ones([3]))


@every_penalty
def test_examples_that_are_judged_together_bring_a_warning_that_says_what_to_do(name):
    critic = lambda data, _: tf.reduce_sum(tf.reshape(data, [2, 6]), 1)  # noqa: E731
    with pytest.warns(UserWarning, match=r"2 logits for 4 examples.*\[2, 2, ...\]"):
        penalty(name, critic, tf.zeros([4, 3]))


@every_penalty
def test_packs_that_are_the_examples_have_slopes_of_their_own(name):
    critic = lambda data, _: tf.reduce_sum(tf.reshape(data, [2, 6]), 1)  # noqa: E731
    value = penalty(name, critic, tf.zeros([2, 2, 3]))
    np.testing.assert_allclose(value, PENALTIES[name](np.sqrt(6)), rtol=1e-6)


@every_penalty
def test_data_of_integers_alone_are_an_error_that_names_them(name):
    argument = "generated_data" if name == "r2_penalty" else "real_data"
    with pytest.raises(ValueError, match=f"{argument} is uint8"):
        penalty(name, data=tf.zeros([3, 2], tf.uint8))


@every_penalty
def test_parts_of_unequal_batches_are_an_error(name):
    critic = lambda data, _: sum_of_parts(data[0], _) + sum_of_parts(data[1], _)  # noqa: E731
    with pytest.raises(ValueError, match="one batch size"):
        penalty(name, critic, (tf.zeros([3, 2]), tf.zeros([1, 2])))


@every_penalty
def test_negative_weight_is_an_error(name):
    with pytest.raises(ValueError, match="weights must be >= 0"):
        penalty(name, weights=-1.0)


@pytest.mark.parametrize("argument", ["noise_scale", "target"])
def test_negative_option_of_dragan_is_an_error(argument):
    with pytest.raises(ValueError, match=f"{argument} must be >= 0"):
        penalty("dragan_penalty", **{argument: -0.1})


# Summaries and the tf.Graph


@every_penalty
def test_summary_in_a_graph_has_the_penaltys_name(name):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        penalty(name, add_summaries=True)
        merged = session.run(tf.compat.v1.summary.merge_all())
    (value,) = tf.compat.v1.Summary.FromString(merged).value
    assert value.tag == f"{name}_loss"


@every_penalty
def test_graph_critic_uses_the_variables_of_its_scope_again(name):
    def critic(data, _):
        weights = tf.compat.v1.get_variable("weights", [2], initializer=tf.ones_initializer())
        return tf.linalg.matvec(data, weights)

    with tf.Graph().as_default():
        with tf.compat.v1.variable_scope("Critic") as scope:
            critic(tf.zeros([3, 2]), None)
        penalty(name, critic, scope=scope)
        assert len(tf.compat.v1.global_variables()) == 1


@every_penalty
def test_keras_critic_in_float16_gives_a_finite_penalty_in_float32(name):
    layers = [
        tf.keras.layers.Dense(4, activation="tanh", dtype="mixed_float16"),
        tf.keras.layers.Dense(1, dtype="mixed_float16"),
    ]
    critic = tf.keras.Sequential(layers)
    value = penalty(name, lambda x, _: critic(x), tf.constant(DATA, tf.float32))
    assert value.dtype == tf.float32
    assert np.isfinite(value)
