"""Each change to images against NumPy, with amounts that differ from image to image."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.features import augment_ops

SIZES = pytest.mark.parametrize("size", [(6, 6), (5, 8), (1, 3)])


def pictures(count, size, channels=2):
    return np.random.default_rng(0).uniform(-1, 1, [count, *size, channels]).astype(np.float32)


def each(function, images, *amounts):
    """`function` of each image and its amounts."""
    return np.stack([function(*row) for row in zip(images, *amounts)])


def shifted(image, rows, columns):
    """By a loop over pixels."""
    result = np.zeros_like(image)
    height, width, _ = image.shape
    for r in range(height):
        for c in range(width):
            if 0 <= r - rows < height and 0 <= c - columns < width:
                result[r, c] = image[r - rows, c - columns]
    return result


def amounts(*values, dtype=np.float32):
    return [np.array(x, dtype) for x in values]


# Shifts, flips, turns and cuts


@SIZES
def test_translate_shifts_whole_pixels_and_lets_zeros_in(size):
    images = pictures(5, size)
    rows, columns = amounts([0, 1, -2, 9, 0], [0, -1, 1, 0, -9], dtype=np.int32)
    expected = each(shifted, images, rows, columns)
    np.testing.assert_array_equal(augment_ops.translate(images, rows, columns), expected)


def test_flip_exchanges_left_and_right_where_it_is_told_to():
    images = pictures(2, (3, 4))
    expected = np.stack([images[0], np.fliplr(images[1])])
    np.testing.assert_array_equal(augment_ops.flip(images, np.array([False, True])), expected)


def test_rotate90_turns_as_numpy_does():
    images = pictures(4, (5, 5))
    (quarters,) = amounts(range(4), dtype=np.int32)
    expected = each(np.rot90, images, quarters)
    np.testing.assert_array_equal(augment_ops.rotate90(images, quarters), expected)


def test_rotate90_refuses_images_that_would_change_their_shape():
    with pytest.raises(ValueError, match=r'Only square images .* leave "rotate90" out'):
        augment_ops.rotate90(pictures(1, (5, 8)), np.array([1]))


@pytest.mark.parametrize(
    ("length", "middle", "expected"),
    [
        # Half of 4 is 2 pixels, whose middle is at one of 0, 1, ..., 4; half of 6 is 3, at 0 to 5.
        (4, 0.0, [0, 1, 1, 1]),
        (4, 0.39, [0, 0, 1, 1]),
        (4, 0.5, [1, 0, 0, 1]),
        (4, 0.99, [1, 1, 1, 0]),
        (6, 0.0, [0, 0, 1, 1, 1, 1]),
        (6, 0.5, [1, 1, 0, 0, 0, 1]),
        (6, 0.99, [1, 1, 1, 1, 0, 0]),
    ],
)
def test_cutout_cuts_half_of_the_length_around_its_middle(length, middle, expected):
    row, column = amounts([middle], [0.5])
    images = np.ones([1, length, 2, 1], np.float32)
    cut = np.array(augment_ops.cutout(images, row, column, 0.5))
    inside = cut[0, :, :, 0].min(axis=1)  # One of the two columns is cut.
    np.testing.assert_array_equal(inside, expected)
    assert cut[0, :, :, 0].max(axis=1).min() == 1.0


# Warps


@SIZES
def test_warp_by_nothing_changes_no_bit(size):
    images = pictures(3, size)
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    np.testing.assert_array_equal(augment_ops.warp(images, zero, zero, one, zero), images)


def test_warp_turns_counterclockwise_about_the_middle():
    images = pictures(4, (6, 6))
    angles = np.float32(np.pi / 2) * np.arange(4, dtype=np.float32)
    zero, one = np.zeros(4, np.float32), np.ones(4, np.float32)
    expected = each(np.rot90, images, range(4))
    turned = augment_ops.warp(images, zero, zero, one, angles)
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_warp_mirrors_what_comes_in():
    images = pictures(2, (4, 5))
    rows, columns = amounts([1, -2], [2, 0])

    def mirrored(image, rows, columns):
        padded = np.pad(image, [[3, 3], [3, 3], [0, 0]], mode="reflect")
        top, left = 3 - int(rows), 3 - int(columns)
        return padded[top : top + 4, left : left + 5]

    one, zero = np.ones(2, np.float32), np.zeros(2, np.float32)
    expected = each(mirrored, images, rows, columns)
    np.testing.assert_array_equal(augment_ops.warp(images, rows, columns, one, zero), expected)


def test_warp_shifts_then_scales_then_turns():
    """A ramp, which interpolation reproduces: a pixel's value tells where it came from."""
    down, right = np.meshgrid(np.arange(17) - 8.0, np.arange(17) - 8.0, indexing="ij")
    images = np.stack([down, right], axis=-1)[np.newaxis].astype(np.float32)
    rows, columns, scale, angle = 1.5, -0.5, 2.0, 0.3
    warped = augment_ops.warp(images, *amounts([rows], [columns], [scale], [angle]))
    place = np.stack([down, right], axis=-1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    origin = place @ turn.T / scale - [rows, columns]
    np.testing.assert_allclose(warped[0, 4:13, 4:13], origin[4:13, 4:13], atol=1e-5)


# Colours


def test_colours_change_about_zero_and_about_grey():
    images = pictures(2, (3, 4), channels=3).astype(np.float64)
    (factor,) = amounts([0.25, 2.0])
    wide = factor[:, None, None, None].astype(np.float64)
    grey = images.mean(axis=3, keepdims=True)
    inputs = images.astype(np.float32)
    np.testing.assert_allclose(augment_ops.brightness(inputs, factor), images + wide, rtol=1e-5)
    np.testing.assert_allclose(augment_ops.contrast(inputs, factor), images * wide, rtol=1e-5)
    np.testing.assert_allclose(
        augment_ops.saturation(inputs, factor), grey + wide * (images - grey), atol=1e-6
    )


def test_saturation_leaves_images_of_one_channel():
    images = pictures(1, (3, 4), channels=1)
    np.testing.assert_array_equal(augment_ops.saturation(images, np.float32([1.7])), images)


# All of them

TWO = np.ones(2, np.float32)
OPERATIONS = {
    "brightness": lambda x: augment_ops.brightness(x, 0.3 * TWO),
    "contrast": lambda x: augment_ops.contrast(x, 0.3 * TWO, about=tf.reduce_mean(x)),
    "saturation": lambda x: augment_ops.saturation(x, 0.3 * TWO),
    "flip": lambda x: augment_ops.flip(x, TWO > 0),
    "rotate90": lambda x: augment_ops.rotate90(x, tf.constant([1, 2])),
    "translate": lambda x: augment_ops.translate(x, tf.constant([1, 0]), tf.constant([0, -2])),
    "cutout": lambda x: augment_ops.cutout(x, 0.2 * TWO, 0.9 * TWO, 0.5),
    "warp": lambda x: augment_ops.warp(x, 1.5 * TWO, -0.3 * TWO, 1.2 * TWO, 0.7 * TWO),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


@pytest.mark.slow
@every_operation
def test_gradient_is_that_of_finite_differences(operation):
    images = tf.constant(pictures(2, (4, 4)))
    theirs, numeric = tf.test.compute_gradient(operation, [images], delta=1 / 64)
    np.testing.assert_allclose(theirs[0], numeric[0], atol=1e-4)


@pytest.mark.slow
@every_operation
def test_gradient_of_a_gradients_norm_is_that_of_finite_differences(operation):
    """As gradient penalties need it, with a discriminator that is not linear."""

    def penalty(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = tf.reduce_sum(tf.sin(2.0 * operation(images)))
        return tf.reduce_sum(tf.square(tape.gradient(logits, images)))[tf.newaxis]

    images = tf.constant(pictures(2, (4, 4), channels=1))
    theirs, numeric = tf.test.compute_gradient(penalty, [images], delta=1 / 64)
    np.testing.assert_allclose(theirs[0], numeric[0], atol=3e-2)


@every_operation
def test_compiles_under_xla_and_gives_the_same(operation):
    images = tf.constant(pictures(2, (4, 4)))
    compiled = tf.function(operation, jit_compile=True)(images)
    np.testing.assert_allclose(compiled, operation(images), atol=1e-6)


@every_operation
def test_traces_with_an_unknown_batch(operation):
    images = pictures(2, (4, 4))
    traced = tf.function(operation, input_signature=[tf.TensorSpec([None, 4, 4, 2])])
    np.testing.assert_allclose(traced(images), operation(images), atol=1e-6)
    assert traced.get_concrete_function().output_shapes[1:] == [4, 4, 2]


@every_operation
def test_a_plain_graph_gives_the_same(operation):
    images = pictures(2, (4, 4))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        in_graph = session.run(operation(tf.constant(images)))
    np.testing.assert_allclose(in_graph, operation(tf.constant(images)), atol=1e-6)
