"""`evaluate`: one pass, the right numbers, their protocol, and what it refuses."""

import gc
import json
import types
import warnings
import weakref

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.eval.tiny_extractor import SHAPE, TinyExtractor, images
from tfgan_lite import eval as tfeval

FRECHET = tfeval.FrechetDistance()
LENGTH = tfeval.PerceptualPathLength()


@pytest.fixture
def extractor():
    return TinyExtractor()


def quiet(*args, **kwargs):
    return tfeval.evaluate(*args, progress=False, **kwargs)


def gan(seed=0):
    """A model whose generator is a dense layer with batch norm, seen at other moments than now."""
    tf.keras.utils.set_random_seed(seed)
    generator = tf.keras.Sequential(
        [
            tf.keras.Input([4]),
            tf.keras.layers.Dense(144),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Activation("tanh"),
            tf.keras.layers.Reshape(SHAPE),
        ]
    )
    return tfgan.gan_model(
        generator,
        lambda data: tf.reduce_mean(data, [1, 2]),
        real_data=tfgan.constant(tf.zeros([2, *SHAPE])),
        generator_inputs=normal(4),
    )


def normal(dims):
    import tensorflow_probability as tfp

    return tfp.distributions.Normal(tf.zeros([dims]), 1.0)


def sources(array):
    """The same samples in every form that gives them in their order."""
    return {
        "array": array,
        "tensor": tf.constant(array),
        "dataset": tf.data.Dataset.from_tensor_slices(array).batch(37),
        "dataset of no known size": tf.data.Dataset.from_tensor_slices(array)
        .filter(lambda x: True)
        .batch(37),
        "pair": (array, np.zeros(len(array), np.int64)),
    }


@pytest.mark.parametrize("kind", sources(images(1)).keys())
@pytest.mark.parametrize("batch_size", [50, 301])
def test_the_values_are_those_of_the_functions_on_all_features(kind, batch_size, extractor):
    fake, real = images(300, spread=0.2), images(250, 1)
    metrics = [FRECHET, tfeval.PrecisionRecall(), tfeval.DensityCoverage()]
    result = quiet(
        sources(fake)[kind], sources(real)[kind], metrics, None, extractor, batch_size=batch_size
    )
    seen, real_seen = extractor.features(fake), extractor.features(real)
    distance = tfeval.frechet_classifier_distance_from_activations(
        seen.astype(np.float64), real_seen.astype(np.float64)
    )
    assert result["frechet_distance"] == pytest.approx(float(distance), rel=1e-9)
    assert (result["precision"], result["recall"]) == tfeval.precision_recall(real_seen, seen)
    assert (result["density"], result["coverage"]) == tfeval.density_coverage(real_seen, seen)


def test_features_are_extracted_once_for_all_metrics(extractor):
    """Forbids B55: each metric runs the network again."""
    metrics = [FRECHET, tfeval.KernelDistance(), tfeval.ClassifierScore(), tfeval.MultiscaleSSIM()]
    quiet(images(120), images(90, 1), metrics, None, extractor, batch_size=50)
    assert extractor.calls == [50, 40, 50, 50, 20]


@pytest.mark.slow
def test_no_more_than_a_batch_of_images_is_held():
    """Forbids B54: all images at once."""
    held = []

    class Watching(TinyExtractor):
        def __call__(self, batch):
            held.append(weakref.ref(batch))
            gc.collect()
            assert sum(each() is not None for each in held) <= 2  # One may be on its way out.
            return super().__call__(batch)

    quiet(lambda n: images(n), images(100), [FRECHET], 300, Watching(), batch_size=20)
    assert len(held) == 20


def test_an_extractor_is_traced_once_for_all_evaluations():
    """Forbids B53: the network is loaded anew for every batch."""
    traces = []

    def function(batch):
        traces.append(batch.shape)
        return tf.reduce_mean(batch, axis=[1, 2])

    extractor = tfeval.Extractor(function, name="means", image_shape=(12, 12, 1))
    for count in (50, 73):
        quiet(images(count), images(60, 1), [FRECHET, tfeval.KernelDistance()], None, extractor)
    assert len(traces) == 1


