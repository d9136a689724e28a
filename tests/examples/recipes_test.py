"""The recipes of docs/recipes.md: commands that exist, and a picture of their curves."""

import importlib.util
import json
import pathlib

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("recipes", ROOT / "docs" / "recipes.py")
recipes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(recipes)


def test_the_page_has_every_recipes_command_and_result():
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    commands = page.replace("\\\n", " ").split("python -m ")
    for name, (rounds, flags) in recipes.RECIPES.items():
        wanted = {f"--max_number_of_steps={rounds}", *flags}
        assert any(wanted <= set(command.split()) for command in commands), name
        assert f"\n| {name} | {rounds:,} | " in page


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_the_program_takes_a_recipes_flags(programs, name):
    rounds, flags = recipes.RECIPES[name]
    said = programs.succeed("train", "--dry_run", f"--max_number_of_steps={rounds}", *flags)
    assert json.loads(said)["max_number_of_steps"] == rounds


def test_a_dry_run_prints_the_commands_and_touches_nothing(tmp_path, capsys):
    recipes.main([str(tmp_path / "runs"), str(tmp_path / "curves.png"), "--dry_run"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(recipes.RECIPES) and not list(tmp_path.iterdir())
    assert all(line.startswith("python -m examples.mnist_gan.train --logdir=") for line in lines)


def test_the_picture_has_a_line_from_a_curves_first_point_to_its_last():
    level = {0: 100.0, 1200: 100.0}
    picture = np.asarray(recipes.draw({"default": level})).astype(int)
    blue = (picture[..., 2] - picture[..., 0] > 100).sum(axis=1)  # In each row of pixels.
    assert blue.max() >= recipes.SIZE[0] - recipes.LEFT - recipes.RIGHT
