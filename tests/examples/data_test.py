"""Where the digits come from, what is wrong with a file, and the stream of batches."""

import gzip
import struct
import sys

import numpy as np
import pytest
import tensorflow as tf
from sklearn import datasets

from examples.mnist_gan import data


def random_images(num_images):
    """Returns [N, 28, 28]; a different number of images gives different images."""
    return np.random.default_rng(num_images).integers(0, 256, (num_images, 28, 28), np.uint8)


def labels_for(num_images):
    return (np.arange(num_images) % 10).astype(np.uint8)


def assert_images_are(digits, images):
    np.testing.assert_array_equal(digits.images[..., 0], images)


def assert_holds(digits, num_images):
    np.testing.assert_array_equal(digits.images[..., 0], random_images(num_images))
    np.testing.assert_array_equal(digits.labels, labels_for(num_images))
    assert digits.images.dtype == np.uint8 and digits.labels.dtype == np.int64


def assert_rejected(message, *arguments):
    with pytest.raises(ValueError, match=message):
        data.load(*arguments)


def idx(array, magic=None):
    """Returns `array` as the content of an idx file."""
    magic = 0x0800 + array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


@pytest.fixture
def idx_directory(tmp_path):
    """A directory with MNIST's four files: 12 images to train on and 5 to test on."""
    for prefix, number in (("train", 12), ("t10k", 5)):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(random_images(number)))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels_for(number)))
    return tmp_path


@pytest.fixture
def write_npz(tmp_path):
    """A function that writes the arrays given as keywords and returns the path."""

    def write(**arrays):
        np.savez(tmp_path / "own.npz", **arrays)
        return str(tmp_path / "own.npz")

    return write


class TestEmbeddedDigits:
    @pytest.mark.parametrize("split", data.SPLITS)
    def test_are_grey_images_with_labels(self, split):
        digits = data.load("digits", None, split)
        assert digits.images.dtype == np.uint8 and digits.labels.dtype == np.int64
        assert digits.images.shape == (len(digits.labels), 28, 28, 1)
        assert digits.images.min() == 0 and digits.images.max() == 255

    @pytest.mark.parametrize("split, share", [("train", 0.8), ("test", 0.2)])
    def test_are_split_class_by_class(self, split, share):
        labels = data.load("digits", None, split).labels
        expected = share * np.bincount(datasets.load_digits().target)
        np.testing.assert_allclose(np.bincount(labels), expected, atol=1)

    def test_have_no_image_in_both_splits_and_lose_none(self):
        images = [data.load("digits", None, split).images for split in data.SPLITS]
        train, test = ({image.tobytes() for image in part} for part in images)
        assert not train & test
        assert len(train) + len(test) == 1797

    def test_are_the_same_each_time_and_while_a_graph_is_built(self):
        first = data.load("digits")
        with tf.Graph().as_default():
            again = data.load("digits")
        np.testing.assert_equal(vars(again), vars(first))

    def test_have_a_margin_of_four_black_pixels_as_mnist_has(self):
        images = data.load("digits").images.astype(np.int64)
        assert images.sum() == images[:, 4:24, 4:24].sum()

    def test_do_not_take_a_path(self):
        assert_rejected("data_path='/somewhere'.*embedded", "digits", "/somewhere")

    def test_without_scikit_learn_the_error_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn", None)
        with pytest.raises(ImportError, match=r"pip install 'tfgan_lite\[examples\]'"):
            data.load("digits")


class TestMnist:
    @pytest.mark.parametrize("split, number", [("train", 12), ("test", 5)])
    @pytest.mark.parametrize("packed", [False, True])
    def test_is_read_from_idx_files(self, idx_directory, split, number, packed):
        if packed:
            for path in list(idx_directory.iterdir()):
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
                path.unlink()
        assert_holds(data.load("mnist", str(idx_directory), split), number)

    @pytest.mark.parametrize("split, number", [("train", 12), ("test", 5)])
    def test_is_read_from_the_npz_of_keras(self, write_npz, split, number):
        train = {"x_train": random_images(12), "y_train": labels_for(12)}
        path = write_npz(**train, x_test=random_images(5), y_test=labels_for(5))
        assert_holds(data.load("mnist", path, split), number)

    @pytest.mark.parametrize("split, number", [("train", 12), ("test", 5)])
    def test_is_downloaded_by_keras_where_no_path_is_given(self, monkeypatch, split, number):
        splits = (random_images(12), labels_for(12)), (random_images(5), labels_for(5))
        monkeypatch.setattr(tf.keras.datasets.mnist, "load_data", lambda: splits)
        assert_holds(data.load("mnist", None, split), number)

    def test_a_failed_download_says_what_to_fetch_and_where_to_put_it(self, monkeypatch):
        def fail():
            raise Exception("URL fetch failure")

        monkeypatch.setattr(tf.keras.datasets.mnist, "load_data", fail)
        with pytest.raises(FileNotFoundError, match=r"fetch failure.*mnist\.npz.*data_path"):
            data.load("mnist")

    def test_needs_labels(self, write_npz):
        path = write_npz(x_train=random_images(3))
        assert_rejected("mnist.*needs labels", "mnist", path)

    def test_a_missing_idx_file_is_named(self, idx_directory):
        (idx_directory / "train-labels-idx1-ubyte").unlink()
        with pytest.raises(FileNotFoundError, match="neither train-labels-idx1-ubyte nor"):
            data.load("mnist", str(idx_directory))


