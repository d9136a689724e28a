"""The training program: what it leaves behind, that it goes on, and what it refuses."""

import json
import math
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.strategies import free_addresses
from tfgan_lite.report.events import read_events

REPOSITORY = pathlib.Path(__file__).parents[2]
NO_JIT = "--jit_compile=false"
WRITERS = 4  # Event files of a run of the chief: losses, scores, and two for grids of samples.


def read(folder, name="metrics.json"):
    return json.loads((folder / name).read_text())


def pixels(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture)


def losses(folder):
    """Returns (tag, step) of each scalar in a run's event files."""
    found = []
    for path in folder.glob("events.out.*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            found += [(value.tag, event.step) for value in event.summary.value]
    return found


def test_the_scores_are_finite_and_say_what_they_are_of(run):
    metrics = read(run)
    assert metrics["dataset"] == "digits" and metrics["seed"] == 5
    assert metrics["number_of_steps"] == 3
    assert metrics["num_generated_images"] == metrics["real"]["num_images"] == 1442
    assert metrics["num_reference_images"] == 355 and metrics["reference_split"] == "test"
    assert len(metrics["class_histogram"]) == 10 and sum(metrics["class_histogram"]) == 1442
    assert math.isfinite(metrics["frechet_distance"])
    assert 0 < metrics["real"]["frechet_distance"] < 10 < metrics["frechet_distance"]
    assert 1 <= metrics["classifier_score"] <= 10 and metrics["real"]["classifier_score"] > 9.5
    assert len(metrics["classifier"]["sha256"]) == 64
    assert metrics["classifier"]["test_accuracy"] > 0.98


def test_the_pictures_show_a_hundred_images(run):
    for name in ("samples.png", "real.png", "interpolation.png", "pictures/000003.png"):
        picture = pixels(run / name)
        assert picture.shape == (298, 298) and picture.dtype == np.uint8
        assert np.ptp(picture) > 20, f"all pixels of {name} are alike"
        assert np.std(picture[0:28, 0:28].astype(float) - picture[30:58, 30:58]) > 1


def test_tensorboard_shows_the_pictures(run):
    drawn = read_events(run).pictures["samples"]
    assert list(drawn) == [0, 3]
    assert drawn[3] == (run / "pictures" / "000003.png").read_bytes()


def test_nothing_unfinished_is_left(run):
    assert not list(run.rglob("*.tmp"))


@pytest.mark.slow
@pytest.mark.parametrize("world", [(NO_JIT,), ("--graph_mode",)])
def test_a_second_call_trains_on(programs, few_digits, tmp_path, world):
    arguments = ("train", f"--logdir={tmp_path}", "--max_number_of_steps=2", *few_digits.flags)
    programs.succeed(*arguments, *world)
    programs.succeed(*arguments, *world)
    assert read(tmp_path)["number_of_steps"] == 4
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("-4")
    drawn = sorted(path.name for path in (tmp_path / "pictures").glob("*.png"))
    assert drawn == ["000000.png", "000002.png", "000004.png"]


@pytest.mark.slow
def test_the_losses_are_for_tensorboard(programs, few_digits, tmp_path):
    arguments = (f"--logdir={tmp_path}", "--max_number_of_steps=50", *few_digits.flags, NO_JIT)
    programs.succeed("train", *arguments)
    watched = ("generator_loss", "discriminator_loss", "discriminator_accuracy")
    norms = ("generator_gradient_norm", "discriminator_gradient_norm")
    assert {(name, 50) for name in (*watched, *norms)} <= set(losses(tmp_path))


@pytest.mark.slow
def test_equal_seeds_give_equal_runs(programs, run, tmp_path):
    config = read(run, "config.json")
    world = "--graph_mode" if config["graph_mode"] else NO_JIT
    arguments = ("train", "--max_number_of_steps=3", world)
    programs.succeed(*arguments, f"--logdir={tmp_path / 'same'}", "--seed=5")
    assert (tmp_path / "same/samples.png").read_bytes() == (run / "samples.png").read_bytes()
    programs.succeed(*arguments, f"--logdir={tmp_path / 'other'}", "--seed=6")
    assert (tmp_path / "other/samples.png").read_bytes() != (run / "samples.png").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss", ["wasserstein", "hinge", "minimax", "least_squares", "relativistic_paired"]
)
def test_every_loss_trains_with_every_flag(programs, few_digits, tmp_path, loss):
    programs.succeed(
        "train",
        f"--logdir={tmp_path}",
        f"--loss={loss}",
        "--max_number_of_steps=2",
        *few_digits.flags,
        "--noise_dims=7",
        "--generator_steps=1",
        "--discriminator_steps=2",
        "--joint",
        "--generator_lr=1e-4",
        "--discriminator_lr=1e-4",
        "--gradient_penalty_weight=10",
        NO_JIT,
    )
    assert read(tmp_path, "config.json")["loss"] == loss


