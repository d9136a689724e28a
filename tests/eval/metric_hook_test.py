"""Scores during training, in both worlds: when, of what, where to, and that they do no harm."""

import json

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.event_files import summaries
from tests.train.linear_gan import INITIAL, LEARNING_RATE, LinearGAN, in_world, real_of
from tfgan_lite import eval as tfeval

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])
REAL = np.random.default_rng(0).normal(2.0, 0.1, size=(40, 1)).astype(np.float32)


def noise(count):
    """The same for equal sizes: training draws batches of another size."""
    return np.linspace(-1.0, 1.0, count, dtype=np.float32)[:, None]


def gan(**options):
    return LinearGAN(noise=lambda size: noise(size), **options)


def hook_of(made, **options):
    options = {"num_samples": 20, "metrics": [MeanDistance()], **options}
    return tfeval.MetricHook(made.model, REAL, **options)


class MeanDistance(tfeval.Metric):
    """The distance of the means: a number with a closed form."""

    name = "mean_distance"
    needs = needs_of_reference = frozenset({"features"})

    def compute(self, collected):
        means = [s.features.mean() for s in (collected.generated, collected.reference)]
        return {self.name: tfeval.Estimate(float(abs(means[0] - means[1])))}


class Failing(tfeval.Metric):
    """Fails at its first call."""

    name = "failing"
    needs = frozenset({"features"})
    calls = 0

    def compute(self, collected):
        Failing.calls += 1
        if Failing.calls == 1:
            raise RuntimeError("out of luck")
        return {self.name: tfeval.Estimate(1.0)}


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def expected_distance(rounds):
    """`a z + b` on noise of mean 0 has the mean b; and b gets c times the rate in each round."""
    b, c = INITIAL["b"], INITIAL["c"]
    for index in range(rounds):
        b += LEARNING_RATE * c
        c -= LEARNING_RATE * (b - real_of(index).mean())
    return abs(b - REAL.mean())


def test_a_logdir_on_another_file_system_gets_scores_and_best_checkpoints(tmp_path, monkeypatch):
    """ram:// is TensorFlow's file system in memory."""
    monkeypatch.chdir(tmp_path)
    logdir = "ram://metric_hook_test"
    made = gan()
    for _ in range(2):  # The second reads the ranking; its score is the worse.
        made.train(1, hooks=[hook_of(made, every_n_steps=1, keep_best=1, logdir=logdir)])
    with tf.io.gfile.GFile(f"{logdir}/metrics.jsonl") as file:
        assert [json.loads(line)["kept"] for line in file.read().splitlines()] == [True, False]
    assert tf.train.latest_checkpoint(f"{logdir}/best") == f"{logdir}/best/ckpt-1"
    assert not list(tmp_path.iterdir())


@both_worlds
def test_scores_are_of_the_weights_at_that_round_and_go_everywhere(world, tmp_path):
    with in_world(world):
        made = gan()
        hook = hook_of(made, every_n_steps=2)
        assert made.train(5, tmp_path, hooks=[hook]) == 5
    expected = {step: expected_distance(step) for step in (2, 4)}
    found = {step: result["mean_distance"] for step, result in hook.results.items()}
    assert found == pytest.approx(expected, rel=1e-5)
    assert {x["step"]: x["mean_distance"] for x in lines(tmp_path)} == pytest.approx(found)
    written = {
        step: value for (step, tag), value in summaries(tmp_path).items() if "mean_dist" in tag
    }
    assert written == pytest.approx(found)
    assert lines(tmp_path)[0]["protocol"]["generated"]["weights"] == "training"


class Losses(tfgan.TrainingHook):
    """Keeps what each update reported."""

    def __init__(self):
        self.seen = []

    def after_round(self, run_context, global_step):
        self.seen.append({name: float(values[0]) for name, values in self.run.values().items()})


@pytest.mark.slow
@both_worlds
def test_training_is_the_same_with_and_without_the_hook(world):
    """Real batches are numbered, so that one which the hook drew would be missing."""
    seen = []
    for hooked in (False, True):
        with in_world(world):
            made, losses = gan(), Losses()
            hooks = [hook_of(made, every_n_steps=1)] if hooked else []
            made.train(4, hooks=[*hooks, losses])
            seen.append(losses.seen)
    assert seen[0] == seen[1] and len(seen[0]) == 4


@both_worlds
def test_averaged_weights_are_scored_and_training_goes_on_with_its_own(world, tmp_path):
    with in_world(world):
        average = tfgan.features.WeightAverage(half_life_images=1e9, ramp_up=None)
        made = gan(generator_average=average)  # Which as good as never moves.
        hook = hook_of(made, every_n_steps=2, average=average)
        made.train(4, tmp_path, hooks=[hook])
    for result in hook.results.values():
        assert result["mean_distance"] == pytest.approx(expected_distance(0), rel=1e-4)
        assert result.protocol["generated"]["weights"] == "averaged"


@both_worlds
def test_a_failing_metric_is_logged_and_training_goes_on(world, tmp_path, caplog):
    Failing.calls = 0
    with in_world(world):
        made = gan()
        hook = hook_of(made, metrics=[Failing()], every_n_steps=1)
        assert made.train(3, tmp_path, hooks=[hook]) == 3
    assert hook.failures == 1 and list(hook.results) == [2, 3]
    assert "MetricHook failed at round 1; training goes on" in caplog.text
    assert "out of luck" in lines(tmp_path)[0]["error"] and lines(tmp_path)[1]["failing"] == 1.0


