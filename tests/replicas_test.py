"""Networks that are functions own whole variables under a strategy of two replicas."""

import os
import pathlib
import subprocess
import sys

import tfgan_lite

# Two CPUs have to be there before TensorFlow starts, and so the program has a process of its own.
PROGRAM = """
import os
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.threading.set_inter_op_parallelism_threads(16)
import tfgan_lite as tfgan
from tfgan_lite.models import acgan_model
from tfgan_lite.replicas import whole_variables

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
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
    steps = tfgan.gan_train(ops, None, hooks=[tfgan.StopAtStepHook(2)], jit_compile=False,
                            save_checkpoint_secs=None, save_summaries_steps=None)
values = [part.numpy() for part in heads.values]
np.testing.assert_array_equal(*values)
assert (values[0] != 1.0).any()
print("steps", steps, flush=True)
os._exit(0)  # The threads of MirroredStrategy's all-reduces can keep a process from ending.
"""


def test_functions_train_on_two_replicas():
    """A batch of 4 is 2 on each, which is no error of the labels' shape."""
    root = pathlib.Path(tfgan_lite.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("steps 2")
