"""Spectral norm, clipping and the tensor pool on two replicas (two logical CPUs)."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.strategies import on_two_replicas
from tfgan_lite.features import SpectralNormalization, TensorPool, clip_discriminator_weights

BOUND = 0.1


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def facts(request):
    """What the program found, with Keras 3 and with TF_USE_LEGACY_KERAS=1."""
    legacy = str(int(request.param == "tf_keras"))
    return on_two_replicas(found, TF_USE_LEGACY_KERAS=legacy)


@pytest.mark.slow
def test_u_moves_and_is_the_same_on_both_replicas(facts):
    for start, first, second in facts["u"]:
        assert first == second != start


def test_both_replicas_clip_to_the_bound(facts):
    for start, first, second in facts["weights"]:
        assert first == second != start
        assert np.abs(first).max() <= np.float32(BOUND)


def test_a_generators_sub_step_moves_nothing_of_the_discriminator(facts):
    assert facts["moved by the generator"] == []


@pytest.mark.parametrize("place", ["outside", "in a replica"])
def test_replicas_share_one_pool(facts, place):
    count, records = facts[f"pool made {place}"]
    assert count == 4
    assert sorted(records) == [0.0, 1.0, 2.0, 3.0]


def train(strategy):
    """One sub-step of each network; the discriminator's variables before and after on replicas."""
    with strategy.scope():
        generator = tf.keras.Sequential([tf.keras.layers.Dense(4)])
        generator.build((None, 4))
        discriminator = tf.keras.Sequential(
            [SpectralNormalization(tf.keras.layers.Dense(8)) for _ in range(2)]
        )
        discriminator.build((None, 4))
        numbers = np.random.default_rng(5).normal(size=[6, 4]).astype(np.float32)
        data = tf.data.Dataset.from_tensors(numbers).repeat()
        model = tfgan.gan_model(generator, discriminator, data, data)
        loss = tfgan.gan_loss(model)
        optimizers = tf.keras.optimizers.SGD(0.1), tf.keras.optimizers.SGD(0.1)
        clipped = clip_discriminator_weights(optimizers[1], model, BOUND)
        ops = tfgan.gan_train_ops(model, loss, optimizers[0], clipped)
    session = tfgan.Session(ops.global_step_inc_op.counters, strategy)

    def values():
        variables = model.discriminator_fn.variables
        locals_ = [strategy.experimental_local_results(v) for v in variables]
        return {
            v.name + str(i): [x.numpy().tolist() for x in local]
            for i, (v, local) in enumerate(zip(variables, locals_))
        }

    start = values()
    session.run(ops.generator_train_op)
    after_generator = values()
    session.run(ops.discriminator_train_op)
    end = values()
    return {
        "u": [[start[n][0], *end[n]] for n in start if "vector_u" in n],
        "weights": [[start[n][0], *end[n]] for n in start if "kernel" in n],
        "moved by the generator": [n for n in start if start[n] != after_generator[n]],
    }


def fill_pool(strategy, make_outside):
    """Two batches of one record from each replica."""
    with strategy.scope():
        pool = TensorPool(pool_size=4)
    if make_outside:
        with strategy.scope():
            pool(tf.zeros([0, 2]))

    @tf.function
    def step(number):
        def on_replica():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            return pool(tf.fill([1, 2], number + tf.cast(replica, tf.float32)))

        return strategy.run(on_replica)

    step(tf.constant(0.0))
    step(tf.constant(2.0))
    return int(pool.count.numpy()), pool.buffers[0].numpy()[:, 0].tolist()


def found(strategy):
    """What the tests above look at."""
    facts = train(strategy)
    facts["pool made outside"] = fill_pool(strategy, make_outside=True)
    facts["pool made in a replica"] = fill_pool(strategy, make_outside=False)
    return facts
