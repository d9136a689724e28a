"""`python -m tfgan_lite.data` prints the card, or all that is wrong."""

import json
import os
import subprocess
import sys

import pytest

from tests.data.pictures import encoded, noise, write


def check(*arguments):
    command = [sys.executable, "-m", "tfgan_lite.data", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_good_images_have_a_card_and_bad_ones_are_named(tmp_path):
    write(tmp_path, a_png=encoded(noise()))
    done = check(tmp_path, "--image_size=8")
    assert done.returncode == 0 and "1, 8 x 8, colour" in done.stdout
    done = check(write(tmp_path, b_png=b"", c_jpg=b"x"), "--image_size=8")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "b.png: is empty" in done.stderr and "c.jpg: is of an unknown kind" in done.stderr
    assert "--skip_bad" in done.stderr
    done = check(tmp_path, "--image_size=8", "--skip_bad")
    assert done.returncode == 0 and "1, 8 x 8, colour" in done.stdout


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_read_and_reads_none_of_it(tmp_path):
    write(tmp_path, a_png=b"no image")
    done = check(tmp_path, "--image_size=8", "--channels=1", "--dry_run")
    expected = {"path": str(tmp_path), "kind": "folder", "split": "train"}
    assert json.loads(done.stdout) == {
        **expected,
        "image_size": 8,
        "channels": 1,
        "skip_bad": False,
    }
    done = check(tmp_path / "gone", "--dry_run")
    assert done.returncode == 1 and "gone" in done.stderr and "Traceback" not in done.stderr
