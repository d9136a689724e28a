"""Arguments that count something are integers, and a clear error says so."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.integers import checked_integer
from tfgan_lite.train.scheduled_hook import ScheduledTrainOpsHook


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), tf.constant(3)], ids=repr)
def test_an_integer_of_any_kind_becomes_an_int(value):
    number = checked_integer("count", value)
    assert type(number) is int and number == 3


@pytest.mark.parametrize(
    "value", [0, -1, 1.5, 2.0, True, np.True_, "3", "abc", None, [3]], ids=repr
)
def test_what_counts_nothing_is_refused_by_name(value):
    with pytest.raises(ValueError, match="^count must be a positive integer, got "):
        checked_integer("count", value)


def test_the_least_value_is_allowed_and_named():
    assert checked_integer("count", 0, least=0) == 0
    with pytest.raises(ValueError, match="count must be an integer of at least 2, got 1"):
        checked_integer("count", 1, least=2)


def test_without_a_bound_an_integer_may_be_negative():
    assert checked_integer("seed", -3, least=None) == -3
    with pytest.raises(ValueError, match="seed must be an integer, got 1.5"):
        checked_integer("seed", 1.5, least=None)


# What asked no integers of their callers, or asked by errors of Python's own.
COUNTS = {
    "last_step": lambda value: tfgan.StopAtStepHook(last_step=value),
    "num_steps": lambda value: tfgan.StopAtStepHook(num_steps=value),
    "every_n_steps": lambda value: tfgan.LossLoggingHook(value),
    "first_round": lambda value: tfgan.ProfileHook(value, 20),
    "last_round": lambda value: tfgan.ProfileHook(0, value),
    "train_steps": lambda value: tfgan.RunTrainOpsHook(None, value),
    "least": lambda value: tfgan.train.AdaptiveSteps("x", 0.1, 0.2, least=value),
    "batch_size": lambda value: tfgan.generate_stargan_random_domain_target(value, 2),
    "num_domains": lambda value: tfgan.generate_stargan_random_domain_target(4, value),
    "The schedule's number of sub-steps for round 7": lambda value: ScheduledTrainOpsHook(
        [], lambda round_number: value
    ).prepare(7, 1),
    "every": lambda value: tfgan.train.AdaptiveSteps("x", 0.1, 0.2, every=value),
    "steps": lambda value: tfgan.eval.latent_walk(np.ones([2, 1, 2]), value),
    "k": lambda value: tfgan.eval.precision_recall(np.ones([9, 2]), np.ones([9, 2]), k=value),
    "seed": lambda value: tfgan.Session(tfgan.train.Counters(), seed=value),
    "num_channels": lambda value: tfgan.features.MinibatchStdDev(num_channels=value),
    "pool_size": lambda value: tfgan.features.TensorPool(value),
}


@pytest.mark.parametrize("value", ["abc", 2.5, [2]], ids=repr)
@pytest.mark.parametrize("name", COUNTS)
def test_every_count_is_checked_alike(name, value):
    with pytest.raises(ValueError, match=f"{name} must be .*integer.*, got "):
        COUNTS[name](value)
