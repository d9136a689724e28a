"""The verdict on real runs: one that is healthy, one that collapses, one whose critic is too good.

Their figures show that the thresholds of `diagnostics` lie between them, and far from either side.
"""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan


def ring(count, centre, seed=0):
    """Eight narrow Gaussians around a centre [2]."""
    random = np.random.default_rng(seed)
    angles = random.integers(0, 8, count) * np.pi / 4
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (centre + points + 0.1 * random.normal(size=[count, 2])).astype(np.float32)


def network(inputs, outputs):
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            tf.keras.Input([inputs]),
            layers.Dense(64, "relu"),
            layers.Dense(64, "relu"),
            layers.Dense(outputs),
        ]
    )


def diagnosed(steps, rounds, generator_rate, discriminator_rate, centre=(0.0, 0.0), noise=1.0):
    """Trains, and gives the hook, whose numbers are of the last round."""
    import tensorflow_probability as tfp

    tf.keras.utils.set_random_seed(0)
    real = tf.data.Dataset.from_tensor_slices(ring(4096, centre)).shuffle(4096, seed=1)
    model = tfgan.gan_model(
        network(4, 2),
        network(2, 1),
        real.repeat().batch(128, drop_remainder=True),
        tfp.distributions.Normal(tf.zeros([4]), noise),
    )
    train_ops = tfgan.gan_train_ops(
        model,
        tfgan.gan_loss(
            model,
            tfgan.losses.modified_generator_loss,
            tfgan.losses.modified_discriminator_loss,
        ),
        tf.keras.optimizers.Adam(generator_rate, 0.5),
        tf.keras.optimizers.Adam(discriminator_rate, 0.5),
    )
    hook = tfgan.eval.DiagnosticsHook(model, ring(256, centre, seed=7), every_n_steps=rounds)
    tfgan.gan_train(
        train_ops,
        None,
        tfgan.get_sequential_train_hooks(steps),
        hooks=[hook, tfgan.StopAtStepHook(last_step=rounds)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        jit_compile=False,
    )
    assert hook.failures == 0
    return hook


def test_of_a_healthy_run_nothing_looks_wrong():
    hook = diagnosed(tfgan.GANTrainSteps(1, 2), 400, 1e-3, 2e-3)
    assert hook.verdict.startswith("Nothing looks wrong")
    assert hook.findings["diversity"] == pytest.approx(1.0, abs=0.2)
    assert hook.findings["near_duplicates"] < 13  # 5 %
    assert hook.findings["accuracy_on_real"] + hook.findings["accuracy_on_generated"] < 1.6


def test_of_a_generator_that_outruns_its_critic_is_said_that_it_has_collapsed():
    hook = diagnosed(tfgan.GANTrainSteps(20, 1), 60, 3e-3, 1e-3)
    assert hook.verdict.startswith("The generator has collapsed")
    assert hook.findings["diversity"] < 0.05
    assert hook.findings["near_duplicates"] > 192  # 75 %


def test_of_a_critic_that_sees_every_difference_is_said_that_it_wins():
    """Real data is far away, and the generator too slow to get there."""
    hook = diagnosed(tfgan.GANTrainSteps(1, 1), 60, 1e-5, 5e-3, centre=(20.0, 0.0), noise=4.0)
    assert hook.verdict.startswith("The discriminator wins")
    assert min(hook.findings[f"accuracy_on_{side}"] for side in ("real", "generated")) == 1.0
    assert hook.findings["diversity"] > 0.8
