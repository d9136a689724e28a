"""`tfgan-lite report`: one page of a real run."""

import io
import json
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN
from tfgan_lite.report import sections, write_report
from tfgan_lite.report.command import main
from tfgan_lite.report.events import read_events
from tfgan_lite.report.pictures import evenly, progress_gif

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Looking(tfgan.eval.SampleGridHook):
    """Grids of one grey level, the round's."""

    def __init__(self):
        self.level = 0.0
        super().__init__(self._images, 1)

    def _images(self):
        self.level += 0.1
        return np.full([4, 8, 8, 1], self.level, np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run of 4 rounds, with all that a report shows."""
    folder = tmp_path_factory.mktemp("my run")
    LinearGAN(summarize_gradients=True).train(
        4, folder, hooks=[Looking()], save_summaries_steps=1, rounds_per_call=1
    )
    (folder / "config.json").write_text(json.dumps({"preset": "none", "note": "<script>"}))
    checked = {"generator": {"optimizer": {"class": "SGD"}}}  # As gan_train keeps with checkpoints.
    (folder / "configuration.json").write_text(json.dumps(checked))
    tf.io.write_file(
        str(folder / "interpolation.png"), tf.io.encode_png(np.zeros([8, 80, 1], np.uint8))
    )
    looks = [
        {"step": 4, "kernel_distance": 0.25, "standard_errors": {"kernel_distance": 0.01},
         "protocol": {"seed": 7, "generated": {"count": 1000}}},
        {"step": 4, "verdict": "The generator has collapsed: samples are alike."},
    ]  # fmt: skip
    with open(folder / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(look) + "\n" for look in looks)
        file.write('{"step": 5, "unfini')
    return folder


@pytest.fixture(scope="module")
def page(run):
    return write_report(run).read_text()


def test_the_page_has_every_part(page):
    headings = re.findall("<h2>(.*?)</h2>", page)
    assert headings == [
        "Run",
        "Metrics",
        "Curves",
        "Samples over time",
        "Interpolation",
        "Configuration",
        "Environment",
    ]


def test_the_page_needs_nothing_else(page):
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page)
    assert sources and all(source.startswith("data:image/") for source in sources)
    assert "<script" not in page and "@import" not in page and "url(" not in page


def test_it_shows_the_run_and_its_scores_with_their_protocol(page):
    assert "1 generator, then 1 discriminator" in page
    assert "Generator, 4 parameters, SGD at 0.125" in page
    assert "<th>kernel_distance</th><td>0.25 <small>± 0.01</small>" in page
    assert "<th>generated.count</th><td>1000</td>" in page
    assert '<p class="bad">The generator has collapsed' in page
    assert "<th>note</th><td>&lt;script&gt;</td>" in page
    assert tf.__version__ in page


def test_long_lists_are_folded_and_what_was_chosen_is_not(page):
    chosen, folded = page.split("<h2>Configuration</h2>")[1].split("<details>", 1)
    assert "preset" in chosen and "optimizer" not in chosen
    assert "What a resumed run is checked against" in folded and "generator.optimizer" in folded


def test_scores_stand_before_gradient_norms(run, tmp_path):
    for path in run.glob("events.out.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.scalar("metrics/kernel_distance", 0.5, 4)
    page = write_report(tmp_path, gif=False).read_text()
    titles = re.findall('<figure class="chart"><figcaption>(.*?)</figcaption>', page)
    assert titles[:3] == ["Losses", "Kernel distance", "Gradient norms"]


def test_it_has_a_chart_for_each_group_of_curves(page):
    titles = re.findall('<figure class="chart"><figcaption>(.*?)</figcaption>', page)
    assert titles[:2] == ["Losses", "Gradient norms"]
    assert titles[-1] == "Gradient norms by variable"
    assert {"Rounds per second", "Images per second"} <= set(titles)


def test_pictures_are_those_of_the_run_in_their_order(page):
    assert re.findall("<figcaption>(round .*?)</figcaption>", page) == [
        f"round {step}" for step in range(5)
    ]


def test_a_gif_of_training_lies_beside_it(run, page):
    with Image.open(run / "progress.gif") as animation:
        assert animation.n_frames == 5 and animation.size == (18, 18)
        levels = []
        for index in range(5):
            animation.seek(index)
            levels.append(np.asarray(animation.convert("L"))[0, 0])
    assert levels == sorted(levels) and levels[0] < levels[-1]
    assert "progress.gif: round 0 to 4" in page


def test_a_gif_needs_two_pictures_of_one_size():
    def picture(side):
        buffer = io.BytesIO()
        Image.new("L", (side, side)).save(buffer, "PNG")
        return buffer.getvalue()

    with pytest.raises(ValueError, match="at least two pictures"):
        progress_gif({0: picture(8), 1: picture(9)})


def test_a_gif_decodes_no_more_pictures_than_it_has_frames(monkeypatch):
    decoded, load = [], PngImageFile.load

    def counted(self):
        decoded.append(self)
        return load(self)

    monkeypatch.setattr(PngImageFile, "load", counted)
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "PNG")
    progress_gif(dict.fromkeys(range(100), buffer.getvalue()))
    assert len({id(image) for image in decoded}) == 60


def test_pictures_too_large_for_the_page_are_named(tmp_path):
    for name, size in (("large.png", 5_000_001), ("small.png", 10)):
        (tmp_path / name).write_bytes(bytes(size))
    shown = sections.still_pictures(tmp_path, "*.png")
    assert shown.count("<img") == 1 and "Not shown, above 5 MB: large.png." in shown


@pytest.mark.parametrize(("healthy", "kind"), [(True, "good"), (False, "bad")])
def test_the_verdict_has_the_colour_of_its_look(healthy, kind):
    look = {"step": 4, "verdict": "All is as it was said.", "healthy": healthy}
    assert f'<p class="{kind}">All is' in sections.verdict([look])


def test_pictures_are_chosen_evenly_with_the_ends():
    assert evenly(range(101), 5) == [0, 25, 50, 75, 100]
    assert evenly([1, 2], 5) == [1, 2]


def test_a_damaged_event_file_is_read_as_far_as_it_goes(run, tmp_path):
    (path,) = (p for p in run.glob("events.*") if "generator_loss" in read_one(p))
    content = path.read_bytes()
    (tmp_path / path.name).write_bytes(content[: len(content) - 20])
    assert list(read_events(tmp_path).scalars["generator_loss"]) == [1, 2, 3, 4]


def read_one(path):
    events = tf.compat.v1.train.summary_iterator(str(path))
    return {value.tag for event in events for value in event.summary.value}


def test_of_a_step_that_was_trained_twice_the_last_counts(tmp_path):
    for value in (1.0, 2.0):
        writer = tf.summary.create_file_writer(str(tmp_path))
        with writer.as_default():
            tf.summary.scalar("loss", value, 3)
            tf.summary.scalar("loss", float("nan"), 4)
        writer.close()
    events = read_events(tmp_path)
    assert events.scalars == {"loss": {3: 2.0}} and events.not_finite == {"loss": 2}


@pytest.mark.slow
def test_the_command_says_where_it_cannot_write(run, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["report", str(run), f"--output={tmp_path}/file/page.html", "--nogif"]) == 1
    assert "tfgan-lite report:" in capsys.readouterr().err


def test_the_command_starts_as_a_program(run, tmp_path):
    command = [sys.executable, "-m", "tfgan_lite.report.command", "report", str(run)]
    output = tmp_path / "page.html"
    done = subprocess.run(
        [*command, f"--output={output}", "--nogif"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(output)
    assert "deprecated" not in done.stderr
    assert "progress.gif" not in output.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_dry_run_touches_nothing(tmp_path, capsys):
    assert main(["report", str(tmp_path), "--dry_run"]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == str(tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_what_it_refuses(tmp_path, capsys):
    assert main(["report", str(tmp_path / "none")]) == 1
    assert "is not a folder: name the logdir of a run" in capsys.readouterr().err
    assert main(["report", str(tmp_path)]) == 1
    assert "holds no run: neither event files nor run.json" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["report", str(tmp_path), "--colour"])
    with pytest.raises(SystemExit, match="2"):
        main([])
