"""ProgressHook: what a person at the console reads, in a terminal and in a log file."""

import io
import logging
import pathlib
import re
import sys

import pytest
import rich.console

import tfgan_lite as tfgan
from tests.train.linear_gan import BATCH, LinearGAN, in_world, simulate

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


class Console(rich.console.Console):
    """A console that keeps what it is told."""

    def __init__(self, width=200, **options):
        super().__init__(file=io.StringIO(), width=width, **options)

    @property
    def lines(self):
        return self.file.getvalue().splitlines()


def hook_on(console, last_step, **options):
    """A hook whose every look at the clock takes a second, so a round does."""
    now = iter(range(1000))
    return tfgan.ProgressHook(last_step, clock=lambda: float(next(now)), console=console, **options)


@both_worlds
def test_a_terminal_has_a_bar_with_rates_and_losses(world):
    console = Console(force_terminal=True)
    with in_world(world):
        LinearGAN().train(2, hooks=[hook_on(console, 2)], rounds_per_call=1)
    losses = simulate(["G", "D"] * 2).losses
    text = console.file.getvalue()
    assert "2/2" in text
    assert f"1.0 rounds/s, {BATCH} images/s" in text
    assert f"G loss {losses['generator_loss'][-1]:.3f}" in text
    assert f"D loss {losses['discriminator_loss'][-1]:.3f}" in text


@pytest.mark.parametrize(("width", "rates"), [(60, False), (80, True), (120, True)])
def test_a_narrow_terminal_keeps_rounds_and_losses(width, rates):
    console = Console(width, force_terminal=True)
    LinearGAN().train(2, hooks=[hook_on(console, 2, summary=False)], rounds_per_call=1)
    losses = simulate(["G", "D"] * 2).losses
    last = [line for line in console.file.getvalue().split("\r") if "loss" in line][-1]
    assert "2/2" in last and f"D loss {losses['discriminator_loss'][-1]:.3f}" in last
    assert ("rounds/s" in last) == rates


