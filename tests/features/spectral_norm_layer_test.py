"""The Keras layer of spectral normalisation, in networks that train in turn."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import in_world
from tfgan_lite.features import SpectralNormalization

v1 = tf.compat.v1
layers = tf.keras.layers
both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])
ROUNDS = 200

# What is wrapped, and the shape of what it takes.
WRAPPED = {
    "Dense": (lambda: layers.Dense(5), (4,)),
    "Conv1D": (lambda: layers.Conv1D(5, 2), (6, 3)),
    "Conv2D": (lambda: layers.Conv2D(5, 3, padding="same"), (4, 4, 2)),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(5, 3), (4, 4, 2)),
    "Embedding": (lambda: layers.Embedding(6, 5), ()),
}


def example(name, batch=3):
    shape = (batch, *WRAPPED[name][1])
    if name == "Embedding":
        return np.arange(batch)
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def numpy_of(variable):
    return np.array(tf.convert_to_tensor(variable))


def kernel_of(layer):
    return layer.embeddings if hasattr(layer, "embeddings") else layer.kernel


def largest_singular_value(kernel):
    matrix = np.reshape(kernel, [-1, kernel.shape[-1]])
    return np.linalg.svd(matrix.astype(np.float64), compute_uv=False)[0]


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("training", [False, True])
def test_the_wrapped_layer_computes_with_the_normalised_kernel(name, training):
    layer = SpectralNormalization(WRAPPED[name][0](), power_iterations=ROUNDS)
    inputs = example(name)
    got = layer(inputs, training=training)
    before = numpy_of(kernel_of(layer.layer))
    kernel_of(layer.layer).assign(before / largest_singular_value(before))
    expected = layer.layer(inputs)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    assert got.dtype == expected.dtype


def after_sub_steps(world, make_layer, jit_compile=False):
    """Names of D's variables that a sub-step of G changes, and of those that one of D changes."""
    with in_world(world):
        numbers = np.random.default_rng(5).normal(size=[6, 4]).astype(np.float32)
        data = tf.data.Dataset.from_tensors(numbers).repeat()
        generator = tf.keras.Sequential([layers.Dense(4)])
        discriminator = tf.keras.Sequential(
            [make_layer(layers.Dense(8, activation="relu")), make_layer(layers.Dense(3))]
        )
        model = tfgan.gan_model(generator, discriminator, data, data)
        loss = tfgan.gan_loss(model, gradient_penalty_weight=1.0)
        optimizers = [tf.keras.optimizers.SGD(0.1) for _ in range(2)]
        ops = tfgan.gan_train_ops(model, loss, *optimizers)
        variables = model.discriminator_fn.variables
        changed = []
        for op in (ops.generator_train_op, ops.discriminator_train_op):
            final = tfgan.FinalOpsHook(list(variables))
            seen = []
            tfgan.gan_train(
                ops,
                logdir=None,
                get_hooks_fn=lambda ops, op=op: [tfgan.RunTrainOpsHook(op, 1)],
                hooks=[Look(variables, seen), tfgan.StopAtStepHook(num_steps=1), final],
                save_checkpoint_secs=None,
                save_summaries_steps=None,
                jit_compile=jit_compile,
            )
            pairs = zip(variables, seen, final.final_ops_values)
            changed.append({_leaf(v) for v, a, b in pairs if (a != b).any()})
    return changed


class Look(tfgan.TrainingHook):
    """Notes values before the first round."""

    def __init__(self, fetches, seen):
        self._fetches, self._seen = list(fetches), seen

    def after_create_session(self, session, unused_coordinator):
        self._seen += session.run(self._fetches)


def _leaf(variable):
    return variable.name.split("/")[-1].split(":")[0]


@pytest.mark.slow
@pytest.mark.parametrize("world", ["graph", "TF2", "XLA"])
def test_sub_steps_of_the_generator_leave_the_discriminator_alone(world):
    """No regression of TF-GAN's u, which moved in generator steps as well."""
    jit_compile = world == "XLA"
    world = "TF2" if jit_compile else world
    by_generator, by_discriminator = after_sub_steps(world, SpectralNormalization, jit_compile)
    assert by_generator == set()
    assert by_discriminator >= {"kernel", "vector_u"}


def test_why_it_is_not_keras_own():
    """Keras's layer writes over the discriminator's kernel while the generator trains."""
    by_generator, _ = after_sub_steps("TF2", layers.SpectralNormalization)
    assert by_generator == {"kernel"}


