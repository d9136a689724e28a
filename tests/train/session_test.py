"""The session of TF2: what one run of it is."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan


def test_a_look_at_a_value_does_not_change_the_noise_of_training():
    noise = tfgan.from_distribution(tfp.distributions.Normal(tf.zeros([2]), 1.0), tf.zeros([4, 1]))
    weight, critic = tf.Variable(tf.ones([2, 1])), tf.Variable(1.0)
    model = tfgan.gan_model(
        lambda z: z @ weight,
        lambda x, unused_inputs: x * critic,
        tfgan.constant(tf.zeros([4, 1])),
        noise,
    )
    sgd = tf.keras.optimizers.SGD
    train_ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), sgd(0.1), sgd(0.1))
    counters = train_ops.global_step_inc_op.counters

    def noise_of_updates(look: bool) -> list[np.ndarray]:
        session = tfgan.Session(counters, seed=1)
        drawn = []
        for _ in range(3):
            drawn.append(session.run([train_ops.generator_train_op, noise])[1])
            if look:
                session.run(model.generated_data)
        return drawn

    np.testing.assert_array_equal(noise_of_updates(look=True), noise_of_updates(look=False))
