"""The three ways to resize, against Pillow, TensorFlow 1's op and plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgan_lite.eval.resizing import RESIZE_MODES, resize

SIZES = [
    (32, 32),
    (28, 28),
    (299, 299),
    (64, 48),
    (48, 64),
    (300, 298),
    (512, 400),
    (400, 512),
    (1024, 1024),
    (1, 1),
    (2, 700),
    (700, 2),
]


def pixels(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, [height, width, channels]).astype("f")


def with_pillow(image, size):
    """As clean-fid has it: each channel by itself, in Pillow's float mode, without rounding."""
    channels = [
        Image.fromarray(image[..., c], mode="F").resize(size[::-1], Image.Resampling.BICUBIC)
        for c in range(image.shape[-1])
    ]
    return np.stack([np.asarray(channel).clip(0, 255) for channel in channels], axis=-1)


def bilinear(image, size, half_pixel_centers):
    """The definition, in float64, a pixel at a time in each axis."""

    def weights(size_in, size_out):
        matrix = np.zeros([size_out, size_in])
        for target in range(size_out):
            if half_pixel_centers:
                source = max((target + 0.5) * size_in / size_out - 0.5, 0.0)
            else:
                source = target * size_in / size_out
            low = min(int(source), size_in - 1)
            high = min(low + 1, size_in - 1)
            matrix[target, low] += 1.0 - (source - low)
            matrix[target, high] += source - low
        return matrix

    rows, columns = weights(image.shape[0], size[0]), weights(image.shape[1], size[1])
    narrow = np.einsum("vw,hwc->hvc", columns, image.astype(np.float64), optimize=True)
    return np.einsum("uh,hvc->uvc", rows, narrow, optimize=True)


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
class TestClean:
    @pytest.mark.parametrize("size", SIZES)
    def test_equals_pillow_bit_for_bit(self, size):
        image = pixels(*size)
        resized = resize(image[np.newaxis], (299, 299), "clean")[0].numpy()
        expected = with_pillow(image, (299, 299))
        # Where the height shrinks more, older Pillows begin with the width: one last bit differs.
        np.testing.assert_allclose(resized, expected, rtol=2e-7, atol=0)
        if size[0] <= max(size[1], 299):
            np.testing.assert_array_equal(resized, expected)

    @pytest.mark.parametrize("seed", range(20))
    def test_equals_pillow_from_any_size_to_any_other(self, seed):
        height, width, *size = np.random.default_rng(seed).integers(1, 100, 4).tolist()
        image = pixels(height, width, channels=1)
        resized = resize(image[np.newaxis], size, "clean")[0].numpy()
        np.testing.assert_allclose(resized, with_pillow(image, size), rtol=3e-7, atol=1e-5)

    def test_equals_pillow_where_only_the_run_knows_the_size(self):
        spec = tf.TensorSpec([None, None, None, 3], tf.float32)
        function = tf.function(lambda x: resize(x, (299, 299), "clean"), input_signature=[spec])
        for size in [(300, 298), (32, 32)]:
            image = pixels(*size)
            resized = function(image[np.newaxis])[0].numpy()
            np.testing.assert_allclose(resized, with_pillow(image, (299, 299)), rtol=2e-7)

    def test_clips_what_the_cubic_overshoots(self):
        edge = np.zeros([1, 16, 16, 3], np.float32)
        edge[:, :, 8:] = 255.0
        resized = resize(edge, (299, 299), "clean").numpy()
        assert resized.min() == 0.0
        assert resized.max() == 255.0

    def test_does_not_alias_as_the_others_do(self):
        # Columns in turn black and white: their mean is what a small image can show of them.
        stripes = np.tile(np.float32([0.0, 255.0]), [1, 598, 299, 1]).reshape(1, 598, 598, 1)
        spread = {mode: np.ptp(resize(stripes, (299, 299), mode)) for mode in RESIZE_MODES}
        assert spread["clean"] < 0.2 * 255.0
        assert np.all(resize(stripes, (299, 299), "legacy_tf") == 0.0)  # Black, all of it.