@pytest.mark.filterwarnings("ignore:.*samples are few")
def test_the_distance_is_of_all_samples_and_no_mean_over_batches(extractor):
    """Forbids B11: a mean of distances of small batches, which are mostly bias."""
    same, again = images(600), images(600, 1)
    distances = [
        quiet(same, again, [FRECHET], None, extractor, batch_size=size)["frechet_distance"]
        for size in (15, 600)
    ]
    assert distances[0] == pytest.approx(distances[1], rel=1e-9)
    of_batches = [
        quiet(x, y, [FRECHET], None, extractor)["frechet_distance"]
        for x, y in zip(np.split(same, 40), np.split(again, 40))
    ]
    assert distances[0] < np.mean(of_batches) / 5


def test_without_an_extractor_samples_are_features():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(200, 3)), random.normal(size=(100, 3))
    result = quiet(first, second, [FRECHET])
    expected = tfeval.frechet_classifier_distance_from_activations(first, second)
    assert result["frechet_distance"] == pytest.approx(float(expected), rel=1e-12)


def test_a_model_is_sampled_as_generate_samples_it(extractor):
    model, real = gan(), images(100, 1)
    found = quiet(model, real, [FRECHET], 130, extractor, seed=5, batch_size=40)
    samples = tfgan.generate(model, 130, seed=5, batch_size=40).numpy()
    assert found.values == quiet(samples, real, [FRECHET], None, extractor).values
    assert (
        found.values == quiet(model, real, [FRECHET], 130, extractor, seed=5, batch_size=40).values
    )
    assert found.values != quiet(model, real, [FRECHET], 130, extractor, seed=6).values


def test_averaged_weights_draw_and_are_gone_afterwards(extractor):
    model, real = gan(), images(100, 1)
    average = tfgan.features.WeightAverage()
    average.build(model.generator_fn.variables)
    average.averages[0].assign(average.averages[0] * 3.0)
    before = [v.numpy() for v in model.generator_fn.variables]
    found = quiet(model, real, [FRECHET], 100, extractor, average=average)
    samples = tfgan.generate(model, 100, seed=0, average=average).numpy()
    assert found.values == quiet(samples, real, [FRECHET], None, extractor).values
    assert found.protocol["generated"]["weights"] == "averaged"
    for variable, value in zip(model.generator_fn.variables, before):
        np.testing.assert_array_equal(variable, value)


def test_averaged_weights_are_gone_after_an_error(extractor):
    model = gan()
    average = tfgan.features.WeightAverage()
    average.build(model.generator_fn.variables)
    average.averages[0].assign(average.averages[0] * 3.0)
    before = model.generator_fn.variables[0].numpy()
    failing = TinyExtractor()
    failing.features = lambda data: np.full([len(data), 6], np.nan)
    with pytest.raises(ValueError, match="must be finite") as caught:
        quiet(model, images(50), [FRECHET], 100, failing, average=average)
    np.testing.assert_array_equal(model.generator_fn.variables[0], before)
    del caught


def test_batch_norm_of_training_normalises_by_the_batch_and_forgets_it(extractor):
    model, real = gan(), images(100, 1)
    before = [v.numpy() for v in model.generator_fn.variables]
    found = quiet(model, real, [FRECHET], 100, extractor, training=True)
    assert found.protocol["generated"]["batch_norm"] == "training"
    assert found.values != quiet(model, real, [FRECHET], 100, extractor).values
    for variable, value in zip(model.generator_fn.variables, before):
        np.testing.assert_array_equal(variable, value)


@pytest.mark.parametrize("takes_seed", [True, False])
def test_a_function_is_asked_for_chunks(takes_seed, extractor):
    asked = []

    def generator(n, seed=0):
        asked.append((n, seed))
        return images(n, seed)

    made = generator if takes_seed else lambda n: generator(n)
    quiet(made, images(70, 1), [FRECHET], None, extractor, batch_size=30)  # As many as are real.
    assert [n for n, _ in asked] == [30, 30, 10]
    assert len({seed for _, seed in asked}) == (3 if takes_seed else 1)


