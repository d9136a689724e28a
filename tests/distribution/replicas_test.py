"""Several replicas of one process train as one device does with the same global batch."""

import functools
import tempfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.distribution.small_gan import BATCH, NOISE, SIZE, Losses, SmallGAN
from tests.strategies import on_replicas, started
from tfgan_lite.train.optimizers import check_optimizer
from tfgan_lite.train.replica_data import ReplicaIterator

ROUNDS = 6
REPLICAS = [
    pytest.param(1, marks=pytest.mark.slow),
    2,
    pytest.param(4, marks=pytest.mark.slow),
]


def outcome(strategy, jit_compile=False, **arguments):
    """What came of `ROUNDS` rounds."""
    gan, losses = SmallGAN(strategy, **arguments), Losses()
    gan.train(ROUNDS, hooks=[losses], jit_compile=jit_compile)
    trained = gan.weights(trainable=True)
    return {
        "weights": gan.weights(),
        "trained": trained,
        "losses": losses.values,
        "counts": gan.counts(),
    }


def resumed(strategy):
    """Weights after `ROUNDS` rounds, in one go and in two."""
    with tempfile.TemporaryDirectory() as logdir:
        SmallGAN(strategy).train(ROUNDS // 2, logdir)
        second = SmallGAN(strategy)
        second.train(ROUNDS, logdir)
    return second.weights()


def noise(strategy, seeds):
    """The noise of each example of two runs, for each seed."""
    gan = SmallGAN(strategy, noise=tfp.distributions.Normal(tf.zeros([NOISE]), 1.0))
    sessions = [tfgan.Session(gan.counters, strategy, seed) for seed in seeds]
    fetch = gan.model.generator_inputs
    return [np.concatenate([session.run(fetch), session.run(fetch)]) for session in sessions]


def after_a_bad_example(strategy):
    """The error, and weights before and after, where the last example of a batch is not finite."""
    batch = np.ones([BATCH, SIZE], np.float32)
    batch[-1] = np.nan
    gan = SmallGAN(strategy, real=tf.data.Dataset.from_tensors(batch).repeat())
    before = gan.weights(trainable=True)
    hooks = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(0, 1))
    try:
        gan.train(1, get_hooks_fn=hooks)
        error = None
    except tfgan.NanLossError as caught:
        error = str(caught)
    return error, before, gan.weights(trainable=True), gan.counts()


def past_a_bad_batch(strategy):
    """What came of `ROUNDS` rounds where the second batch's last example is not finite."""
    batches = np.random.default_rng(1).normal(size=[5, BATCH, SIZE]).astype(np.float32)
    batches[1, -1] = np.nan
    losses = Losses()
    gan = SmallGAN(strategy, real=tf.data.Dataset.from_tensor_slices(batches).repeat())
    gan.train(ROUNDS, hooks=[losses], nan_policy="skip")
    return gan.weights(), losses.values, gan.counts()


def error_of(strategy, **batching):
    """What is said of global batches like these."""
    data = tf.data.Dataset.from_tensor_slices(np.ones([20, SIZE], np.float32)).repeat()
    try:
        ReplicaIterator(data.batch(**batching), strategy)
    except ValueError as error:
        return str(error)


def with_and_without_xla(strategy):
    """What came of both."""
    return [outcome(strategy, jit, synchronized=False) for jit in (True, False)]


def facts(strategy):
    """What the tests look at."""
    return {
        "synchronized": outcome(strategy),
        "local": outcome(strategy, synchronized=False),
        "resumed": resumed(strategy),
        "noise": noise(strategy, seeds=(0, 0, 1)),
        "bad example": after_a_bad_example(strategy),
        "unknown batch size": error_of(strategy, batch_size=BATCH),
        "odd batch size": error_of(strategy, batch_size=BATCH - 1, drop_remainder=True),
    }


facts_of = functools.cache(lambda replicas: on_replicas(replicas, facts))


@functools.cache
def one_device():
    # In a process of its own: a global seed that another test left would shuffle the data anew.
    with started(outcome, None) as process:
        return process.result()


every_number = pytest.mark.parametrize("replicas", REPLICAS)


@every_number
def test_replicas_equal_one_device_at_the_same_global_batch(replicas):
    found, expected = facts_of(replicas)["synchronized"], one_device()
    assert len(found["weights"]) == replicas
    for weights in found["weights"]:
        for mine, its in zip(weights, expected["weights"][0], strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-5)


@every_number
def test_losses_are_those_of_the_global_batch(replicas):
    found, expected = facts_of(replicas)["synchronized"]["losses"], one_device()["losses"]
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5)


@every_number
def test_every_replicas_examples_are_counted(replicas):
    expected = (ROUNDS, ROUNDS, 2 * ROUNDS, 2 * ROUNDS * BATCH)
    assert facts_of(replicas)["synchronized"]["counts"] == expected


