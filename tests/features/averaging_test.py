"""Averaged weights follow their closed form, and give the variables back as they were."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.strategies import on_two_replicas
from tests.train.linear_gan import in_world
from tfgan_lite.deferred import Deferred
from tfgan_lite.features.averaging import WeightAverage
from tfgan_lite.networks import Network

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2", "function", "XLA"])


def run(world, step, feeds):
    """The values of `step(*feed)` for each feed, in a graph's session or in TF2."""
    if world == "graph":
        with tf.compat.v1.Session() as session:
            holders = [tf.compat.v1.placeholder(tf.float32, []) for _ in feeds[0]]
            fetched = step(*holders)
            session.run(tf.compat.v1.global_variables_initializer())
            return [session.run(fetched, dict(zip(holders, feed))) for feed in feeds]
    if world == "function":
        step = tf.function(step, autograph=False)
    if world == "XLA":
        step = tf.function(step, autograph=False, jit_compile=True)
    feeds = [[tf.constant(x, tf.float32) for x in feed] for feed in feeds]
    return [tf.nest.map_structure(lambda x: x.numpy(), step(*feed)) for feed in feeds]


def closed_form(values, batch, half_life, ramp_up):
    """The average after each value, by its definition."""
    average, seen, averages = values[0], 0, []
    for value in values[1:]:
        shortened = half_life if ramp_up is None else min(half_life, seen * ramp_up)
        beta = 0.5 ** (batch / shortened) if shortened > 0 else 0.0
        average = beta * average + (1 - beta) * value
        averages.append(average)
        seen += batch
    return averages


@both_worlds
@pytest.mark.parametrize("half_life", [0.0, 100.0, 1e6])
@pytest.mark.parametrize("ramp_up", [None, 0.05, 2.0])
def test_the_average_follows_its_closed_form(world, half_life, ramp_up):
    values, batch = np.random.default_rng(0).normal(size=9), 32
    with in_world("graph" if world == "graph" else "TF2"):
        weight = tf.Variable(np.float32(values[0]))
        average = WeightAverage(half_life, ramp_up)
        average.build([weight])

        def step(value, seen):
            assigned = weight.assign(value, read_value=False)
            with tf.control_dependencies([assigned] if world == "graph" else []):
                updated = average.update(batch, seen)
            with tf.control_dependencies([updated] if world == "graph" else []):
                return average.averages[0].read_value()

        averages = run(world, step, feeds=[(v, i * batch) for i, v in enumerate(values[1:])])
    expected = closed_form(values.astype(np.float32), batch, half_life, ramp_up)
    np.testing.assert_allclose(averages, expected, rtol=2e-6)