@pytest.mark.slow
@both_worlds
def test_a_call_leaves_the_kernel_and_moves_u_as_power_iteration_does(world):
    with in_world(world):
        layer = SpectralNormalization(layers.Dense(5))
        inputs = tf.constant(example("Dense"))
        layer.build(inputs.shape)
        if world == "TF2":
            before = [numpy_of(v) for v in layer.weights]
            layer(inputs, training=True)
            after = [numpy_of(v) for v in layer.weights]
        else:
            graph = v1.get_default_graph()
            seen = len(graph.get_operations())
            layer(inputs, training=True)
            layer(inputs, training=True)  # Reads the same u, and so assigns the same.
            assignments = [
                op for op in graph.get_operations()[seen:] if op.type == "AssignVariableOp"
            ]
            variables = v1.global_variables()
            variables = [
                v for name in ("kernel", "bias", "vector_u") for v in variables if name in v.name
            ]
            with v1.Session() as session:
                session.run(v1.global_variables_initializer())
                before = session.run(variables)
                session.run(assignments)
                after = session.run(variables)
    kernel, u = (next(x for x in before if x.shape == shape) for shape in [(4, 5), (1, 5)])
    np.testing.assert_array_equal(next(x for x in after if x.shape == (4, 5)), kernel)
    expected = u @ kernel.T @ kernel
    np.testing.assert_allclose(
        next(x for x in after if x.shape == (1, 5)), expected / np.linalg.norm(expected), rtol=1e-4
    )


def test_the_gradient_passes_through_the_normalisation():
    """Finite differences of `W / (u W v)` with the singular vectors held (arXiv:1802.05957)."""
    layer = SpectralNormalization(layers.Dense(3, use_bias=False), power_iterations=ROUNDS)
    inputs = example("Dense")
    layer.build(inputs.shape)
    kernel = numpy_of(layer.layer.kernel).astype(np.float64)
    coefficients = np.random.default_rng(2).normal(size=(3, 3))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(coefficients.astype(np.float32) * layer(inputs, training=True))
    (got,) = tape.gradient(loss, list(layer.trainable_weights))
    left, _, right = np.linalg.svd(kernel)

    def at(w):
        return np.sum(coefficients * (inputs @ w) / (left[:, 0] @ w @ right[0]))

    steps = 1e-5 * np.eye(kernel.size).reshape([-1, *kernel.shape])
    expected = np.reshape([(at(kernel + s) - at(kernel - s)) / 2e-5 for s in steps], kernel.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_a_zero_kernel_gives_zeros_and_finite_gradients():
    layer = SpectralNormalization(layers.Dense(3, kernel_initializer="zeros"))
    with tf.GradientTape() as tape:
        outputs = layer(example("Dense"), training=True)
        loss = tf.reduce_sum(outputs)
    np.testing.assert_array_equal(outputs, np.zeros([3, 3]))
    assert all(np.isfinite(g).all() for g in tape.gradient(loss, list(layer.trainable_weights)))
    assert np.any(numpy_of(layer.vector_u))


def test_mixed_precision_computes_the_norm_in_float32():
    """The norm of these weights is beyond float16's range."""
    policy = tf.keras.mixed_precision.Policy("mixed_float16")
    start = tf.keras.initializers.Constant(3e4)
    layer = SpectralNormalization(
        layers.Dense(3, kernel_initializer=start, dtype=policy), dtype=policy
    )
    outputs = layer(np.ones([2, 4], np.float16), training=True)
    assert outputs.dtype == tf.float16
    assert layer.vector_u.dtype in ("float32", tf.float32)
    np.testing.assert_allclose(outputs, np.full([2, 3], 4 / 12**0.5), rtol=2e-3)


def test_the_layer_is_found_again_by_a_saved_model(tmp_path):
    model = tf.keras.Sequential(
        [layers.Input((4,)), SpectralNormalization(layers.Dense(3), power_iterations=2)]
    )
    inputs = example("Dense")
    model(inputs, training=True)
    path = str(tmp_path / "model.keras")
    model.save(path)
    loaded = tf.keras.models.load_model(path)
    assert isinstance(loaded.layers[-1], SpectralNormalization)
    assert loaded.layers[-1].power_iterations == 2
    np.testing.assert_allclose(loaded(inputs), model(inputs), rtol=1e-6)


def test_keras_checkpoint_fits():
    """It has the weights of Keras's layer of that name, in that one's order."""
    ours, keras = (
        cls(layers.Dense(3)) for cls in (SpectralNormalization, layers.SpectralNormalization)
    )
    for layer in (ours, keras):
        layer.build((None, 4))
    ours.set_weights(keras.get_weights())
    assert isinstance(ours, layers.SpectralNormalization)


def test_bad_argument_is_refused():
    with pytest.raises(ValueError, match="power_iterations"):
        SpectralNormalization(layers.Dense(3), power_iterations=0)
    with pytest.raises(ValueError, match="kernel"):
        SpectralNormalization(layers.ReLU()).build((None, 4))
