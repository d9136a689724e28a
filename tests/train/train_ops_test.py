"""gan_train_ops: optimizers, options, checks, and train ops called on their own."""

import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tests.train.linear_gan import BATCH, LinearGAN, dataset, in_world, noise_of, real_of, simulate
from tfgan_lite.train.ops import update_of

v1 = tf.compat.v1.train
both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])
RATE = 1 / 8
OPTIMIZERS = {
    "Keras 3": ("TF2", lambda: tf.keras.optimizers.SGD(RATE)),
    "tf_keras": ("TF2", lambda: tf_keras.optimizers.SGD(RATE)),
    "tf_keras legacy": ("TF2", lambda: tf_keras.optimizers.legacy.SGD(RATE)),
    "Keras 3 in a graph": ("graph", lambda: tf.keras.optimizers.SGD(RATE)),
    "v1 in a graph": ("graph", lambda: v1.GradientDescentOptimizer(RATE)),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_optimizers_of_every_kind_make_the_same_updates(kind):
    world, optimizer = OPTIMIZERS[kind]
    with in_world(world):
        gan = LinearGAN(optimizer=optimizer)
        final = tfgan.FinalOpsHook(gan.weights)
        gan.train(2, hooks=[final])
    assert final.final_ops_values == pytest.approx(simulate(["G", "D"] * 2).weights, rel=1e-5)


class Clipped(tf.keras.constraints.Constraint):
    """As the first Wasserstein GANs have it, arXiv:1701.07875."""

    def __call__(self, weights):
        return tf.clip_by_value(weights, -0.01, 0.01)


class Wrapped(tf.Module):
    """A module that does not list the variables of the Keras layer that it has."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def __call__(self, data):
        return self.layer(data)


def train_critic(make_optimizer, wrap=lambda layer: layer, **options):
    """The largest weight of a critic whose weights are clipped, after three rounds."""
    dense, sequential = tf.keras.layers.Dense, tf.keras.Sequential
    generator = sequential([tf.keras.Input([3]), dense(2)])
    critic = sequential([tf.keras.Input([2]), dense(8, kernel_constraint=Clipped()), dense(1)])
    data = tf.data.Dataset.from_tensors(tf.ones([4, 2])).repeat()
    model = tfgan.gan_model(generator, wrap(critic), data, tfgan.normal([3]))
    optimizers = [make_optimizer() for _ in range(2)]
    final = tfgan.FinalOpsHook(model.discriminator_variables[0])
    tfgan.gan_train(
        tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers),
        None,
        hooks=[tfgan.StopAtStepHook(num_steps=3), final],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        **options,
    )
    return np.abs(final.final_ops_values).max()


KERAS_OPTIMIZERS = {
    name: make
    for name, make in vars(tf.keras.optimizers).items()
    if isinstance(make, type) and "learning_rate" in inspect.signature(make).parameters
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KERAS_OPTIMIZERS)
def test_each_optimizer_of_keras_trains_a_model_and_keeps_its_constraints(name):
    found = train_critic(lambda: KERAS_OPTIMIZERS[name](0.05), jit_compile=False)
    assert 0.0 < found <= 0.0101


def test_constraints_hold_in_a_graph():
    with tf.Graph().as_default():
        assert 0.0 < train_critic(lambda: tf.keras.optimizers.SGD(0.05)) <= 0.0101


@pytest.mark.slow
@pytest.mark.parametrize("inner", [tf.keras.optimizers.SGD, tf.keras.optimizers.Adam])
def test_constraints_hold_with_xla_and_a_loss_scale(inner):
    optimizer = tf.keras.optimizers.LossScaleOptimizer
    assert 0.0 < train_critic(lambda: optimizer(inner(0.05)), jit_compile=True) <= 0.0101


def test_keras_layers_in_a_module_are_trained():
    found = train_critic(lambda: tf.keras.optimizers.Adam(0.05), Wrapped, jit_compile=False)
    assert 0.0 < found <= 0.0101


class TwoLayers(tf.keras.Model):
    """A model in which Keras gives the weights of all layers the same name."""

    def __init__(self):
        super().__init__(name="critic")
        self.first, self.second = tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)

    def call(self, data):
        return self.second(self.first(data))


def test_gradient_norms_are_told_apart_by_the_paths_of_variables():
    generator = tf.keras.Sequential([tf.keras.Input([3]), tf.keras.layers.Dense(2)])
    data = tf.data.Dataset.from_tensors(tf.ones([4, 2])).repeat()
    model = tfgan.gan_model(generator, TwoLayers(), data, tfgan.normal([3]))
    optimizers = [tf.keras.optimizers.SGD() for _ in range(2)]
    ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers, summarize_gradients=True)
    names = update_of(ops.discriminator_train_op).gradient_norm_names
    assert len(set(names)) == 4
    assert all(name.startswith("critic/dense") for name in names)


def test_an_optimizers_slots_are_there_before_training():
    gan = LinearGAN(optimizer=lambda: tf.keras.optimizers.Adam())
    assert len(gan.optimizers[0].variables) == 2 + 2 * 3  # Step and rate; two for each variable.


@pytest.mark.skipif(not hasattr(tf.keras.optimizers, "Muon"), reason="an earlier Keras has no Muon")
def test_an_optimizer_that_needs_keras_layers_is_refused_for_other_variables():
    weights, critic = tf.Variable(tf.ones([2, 2])), tf.Variable(tf.ones([2, 1]))
    ones = tfgan.constant(tf.ones([4, 2]))
    model = tfgan.gan_model(lambda z: z @ weights, lambda x: x @ critic, ones, ones)
    muon = tf.keras.optimizers.Muon
    with pytest.raises(TypeError, match="Muon cannot train variables that are not those of Keras"):
        tfgan.gan_train_ops(model, tfgan.gan_loss(model), muon(0.01), muon(0.01))


def test_a_v1_optimizer_needs_a_graph():
    with pytest.raises(TypeError, match="tf.compat.v1.train.AdamOptimizer, which needs a tf.Graph"):
        LinearGAN(optimizer=v1.AdamOptimizer)


@both_worlds
@pytest.mark.parametrize("wrong", ["adam", None, tf.keras.optimizers.SGD], ids=repr)
def test_what_is_no_optimizer_is_refused(world, wrong):
    with in_world(world):
        gan = LinearGAN()
        with pytest.raises((TypeError, ValueError), match="optimizer must be a Keras optimizer"):
            tfgan.gan_train_ops(gan.model, gan.loss, wrong, tf.keras.optimizers.SGD())


@both_worlds
@pytest.mark.parametrize("wrong", ["adam", 0.001, tf.keras.optimizers.SGD], ids=repr)
def test_what_is_no_optimizer_is_refused_as_such_for_both_networks(world, wrong):
    with in_world(world):
        gan = LinearGAN()
        with pytest.raises(TypeError, match="optimizer must be a Keras optimizer"):
            tfgan.gan_train_ops(gan.model, gan.loss, wrong, wrong)


@both_worlds
def test_networks_cannot_share_a_keras_optimizer(world):
    with in_world(world):
        gan, optimizer = LinearGAN(), tf.keras.optimizers.SGD()
        with pytest.raises(ValueError, match="share one Keras optimizer"):
            tfgan.gan_train_ops(gan.model, gan.loss, optimizer, optimizer)


@both_worlds
def test_unknown_keywords_are_refused(world):
    with in_world(world), pytest.raises(TypeError, match="unexpected keyword argument 'clip'"):
        LinearGAN(clip=1.0)


@pytest.mark.parametrize("option", ["update_ops", "gate_gradients"])
def test_options_of_graphs_are_refused_in_tf2(option):
    with pytest.raises(ValueError, match=f"{option} has a meaning only in a tf.Graph"):
        LinearGAN(**{option: []})


def test_gan_train_ops_has_no_place_in_a_function():
    gan = LinearGAN()

    @tf.function(autograph=False)
    def call():
        tfgan.gan_train_ops(gan.model, gan.loss, *gan.optimizers)

    with pytest.raises(ValueError, match="no place inside a tf.function"):
        call()


def sgd_pair():
    return tf.keras.optimizers.SGD(RATE), tf.keras.optimizers.SGD(RATE)


@both_worlds
def test_losses_must_be_scalars(world):
    with in_world(world):
        gan = LinearGAN()
        loss = tfgan.gan_loss(gan.model, reduction=tf.compat.v1.losses.Reduction.NONE)
        with pytest.raises(ValueError, match=r"must be a scalar, but has shape \(4, 1\)"):
            tfgan.gan_train_ops(gan.model, loss, *sgd_pair())


def test_an_eager_loss_is_refused():
    gan = LinearGAN()
    loss = gan.loss._replace(generator_loss=gan.loss.generator_loss())
    with pytest.raises(TypeError, match="generator's loss is an eager value"):
        tfgan.gan_train_ops(gan.model, loss, *sgd_pair())


@both_worlds
def test_a_network_without_trainable_variables_is_refused(world):
    with in_world(world):
        model = tfgan.gan_model(
            lambda z: z, lambda x: x, real_data=dataset(real_of), generator_inputs=dataset(noise_of)
        )
        with pytest.raises(ValueError, match="generator has no trainable variables"):
            tfgan.gan_train_ops(model, tfgan.gan_loss(model), *sgd_pair())


@both_worlds
def test_variables_to_train_leaves_the_others_alone(world):
    with in_world(world):
        gan = LinearGAN()
        chosen = [gan.generator.b, gan.critic.c]
        ops = tfgan.gan_train_ops(gan.model, gan.loss, *sgd_pair(), variables_to_train=chosen)
        final = tfgan.FinalOpsHook(gan.weights)
        gan.train_ops = ops
        gan.train(1, hooks=[final])
    weights = final.final_ops_values
    assert weights["a"] == 1.0
    assert weights["b"] == pytest.approx(0.5 - 0.75 / 8)  # d/db = -c = 3/4.
    assert weights["c"] != -0.75


def test_variables_to_train_may_be_those_of_tf_keras_that_cast_themselves():
    dense = [tf_keras.layers.Dense(1, dtype="mixed_bfloat16") for _ in range(2)]
    inputs = tfgan.constant(tf.ones([4, 1]))
    model = tfgan.gan_model(*dense, inputs, inputs, check_shapes=False)
    ops = tfgan.gan_train_ops(
        model, tfgan.gan_loss(model), *sgd_pair(), variables_to_train=[d.kernel for d in dense]
    )
    for op, layer in zip(ops, dense):
        (trained,) = update_of(op).variables
        assert trained is layer.kernel._variable


def test_variables_to_train_that_no_network_owns_are_refused():
    chosen = [tf.Variable(1.0, name="stranger")]
    with pytest.raises(ValueError, match="that no network owns: .*stranger"):
        LinearGAN(variables_to_train=chosen)


@both_worlds
def test_transform_grads_fn_maps_the_gradients(world):
    with in_world(world):
        gan = LinearGAN(transform_grads_fn=lambda pairs: [(2 * g, v) for g, v in pairs])
        final = tfgan.FinalOpsHook(gan.generator.b)
        gan.train(1, hooks=[final])
    assert final.final_ops_values == pytest.approx(0.5 - 2 * 0.75 / 8)


@both_worlds
def test_summarize_gradients_reports_the_norm_of_each_variables_gradient(world):
    with in_world(world):
        gan = LinearGAN(summarize_gradients=True)
        hook = tfgan.RunTrainOpsHook(gan.train_ops.generator_train_op, 1)
        gan.train(1, get_hooks_fn=lambda ops: [hook])
    found = dict(zip(hook.value_names, hook.values[0]))
    names = {"a_gradient_norm": 0.75 * noise_of(0).mean(), "b_gradient_norm": 0.75}
    for name, norm in names.items():
        (value,) = [v for k, v in found.items() if k.endswith(name)]
        assert value == pytest.approx(norm)


def test_update_ops_replace_what_the_networks_calls_made():
    with in_world("graph"):
        count = tf.Variable(0, trainable=False)
        gan = LinearGAN(update_ops=[count.assign_add(1).op])
        final = tfgan.FinalOpsHook(count)
        gan.train(3, hooks=[final])
    assert final.final_ops_values == 2 * 3


def test_update_ops_that_no_network_made_are_refused():
    with in_world("graph"):
        count = tf.Variable(0, trainable=False)
        tf.compat.v1.add_to_collection("update_ops", count.assign_add(1).op)
        with pytest.raises(ValueError, match="update ops that no network made"):
            LinearGAN()
        LinearGAN(check_for_unused_update_ops=False)


# Train ops called on their own


def test_a_train_op_called_outside_a_session_makes_one_update():
    gan = LinearGAN()
    expected = simulate(["G", "D", "G"])
    losses = [
        float(gan.train_ops.generator_train_op()),
        float(gan.train_ops.discriminator_train_op()),
        float(gan.train_ops.generator_train_op()),
    ]
    assert losses[::2] == pytest.approx(expected.losses["generator_loss"])
    assert losses[1:2] == pytest.approx(expected.losses["discriminator_loss"])
    weights = {name: float(v.numpy()) for name, v in gan.weights.items()}
    assert weights == pytest.approx(expected.weights)


def test_updates_called_outside_a_session_are_counted():
    gan = LinearGAN()
    gan.train_ops.discriminator_train_op()
    assert int(gan.train_ops.global_step_inc_op()) == 1
    counters = update_of(gan.train_ops.generator_train_op).counters
    assert int(counters.images_seen.numpy()) == BATCH


def test_sequential_train_steps_serve_a_slim_style_loop():
    with in_world("graph"):
        gan = LinearGAN()
        step_fn = tfgan.get_sequential_train_steps(tfgan.GANTrainSteps(1, 2))
        global_step = v1.get_global_step()
        stop = tf.equal(global_step, 2)
        with v1.MonitoredTrainingSession(log_step_count_steps=None) as session:
            results = [
                step_fn(session, gan.train_ops, global_step, {"should_stop": stop})
                for _ in range(2)
            ]
    losses = simulate(["G", "D", "D"] * 2).losses
    generator, discriminator = losses["generator_loss"], losses["discriminator_loss"]
    sums = [generator[i] + sum(discriminator[2 * i : 2 * i + 2]) for i in range(2)]
    np.testing.assert_allclose([total for total, _ in results], sums, rtol=1e-5)
    assert [should_stop for _, should_stop in results] == [False, True]


def test_sequential_train_steps_sum_the_losses_of_both_directions_of_a_cyclegan():
    losses = {"G": (1.0, 2.0), "D": (10.0, 20.0)}

    class Session:
        def run(self, fetches):
            return losses.get(fetches)

    train_ops = tfgan.GANTrainOps("G", "D", "increment", ())
    step_fn = tfgan.get_sequential_train_steps(tfgan.GANTrainSteps(1, 2))
    assert step_fn(Session(), train_ops, None, {}) == (63.0, False)
