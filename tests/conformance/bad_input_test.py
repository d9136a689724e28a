"""Every constructor refuses what does not fit, before anything is trained, and names the argument.

A row is an argument, a call that gives a bad one, and what the message has to say beside its name.
"""

import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tfgan_lite import features, losses, tpu
from tfgan_lite.losses import wargs
from tfgan_lite.train import AdaptiveSteps, during

IMAGES = np.ones([4, 4, 4, 6], np.float32)


class Net(tf.Module):
    """A linear map; with `heads`, its outputs are split."""

    def __init__(self, inputs, outputs, heads=None):
        super().__init__()
        self.weights = tf.Variable(tf.ones([inputs, outputs]))
        self.heads = heads

    def __call__(self, inputs):
        outputs = tf.concat(tf.nest.flatten(inputs), -1) @ self.weights
        return tf.split(outputs, self.heads, 1) if self.heads else outputs


class Deaf(Net):
    """It ignores its inputs."""

    def __call__(self, inputs):
        return tf.ones([4, 1]) @ self.weights[:1]


def data(width=2, batch=4):
    return tfgan.constant(tf.ones([batch, width]))


def one_hot(batch=4, classes=3):
    return tfgan.constant(tf.one_hot(np.arange(batch) % classes, classes))


def gan(generator=None, discriminator=None, noise=None):
    networks = generator or Net(2, 2), discriminator or Net(2, 1)
    return tfgan.gan_model(*networks, data(), data() if noise is None else noise)


def acgan(labels):
    return tfgan.acgan_model(Net(2, 2), Net(2, 4, [1, 3]), data(), data(), labels)


def infogan(codes=1, distributions=1):
    network = Net(2, 2, [1, 1])

    def discriminator(x):
        logits, mean = network(x)
        return logits, [tfp.distributions.Normal(mean, 1.0)] * distributions

    return tfgan.infogan_model(
        Net(2 + codes, 2), discriminator, data(), [data()], [data(1)] * codes
    )


def cyclegan():
    return tfgan.cyclegan_model((Net(2, 2), Net(2, 2)), (Net(2, 1), Net(2, 1)), data(), data())


def stargan(labels):
    generator, judge = Net(5, 2), Net(2, 4, [1, 3])
    return tfgan.stargan_model(
        lambda x, target: generator([x, target]), lambda x, n: judge(x), data(), labels
    )


def train_ops(model):
    sgd = tf.keras.optimizers.SGD
    return tfgan.gan_train_ops(model, tfgan.gan_loss(model), sgd(0.1), sgd(0.1))


def sampled(*shape):
    return tf.ones(shape)


def in_a_graph(call):
    def inside():
        with tf.Graph().as_default():
            return call()

    return inside


