"""Reference statistics: the numbers of the samples, in a file that knows its extractor."""

import numpy as np
import pytest
import tensorflow as tf

from tests.eval.tiny_extractor import TinyExtractor, images, labels
from tfgan_lite import eval as tfeval

METRICS = [
    tfeval.FrechetDistance(),
    tfeval.KernelDistance(),
    tfeval.PrecisionRecall(),
    tfeval.NearDuplicates(),
]


@pytest.fixture
def extractor():
    return TinyExtractor()


def evaluated(reference, extractor, metrics=METRICS):
    return tfeval.evaluate(
        (images(99), labels(99)), reference, metrics, None, extractor, progress=False
    )


@pytest.mark.parametrize("saved", [False, True])
def test_they_stand_for_the_samples(saved, extractor, tmp_path):
    real = images(120, 1)
    statistics = tfeval.ReferenceStatistics.compute(real, extractor, split="test")
    if saved:
        statistics.save(tmp_path / "real.npz")
        statistics = tfeval.ReferenceStatistics.load(tmp_path / "real.npz")
        assert [path.name for path in tmp_path.iterdir()] == ["real.npz"]
    extractor.calls.clear()
    found = evaluated(statistics, extractor)
    assert found.values == evaluated(real, TinyExtractor()).values
    assert sum(extractor.calls) == 99  # The real ones were not looked at again.
    assert found.protocol["reference"]["split"] == "test"
    assert found.protocol["reference"]["count"] == 120


def test_a_file_holds_what_its_metrics_need_and_no_more(extractor, tmp_path):
    statistics = tfeval.ReferenceStatistics.compute(
        images(80, 1), extractor, metrics=[tfeval.FrechetDistance()]
    )
    statistics.save(tmp_path / "real.npz")
    with np.load(tmp_path / "real.npz", allow_pickle=False) as file:
        assert set(file.files) == {"format", "protocol", "count", "mean", "covariance"}
    with pytest.raises(ValueError, match="hold no features.*metrics=\\[...\\]"):
        evaluated(tfeval.ReferenceStatistics.load(tmp_path / "real.npz"), extractor)


def test_labels_are_kept_for_metrics_of_classes(extractor, tmp_path):
    metrics = [tfeval.ClassFrechetDistance()]
    pair = images(90, 1), labels(90)
    statistics = tfeval.ReferenceStatistics.compute(pair, extractor, metrics=metrics)
    statistics.save(tmp_path / "real.npz")
    loaded = tfeval.ReferenceStatistics.load(tmp_path / "real.npz")
    assert evaluated(loaded, extractor, metrics) == evaluated(loaded, extractor, metrics)
    expected = evaluated(pair, extractor, metrics).values
    assert evaluated(loaded, extractor, metrics).values == expected


def test_another_extractor_is_refused(extractor):
    statistics = tfeval.ReferenceStatistics.compute(images(80, 1), extractor)
    with pytest.raises(ValueError, match="made with the extractor 'stripes'.*do not compare"):
        evaluated(statistics, TinyExtractor(scale=2.0))
    with pytest.raises(ValueError, match="made with the extractor 'stripes'"):
        evaluated(statistics, None)


def test_another_layer_of_the_same_network_is_refused():
    flat, act = tf.keras.layers.Flatten(name="flat"), tf.keras.layers.ReLU(name="act")
    model = tf.keras.Sequential([tf.keras.layers.Input(images(1).shape[1:]), flat, act])
    before, after = (tfeval.extractor_from_keras(model, name) for name in ("flat", "act"))
    statistics = tfeval.ReferenceStatistics.compute(images(80, 1), before)
    assert statistics.protocol["layer"] == "flat"
    with pytest.raises(ValueError, match="layer 'flat'.*layer 'act'.*do not compare"):
        evaluated(statistics, after)


def test_another_resize_mode_is_refused(extractor):
    statistics = tfeval.ReferenceStatistics.compute(images(80, 1), extractor)
    statistics.protocol["resize_mode"] = "clean"
    with pytest.raises(ValueError, match="resize_mode 'clean'"):
        evaluated(statistics, extractor)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"not at all"])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / "real.npz").write_bytes(content)
    with pytest.raises(ValueError, match="real.npz holds no reference statistics"):
        tfeval.ReferenceStatistics.load(tmp_path / "real.npz")


def test_somebody_elses_arrays_and_pickles_are_refused(tmp_path):
    np.savez(tmp_path / "mu.npz", mu=np.ones(3))
    np.savez(tmp_path / "pickle.npz", format=np.array([{}], object))
    for name in ("mu.npz", "pickle.npz"):
        with pytest.raises(ValueError, match="holds no reference statistics"):
            tfeval.ReferenceStatistics.load(tmp_path / name)


@pytest.mark.parametrize(
    "changed",
    [
        {"count": np.array([80, 80])},
        {"format": np.array("1")},
        {"features": np.ones([7, 6])},
        {"features": np.ones([80])},
        {"labels": np.ones([7], int)},
        {"protocol": np.array("[]")},
    ],
    ids=lambda changed: "_".join(f"{k}_{v.shape}" for k, v in changed.items()),
)
def test_a_file_whose_arrays_do_not_fit_is_named(changed, extractor, tmp_path):
    path = tmp_path / "real.npz"
    tfeval.ReferenceStatistics.compute(images(80, 1), extractor).save(path)
    with np.load(path) as file:
        arrays = {**file, **changed}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="real.npz holds no reference statistics"):
        tfeval.ReferenceStatistics.load(path)


def test_a_file_of_one_array_is_named(tmp_path):
    np.save(tmp_path / "features.npy", np.ones([8, 6]))
    with pytest.raises(ValueError, match="features.npy holds no reference statistics"):
        tfeval.ReferenceStatistics.load(tmp_path / "features.npy")


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        tfeval.ReferenceStatistics.load(tmp_path / "real.npz")


def test_a_failed_write_leaves_the_old_file(extractor, tmp_path):
    path = tmp_path / "real.npz"
    statistics = tfeval.ReferenceStatistics.compute(images(80, 1), extractor)
    statistics.save(path)
    before = path.read_bytes()
    statistics.protocol["odd"] = object()
    with pytest.raises(TypeError):
        statistics.save(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