@pytest.mark.slow
def test_a_file_of_ones_own_needs_neither_labels_nor_test_images(programs, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    np.savez(tmp_path / "own.npz", x_train=images)
    programs.succeed(
        "train",
        "--dataset=npz",
        f"--data_path={tmp_path / 'own.npz'}",
        f"--logdir={tmp_path / 'run'}",
        "--max_number_of_steps=1",
        "--batch_size=8",
        NO_JIT,
    )
    metrics = read(tmp_path / "run")
    assert metrics["gan_type"] == "unconditional" and metrics["weights"] == "training"
    assert metrics["reference_split"] == "train" and metrics["num_reference_images"] == 20
    assert metrics["classifier"]["trained_on"] == "mnist"


@pytest.mark.slow
def test_a_folder_of_ones_own_images(programs, tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (8, 40, 30, 3), np.uint8)
    for number, image in enumerate(colours):
        folder = tmp_path / "photos" / ("cats" if number % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    said = programs.succeed(
        "train",
        *("--dataset=folder", f"--data_path={tmp_path / 'photos'}", f"--logdir={tmp_path / 'run'}"),
        *("--gan_type=conditional", "--max_number_of_steps=1", "--batch_size=4", NO_JIT),
    )
    assert "8, 28 x 28, grey" in said and "cats 4, dogs 4" in said
    assert read(tmp_path / "run")["num_reference_images"] == 8


@pytest.mark.slow
def test_bad_files_of_a_folder_are_left_out_if_told_to(programs, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (6, 40, 30), np.uint8)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.png")
    (folder / "torn.png").write_bytes((folder / "0.png").read_bytes()[:100])
    flags = ("--dataset=folder", f"--data_path={folder}", "--skip_bad", NO_JIT)
    rounds = ("--max_number_of_steps=1", "--batch_size=4")
    programs.succeed("train", f"--logdir={tmp_path / 'run'}", *flags, *rounds)
    assert read(tmp_path / "run")["num_reference_images"] == 6
    # Scoring reads the same folder, and leaves out what training left out.
    programs.succeed("eval", f"--logdir={tmp_path / 'run'}", "--num_images=6")
    assert read(tmp_path / "run", "eval-1.json")["num_reference_images"] == 6


def test_bad_files_are_told_before_anything_is_done(programs, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("one.png", "two.jpg"):
        (tmp_path / "photos" / name).write_bytes(b"no image")
    flags = ("--dataset=folder", f"--data_path={tmp_path / 'photos'}")
    said = programs.fail("train", *flags, f"--logdir={tmp_path / 'run'}")
    assert "one.png" in said and "two.jpg" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("world", ["--graph_mode", NO_JIT])
def test_it_scores_itself_while_it_trains(programs, few_digits, tmp_path, world):
    rounds = ("--max_number_of_steps=4", "--metric_steps=2")
    programs.succeed("train", f"--logdir={tmp_path}", *few_digits.flags, *rounds, world)
    lines = map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())
    scores = {line["step"]: line["kernel_distance"] for line in lines if "protocol" in line}
    assert set(scores) == {2, 4} and all(map(math.isfinite, scores.values()))


def test_a_dry_run_prints_what_the_flags_come_to_and_touches_nothing(programs, tmp_path):
    flags = ("--dataset=folder", "--data_path=not/there", "--gan_type=acgan", "--preset=r3gan")
    said = programs.succeed("train", "--dry_run", f"--logdir={tmp_path / 'run'}", *flags)
    config = json.loads(said)
    assert config["max_number_of_steps"] == 3000 and config["batch_size"] == 64
    assert config["loss"] == "relativistic_paired" and config["data_path"].endswith("not/there")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_it_starts_as_a_module(tmp_path):
    """A plain process, where all others are forks: with XLA chosen by measuring, as by default."""
    subprocess.run(
        [
            *(sys.executable, "-m", "examples.mnist_gan.train"),
            *(f"--logdir={tmp_path}", "--max_number_of_steps=2", "--batch_size=8"),
        ],
        check=True,
        cwd=REPOSITORY,
    )
    assert read(tmp_path)["number_of_steps"] == 2


@pytest.mark.slow
def test_a_profile_has_a_trace_and_says_what_time_was_spent_on(programs, few_digits, tmp_path):
    flags = "--profile", NO_JIT, "--max_number_of_steps=3", "--verbosity=0"
    code, _, stderr = programs("train", f"--logdir={tmp_path}", *few_digits.flags, *flags)
    assert code == 0, stderr
    assert "Profile of 1 rounds from round 2" in stderr
    assert list((tmp_path / "plugins" / "profile").rglob("*.xplane.pb"))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_it_trains_in_half_precision(programs, few_digits, tmp_path, precision):
    # XLA, for without it float16's convolutions take seconds on a CPU.
    half = f"--mixed_precision={precision}", "--jit_compile=true", "--max_number_of_steps=2"
    programs.succeed("train", f"--logdir={tmp_path}", *few_digits.flags, *half)
    assert math.isfinite(read(tmp_path)["frechet_distance"])
    optimizer = read(tmp_path, "configuration.json")["discriminator"]["optimizer"]
    assert ("wrapper" in optimizer) == (precision == "float16")  # Which scales the loss.


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["one", "mirrored"])
def test_it_trains_under_a_strategy_and_trains_on(programs, few_digits, tmp_path, strategy):
    arguments = ("train", f"--logdir={tmp_path}", "--max_number_of_steps=2", *few_digits.flags)
    for steps in (2, 4):
        programs.succeed(*arguments, f"--strategy={strategy}")
        assert read(tmp_path)["number_of_steps"] == steps
    assert len(list(tmp_path.glob("events.out.*"))) == 2 * WRITERS


@pytest.mark.slow
def test_two_machines_train_together(few_digits, tmp_path):
    """As docs/distribution.md has it, both on this machine."""
    addresses = free_addresses(2)
    workers = []
    for index in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        command = [sys.executable, "-m", "examples.mnist_gan.train", "--strategy=multiworker"]
        flags = [f"--logdir={tmp_path}", "--max_number_of_steps=2", *few_digits.flags, NO_JIT]
        environment = {**os.environ, "TF_CONFIG": json.dumps(task), "CUDA_VISIBLE_DEVICES": "-1"}
        workers.append(subprocess.Popen([*command, *flags], cwd=REPOSITORY, env=environment))
    assert [worker.wait() for worker in workers] == [0, 0]
    assert read(tmp_path)["number_of_steps"] == 2
    assert len(list(tmp_path.glob("events.out.*"))) == WRITERS


def test_a_strategy_without_its_devices(programs, tmp_path):
    message = programs.fail("train", f"--logdir={tmp_path}", "--strategy=multiworker")
    assert "needs the environment variable TF_CONFIG" in message
    message = programs.fail("train", f"--logdir={tmp_path}", "--strategy=tpu")
    assert "found no TPU" in message


@pytest.mark.parametrize(
    "flag, said",
    [
        ("--dataset=cifar", "value should be one of <digits|mnist|npz|folder>"),
        ("--gan_type=stargan", "one of <unconditional|conditional|acgan|infogan>"),
        ("--preset=stylegan", "value should be one of <default|r3gan>"),
        ("--ema_half_life_images=-1", "not a non-negative"),
        ("--gamma=much", "--gamma"),
        ("--loss=perceptual", "value should be one of <"),
        ("--jit_compile=maybe", "value should be one of <auto|true|false>"),
        ("--batch_size=0", "not a positive integer"),
        ("--generator_lr=fast", "--generator_lr"),
        ("--nosuchflag", "Unknown command line flag"),
    ],
)
def test_an_unknown_value_of_a_flag(programs, tmp_path, flag, said):
    assert said in programs.fail("train", f"--logdir={tmp_path}", flag)
    assert not list(tmp_path.iterdir())


def test_flags_that_exclude_each_other(programs):
    nothing = ("--generator_steps=0", "--discriminator_steps=0")
    assert "a round must update a network" in programs.fail("train", *nothing)
    assert "TF2 only" in programs.fail("train", "--graph_mode", "--jit_compile=true")
    for flags in (["--dataset=folder"], ["--dataset=npz"], ["--data_path=x"]):
        assert "need --data_path" in programs.fail("train", *flags)
    assert "TF2 only" in programs.fail("train", "--graph_mode", "--strategy=mirrored")


def test_more_images_in_a_batch_than_there_are(programs, tmp_path):
    said = programs.fail("train", f"--logdir={tmp_path}", "--batch_size=5000")
    assert "from 1 to 1442" in said


def _write_truncated(path):
    np.savez(path, x_train=np.zeros((4, 28, 28), np.uint8))
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    "write, said",
    [
        (lambda path: None, "There is no"),
        (_write_truncated, "cut short"),
        (
            lambda path: np.savez(path, pictures=np.zeros((4, 28, 28), np.uint8)),
            "no array 'x_train'",
        ),
        (lambda path: np.savez(path, x_train=np.zeros((4, 28, 28))), "float64, expected uint8"),
    ],
)
def test_a_file_that_is_missing_damaged_or_of_another_kind(programs, tmp_path, write, said):
    path = tmp_path / "own.npz"
    write(path)
    flags = ("--dataset=npz", f"--data_path={path}", f"--logdir={tmp_path / 'run'}")
    message = programs.fail("train", *flags)
    assert said in message and str(path) in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("module, said", [("sklearn", "scikit-learn"), ("PIL", "Pillow")])
