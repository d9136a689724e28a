"""The published Inception: how its file is found and loaded, and what is done to an image.

The real loading code runs here on small graphs with the published one's node names.
"""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from tests.eval import small_inception
from tfgan_lite.eval import inception_files
from tfgan_lite.eval.inception import (
    inception_extractor,
    inception_network,
    keras_inception_extractor,
)
from tfgan_lite.eval.resizing import RESIZE_MODES, resize

CLASSES, FEATURES = small_inception.CLASSES, small_inception.FEATURES


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch, tmp_path):
    """Neither variables nor a cache of whoever runs the tests."""
    monkeypatch.delenv("TFGAN_LITE_INCEPTION", raising=False)
    monkeypatch.setenv("TFGAN_LITE_CACHE", str(tmp_path / "empty"))


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "inception-2015-12-05.tgz"
    path.write_bytes(small_inception.archive_bytes())
    return path


@pytest.fixture
def graph(tmp_path):
    path = tmp_path / "classify_image_graph_def.pb"
    path.write_bytes(small_inception.graph_bytes())
    return path


@pytest.fixture
def saved_model(tmp_path):
    path = tmp_path / "module"
    tf.saved_model.save(small_inception.TFGANModule(), str(path))
    return path


def pixels(count=3, size=20, seed=0):
    return np.random.default_rng(seed).integers(0, 256, [count, size, size, 3]).astype(np.uint8)


class TestPreprocessing:
    @pytest.mark.parametrize("mode", RESIZE_MODES)
    def test_is_the_one_of_the_published_tools(self, archive, mode):
        extractor = inception_extractor(archive, resize_mode=mode, value_range="uint8")
        resized = resize(pixels(), (299, 299), mode)
        scaled = resized / 127.5 - 1.0 if mode == "legacy_torch" else (resized - 128.0) / 128.0
        features, logits = small_inception.network(scaled)
        outputs = extractor(pixels())
        np.testing.assert_allclose(outputs["features"], features, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(outputs["logits"], logits, rtol=1e-4, atol=1e-4)

    def test_legacy_tf_is_what_the_graph_itself_does_to_an_image(self, graph):
        image = pixels(1)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            definition = tf.compat.v1.GraphDef.FromString(graph.read_bytes())
            [pool] = tf.graph_util.import_graph_def(definition, return_elements=["pool_3:0"])
            expected = session.run(pool, {"import/ExpandDims:0": image.astype(np.float32)})
        extractor = inception_extractor(graph, resize_mode="legacy_tf", value_range="uint8")
        np.testing.assert_allclose(extractor(image)["features"], expected[:, 0, 0], rtol=1e-5)

    @pytest.mark.parametrize("value_range", [(-1, 1), (0, 1)])
    def test_of_floats_that_are_pixels_is_that_of_the_pixels(self, archive, value_range):
        low, high = value_range
        floats = (pixels() / 255.0 * (high - low) + low).astype(np.float32)
        expected = inception_extractor(archive, value_range="uint8")(pixels())["features"]
        extractor = inception_extractor(archive, value_range=value_range)
        for images in (floats, pixels()):
            np.testing.assert_allclose(extractor(images)["features"], expected, rtol=1e-5)

    def test_b12_rounds_floats_to_pixels_and_keeps_white_white(self, archive):
        extractor = inception_extractor(archive)
        white = extractor(np.full([1, 9, 9, 3], 255, np.uint8))["features"]
        for value in (1.0, 1.0005, 0.997):
            seen = extractor(np.full([1, 9, 9, 3], value, np.float32))["features"]
            np.testing.assert_array_equal(seen, white)

    def test_does_not_round_if_told_so_and_says_it(self, archive):
        rounded, plain = (
            inception_extractor(archive, rounded=rounded) for rounded in (True, False)
        )
        images = np.full([1, 9, 9, 3], 0.997, np.float32)
        assert np.any(rounded(images)["features"] != plain(images)["features"])
        assert "not rounded" in plain.protocol["note"]
        assert "note" not in rounded.protocol


class TestLoading:
    @pytest.mark.parametrize("kind", ["archive", "graph", "saved_model"])
    def test_of_every_published_form_gives_features_and_logits(self, request, kind):
        path = request.getfixturevalue(kind)
        extractor = inception_extractor(path, value_range="uint8")
        features, logits = small_inception.network(
            (resize(pixels(), (299, 299), "legacy_tf") - 128.0) / 128.0
        )
        outputs = extractor(pixels())
        np.testing.assert_allclose(outputs["features"], features, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(outputs["logits"], logits, rtol=1e-4, atol=1e-4)
        assert (extractor.feature_size, extractor.num_classes) == (FEATURES, CLASSES)

    def test_any_number_of_images_goes_through_a_graph_that_was_made_for_one(self, graph):
        extractor = inception_extractor(graph, batch_size=4)
        assert extractor(pixels(7))["features"].shape == [7, FEATURES]

    def test_hash_is_that_of_the_graph_packed_or_not(self, archive, graph):
        expected = hashlib.sha256(graph.read_bytes()).hexdigest()
        assert inception_extractor(archive).hash == inception_extractor(graph).hash == expected

    def test_b53_is_done_once(self, archive):
        assert inception_network(archive) is inception_network(archive)
        assert inception_extractor(archive) is inception_extractor(archive)
        clean = inception_extractor(archive, resize_mode="clean")
        assert clean is not inception_extractor(archive)

    def test_of_a_changed_file_is_done_again(self, graph):
        first = inception_network(graph)
        graph.write_bytes(graph.read_bytes() + tf.compat.v1.GraphDef(version=1).SerializeToString())
        assert inception_network(graph).hash != first.hash

    def test_checks_the_hash_of_the_file_or_of_the_graph_in_it(self, archive, graph):
        for path in (archive, graph):
            inception_network(archive, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        with pytest.raises(ValueError, match="SHA-256 .* but 00ff was expected"):
            inception_network(archive, sha256="00ff")

    @pytest.mark.parametrize("kind", ["archive", "graph"])
    @pytest.mark.parametrize("kept", [0.0, 0.1, 0.9])
    def test_of_a_truncated_file_is_told(self, request, kind, kept):
        path = request.getfixturevalue(kind)
        content = path.read_bytes()
        path.write_bytes(content[: int(kept * len(content))])
        with pytest.raises(ValueError, match="truncated"):
            inception_extractor(path)

    def test_of_another_file_is_told(self, tmp_path):
        path = tmp_path / "a.pb"
        path.write_bytes(tf.Graph().as_graph_def().SerializeToString())
        with pytest.raises(ValueError, match="has no Mul:0, pool_3:0.*another graph"):
            inception_extractor(path)
        path = tmp_path / "a.tgz"
        path.write_bytes(small_inception.archive_bytes("another.pb"))
        with pytest.raises(ValueError, match="has no classify_image_graph_def.pb in it"):
            inception_extractor(path)
        path = tmp_path / "a.tar"
        path.write_bytes(b"PK no archive of this kind")
        with pytest.raises(ValueError, match="no whole archive"):
            inception_extractor(path)

    def test_of_another_saved_model_is_told(self, tmp_path):
        module = tf.Module()
        module.serve = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None])])
        tf.saved_model.save(
            module, str(tmp_path / "m"), signatures={"serving_default": module.serve}
        )
        with pytest.raises(ValueError, match="another SavedModel than tfgan/eval/inception/1"):
            inception_extractor(tmp_path / "m")