def test_a_part_of_an_array_is_a_random_and_repeatable_one(extractor):
    samples = np.concatenate([images(100) * 0 - 1, images(100) * 0 + 1])  # Sorted, as files are.
    samples += 0.0
    results = [
        quiet(samples, images(50), [tfeval.KernelDistance()], 60, extractor, seed=s).values
        for s in (0, 0, 1)
    ]
    assert results[0] == results[1] != results[2]


def test_the_protocol_says_how_the_numbers_were_made(extractor, tmp_path):
    result = quiet(gan(), images(90, 1), [FRECHET], 120, extractor, seed=4, split="test")
    assert result.protocol["generated"] == {
        "count": 120,
        "source": "GANModel",
        "weights": "training",
        "batch_norm": "inference",
        "samples": "float32 [12, 12, 1]",
        "batch_size": 100,
    }
    reference = result.protocol["reference"]
    assert reference["count"] == 90 and reference["split"] == "test"
    assert result.protocol["extractor"]["extractor_hash"] == extractor.hash
    assert result.protocol["seed"] == 4
    assert result.protocol["versions"]["tensorflow"] == tf.__version__
    assert result.protocol["metrics"] == ["FrechetDistance(resamples=20)"]
    result.save(tmp_path / "new" / "result.json")
    assert tfeval.EvaluationResult.load(tmp_path / "new" / "result.json") == result
    assert json.loads((tmp_path / "new" / "result.json").read_text()) == json.loads(
        result.to_json()
    )
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["result.json"]


def test_a_result_prints_as_a_table(extractor):
    metrics = [FRECHET, tfeval.PrecisionRecall()]
    shown = str(quiet(images(99), images(88, 1), metrics, None, extractor, split="test"))
    for text in ("frechet_distance", "precision", "99 generated", "88 real (test)", "stripes"):
        assert text in shown
    assert extractor.hash[:12] in shown and "± standard error" in shown


def test_infinite_values_survive_a_file(tmp_path):
    result = tfeval.EvaluationResult({"a": np.inf, "b": np.nan, "c": 1.0}, {}, {"seed": 0})
    result.save(tmp_path / "r.json")
    loaded = tfeval.EvaluationResult.load(tmp_path / "r.json")
    np.testing.assert_equal(loaded.values, result.values)


def test_few_samples_for_the_width_are_a_warning_with_the_numbers(extractor):
    with pytest.warns(UserWarning, match="30 generated samples are few for 6 features.*Take 60"):
        quiet(images(30), images(90, 1), [FRECHET], None, extractor)


@pytest.mark.parametrize("few", ["generated", "reference"])
def test_a_rank_deficient_distance_needs_a_flag_before_anything_is_drawn(few, extractor):
    drawn = []
    counts = (6, 100) if few == "generated" else (100, 6)

    def generator(n):
        drawn.append(n)
        return images(n)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=f"6 {few} samples for 6 features.*allow_rank_def"):
            quiet(generator, images(counts[1], 1), [FRECHET], counts[0], extractor)
    assert not drawn
    with pytest.warns(UserWarning, match="cannot have full rank"):
        result = quiet(
            generator,
            images(counts[1], 1),
            [FRECHET],
            counts[0],
            extractor,
            allow_rank_deficient=True,
        )
    assert np.isfinite(result["frechet_distance"])


def test_standard_errors_are_near_the_spread_of_other_draws(extractor):
    metrics = [
        FRECHET,
        tfeval.ClassifierScore(),
        tfeval.PrecisionRecall(),
        tfeval.KernelDistance(50),
    ]
    results = [
        quiet(images(400, seed, 0.2), images(400, 100 + seed), metrics, None, extractor)
        for seed in range(12)
    ]
    for name in ("frechet_distance", "classifier_score", "precision", "kernel_distance"):
        spread = np.std([result[name] for result in results], ddof=1)
        stated = np.mean([result.standard_errors[name] for result in results])
        assert spread / 3 < stated < spread * 3, name


