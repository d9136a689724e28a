"""The scoring program: any checkpoint of either world, and what it refuses."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf


def read(path):
    return json.loads(path.read_text())


def test_the_last_checkpoint_gets_the_scores_that_training_wrote(programs, run, tmp_path):
    stdout = programs.succeed("eval", f"--logdir={run}", f"--output={tmp_path / 'out.json'}")
    report, trained = read(tmp_path / "out.json"), read(run / "metrics.json")
    assert report.pop("checkpoint") == tf.train.latest_checkpoint(str(run))
    metrics, _, protocol = [report.pop(n) for n in ("values", "standard_errors", "protocol")]
    generated = protocol["generated"]
    assert (generated["weights"], generated["batch_norm"]) == (report["weights"], "inference")
    assert metrics["frechet_distance"] == pytest.approx(report["frechet_distance"], rel=1e-5)
    assert metrics["classifier_score"] == pytest.approx(report["classifier_score"], rel=1e-5)
    for name in ("kernel_distance", "precision", "coverage", "ms_ssim", "copying_z_score"):
        assert name in metrics and name in stdout
    assert "Frechet distance" in stdout and "1442" in stdout
    assert f"{report.pop('perceptual_path_length'):.2f}" in stdout
    assert report.pop("path_length_steps") == 1000
    if read(run / "config.json")["graph_mode"]:  # A graph's noise is another.
        assert report.keys() == trained.keys()
        assert math.isclose(report["frechet_distance"], trained["frechet_distance"], rel_tol=0.1)
    else:
        assert report == trained


@pytest.mark.slow
def test_an_earlier_checkpoint_other_images_and_another_seed(programs, run, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    np.savez(tmp_path / "own.npz", x_train=images, x_test=images[:7])
    checkpoint = tf.train.latest_checkpoint(str(run))
    programs.succeed(
        "eval",
        f"--checkpoint={checkpoint}",
        "--dataset=npz",
        f"--data_path={tmp_path / 'own.npz'}",
        "--num_images=11",
        "--seed=8",
        f"--output={tmp_path / 'out.json'}",
    )
    report = read(tmp_path / "out.json")
    assert report["dataset"] == "npz" and report["seed"] == 8
    assert report["num_generated_images"] == 11 and report["num_reference_images"] == 7
    assert math.isfinite(report["frechet_distance"])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_scores_to_the_last_digit(programs, run, tmp_path):
    files = [tmp_path / name for name in ("first.json", "second.json")]
    for file in files:
        programs.succeed("eval", f"--logdir={run}", "--num_images=40", f"--output={file}")
    first, second = map(read, files)
    assert first == second


@pytest.mark.slow
def test_the_scores_are_beside_the_checkpoint_by_default(programs, run):
    programs.succeed("eval", f"--logdir={run}", "--num_images=10")
    assert read(run / "eval-3.json")["num_generated_images"] == 10


def test_what_is_no_run_or_no_checkpoint(programs, run, tmp_path):
    assert "--logdir" in programs.fail("eval")
    assert "holds no checkpoint" in programs.fail("eval", f"--logdir={tmp_path}")
    assert "There is no --checkpoint" in programs.fail("eval", f"--checkpoint={run / 'ckpt-99'}")
    assert "--num_images" in programs.fail("eval", f"--logdir={run}", "--num_images=one")


def test_a_damaged_checkpoint(programs, run, tmp_path):
    (tmp_path / "config.json").write_text((run / "config.json").read_text())
    for path in run.glob("*ckpt-3.*"):
        (tmp_path / path.name.replace("model.", "")).write_bytes(path.read_bytes()[:500])
    message = programs.fail("eval", f"--checkpoint={tmp_path / 'ckpt-3'}")
    assert "is damaged" in message


def test_a_checkpoint_of_another_generator(programs, run, tmp_path):
    config = read(run / "config.json")
    config["noise_dims"] = 9
    (tmp_path / "config.json").write_text(json.dumps(config))
    for path in run.glob("*ckpt-3.*"):
        (tmp_path / path.name.replace("model.", "")).write_bytes(path.read_bytes())
    message = programs.fail("eval", f"--checkpoint={tmp_path / 'ckpt-3'}")
    assert "noise_dims=9" in message
