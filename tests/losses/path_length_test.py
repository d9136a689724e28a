"""Path length regularisation: the lengths, the penalty, and the average that it keeps."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.losses.worlds import REDUCTIONS, WORLDS, Reduction, finite_differences, reduced
from tfgan_lite.losses import PathLength, wargs
from tfgan_lite.losses.draws import normals
from tfgan_lite.runs import Run

every_world = pytest.mark.parametrize("world", WORLDS)
NOTHING = tfgan.GANModel(*[None] * len(tfgan.GANModel._fields))
LATENTS = np.random.default_rng(0).normal(size=(5, 3))
MATRIX = np.random.default_rng(1).normal(size=(3, 4))
SEED = 11


def noise(shape):
    """What the penalty draws for the seed; the formula is then NumPy's."""
    (drawn,) = normals([shape], tf.constant([0, SEED]))
    return drawn.numpy().astype(np.float64)


def lengths_in_numpy(matrix):
    """Of G(z) = tanh(z MATRIX), whose gradient has a closed form."""
    slopes = 1 - np.tanh(LATENTS @ matrix) ** 2
    return np.linalg.norm((noise([5, 4]) * slopes) @ matrix.T, axis=1)


def lengths(matrix, **arguments):
    latents = tf.constant(LATENTS, tf.float32)
    return wargs.path_lengths(latents, lambda z: tf.tanh(z @ matrix), seed=SEED, **arguments)


def penalty(matrix, average_length=1.5, **arguments):
    latents = tf.constant(LATENTS, tf.float32)
    return wargs.path_length_penalty(
        latents, lambda z: tf.tanh(z @ matrix), average_length, seed=SEED, **arguments
    )


# Lengths


@every_world
def test_lengths_are_numpys(world):
    value = WORLDS[world](lengths, MATRIX.astype(np.float32))
    np.testing.assert_allclose(value, lengths_in_numpy(MATRIX), rtol=1e-4)


def test_length_of_an_image_does_not_depend_on_its_size():
    """For G(z) = z in every pixel, the expected squared length is 1, however many pixels."""
    latents = tf.zeros([4000, 1])
    for size in (1, 8):
        fill = lambda z, n=size: z[:, :, None, None] * tf.ones([1, n, n, 1])  # noqa: E731
        squares = tf.square(wargs.path_lengths(latents, fill, seed=1))
        # Five standard errors of the mean of chi-squared numbers: 5 sqrt(2 / 4000).
        assert abs(tf.reduce_mean(squares) - 1) < 0.12


def test_square_is_averaged_over_the_layers_of_styles():
    styles = tf.zeros([6, 4, 3])
    one = wargs.path_lengths(styles[:, 0], lambda w: w * 2.0, seed=SEED)
    # All four layers add to the same three numbers: each has the gradient that one alone has.
    four = wargs.path_lengths(styles, lambda w: 2.0 * tf.reduce_sum(w, 1), seed=SEED)
    np.testing.assert_allclose(four, one, rtol=1e-5)


def test_leaves_that_are_not_floating_are_held_fixed():
    inputs = {"z": tf.zeros([3, 2]), "label": tf.constant([1, 2, 3])}

    def generator(inputs):
        return inputs["z"] * tf.cast(inputs["label"], tf.float32)[:, None]

    alone = wargs.path_lengths(inputs["z"], lambda z: z, seed=SEED)
    np.testing.assert_allclose(
        wargs.path_lengths(inputs, generator, seed=SEED), alone * [1, 2, 3], rtol=1e-5
    )


def test_length_is_over_all_latents():
    inputs = [tf.zeros([3, 2]), tf.zeros([3, 2])]
    alone = wargs.path_lengths(inputs[0], lambda z: z, seed=SEED)
    both = wargs.path_lengths(inputs, lambda z: 3 * z[0] + 4 * z[1], seed=SEED)
    np.testing.assert_allclose(both, 5 * alone, rtol=1e-5)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float32, tf.float64])
def test_generator_gets_the_inputs_dtype_and_lengths_are_float32(dtype):
    def generator(z):
        assert z.dtype == dtype
        return 2 * z

    value = wargs.path_lengths(tf.zeros([3, 2], dtype), generator, seed=SEED)
    assert value.dtype == tf.float32
    alone = wargs.path_lengths(tf.zeros([3, 2]), lambda z: 2 * z, seed=SEED)
    np.testing.assert_allclose(value, alone, rtol=1e-2)


@every_world
def test_value_and_gradient_of_a_generator_that_stands_still_are_finite(world):
    def value_and_gradient(scale):
        with tf.GradientTape() as tape:
            tape.watch(scale)
            value = wargs.path_length_penalty(tf.ones([3, 2]), lambda z: scale * z, 1.0)
        return tf.stack([value, tape.gradient(value, scale)])

    value, gradient = WORLDS[world](value_and_gradient, np.float32(0))
    assert value == 1
    assert np.isfinite(gradient)


# The penalty


