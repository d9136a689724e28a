"""What is true of training in every world and under every schedule."""

import numpy as np
import pytest

from tests.conformance.rows import ROUNDS, SCHEDULES, WORLDS, outcome
from tests.train.linear_gan import BATCH, noise_of, real_of, simulate

every_schedule = pytest.mark.parametrize("schedule", SCHEDULES)
every_world = pytest.mark.parametrize("world", WORLDS)
joint_schedules = pytest.mark.parametrize("schedule", [s for s in SCHEDULES if "joint" in s])
WEIGHTS_OF = {"G": {"a", "b"}, "D": {"c"}}


def expected_trace(schedule):
    return SCHEDULES[schedule].trace


def rounds_of_calls(world, schedule):
    """The rounds that each call of a hook tells of: a call ends where the sub-steps change."""
    calls = []
    for index, sub_steps in enumerate(SCHEDULES[schedule].rounds):
        together = WORLDS[world].rounds_seen > 1 and index > 0
        if together and sub_steps == SCHEDULES[schedule].rounds[index - 1]:
            calls[-1].append(sub_steps)
        else:
            calls.append([sub_steps])
    return calls


def close(expected):
    return pytest.approx(expected, rel=1e-5, abs=1e-6)


def mean_seen(world, batch):
    """The mean that the first replica draws."""
    return batch[: BATCH // WORLDS[world].replicas].mean()


def updates_of(letter, schedule):
    return sum(letter in networks for networks in expected_trace(schedule))


@every_schedule
@every_world
def test_updates_run_in_the_order_of_the_schedule(world, schedule):
    assert outcome(world, schedule).trace == expected_trace(schedule)


@every_schedule
@every_world
def test_every_sub_step_draws_the_next_noise_and_what_is_joined_shares_it(world, schedule):
    expected = {"generator": [], "critic": []}
    for sub_step, networks in enumerate(expected_trace(schedule)):
        for letter, name in (("G", "generator"), ("D", "critic")):
            if letter in networks:
                expected[name].append(mean_seen(world, noise_of(sub_step)))
    drawn = outcome(world, schedule).rows
    assert {name: [row["noise"] for row in rows] for name, rows in drawn.items()} == expected


@every_schedule
@every_world
def test_every_update_of_the_critic_draws_the_next_real_batch(world, schedule):
    drawn = [row["real"] for row in outcome(world, schedule).rows["critic"]]
    assert drawn == [mean_seen(world, real_of(i)) for i in range(updates_of("D", schedule))]


@every_schedule
@every_world
def test_counters_are_exact(world, schedule):
    critic_updates = updates_of("D", schedule)
    assert outcome(world, schedule).counters == {
        "global_step": ROUNDS,
        "generator_updates": updates_of("G", schedule),
        "discriminator_updates": critic_updates,
        "images_seen": BATCH * critic_updates,
    }


@every_schedule
@every_world
def test_gan_train_returns_the_last_global_step(world, schedule):
    assert outcome(world, schedule).returned == ROUNDS


@every_schedule
@every_world
def test_hooks_are_called_with_the_global_step_after_the_round(world, schedule):
    sizes = [len(rounds) for rounds in rounds_of_calls(world, schedule)]
    assert outcome(world, schedule).steps == np.cumsum(sizes).tolist()


@every_schedule
@every_world
def test_hooks_see_the_losses_of_the_very_updates_that_ran(world, schedule):
    expected = simulate(expected_trace(schedule)).losses
    calls = rounds_of_calls(world, schedule)
    for letter, name in (("G", "generator_loss"), ("D", "discriminator_loss")):
        given = [call.get(name, []) for call in outcome(world, schedule).losses]
        sizes = [sum(letter in n for each in rounds for n in each) for rounds in calls]
        assert [len(losses) for losses in given] == sizes
        assert [loss for losses in given for loss in losses] == close(expected[name])


@every_schedule
@every_world
def test_an_update_changes_its_own_network_and_no_other(world, schedule):
    result = outcome(world, schedule)
    seen = {row["noise"]: row for rows in result.rows.values() for row in rows}
    weights = [seen[noise] for noise in sorted(seen)] + [result.weights]
    assert len(weights) == len(expected_trace(schedule)) + 1
    for networks, before, after in zip(expected_trace(schedule), weights, weights[1:]):
        changed = {name for name in "abc" if before[name] != after[name]}
        assert changed == set().union(*(WEIGHTS_OF[letter] for letter in networks))


@every_schedule
@every_world
def test_every_update_is_gradient_descent(world, schedule):
    result, expected = outcome(world, schedule), simulate(expected_trace(schedule))
    for name, rows in expected.rows.items():
        for column in "abc":
            given = [row[column] for row in result.rows[name]]
            assert given == close([row[column] for row in rows]), (name, column)
    assert result.weights == close(expected.weights)


@joint_schedules
@every_world
def test_joint_updates_see_the_same_weights(world, schedule):
    rows = outcome(world, schedule).rows
    by_noise = {row["noise"]: row for row in rows["generator"]}
    together = [row for row in rows["critic"] if row["noise"] in by_noise]
    assert len(together) == updates_of("GD", schedule)
    for row in together:
        assert all(row[name] == by_noise[row["noise"]][name] for name in "abc")


@every_schedule
@pytest.mark.parametrize("world", ["not fused", "several rounds a call"])
def test_fusing_changes_no_bit(world, schedule):
    fused, other = outcome("compiled", schedule), outcome(world, schedule)
    assert other.weights == fused.weights
    assert other.rows == fused.rows


@every_schedule
@pytest.mark.parametrize("world", [w for w in WORLDS if w not in ("graph", "2 replicas")])
def test_the_numbers_of_tf2_are_those_of_the_graph(world, schedule):
    mine, graphs = outcome(world, schedule).weights, outcome("graph", schedule).weights
    assert mine == pytest.approx(graphs, rel=1e-6)


@every_schedule
def test_two_replicas_equal_one_at_the_same_global_batch(schedule):
    two, one = outcome("2 replicas", schedule).weights, outcome("compiled", schedule).weights
    assert two == pytest.approx(one, rel=1e-5)
