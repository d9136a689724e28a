"""`tensor_pool_adjusted_model`: the discriminator is shown whole records of earlier data."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.worlds import Linear, both_worlds, close, every_world, normal
from tfgan_lite.counters import Counters
from tfgan_lite.deferred import defer
from tfgan_lite.models import acgan_model, infogan_model
from tfgan_lite.pooling import tensor_pool_adjusted_model

tfd = tfp.distributions


def turned(record):
    """A pool that turns the order of the batch."""
    return tf.nest.map_structure(lambda x: x[::-1], record)


def shifted(record):
    """A pool that turns the batch by one place, so that no record stays."""
    return tf.nest.map_structure(lambda x: tf.roll(x, 1, axis=0), record)


@every_world
@pytest.mark.parametrize("pool", [turned, shifted])
def test_discriminator_sees_the_pooled_record(run, pool):
    def make_program():
        generator, discriminator = Linear(2, 2), Linear(4, 1)

        def program():
            m = tfgan.gan_model(
                generator,
                lambda x, z: discriminator(tf.concat([x, z], 1)),
                normal(4, 2),
                normal(4, 2),
            )
            pooled = tensor_pool_adjusted_model(m, pool)
            assert type(pooled) is tfgan.GANModel
            return [
                (x.generator_inputs, x.generated_data, x.discriminator_gen_outputs)
                for x in (m, pooled)
            ] + [m.discriminator_real_outputs, pooled.discriminator_real_outputs]

        return program

    fresh, pooled, real, same_real = run(make_program)
    for mine, earlier in zip(fresh, pooled):
        close(earlier, pool(tf.constant(mine)))
        assert not np.allclose(earlier, mine)
    close(real, same_real)


@every_world
def test_codes_are_pooled_with_their_images(run):
    def make_program():
        generator, discriminator = Linear(3, 2), Linear(2, 2)

        def judge(x):
            heads = discriminator(x)
            return heads[:, :1], tfd.Normal(heads[:, 1], 1.0)

        def program():
            m = infogan_model(
                lambda z: generator(tf.concat([z[0], z[1][:, None]], 1)),
                judge,
                normal(4, 2),
                normal(4, 2),
                normal(4),
            )
            pooled = tensor_pool_adjusted_model(m, turned)
            return [
                (
                    x.structured_generator_inputs[0],
                    x.generator_inputs[1],
                    defer(lambda d: d.mean(), x.predicted_distributions[0]),
                    x.discriminator_gen_outputs,
                )
                for x in (m, pooled)
            ]

        return program

    for mine, earlier in zip(*run(make_program)):
        close(earlier, mine[::-1])


@every_world
def test_labels_are_pooled_with_their_images(run):
    """TF-GAN scored pooled images against the labels of the current batch (fault B2)."""

    def make_program():
        generator, discriminator = Linear(3, 3), Linear(3, 4)

        def judge(x):
            heads = discriminator(x)
            return heads[:, :1], heads[:, 1:]

        def program():
            labels = tfgan.from_callable(
                lambda: tf.one_hot(tf.random.uniform([4], 0, 3, tf.int32), 3)
            )
            m = acgan_model(generator, judge, normal(4, 3), labels, labels)
            pooled = tensor_pool_adjusted_model(m, shifted)
            return [
                (
                    x.one_hot_labels,
                    x.generated_data,
                    x.discriminator_gen_outputs,
                    x.discriminator_gen_classification_logits,
                )
                for x in (m, pooled)
            ]

        return program

    fresh, pooled = run(make_program)
    for mine, earlier in zip(fresh, pooled):
        close(earlier, np.roll(mine, 1, axis=0))
    labels, data = pooled[:2]
    close(data, labels @ Linear(3, 3).weights.numpy())  # An image is a function of its label.


@both_worlds
def test_record_may_be_a_structure(run):
    def make_program():
        generator, discriminator = Linear(3, 2), Linear(2, 1)

        def program():
            m = tfgan.gan_model(
                lambda z: {"image": generator(z["noise"]), "label": z["label"]},
                lambda x: discriminator(x["image"]),
                {"image": normal(4, 2), "label": normal(4)},
                {"noise": normal(4, 3), "label": normal(4)},
            )
            pooled = tensor_pool_adjusted_model(m, turned)
            return [(x.generated_data, x.generator_inputs) for x in (m, pooled)]

        return program

    (data, inputs), (earlier_data, earlier_inputs) = run(make_program)
    close(earlier_data["image"], data["image"][::-1])
    close(earlier_data["label"], data["label"][::-1])
    close(earlier_inputs["noise"], inputs["noise"][::-1])


def test_history_stays_aligned_over_many_rounds():
    """Of the records that the library's own pool gives, images still are functions of noise."""
    generator = Linear(2, 2)
    m = tfgan.gan_model(generator, Linear(2, 1), normal(4, 2), normal(4, 2))
    pool = tfgan.features.TensorPool(pool_size=8)
    pooled = tensor_pool_adjusted_model(m, pool)
    session = tfgan.Session(Counters())
    for _ in range(20):
        inputs, data = session.run([pooled.generator_inputs, pooled.generated_data])
        close(data, inputs @ generator.weights.numpy())


