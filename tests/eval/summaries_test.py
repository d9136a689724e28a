"""Summaries of models: which pictures they show, in both worlds."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.worlds import in_tf2, in_tf_graph
from tfgan_lite.eval import (
    add_cyclegan_image_summaries,
    add_gan_model_image_summaries,
    add_gan_model_summaries,
    add_image_comparison_summaries,
    add_regularization_loss_summaries,
    add_stargan_image_summaries,
)

both_worlds = pytest.mark.parametrize("run", [in_tf2, in_tf_graph], ids=["TF2", "tf.Graph"])
DOMAINS = 3


class Scale(tf.Module):
    """Multiplies images; with a target, by 1 + its number."""

    def __init__(self, factor=0.5):
        super().__init__()
        self.factor = tf.Variable(factor, name="factor")

    def __call__(self, images, target=None):
        images = images * self.factor
        if target is None:
            return images
        number = tf.cast(tf.argmax(target, axis=1), tf.float32)
        return images / (1.0 + tf.reshape(number, [-1, 1, 1, 1]))


class Judge(tf.Module):
    def __init__(self):
        super().__init__()
        self.bias = tf.Variable(0.0, name="bias")

    def __call__(self, images, num_domains=None):
        logits = tf.reduce_mean(images, axis=[1, 2, 3]) + self.bias
        if num_domains is None:
            return logits
        return logits, tf.tile(logits[:, tf.newaxis], [1, DOMAINS])


def images(count=4, channels=3, seed=0):
    shape = (count, 2, 3, channels)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def given(values):
    """Data that the model draws: a deferred value, or a graph's constant."""
    return tfgan.constant(values) if tf.executing_eagerly() else tf.constant(values)


def gan(real=None, inputs=None, expand=False):
    real = images(seed=1) if real is None else real
    inputs = images(len(real)) if inputs is None else inputs
    scale = Scale()

    def generator(z):
        return scale(tf.tile(z, [1, 2, 3, 3]) if expand else z)

    return tfgan.gan_model(generator, Judge(), given(real), given(inputs))


def stargan():
    labels = np.eye(DOMAINS, dtype=np.float32)[[0, 1, 2, 0]]
    scale, judge = Scale(1.0), Judge()

    def translate(data, target):
        return scale(data, target)

    def classify(data, num_domains):
        return judge(data, num_domains)

    return tfgan.stargan_model(translate, classify, given(images()), given(labels))


def shown(run, add, *args, **kwargs):
    """The summaries' values by name, and what the graph has collected."""
    collected = []

    def program():
        summaries = add(*args, **kwargs)
        if run is in_tf_graph:
            collected.extend(tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.SUMMARIES))
        return {each.name: each.value for each in summaries}

    values = run(lambda: program)
    return values, [each.op.name for each in collected]


def pixels(values):
    return np.round(np.clip((np.float64(values) + 1) * 127.5, 0, 255)).astype(np.uint8)


def grid(rows):
    """One image of rows of images."""
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])[np.newaxis]


@both_worlds
def test_images_of_a_model_are_in_grids(run):
    found, collected = shown(run, lambda: add_gan_model_image_summaries(gan(), 2, False))
    real, generated = pixels(images(seed=1)), pixels(0.5 * images())
    np.testing.assert_array_equal(found["real_data"], grid([real[:2], real[2:]]))
    np.testing.assert_array_equal(found["generated_data"], grid([generated[:2], generated[2:]]))
    assert len(collected) == (2 if run is in_tf_graph else 0)


@both_worlds
def test_fewer_images_than_the_grid_leave_places_black(run):
    """Forbids B36: a batch has to have grid_size^2 images."""
    found, _ = shown(run, lambda: add_gan_model_image_summaries(gan(), 3, False))
    real, black = pixels(images(seed=1)), np.zeros((2, 3, 3), np.uint8)
    expected = grid([real[:3], [real[3], black, black], [black] * 3])
    np.testing.assert_array_equal(found["real_data"], expected)


@both_worlds
def test_white_stays_white(run):
    """Forbids B12: what is over 255 by rounding comes out black."""
    white = np.full((1, 2, 3, 1), 1.0 + 1e-6, np.float32)
    found, _ = shown(run, lambda: add_gan_model_image_summaries(gan(white, 2.1 * white), 1, False))
    assert (found["real_data"] == 255).all() and (found["generated_data"] == 255).all()


@both_worlds
def test_images_from_0_to_1_are_declared(run):
    half = np.full((1, 2, 3, 1), 0.2, np.float32)

    def add():
        return add_gan_model_image_summaries(gan(half, half), 1, False, value_range=(0, 1))

    found, _ = shown(run, add)
    assert (found["real_data"] == 51).all()


