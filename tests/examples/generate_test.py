"""The drawing program: repeatable pictures and arrays from a checkpoint of either world."""

import numpy as np
import pytest
from PIL import Image


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


def test_what_it_refuses(programs, run, tmp_path):
    assert "must end in .png or .npz" in programs.fail("generate", "--output=x.gif")
    assert "--label" in programs.fail("generate", f"--logdir={run}", "--label=11")
    assert "holds no checkpoint" in programs.fail("generate", f"--logdir={tmp_path}")
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" / "x.png"
    message = programs.fail("generate", f"--logdir={run}", f"--output={output}")
    assert str(tmp_path / "file") in message