@pytest.mark.parametrize("batch", [1, 50, 1000])
def test_after_the_half_life_half_of_a_jump_remains_whatever_the_batch(batch):
    weight, average = tf.Variable(0.0), WeightAverage(half_life_images=1000, ramp_up=None)
    average.build([weight])
    weight.assign(1.0)
    for _ in range(1000 // batch):
        average.update(batch, images_seen=0)
    np.testing.assert_allclose(average.averages[0], 0.5, rtol=1e-4)


def test_the_first_update_copies_where_the_half_life_ramps_up():
    weight, average = tf.Variable(0.1), WeightAverage(half_life_images=1e9, ramp_up=0.05)
    average.build([weight])
    weight.assign(12345.678)
    average.update(32, images_seen=0)
    np.testing.assert_array_equal(average.averages[0], weight)


def test_a_small_rate_keeps_its_digits():
    weight, average = tf.Variable(0.0), WeightAverage(half_life_images=1e9, ramp_up=None)
    average.build([weight])
    weight.assign(1.0)
    average.update(1, images_seen=0)
    np.testing.assert_allclose(average.averages[0], -np.expm1(np.log(0.5) / 1e9), rtol=1e-5)


def test_statistics_are_averaged_and_integers_are_not():
    moments, steps = tf.Variable([2.0], trainable=False), tf.Variable(3)
    average = WeightAverage(half_life_images=8, ramp_up=None)
    average.build([moments, steps])
    moments.assign([4.0])
    steps.assign(7)
    average.update(8, images_seen=0)
    with average.averaged():
        np.testing.assert_allclose(moments, [3.0], rtol=1e-6)
        assert steps.numpy() == 7


def test_the_average_of_half_precision_weights_is_moved_by_small_steps():
    weight = tf.Variable(tf.constant(1.0, tf.bfloat16))
    average = WeightAverage(half_life_images=1000, ramp_up=None)
    average.build([weight])
    weight.assign(2.0)
    for _ in range(1000):
        average.update(1, images_seen=0)
    np.testing.assert_allclose(average.averages[0], 1.5, rtol=1e-4)
    with average.averaged():
        assert weight.numpy() == np.float32(1.5)


# Swapping.


@both_worlds
def test_inside_the_variables_are_averaged_and_after_it_they_are_bit_for_bit_their_own(world):
    values = np.random.default_rng(1).normal(size=[2, 5]).astype(np.float32)
    with in_world("graph" if world == "graph" else "TF2"):
        weight = tf.Variable(values[0])
        average = WeightAverage()
        average.build([weight])

        def step(unused):
            assigned = weight.assign(values[1], read_value=False)
            with (
                tf.control_dependencies([assigned] if world == "graph" else []),
                average.averaged() as restored,
            ):
                inside = restored(tf.identity(weight.read_value()))
            with tf.control_dependencies([inside] if world == "graph" else []):
                return inside, tf.identity(weight.read_value())

        ((inside, after),) = run(world, step, feeds=[(0.0,)])
    np.testing.assert_array_equal(inside, values[0])
    np.testing.assert_array_equal(after, values[1])


def test_in_a_graph_a_result_leaves_no_trace_in_the_weights():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        dense = tf.keras.layers.Dense(2)
        dense.build([None, 3])
        kernel = next(v for v in tf.compat.v1.global_variables() if "kernel" in v.name)
        average = WeightAverage()
        average.build(dense.variables)
        session.run(tf.compat.v1.global_variables_initializer())
        trained = np.full([3, 2], 0.1, np.float32)
        session.run(kernel.assign(trained))
        with average.averaged() as restored:
            result = restored({"images": dense(tf.eye(3))})
        before = session.run(average.averages[0])
        for _ in range(3):
            np.testing.assert_array_equal(session.run(result)["images"], before)
            np.testing.assert_array_equal(session.run(kernel), trained)


def test_an_exception_inside_restores_the_variables():
    weight, average = tf.Variable(1.0), WeightAverage()
    average.build([weight])
    weight.assign(2.0)
    with pytest.raises(RuntimeError, match="the user's own"), average.averaged():
        assert weight.numpy() == 1.0
        raise RuntimeError("the user's own")
    assert weight.numpy() == 2.0


def test_a_graph_says_that_results_must_be_restored():
    with tf.Graph().as_default():
        average = WeightAverage()
        average.build([tf.Variable(1.0)])
        with pytest.raises(ValueError, match="0 results went through"), average.averaged():
            pass


# Where its state lives.


PLACES = ["in replicas", "across replicas", "outside"]


@pytest.mark.slow
def test_two_replicas_have_the_same_average():
    assert on_two_replicas(check_all_places) == PLACES


@pytest.mark.parametrize("place", PLACES)
def test_a_strategy_of_one_replica_has_an_average(place):
    check_averages(tf.distribute.MirroredStrategy(["CPU:0"]), place)


def check_all_places(strategy):
    """Where an average was used and was right."""
    for place in PLACES:
        check_averages(strategy, place)
    return PLACES


def check_averages(strategy, place):
    """Fails unless each replica has the average."""
    with strategy.scope():
        weight = tf.Variable(1.0)
        moment = tf.Variable(
            1.0,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.MEAN,
        )
    average = WeightAverage(half_life_images=8, ramp_up=None)
    average.build([weight, moment])
    copies = [strategy.experimental_local_results(v) for v in (*average.averages, weight, moment)]
    for variable in (weight, moment):
        variable.assign(3.0)

    def inside(images):
        average.update(8, images)
        with average.averaged() as restored:
            return restored(weight + moment)

    if place == "in replicas":
        result = tf.function(lambda x: strategy.run(inside, (x,)), autograph=False)(0)
    elif place == "across replicas":
        with strategy.scope():
            result = tf.function(inside, autograph=False)(0)
    else:
        result = inside(0)
    for value in strategy.experimental_local_results(result):
        np.testing.assert_allclose(value, 4.0, rtol=1e-6)
    assert {len(c) for c in copies} == {strategy.num_replicas_in_sync}
    for copy in (*copies[0], *copies[1]):
        np.testing.assert_allclose(copy, 2.0, rtol=1e-6)
    for copy in (*copies[2], *copies[3]):
        assert copy.numpy() == 3.0


def test_a_checkpoint_holds_the_averages(tmp_path):
    weight, average = tf.Variable([1.0, 2.0]), WeightAverage(half_life_images=8)
    average.build([weight])
    path = tf.train.Checkpoint(average=average).write(str(tmp_path / "state"))
    average.averages[0].assign([0.0, 0.0])
    tf.train.Checkpoint(average=average).read(path).assert_consumed()
    np.testing.assert_array_equal(average.averages[0], [1.0, 2.0])


# Bad input.


@pytest.mark.parametrize("half_life", [-1, float("nan"), float("inf"), "10", True, None])
def test_a_bad_half_life_is_refused(half_life):
    with pytest.raises(ValueError, match="half_life_images must be"):
        WeightAverage(half_life)


@pytest.mark.parametrize("ramp_up", [0, -0.05, float("nan"), "0.05", True])
def test_a_bad_ramp_up_is_refused(ramp_up):
    with pytest.raises(ValueError, match="ramp_up must be"):
        WeightAverage(ramp_up=ramp_up)


@pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])
def test_variables_of_mixed_precision_are_the_same_in_a_network_and_in_a_keras_model(keras):
    dense = keras.layers.Dense(2, dtype=keras.mixed_precision.Policy("mixed_float16"))
    keras_model = keras.Sequential([dense])
    keras_model.build([None, 3])
    network = Network(keras_model, "generator")
    network.own(Deferred(lambda: network(tf.ones([1, 3])), "output"))
    average = WeightAverage()
    average.build(keras_model.variables)
    average.build(network.variables)
    assert [v.dtype for v in average.averages] == [tf.float32, tf.float32]


def test_misuse_is_told():
    weight, average = tf.Variable(1.0), WeightAverage()
    with pytest.raises(ValueError, match=r"Call build\(variables\)"):
        average.update(32, 0)
    with pytest.raises(ValueError, match=r"Call build\(variables\)"), average.averaged():
        pass
    with pytest.raises(TypeError, match="variables must be tf.Variables"):
        average.build([tf.constant(1.0)])
    with pytest.raises(ValueError, match="None of the 1 variables is floating"):
        average.build([tf.Variable(1)])
    average.build([weight])
    average.build([weight])
    assert len(average.averages) == 1
    with pytest.raises(ValueError, match="built for other variables"):
        average.build([tf.Variable(1.0)])
    with pytest.raises(ValueError, match="images_in_batch must be >= 0"):
        average.update(-1, 0)