ROWS = [
    # Kinds.
    ("generator_fn", lambda: tfgan.gan_model(3, Net(2, 1), data(), data()), "got 3"),
    ("discriminator_fn", lambda: tfgan.gan_model(Net(2, 2), None, data(), data()), "got None"),
    ("real_data", lambda: tfgan.gan_model(Net(2, 2), Net(2, 1), None, data()), "got None"),
    ("generator_inputs", lambda: tfgan.gan_model(Net(2, 2), Net(2, 1), data(), None), "None"),
    ("generator_loss_fn", lambda: tfgan.gan_loss(gan(), 3), "got 3"),
    ("discriminator_loss_fn", lambda: tfgan.gan_loss(gan(), discriminator_loss_fn="w"), "'w'"),
    ("tensor_pool_fn", lambda: tfgan.gan_loss(gan(), tensor_pool_fn=3), "got 3"),
    ("gan_loss", lambda: tfgan.gan_loss(cyclegan()), "CycleGANModel.*cyclegan_loss"),
    ("cyclegan_loss", lambda: tfgan.cyclegan_loss(gan()), "got a GANModel"),
    ("stargan_loss", lambda: tfgan.stargan_loss(gan()), "got a GANModel"),
    ("aux_cond_generator_weight", lambda: tfgan.gan_loss(gan(), aux_cond_generator_weight=1.0), ""),
    ("model", lambda: tfgan.gan_train_ops(3, None, 0, 1), "got a int"),
    ("loss", lambda: tfgan.gan_train_ops(gan(), tfgan.cyclegan_loss(cyclegan()), 0, 1), "GANLoss"),
    ("optimizer", lambda: tfgan.gan_train_ops(gan(), tfgan.gan_loss(gan()), None, 1), "got None"),
    ("generator_fn", lambda: tfgan.cyclegan_model(Net(2, 2), Net(2, 1), data(), data()), "pair"),
    ("augment", lambda: features.consistency_regularization(3), "got 3"),
    ("value", lambda: AdaptiveSteps(3, 0.1, 0.2), "got 3"),
    # Ranks and shapes.
    ("real_data", lambda: gan(Net(2, 3)), r"\(4, 3\).*\(4, 2\)"),
    ("images", lambda: features.diff_augment(sampled(4, 2)), r"\(4, 2\)"),
    ("inputs", lambda: features.MinibatchStdDev(2)(sampled(4)), r"\(4,\)"),
    ("real_features", lambda: wargs.feature_matching_loss(sampled(4, 2), sampled(4, 3)), "equal"),
    # One-hot labels.
    ("one_hot_labels", lambda: acgan(tfgan.constant(tf.constant([0, 1, 2, 0]))), "tf.one_hot"),
    ("one_hot_labels", lambda: acgan(tfgan.constant(sampled(4, 3))), "each row a 1"),
    ("one-hot labels", lambda: acgan(one_hot(classes=5)), "5 classes"),
    ("input_data_domain_label", lambda: stargan(data(1, 4)[:, 0]), "one-hot"),
    (
        "input_data_domain_label",
        lambda: tfgan.stargan_loss(stargan(tfgan.constant(sampled(4, 3)))),
        "each row a 1",
    ),
    # Counts of distributions.
    ("structured_generator_inputs", lambda: infogan(1, 2), "2 distributions.*1 codes"),
    ("structured_generator_inputs", lambda: infogan(2, 1), "1 distributions.*2 codes"),
    ("structured_generator_inputs", lambda: infogan(0, 0), "empty"),
    # Weights, rates and other numbers.
    (
        "gradient_penalty_weight",
        lambda: tfgan.gan_loss(gan(), gradient_penalty_weight=-1.0),
        ">= 0",
    ),
    (
        "gradient_penalty_weight",
        lambda: tfgan.gan_loss(gan(), gradient_penalty_weight="10"),
        "'10'",
    ),
    (
        "mutual_information_penalty_weight",
        lambda: tfgan.gan_loss(infogan(), mutual_information_penalty_weight=-1.0),
        ">= 0",
    ),
    (
        "aux_cond_discriminator_weight",
        lambda: tfgan.gan_loss(acgan(one_hot()), aux_cond_discriminator_weight=-1.0),
        ">= 0",
    ),
    (
        "cycle_consistency_loss_weight",
        lambda: tfgan.cyclegan_loss(cyclegan(), cycle_consistency_loss_weight=-1.0),
        ">= 0",
    ),
    (
        "reconstruction_loss_weight",
        lambda: tfgan.stargan_loss(stargan(one_hot()), reconstruction_loss_weight=-1.0),
        ">= 0",
    ),
    ("r1_penalty", lambda: tfgan.gan_loss(gan(), penalties=[(losses.r1_penalty, -1.0)]), ">= 0"),
    ("every", lambda: tfgan.gan_loss(gan(), penalties=[(losses.r1_penalty, 1.0, 0)]), "positive"),
    ("weights", lambda: wargs.minimax_generator_loss(sampled(4, 1), weights=-1.0), ">= 0"),
    ("decay", lambda: losses.LeCam(1.5), "1.5"),
    ("decay", lambda: losses.PathLength(decay=2.0), "2.0"),
    ("half_life_images", lambda: features.WeightAverage(-1), "-1"),
    ("target", lambda: features.AdaptiveAugment(Net(2, 1), target=2.0), "2.0"),
    ("probability", lambda: features.random_augment(IMAGES, 2.0), "2.0"),
    ("policy", lambda: features.diff_augment(IMAGES, "colour"), "colour"),
    ("weight_clip", lambda: features.clip_variables(tf.keras.optimizers.SGD(), [1], 0), "> 0"),
    ("power_iteration_rounds", lambda: features.compute_spectral_norm(sampled(2, 2), -1), "-1"),
    ("num_domains", lambda: tfgan.generate_stargan_random_domain_target(4, 0), "got 0"),
    ("batch_size", lambda: tfgan.generate_stargan_random_domain_target(-4, 2), "got -4"),
    ("num_samples", lambda: tfgan.generate(gan(), 0), "got 0"),
    ("stop", lambda: during(1, 5, 2), "2 and 5"),
    ("generator_train_steps", lambda: tfgan.get_sequential_train_hooks((-1, 1)), "-1"),
    # Unequal batches.
    ("real_data", lambda: gan(noise=data(2, 3)), r"\(3, 2\).*\(4, 2\)"),
    ("one_hot_labels", lambda: acgan(one_hot(3)), "4 examples"),
    ("input_data_domain_label", lambda: stargan(one_hot(3)), "4 examples"),
    (
        "generated_data",
        lambda: wargs.wasserstein_gradient_penalty(sampled(4, 2), sampled(3, 2), 0, Net(2, 1), ""),
        r"\(4, 2\).*\(3, 2\)",
    ),
    (
        "discriminator_gen_outputs",
        lambda: wargs.relativistic_generator_loss(sampled(4, 1), sampled(3, 1)),
        r"\(4, 1\).*\(3, 1\)",
    ),
    (
        "conditioning",
        lambda: features.ProjectionDiscriminator(3)([sampled(4, 2), tf.one_hot([0, 1, 2], 3)]),
        "one batch size",
    ),
    ("conditioning", lambda: features.ConditionTensor()([sampled(4, 2), sampled(3, 2)]), "batch"),
    # Missing gradients: a network that ignores its input.
    ("discriminator", lambda: wargs.r1_penalty(sampled(4, 2), 0, lambda x, _: IMAGES, ""), ""),
    (
        "generator",
        lambda: wargs.path_lengths(sampled(4, 2), lambda z: IMAGES),
        "ignores its inputs",
    ),
    ("generator", lambda: train_ops(gan(discriminator=Deaf(2, 1))).generator_train_op(), "use"),
    # Sizes of pools and groups.
    ("pool_size", lambda: features.TensorPool(-1), "got -1"),
    ("pool_size", lambda: features.TensorPool(1.5), "got 1.5"),
    ("pooling_probability", lambda: features.TensorPool(5, 2.0), "got 2.0"),
    ("groups", in_a_graph(lambda: features.group_norm(IMAGES, groups=4)), "6 channels"),
    ("groups", in_a_graph(lambda: features.group_norm(IMAGES, groups=0)), "got 0"),
    ("group_size", lambda: features.MinibatchStdDev(0), "got 0"),
    ("group_size", lambda: tpu.cross_replica_mean(sampled(4, 2), -1), "-1"),
    ("num_classes", lambda: features.ProjectionDiscriminator(0), "got 0"),
    ("num_classes", lambda: features.ConditionalBatchNormalization(-1), "got -1"),
    # Axes.
    ("axis", lambda: features.VBN(IMAGES, axis=9), "9"),
    ("batch_axis", lambda: features.VBN(IMAGES, batch_axis=9), "9"),
    ("axis", lambda: tpu.cross_replica_moments(IMAGES, [9]), "9"),
    ("axis", in_a_graph(lambda: tpu.batch_norm(IMAGES, True, axis=9)), "9"),
    (
        "data_format",
        in_a_graph(lambda: tpu.standardize_batch(IMAGES, True, data_format="NWHC")),
        "NWHC",
    ),
    ("data_format", in_a_graph(lambda: features.instance_norm(IMAGES, data_format="CN")), "'CN'"),
    (
        "reduction_axes",
        in_a_graph(lambda: features.group_norm(IMAGES, groups=2, reduction_axes=(7,))),
        "7",
    ),
    (
        "axis",
        lambda: features.ConditionalBatchNormalization(3, axis=7)([IMAGES, tf.one_hot([0] * 4, 3)]),
        "7",
    ),
]


@pytest.mark.parametrize(
    ("argument", "call", "also"), ROWS, ids=[f"{i}-{row[0]}" for i, row in enumerate(ROWS)]
)
def test_bad_input_is_an_error_that_names_the_argument(argument, call, also):
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    assert argument in str(error.value)
    assert re.search(also, str(error.value), re.DOTALL), str(error.value)
