"""`acgan_model`: labels of real and generated data, and a discriminator that tells them."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.worlds import Linear, both_worlds, close, every_world, in_tf2, normal
from tfgan_lite.models import acgan_model
from tfgan_lite.structures import ACGANModel

CLASSES = 3


def networks():
    generator, discriminator = Linear(2 + CLASSES, 2), Linear(2, 1 + CLASSES)

    def judge(data):
        heads = discriminator(data)
        return heads[:, :1], heads[:, 1:]

    generate = lambda inputs: generator(tf.concat(inputs, 1))  # noqa: E731
    generate.weights, judge.weights = generator.weights, discriminator.weights
    return generate, judge


def random_labels():
    return tf.one_hot(tf.random.uniform([4], 0, CLASSES, tf.int32), CLASSES)


def model(labels=random_labels, discriminator=None, real=None, **arguments):
    generate, judge = networks()
    return acgan_model(
        generate,
        discriminator or judge,
        normal(4, 2) if real is None else real,
        (normal(4, 2), normal(4, CLASSES)),
        labels,
        **arguments,
    )


@every_world
def test_all_values_belong_to_one_draw(run):
    def make_program():
        generate, judge = networks()

        def program():
            m = acgan_model(
                generate, judge, normal(4, 2), (normal(4, 2), normal(4, CLASSES)), random_labels
            )
            assert isinstance(m, ACGANModel)
            return m._replace(
                generator_variables=(),
                generator_scope=(),
                generator_fn=(),
                discriminator_variables=(),
                discriminator_scope=(),
                discriminator_fn=(),
            )

        return program

    m = ACGANModel(*run(make_program))
    generate, judge = networks()
    close(m.generated_data, np.concatenate(m.generator_inputs, 1) @ generate.weights.numpy())
    generated, real = (x @ judge.weights.numpy() for x in (m.generated_data, m.real_data))
    close(m.discriminator_gen_outputs, generated[:, :1])
    close(m.discriminator_gen_classification_logits, generated[:, 1:])
    close(m.discriminator_real_outputs, real[:, :1])
    close(m.discriminator_real_classification_logits, real[:, 1:])
    assert m.one_hot_labels.shape == (4, CLASSES)
    np.testing.assert_array_equal(m.one_hot_labels.sum(1), 1.0)


@both_worlds
def test_images_and_labels_of_a_dataset_are_of_one_draw(run):
    """A generator that is told the labels and repeats them shows that they are the images'."""

    def make_program():
        generate, judge = networks()

        def program():
            numbers = tf.data.Dataset.range(100).repeat()
            dataset = numbers.map(
                lambda i: (tf.fill([2], tf.cast(i, tf.float32)), tf.one_hot(i % CLASSES, CLASSES))
            )
            images, labels = tfgan.from_dataset(dataset.batch(4, drop_remainder=True))
            noise = tfp.distributions.Normal(tf.zeros([2]), 1.0)
            m = acgan_model(generate, judge, images, (noise, labels), labels)
            return [m.real_data, m.one_hot_labels, m.generator_inputs]

        return program

    images, labels, inputs = run(make_program)
    np.testing.assert_array_equal(labels, np.eye(CLASSES)[np.int32(images[:, 0]) % CLASSES])
    np.testing.assert_array_equal(inputs[1], labels)


def test_last_batch_may_be_smaller():
    images = tf.data.Dataset.from_tensor_slices(np.ones([6, 2], np.float32))
    labels = tf.data.Dataset.from_tensor_slices(np.eye(CLASSES, dtype=np.float32)[[0, 1, 2] * 2])
    real, labels = tfgan.from_dataset(tf.data.Dataset.zip((images, labels)).batch(4))
    linear, (_, judge) = Linear(2, 2), networks()
    noise = tfp.distributions.Normal(tf.zeros([2]), 1.0)
    m = acgan_model(linear, judge, real, noise, labels)
    fetches = [m.generated_data, m.discriminator_gen_classification_logits, m.one_hot_labels]
    session = tfgan.Session(tfgan.counters.Counters())
    assert [[len(x) for x in session.run(fetches)] for _ in range(2)] == [[4] * 3, [2] * 3]


