"""Crop, resize and channels, against Pillow and by hand."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfgan_lite as tfgan
from tests.data.pictures import encoded, noise, write


def loaded(folder, content, **options):
    """Returns the pixels of one image file."""
    return tfgan.data.load(write(folder, a_png=content), **options).pixels[0]


@pytest.mark.parametrize("size", [(100, 80), (33, 70), (8, 9)])
def test_resizing_is_pillows_bicubic_with_antialiasing(tmp_path, size):
    image = noise(*size)
    # In Pillow's float mode, which does not cut off what overshoots between the two axes.
    channels = [
        Image.fromarray(image[..., i].astype(np.float32)).resize((24, 16), Image.Resampling.BICUBIC)
        for i in range(3)
    ]
    expected = np.clip(np.rint(np.stack(channels, axis=-1)), 0, 255)
    found = loaded(tmp_path, encoded(image), image_size=(16, 24), fit="stretch")
    assert np.abs(found - expected).max() <= 1  # Where a half is rounded.


@pytest.mark.parametrize(
    "size, box", [((10, 16), (3, 0, 13, 10)), ((16, 10), (0, 3, 10, 13)), ((10, 10), None)]
)
def test_the_middle_is_cut_out(tmp_path, size, box):
    image = Image.fromarray(noise(*size))
    expected = np.asarray(image.crop(box) if box else image)
    np.testing.assert_array_equal(loaded(tmp_path, encoded(noise(*size)), image_size=10), expected)


def test_the_largest_rectangle_of_the_proportions_is_cut_out(tmp_path):
    assert loaded(tmp_path, encoded(noise(100, 30)), image_size=(40, 20)).shape == (40, 20, 3)
    stripes = np.repeat(np.uint8([0, 255, 0]), [20, 60, 20])[:, np.newaxis].repeat(30, axis=1)
    middle = loaded(tmp_path, encoded(stripes), image_size=(40, 20))
    np.testing.assert_array_equal(middle, np.full((40, 20, 1), 255))


def test_channels_follow_the_images(tmp_path):
    write(tmp_path, a_png=encoded(noise(channels=1)))
    assert tfgan.data.load(tmp_path).image_shape == (12, 12, 1)
    write(tmp_path, b_png=encoded(noise()))
    images = tfgan.data.load(tmp_path)
    assert images.image_shape == (12, 12, 3)
    np.testing.assert_array_equal(images.pixels[0], noise(channels=1)[..., None].repeat(3, -1))


@pytest.mark.parametrize("kind", ["png", "bmp", "jpeg"])
def test_colour_becomes_grey_as_pillow_has_it(tmp_path, kind):
    content = encoded(np.full((12, 12, 3), (200, 90, 30), np.uint8), kind)
    found = loaded(tmp_path, content, channels=1).astype(int)
    assert np.abs(found - round(200 * 0.299 + 90 * 0.587 + 30 * 0.114)).max() <= 1


@pytest.mark.parametrize("background, expected", [(255, [155, 105, 255]), (0, [100, 50, 200])])
def test_transparent_pixels_are_laid_on_the_background(tmp_path, background, expected):
    colour = np.array([[[125, 63, 250, 204]]], np.uint8).repeat(4, 0).repeat(4, 1)  # 80 % opaque.
    found = loaded(tmp_path, encoded(colour), background=background)
    expected = np.array([125, 63, 250]) * 0.8 + background * 0.2
    assert np.abs(found - expected).max() <= 0.5


@pytest.mark.parametrize("channels", [1, 3])
def test_opacity_is_kept_if_asked_for_and_made_up_if_there_is_none(tmp_path, channels):
    pixels = loaded(tmp_path, encoded(noise(channels=channels)), channels=4)
    np.testing.assert_array_equal(pixels[..., 3], 255)
    image = noise(channels=4)
    np.testing.assert_array_equal(loaded(tmp_path, encoded(image), channels=4), image)


def test_grey_with_opacity(tmp_path):
    grey = Image.merge("LA", [Image.new("L", (4, 4), 100), Image.new("L", (4, 4), 0)])
    np.testing.assert_array_equal(loaded(tmp_path, encoded(grey)), np.full((4, 4, 3), 255))


@pytest.mark.parametrize(
    "kind, mode",
    [("jpeg", "CMYK"), ("gif", "P"), ("png", "P"), ("png", "1"), ("bmp", "RGB"), ("bmp", "L")],
)
def test_formats_and_modes_come_out_as_from_pillow(tmp_path, kind, mode):
    flat = Image.fromarray(np.full((16, 16, 3), (220, 220, 220), np.uint8))
    content = encoded(flat, kind, mode)
    (tmp_path / "a.png").write_bytes(content)
    expected = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"), int)
    found = loaded(tmp_path, content, channels=3).astype(int)
    assert np.abs(found - expected).max() <= 3


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (8, 8), (60 * i + 40,) * 3) for i in range(4)]
    path = write(tmp_path) / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(tfgan.data.load(tmp_path).pixels[0], np.full((8, 8, 3), 40))


def test_different_sizes_need_one_to_be_named(tmp_path):
    write(tmp_path, a_png=encoded(noise(8, 8)), b_png=encoded(noise(9, 7)))
    with pytest.raises(
        ValueError, match=r"2 sizes: 8 x 8 \(1\), 9 x 7 \(1\)\. Say with image_size"
    ):
        tfgan.data.load(tmp_path)


@pytest.mark.parametrize("size", ["32", 0, (8,), (8, 2.5)])
def test_a_size_that_is_none_is_an_error(tmp_path, size):
    write(tmp_path, a_png=encoded(noise(8, 8)))
    with pytest.raises(ValueError, match="image_size must be a side or"):
        tfgan.data.load(tmp_path, image_size=size)


def test_arrays_are_prepared_as_files_are(tmp_path):
    image = noise(20, 30)
    options = {"image_size": 8, "channels": 1}
    from_file = loaded(tmp_path, encoded(image), **options)
    with tf.Graph().as_default():
        from_array = tfgan.data.from_arrays(image[np.newaxis], **options).pixels[0]
    np.testing.assert_array_equal(from_array, from_file)
