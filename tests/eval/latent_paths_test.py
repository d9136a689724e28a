"""Perceptual path length where it has a closed form, and its paths."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.eval import latent_paths as ppl

MATRIX = np.random.default_rng(0).normal(size=(5, 7))


def draw(n, seed):
    """Inputs in float64, so that short steps keep their digits."""
    return tf.random.stateless_normal([n, 5], [seed, 0], dtype=tf.float64, alg="philox")


def path_length(generator, **options):
    options = {"num_samples": 50, "interpolation": "lerp", "trim": (0.0, 1.0), **options}
    return ppl.perceptual_path_length(generator, draw, lambda data: data, **options)


def test_a_linear_generator_on_a_straight_path_moves_by_its_matrix():
    """G(z) = z M: every step is epsilon (z2 - z1) M, whatever t is."""
    lengths = path_length(lambda z: z @ MATRIX, batch_size=50)
    seeds = np.random.default_rng(0).integers(0, 2**31 - 1, 2)
    first, second = (draw(50, int(seed)).numpy() for seed in seeds)
    np.testing.assert_allclose(lengths, np.sum(((second - first) @ MATRIX) ** 2, 1), rtol=1e-6)


def test_a_step_along_the_sphere_has_the_length_of_its_arc():
    """The identity moves by the angle between the ends, times the radius sqrt(5)."""
    lengths = path_length(lambda z: z, batch_size=50, interpolation="slerp")
    seeds = np.random.default_rng(0).integers(0, 2**31 - 1, 2)
    first, second = (draw(50, int(seed)).numpy() for seed in seeds)
    cosine = np.sum(first * second, 1) / np.linalg.norm(first, axis=1)
    angle = np.arccos(cosine / np.linalg.norm(second, axis=1))
    np.testing.assert_allclose(lengths, 5.0 * angle**2, rtol=1e-6)


def test_a_generator_that_ignores_its_noise_has_no_length():
    assert not path_length(lambda z: tf.zeros([len(z), 4])).any()


def test_paths_from_their_ends_start_at_the_first_input():
    seen = []
    path_length(lambda z: seen.append(z.numpy()) or z, sampling="end", num_samples=3)
    first = draw(3, int(np.random.default_rng(0).integers(0, 2**31 - 1, 2)[0]))
    np.testing.assert_allclose(seen[0], first)


def test_only_the_first_floating_part_of_a_structure_moves():
    labels = []

    def generator(inputs):
        noise, label = inputs
        labels.append(label.numpy())
        return noise

    inputs = lambda n, seed: (draw(n, seed), tf.fill([n], seed))  # noqa: E731
    ppl.perceptual_path_length(generator, inputs, lambda data: data, 4)
    np.testing.assert_array_equal(labels[0], labels[1])


def test_a_keras_model_takes_inputs_that_were_drawn_as_numpy_arrays():
    inputs = [tf.keras.Input([5]), tf.keras.Input([2])]
    model = tf.keras.Model(inputs, tf.keras.layers.Concatenate()(inputs))

    def draw_arrays(n, seed):
        noise = np.random.default_rng(seed).normal(size=[n, 5]).astype(np.float32)
        return [noise, np.zeros([n, 2], np.float32)]

    lengths = ppl.perceptual_path_length(model, draw_arrays, lambda data: data, 4)
    assert (lengths > 0).all()


def test_equal_seeds_give_equal_lengths_and_others_do_not():
    generator = lambda z: tf.tanh(z @ MATRIX)  # noqa: E731
    np.testing.assert_array_equal(path_length(generator, seed=3), path_length(generator, seed=3))
    assert (path_length(generator, seed=3) != path_length(generator, seed=4)).all()


def test_the_shortest_and_longest_steps_are_left_out():
    values = np.arange(101.0)
    np.testing.assert_array_equal(ppl.trimmed(values, (0.01, 0.99)), values[1:-1])
    np.testing.assert_array_equal(ppl.trimmed(np.ones(7), (0.1, 0.2)), np.ones(7))


def test_slerp_of_parallel_and_of_zero_vectors_is_finite():
    ends = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), np.array([[2.0, 0.0], [-1.0, 0], [0, 0]])
    t = np.full([3, 1], 0.5)
    assert np.isfinite(ppl.slerp(*ends, t)).all()
    np.testing.assert_allclose(ppl.slerp(*ends, t)[0], [np.sqrt(2.0), 0.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_samples": 0}, "num_samples must be a positive integer"),
        ({"batch_size": 1.5}, "batch_size must be a positive integer"),
        ({"epsilon": 0.0}, "epsilon must be > 0"),
        ({"interpolation": "cubic"}, "interpolation must be one of"),
        ({"sampling": "middle"}, "sampling must be one of"),
        ({"trim": (0.9, 0.1)}, "trim must be two shares"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        path_length(lambda z: z, **options)


def test_features_that_are_not_finite_are_an_error():
    with pytest.raises(ValueError, match="50 of 50 steps have no finite length"):
        path_length(lambda z: z * np.nan)


def test_inputs_in_which_a_step_would_be_rounding_are_an_error():
    with pytest.raises(ValueError, match="bfloat16, in which a step of 0.0001 is lost"):
        ppl.perceptual_path_length(
            lambda z: z, lambda n, seed: tf.cast(draw(n, seed), tf.bfloat16), lambda x: x, 5
        )


@pytest.mark.parametrize(
    ("feature_fn", "error", "message"),
    [
        (lambda data: {"features": data}, TypeError, r"gave \['features'\] by name: take one"),
        (lambda data: data[:3], ValueError, r"shape \(3, 5\) for 20 steps"),
        (tf.reduce_sum, ValueError, r"shape \(\) for 20 steps"),
    ],
)
def test_features_must_be_a_row_for_each_step(feature_fn, error, message):
    with pytest.raises(error, match=message):
        ppl.perceptual_path_length(lambda z: z, draw, feature_fn, 20)


def test_inputs_without_noise_are_an_error():
    with pytest.raises(ValueError, match="must give a floating part"):
        ppl.perceptual_path_length(lambda x: x, lambda n, seed: tf.range(n), lambda x: x, 4)