@every_world
def test_gradient_is_that_of_finite_differences(world):
    def gradient(matrix):
        with tf.GradientTape() as tape:
            tape.watch(matrix)
            value = penalty(matrix)
        return tape.gradient(value, matrix)

    np.testing.assert_allclose(
        WORLDS[world](gradient, MATRIX.astype(np.float32)),
        finite_differences(lambda m: np.mean((lengths_in_numpy(m) - 1.5) ** 2), MATRIX),
        rtol=1e-3,
        atol=1e-5,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_and_reduction(reduction):
    weights = np.array([1.0, 0.0, 3.0, 0.5, 0.0])
    value = penalty(tf.constant(MATRIX, tf.float32), weights=weights, reduction=reduction)
    elements = (lengths_in_numpy(MATRIX) - 1.5) ** 2
    np.testing.assert_allclose(value, reduced(elements, weights, reduction), rtol=1e-4)


def test_without_a_seed_the_run_gives_it():
    def drawn():
        with Run(key=tf.constant([1, 2])):
            return [penalty_without_a_seed() for _ in range(2)]

    penalty_without_a_seed = lambda: float(  # noqa: E731
        wargs.path_length_penalty(tf.ones([3, 2]), lambda z: z, 1.0)
    )
    first, second = drawn()
    assert first != second
    assert drawn() == [first, second]


# The average


def model(scale):
    inputs = tf.ones([50, 2])
    return NOTHING._replace(generator_inputs=inputs, generator_fn=lambda z: scale * z)


def lengths_seen(path, m):
    """The lengths of the batch that the penalty sees in a run."""
    with Run(key=tf.constant([1, 2])):
        seen = wargs.path_lengths(m.generator_inputs, m.generator_fn).numpy()
    with Run(key=tf.constant([1, 2]), training=True):
        return seen, path(m).numpy()


def test_penalty_is_the_distance_from_an_average_over_the_batches():
    path = PathLength(decay=0.5)
    first, value = lengths_seen(path, model(2.0))
    np.testing.assert_allclose(value, np.mean((first - first.mean()) ** 2), rtol=1e-4)
    second, value = lengths_seen(path, model(5.0))
    average = (0.5 * first.mean() + second.mean()) / 1.5
    np.testing.assert_allclose(value, np.mean((second - average) ** 2), rtol=1e-4)


def test_average_has_no_gradient():
    """Where all lengths are one and it is the average, the gradient is that of a fixed target."""
    scale = tf.Variable(3.0)
    path = PathLength(decay=0.0)
    with Run(key=tf.constant([1, 2]), training=True), tf.GradientTape() as tape:
        value = path(model(scale))
    unit, _ = lengths_seen(PathLength(), model(1.0))
    expected = np.mean(2 * 3 * (unit - unit.mean()) * unit)
    np.testing.assert_allclose(tape.gradient(value, scale), expected, rtol=1e-4)


def test_average_is_the_only_state_and_is_not_trained():
    path = PathLength()
    assert not path.trainable_variables
    assert len(path.variables) == 2


def test_chosen_latents_are_those_between_mapping_and_synthesis():
    mapping, synthesis = (lambda z: 10.0 * z), (lambda w: 2.0 * w)
    whole = NOTHING._replace(
        generator_inputs=tf.ones([50, 2]), generator_fn=lambda z: synthesis(mapping(z))
    )
    chosen = PathLength(latents_fn=mapping, synthesis_fn=synthesis)
    _, value = lengths_seen(chosen, whole)
    _, expected = lengths_seen(PathLength(), model(2.0))
    np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize("in_graph", [False, True], ids=["TF2", "tf.Graph"])
def test_average_moves_in_the_generators_updates_alone(in_graph):
    def steps_after(run):
        matrix, critic = tf.Variable(tf.ones([2, 2])), tf.Variable(tf.ones([2, 1]))
        m = tfgan.gan_model(
            lambda z: z @ matrix,
            lambda x: x @ critic,
            lambda: tf.random.normal([4, 2]),
            lambda n: tf.random.normal([n, 2]),
        )
        path = PathLength()
        loss = tfgan.gan_loss(m)
        loss = loss._replace(generator_loss=loss.generator_loss + path(m))
        sgd = tf.keras.optimizers.SGD
        ops = tfgan.gan_train_ops(m, loss, sgd(0.1), sgd(0.1))
        (steps,) = [v for v in path.variables if "steps" in v.name]
        return run(ops, loss, steps)

    def in_tf2(ops, loss, steps):
        seen = []
        for op in (ops.discriminator_train_op, ops.generator_train_op, loss.generator_loss):
            op()
            seen.append(steps.numpy())
        return seen

    def in_session(ops, loss, steps):
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            seen = []
            for op in (ops.discriminator_train_op, ops.generator_train_op, loss.generator_loss):
                session.run(op)
                seen.append(session.run(steps))
            return seen

    if in_graph:
        with tf.Graph().as_default():
            assert steps_after(in_session) == [0, 1, 1]
    else:
        assert steps_after(in_tf2) == [0, 1, 1]


# Errors and the interface


def test_penalty_belongs_to_the_generator():
    assert PathLength().network == tfgan.losses.path_length_penalty.network == "generator"


def test_generator_that_ignores_its_inputs_is_an_error():
    with pytest.raises(ValueError, match="generator ignores its inputs"):
        wargs.path_lengths(tf.ones([3, 2]), lambda z: tf.ones([3, 2]))


def test_inputs_without_a_floating_leaf_are_an_error():
    with pytest.raises(ValueError, match="needs floating generator_inputs.*int32"):
        wargs.path_lengths(tf.constant([1, 2]), lambda z: tf.cast(z, tf.float32))


def test_one_half_of_a_generator_is_an_error():
    with pytest.raises(ValueError, match="latents_fn and synthesis_fn"):
        PathLength(latents_fn=lambda z: z)


def test_negative_weight_is_an_error():
    with pytest.raises(ValueError, match="weights must be >= 0"):
        penalty(tf.constant(MATRIX, tf.float32), weights=-1.0, reduction=Reduction.SUM)
