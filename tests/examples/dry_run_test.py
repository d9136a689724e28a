"""--dry_run of every program, and that none loads data for flags that cannot be."""

import json

import pytest

# A program, flags that it cannot be without, and some of what they come to.
PROGRAMS = {
    "examples.mnist_gan.train": ([], {"dataset": "digits", "max_number_of_steps": 4000}),
    "examples.mnist_gan.train_classifier": ([], {"dataset": "digits", "steps": 5000}),
    "examples.translation.cyclegan": (["--seed=3"], {"seed": 3, "cycle_weight": 4.0}),
    "examples.translation.stargan": (["--batch_size=2"], {"batch_size": 2, "graph_mode": False}),
    "benchmarks.data": ([], {"images": 512, "seconds": 1.0}),
    "benchmarks.metrics": (["--turns=2"], {"turns": 2, "features": 2048}),
    "benchmarks.run": (["--quick"], {"cases": ["dense/32/1:1"], "repeats": 5}),
    "benchmarks.start": (["--turns=2"], {"turns": 2, "seconds": 1.0}),
}
OF_A_RUN = {
    "eval": {"dataset": "digits", "seed": 5, "averaged": False},
    "export": {"averaged": False, "overwrite": False},
    "generate": {"num_images": 100, "averaged": False, "label": None},
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_prints_what_the_flags_come_to_and_writes_nothing(programs, program, tmp_path):
    flags, expected = PROGRAMS[program]
    given = [f"--logdir={tmp_path / 'run'}"] if program.endswith(("train", "gan")) else []
    config = json.loads(programs.succeed(program, "--dry_run", *given, *flags))
    assert expected.items() <= config.items() and "dry_run" not in config
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("program", OF_A_RUN)
def test_of_a_run_it_names_the_checkpoint_and_the_runs_own_choices(
    programs, run, program, tmp_path
):
    output = {"export": "--export_dir", "eval": "--output", "generate": "--output"}[program]
    flag = f"{output}={tmp_path / 'out.png'}"
    before = sorted(run.iterdir())
    config = json.loads(programs.succeed(program, "--dry_run", f"--logdir={run}", flag))
    assert config["checkpoint"].startswith(str(run)) and config["checkpoint"].endswith("ckpt-3")
    assert OF_A_RUN[program].items() <= config.items()
    assert sorted(run.iterdir()) == before and not list(tmp_path.iterdir())


def test_an_export_that_would_replace_something_is_refused_before_anything_is_read(
    programs, tmp_path
):
    said = programs.fail("export", "--logdir=nowhere", f"--export_dir={tmp_path}")
    assert f"--export_dir={tmp_path} exists" in said and "--overwrite" in said


@pytest.mark.parametrize("program", [*PROGRAMS, *(f"examples.mnist_gan.{p}" for p in OF_A_RUN)])
def test_what_is_no_flag_is_refused(programs, program):
    needed = ["--logdir=x", "--export_dir=x"] if program.endswith("export") else []
    needed = ["--logdir=x"] if program.endswith(("eval", "generate")) else needed
    assert "Unknown command line flag 'stepps'" in programs.fail(program, *needed, "--stepps=3")
    assert "Unexpected arguments: ['steps=3']" in programs.fail(program, *needed, "steps=3")


NO_RUN = "name a run with --logdir"
NO_PATH = "need --data_path"


@pytest.mark.parametrize(
    ("program", "flags", "told"),
    [
        ("eval", [], NO_RUN),
        ("eval", ["--logdir=x", "--dataset=npz"], NO_PATH),
        ("eval", ["--logdir=x", "--dataset=digits", "--data_path=x"], NO_PATH),
        ("export", ["--export_dir=x"], NO_RUN),
        ("export", ["--logdir=x"], "name a folder that is not there yet: --export_dir="),
        ("generate", [], "or an export with --export_dir"),
        ("train", ["--dataset=folder"], NO_PATH),
        ("train_classifier", ["--data_path=x"], NO_PATH),
    ],
)
def test_flags_that_do_not_fit_together_are_refused_in_a_dry_run_too(
    programs, program, flags, told
):
    assert told in programs.fail(program, "--dry_run", *flags)
