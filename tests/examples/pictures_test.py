"""The picture of generated digits."""

import sys

import numpy as np
import pytest
from PIL import Image

from examples.mnist_gan import pictures


def plain(*levels):
    return np.stack([np.full((28, 28, 1), level, np.float32) for level in levels])


@pytest.mark.parametrize(
    "value, pixel",
    [(1.0, 255), (-1.0, 0), (0.999, 255), (0.0, 128), (-0.999, 0), (1.5, 255), (-7.0, 0)],
)
def test_a_value_becomes_the_nearest_grey_level(value, pixel):
    assert np.all(pictures.image_grid(plain(value), columns=1) == pixel)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_grey_level_survives_the_way_to_floats_and_back(dtype):
    levels = np.arange(784).reshape(1, 28, 28, 1) % 256
    images = (levels / 127.5 - 1.0).astype(dtype)
    np.testing.assert_array_equal(pictures.image_grid(images, columns=1), levels[0, :, :, 0])


def test_images_fill_rows_from_left_to_right_with_two_grey_pixels_between():
    grid = pictures.image_grid(plain(-1.0, 1.0, 1.0, -1.0), columns=2)
    assert grid.shape == (58, 58) and grid.dtype == np.uint8
    assert np.all(grid[:28, :28] == 0) and np.all(grid[:28, 30:] == 255)
    assert np.all(grid[30:, :28] == 255) and np.all(grid[30:, 30:] == 0)
    assert np.all(grid[28:30] == 128) and np.all(grid[:, 28:30] == 128)


def test_a_row_that_is_not_full_ends_in_grey():
    grid = pictures.image_grid(plain(1.0, 1.0, 1.0), columns=2)
    assert grid.shape == (58, 58)
    assert np.all(grid[30:, 30:] == 128)


@pytest.mark.parametrize("shape", [(4, 28, 28), (4, 28, 28, 3), (4, 32, 32, 1), (0, 28, 28, 1)])
def test_another_shape_is_an_error_that_names_it(shape):
    with pytest.raises(ValueError, match=r"expected \[N, 28, 28, 1\]") as error:
        pictures.image_grid(np.zeros(shape, np.float32), columns=2)
    assert str(shape) in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_an_error(value):
    with pytest.raises(ValueError, match="diverged"):
        pictures.image_grid(plain(value), columns=1)


def test_no_columns_are_an_error():
    with pytest.raises(ValueError, match="columns=0"):
        pictures.image_grid(plain(0.0), columns=0)


def test_a_saved_picture_reads_back_equal(tmp_path):
    grid = pictures.image_grid(np.linspace(-1, 1, 6 * 784).reshape(6, 28, 28, 1), columns=3)
    pictures.save_png(tmp_path / "new" / "grid.png", grid)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "grid.png")), grid)


def test_saving_leaves_nothing_but_the_picture(tmp_path):
    for level in (0, 9):
        pictures.save_png(tmp_path / "grid.png", np.full((28, 28), level, np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]
    assert np.all(np.asarray(Image.open(tmp_path / "grid.png")) == 9)


def test_a_picture_that_cannot_be_drawn_leaves_the_earlier_one(tmp_path):
    earlier = np.full((28, 28), 9, np.uint8)
    pictures.save_png(tmp_path / "grid.png", earlier)
    with pytest.raises(TypeError):
        pictures.save_png(tmp_path / "grid.png", np.zeros((28, 28, 7), np.uint8))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "grid.png")), earlier)


def test_without_pillow_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"tfgan_lite\[examples\]"):
        pictures.save_png(tmp_path / "grid.png", np.zeros((28, 28), np.uint8))
