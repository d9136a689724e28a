"""Statistics, of batch norm say, move in their own network's updates, and nowhere else."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import dataset, in_world, noise_of, real_of

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])
MOMENTUM = 0.5


class Normalised(tf.Module):
    """A weight, and the running mean of the data as batch norm keeps it."""

    def __init__(self, name):
        super().__init__(name=name)
        self.weight = tf.Variable(1.0, name=f"{name}_weight")
        self.mean = tf.Variable(0.0, trainable=False, name=f"{name}_mean")

    def __call__(self, data, training=False):
        batch_mean = tf.reduce_mean(data)
        if not training:
            return self.weight * (data - self.mean)
        # In a graph, an op that only the network's own updates run.
        self.mean.assign_sub((1 - MOMENTUM) * (self.mean - batch_mean))
        return self.weight * (data - tf.stop_gradient(batch_mean))


def means_after_one_update(world, network, **loss_options):
    """The running means of both networks after one update of one of them."""
    with in_world(world):
        generator, critic = Normalised("generator"), Normalised("critic")
        model = tfgan.gan_model(
            generator, critic, real_data=dataset(real_of), generator_inputs=dataset(noise_of)
        )
        loss = tfgan.gan_loss(model, **loss_options)
        optimizers = [tf.keras.optimizers.SGD(0.1) for _ in range(2)]
        ops = tfgan.gan_train_ops(model, loss, *optimizers)
        op = getattr(ops, f"{network}_train_op")
        final = tfgan.FinalOpsHook([generator.mean, critic.mean])
        tfgan.gan_train(
            ops,
            logdir=None,
            get_hooks_fn=lambda ops: [tfgan.RunTrainOpsHook(op, 1)],
            hooks=[tfgan.StopAtStepHook(1), final],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            jit_compile=False,
        )
    return [float(value) for value in final.final_ops_values]


@both_worlds
def test_the_generators_update_moves_the_generators_statistics_only(world):
    generator, critic = means_after_one_update(world, "generator")
    assert generator == pytest.approx((1 - MOMENTUM) * noise_of(0).mean())
    assert critic == 0.0


@both_worlds
@pytest.mark.parametrize("penalty", [None, 10.0])
def test_the_discriminators_update_moves_the_discriminators_statistics_only(world, penalty):
    """By its two calls, on real and on generated data, whichever is first, and no third one's."""
    generator, critic = means_after_one_update(
        world, "discriminator", gradient_penalty_weight=penalty
    )
    assert generator == 0.0
    # The generated data is normalised: its mean is 0, so one call halves, the other adds.
    mean = (1 - MOMENTUM) * real_of(0).mean()
    assert np.isclose(critic, [mean, MOMENTUM * mean], rtol=1e-4).any()


def test_states_of_recurrent_layers_move_in_their_own_networks_updates_only():
    def recurrent():
        gru = tf.keras.layers.GRU(1, stateful=True, return_sequences=True)
        return tf.keras.Sequential([tf.keras.Input(batch_shape=[2, 3, 1]), gru])

    generator, critic = recurrent(), recurrent()
    sequences = tfgan.constant(tf.ones([2, 3, 1]))
    model = tfgan.gan_model(generator, critic, sequences, sequences)
    optimizers = [tf.keras.optimizers.SGD(0.1) for _ in range(2)]
    ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers)
    states = [network.layers[0].states[0] for network in (generator, critic)]
    ops.generator_train_op()
    assert [np.any(state.numpy() != 0) for state in states] == [True, False]
    before = states[0].numpy()
    ops.discriminator_train_op()
    assert np.any(states[1].numpy() != 0)
    np.testing.assert_array_equal(states[0].numpy(), before)