@both_worlds
def test_comparison_shows_inputs_outputs_real_data_and_differences(run):
    found, _ = shown(run, lambda: add_image_comparison_summaries(gan(), 3, display_diffs=True))
    generated, real = pixels(0.5 * images()), pixels(images(seed=1))
    difference = np.abs(generated.astype(int) - real).astype(np.uint8)
    rows = [each[:3] for each in (pixels(images()), generated, real, difference)]
    np.testing.assert_array_equal(found["image_comparison"], grid(rows))


@both_worlds
def test_cyclegan_shows_there_and_back_of_the_first_image(run):
    def add():
        model = tfgan.cyclegan_model(
            [Scale(0.5), Scale(0.25)], [Judge(), Judge()], given(images()), given(images(seed=1))
        )
        return add_cyclegan_image_summaries(model)

    found, _ = shown(run, add)
    for name, factor, seed in (("x2y", 0.5, 0), ("y2x", 0.25, 1)):
        first = images(seed=seed)[0]
        expected = grid([[pixels(first), pixels(factor * first), pixels(0.125 * first)]])
        np.testing.assert_array_equal(found[f"{name}_image_comparison"], expected)


@both_worlds
@pytest.mark.parametrize("display_diffs", [False, True])
def test_stargan_shows_images_in_every_domain(run, display_diffs):
    def add():
        return add_stargan_image_summaries(stargan(), 2, display_diffs)

    found, _ = shown(run, add)
    rows = []
    for image in images()[:2]:
        row = [pixels(image)] + [pixels(image / (1 + number)) for number in range(DOMAINS)]
        rows.append(row)
        if display_diffs:
            rows.append([np.abs(each.astype(int) - row[0]).astype(np.uint8) for each in row])
    np.testing.assert_array_equal(found["stargan_image_generation"], grid(rows))


@both_worlds
def test_every_variable_of_a_model_has_a_histogram(run):
    found, collected = shown(run, lambda: add_gan_model_summaries(gan()))
    assert sorted(name.split("/")[0] for name in found) == ["discriminator", "generator"]
    assert sorted(map(float, found.values())) == [0.0, 0.5]
    assert len(collected) == (2 if run is in_tf_graph else 0)


def test_variables_of_keras_models_have_histograms_of_names_of_their_own():
    layers = tf.keras.layers
    generator = tf.keras.Sequential([layers.Input([2, 3, 3]), layers.Dense(3), layers.Dense(3)])
    model = tfgan.gan_model(generator, Judge(), given(images()), given(images()))
    summaries = add_gan_model_summaries(model)
    assert len({each.name for each in summaries}) == len(summaries) == 5


@both_worlds
def test_both_directions_of_a_cyclegan_have_histograms(run):
    def add():
        model = tfgan.cyclegan_model(
            [Scale(), Scale()], [Judge(), Judge()], given(images()), given(images())
        )
        return add_gan_model_summaries(model) + add_regularization_loss_summaries(model)

    found, _ = shown(run, add)
    assert {name.split("/")[0] for name in found} == {"x2y", "y2x"} and len(found) == 8


@both_worlds
def test_regularization_losses_are_their_sums(run):
    def add():
        layers = tf.keras.layers
        dense = layers.Dense(3, kernel_initializer="ones", kernel_regularizer="l2")
        generator = tf.keras.Sequential([layers.Input([2, 3, 3]), dense])
        model = tfgan.gan_model(generator, Judge(), given(images()), given(images()))
        return add_regularization_loss_summaries(model)

    found, _ = shown(run, add)
    assert found["generator_regularization_loss"] == pytest.approx(9 * 0.01, rel=1e-5)
    assert found["discriminator_regularization_loss"] == 0.0


def test_each_kind_of_model_has_its_own_summaries():
    model = gan()
    cycle = tfgan.cyclegan_model(
        [Scale(), Scale()], [Judge(), Judge()], given(images()), given(images())
    )
    with pytest.raises(ValueError, match="add_cyclegan_image_summaries"):
        add_gan_model_image_summaries(cycle)
    with pytest.raises(ValueError, match="add_stargan_image_summaries"):
        add_gan_model_image_summaries(stargan())
    with pytest.raises(ValueError, match="its own summaries"):
        add_image_comparison_summaries(cycle)
    with pytest.raises(ValueError, match="must be a CycleGANModel, not a GANModel"):
        add_cyclegan_image_summaries(model)
    with pytest.raises(ValueError, match="must be a StarGANModel, not a GANModel"):
        add_stargan_image_summaries(model)


def test_what_is_no_image_is_an_error():
    with pytest.raises(ValueError, match="real_data must be images .* 1, 3 or 4 channels"):
        add_gan_model_image_summaries(gan(images(channels=2), images(channels=2)))
    with pytest.raises(ValueError, match="same shape"):
        add_image_comparison_summaries(gan(inputs=np.ones((4, 1, 1, 1), np.float32), expand=True))
    with pytest.raises(ValueError, match="value_range"):
        add_gan_model_image_summaries(gan(), value_range=(0, 255))
    with pytest.raises(ValueError, match="grid_size"):
        add_gan_model_image_summaries(gan(), grid_size=0)