@pytest.mark.slow
@both_worlds
def test_the_best_checkpoints_are_kept_and_the_best_of_them_is_trained_on(world, tmp_path):
    with in_world(world):
        made = gan()
        hook = hook_of(made, every_n_steps=1, keep_best=2, higher_is_better=True)
        made.train(4, tmp_path, hooks=[hook])
    scores = {step: result["mean_distance"] for step, result in hook.results.items()}
    best = sorted(scores, key=scores.get, reverse=True)[:2]
    ranking = json.loads((tmp_path / "best" / "best.json").read_text())
    assert [entry["step"] for entry in ranking] == best
    kept = {path.name for path in (tmp_path / "best").glob("*.index")}
    assert kept == {f"ckpt-{step}.index" for step in best}
    state = tf.train.get_checkpoint_state(str(tmp_path / "best"))
    assert state.model_checkpoint_path == str(tmp_path / "best" / f"ckpt-{best[0]}")
    assert len(state.all_model_checkpoint_paths) == 2
    with in_world(world):
        resumed = gan()
        assert resumed.train(1, tmp_path / "best", save_checkpoint_secs=600) == best[0] + 1


@pytest.mark.parametrize("content", ['[{"step": 1, "score": 0, "checkpoint": "../x"}]', "{", "[7]"])
def test_a_ranking_of_other_files_than_its_own_is_refused(content, tmp_path):
    """The worst of the ranking is removed, whatever it is."""
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "best.json").write_text(content)
    made = gan()
    with pytest.raises(ValueError, match="best.json is not a ranking"):
        made.train(1, tmp_path, hooks=[hook_of(made, every_n_steps=1, keep_best=1)])


@pytest.mark.slow
@both_worlds
def test_a_resumed_run_remembers_its_best(world, tmp_path):
    for _ in range(2):
        with in_world(world):
            made = gan()
            hook = hook_of(made, every_n_steps=1, keep_best=1)
            made.train(2, tmp_path, hooks=[hook], save_checkpoint_secs=600)
    scores = {line["step"]: line["mean_distance"] for line in lines(tmp_path)}
    assert sorted(scores) == [1, 2, 3, 4]
    ranking = json.loads((tmp_path / "best" / "best.json").read_text())
    assert [entry["step"] for entry in ranking] == [min(scores, key=scores.get)]


def test_seconds_are_counted_by_the_clock():
    now = iter(range(100))
    made = gan()
    hook = hook_of(made, every_secs=3.0, clock=lambda: float(next(now)))
    made.train(6, hooks=[hook], rounds_per_call=1)
    # Two looks at the clock before the first round; one after each, and one after a score.
    assert list(hook.results) == [3, 6]


def test_the_default_is_a_kernel_distance_of_few_samples():
    made = gan()
    hook = tfeval.MetricHook(made.model, REAL, every_n_steps=1)
    made.train(1, hooks=[hook])
    assert list(hook.results[1].values) == ["kernel_distance"]
    assert hook.results[1].protocol["generated"]["count"] == 1000


@both_worlds
def test_final_ops_give_an_evaluation_in_one_line(world):
    with in_world(world):
        made = gan()
        final = tfgan.FinalOpsHook(
            lambda: tfeval.evaluate(made.model, REAL, [MeanDistance()], 20, Itself()).values
        )
        made.train(3, hooks=[final])
    assert final.final_ops_values["mean_distance"] == pytest.approx(expected_distance(3), rel=1e-5)


class Itself:
    """An extractor whose features are the samples."""

    name, hash, feature_size = "itself", "00", 1

    def __call__(self, samples):
        return {"features": np.asarray(samples)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of every_n_steps and every_secs"),
        ({"every_n_steps": 1, "every_secs": 1.0}, "one of every_n_steps and every_secs"),
        ({"every_n_steps": 0}, "every_n_steps must be a positive integer"),
        ({"every_secs": -1.0}, "every_secs must be positive"),
        ({"every_n_steps": 1, "num_samples": 1}, "num_samples must be an integer of at least 2"),
        ({"every_n_steps": 1, "keep_best": -1}, "keep_best must be an integer of at least 0"),
        ({"every_n_steps": 1, "best_by": "fid"}, "best_by='fid' is none of the metrics' values"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        hook_of(gan(), **options)


def test_best_checkpoints_need_a_folder():
    made = gan()
    with pytest.raises(ValueError, match="MetricHook has no logdir"):
        made.train(1, hooks=[hook_of(made, every_n_steps=1, keep_best=1)])


@pytest.mark.parametrize(
    ("metrics", "options", "higher_is_better"),
    [
        ([tfeval.KernelDistance()], {}, False),
        ([tfeval.PrecisionRecall()], {}, True),
        ([tfeval.FrechetDistance(), tfeval.DensityCoverage()], {"best_by": "coverage"}, True),
        ([tfeval.ClassifierScore()], {}, True),
        ([tfeval.ClassifierScore()], {"higher_is_better": False}, False),
    ],
)
def test_a_metric_says_whether_the_best_is_the_highest(metrics, options, higher_is_better):
    hook = hook_of(gan(), metrics=metrics, every_n_steps=1, keep_best=1, **options)
    assert hook._higher_is_better is higher_is_better


@both_worlds
def test_a_logdir_of_its_own_may_be_a_path(world, tmp_path):
    with in_world(world):
        made = gan()
        made.train(1, hooks=[hook_of(made, every_n_steps=1, logdir=tmp_path)])
    assert [line["step"] for line in lines(tmp_path)] == [1]