def test_what_is_logged_stands_above_the_bar():
    class Talking(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            logging.getLogger("talking").warning("here I am")

    handler = logging.StreamHandler()
    logging.getLogger("talking").addHandler(handler)
    console = Console(force_terminal=True)
    try:
        LinearGAN().train(2, hooks=[hook_on(console, 2), Talking()])
    finally:
        logging.getLogger("talking").removeHandler(handler)
    said = [line for line in console.lines if "here I am" in line]
    assert len(said) == 2 and not any("rounds/s" in line for line in said)
    assert handler.stream is sys.stderr


def test_what_hooks_note_has_a_line_when_it_is_new():
    class Scoring(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            self.run.notes["metrics"] = f"fid = {10 - global_step // 3}"

    console = Console()
    hooks = [Scoring(), hook_on(console, 5, every_secs=1.0)]
    LinearGAN().train(5, hooks=hooks, rounds_per_call=1)
    told = [line for line in console.lines if "fid" in line]
    # The last one is the closing block's.
    assert [line.split() for line in told] == [
        ["metrics", "fid", "=", fid] for fid in "10 9 9".split()
    ]


def test_it_says_what_measuring_xla_found():
    class Measured(tfgan.TrainingHook):
        def after_create_session(self, session, coord):
            for name, faster in (("generator", False), ("discriminator", True)):
                how = {"jit_compile": faster, "one_pass": not faster, "many_rounds": faster}
                session.jit.decisions[name] = how

    console = Console()
    LinearGAN().train(1, hooks=[hook_on(console, 1), Measured()], jit_compile="auto")
    _, line = [line for line in console.lines if line.startswith("  XLA")]  # After the header's.
    assert line.split(maxsplit=1)[1] == (
        "generator off, one pass over real and generated data;"
        " discriminator on, several rounds in a program"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="another system tells it elsewhere")
def test_it_says_after_the_first_round_how_much_memory_that_took():
    """The kernel's own number of this process, in kilobytes, at about the same time."""
    console = Console()
    LinearGAN().train(2, hooks=[hook_on(console, 2)], jit_compile=False)
    (line,) = [line for line in console.lines if line.startswith("  peak memory")]
    status = pathlib.Path("/proc/self/status").read_text()
    kilobytes = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
    assert float(line.split()[2]) == pytest.approx(kilobytes * 1024 / 1e9, rel=0.1)


def test_a_log_file_has_a_line_every_now_and_then_and_no_control_codes():
    """It counts from the end of the first round, which took the time that compiling took."""
    console = Console()
    hook = hook_on(console, 5, every_secs=2.0)
    LinearGAN().train(5, hooks=[hook], rounds_per_call=1)
    lines = [line for line in console.lines if "rounds/s" in line]
    assert [line.split(":")[0] for line in lines] == ["round 3 of 5, 2 s left", "round 5"]
    assert "\x1b" not in console.file.getvalue() and "\r" not in console.file.getvalue()


@both_worlds
def test_the_header_says_what_is_trained(world, tmp_path):
    console = Console()
    with in_world(world):
        hook = hook_on(console, 1, header={"data": "batches of 4 numbers"})
        LinearGAN().train(1, tmp_path, hooks=[hook], save_checkpoint_secs=600)
    head = console.file.getvalue().split("Stopped")[0]
    assert head.startswith(f"tfgan_lite {tfgan.__version__} on TensorFlow")
    for line in (
        "generator      Generator, 4 parameters, SGD",
        "discriminator  Critic, 3 parameters, SGD",
        "data           batches of 4 numbers",
        "round          1 generator, then 1 discriminator",
        "devices        CPU:0",
        f"logdir         {tmp_path}",
    ):
        assert f"  {line}" in head
    assert ("XLA " in head) == (world == "TF2")


@both_worlds
def test_the_end_says_why_it_stopped_what_was_found_and_where_things_are(world, tmp_path):
    class Finding(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            self.run.notes["metrics"] = "fid = 12.5"

    console = Console()
    with in_world(world):
        hooks = [hook_on(console, 2), Finding()]
        LinearGAN().train(2, tmp_path, hooks=hooks, save_checkpoint_secs=600)
    start = next(i for i, line in enumerate(console.lines) if line.startswith("Stopped"))
    first, *lines = console.lines[start:]
    assert first.startswith("Stopped at round 2: a hook asked for it (2 rounds in ")
    losses = simulate(["G", "D"] * 2).losses
    expected = [f"{letter} loss {losses[name][-1]:.3f}" for letter, name in
                (("G", "generator_loss"), ("D", "discriminator_loss"))]  # fmt: skip
    assert [line.split(maxsplit=1) for line in lines] == [
        ["losses", ", ".join(expected)],
        ["metrics", "fid = 12.5"],
        ["curves", f"tensorboard --logdir {tmp_path}"],
        ["report", f"tfgan-lite report {tmp_path}"],
    ]


@both_worlds
def test_a_run_with_nothing_left_to_do_was_not_interrupted(world, tmp_path):
    for console in (Console(), Console()):
        hooks = [hook_on(console, 2), tfgan.StopAtStepHook(last_step=2)]
        with in_world(world):
            LinearGAN().train(None, tmp_path, hooks=hooks, save_checkpoint_secs=600)
    assert "Stopped at round 2: a hook asked for it (0 rounds" in console.file.getvalue()


def test_after_an_error_the_end_names_it():
    class Failing(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            raise KeyError("no such thing")

    console = Console()
    with pytest.raises(KeyError):
        LinearGAN().train(2, hooks=[hook_on(console, 2), Failing()], rounds_per_call=1)
    assert "Stopped at round 1: KeyError" in console.file.getvalue()


def test_without_a_summary_there_is_the_progress_alone():
    console = Console()
    LinearGAN().train(3, hooks=[hook_on(console, 3, summary=False)], rounds_per_call=1)
    assert all(line.startswith("round ") for line in console.lines) and console.lines


def test_without_the_hook_training_prints_nothing(capfd):
    LinearGAN().train(2)
    printed = capfd.readouterr()
    assert printed.out == "" and printed.err == ""
