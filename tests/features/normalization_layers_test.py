"""What is true of every layer of normalisation and conditioning, with Keras 3 and tf_keras."""

import contextlib
import math
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
import tfgan_lite.features as features

ROOT = pathlib.Path(tfgan.__file__).parents[1]
IMAGES, CLASSES = [4, 4, 6], 3

# A layer, and the specification of one example's conditioning if it takes any.
ONE_HOT, INTEGER = tf.TensorSpec([CLASSES]), tf.TensorSpec([], tf.int32)
LAYERS = {
    "instance norm": (lambda **k: features.instance_normalization(**k), None),
    "condition on one-hot": (lambda **k: features.ConditionTensor(**k), ONE_HOT),
    "condition on integers": (
        lambda **k: features.ConditionTensor(CLASSES, embedding_size=5, **k),
        INTEGER,
    ),
    "conditional batch norm, one-hot": (
        lambda **k: features.ConditionalBatchNormalization(CLASSES, momentum=0.5, **k),
        ONE_HOT,
    ),
    "conditional batch norm, integers": (
        lambda **k: features.ConditionalBatchNormalization(CLASSES, center=False, **k),
        INTEGER,
    ),
    "conditional batch norm, vectors": (
        lambda **k: features.ConditionalBatchNormalization(**k),
        ONE_HOT,
    ),
    "projection, one-hot": (
        lambda **k: features.ProjectionDiscriminator(CLASSES, **k),
        ONE_HOT,
    ),
    "projection, integers": (
        lambda **k: features.ProjectionDiscriminator(CLASSES, True, **k),
        INTEGER,
    ),
    "minibatch stddev": (lambda **k: features.MinibatchStdDev(2, 3, **k), None),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def made(layer, **arguments):
    return LAYERS[layer][0](**arguments)


def inputs_of(name, batch=6, seed=0):
    """Random inputs of the layer, as it is called with."""
    random, conditioning = np.random.default_rng(seed), LAYERS[name][1]
    images = tf.constant(random.normal(size=[batch, *IMAGES]), tf.float32)
    if conditioning is None:
        return images
    labels = random.integers(CLASSES, size=batch)
    return [images, tf.constant(labels) if conditioning is INTEGER else tf.one_hot(labels, CLASSES)]


def functional_model(name, layer):
    images, conditioning = tf.keras.Input(IMAGES), LAYERS[name][1]
    if conditioning is None:
        return tf.keras.Model(images, layer(images))
    labels = tf.keras.Input(conditioning.shape, dtype=conditioning.dtype.name)
    return tf.keras.Model([images, labels], layer([images, labels]))


def randomise(layer):
    random = np.random.default_rng(5)
    for weight in layer.trainable_weights:
        weight.assign(random.normal(size=weight.shape))


def values(tensor):
    return tf.cast(tensor, tf.float32).numpy()


@every_layer
def test_configuration_makes_an_equal_layer(name):
    layer = made(name, name="mine")
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    inputs = inputs_of(name)
    layer(inputs), copy(inputs)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer(inputs), copy(inputs))


@every_layer
def test_saved_model_is_loaded_without_custom_objects(name, tmp_path):
    model, inputs = functional_model(name, made(name)), inputs_of(name)
    randomise(model)
    model(inputs, training=True)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@every_layer
def test_functional_model_gives_what_the_layer_gives(name):
    layer, inputs = made(name), inputs_of(name)
    model = functional_model(name, layer)
    outputs = layer(inputs)
    np.testing.assert_allclose(model(inputs), outputs, rtol=1e-3, atol=1e-5)
    assert tuple(model.output_shape) == (None, *outputs.shape[1:])


@every_layer
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_gives_the_policys_dtype_and_nearly_the_same_values(name, policy):
    wide, narrow, inputs = made(name), made(name, dtype=policy), inputs_of(name)
    randomise(functional_model(name, wide))
    functional_model(name, narrow)
    narrow.set_weights(wide.get_weights())
    assert {tf.as_dtype(weight.dtype) for weight in narrow.weights} <= {tf.float32}
    outputs = narrow(inputs, training=True)
    assert outputs.dtype == policy.removeprefix("mixed_")
    step = 2.0**-10 if policy == "mixed_float16" else 2.0**-7
    expected = values(wide(inputs, training=True))
    np.testing.assert_allclose(values(outputs), expected, atol=4 * step * abs(expected).max())