def test_pool_runs_once_in_a_run():
    calls = []

    def pool(record):
        calls.append(1)
        return turned(record)

    m = tfgan.gan_model(Linear(2, 2), Linear(2, 1), normal(4, 2), normal(4, 2))
    pooled = tensor_pool_adjusted_model(m, pool)
    total = defer(
        lambda *xs: tf.add_n([tf.reduce_sum(x) for x in xs]),
        pooled.generated_data,
        pooled.generator_inputs,
        pooled.discriminator_gen_outputs,
    )
    assert total.shape == []
    calls.clear()
    total()
    assert len(calls) == 1


def test_statistics_of_a_graph_come_from_real_and_pooled_data():
    """And not from this batch's generated data too, which the discriminator is not trained on."""
    with tf.Graph().as_default() as graph:
        weights, steps = tf.Variable(tf.ones([2, 1])), tf.Variable(0.0, trainable=False)

        def judge(x):
            step = steps.assign_add(1.0)
            graph.add_to_collection(tf.compat.v1.GraphKeys.UPDATE_OPS, step.op)
            return x @ weights

        m = tfgan.gan_model(Linear(2, 2), judge, tf.ones([4, 2]), tf.ones([4, 2]))
        before = list(m.discriminator_fn.update_ops)
        tensor_pool_adjusted_model(m, turned)
        after = m.discriminator_fn.update_ops
        collected = graph.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
    real = set(before) & set(after)
    assert set(collected) == set(after)
    assert len(set(before)) == len(set(after)) == 2
    assert len(real) == 1


BAD_POOLS = {
    "one of two": lambda record: record[:1],
    "data alone": lambda record: record[1],
    "another structure": lambda record: {"inputs": record[0], "data": record},
}


@pytest.mark.parametrize("pool", BAD_POOLS.values(), ids=BAD_POOLS)
def test_pool_that_changes_the_structure_is_an_error(pool):
    m = tfgan.gan_model(Linear(2, 2), Linear(2, 1), normal(4, 2), normal(4, 2))
    with pytest.raises(ValueError, match="tensor_pool_fn must give a record like the one it gets"):
        tensor_pool_adjusted_model(m, pool)


def test_pool_that_cannot_be_called_is_an_error():
    m = tfgan.gan_model(Linear(2, 2), Linear(2, 1), normal(4, 2), normal(4, 2))
    with pytest.raises(TypeError, match="tensor_pool_fn must be a function of a record, got 50"):
        tensor_pool_adjusted_model(m, 50)


def test_another_kind_of_model_is_an_error():
    with pytest.raises(ValueError, match="needs a GANModel.*got a tuple"):
        tensor_pool_adjusted_model((), turned)
