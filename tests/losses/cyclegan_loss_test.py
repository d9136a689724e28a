"""`cyclegan_loss`: adversarial losses of both directions, there and back, and staying put."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.worlds import Linear, both_worlds, close, every_world, in_tf2, normal
from tfgan_lite import losses
from tfgan_lite.counters import Counters
from tfgan_lite.features import TensorPool, tensor_pool
from tfgan_lite.losses.terms import every_of, terms_of
from tfgan_lite.translation import cyclegan_model

KINDS = {
    "least squares": ({}, lambda gen: ((gen - 1) ** 2).mean() / 2),
    "Wasserstein": (
        {"generator_loss_fn": losses.wasserstein_generator_loss},
        lambda gen: -gen.mean(),
    ),
}


def networks():
    return (Linear(2, 2, 1), Linear(2, 2, 2)), (Linear(2, 1, 3), Linear(2, 1, 4))


def model(given=None, x=None, y=None):
    generators, discriminators = given or networks()
    return cyclegan_model(generators, discriminators, x or normal(4, 2), y or normal(4, 2))


def program_of(**arguments):
    def make_program():
        given = networks()

        def program():
            m = model(given)
            loss = losses.cyclegan_loss(m, **arguments)
            directions = [
                (d.discriminator_real_outputs, d.discriminator_gen_outputs, d.generator_inputs)
                for d in (m.model_x2y, m.model_y2x)
            ]
            return [loss, directions, m.reconstructed_x, m.reconstructed_y]

        return program

    return make_program


def test_signature_is_tfgans_and_one_more():
    parameters = inspect.signature(losses.cyclegan_loss).parameters
    assert {name: p.default for name, p in list(parameters.items())[1:-1]} == {
        "generator_loss_fn": losses.least_squares_generator_loss,
        "discriminator_loss_fn": losses.least_squares_discriminator_loss,
        "cycle_consistency_loss_fn": losses.cycle_consistency_loss,
        "cycle_consistency_loss_weight": 10.0,
        "identity_loss_weight": None,
    }
    assert parameters["identity_loss_weight"].kind == inspect.Parameter.KEYWORD_ONLY
    assert parameters["kwargs"].kind == inspect.Parameter.VAR_KEYWORD


@every_world
@pytest.mark.parametrize("kind", KINDS)
def test_both_generators_pay_for_both_ways_there_and_back(run, kind):
    arguments, of_generator = KINDS[kind]
    loss, directions, back_x, back_y = run(program_of(**arguments))
    (_, gen_y, x), (_, gen_x, y) = directions
    cycle = (np.abs(x - back_x).mean() + np.abs(y - back_y).mean()) / 2
    close(loss.loss_x2y.generator_loss, of_generator(gen_y) + 10 * cycle)
    close(loss.loss_y2x.generator_loss, of_generator(gen_x) + 10 * cycle)
    for direction, (real, gen, _) in zip((loss.loss_x2y, loss.loss_y2x), directions):
        expected = ((real - 1) ** 2).mean() / 2 + (gen**2).mean() / 2
        close(direction.discriminator_loss, expected)


@every_world
def test_identity_is_that_of_the_wanted_domain(run):
    """arXiv:1703.10593, section 5.2: `mean |G(y) - y|`."""
    loss, ((_, gen_y, x), (_, gen_x, y)), _, _ = run(
        program_of(identity_loss_weight=5.0, cycle_consistency_loss_weight=0.0)
    )
    to_y, to_x = (g.weights.numpy() for g in networks()[0])
    adversarial = KINDS["least squares"][1]
    expected = adversarial(gen_y) + 5 * np.abs(y @ to_y - y).mean()
    close(loss.loss_x2y.generator_loss, expected)
    close(loss.loss_y2x.generator_loss, adversarial(gen_x) + 5 * np.abs(x @ to_x - x).mean())


@both_worlds
def test_terms_are_named(run):
    def make_program():
        given = networks()

        def program():
            loss = losses.cyclegan_loss(
                model(given), identity_loss_weight=1.0, gradient_penalty_weight=1.0
            )
            for direction in loss:
                assert list(terms_of(direction.generator_loss)) == [
                    "adversarial",
                    "cycle_consistency",
                    "identity",
                ]
                assert list(terms_of(direction.discriminator_loss)) == [
                    "adversarial",
                    "gradient_penalty",
                ]
            total = loss.loss_x2y.generator_loss
            return [terms_of(total), total]

        return program

    terms, total = run(make_program)
    close(total, sum(terms.values()))


def test_terms_are_not_named_without_summaries_unless_they_are_not_always_due():
    def still(m):
        return tf.reduce_mean(m.generated_data)

    still.network = "generator"
    loss = losses.cyclegan_loss(model(), add_summaries=False, penalties=[(still, 1.0, 4)])
    assert list(terms_of(loss.loss_x2y.generator_loss)) == ["still"]
    assert every_of(loss.loss_x2y.generator_loss) == {"still": 4}
    assert terms_of(loss.loss_y2x.discriminator_loss) == {}


def test_own_cycle_loss_gets_the_values_of_the_model():
    def own(m):
        return tf.reduce_mean(tf.abs(m.reconstructed_x))

    m = model()
    loss = losses.cyclegan_loss(m, cycle_consistency_loss_fn=own, cycle_consistency_loss_weight=2.0)
    term = terms_of(loss.loss_y2x.generator_loss)["cycle_consistency"]
    value, back = tfgan.Session(Counters()).run([term, m.reconstructed_x])
    close(value, 2 * np.abs(back).mean())


def test_regularisers_are_in_their_networks_losses():
    def dense(units):
        layer = tf.keras.layers.Dense(
            units, use_bias=False, kernel_initializer="ones", kernel_regularizer="l2"
        )
        return tf.keras.Sequential([layer])

    m = model(((dense(2), dense(2)), (dense(1), dense(1))))
    loss = losses.cyclegan_loss(m)
    close(terms_of(loss.loss_y2x.generator_loss)["regularization"](), 4 * 0.01)
    close(terms_of(loss.loss_x2y.discriminator_loss)["regularization"](), 2 * 0.01)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_generators_have_gradients_in_a_users_tf_function(jit_compile):
    """Against finite differences of the NumPy value."""
    given = (generator, back), _ = networks()

    @tf.function(autograph=False, jit_compile=jit_compile)
    def gradient(x, y):
        with tf.GradientTape() as tape:
            m = cyclegan_model(*given, x, y)
            loss = losses.cyclegan_loss(m, lambda m: 0.0 * tf.reduce_sum(m.generated_data))
        return tape.gradient(loss.loss_x2y.generator_loss, generator.weights)

    x, y = np.random.default_rng(0).normal(size=[2, 4, 2])
    to_y, to_x = generator.weights.numpy().astype(float), back.weights.numpy().astype(float)

    def value(to_y):
        return 5 * (np.abs(x @ to_y @ to_x - x).mean() + np.abs(y @ to_x @ to_y - y).mean())

    nudge = np.zeros_like(to_y)
    nudge[0, 1] = 1e-6
    expected = (value(to_y + nudge) - value(to_y - nudge)) / 2e-6
    given_gradient = gradient(tf.constant(x, tf.float32), tf.constant(y, tf.float32))
    np.testing.assert_allclose(given_gradient[0, 1], expected, rtol=1e-3)


# Pools


def variables_read(value):
    """All variables that a deferred value depends on."""
    found, stack = {}, [value]
    while stack:
        node = stack.pop()
        found.update((id(v), v) for v in node.trace.variables)
        stack.extend(node.trace.needs)
    return found


def test_history_is_one_for_each_domain():
    m = model()
    loss = losses.cyclegan_loss(m, tensor_pool_fn=tensor_pool)
    owned = {id(v) for d in (m.model_x2y, m.model_y2x) for v in d.generator_variables}
    x2y, y2x = (
        set(variables_read(direction.discriminator_loss)) - owned
        for direction in (loss.loss_x2y, loss.loss_y2x)
    )
    assert len(x2y) == len(y2x) == 4  # D's weights, two buffers and their count.
    assert not x2y & y2x


@pytest.mark.parametrize(
    "pools", [tensor_pool, lambda: (TensorPool(8), TensorPool(8)), [None, tensor_pool]]
)
def test_pools_of_the_library_train(pools):
    pools = pools() if callable(pools) and pools is not tensor_pool else pools
    loss = losses.cyclegan_loss(model(), tensor_pool_fn=pools)
    values = in_tf2(lambda: lambda: [loss.loss_x2y.discriminator_loss, loss.loss_y2x])
    assert np.isfinite(values[0])


def test_one_history_for_both_domains_is_an_error():
    with pytest.raises(ValueError, match=r"would mix the domains: pass a pair"):
        losses.cyclegan_loss(model(), tensor_pool_fn=TensorPool(8))


def test_three_pools_are_an_error():
    with pytest.raises(ValueError, match=r"a function or a pair \(x2y, y2x\)"):
        losses.cyclegan_loss(model(), tensor_pool_fn=(tensor_pool,) * 3)


# Bad input


@pytest.mark.parametrize("name", ["cycle_consistency_loss_weight", "identity_loss_weight"])
@pytest.mark.parametrize("weight", [-1, np.float32(-0.5), float("nan")])
def test_weight_below_zero_is_an_error(name, weight):
    with pytest.raises(ValueError, match=f"{name} must be >= 0"):
        losses.cyclegan_loss(model(), **{name: weight})


def test_another_model_is_an_error():
    with pytest.raises(ValueError, match="cyclegan_loss needs a CycleGANModel.*got a GANModel"):
        losses.cyclegan_loss(model().model_x2y)


def test_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="cyclegan_loss has no argument gradient_penalty,"):
        losses.cyclegan_loss(model(), gradient_penalty=1.0)


def test_identity_of_domains_of_different_shapes_is_an_error():
    given = (Linear(2, 3), Linear(3, 2)), (Linear(3, 1), Linear(2, 1))
    m = model(given, y=normal(4, 3))
    with pytest.raises(ValueError, match=r"both domains to have one shape.*\(4, 2\) and \(4, 3\)"):
        losses.cyclegan_loss(m, identity_loss_weight=1.0)
    assert losses.cyclegan_loss(m).loss_x2y.generator_loss.shape == []