class TestNpz:
    @pytest.mark.parametrize("shape", [(6, 28, 28), (6, 28, 28, 1)])
    def test_images_come_with_or_without_a_channel_axis(self, write_npz, shape):
        path = write_npz(x_train=random_images(6).reshape(shape), y_train=labels_for(6))
        assert_holds(data.load("npz", path), 6)

    def test_without_labels_they_are_all_minus_one(self, write_npz):
        labels = data.load("npz", write_npz(x_train=random_images(6))).labels
        np.testing.assert_array_equal(labels, np.full(6, data.UNLABELLED))
        assert labels.dtype == np.int64

    @pytest.mark.parametrize("path, message", [(None, "needs data_path"), (".", "a folder")])
    def test_needs_a_file(self, path, message):
        assert_rejected(message, "npz", path)

    def test_images_of_another_size_are_made_to_fit(self, write_npz):
        colours = np.full((3, 56, 80, 3), 100, np.uint8)
        images = data.load("npz", write_npz(x_train=colours)).images
        np.testing.assert_array_equal(images, np.full((3, 28, 28, 1), 100))

    def test_labels_are_digits(self, write_npz):
        path = write_npz(x_train=random_images(2), y_train=np.array([0, 10]))
        assert_rejected("from 0 to 10, expected 0 to 9", "npz", path)


class TestFolder:
    def write(self, folder, num_classes):
        for label in range(num_classes):
            (folder / f"{label:02}").mkdir()
            image = np.full((28, 28, 1), label, np.uint8)
            (folder / f"{label:02}" / "0.png").write_bytes(tf.io.encode_png(image).numpy())

    def test_folders_are_classes(self, tmp_path, capsys):
        self.write(tmp_path, 3)
        digits = data.load("folder", str(tmp_path))
        assert digits.images[:, 0, 0, 0].tolist() == digits.labels.tolist() == [0, 1, 2]
        assert "classes" in capsys.readouterr().out

    def test_more_than_ten_classes_are_none(self, tmp_path):
        self.write(tmp_path, 11)
        digits = data.load("folder", str(tmp_path))
        assert set(digits.labels) == {data.UNLABELLED}


def test_the_reference_is_the_test_split_if_there_is_one(write_npz):
    training, test = random_images(6), random_images(4)
    digits, split = data.load_reference("npz", write_npz(x_train=training, x_test=test))
    assert split == "test"
    assert_images_are(digits, test)
    digits, split = data.load_reference("npz", write_npz(x_train=training))
    assert split == "train"
    assert_images_are(digits, training)


def test_mnist_without_its_test_split_has_no_reference(write_npz):
    path = write_npz(x_train=random_images(6), y_train=labels_for(6))
    with pytest.raises(ValueError, match="no array"):
        data.load_reference("mnist", path)


@pytest.mark.parametrize("arguments", [("cifar", None, "train"), ("digits", None, "validation")])
def test_an_unknown_dataset_or_split_is_an_error_that_lists_the_known_ones(arguments):
    assert_rejected("Unknown .*: choose one of", *arguments)


def stream_of(num_images, batch_size, seed=3):
    """Returns the stream of images that are as grey all over as their number says."""
    numbers = np.arange(num_images, dtype=np.uint8)[:, None, None, None]
    digits = data.Digits(np.tile(numbers, (28, 28, 1)), np.full(num_images, data.UNLABELLED))
    return data.as_dataset(digits, batch_size, seed)


def numbers_in(batch):
    return np.rint((np.asarray(batch)[:, 0, 0, 0] + 1.0) * 127.5).astype(int).tolist()


