"""One table over all metrics: what each says of a perfect and of a bad generator."""

import contextlib
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.eval.tiny_extractor import SHAPE, TinyExtractor, images, labels
from tfgan_lite import eval as tfeval

COUNT = 150


@dataclasses.dataclass
class Row:
    """A metric, and whether a better generator has lower (-1) or higher (1) values."""

    metric: tfeval.Metric
    better: dict[str, int]
    error: bool = True


ROWS = {
    row.metric.name: row
    for row in (
        Row(tfeval.FrechetDistance(), {"frechet_distance": -1}, error=False),
        Row(tfeval.KernelDistance(), {"kernel_distance": -1}),
        Row(tfeval.FrechetDistanceInfinity(), {"frechet_distance_infinity": -1}),
        Row(tfeval.ClassFrechetDistance(), {"class_frechet_distance": -1}, error=False),
        Row(tfeval.ClassifierScore(), {"classifier_score": 1}),
        Row(tfeval.PrecisionRecall(), {"recall": 1}),
        Row(tfeval.DensityCoverage(), {"density": 1, "coverage": 1}),
        Row(tfeval.MultiscaleSSIM(), {"ms_ssim": -1}),
        Row(tfeval.NearDuplicates(), {"near_duplicates": -1}),
        Row(
            tfeval.DataCopying(images(COUNT, 7)),
            {"copying_distance_ratio": 1, "copying_z_score": 1, "copied_share": -1},
            error=False,
        ),
    )
}
every_metric = pytest.mark.parametrize("name", ROWS)


def bad(count):
    """Two training images, repeated: far from real ones as a set, copied, alike."""
    return images(COUNT, 7)[:2][np.arange(count) % 2]


def evaluated(samples, metric, **options):
    pair = samples if callable(samples) else (samples, labels(len(samples)))
    reference = images(COUNT, 1), labels(COUNT)
    return tfeval.evaluate(
        pair, reference, [metric], None, TinyExtractor(), progress=False, **options
    )


@every_metric
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_better_generator_has_better_values(name):
    row = ROWS[name]
    good, poor = (evaluated(x, row.metric) for x in (images(COUNT, 2), bad(COUNT)))
    for value, sign in row.better.items():
        assert sign * good[value] > sign * poor[value], value


@every_metric
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_it_gives_the_names_that_it_says(name):
    row = ROWS[name]
    found = evaluated(images(COUNT, 2), row.metric)
    assert tuple(found.values) == row.metric.value_names
    assert all(type(value) is float and np.isfinite(value) for value in found.values.values())
    if row.error:
        assert found.standard_errors.keys() == found.values.keys()


@every_metric
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_it_gives_the_same_again_and_whatever_the_batches(name):
    metric = ROWS[name].metric
    first, again = (evaluated(images(COUNT, 2), metric) for _ in range(2))
    assert first == again
    cut = evaluated(images(COUNT, 2), metric, batch_size=17)
    assert cut.values == pytest.approx(first.values, rel=1e-6, abs=1e-9)


@every_metric
def test_its_repr_says_how_it_is_taken(name):
    metric = ROWS[name].metric
    assert repr(metric).startswith(type(metric).__name__ + "(") and "array" not in repr(metric)


@every_metric
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_it_can_be_taken_in_a_graph(name):
    metric = ROWS[name].metric
    if "labels" in metric.needs:
        pytest.skip("a tensor comes without labels")
    samples = images(COUNT, 2)
    expected = evaluated(samples, metric)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = tfeval.evaluate(
            tf.constant(samples), images(COUNT, 1), [metric], None, TinyExtractor()
        )
        assert session.run(found.values) == pytest.approx(expected.values, rel=1e-6, abs=1e-9)


def test_the_error_of_a_kernel_distance_of_two_blocks_is_the_spread_of_draws():
    random = np.random.default_rng(0)
    metric = tfeval.KernelDistance(max_block_size=20)
    estimates = []
    for _ in range(400):
        sets = random.normal(size=[40, 3]), random.normal(0.5, 1.0, [40, 3])
        known = [tfeval.SampleStatistics(count=40, features=each) for each in sets]
        estimates.append(metric.compute(tfeval.Collected(*known))["kernel_distance"])
    spread = np.std([each.value for each in estimates], ddof=1)
    stated = np.sqrt(np.mean([each.standard_error**2 for each in estimates]))
    assert stated == pytest.approx(spread, rel=0.15)


def test_a_kernel_distance_needs_two_samples_in_each_block():
    metric, features = tfeval.KernelDistance(max_block_size=20), np.ones([100, 3])
    known = [tfeval.SampleStatistics(count=n, features=features[:n]) for n in (9, 100)]
    with pytest.raises(ValueError, match="9 generated and 100 reference samples make 5 blocks"):
        metric.compute(tfeval.Collected(*known))


def test_the_classifier_score_is_that_of_all_logits():
    samples = images(333, 2)
    logits = TinyExtractor()(samples)["logits"]
    expected = float(tfeval.classifier_score_from_logits(logits.astype(np.float64)))
    found = evaluated(samples, tfeval.ClassifierScore(), batch_size=40)
    assert found["classifier_score"] == pytest.approx(expected, rel=1e-12)