def test_a_package_that_is_not_installed(programs, tmp_path, module, said):
    message = programs.fail("train", f"--logdir={tmp_path}", hidden_modules=[module])
    assert said in message and "pip install" in message


def test_a_folder_that_cannot_be_written_to(programs, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    message = programs.fail("train", f"--logdir={tmp_path / 'file' / 'run'}")
    assert "cannot be written to" in message


@pytest.mark.slow
def test_a_folder_with_another_run(programs, run):
    graph = read(run, "config.json")["graph_mode"]
    world = () if graph else ("--graph_mode",)
    assert "graph_mode" in programs.fail("train", f"--logdir={run}", *world)
    same_world = ("--graph_mode",) if graph else ()
    message = programs.fail("train", f"--logdir={run}", "--noise_dims=9", *same_world)
    assert "noise_dims=64" in message and "noise_dims=9" in message


def test_a_folder_with_a_checkpoint_of_another_program(programs, tmp_path):
    tf.train.Checkpoint(x=tf.Variable(1.0)).save(str(tmp_path / "ckpt"))
    assert "holds no run of" in programs.fail("train", f"--logdir={tmp_path}")


@pytest.mark.slow
def test_a_loss_that_is_not_finite(programs, tmp_path):
    flags = ("--generator_lr=1e30", "--discriminator_lr=1e30", "--loss=least_squares", NO_JIT)
    message = programs.fail("train", f"--logdir={tmp_path}", "--max_number_of_steps=20", *flags)
    assert "finite" in message and "learning rate" in message
