"""TFRecord files, and tensorflow-datasets, which keeps its images in them."""

import gzip
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.data.pictures import encoded, noise, numbers_in


def example(content, label=None, image_key="image", label_key="label"):
    feature = {image_key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))}
    if label is not None:
        feature[label_key] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def write_records(path, records, compression=""):
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return path


IMAGES = [noise(seed=seed) for seed in range(5)]
RECORDS = [example(encoded(image), label) for label, image in enumerate(IMAGES)]


@pytest.mark.parametrize("keys", [("image", "label"), ("image/encoded", "image/class/label")])
def test_examples_with_the_usual_keys(tmp_path, keys):
    records = [example(encoded(image), 2, *keys) for image in IMAGES]
    images = tfgan.data.load(write_records(tmp_path / "a.tfrecord", records))
    np.testing.assert_array_equal(images.pixels, IMAGES)
    assert images.labels.tolist() == [2] * 5 and images.class_names == ("0", "1", "2")


def test_other_keys_are_named(tmp_path):
    path = write_records(tmp_path / "a.tfrecord", [example(encoded(IMAGES[0]), 1, "pic", "what")])
    with pytest.raises(tfgan.data.BadFilesError, match=r"only the features \['pic', 'what'\]"):
        tfgan.data.load(path)
    assert tfgan.data.load(path, image_key="pic", label_key="what").labels.tolist() == [1]


def test_a_folder_of_shards_with_splits(tmp_path):
    write_records(tmp_path / "own-train.tfrecord-00000-of-00002", RECORDS[:2])
    write_records(tmp_path / "own-train.tfrecord-00001-of-00002", RECORDS[2:4])
    write_records(tmp_path / "own-test.tfrecord-00000-of-00001", RECORDS[4:])
    np.testing.assert_array_equal(tfgan.data.load(tmp_path).pixels, IMAGES[:4])
    np.testing.assert_array_equal(tfgan.data.load(tmp_path, split="test").pixels, IMAGES[4:])


def test_records_are_decoded_anew_where_memory_is_short(tmp_path):
    path = write_records(tmp_path / "a.tfrecord", RECORDS)
    images = tfgan.data.load(path, memory_limit=0)
    (batch,) = images.one_pass(5, value_range="uint8")
    np.testing.assert_array_equal(batch, IMAGES)


def test_bad_records_are_told_together(tmp_path):
    records = [RECORDS[0], b"no example \xff", example(encoded(IMAGES[1])), example(b"", 1)]
    with pytest.raises(tfgan.data.BadFilesError) as raised:
        tfgan.data.load(write_records(tmp_path / "a.tfrecord", records))
    reasons = " ".join(bad.reason for bad in raised.value.bad_files)
    assert len(raised.value.bad_files) == 3
    for said in ("has no label from 0 on", "is empty"):
        assert said in reasons


def test_a_file_that_is_cut_short_or_compressed(tmp_path):
    path = write_records(tmp_path / "a.tfrecord", RECORDS)
    content = path.read_bytes()
    for kept in (-1, 5, 300):
        path.write_bytes(content[:kept])
        with pytest.raises(ValueError, match="no whole TFRecord file: record"):
            tfgan.data.load(path)
    (tmp_path / "a.tfrecord.gz").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match="is compressed.*gunzip"):
        tfgan.data.load(tmp_path / "a.tfrecord.gz")


def test_without_tensorflow_datasets_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match="'cifar10' is.*pip install .*tfds"):
        tfgan.data.load("tfds:cifar10")


def test_a_dataset_of_tensorflow_datasets(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    class NumberedPictures(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(8, 8, 1)),
                "label": tfds.features.ClassLabel(names=["even", "odd"]),
            }
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            return {"train": self._examples(10), "test": self._examples(4)}

        def _generate_examples(self):
            raise NotImplementedError

        def _examples(self, count):
            for number in range(count):
                image = np.full((8, 8, 1), number, np.uint8)
                yield number, {"image": image, "label": number % 2}

    NumberedPictures(data_dir=str(tmp_path)).download_and_prepare()
    monkeypatch.setattr(tfds, "builder", lambda name: NumberedPictures(data_dir=str(tmp_path)))
    images = tfgan.data.load("tfds:numbered_pictures")
    assert len(images) == 10 and images.class_names == ("even", "odd")
    np.testing.assert_array_equal(images.pixels[:, 0, 0, 0] % 2, images.labels)
    part = tfgan.data.load("tfds:numbered_pictures", split="train[:40%]")
    assert numbers_in(part.pixels, 0, 255) == numbers_in(images.pixels[:4], 0, 255)
    with pytest.raises(tfgan.data.MissingSplitError, match="no split 'val', only test, train"):
        tfgan.data.load("tfds:numbered_pictures", split="val")