@every_layer
def test_gradients_under_xla_are_those_without(name):
    layer, inputs = made(name), inputs_of(name)
    layer(inputs)
    randomise(layer)

    def gradient(inputs):
        images = tf.nest.flatten(inputs)[0]
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.reduce_sum(tf.sin(layer(inputs, training=False)))
        return tape.gradient(loss, images)

    compiled = tf.function(gradient, jit_compile=True)
    np.testing.assert_allclose(compiled(inputs), gradient(inputs), rtol=1e-3, atol=1e-5)


@every_layer
def test_batch_size_may_be_unknown(name):
    layer, inputs = made(name), inputs_of(name)
    layer(inputs)
    specs = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in tf.nest.flatten(inputs)]
    call = tf.function(
        lambda *flat: layer(tf.nest.pack_sequence_as(inputs_of(name), flat)), input_signature=specs
    )
    for batch in (6, 4):
        inputs = inputs_of(name, batch)
        np.testing.assert_allclose(
            call(*tf.nest.flatten(inputs)), layer(inputs), rtol=1e-3, atol=1e-5
        )


@every_layer
def test_in_a_graph_its_values_are_those_of_tf2(name):
    layer, inputs = made(name), inputs_of(name)
    layer(inputs)
    expected, weights = layer(inputs), layer.get_weights()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        arrays = tf.nest.map_structure(lambda x: tf.constant(x.numpy()), inputs)
        layer = made(name)
        outputs = layer(arrays)
        session.run(tf.compat.v1.global_variables_initializer())
        for variable, value in zip(layer.weights, weights, strict=True):
            # Keras 3 wraps the tf.Variable.
            raw = variable if isinstance(variable, tf.Variable) else variable.value
            session.run(raw.assign(value))
        np.testing.assert_allclose(session.run(outputs), expected, rtol=1e-3, atol=1e-5)


def conditional_generator():
    noise, labels = tf.keras.Input([8]), tf.keras.Input([CLASSES])
    images = tf.keras.layers.Reshape(IMAGES)(tf.keras.layers.Dense(math.prod(IMAGES))(noise))
    images = features.ConditionalBatchNormalization(CLASSES, momentum=0.5)([images, labels])
    images = features.instance_normalization()(images)
    images = features.ConditionTensor(CLASSES, embedding_size=4)([images, labels])
    return tf.keras.Model([noise, labels], tf.keras.layers.Dense(1)(images))


def conditional_discriminator():
    shapes = [*IMAGES[:-1], 1], [8], [CLASSES]
    images, noise, labels = (tf.keras.Input(shape) for shape in shapes)
    flat = tf.keras.layers.Flatten()(features.MinibatchStdDev()(images))
    head = features.ProjectionDiscriminator(CLASSES, spectral_normalization=True)
    return tf.keras.Model([images, noise, labels], head([flat, labels]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "jit_compile"), [("graph", False), ("TF2", False), ("TF2", True)]
)
def test_networks_of_these_layers_train_and_own_their_statistics(world, jit_compile):
    with tf.Graph().as_default() if world == "graph" else contextlib.nullcontext():
        real = tfgan.from_callable(lambda: tf.random.normal([8, *IMAGES[:-1], 1]))
        inputs = tfgan.from_callable(
            lambda: (tf.random.normal([8, 8]), tf.one_hot(tf.range(8) % CLASSES, CLASSES))
        )
        generator, discriminator = conditional_generator(), conditional_discriminator()
        model = tfgan.gan_model(generator, discriminator, real, inputs)
        networks = {"generator": model.generator_fn, "discriminator": model.discriminator_fn}
        optimizers = [tf.keras.optimizers.Adam(0.01) for _ in networks]
        ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers)
        final = tfgan.FinalOpsHook({name: network.statistics for name, network in networks.items()})
        tfgan.gan_train(
            ops,
            logdir=None,
            hooks=[tfgan.StopAtStepHook(3), final],
            jit_compile=jit_compile,
            save_checkpoint_secs=None,
            save_summaries_steps=None,
        )
    moments, vectors = final.final_ops_values.values()
    assert [m.shape for m in moments] == [(6,), (6,)]
    assert (moments[0] != 0).all()
    assert (moments[1] != 1).all()
    assert sorted(v.shape for v in vectors) == [(1, 1), (1, 32)]


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("TF_USE_LEGACY_KERAS") == "1", reason="This is the run with tf_keras."
)
def test_all_of_this_is_true_with_tf_keras():
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
