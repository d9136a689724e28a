"""`stargan_model`: one generator between any two of several domains."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfgan_lite as tfgan
from tests.worlds import Linear, both_worlds, close, every_world, normal
from tfgan_lite.counters import Counters
from tfgan_lite.networks import Network
from tfgan_lite.runs import Run, random_key
from tfgan_lite.structures import StarGANModel
from tfgan_lite.tracing import sources_of
from tfgan_lite.translation import generate_stargan_random_domain_target, stargan_model

DOMAINS = 3


def dense(inputs, units=2):
    """A function of the TF1 kind."""
    return inputs @ tf.compat.v1.get_variable("w", [2, units])


def star_networks():
    generator, discriminator = Linear(2 + DOMAINS, 2), Linear(2, 1 + DOMAINS)

    def translate(data, target):
        return generator(tf.concat([data, target], 1))

    def judge(data, num_domains):
        assert num_domains == DOMAINS
        heads = discriminator(data)
        return heads[:, 0], heads[:, 1:]

    translate.weights, judge.weights = generator.weights, discriminator.weights
    return translate, judge


def labels():
    return tfgan.constant(np.eye(DOMAINS, dtype=np.float32)[[0, 1, 2, 0]])


def stargan(translate=None, judge=None, data=None, label=None):
    if translate is None or judge is None:
        made = star_networks()
        translate, judge = translate or made[0], judge or made[1]
    data = normal(4, 2) if data is None else data
    return stargan_model(translate, judge, data, labels() if label is None else label)


FIELDS = [
    "input_data",
    "input_data_domain_label",
    "generated_data",
    "generated_data_domain_target",
    "reconstructed_data",
    "discriminator_input_data_source_predication",
    "discriminator_generated_data_source_predication",
    "discriminator_input_data_domain_predication",
    "discriminator_generated_data_domain_predication",
]


@every_world
def test_translations_belong_to_one_draw(run):
    def make_program():
        translate, judge = star_networks()

        def program():
            m = stargan(translate, judge)
            assert isinstance(m, StarGANModel)
            return [getattr(m, field) for field in FIELDS]

        return program

    data, label, fake, target, back, real_source, fake_source, real_domain, fake_domain = run(
        make_program
    )
    translate, judge = star_networks()
    to, heads = translate.weights.numpy(), judge.weights.numpy()
    close(fake, np.concatenate([data, target], 1) @ to)
    close(back, np.concatenate([fake, label], 1) @ to)
    close(real_source, (data @ heads)[:, 0])
    close(fake_source, (fake @ heads)[:, 0])
    close(real_domain, (data @ heads)[:, 1:])
    close(fake_domain, (fake @ heads)[:, 1:])
    np.testing.assert_array_equal(target.sum(1), 1.0)
    assert set(target.ravel()) == {0.0, 1.0}


def test_target_domains_are_a_pure_function_of_seed_round_and_sub_step():
    target = stargan(data=normal(64, 2), label=tfgan.constant(tf.one_hot([0] * 64, DOMAINS)))
    target = target.generated_data_domain_target

    def drawn(seed, key):
        with Run(seed=seed, key=random_key(*key)):
            return target().numpy().tobytes()

    assert drawn(1, (2, 3)) == drawn(1, (2, 3))
    assert len({drawn(1, (2, 3)), drawn(2, (2, 3)), drawn(1, (3, 3)), drawn(1, (2, 4))}) == 4


@pytest.mark.parametrize("size", [3000, tf.constant(3000)])
def test_every_domain_is_as_likely_a_target(size):
    targets = generate_stargan_random_domain_target(size, DOMAINS)
    assert targets.dtype == tf.float32
    np.testing.assert_array_equal(targets.numpy().sum(1), np.ones([3000]))
    np.testing.assert_allclose(targets.numpy().mean(0), [1 / 3] * 3, atol=0.05)


def test_target_among_no_domains_is_an_error():
    with pytest.raises(ValueError, match="num_domains must be a positive integer, got 0"):
        generate_stargan_random_domain_target(4, 0)


def test_last_batch_may_be_smaller():
    """TF-GAN needed a static batch size (fault B37)."""
    images = np.arange(12, dtype=np.float32).reshape([6, 2])
    dataset = tf.data.Dataset.from_tensor_slices(
        (images, np.eye(DOMAINS, dtype=np.float32)[[0, 1, 2] * 2])
    )
    m = stargan(None, None, *tfgan.from_dataset(dataset.batch(4)))
    loss = tfgan.losses.stargan_loss(m)
    session = tfgan.Session(Counters())
    fetches = [m.generated_data, m.generated_data_domain_target, loss.discriminator_loss]
    sizes = []
    for _ in range(2):
        generated, target, value = session.run(fetches)
        assert np.isfinite(value)
        sizes.append((len(generated), len(target)))
    assert sizes == [(4, 4), (2, 2)]


def test_unknown_batch_size_is_fine_in_a_graph():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        data = tf.compat.v1.placeholder(tf.float32, [None, 2])
        label = tf.compat.v1.placeholder(tf.float32, [None, DOMAINS])
        m = stargan(data=data, label=label)
        session.run(tf.compat.v1.global_variables_initializer())
        target = session.run(
            m.generated_data_domain_target, {data: np.ones([5, 2]), label: np.ones([5, DOMAINS])}
        )
    assert target.shape == (5, DOMAINS)


@both_worlds
def test_lists_of_batches_are_concatenated(run):
    def make_program():
        translate, judge = star_networks()

        def program():
            batches = [normal(2, 2), [normal(1, 2), normal(1, 2)]]
            m = stargan_model(
                translate,
                judge,
                batches,
                [labels()[:2], [labels()[2:3], labels()[3:]]],
            )
            return [m.input_data, m.input_data_domain_label, m.generated_data]

        return program

    data, label, generated = run(make_program)
    assert data.shape == generated.shape == (4, 2)
    np.testing.assert_array_equal(label, np.eye(DOMAINS)[[0, 1, 2, 0]])


def test_only_a_network_of_each_kind_is_trained():
    translate, judge = star_networks()
    m = stargan(translate, judge)
    assert isinstance(m.generator_fn, Network)
    (to,), (heads,) = m.generator_variables, m.discriminator_variables
    assert to is translate.weights
    assert heads is judge.weights


def test_translation_draws_only_data():
    m = stargan()
    assert len(sources_of([m.reconstructed_data])) == 1


def test_model_can_be_built_twice_in_one_graph():
    """TF-GAN could not (fault B31)."""

    def translate(data, target):
        del target
        return dense(data)

    def judge(data, num_domains):
        heads = dense(data, 1 + num_domains)
        return heads[:, 0], heads[:, 1:]

    with tf.Graph().as_default():
        for _ in range(2):
            m = stargan(translate, judge, tf.ones([4, 2]), labels())
        assert [v.name for v in m.generator_variables] == ["Generator/w:0"]
        assert len(tf.compat.v1.trainable_variables()) == 2


BAD_LABELS = {
    "class numbers": (np.array([0, 1, 2, 0]), r"got shape \(4,\)"),
    "another batch": (np.ones([3, DOMAINS]), r"got shape \(3, 3\) for 4 examples"),
}


@pytest.mark.parametrize(("label", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels_of_another_shape_are_an_error(label, message):
    with pytest.raises(ValueError, match=f"input_data_domain_label must be one-hot.* {message}"):
        stargan(label=tfgan.constant(label))


def test_generator_that_is_not_told_the_target_is_an_error():
    with pytest.raises(TypeError, match=r"generator_fn must take two inputs, \(data, target\)"):
        stargan(translate=Linear(2, 2))


def test_translation_of_another_shape_is_told_before_the_discriminator_is_called():
    with pytest.raises(
        ValueError, match="generator_fn's output does not match input_data"
    ) as error:
        stargan(lambda data, target: data[:, :1], lambda *_: pytest.fail("called"))
    assert "check_shapes" not in str(error.value)


@pytest.mark.parametrize("keras", [tf.keras, tf_keras], ids=["Keras 3", "tf_keras"])
def test_functional_keras_model_gets_data_and_target(keras):
    data, target = keras.Input([2]), keras.Input([DOMAINS])
    joined = keras.layers.Concatenate()([data, target])
    translate = keras.Model([data, target], keras.layers.Dense(2)(joined))
    m = stargan(translate, star_networks()[1])
    assert m.reconstructed_data().shape == [4, 2]