class TestFinding:
    def test_a_missing_file_says_what_to_download_and_where_to_put_it(self, tmp_path):
        with pytest.raises(FileNotFoundError) as caught:
            inception_extractor(cache_dir=tmp_path)
        assert inception_files.INCEPTION_URL in str(caught.value)
        assert str(tmp_path / "inception-2015-12-05.tgz") in str(caught.value)
        assert "TFGAN_LITE_INCEPTION" in str(caught.value)
        with pytest.raises(FileNotFoundError, match="There is no /nowhere/a.pb.*download"):
            inception_extractor("/nowhere/a.pb")

    def test_the_variable_names_the_file(self, archive, monkeypatch):
        monkeypatch.setenv("TFGAN_LITE_INCEPTION", str(archive))
        assert inception_network().source == str(archive)

    @pytest.mark.parametrize("kind", ["archive", "graph"])
    def test_the_cache_folder_has_it(self, request, kind, monkeypatch):
        path = request.getfixturevalue(kind)
        assert inception_network(cache_dir=path.parent).source == str(path)
        monkeypatch.setenv("TFGAN_LITE_CACHE", str(path.parent))
        assert inception_network().source == str(path)


class TestDownload:
    def test_goes_to_the_cache_and_is_used_from_there(self, archive, tmp_path):
        cache = tmp_path / "cache"
        first = inception_network(cache_dir=cache, download=archive.as_uri())
        assert sorted(p.name for p in cache.iterdir()) == [archive.name, f"{archive.name}.sha256"]
        archive.unlink()
        assert inception_network(cache_dir=cache, download=archive.as_uri()) is first

    def test_of_another_hash_leaves_nothing(self, archive, tmp_path):
        cache = tmp_path / "cache"
        with pytest.raises(ValueError, match="SHA-256 .* but 00ff was expected"):
            inception_network(cache_dir=cache, download=archive.as_uri(), sha256="00ff")
        assert not list(cache.iterdir())

    def test_that_changed_since_is_told(self, archive, tmp_path):
        cache = tmp_path / "cache"
        inception_network(cache_dir=cache, download=archive.as_uri())
        place = cache / archive.name
        place.write_bytes(place.read_bytes() + b"more")
        with pytest.raises(ValueError, match="has the SHA-256 .* but .*sha256 beside it says"):
            inception_network(cache_dir=cache)

    @pytest.mark.parametrize(
        "url", ["http://example.org/a.tgz", "ftp://example.org/a.tgz", "a.tgz"]
    )
    def test_over_what_anybody_could_change_is_refused(self, url, tmp_path):
        with pytest.raises(ValueError, match="https URL, or http with a sha256"):
            inception_network(cache_dir=tmp_path, download=url)


@pytest.mark.slow
class TestKerasInception:
    @pytest.fixture(scope="class")
    def weights(self, tmp_path_factory):
        tf.keras.utils.set_random_seed(0)
        path = tmp_path_factory.mktemp("keras") / "inception.weights.h5"
        tf.keras.applications.InceptionV3(weights=None).save_weights(str(path))
        return path

    def test_is_labelled_as_not_comparable_with_published_values(self, weights):
        extractor = keras_inception_extractor(weights)
        assert "not comparable with published" in extractor.protocol["note"]
        assert (extractor.feature_size, extractor.num_classes) == (2048, 1000)
        outputs = extractor(pixels(2))
        assert outputs["features"].shape == [2, 2048]
        assert np.all(np.isfinite(outputs["logits"]))

    def test_downloads_nothing(self):
        with pytest.raises(FileNotFoundError, match="no file imagenet"):
            keras_inception_extractor("imagenet")