def first(count, stream):
    return [numbers_in(batch) for batch in stream.take(count)]


class TestStream:
    def test_batches_have_a_static_shape(self):
        assert stream_of(10, 4).element_spec == tf.TensorSpec((4, 28, 28, 1), tf.float32)

    def test_grey_levels_go_from_minus_one_to_one(self):
        levels = np.arange(784).reshape(1, 28, 28, 1) % 256
        digits = data.Digits(levels.astype(np.uint8), np.zeros(1, np.int64))
        batch = next(iter(data.as_dataset(digits, batch_size=1, seed=1))).numpy()
        assert batch.min() == -1.0 and batch.max() == 1.0
        np.testing.assert_allclose(batch, levels / 127.5 - 1.0, atol=1e-6)

    def test_a_pass_shows_every_image_once(self):
        assert sorted(sum(first(3, stream_of(12, batch_size=4)), [])) == list(range(12))

    def test_every_pass_has_an_order_of_its_own(self):
        passes = first(3, stream_of(100, batch_size=100))
        assert passes[0] != passes[1] != passes[2] != passes[0]

    def test_what_fills_no_batch_is_left_out_of_that_pass_only(self):
        batches = first(40, stream_of(10, batch_size=4))
        for one, other in zip(batches[::2], batches[1::2], strict=True):
            assert len({*one, *other}) == 8
        assert set(sum(batches, [])) == set(range(10))

    def test_the_seed_decides_the_order(self):
        expected = first(20, stream_of(50, batch_size=8, seed=3))
        assert first(20, stream_of(50, batch_size=8, seed=3)) == expected
        assert first(20, stream_of(50, batch_size=8, seed=4)) != expected

    def test_a_graph_gives_the_eager_stream_and_does_not_hold_the_images(self):
        with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
            stream = stream_of(200, batch_size=8)
            batch = tf.compat.v1.data.make_one_shot_iterator(stream).get_next()
            in_graph = [numbers_in(session.run(batch)) for _ in range(60)]
            assert graph.as_graph_def().ByteSize() < 200 * 784 / 4
        assert in_graph == first(60, stream_of(200, batch_size=8))

    def test_a_saved_iterator_resumes_where_it_was(self, tmp_path):
        stream = iter(stream_of(50, batch_size=8))
        _ = [next(stream) for _ in range(9)]
        path = tf.train.Checkpoint(stream=stream).write(str(tmp_path / "stream"))
        expected = [numbers_in(next(stream)) for _ in range(9)]
        resumed = iter(stream_of(50, batch_size=8))
        tf.train.Checkpoint(stream=resumed).read(path)
        assert [numbers_in(next(resumed)) for _ in range(9)] == expected

    @pytest.mark.parametrize("batch_size", [0, -1, 11])
    def test_a_batch_size_out_of_range_is_an_error(self, batch_size):
        with pytest.raises(ValueError, match=f"batch_size={batch_size} must be from 1 to 10"):
            stream_of(10, batch_size)

    @pytest.mark.parametrize("world", ["tf2", "graph"])
    def test_labels_belong_to_their_images(self, world):
        numbers = np.arange(10, dtype=np.uint8)[:, None, None, None]
        digits = data.Digits(np.tile(numbers, (28, 28, 1)), np.arange(10))

        def stream():
            return data.as_dataset(digits, batch_size=4, seed=3, with_labels=True)

        if world == "tf2":
            pairs = list(stream().take(5))
        else:
            with tf.Graph().as_default(), tf.compat.v1.Session() as session:
                pair = tf.compat.v1.data.make_one_shot_iterator(stream()).get_next()
                pairs = [session.run(pair) for _ in range(5)]
        for images, labels in pairs:
            np.testing.assert_array_equal(labels, np.eye(10)[numbers_in(images)])

    def test_images_come_in_the_same_order_with_labels_and_without(self):
        numbers = np.arange(10, dtype=np.uint8)[:, None, None, None]
        digits = data.Digits(np.tile(numbers, (28, 28, 1)), np.arange(10))
        pairs = data.as_dataset(digits, batch_size=4, seed=3, with_labels=True).take(5)
        assert [numbers_in(images) for images, _ in pairs] == first(5, stream_of(10, 4))

    def test_labels_that_are_not_there_are_an_error(self):
        digits = data.Digits(random_images(6)[..., None], np.full(6, data.UNLABELLED))
        with pytest.raises(ValueError, match="needs labels.*y_train"):
            data.as_dataset(digits, batch_size=4, seed=3, with_labels=True)
