"""Schedules: which updates a round has."""

import numpy as np
import pytest

import tfgan_lite as tfgan
from tfgan_lite.train import schedule

Steps = tfgan.GANTrainSteps
EVERY_KIND = [schedule.sequential, schedule.joint]
every_kind = pytest.mark.parametrize("kind", EVERY_KIND)


def test_sequential_is_the_generator_and_then_the_discriminator():
    assert schedule.sequential(Steps(2, 3)) == ((("generator",), 2), (("discriminator",), 3))


def test_discriminator_first_turns_the_phases_round():
    phases = schedule.sequential(Steps(2, 3), "discriminator_first")
    assert phases == ((("discriminator",), 3), (("generator",), 2))


@pytest.mark.parametrize(("steps", "alone"), [((3, 5), (0, 2)), ((5, 3), (2, 0)), ((1, 1), (0, 0))])
def test_joint_trains_together_and_then_what_is_left(steps, alone):
    together, generator, discriminator = schedule.joint(Steps(*steps))
    assert together == (("generator", "discriminator"), min(steps))
    assert (generator, discriminator) == (
        (("generator",), alone[0]),
        (("discriminator",), alone[1]),
    )


@every_kind
def test_numpy_integers_are_integers(kind):
    assert kind(Steps(np.int64(2), np.int32(3))) == kind(Steps(2, 3))


@every_kind
@pytest.mark.parametrize("steps", [(-1, 1), (1, -1), (1.5, 1), (1, "1"), (True, 1), (None, 1)])
def test_steps_must_be_integers_of_at_least_0(kind, steps):
    with pytest.raises(ValueError, match="must be an integer of at least 0"):
        kind(Steps(*steps))


@every_kind
def test_a_round_must_train_something(kind):
    with pytest.raises(ValueError, match="would train nothing"):
        kind(Steps(0, 0))


def test_unknown_order_is_refused():
    with pytest.raises(ValueError, match="order must be one of"):
        schedule.sequential(Steps(1, 1), "random")


def test_a_round_in_words():
    assert (
        schedule.describe(schedule.sequential(Steps(1, 5))) == "1 generator, then 5 discriminator"
    )
    assert schedule.describe(schedule.joint(Steps(1, 1))) == "1 generator + discriminator"
