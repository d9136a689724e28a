"""What is true of every kind of model, every loss and every penalty, in every world."""

import numpy as np
import pytest

from tests.conformance.kinds import ROUNDS, ROWS, WORLDS, outcome
from tfgan_lite import losses


def in_every_world(rows):
    """Rows in worlds; without the slow tests kinds in a graph and in TF2, the others in TF2."""

    def is_slow(row, world):
        return world in ("XLA", "2 replicas") or (world == "graph" and row not in KINDS)

    return pytest.mark.parametrize(
        ("row", "world"),
        [
            pytest.param(row, world, marks=[pytest.mark.slow] if is_slow(row, world) else [])
            for row in rows
            for world in WORLDS
        ],
    )


KINDS = ("GAN", "conditional GAN", "InfoGAN", "ACGAN", "CycleGAN", "StarGAN")
every_row_and_world = in_every_world(ROWS)
rows_alike_everywhere = in_every_world([row for row in ROWS if not ROWS[row].of_a_world])
LETTERS = {"generator": "G", "discriminator": "D"}


def role_of(network):
    return network.split("_")[0]


def test_every_loss_of_the_library_has_a_row():
    formulas = {"lecam_penalty": "LeCam", "path_length_penalty": "PathLength"}  # Of these.
    no_losses = {"args_to_gan_model", "discriminator_accuracy", "wargs"}
    used = {name for row in ROWS.values() for name in row.uses}
    expected = {formulas.get(name, name) for name in set(losses.__all__) - no_losses}
    assert expected - used == set()


@every_row_and_world
def test_an_update_changes_the_networks_of_its_role_and_no_others(row, world):
    weights = outcome(row, world).weights
    assert len(weights) == len(ROUNDS) + 1
    for letters, before, after in zip(ROUNDS, weights, weights[1:]):
        changed = {name for name in before if (before[name] != after[name]).any()}
        assert changed == {name for name in before if LETTERS[role_of(name)] in letters}


@every_row_and_world
def test_counters_are_exact(row, world):
    expected = tuple(sum(letter in letters for letters in ROUNDS) for letter in "GD")
    assert outcome(row, world).updates == expected


@every_row_and_world
def test_hooks_see_a_finite_loss_of_every_update(row, world):
    found = outcome(row, world)
    for name in found.weights[0]:
        losses = found.losses[f"{name}_loss"]
        assert len(losses) == sum(LETTERS[role_of(name)] in letters for letters in ROUNDS)
        assert np.isfinite(losses).all()


@rows_alike_everywhere
def test_the_numbers_of_all_worlds_are_those_of_tf2(row, world):
    mine, tf2s = outcome(row, world), outcome(row, "TF2")
    for after, expected in zip(mine.weights, tf2s.weights):
        for name in expected:
            np.testing.assert_allclose(after[name], expected[name], rtol=1e-4, atol=1e-5)