def bad_calls():
    fine, extractor = images(50), TinyExtractor()
    nan = fine.copy()
    nan[3, 0, 0] = np.nan
    return {
        "NaN": ((nan, fine), ValueError, "images must be within"),
        "out of range": ((fine * 3, fine), ValueError, "images must be within"),
        "channels": ((np.repeat(fine, 3, -1), fine), ValueError, "must be \\[N, H, W, 1\\]"),
        "one sample": ((fine[:1], fine), ValueError, "1 generated samples for 6 features"),
        "no samples": ((fine[:0], fine), ValueError, "with N >= 1"),
        "no reference": ((fine, None), ValueError, "reference is needed by frechet_distance"),
        "no extractor": ((fine, fine, [FRECHET], None, None), ValueError, "need an extractor"),
        "metric class": ((fine, fine, [tfeval.ClassifierScore]), TypeError, "Call it"),
        "one metric": ((fine, fine, FRECHET), TypeError, "must be a list of metric objects"),
        "no metrics": ((fine, fine, []), ValueError, "metrics is empty"),
        "metric twice": ((fine, fine, [FRECHET, FRECHET]), ValueError, "frechet_distance twice"),
        "too many": ((fine, fine, [FRECHET], 51), ValueError, "there are only 50 samples"),
        "count": ((fine, fine, [FRECHET], 0), ValueError, "num_samples must be a positive"),
        "string": (("images", fine), TypeError, "a model tuple, a function"),
        "no count": ((images, None, [tfeval.ClassifierScore()]), ValueError, "num_samples is need"),
        "endless": (
            (fine, tf.data.Dataset.from_tensors(fine).repeat()),
            ValueError,
            "The dataset never ends",
        ),
        "labels": (
            (fine, fine, [tfeval.ClassFrechetDistance()]),
            ValueError,
            "the samples come without",
        ),
        "odd labels": (((fine, np.ones(3, int)), fine), ValueError, "50 samples and 3 labels"),
        "path of samples": ((fine, None, [LENGTH]), ValueError, "needs a model tuple"),
        "no logits": (
            (fine, None, [tfeval.ClassifierScore()], None, TinyExtractor(logits=False)),
            ValueError,
            "gives only features",
        ),
        "plain extractor": (
            (fine, fine, [FRECHET], None, lambda x: x),
            TypeError,
            "tfgan_lite.eval.Extractor",
        ),
        "network": (
            (tf.keras.Sequential([tf.keras.layers.Dense(2)]), fine, [FRECHET], 20),
            TypeError,
            "pass what gan_model gave",
        ),
        "swapped": (
            (fine, types.SimpleNamespace(generator_inputs=None), [FRECHET]),
            ValueError,
            "reference is a model",
        ),
        "greedy function": ((lambda n: fine, fine, [FRECHET], 20), ValueError, "gave 50"),
        "extractor": (
            (fine, tfeval.ReferenceStatistics.compute(fine, TinyExtractor(2.0))),
            ValueError,
            "made with the extractor 'stripes'",
        ),
    }, extractor


@pytest.mark.parametrize("case", bad_calls()[0].keys())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_bad_input_is_named(case):
    calls, extractor = bad_calls()
    args, kind, message = calls[case]
    args = [*args, *([[FRECHET]] if len(args) < 3 else []), *([None] if len(args) < 4 else [])]
    args += [extractor] if len(args) < 5 else []
    with pytest.raises(kind, match=message):
        quiet(*args)


def test_options_of_a_model_are_refused_for_samples(extractor):
    with pytest.raises(ValueError, match="training goes with a model tuple"):
        quiet(images(50), images(50), [FRECHET], None, extractor, training=True)


def test_unequal_feature_widths_are_named():
    with pytest.raises(ValueError, match="2 features and those of reference 3"):
        quiet(np.ones([50, 2]), np.ones([50, 3]), [tfeval.PrecisionRecall()])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_constant_features_and_identical_images_give_the_right_values(extractor):
    same = np.zeros([40, *SHAPE], np.float32)
    metrics = [FRECHET, tfeval.KernelDistance(), tfeval.PrecisionRecall(), tfeval.ClassifierScore()]
    metrics += [tfeval.MultiscaleSSIM(), tfeval.NearDuplicates()]
    result = quiet(same, same, metrics, None, extractor)
    assert result["frechet_distance"] == 0.0 and result["kernel_distance"] == 0.0
    assert result["precision"] == result["recall"] == 1.0
    assert result["classifier_score"] == pytest.approx(1.0, rel=1e-12)
    assert result["ms_ssim"] == 1.0 and result["near_duplicates"] == 1.0
