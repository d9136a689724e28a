"""Grids of images: the n-th image is at row n / columns and column n % columns."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.eval import image_grid, image_reshaper, python_image_grid


def images(count, height=2, width=3, channels=3):
    shape = (count, height, width, channels)
    return np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(np.float32)


def assert_is_grid(grid, given, rows, columns):
    _, height, width, channels = given.shape
    assert grid.shape == (rows * height, columns * width, channels)
    for n in range(rows * columns):
        row, column = divmod(n, columns)
        cell = grid[row * height : (row + 1) * height, column * width : (column + 1) * width]
        expected = given[n] if n < len(given) else np.zeros_like(given[0])
        np.testing.assert_array_equal(cell, expected)


@pytest.mark.parametrize("rows, columns", [(2, 3), (1, 6), (6, 1)])
def test_image_grid(rows, columns):
    grid = image_grid(images(6), (rows, columns))
    assert grid.shape[0] == 1
    assert_is_grid(grid[0].numpy(), images(6), rows, columns)


def test_image_grid_of_flattened_images():
    flat = images(6).reshape(6, -1)
    grid = image_grid(flat, (2, 3), image_shape=(2, 3), num_channels=3)
    assert_is_grid(grid[0].numpy(), images(6), 2, 3)


def test_image_grid_of_a_deferred_value_is_one():
    grid = image_grid(tfgan.constant(images(6)), (2, 3))
    assert isinstance(grid, tfgan.Deferred) and grid.shape == (1, 4, 9, 3)
    assert_is_grid(grid.numpy()[0], images(6), 2, 3)


def test_image_grid_in_a_graph_of_images_of_unknown_size():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        given = tf.compat.v1.placeholder(tf.float32, [6, None, None, 3])
        grid = session.run(image_grid(given, (2, 3)), {given: images(6)})
    assert_is_grid(grid[0], images(6), 2, 3)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (images(5), {}, r"6 images .* 2 x 3, but its shape is \(5, 2, 3, 3\)"),
        (images(6)[0], {}, "6 images"),
        (np.zeros((6, 10)), {}, r"10 numbers per image, .* \[32, 32, 3\]"),
    ],
)
def test_image_grid_of_something_else_is_an_error(given, options, message):
    with pytest.raises(ValueError, match=message):
        image_grid(given, (2, 3), **options)


@pytest.mark.parametrize("grid_shape", [(0, 3), (2, 3, 1), (1.5, 4)])
def test_a_grid_has_rows_and_columns(grid_shape):
    with pytest.raises(ValueError, match="grid_shape"):
        image_grid(images(6), grid_shape)
    with pytest.raises(ValueError, match="grid_shape"):
        python_image_grid(images(6), grid_shape)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_python_image_grid(dtype):
    grid = python_image_grid(images(6).astype(dtype), (2, 3))
    assert grid.dtype == dtype
    assert_is_grid(grid, images(6).astype(dtype), 2, 3)


@pytest.mark.parametrize("given", [images(5), images(6)[0]])
def test_python_image_grid_of_something_else_is_an_error(given):
    with pytest.raises(ValueError, match="input_array must be 6 images"):
        python_image_grid(given, (2, 3))


@pytest.mark.parametrize(
    "count, num_cols, rows, columns",
    [
        (9, None, 3, 3),
        (1, None, 1, 1),
        (2, None, 1, 2),
        (8, None, 3, 3),
        (8, 3, 3, 3),
        (5, 7, 1, 7),
        (11, None, 3, 4),  # The example of TF-GAN's docstring.
    ],
)
def test_image_reshaper_fills_up_with_zeros(count, num_cols, rows, columns):
    grid = image_reshaper(images(count), num_cols)
    assert_is_grid(grid[0].numpy(), images(count), rows, columns)


def test_image_reshaper_takes_a_list():
    assert_is_grid(image_reshaper(list(images(4)))[0].numpy(), images(4), 2, 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "the list is empty"),
        (images(0), "known N >= 1"),
        (images(1)[0], "known N >= 1"),
        (images(4, channels=2), "1 or 3 channels"),
    ],
)
def test_image_reshaper_of_something_else_is_an_error(given, message):
    with pytest.raises(ValueError, match=message):
        image_reshaper(given)
