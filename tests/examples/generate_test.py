"""The drawing program: repeatable pictures and arrays from a checkpoint of either world."""

import json

import numpy as np
import pytest
from PIL import Image


def read(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize("suffix", [".png", ".npz"])
def test_equal_seeds_give_equal_files(programs, run, tmp_path, suffix):
    def content(name, seed):
        output = tmp_path / f"{name}{suffix}"
        programs.succeed(
            "generate", f"--logdir={run}", "--num_images=12", f"--output={output}", f"--seed={seed}"
        )
        return output.read_bytes()

    assert content("first", 3) == content("again", 3) != content("other", 4)


def test_a_picture_has_all_images(programs, run, tmp_path):
    programs.succeed(
        "generate", f"--logdir={run}", "--num_images=12", f"--output={tmp_path / 'a.png'}"
    )
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.format == "PNG" and picture.size == (298, 58)
        assert np.ptp(np.asarray(picture)[:28, :28]) > 0


def test_arrays_are_data_to_train_on(programs, run, tmp_path):
    output = tmp_path / "new" / "images.npz"
    programs.succeed("generate", f"--logdir={run}", "--num_images=150", f"--output={output}")
    with np.load(output) as arrays:
        images = arrays["x_train"]
    assert images.shape == (150, 28, 28, 1) and images.dtype == np.uint8
    assert np.ptp(images) > 0 and not np.array_equal(images[0], images[149])


@pytest.mark.slow
def test_an_export_draws_what_its_checkpoint_draws(programs, run, tmp_path):
    export = tmp_path / "export"
    programs.succeed("export", f"--logdir={run}", f"--export_dir={export}")
    assert read(export / "metadata.json")["user"]["round"] == 3
    contents = []
    for source in (f"--logdir={run}", f"--export_dir={export}"):
        output = tmp_path / "digits.png"
        programs.succeed("generate", source, "--num_images=12", f"--output={output}")
        contents.append(output.read_bytes())
    assert contents[0] == contents[1]


def test_a_strip_goes_from_one_digit_to_another_in_small_steps(programs, run, tmp_path):
    output = tmp_path / "strip.npz"
    programs.succeed(
        "generate", f"--logdir={run}", "--num_images=40", "--interpolate=20", f"--output={output}"
    )
    with np.load(output) as arrays:
        walks = arrays["x_train"].reshape(2, 20, -1).astype(float)
    steps = np.abs(np.diff(walks, axis=1)).mean()
    assert 0 < steps < 0.5 * np.abs(walks[:, 0] - walks[:, -1]).mean()


def test_a_video_has_a_frame_for_each_step(programs, run, tmp_path):
    output = tmp_path / "video.gif"
    programs.succeed(
        "generate", f"--logdir={run}", "--num_images=24", "--interpolate=6", f"--output={output}"
    )
    with Image.open(output) as video:
        assert video.format == "GIF" and video.n_frames == 6
        assert video.size == (58, 58)  # Four walks side by side.


def test_truncated_noise_makes_images_more_alike(programs, run, tmp_path):
    def spread(*flags):
        output = tmp_path / "digits.npz"
        programs.succeed(
            "generate", f"--logdir={run}", "--num_images=50", f"--output={output}", *flags
        )
        with np.load(output) as arrays:
            return arrays["x_train"].astype(float).std(axis=0).mean()

    assert spread("--truncation=0.2") < 0.5 * spread()


def test_what_it_refuses(programs, run, tmp_path):
    assert "must end in .png, .npz or .gif" in programs.fail("generate", "--output=x.jpg")
    assert "needs --interpolate" in programs.fail("generate", "--output=x.gif")
    assert "must be a multiple" in programs.fail("generate", "--num_images=9", "--interpolate=2")
    two = ("--export_dir=x", f"--logdir={run}")
    assert "takes the place of" in programs.fail("generate", *two)
    assert "holds no export" in programs.fail("generate", f"--export_dir={tmp_path}")
    assert "--label" in programs.fail("generate", f"--logdir={run}", "--label=11")
    assert "holds no checkpoint" in programs.fail("generate", f"--logdir={tmp_path}")
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" / "x.png"
    message = programs.fail("generate", f"--logdir={run}", f"--output={output}")
    assert str(tmp_path / "file") in message
