"""TF-GAN's metrics through Inception, on a small network with the published one's node names."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.eval import small_inception
from tfgan_lite.counters import Counters
from tfgan_lite.eval import inception_metrics
from tfgan_lite.eval.inception import INCEPTION_FINAL_POOL, INCEPTION_OUTPUT
from tfgan_lite.eval.resizing import resize


@pytest.fixture(autouse=True)
def inception(monkeypatch, tmp_path):
    path = tmp_path / "inception-2015-12-05.tgz"
    path.write_bytes(small_inception.archive_bytes())
    monkeypatch.setenv("TFGAN_LITE_INCEPTION", str(path))


def images(count=12, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, [count, 9, 9, 3]).astype(np.float32)


def seen(batch):
    return small_inception.network(resize(batch, (299, 299), "legacy_tf"))


def distance(first, second):
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).astype(complex)).real.sum()
    shift = first.mean(axis=0, dtype=float) - second.mean(axis=0, dtype=float)
    return shift @ shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * root


def score(logits):
    p = np.exp(logits.astype(float))
    p /= p.sum(axis=1, keepdims=True)
    return np.exp(np.mean(np.sum(p * (np.log(p) - np.log(p.mean(axis=0))), axis=1)))


def in_graph(function, *arrays):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(function(*(tf.constant(array) for array in arrays)))


def eagerly(function, *arrays):
    return tf.nest.map_structure(np.asarray, function(*arrays))


every_world = pytest.mark.parametrize("run", [eagerly, in_graph], ids=["TF2", "tf.Graph"])


@every_world
@pytest.mark.parametrize("num_batches", [1, 5])
def test_run_inception_gives_both_outputs(run, num_batches):
    outputs = run(lambda x: inception_metrics.run_inception(x, num_batches=num_batches), images())
    features, logits = seen(images())
    assert sorted(outputs) == [INCEPTION_OUTPUT, INCEPTION_FINAL_POOL] == ["logits", "pool_3"]
    np.testing.assert_allclose(outputs["pool_3"], features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs["logits"], logits, rtol=1e-4, atol=1e-4)


def test_sample_and_run_inception_generates_batch_by_batch():
    outputs = inception_metrics.sample_and_run_inception(lambda seed: images(3, seed), [0, 1, 2])
    features, _ = seen(np.concatenate([images(3, seed) for seed in range(3)]))
    np.testing.assert_allclose(outputs["pool_3"], features, rtol=1e-4, atol=1e-5)


@every_world
def test_inception_score(run):
    given = run(lambda x: inception_metrics.inception_score(x, num_batches=5), images())
    assert given == pytest.approx(score(seen(images())[1]), rel=1e-4)


@every_world
def test_frechet_inception_distance(run):
    first, second = images(), images(9, seed=1) / 2
    given = run(inception_metrics.frechet_inception_distance, first, second)
    assert given == pytest.approx(distance(seen(first)[0], seen(second)[0]), rel=1e-3)


@every_world
def test_kernel_inception_distance(run):
    first, second = images(), images(9, seed=1) / 2
    given = run(inception_metrics.kernel_inception_distance, first, second)
    both = run(inception_metrics.kernel_inception_distance_and_std, first, second)
    x, y = (seen(each)[0].astype(float) for each in (first, second))
    xx, yy, xy = ((a @ b.T / x.shape[1] + 1) ** 3 for a, b in [(x, x), (y, y), (x, y)])
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (xx, yy)]
    assert given == pytest.approx(sum(within) - 2 * xy.mean(), rel=1e-3, abs=1e-5)
    assert both[0] == given


def test_streaming_ones_take_all_runs_together():
    first, second = images(), images(seed=1) / 2
    batches = [tf.data.Dataset.from_tensor_slices(x).batch(4).repeat() for x in (first, second)]
    one = tf.Variable(1.0)
    model = tfgan.gan_model(lambda z: z * one, lambda x, _: tf.reduce_mean(x, [1, 2, 3]), *batches)
    session = tfgan.Session(Counters())
    real, made = model.real_data, model.generated_data
    fid, fid_update = inception_metrics.frechet_inception_distance_streaming(real, made)
    inception_score, score_update = inception_metrics.inception_score_streaming(real)
    for _ in range(3):
        session.run([fid_update, score_update])
    assert session.run(inception_score) == pytest.approx(score(seen(first)[1]), rel=1e-4)
    expected = distance(seen(first)[0], seen(second)[0])
    assert session.run(fid) == pytest.approx(expected, rel=1e-3)


def test_without_a_file_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("TFGAN_LITE_INCEPTION")
    monkeypatch.setenv("TFGAN_LITE_CACHE", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="download it to"):
        inception_metrics.inception_score(images())


class TestClassifierFromHub:
    @pytest.fixture
    def module(self, tmp_path):
        tf.saved_model.save(small_inception.TFGANModule(), str(tmp_path / "hub"))
        return str(tmp_path / "hub")

    @every_world
    @pytest.mark.parametrize("fields", ["pool_3", ["pool_3", "logits"], None])
    def test_gives_the_outputs_of_these_names(self, run, module, fields):
        classifier_fn = inception_metrics.classifier_fn_from_tfhub(module, fields)
        outputs = run(classifier_fn, images())
        features, _ = seen(images())
        assert sorted(outputs) == (["pool_3"] if fields == "pool_3" else ["logits", "pool_3"])
        assert outputs["pool_3"].shape == features.shape

    def test_gives_a_tensor_if_there_is_but_one(self, module):
        function = inception_metrics.classifier_fn_from_tfhub(module, "logits", return_tensor=True)
        assert function(images(2)).shape == [2, small_inception.CLASSES]
        function = inception_metrics.classifier_fn_from_tfhub(module, None, return_tensor=True)
        with pytest.raises(ValueError, match="return_tensor needs one output"):
            function(images(2))

    def test_loads_nothing_before_it_is_called(self):
        function = inception_metrics.classifier_fn_from_tfhub(
            inception_metrics.INCEPTION_TFHUB, "logits"
        )
        assert callable(function)

    def test_b53_loads_and_traces_once(self, module):
        function = inception_metrics.classifier_fn_from_tfhub(module, "logits", return_tensor=True)
        for count in (4, 4, 3, 2):
            function(images(count))
        loaded = inception_metrics._hub_function(module)
        assert loaded is inception_metrics._hub_function(module)
        assert loaded.experimental_get_tracing_count() <= 2

    def test_an_output_that_is_not_there_is_told(self, module):
        with pytest.raises(ValueError, match=r"no output 'pool', but \['logits', 'pool_3'\]"):
            inception_metrics.classifier_fn_from_tfhub(module, "pool")(images(2))