@every_number
def test_a_resumed_run_goes_on_in_the_data_bit_for_bit(replicas):
    found = facts_of(replicas)
    for mine, its in zip(found["resumed"], found["synchronized"]["weights"], strict=True):
        for resumed_one, undisturbed in zip(mine, its, strict=True):
            np.testing.assert_array_equal(resumed_one, undisturbed)


@every_number
def test_noise_differs_between_replicas_and_follows_the_seed(replicas):
    first, again, other = facts_of(replicas)["noise"]
    assert first.shape == (2 * BATCH, NOISE)
    assert len(np.unique(first, axis=0)) == 2 * BATCH
    np.testing.assert_array_equal(first, again)
    assert not np.intersect1d(first, other).size


def test_local_batch_norm_takes_the_moments_of_its_replica():
    """Other numbers than those of the global batch, the same trained weights on each replica."""
    found, whole = facts_of(2)["local"]["trained"], one_device()["trained"][0]
    assert max(np.abs(a - b).max() for a, b in zip(found[0], whole)) > 1e-3
    for first, second in zip(*found, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [1, 2])
def test_xla_gives_the_same_numbers(replicas):
    by_xla, plain = on_replicas(replicas, with_and_without_xla)
    for name, values in plain["losses"].items():
        np.testing.assert_allclose(by_xla["losses"][name], values, rtol=1e-4)
    for mine, its in zip(by_xla["weights"], plain["weights"], strict=True):
        for one, other in zip(mine, its, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_one_replicas_bad_example_stops_all_before_any_update():
    error, before, after, counts = facts_of(2)["bad example"]
    assert "Loss is not finite: discriminator_loss" in error
    assert counts == (0, 0, 0, 0)
    for earlier, later in zip(before, after, strict=True):
        for one, other in zip(earlier, later, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_all_replicas_skip_what_is_bad_on_one():
    """All that the update changed is put back, batch norm's moments and Adam's among it."""
    with started(past_a_bad_batch, None) as process:
        whole, expected_losses, expected_counts = process.result()
    weights, losses, counts = on_replicas(2, past_a_bad_batch)
    bad = 3  # The second, seventh and last of the twelve that the discriminator gets.
    assert counts == expected_counts == (ROUNDS, ROUNDS, 12 - bad, (12 - bad) * BATCH)
    for name, values in expected_losses.items():
        np.testing.assert_allclose(losses[name], values, rtol=1e-5)
    for replica in weights:
        for mine, its in zip(replica, whole[0], strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-5)


def test_batches_that_cannot_be_cut_are_refused():
    assert "drop_remainder=True" in facts_of(2)["unknown batch size"]
    assert "A batch of 7 examples cannot be cut" in facts_of(2)["odd batch size"]


def test_a_strategy_with_parameter_servers_is_refused():
    with pytest.raises(ValueError, match="CentralStorageStrategy.* is not supported"):
        SmallGAN(tf.distribute.experimental.CentralStorageStrategy())


def place_found_again(strategy):
    """What comes after the second batch, in one go and after a checkpoint there."""
    images = tfgan.data.from_arrays(np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1))
    read = [ReplicaIterator(images.batches(4, value_range="uint8"), strategy) for _ in range(2)]
    for _ in range(2):
        read[0].get_next()
    with tempfile.TemporaryDirectory() as folder:
        path = tf.train.Checkpoint(data=read[0].iterator).write(f"{folder}/data")
        tf.train.Checkpoint(data=read[1].iterator).read(path).assert_consumed()
    parts = [strategy.experimental_local_results(each.get_next()) for each in read]
    return [[part.numpy().ravel().tolist() for part in each] for each in parts]


def test_the_place_in_tfgan_datas_batches_is_saved():
    """They ask for symbolic checkpoints, which data cut for replicas do not have."""
    in_one_go, after_a_checkpoint = on_replicas(2, place_found_again)
    assert after_a_checkpoint == in_one_go
    assert len(in_one_go) == 2


def errors_outside_the_scope(strategy):
    """What is said of optimizers made outside, and of training inside what was made outside."""
    made_outside = SmallGAN(tf.distribute.get_strategy())
    with strategy.scope(), pytest.raises(ValueError) as training:
        made_outside.train(1)
    adam = tf.keras.optimizers.Adam(0.1)
    with strategy.scope(), pytest.raises(ValueError) as making:
        network = tf.keras.Sequential([tf.keras.Input([2]), tf.keras.layers.Dense(2)])
        check_optimizer(adam, "generator", network.trainable_variables)
    return str(training.value), str(making.value)


def test_an_optimizer_made_outside_the_scope_is_an_error():
    for message in on_replicas(2, errors_outside_the_scope):
        assert "generator's optimizer was made outside the scope of the MirroredStrategy" in message
