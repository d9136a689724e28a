"""What WGAN-GP's gradient penalty takes, what it refuses, and what it leaves in a tf.Graph."""

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.critics import half_square, sum_of_parts
from tests.losses.worlds import WORLDS
from tfgan_lite import runs
from tfgan_lite.losses.gradient_penalties import wasserstein_gradient_penalty
from tfgan_lite.losses.slopes import logits_of

ROOT_2 = np.sqrt(2.0)


def penalty(critic=sum_of_parts, real=None, generated=None, inputs=None, scope=None, **arguments):
    real = tf.zeros([3, 2]) if real is None else real
    generated = tf.ones([3, 2]) if generated is None else generated
    return wasserstein_gradient_penalty(real, generated, inputs, critic, scope, **arguments)


# Outputs of the discriminator


@pytest.mark.parametrize(
    "heads",
    [
        lambda logits, other: (logits, other),
        lambda logits, other: [logits, other],
        lambda logits, other: {"features": other, "logits": logits},
        lambda logits, other: (logits,),
        lambda logits, other: (logits, {"features": [other]}),
    ],
    ids=["tuple", "list", "dict", "tuple of one", "tuple with a structure"],
)
def test_only_the_logits_count_among_several_heads(heads):
    def critic(data, _):
        return heads(sum_of_parts(data, None), 100.0 * half_square(data, None))

    np.testing.assert_allclose(penalty(critic), (ROOT_2 - 1) ** 2, rtol=1e-5)


def test_tensor_is_its_own_logits():
    logits = tf.ones([2, 1])
    assert logits_of(logits) is logits


def test_dict_without_logits_is_an_error_that_lists_its_keys():
    with pytest.raises(ValueError, match=r'"logits".*\[\'classes\', \'score\'\]'):
        logits_of({"score": tf.ones([2]), "classes": tf.ones([2])})


@pytest.mark.parametrize("outputs", [None, (), [], ([tf.ones([2])],), {"logits": None}, 3.0])
def test_outputs_without_a_tensor_in_place_are_an_error(outputs):
    with pytest.raises(ValueError, match="must return its logits as a tensor"):
        logits_of(outputs)


# Shapes


@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_trace_serves_every_batch_size(jit_compile):
    spec = tf.TensorSpec([None, 2])

    @tf.function(input_signature=[spec, spec], jit_compile=jit_compile)
    def value(real, generated):
        return penalty(sum_of_parts, real, generated)

    for batch in (1, 4):
        result = value(tf.zeros([batch, 2]), tf.ones([batch, 2]))
        np.testing.assert_allclose(result, (ROOT_2 - 1) ** 2, rtol=1e-5)


@pytest.mark.parametrize("generated_width", [2, None])
def test_critic_sees_the_known_part_of_the_shape(generated_width):
    """Layers make their weights by it."""
    shapes = []

    def critic(data, _):
        shapes.append(data.shape.as_list())
        return sum_of_parts(data, None)

    value = tf.function(lambda real, generated: penalty(critic, real, generated))
    value.get_concrete_function(tf.TensorSpec([None, 2]), tf.TensorSpec([None, generated_width]))
    assert shapes == [[None, 2]]


@pytest.mark.parametrize(
    ("real", "generated"), [([3, 2], [1, 2]), ([1, 2], [3, 2]), ([3, 2], [3, 1]), ([3, 2], [3])]
)
def test_data_that_would_broadcast_are_an_error_that_names_both_shapes(real, generated):
    with pytest.raises(ValueError) as error:
        penalty(sum_of_parts, tf.zeros(real), tf.zeros(generated))
    assert str(tf.TensorShape(real)) in str(error.value)
    assert str(tf.TensorShape(generated)) in str(error.value)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(("real", "generated"), [(1, 3), (3, 1)])
def test_batch_sizes_unknown_before_the_run_are_compared_in_it(jit_compile, real, generated):
    spec = tf.TensorSpec([None, 2])
    value = tf.function(
        lambda real, generated: penalty(sum_of_parts, real, generated),
        input_signature=[spec, spec],
        jit_compile=jit_compile,
    )
    with pytest.raises(tf.errors.InvalidArgumentError):
        value(tf.zeros([real, 2]), tf.zeros([generated, 2]))