def test_discriminator_fn_gives_both():
    m = model()
    assert [x.shape.as_list() for x in m.discriminator_fn(tf.ones([5, 2]))] == [[5, 1], [5, 3]]


def test_model_can_be_built_twice_in_one_graph():
    """TF-GAN could not (fault B31)."""

    def generate(inputs):
        return inputs @ tf.compat.v1.get_variable("w", [2, 2])

    def judge(data):
        heads = data @ tf.compat.v1.get_variable("w", [2, 1 + CLASSES])
        return heads[:, :1], heads[:, 1:]

    with tf.Graph().as_default():
        for _ in range(2):
            m = acgan_model(generate, judge, tf.ones([4, 2]), tf.ones([4, 2]), random_labels())
        assert len(tf.compat.v1.trainable_variables()) == 2
        assert [v.name for v in m.generator_variables] == ["Generator/w:0"]


BAD_LABELS = {
    "class numbers": (np.array([0, 1, 2, 0]), r"got shape \(4,\).*tf.one_hot"),
    "no classes": (np.ones([4, 0], np.float32), r"got shape \(4, 0\)"),
    "too many axes": (np.ones([4, 1, 3], np.float32), r"got shape \(4, 1, 3\)"),
    "another batch": (np.eye(3, dtype=np.float32), r"got shape \(3, 3\) for 4 examples"),
    "structure": ((np.ones([4, 3]), np.ones([4, 3])), "got a structure"),
    "two ones": (np.ones([4, 3], np.float32), "must be one-hot, each row a 1 among zeros"),
    "no one": (np.zeros([4, 3], np.float32), "must be one-hot, each row"),
    "not 1": (np.eye(4, 3, dtype=np.float32) * 2, "must be one-hot, each row"),
    "halves": (np.full([4, 2], 0.5, np.float32), "must be one-hot, each row"),
}


@pytest.mark.parametrize("scope", [tf.init_scope, lambda: tf.Graph().as_default()])
@pytest.mark.parametrize(("labels", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels_that_are_not_one_hot_are_an_error(scope, labels, message):
    with scope(), pytest.raises(ValueError, match=f"one_hot_labels.* {message}"):
        model(tfgan.constant(labels))


BAD_HEADS = {
    "logits alone": (lambda x, c: x, TypeError, r"must give a pair, \(logits, class_logits\)"),
    "three heads": (lambda x, c: (x, c, c), TypeError, "must give a pair"),
    "no tensor": (lambda x, c: (x, [c, c]), TypeError, "must give a pair of tensors"),
    "other classes": (
        lambda x, c: (x, c[:, 1:]),
        ValueError,
        r"class logits of shape \(4, 2\), while the one-hot labels have 3 classes",
    ),
    "other way round": (lambda x, c: (c, x), ValueError, r"class logits of shape \(4, 1\)"),
}


@pytest.mark.parametrize("scope", [tf.init_scope, lambda: tf.Graph().as_default()])
@pytest.mark.parametrize(("heads", "error", "message"), BAD_HEADS.values(), ids=BAD_HEADS)
def test_discriminator_of_another_form_is_an_error(scope, heads, error, message):
    with scope():
        linear = Linear(2, 1 + CLASSES)

        def judge(data):
            both = linear(data)
            return heads(both[:, :1], both[:, 1:])

        with pytest.raises(error, match=message):
            model(discriminator=judge)


def test_shape_check_may_be_switched_off():
    assert model(real=normal(4, 2), check_shapes=False).generated_data.shape == [4, 2]
    with pytest.raises(ValueError, match="does not match real_data"):
        model(real=normal(4, 3), discriminator=lambda x: pytest.fail("called"))


def test_labels_of_integers_are_labels():
    labels = tfgan.constant(np.eye(CLASSES, dtype=np.int32)[[0, 1, 2, 0]])
    loss = tfgan.gan_loss(model(labels), aux_cond_generator_weight=1.0).generator_loss
    assert np.isfinite(in_tf2(lambda: lambda: loss))
