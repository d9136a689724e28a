"""Networks that are functions own whole variables under a strategy of two replicas."""

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan
from tests.strategies import on_two_replicas
from tfgan_lite.models import acgan_model
from tfgan_lite.variables import whole_variables


def train(strategy):
    """Two rounds of an ACGAN made of functions."""
    with strategy.scope():
        to, heads = tf.Variable(tf.ones([2, 2])), tf.Variable(tf.ones([2, 4]))
        images = tf.data.Dataset.from_tensor_slices(np.ones([8, 2], np.float32))
        labels = tf.data.Dataset.from_tensor_slices(np.eye(3, dtype=np.float32)[[0, 1, 2, 0] * 2])
        dataset = tf.data.Dataset.zip((images, labels)).repeat().batch(4, drop_remainder=True)
        real, one_hot = tfgan.from_dataset(dataset)
        noise = tfgan.from_callable(lambda n: tf.random.normal([n, 2]), like=real)

        def judge(x):
            both = x @ heads
            return both[:, :1], both[:, 1:]

        model = acgan_model(lambda z: z @ to, judge, real, noise, one_hot)
        assert model.generator_variables[0] is to
        assert model.discriminator_variables[0] is heads
        assert whole_variables([to.values[0], heads]) == [to, heads]
        loss = tfgan.gan_loss(model, aux_cond_discriminator_weight=1.0)
        sgd = tf.keras.optimizers.SGD
        ops = tfgan.gan_train_ops(model, loss, sgd(0.1), sgd(0.1))
        steps = tfgan.gan_train(
            ops,
            None,
            hooks=[tfgan.StopAtStepHook(2)],
            jit_compile=False,
            save_checkpoint_secs=None,
            save_summaries_steps=None,
        )
    return steps, [part.numpy() for part in heads.values]


def test_functions_train_on_two_replicas():
    """A batch of 4 is 2 on each, which is no error of the labels' shape."""
    steps, heads = on_two_replicas(train)
    assert steps == 2
    np.testing.assert_array_equal(*heads)
    assert (heads[0] != 1.0).any()