def test_the_classifier_score_of_parts_is_their_mean_and_deviation():
    samples = images(400, 2)
    logits = TinyExtractor()(samples)["logits"].astype(np.float64)
    parts = [float(tfeval.classifier_score_from_logits(each)) for each in np.split(logits, 10)]
    found = evaluated(samples, tfeval.ClassifierScore(num_splits=10), batch_size=40)
    assert found["classifier_score"] == pytest.approx(np.mean(parts), rel=1e-12)
    assert found.standard_errors["classifier_score"] == pytest.approx(np.std(parts), rel=1e-9)
    assert "num_splits=10" in found.protocol["metrics"][0]


@pytest.mark.parametrize(("splits", "message"), [(0, "num_splits must be"), (9, "make 8 blocks")])
def test_a_classifier_score_needs_a_block_for_each_part(splits, message):
    with pytest.raises(ValueError, match=message):
        evaluated(images(8), tfeval.ClassifierScore(num_splits=splits))


def test_logits_that_underflow_give_a_score():
    class Sure(TinyExtractor):
        def __call__(self, data):
            found = super().__call__(data)
            return {**found, "logits": np.sign(found["logits"]) * 1000.0}

    found = tfeval.evaluate(
        images(60), None, [tfeval.ClassifierScore()], None, Sure(), progress=False
    )
    assert 1.0 <= found["classifier_score"] <= 3.0


def test_class_distances_can_be_given_one_by_one():
    found = evaluated(images(COUNT, 2), tfeval.ClassFrechetDistance(by_class=True))
    each = [found[f"class_frechet_distance/{i}"] for i in range(3)]
    assert found["class_frechet_distance"] == pytest.approx(np.mean(each))


def test_the_path_length_of_a_model_that_ignores_its_noise_is_zero():
    import tensorflow_probability as tfp

    def still(noise):
        return tf.zeros([tf.shape(noise)[0], *SHAPE])

    def moving(noise):
        return tf.tanh(tf.reshape(tf.tile(noise, [1, 36]), [-1, *SHAPE]))

    lengths = {}
    for generator in (still, moving):
        model = tfgan.gan_model(
            generator,
            lambda data: tf.reduce_mean(data, [1, 2]),
            real_data=tfgan.constant(tf.zeros([2, *SHAPE])),
            generator_inputs=tfp.distributions.Normal(tf.zeros([4]), 1.0),
        )
        metric = tfeval.PerceptualPathLength(num_samples=40, epsilon=1e-2)
        found = tfeval.evaluate(model, None, [metric], 10, TinyExtractor(), progress=False)
        lengths[generator] = found["perceptual_path_length"]
    assert lengths[still] == 0.0 < lengths[moving]


def in_a_graph():
    return tf.Graph().as_default()


def test_labels_that_were_asked_of_a_model_come_from_its_inputs():
    def generator(inputs):
        noise, label = inputs
        return tf.ones([tf.shape(noise)[0], *SHAPE]) * (label[:, 1, None, None, None] - 0.5)

    model = tfgan.gan_model(
        generator,
        lambda data: tf.reduce_mean(data, [1, 2]),
        real_data=tfgan.constant(tf.zeros([2, *SHAPE])),
        generator_inputs=[
            lambda size: np.zeros([size, 2], np.float32),
            lambda size: np.eye(2, dtype=np.float32)[np.arange(size) % 2],
        ],
    )
    real = np.concatenate([np.full([20, *SHAPE], -0.5), np.full([20, *SHAPE], 0.5)])
    pair = real.astype(np.float32), np.repeat([0, 1], 20)
    found = tfeval.evaluate(
        model,
        pair,
        [tfeval.ClassFrechetDistance()],
        40,
        TinyExtractor(),
        labels_fn=lambda inputs: inputs[1],
        allow_rank_deficient=True,
        progress=False,
    )
    assert found["class_frechet_distance"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("world", [contextlib.nullcontext, in_a_graph], ids=["tf2", "graph"])
def test_labels_that_a_model_generates_are_those_of_its_samples(world):
    def pairs_of(label):
        return tf.ones([tf.shape(label)[0], *SHAPE]) * (label[:, 1, None, None, None] - 0.5), label

    real = np.concatenate([np.full([20, *SHAPE], -0.5), np.full([20, *SHAPE], 0.5)])
    pair = real.astype(np.float32), np.repeat([0, 1], 20)
    extractor = TinyExtractor()
    with world():
        model = tfgan.gan_model(
            pairs_of,
            lambda data: tf.reduce_mean(data[0], [1, 2]),
            real_data=(tfgan.constant(tf.zeros([2, *SHAPE])), tfgan.constant(tf.zeros([2, 2]))),
            generator_inputs=lambda size: tf.one_hot(tf.range(size) % 2, 2),
        )
        metrics = [tfeval.ClassFrechetDistance()]
        found = tfeval.evaluate(
            model, pair, metrics, 40, extractor, allow_rank_deficient=True, progress=False
        )["class_frechet_distance"]
        if not tf.executing_eagerly():
            found = tf.compat.v1.Session().run(found)
    assert found == pytest.approx(0.0, abs=1e-9)


def test_samples_of_several_parts_are_an_error_that_says_what_to_pass():
    parts = {"image": images(50), "size": np.zeros([50, 1])}
    with pytest.raises(TypeError, match=r"got a dict of 2: pass a function of \(n, seed\)"):
        tfeval.evaluate(lambda n: parts, images(50), num_samples=50, extractor=TinyExtractor())