class TestLegacy:
    @pytest.mark.parametrize("size", SIZES)
    def test_tf_is_bilinear_with_corners_at_zero(self, size):
        image = pixels(*size)
        resized = resize(image[np.newaxis], (299, 299), "legacy_tf")[0].numpy()
        expected = bilinear(image, (299, 299), half_pixel_centers=False)
        # Float32 loses up to 5e-5 of a pixel's place in a line of 1024, and so of 255 steps.
        np.testing.assert_allclose(resized / 255, expected / 255, atol=1e-4)

    @pytest.mark.parametrize("size", SIZES)
    def test_tf_equals_the_op_of_tensorflow_1(self, size):
        image = pixels(*size)[np.newaxis]
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            expected = session.run(tf.compat.v1.image.resize_bilinear(image, [299, 299]))
        np.testing.assert_array_equal(resize(image, (299, 299), "legacy_tf"), expected)

    @pytest.mark.parametrize("size", SIZES)
    def test_torch_is_bilinear_with_centres_at_halves(self, size):
        image = pixels(*size)
        resized = resize(image[np.newaxis], (299, 299), "legacy_torch")[0].numpy()
        expected = bilinear(image, (299, 299), half_pixel_centers=True)
        np.testing.assert_allclose(resized / 255, expected / 255, atol=1e-4)


@pytest.mark.parametrize("mode", RESIZE_MODES)
class TestEveryMode:
    def test_leaves_an_image_of_the_size_alone(self, mode):
        image = pixels(20, 30)[np.newaxis]
        np.testing.assert_array_equal(resize(image, (20, 30), mode), image)

    def test_leaves_a_constant_image_constant(self, mode):
        resized = resize(np.full([1, 37, 53, 3], 77.0), (299, 299), mode)
        np.testing.assert_allclose(resized, 77.0, rtol=1e-6)

    def test_treats_images_of_a_batch_alike(self, mode):
        images = np.stack([pixels(33, 21, seed=seed) for seed in range(3)])
        alone = [resize(image[np.newaxis], (40, 10), mode)[0] for image in images]
        np.testing.assert_array_equal(resize(images, (40, 10), mode), alone)

    def test_takes_integers(self, mode):
        image = pixels(8, 8)[np.newaxis].astype(np.uint8)
        expected = resize(image.astype(np.float32), (16, 16), mode)
        np.testing.assert_array_equal(resize(image, (16, 16), mode), expected)

    def test_in_a_graph_equals_eager(self, mode):
        image = pixels(33, 21)[np.newaxis]
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            resized = session.run(resize(image, (40, 10), mode))
        np.testing.assert_array_equal(resized, resize(image, (40, 10), mode))


def test_the_modes_differ_even_where_images_are_made_larger():
    image = pixels(32, 32)[np.newaxis]
    first, second, third = (resize(image, (299, 299), mode).numpy() for mode in RESIZE_MODES)
    for one, other in [(first, second), (first, third), (second, third)]:
        assert np.abs(one - other).max() > 1.0


@pytest.mark.parametrize(
    ("images", "size", "mode", "message"),
    [
        (
            np.zeros([1, 8, 8, 3]),
            (9, 9),
            "bicubic",
            "legacy_tf, legacy_torch, clean, not 'bicubic'",
        ),
        (np.zeros([8, 8, 3]), (9, 9), "clean", r"\[batch, height, width, channels\].*\(8, 8, 3\)"),
        (np.zeros([1, 8, 8, 3]), (0, 9), "clean", r"size .* >= 1.*\(0, 9\)"),
    ],
)
def test_bad_argument_is_told(images, size, mode, message):
    with pytest.raises(ValueError, match=message):
        resize(images, size, mode)
