"""What diagnostics say of training that is healthy, collapsed or unbalanced."""

import json
import re

import numpy as np
import pytest

import tfgan_lite as tfgan
from tests.eval.tiny_extractor import TinyExtractor
from tests.train.event_files import summaries
from tests.train.linear_gan import INITIAL, LinearGAN, in_world
from tfgan_lite import eval as tfeval
from tfgan_lite.eval import diagnostics

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


REAL = normal(50, 8)
GOOD = normal(50, 8, seed=1)


def said(generated=GOOD, **options):
    return diagnostics.verdict(tfeval.diagnose(generated, REAL, **options))


def test_the_mean_pairwise_distance_is_over_all_pairs():
    samples = normal(9, 3)
    pairs = [np.linalg.norm(samples[i] - samples[j]) for i in range(9) for j in range(9) if i != j]
    assert diagnostics.mean_pairwise_distance(samples) == pytest.approx(np.mean(pairs))


def test_numbers_of_samples_like_real_ones():
    found = tfeval.diagnose(GOOD, REAL)
    assert found["diversity"] == pytest.approx(1.0, abs=0.1)
    assert found["near_duplicates"] == 0 and found["finite"]


def test_diversity_scales_with_the_samples():
    found = tfeval.diagnose(0.25 * REAL, REAL)
    assert found["diversity"] == pytest.approx(0.25)


def test_what_the_discriminator_says():
    found = tfeval.diagnose(GOOD, REAL, np.array([-1.0, -2, 3, 0]), np.array([1.0, 2, -1, 3]))
    assert found["accuracy_on_real"] == 0.75 and found["accuracy_on_generated"] == 0.5
    assert found["r_t"] == 0.5
    assert found["separation"] == (3 + 3 + 1.5 + 3.5) / 16  # Of -2, -1, 0, 3 below each.


def test_a_histogram_of_classes():
    found = tfeval.diagnose(GOOD, REAL, classes=np.array([0, 2, 2, 2]), num_classes=4)
    assert found["class_histogram"] == [1, 0, 3, 0] and found["classes_found"] == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Nothing looks wrong"),
        ({"generated": np.full([9, 8], np.nan)}, "makes NaN or infinity"),
        ({"generated": np.ones([50, 8])}, "has collapsed: samples differ 0% as much"),
        ({"generated": np.repeat(GOOD[:20], 2, axis=0)}, "has collapsed.*100% near-duplicates"),
        ({"generated": 0.3 * GOOD}, "loses variety: samples differ \\d\\d% as much"),
        ({"classes": np.zeros(50, int), "num_classes": 10}, "Modes are missing: 1 of 10"),
        (
            {"generated_logits": -np.ones(50), "real_logits": np.ones(50)},
            "The discriminator wins: it is right on 100% of real and 100% of generated",
        ),
        (
            {"generated_logits": np.ones(50), "real_logits": -np.ones(50)},
            "at or below chance: it is right on 0%",
        ),
        (
            {"generated_logits": normal(50), "real_logits": normal(50, seed=2)},
            "at or below chance",
        ),
        (
            {"generated_logits": normal(50) - 9.0, "real_logits": normal(50) - 7.0},
            "calls nearly all generated, though real samples rank higher in 9\\d%",
        ),
        (
            {"generated_logits": normal(50) + 7.0, "real_logits": normal(50) + 9.0},
            "calls nearly all real, .* right on 100% of real and 0% of generated",
        ),
        (
            {"generated_logits": np.resize([1.0, -1.0, -1.0], 50), "real_logits": np.ones(50)},
            "may know the real samples by heart: r_t = 1.00",
        ),
        (
            {
                "generated_logits": np.resize([-1, -1, 1], 50),
                "real_logits": np.resize([1, 1, -1], 50),
            },
            "Nothing looks wrong",
        ),
    ],
)
def test_the_verdict_is_the_worst_that_the_numbers_tell(options, sentence):
    assert re.search(sentence, said(**options))


@pytest.mark.parametrize(("spread", "healthy"), [(1.0, True), (0.3, False)])
def test_samples_are_healthy_where_nothing_looks_wrong(spread, healthy):
    assert diagnostics.is_healthy(tfeval.diagnose(spread * GOOD, REAL)) == healthy


def test_samples_of_a_collapsed_reference():
    found = tfeval.diagnose(np.ones([5, 2]), np.ones([5, 2]))
    assert found["diversity"] == 1.0
    assert tfeval.diagnose(GOOD, np.ones([5, 8]))["diversity"] == np.inf


def noise(size):
    return np.linspace(-1.0, 1.0, size, dtype=np.float32)[:, None]


def hook_of(made, **options):
    real = np.linspace(0.0, 4.0, 5, dtype=np.float32)[:, None]
    return tfeval.DiagnosticsHook(made.model, real, **options)


@pytest.mark.slow
@both_worlds
def test_the_hook_looks_with_the_networks_as_they_are(world, tmp_path):
    """The generator `a z + b` spreads as a does, and c x with c < 0 is wrong about real samples."""
    sentences = []
    with in_world(world):
        made = LinearGAN(noise=lambda size: noise(size), summarize_gradients=True)
        hook = hook_of(made, every_n_steps=2, log=sentences.append)
        made.train(4, tmp_path, hooks=[hook])
    found = hook.findings
    assert found["diversity"] == pytest.approx(INITIAL["a"] / 2.0, rel=0.2)
    assert found["accuracy_on_real"] == 0.0 or found["accuracy_on_real"] == 0.8  # x = 0 is a tie.
    assert found["generator_gradient_norm"] > 0 and found["discriminator_gradient_norm"] > 0
    assert found["generator_relative_update"] > 0
    assert [s.split(":")[0] for s in sentences] == ["round 2", "round 4"]
    line = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert line["step"] == 4 and line["verdict"] == hook.verdict
    assert line["healthy"] == hook.verdict.startswith("Nothing looks wrong")
    assert summaries(tmp_path)[4, "diagnostics/diversity"] == pytest.approx(found["diversity"])


@both_worlds
def test_the_hook_counts_classes_with_an_extractor(world):
    class Signs:
        """Whether a sample is negative."""

        def __call__(self, samples):
            samples = np.asarray(samples)
            return {"features": samples, "logits": np.concatenate([samples, -samples], 1)}

    with in_world(world):
        made = LinearGAN(noise=lambda size: noise(size) + 3.0)  # All are positive.
        hook = hook_of(made, every_n_steps=1, extractor=Signs(), log=lambda line: None)
        made.train(1, hooks=[hook])
    assert hook.findings["class_histogram"] == [5, 0]
    assert "Modes are missing: 1 of 2" in hook.verdict or "loses variety" in hook.verdict


def test_a_failing_look_does_not_stop_training(caplog):
    made = LinearGAN(noise=lambda size: noise(size))
    hook = hook_of(made, every_n_steps=1, extractor=TinyExtractor())  # Which wants images.
    assert made.train(2, hooks=[hook]) == 2
    assert hook.failures == 2 and "DiagnosticsHook failed at round 1" in caplog.text


@pytest.mark.parametrize(
    ("real", "options", "message"),
    [
        (np.ones([1, 1]), {"every_n_steps": 1}, "real_data must be at least two samples"),
        (
            np.ones([4, 1]),
            {"every_n_steps": 1, "num_samples": 1},
            "num_samples must be an integer",
        ),
        (np.ones([4, 1]), {}, "one of every_n_steps and every_secs"),
    ],
)
def test_bad_arguments_are_named(real, options, message):
    with pytest.raises(ValueError, match=message):
        tfgan.eval.DiagnosticsHook(LinearGAN().model, real, **options)