def test_batch_sizes_fed_to_a_graph_are_compared():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        generated = tf.compat.v1.placeholder(tf.float32, [None, 2])
        value = penalty(half_square, tf.zeros([3, 2]), generated)
        np.testing.assert_allclose(
            session.run(value, {generated: np.zeros([3, 2])}), 1.0, atol=1e-4
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="shapes of real_data and gen"):
            session.run(value, {generated: np.zeros([1, 2])})


def first_and_second(data, _):
    return sum_of_parts(data[0], None) + sum_of_parts(data[1], None)


def test_parts_with_other_batch_sizes_are_an_error():
    data = (tf.zeros([3, 2]), tf.zeros([1, 2]))
    with pytest.raises(ValueError, match=r"one batch size.*\[3, 2\], \[1, 2\]"):
        penalty(first_and_second, data, data)


def test_batch_sizes_of_parts_unknown_before_the_run_are_compared_in_it():
    spec = (tf.TensorSpec([None, 2]), tf.TensorSpec([None, 2]))
    value = tf.function(lambda data: penalty(first_and_second, data, data), input_signature=[spec])
    np.testing.assert_allclose(value((tf.zeros([3, 2]), tf.zeros([3, 2]))), 1.0, rtol=1e-5)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="batch sizes of the parts of real_data"
    ):
        value((tf.zeros([1, 2]), tf.zeros([3, 2])))


@pytest.mark.parametrize("unknown", ["real", "generated"])
def test_unknown_rank_is_an_error(unknown):
    specs = {"real": tf.TensorSpec([3, 2]), "generated": tf.TensorSpec([3, 2])}
    specs[unknown] = tf.TensorSpec(None)
    value = tf.function(lambda real, generated: penalty(sum_of_parts, real, generated))
    with pytest.raises(ValueError, match="ranks of the data must be known.*<unknown>"):
        value.get_concrete_function(**specs)


def test_a_list_may_stand_for_a_tuple():
    def critic(data, _):
        assert isinstance(data, tuple)  # As the real data are.
        return data[0][:, 0] + data[1][:, 0]

    parts = [tf.zeros([3, 1]), tf.zeros([3, 1])]
    np.testing.assert_allclose(penalty(critic, tuple(parts), parts), (2**0.5 - 1) ** 2, rtol=1e-6)


def test_other_structures_are_an_error():
    real, generated = {"a": tf.zeros([3, 2])}, {"b": tf.zeros([3, 2])}
    with pytest.raises(ValueError, match="real_data and generated_data differ in structure"):
        penalty(lambda data, _: sum_of_parts(data["a"], None), real, generated)


# Other errors


def test_critic_that_ignores_its_data_is_an_error():
    with pytest.raises(ValueError, match="discriminator ignores its data"):
        penalty(lambda data, _: tf.ones([3]))


@pytest.mark.parametrize(
    ("real", "generated"),
    [(tf.uint8, tf.uint8), (tf.uint8, tf.float32), (tf.float32, tf.uint8)],
)
def test_integer_data_are_an_error(real, generated):
    def critic(data, _):
        return sum_of_parts(tf.cast(data, tf.float32), None)

    integer = "real_data is uint8" if real == tf.uint8 else "generated_data is uint8"
    with pytest.raises(ValueError, match=integer):
        penalty(critic, tf.zeros([3, 2], real), tf.zeros([3, 2], generated))


def test_integer_labels_among_the_data_are_an_error_that_says_what_to_do():
    def critic(data, _):
        return tf.reduce_sum(data["x"], 1)

    data = {"x": tf.zeros([3, 2]), "y": tf.zeros([3], tf.int32)}
    with pytest.raises(ValueError, match="real_data is int32.*one-hot.*generator_inputs"):
        penalty(critic, data, data)


@pytest.mark.parametrize("target", [0, -1.0, float("nan")])
def test_target_that_is_not_above_zero_is_an_error(target):
    with pytest.raises(ValueError, match="target must be > 0"):
        penalty(target=target)


@pytest.mark.parametrize("epsilon", [-1e-10, float("nan")])
def test_negative_epsilon_is_an_error(epsilon):
    with pytest.raises(ValueError, match="epsilon must be >= 0"):
        penalty(epsilon=epsilon)


