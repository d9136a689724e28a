"""The CycleGAN and the StarGAN: what they leave behind, that they go on, and what they refuse."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from examples.mnist_gan import data
from examples.translation import domains, results

CYCLEGAN, STARGAN = "examples.translation.cyclegan", "examples.translation.stargan"
SHORT = ("--max_number_of_steps=2", "--batch_size=2")
METRICS = {
    CYCLEGAN: {"to_turned_read_right", "to_upright_read_right", "to_turned_error"},
    STARGAN: {f"{ink}_is_{ink}" for ink in ("red", "green", "blue", "orange")},
}


@pytest.fixture(
    scope="module", params=[(CYCLEGAN, ()), (STARGAN, ()), (STARGAN, ("--graph_mode",))], ids=str
)
def short_run(request, programs, tmp_path_factory):
    """A program, its world and the folder of a short run."""
    program, world = request.param
    folder = tmp_path_factory.mktemp("run")
    programs.succeed(program, f"--logdir={folder}", *SHORT, *world)
    return program, world, folder


def read(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.slow
def test_the_metrics_are_shares_and_errors(short_run):
    program, _, folder = short_run
    metrics = read(folder)
    assert metrics.pop("number_of_steps") == 2
    assert METRICS[program] <= set(metrics)
    assert all(0.0 <= value <= 2.0 for value in metrics.values())


@pytest.mark.slow
def test_the_picture_has_a_column_for_each_digit_and_six_rows(short_run):
    _, _, folder = short_run
    with Image.open(folder / "samples.png") as picture:
        pixels = np.asarray(picture).astype(float)
    assert pixels.shape == (178, 298, 3)
    cells = np.pad(pixels, ((0, 2), (0, 2), (0, 0))).reshape(6, 30, 10, 30, 3)[:, :28, :, :28]
    assert np.all(np.std(cells, axis=(1, 3)).max(-1) > 1), "a cell is blank"


@pytest.mark.slow
def test_the_folder_holds_a_checkpoint_and_nothing_unfinished(short_run):
    _, _, folder = short_run
    assert tf.train.latest_checkpoint(str(folder)).endswith("-2")
    assert not list(folder.rglob("*.tmp"))


@pytest.mark.slow
def test_a_second_call_trains_on(programs, short_run, tmp_path):
    program, world, folder = short_run
    if world:
        pytest.skip("The tests of examples.mnist_gan resume a graph; building it takes long.")
    shutil.copytree(folder, tmp_path / "copy")
    programs.succeed(program, f"--logdir={tmp_path / 'copy'}", *SHORT)
    assert read(tmp_path / "copy")["number_of_steps"] == 4


@pytest.mark.slow
def test_a_folder_of_another_program_or_world_is_refused(programs, short_run):
    program, world, folder = short_run
    other = STARGAN if program == CYCLEGAN else CYCLEGAN
    said = programs.fail(other, f"--logdir={folder}", *SHORT, *world)
    assert "holds a run with program=" in said
    said = programs.fail(program, f"--logdir={folder}", *SHORT, f"--graph_mode={not world}")
    assert "holds a run with graph_mode=" in said


def test_a_damaged_folder_is_told_as_one_of_the_program_that_was_called(tmp_path):
    tf.train.Checkpoint(step=tf.Variable(1)).save(str(tmp_path / "ckpt"))
    with pytest.raises(ValueError, match="holds no run of examples.translation.stargan"):
        results.claim(str(tmp_path), "stargan", {"graph_mode": False})


@pytest.mark.parametrize("program", [CYCLEGAN, STARGAN])
@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--max_number_of_steps=0", "max_number_of_steps"),
        ("--batch_size=0", "batch_size"),
        ("--batch_size=1000", "from 1 to"),
        ("--learning_rate=-1", "learning_rate"),
        ("--seed=-1", "seed"),
        ("--logdir=/dev/null/run", "cannot be written to"),
        ("surplus", "Unexpected arguments: ['surplus']"),
    ],
)
def test_a_bad_flag_is_refused(programs, tmp_path, program, flag, says):
    assert says in programs.fail(program, f"--logdir={tmp_path}", flag)


@pytest.mark.parametrize(
    ("program", "flag"),
    [
        (CYCLEGAN, "--cycle_weight=-1"),
        (CYCLEGAN, "--identity_weight=-1"),
        (CYCLEGAN, "--pool_size=-1"),
        (STARGAN, "--discriminator_steps=0"),
    ],
)
def test_a_bad_flag_of_one_program_is_refused(programs, tmp_path, program, flag):
    assert flag[2:].split("=")[0] in programs.fail(program, f"--logdir={tmp_path}", flag)


COLOURS = domains.Colours(ink=(230, 30, 60), paper=(255, 240, 200))


def some_digits():
    return data.load("digits", split="test").images[:7] / np.float32(127.5) - 1.0


def test_paint_draws_black_as_paper_and_white_as_ink():
    painted = COLOURS.paint(np.array([-1.0, 1.0], np.float32).reshape(1, 1, 2, 1))
    levels = np.rint((painted[0, 0] + 1.0) * 127.5)
    np.testing.assert_array_equal(levels, [COLOURS.paper, COLOURS.ink])


def test_grey_undoes_paint():
    grey = some_digits()
    np.testing.assert_allclose(COLOURS.grey(COLOURS.paint(grey)), grey, atol=1e-5)


def test_the_ink_colour_is_that_of_the_ink():
    measured = domains.ink_colour(COLOURS.paint(some_digits()), COLOURS.paper)
    np.testing.assert_allclose(measured, np.tile(COLOURS.ink, (7, 1)), atol=12)


def test_a_quarter_turn_is_to_the_left():
    grey = some_digits()
    np.testing.assert_allclose(domains.turned(grey, 90.0), np.rot90(grey, axes=(1, 2)), atol=1e-5)


def test_parts_share_no_digit():
    digits = data.Digits(np.arange(11).reshape(11, 1, 1, 1), np.arange(11))
    parts = [domains.part(digits, i, 4).labels for i in range(4)]
    assert sorted(np.concatenate(parts)) == list(range(11))


def test_one_of_each_finds_every_digit():
    labels = data.load("digits", split="test").labels
    assert list(labels[domains.one_of_each(labels)]) == list(range(10))
