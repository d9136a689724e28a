"""What .npz and idx files may hold, and what is said of those that hold something else."""

import gzip
import io
import pathlib
import struct
import zipfile

import numpy as np
import pytest

import tfgan_lite as tfgan


def random_images(num_images):
    """Returns [N, 28, 28]; a different number of images gives different images."""
    return np.random.default_rng(num_images).integers(0, 256, (num_images, 28, 28), np.uint8)


def idx(array, magic=None):
    """Returns `array` as the content of an idx file."""
    magic = 0x0800 + array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


LABELS = np.array([0, 1, 2, 1, 0, 2], np.uint8)


@pytest.fixture
def write_npz(tmp_path):
    """A function that writes the arrays given as keywords and returns the path."""

    def write(**arrays):
        np.savez(tmp_path / "own.npz", **arrays)
        return tmp_path / "own.npz"

    return write


@pytest.fixture
def idx_folder(tmp_path):
    for prefix in ("train", "t10k"):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(random_images(6)))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(LABELS))
    return tmp_path


class TestNpz:
    @pytest.mark.parametrize(
        "names", [("x_train", "y_train"), ("images", "labels"), ("x", "y"), ("arr_0", "arr_1")]
    )
    def test_arrays_have_any_of_the_usual_names(self, write_npz, names):
        images = tfgan.data.load(write_npz(**dict(zip(names, (random_images(6), LABELS)))))
        np.testing.assert_array_equal(images.pixels[..., 0], random_images(6))
        np.testing.assert_array_equal(images.labels, LABELS)
        assert images.class_names == ("0", "1", "2")

    def test_each_split_has_arrays_of_its_own(self, write_npz):
        path = write_npz(x_train=random_images(6), x_test=random_images(5))
        assert len(tfgan.data.load(path)) == 6
        assert len(tfgan.data.load(path, split="test")) == 5
        with pytest.raises(tfgan.data.MissingSplitError, match="no array 'x_val', only"):
            tfgan.data.load(path, split="val")

    @pytest.mark.parametrize(
        "arrays, message",
        [
            ({"pictures": random_images(6)}, r"no array 'x_train', only \['pictures'\]"),
            ({"x_train": np.zeros((6, 28, 28), np.float32)}, "are float32, expected uint8"),
            ({"x_train": np.zeros((6, 784), np.uint8)}, r"\(6, 784\), expected \[N, H, W\]"),
            ({"x_train": np.zeros((6, 3, 28, 28), np.uint8)}, "channels, which come last"),
            ({"x_train": np.uint8(0)}, r"expected \[N, H, W\]"),
            ({"x_train": random_images(0)}, "no images"),
        ],
    )
    def test_images_of_another_kind_are_an_error(self, write_npz, arrays, message):
        with pytest.raises(ValueError, match=message):
            tfgan.data.load(write_npz(**arrays))

    @pytest.mark.parametrize(
        "labels, message",
        [
            (np.zeros(6, np.float32), r"are float32 \(6,\), expected integers \(6,\)"),
            (np.zeros((6, 10), np.int64), r"\(6, 10\), expected integers \(6,\)"),
            (np.zeros(5, np.int64), r"\(5,\), expected integers \(6,\)"),
            (np.array([0, 1, 2, 3, 4, -1]), "begin at -1, expected 0 or more"),
        ],
    )
    def test_labels_of_another_kind_are_an_error(self, write_npz, labels, message):
        with pytest.raises(ValueError, match=message):
            tfgan.data.load(write_npz(x_train=random_images(6), y_train=labels))

    @pytest.mark.parametrize("start, stop", [(2000, 2040), *((n, None) for n in (0, 3, 200, -1))])
    def test_a_cut_or_overwritten_file_is_an_error(self, write_npz, start, stop):
        path = pathlib.Path(write_npz(x_train=random_images(6)))
        content = path.read_bytes()
        path.write_bytes(content[:start] + (b"?" * 40 + content[stop:] if stop else b""))
        with pytest.raises(ValueError, match=r"own\.npz is not a readable \.npz archive"):
            tfgan.data.load(path)

    def test_pickled_objects_are_never_loaded(self, write_npz):
        path = write_npz(x_train=np.array([{"not": "an image"}], dtype=object))
        with pytest.raises(ValueError, match="archive of plain arrays .*allow_pickle=False"):
            tfgan.data.load(path)

    def test_a_header_that_declares_more_than_any_memory_is_an_error(self, tmp_path):
        header = io.BytesIO()
        declared = {"descr": "|u1", "fortran_order": False, "shape": (2**40, 28, 28)}
        np.lib.format.write_array_header_1_0(header, declared)
        with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
            archive.writestr("x_train.npy", header.getvalue())
        with pytest.raises(ValueError, match=r"bomb\.npz is not a readable"):
            tfgan.data.load(tmp_path / "bomb.npz")


class TestIdx:
    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("split", ["train", "test"])
    def test_is_read_plain_and_packed(self, idx_folder, packed, split):
        if packed:
            for path in list(idx_folder.iterdir()):
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
                path.unlink()
        images = tfgan.data.load(idx_folder, split=split)
        np.testing.assert_array_equal(images.pixels[..., 0], random_images(6))
        np.testing.assert_array_equal(images.labels, LABELS)

    def test_a_missing_file_is_named(self, idx_folder):
        (idx_folder / "train-labels-idx1-ubyte").unlink()
        with pytest.raises(FileNotFoundError, match="neither train-labels-idx1-ubyte nor"):
            tfgan.data.load(idx_folder)

    @pytest.mark.parametrize(
        "content, message",
        [
            *((idx(random_images(6))[:kept], "cut short") for kept in (0, 10, 16, 800, -1)),
            (idx(random_images(6)) + b"0", "4704 values.*but more follow"),
            (idx(random_images(6), magic=2049), "magic number 2049, expected 2051"),
            (idx(random_images(5)), r"labels .*\(6,\), expected integers \(5,\)"),
            (idx(random_images(0)), "no images"),
            (struct.pack(">4I", 0x0803, 2**31, 2**15, 2**15), "GiB of memory"),
        ],
    )
    def test_other_content_is_an_error(self, idx_folder, content, message):
        (idx_folder / "train-images-idx3-ubyte").write_bytes(content)
        with pytest.raises(ValueError, match=message):
            tfgan.data.load(idx_folder)

    @pytest.mark.parametrize(
        "content",
        [
            *(gzip.compress(idx(random_images(6)))[:kept] for kept in (0, 5, 500, -1, -9)),
            idx(random_images(6)),
        ],
        # Of gzip's bytes there would be no names: they hold the time of compression.
        ids=["empty", "5 bytes", "500 bytes", "a byte less", "9 bytes less", "not compressed"],
    )
    def test_a_damaged_gzip_file_is_an_error(self, idx_folder, content):
        (idx_folder / "train-images-idx3-ubyte").unlink()
        (idx_folder / "train-images-idx3-ubyte.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is"):
            tfgan.data.load(idx_folder)