def test_negative_weight_is_an_error():
    with pytest.raises(ValueError, match="weights must be >= 0"):
        penalty(weights=-1.0)


def test_unknown_reduction_is_an_error():
    with pytest.raises(ValueError, match="[Rr]eduction.*weighted_sum_by_nonzero_weights"):
        penalty(reduction="average")


# The tf.Graph world


def critic_with_a_variable(data, _):
    """A critic of the TF1 kind, which finds its variable by the scope it is called in."""
    weights = tf.compat.v1.get_variable("weights", [2], initializer=tf.ones_initializer())
    return tf.linalg.matvec(data, weights)


@pytest.mark.parametrize("kind", ["scope", "name"])
def test_graph_critic_uses_the_variables_of_its_scope_again(kind):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        with tf.compat.v1.variable_scope("Critic") as scope:
            critic_with_a_variable(tf.zeros([3, 2]), None)
        (weights,) = tf.compat.v1.global_variables()
        value = penalty(critic_with_a_variable, scope=scope if kind == "scope" else "Critic")
        assert len(tf.compat.v1.global_variables()) == 1
        (gradient,) = tf.gradients(value, weights)
        session.run(weights.initializer)
        # (|w| - 1)^2 has the gradient 2 (|w| - 1) w / |w|.
        np.testing.assert_allclose(session.run(value), (ROOT_2 - 1) ** 2, rtol=1e-5)
        np.testing.assert_allclose(
            session.run(gradient), 2 * (ROOT_2 - 1) * np.ones(2) / ROOT_2, rtol=1e-5
        )


def scope_of_the_critic(critic_attributes=(), scope="Critic"):
    """Name of the variable scope that the critic is called in."""
    seen = []

    class Critic:
        def __call__(self, data, _):
            seen.append(tf.compat.v1.get_variable_scope().name)
            return sum_of_parts(data, None)

    critic = Critic()
    for name, value in critic_attributes:
        setattr(critic, name, value)
    penalty(critic, scope=scope)
    return seen


def test_scope_is_opened_in_a_graph():
    with tf.Graph().as_default():
        assert scope_of_the_critic() == ["Critic"]


def test_network_that_enters_its_own_scope_is_left_to_it():
    with tf.Graph().as_default():
        assert scope_of_the_critic([("enters_own_scope", True)]) == [""]


def test_scope_that_is_none_is_not_opened():
    with tf.Graph().as_default():
        assert scope_of_the_critic(scope=None) == [""]


@pytest.mark.parametrize("world", ["eager", "tf.function"])
def test_scope_is_ignored_outside_a_graph(world):
    seen = []
    WORLDS[world](lambda: seen.extend(scope_of_the_critic()) or 0)
    assert seen == [""]


def test_no_collection_gets_the_penalty_by_itself():
    with tf.Graph().as_default() as graph:
        penalty()
        assert graph.get_all_collection_keys() == []


def test_named_collection_gets_the_returned_penalty():
    with tf.Graph().as_default() as graph:
        value = penalty(loss_collection="mine")
        collected = graph.get_collection("mine")
    assert len(collected) == 1
    assert collected[0] is value


@pytest.mark.parametrize("world", ["eager", "tf.function"])
def test_collection_outside_a_graph_is_an_error(world):
    with pytest.raises(ValueError, match="collections exist only in a tf.Graph"):
        WORLDS[world](lambda: penalty(loss_collection="mine"))


# Summaries


def test_summary_in_a_graph_is_tfgans():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        penalty(add_summaries=True)
        merged = session.run(tf.compat.v1.summary.merge_all())
    (value,) = tf.compat.v1.Summary.FromString(merged).value
    assert value.tag == "gradient_penalty_loss"
    np.testing.assert_allclose(value.simple_value, (ROOT_2 - 1) ** 2, rtol=1e-5)


def test_summary_elsewhere_is_reported_to_the_run(monkeypatch):
    reported = {}
    monkeypatch.setattr(runs, "report", lambda tag, value: reported.update({tag: float(value)}))
    penalty(add_summaries=True)
    assert reported == {"gradient_penalty_loss": pytest.approx((ROOT_2 - 1) ** 2, rel=1e-5)}
