"""A real TensorBoard on a real run, looked at with a real browser."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SECONDS = 300


@contextlib.contextmanager
def tensorboard(logdir, log):
    """Gives the address of a TensorBoard that shows a folder."""
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={logdir}", "--port=0"]
    with open(log, "w+") as output:
        server = subprocess.Popen(
            [*command, "--host=127.0.0.1", "--load_fast=false"],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            for line in server.stderr:
                address = re.search(r"http://[\w.]+:\d+/", line)
                if address:
                    break
            else:
                pytest.fail("TensorBoard ended without an address")
            yield address[0]
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
            server.stderr.close()


def page(address, folder):
    """The page as the browser has it once its scripts have run."""
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder}",
        "--window-size=1400,2400",
        "--virtual-time-budget=20000",
        "--dump-dom",
        address,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="neither chromium nor google-chrome is installed")
def test_tensorboard_shows_the_curves_and_pictures_of_a_run(tmp_path):
    gan = LinearGAN(
        summarize_gradients=True,
        discriminator_metrics={"accuracy": tfgan.losses.discriminator_accuracy},
    )
    grids = tfgan.eval.SampleGridHook(lambda: np.zeros([4, 8, 8, 1], np.float32), 1)
    gan.train(4, tmp_path / "run", hooks=[grids], save_summaries_steps=1)
    with tensorboard(tmp_path / "run", tmp_path / "log") as address:
        shown = set(
            re.findall('title="(.+?)"', page(f"{address}#timeseries", tmp_path / "browser"))
        )
    assert {
        "generator_loss",
        "discriminator_loss",
        "discriminator_accuracy",
        "generator_gradient_norm",
        "speed",
        "samples",
    } <= shown
