"""RunTrainOpsHook, FinalOpsHook and users' hooks, as TensorFlow documents the protocol."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, dataset, in_world, noise_of, real_of, simulate
from tfgan_lite.train.ops import update_of

v1 = tf.compat.v1.train
both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


class Diary(v1.SessionRunHook):
    """Writes down how it is called; `on_round` may act as a user's hook does."""

    def __init__(self, on_round=None, name="", calls=None):
        self.calls = [] if calls is None else calls
        self.results = []
        self._on_round = on_round or (lambda number, context: None)
        self._name = name

    def _write(self, call):
        self.calls.append(self._name + call)

    def begin(self):
        self._write("begin")

    def after_create_session(self, session, coord):
        assert hasattr(session, "run") and hasattr(coord, "request_stop")
        self._write("after_create_session")

    def before_run(self, run_context):
        self._write("before_run")
        assert hasattr(run_context.session, "run")
        return self._on_round(self.calls.count(self._name + "before_run"), run_context)

    def after_run(self, run_context, run_values):
        self._write("after_run")
        self.results.append(run_values.results)

    def end(self, session):
        assert hasattr(session, "run")
        self._write("end")


def stop_in_round_2(number, context):
    if number == 2:
        context.request_stop()


def raise_in_round_2(error):
    def on_round(number, context):
        if number == 2:
            raise error

    return on_round


OUT_OF_RANGE = tf.errors.OutOfRangeError(None, None, "the end")
STARTED = ["begin", "after_create_session"]
ROUND = ["before_run", "after_run"]
ENDINGS = {
    "request_stop": (stop_in_round_2, STARTED + 2 * ROUND + ["end"]),
    "OutOfRangeError": (raise_in_round_2(OUT_OF_RANGE), STARTED + ROUND + ["before_run", "end"]),
    "StopIteration": (raise_in_round_2(StopIteration()), STARTED + ROUND + ["before_run", "end"]),
}


@both_worlds
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_normal_stop_calls_end(world, ending):
    on_round, calls = ENDINGS[ending]
    with in_world(world):
        diary = Diary(on_round)
        LinearGAN().train(hooks=[diary])
    assert diary.calls == calls


