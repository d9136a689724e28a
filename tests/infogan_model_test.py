"""`infogan_model`: its codes are distributions on both sides."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tests.worlds import Linear, both_worlds, close, every_world, in_tf2, in_tf_graph, normal
from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.models import infogan_model
from tfgan_lite.networks import Network
from tfgan_lite.structures import InfoGANModel
from tfgan_lite.tracing import sources_of

tfd = tfp.distributions


def networks():
    """G has 2 numbers of noise, a class of 3 and a continuous code; D has a logit and 4 heads."""
    generator, discriminator = Linear(6, 2), Linear(2, 5)

    def generate(inputs):
        noise, category, angle = inputs
        return generator(tf.concat([noise, tf.one_hot(category, 3), angle[:, None]], 1))

    def judge(data):
        heads = discriminator(data)
        category = tfd.Categorical(logits=heads[:, 1:4])
        return heads[:, :1], [category, tfd.Normal(heads[:, 4], 1.0)]

    generate.weights, judge.weights = generator.weights, discriminator.weights
    return generate, judge


def model(generator=None, discriminator=None, codes=None, **arguments):
    if generator is None or discriminator is None:
        made = networks()
        generator, discriminator = generator or made[0], discriminator or made[1]
    if codes is None:
        codes = [tfd.Categorical(logits=tf.zeros([3])), tfd.Uniform(-1.0, 1.0)]
    return infogan_model(
        generator,
        discriminator,
        normal(4, 2),
        [tfd.Normal(tf.zeros([2]), 1.0)],
        codes,
        **arguments,
    )


@every_world
def test_all_values_belong_to_one_draw(run):
    def make_program():
        generate, judge = networks()

        def program():
            m = model(generate, judge)
            location = defer(lambda d: d.mean(), m.predicted_distributions[1])
            scores = defer(lambda d: d.logits_parameter(), m.predicted_distributions[0])
            return [
                m.generator_inputs,
                m.structured_generator_inputs,
                m.generated_data,
                m.discriminator_gen_outputs,
                m.real_data,
                m.discriminator_real_outputs,
                scores,
                location,
            ]

        return program

    inputs, codes, generated, gen_logits, real, real_logits, scores, location = run(make_program)
    np.testing.assert_array_equal(codes[0], inputs[1])
    np.testing.assert_array_equal(codes[1], inputs[2])
    generate, judge = networks()
    row = np.concatenate([inputs[0], np.eye(3)[inputs[1]], inputs[2][:, None]], 1)
    close(generated, row @ generate.weights.numpy())
    heads = generated @ judge.weights.numpy()
    close(gen_logits, heads[:, :1])
    close(scores, heads[:, 1:4])
    close(location, heads[:, 4])
    close(real_logits, (real @ judge.weights.numpy())[:, :1])


def test_codes_are_sampled_for_each_example():
    m = model()
    assert isinstance(m, InfoGANModel)
    assert [x.shape.as_list() for x in m.generator_inputs] == [[4, 2], [4], [4]]
    assert [x.dtype for x in m.structured_generator_inputs] == [tf.int32, tf.float32]


def test_a_loss_function_gets_the_distributions_themselves():
    seen = []

    def own(m):
        seen.extend(type(d) for d in m.predicted_distributions)
        return -tf.reduce_mean(
            m.predicted_distributions[1].log_prob(m.structured_generator_inputs[1])
        )

    loss = tfgan.gan_loss(model(), generator_loss_fn=own).generator_loss
    assert loss().shape == []
    assert set(seen) == {tfd.Categorical, tfd.Normal}


def test_calling_a_predicted_distribution_gives_the_distribution():
    category, angle = model().predicted_distributions
    assert isinstance(category, Deferred)
    assert isinstance(category(), tfd.Categorical)
    assert angle().sample().shape == [4]


def test_distributions_in_a_graph_are_plain():
    with tf.Graph().as_default():
        assert isinstance(model().predicted_distributions[1], tfd.Normal)


def test_anything_with_a_log_prob_is_a_distribution():
    """TensorFlow cannot take such an object out of a function."""

    class Around:
        def __init__(self, place):
            self.place = place

        def log_prob(self, value):
            return -tf.square(value - self.place)

    linear = Linear(2, 2)

    def judge(data):
        heads = linear(data)
        return heads[:, :1], [Around(heads[:, 1])]

    generator = Linear(3, 2)
    m = model(
        lambda z: generator(tf.concat([z[0], z[1][:, None]], 1)),
        judge,
        codes=[tfd.Normal(0.0, 1.0)],
    )
    loss = tfgan.losses.mutual_information_penalty(m)
    value, code, data = tfgan.Session(Counters()).run(
        [loss, m.structured_generator_inputs[0], m.generated_data]
    )
    close(value, np.mean((code - (data @ linear.weights.numpy())[:, 1]) ** 2))


def test_discriminator_is_called_once_in_a_run_whatever_is_read_of_it():
    calls = []
    generate, judge = networks()
    m = model(generate, lambda x: calls.append(1) or judge(x))
    losses = [
        tfgan.losses.mutual_information_penalty(m),
        tfgan.losses.wasserstein_generator_loss(m),
        defer(lambda d: d.mean(), m.predicted_distributions[1]),
    ]
    total = defer(lambda *values: tf.add_n([tf.reduce_sum(v) for v in values]), *losses)
    assert total.shape == []
    calls.clear()
    total()
    assert len(calls) == 1


def test_information_does_not_need_real_data():
    loss = tfgan.losses.mutual_information_penalty(model())
    assert "real_data" not in [source.name for source in sources_of([loss])]


def test_logits_only_is_a_view_of_the_whole_network():
    m = model()
    logits_only, whole = m.discriminator_fn, m.discriminator_and_aux_fn
    data = tf.ones([4, 2])
    assert isinstance(logits_only, Network)
    close(logits_only(data), whole(data)[0])
    assert logits_only.trainable_variables is whole.trainable_variables
    assert (logits_only.name, logits_only.role, logits_only.fn) == (
        "discriminator",
        "discriminator",
        whole.fn,
    )


@both_worlds
def test_heads_of_the_codes_are_the_discriminators_own(run):
    def make_program():
        generate, body, head = Linear(6, 2), Linear(2, 3), Linear(3, 1, seed=1)

        def judge(data):
            hidden = body(data)
            return hidden[:, :1], [tfd.Normal(head(hidden)[:, 0], 1.0)]

        def program():
            m = infogan_model(
                lambda z: generate(tf.concat([z[0], z[1][:, None]], 1)),
                judge,
                normal(4, 2),
                [normal(4, 5)],
                [normal(4)],
            )
            assert [tuple(v.shape) for v in m.discriminator_variables] == [(2, 3), (3, 1)]
            assert [tuple(v.shape) for v in m.generator_variables] == [(6, 2)]
            return m.generated_data

        return program

    run(make_program)


def test_two_models_in_one_graph_share_variables():
    """TF-GAN could not build it twice (fault B31)."""

    def dense(x, units):
        return x @ tf.compat.v1.get_variable("w", [x.shape[-1], units])

    def judge(x):
        heads = dense(x, 2)
        return heads[:, :1], [tfd.Normal(heads[:, 1], 1.0)]

    with tf.Graph().as_default():
        for _ in range(2):
            m = infogan_model(
                lambda z: dense(tf.concat([z[0], z[1][:, None]], 1), 2),
                judge,
                tf.ones([4, 2]),
                [tf.ones([4, 2])],
                [tf.ones([4])],
            )
        assert len(tf.compat.v1.trainable_variables()) == 2
        assert [v.name for v in m.discriminator_variables] == ["Discriminator/w:0"]


def test_networks_of_a_model_may_go_into_a_second_model():
    first = model()
    for judge in (first.discriminator_fn, first.discriminator_and_aux_fn):
        second = model(first.generator_fn, judge)
        assert second.discriminator_variables[0] is first.discriminator_variables[0]


@pytest.mark.parametrize("run", [in_tf2, in_tf_graph], ids=["TF2", "tf.Graph"])
def test_bare_inputs_count_as_lists_of_one(run):
    """TF-GAN added bare tensors elementwise (fault B30)."""

    def make_program():
        linear = Linear(2, 2)
        generator = Linear(3, 2)

        def judge(data):
            heads = linear(data)
            return heads[:, :1], tfd.Normal(heads[:, 1], 1.0)

        def program():
            m = infogan_model(
                lambda z: generator(tf.concat([z[0], z[1][:, None]], 1)),
                judge,
                normal(4, 2),
                normal(4, 2),
                normal(4),
            )
            assert len(m.predicted_distributions) == 1
            return [m.generator_inputs, m.structured_generator_inputs]

        return program

    inputs, codes = run(make_program)
    assert [x.shape for x in inputs] == [(4, 2), (4,)]
    assert len(codes) == 1


BAD_HEADS = {
    "logits alone": (lambda x, d: x, TypeError, r"must give a pair, \(logits, distributions\)"),
    "three heads": (lambda x, d: (x, d, d), TypeError, "must give a pair"),
    "too few": (lambda x, d: (x, [d]), ValueError, "gives 1 distributions.* has 2 codes"),
    "too many": (lambda x, d: (x, [d, d, d]), ValueError, "gives 3 distributions"),
    "a tensor": (lambda x, d: (x, [d, x]), ValueError, "distribution 1 has no log_prob"),
}


@pytest.mark.parametrize("scope", [tf.init_scope, lambda: tf.Graph().as_default()])
@pytest.mark.parametrize(("heads", "error", "message"), BAD_HEADS.values(), ids=BAD_HEADS)
def test_discriminator_of_another_form_is_an_error(scope, heads, error, message):
    with scope():
        linear = Linear(2, 1)

        def judge(data):
            logits = linear(data)
            return heads(logits, tfd.Normal(logits[:, 0], 1.0))

        with pytest.raises(error, match=message):
            model(discriminator=judge)


def test_model_without_codes_is_an_error():
    with pytest.raises(ValueError, match="structured_generator_inputs is empty"):
        model(codes=[])


def test_shape_mismatch_is_told_before_the_discriminator_is_called():
    generate, _ = networks()
    with pytest.raises(ValueError, match="generator_fn's output does not match real_data"):
        model(lambda z: generate(z)[:, :1], lambda x: pytest.fail("called"))