@both_worlds
def test_another_error_calls_neither_after_run_nor_end(world):
    diary = Diary(raise_in_round_2(KeyError("mine")))
    with in_world(world), pytest.raises(KeyError, match="mine"):
        LinearGAN().train(hooks=[diary])
    assert diary.calls == STARTED + ROUND + ["before_run"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_tf2_calls_hooks_in_the_order_of_tensorflows_own_session(ending):
    on_round, _ = ENDINGS[ending]
    calls = []
    with tf.Graph().as_default():
        step = v1.get_or_create_global_step().assign_add(1)
        hooks = [Diary(name="1 ", calls=calls), Diary(on_round, "2 ", calls)]
        with v1.MonitoredTrainingSession(hooks=hooks, log_step_count_steps=None) as session:
            while not session.should_stop():
                session.run(step)
    mine = []
    hooks = [Diary(name="1 ", calls=mine), Diary(on_round, "2 ", mine)]
    LinearGAN().train(hooks=hooks)
    assert mine == calls


@both_worlds
def test_users_hooks_precede_train_hooks(world):
    """So that they see the counters as they were before the round."""
    seen = []

    def look(number, context):
        seen.append(int(context.session.run(counters.generator_updates)))

    with in_world(world):
        gan = LinearGAN()
        counters = update_of(gan.train_ops.generator_train_op).counters
        gan.train(3, hooks=[Diary(look)])
    assert seen == [0, 1, 2]


@both_worlds
def test_what_a_hook_asks_for_comes_back_in_its_run_values(world):
    with in_world(world):
        gan = LinearGAN()

        def ask(number, context):
            return v1.SessionRunArgs({"a": gan.generator.a, "g": gan.model.generated_data})

        diary = Diary(ask)
        gan.train(1, hooks=[diary], get_hooks_fn=lambda ops: [])
    assert diary.results[0]["a"] == 1.0
    # No train hook drew before, so it is the first noise: g = z + 1/2.
    np.testing.assert_allclose(diary.results[0]["g"][:, 0], noise_of(0) + 0.5)


@both_worlds
def test_a_hook_can_feed_a_value(world):
    with in_world(world):
        gan = LinearGAN()

        def ask(number, context):
            fed = {gan.model.generator_inputs: np.full([4, 1], 2.0, np.float32)}
            return v1.SessionRunArgs(gan.model.generated_data, feed_dict=fed)

        diary = Diary(ask)
        gan.train(1, hooks=[diary], get_hooks_fn=lambda ops: [])
    np.testing.assert_allclose(diary.results[0], np.full([4, 1], 2.5))


class Asking(v1.SessionRunHook):
    """Asks for values; it is called after every round."""

    def __init__(self, ask):
        self.results, self._ask = [], ask

    def before_run(self, run_context):
        return self._ask()

    def after_run(self, run_context, run_values):
        self.results.append(run_values.results)


class AskingWhenDue(Asking):
    """Says when it is due, so that a call may have several rounds."""

    def next_due(self, global_step):
        return global_step + 1


both_paths = pytest.mark.parametrize("kind", [Asking, AskingWhenDue])


@both_paths
def test_what_several_hooks_ask_for_is_of_one_draw(kind):
    gan = LinearGAN(noise=tfgan.normal([1]))

    def ask():
        return v1.SessionRunArgs(gan.model.generated_data)

    first, second = kind(ask), kind(ask)
    gan.train(3, hooks=[first, second])
    np.testing.assert_array_equal(first.results, second.results)


@both_paths
def test_what_a_hook_feeds_holds_however_many_rounds_a_call_has(kind):
    gan = LinearGAN()

    def ask():
        fed = {gan.model.generator_inputs: np.full([4, 1], 2.0, np.float32)}
        return v1.SessionRunArgs([gan.generator.a, gan.model.generated_data], feed_dict=fed)

    hook = kind(ask)
    gan.train(2, hooks=[hook])
    for _, generated in hook.results:
        assert np.unique(generated).size == 1


@both_paths
def test_a_hook_may_ask_for_the_global_step_beside_other_values(kind):
    gan = LinearGAN()

    def ask():
        return v1.SessionRunArgs({"step": gan.train_ops.global_step_inc_op, "a": gan.generator.a})

    hook = kind(ask)
    assert gan.train(3, hooks=[hook]) == 3
    assert [result["step"] for result in hook.results] == [1, 2, 3]


# RunTrainOpsHook


@both_worlds
def test_run_train_ops_hook_keeps_what_its_ops_returned(world):
    with in_world(world):
        gan = LinearGAN()
        hook = tfgan.RunTrainOpsHook(gan.train_ops.generator_train_op, 2)
        gan.train(1, get_hooks_fn=lambda ops: [hook])
    assert hook.value_names == ["generator_loss"]
    losses = simulate(["G", "G"]).losses["generator_loss"]
    np.testing.assert_allclose(hook.values[:, 0], losses, rtol=1e-6)


@both_worlds
def test_run_train_ops_hook_runs_ops_that_gan_train_ops_did_not_make(world):
    with in_world(world):
        gan = LinearGAN()
        count = tf.Variable(0.0)
        op = (
            count.assign_add(1.0)
            if world == "graph"
            else tfgan.Deferred(lambda: count.assign_add(1.0), "own")
        )
        hook = tfgan.RunTrainOpsHook(op, 2)
        gan.train(1, get_hooks_fn=lambda ops: [hook])
    assert hook.values.ravel().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("steps", [-1, 1.5, True, "1"])
def test_run_train_ops_hook_checks_its_steps(steps):
    with pytest.raises(ValueError, match="train_steps must be"):
        tfgan.RunTrainOpsHook(None, steps)


@both_worlds
def test_a_hook_of_0_steps_trains_nothing(world):
    with in_world(world):
        gan = LinearGAN()
        hook = tfgan.RunTrainOpsHook(gan.train_ops.generator_train_op, 0)
        final = tfgan.FinalOpsHook(gan.weights)
        gan.train(2, hooks=[final], get_hooks_fn=lambda ops: [hook])
    assert final.final_ops_values == {"a": 1.0, "b": 0.5, "c": -0.75}


# FinalOpsHook


def final_values(world, ops_of, rounds=1, feed=None, **arguments):
    with in_world(world):
        gan = LinearGAN(**arguments)
        hook = tfgan.FinalOpsHook(ops_of(gan), feed(gan) if feed else None)
        gan.train(rounds, hooks=[hook], get_hooks_fn=lambda ops: [])
    return hook.final_ops_values


@both_worlds
def test_final_ops_may_be_one_value(world):
    assert final_values(world, lambda gan: gan.generator.a) == 1.0


@both_worlds
def test_final_ops_come_back_in_their_structure(world):
    values = final_values(world, lambda gan: {"x": [gan.generator.a, {"y": gan.critic.c}]})
    assert values == {"x": [1.0, {"y": -0.75}]}


@both_worlds
def test_final_ops_may_be_callables(world):
    values = final_values(
        world, lambda gan: [lambda: tf.constant(2.0), lambda: np.arange(3), gan.generator.b]
    )
    assert values[0] == 2.0 and values[2] == 0.5
    assert values[1].tolist() == [0, 1, 2]


@both_worlds
def test_final_ops_are_numpy_values(world):
    assert isinstance(final_values(world, lambda gan: gan.critic.c), (np.ndarray, np.generic))


def test_a_metric_as_a_final_op_is_refused_with_what_to_write():
    final = tfgan.FinalOpsHook({"distance": tfgan.eval.FrechetDistance()})
    with pytest.raises(TypeError, match=r"is a metric.*evaluate\(model, reference, \[metric\]\)"):
        LinearGAN().train(1, hooks=[final])


@both_worlds
def test_final_ops_can_be_fed(world):
    def feed(gan):
        return {gan.model.generator_inputs: np.zeros([4, 1], np.float32)}

    values = final_values(world, lambda gan: gan.model.generated_data, feed=feed)
    np.testing.assert_array_equal(values, np.full([4, 1], 0.5))


@both_worlds
def test_final_ops_run_when_a_hook_stops_early(world):
    with in_world(world):
        gan = LinearGAN()
        hook = tfgan.FinalOpsHook(gan.generator.a)
        gan.train(100, hooks=[hook, Diary(stop_in_round_2)], get_hooks_fn=lambda ops: [])
    assert hook.final_ops_values == 1.0


@both_worlds
def test_final_ops_run_when_the_data_has_ended(world):
    with in_world(world):
        gan = LinearGAN(real=dataset(real_of, batches=2))
        counters = update_of(gan.train_ops.generator_train_op).counters
        hook = tfgan.FinalOpsHook(counters.discriminator_updates)
        gan.train(hooks=[hook])
    assert hook.final_ops_values == 2


def test_final_ops_draw_no_training_data():
    gan = LinearGAN()
    hook = tfgan.FinalOpsHook(gan.model.real_data)
    gan.train(2, hooks=[hook])
    np.testing.assert_allclose(hook.final_ops_values[:, 0], real_of(0))  # A pass of its own.


@both_worlds
def test_final_values_are_none_before_the_end(world):
    seen = []
    with in_world(world):
        gan = LinearGAN()
        hook = tfgan.FinalOpsHook(gan.generator.a)
        diary = Diary(lambda number, context: seen.append(hook.final_ops_values))
        gan.train(2, hooks=[hook, diary])
    assert seen == [None, None]


@both_worlds
def test_final_values_are_none_after_an_error(world):
    with in_world(world):
        gan = LinearGAN()
        hook = tfgan.FinalOpsHook(gan.generator.a)
        with pytest.raises(KeyError):
            gan.train(hooks=[hook, Diary(raise_in_round_2(KeyError()))])
    assert hook.final_ops_values is None


# TensorFlow's own hooks

TENSORFLOWS = {
    "LoggingTensorHook": (lambda: v1.LoggingTensorHook(["x"], 1), "LossLoggingHook"),
    "StopAtStepHook": (lambda: v1.StopAtStepHook(num_steps=1), "tfgan_lite.StopAtStepHook"),
    "NanTensorHook": (lambda: v1.NanTensorHook("x"), "NanGuardHook"),
    "FinalOpsHook": (lambda: v1.FinalOpsHook("x"), "tfgan_lite.FinalOpsHook"),
    "StepCounterHook": (lambda: v1.StepCounterHook(output_dir="x"), "ProgressHook"),
}


@pytest.mark.parametrize("kind", TENSORFLOWS)
def test_in_tf2_an_error_names_our_counterpart_of_tensorflows_hook(kind):
    make, counterpart = TENSORFLOWS[kind]
    with pytest.raises(TypeError, match=f"{kind} works on graph tensors only.*{counterpart}"):
        LinearGAN().train(hooks=[make()])


def test_in_tf2_the_error_knows_what_is_made_of_tensorflows_hooks_too():
    class StopsLate(v1.StopAtStepHook):
        pass

    with pytest.raises(TypeError, match="StopAtStepHook works on graph tensors only"):
        LinearGAN().train(hooks=[StopsLate(num_steps=1)])


def test_in_a_graph_tensorflows_hooks_work():
    with in_world("graph"):
        gan = LinearGAN()
        final = v1.FinalOpsHook(gan.generator.a.value())
        stop = v1.StopAtStepHook(num_steps=2)
        assert gan.train(hooks=[stop, final], get_hooks_fn=lambda ops: []) == 2
    assert final.final_ops_values == 1.0
