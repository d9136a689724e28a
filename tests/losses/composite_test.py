"""`gan_loss` adds up what each network minimises, and nothing else."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters
from tfgan_lite.losses.composite import terms_of
from tfgan_lite.runs import Run, random_key
from tfgan_lite.tracing import sources_of

Reduction = tf.compat.v1.losses.Reduction
PENALTY = (np.sqrt(2.0) - 1) ** 2  # Of the critic x1 + x2, whose slope is sqrt(2).


class Critic(tf.Module):
    """x1 + x2 at first; it counts its calls, in Python and in a variable."""

    def __init__(self, heads=lambda logits: logits):
        super().__init__()
        self.weights = tf.Variable(tf.ones([2, 1]))
        self.steps = tf.Variable(0.0, trainable=False)
        self.heads = heads
        self.calls = 0

    def __call__(self, data):
        self.calls += 1
        self.steps.assign_add(1.0)
        return self.heads(data @ self.weights)


class Generator(tf.Module):
    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(tf.ones([2, 2]))

    def __call__(self, inputs):
        return inputs @ self.weights


def images(drawn=None):
    dataset = tf.data.Dataset.range(100).map(lambda i: tf.fill([2], tf.cast(i, tf.float32)))
    if drawn is not None:
        count = lambda i: drawn.append(i) or i  # noqa: E731
        dataset = tf.data.Dataset.range(100).map(
            lambda i: tf.fill([2], tf.cast(tf.numpy_function(count, [i], tf.int64), tf.float32))
        )
        dataset = dataset.map(lambda x: tf.ensure_shape(x, [2]))
    return dataset.batch(4, drop_remainder=True)


def model(critic=None, generator=None, drawn=None):
    return tfgan.gan_model(
        generator or Generator(),
        critic or Critic(),
        images(drawn),
        lambda n: tf.random.normal([n, 2]),
    )


def in_tf2(program):
    return tfgan.Session(Counters(), seed=1).run(program())


def in_tf_graph(program):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        fetches = program()
        session.run(
            [tf.compat.v1.global_variables_initializer(), tf.compat.v1.tables_initializer()]
        )
        return session.run(fetches)


every_world = pytest.mark.parametrize("run", [in_tf2, in_tf_graph], ids=["TF2", "tf.Graph"])


def fetched(run, make_model=model, **arguments):
    """Both losses and both logits of one run."""

    def program():
        m = make_model()
        loss = tfgan.gan_loss(m, **arguments)
        return [*loss, m.discriminator_real_outputs, m.discriminator_gen_outputs]

    return run(program)


# Signature


def test_signature_and_defaults_are_tfgans_but_for_the_list_of_penalties():
    parameters = inspect.signature(tfgan.gan_loss).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "model": inspect.Parameter.empty,
        "generator_loss_fn": tfgan.losses.wasserstein_generator_loss,
        "discriminator_loss_fn": tfgan.losses.wasserstein_discriminator_loss,
        "gradient_penalty_weight": None,
        "gradient_penalty_epsilon": 1e-10,
        "gradient_penalty_target": 1.0,
        "gradient_penalty_one_sided": False,
        "mutual_information_penalty_weight": None,
        "aux_cond_generator_weight": None,
        "aux_cond_discriminator_weight": None,
        "tensor_pool_fn": None,
        "reduction": Reduction.SUM_BY_NONZERO_WEIGHTS,
        "add_summaries": True,
        "penalties": (),
    }
    assert parameters["penalties"].kind == inspect.Parameter.KEYWORD_ONLY
    assert list(parameters)[:4] == [
        "model",
        "generator_loss_fn",
        "discriminator_loss_fn",
        "gradient_penalty_weight",
    ]


@pytest.mark.parametrize("weight", [-1, -0.5, np.float32(-1), float("nan")])
def test_penalty_weight_below_zero_is_an_error(weight):
    with pytest.raises(ValueError, match="gradient_penalty_weight must be >= 0"):
        tfgan.gan_loss(model(), gradient_penalty_weight=weight)


# Adversarial losses. Their values are NumPy's, from the logits of the same run.


def relu(x):
    return np.maximum(0, x)


def softplus(x):
    return np.log1p(np.exp(x))


FORMULAS = {
    "wasserstein": (lambda gen: -gen.mean(), lambda real, gen: gen.mean() - real.mean()),
    "wasserstein_hinge": (
        lambda gen: -gen.mean(),
        lambda real, gen: relu(1 - real).mean() + relu(1 + gen).mean(),
    ),
    "least_squares": (
        lambda gen: ((gen - 1) ** 2).mean() / 2,
        lambda real, gen: ((real - 1) ** 2).mean() / 2 + (gen**2).mean() / 2,
    ),
    "modified": (
        lambda gen: softplus(-gen).mean(),
        lambda real, gen: (softplus(-real) + 0.125 * real).mean() + softplus(gen).mean(),
    ),
}


@every_world
@pytest.mark.parametrize("kind", FORMULAS)
def test_losses_are_those_of_the_logits_of_the_same_run(run, kind):
    generator_loss, discriminator_loss, real, gen = fetched(
        run,
        generator_loss_fn=getattr(tfgan.losses, f"{kind}_generator_loss"),
        discriminator_loss_fn=getattr(tfgan.losses, f"{kind}_discriminator_loss"),
    )
    of_generator, of_discriminator = FORMULAS[kind]
    np.testing.assert_allclose(generator_loss, of_generator(gen), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(discriminator_loss, of_discriminator(real, gen), rtol=1e-4)


@every_world
def test_wasserstein_is_the_default(run):
    generator_loss, discriminator_loss, real, gen = fetched(run)
    np.testing.assert_allclose(generator_loss, -gen.mean(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(discriminator_loss, gen.mean() - real.mean(), rtol=1e-4)


@every_world
@pytest.mark.parametrize(
    "heads",
    [lambda x: (x, 9 * x), lambda x: [x, 9 * x], lambda x: {"a": 9 * x, "logits": x}],
    ids=["tuple", "list", "dict"],
)
def test_only_the_logits_count_among_several_heads(run, heads):
    def logits(outputs):
        return outputs["logits"] if isinstance(outputs, dict) else outputs[0]

    generator_loss, discriminator_loss, real, gen = fetched(
        run, lambda: model(Critic(heads)), gradient_penalty_weight=10.0
    )
    real, gen = logits(real), logits(gen)
    np.testing.assert_allclose(generator_loss, -gen.mean(), rtol=1e-4, atol=1e-5)
    expected = gen.mean() - real.mean() + 10 * PENALTY
    np.testing.assert_allclose(discriminator_loss, expected, rtol=1e-4, atol=1e-4)


@every_world
@pytest.mark.parametrize(
    ("reduction", "reduce"), [(Reduction.SUM, np.sum), (Reduction.NONE, np.asarray)]
)
def test_reduction_is_passed_on(run, reduction, reduce):
    generator_loss, discriminator_loss, real, gen = fetched(run, reduction=reduction)
    np.testing.assert_allclose(generator_loss, reduce(-gen), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(discriminator_loss, reduce(gen) - reduce(real), rtol=1e-4, atol=1e-4)


@every_world
def test_unreduced_parts_of_different_shapes_are_an_error_that_names_them(run):
    """Their sum would broadcast to a square."""
    with pytest.raises(ValueError, match=r"adversarial \(4, 1\), gradient_penalty \(4,\)"):
        fetched(run, gradient_penalty_weight=1.0, reduction=Reduction.NONE)


@every_world
def test_unreduced_parts_of_one_shape_are_added_element_by_element(run):
    flat = lambda logits: tf.squeeze(logits, 1)  # noqa: E731
    _, discriminator_loss, real, gen = fetched(
        run,
        lambda: model(Critic(flat)),
        gradient_penalty_weight=10.0,
        reduction=Reduction.NONE,
    )
    np.testing.assert_allclose(discriminator_loss, gen - real + 10 * PENALTY, rtol=1e-4, atol=1e-4)


# Loss functions of your own


@every_world
def test_own_loss_may_be_arithmetic_on_the_models_fields(run):
    """Here the fields are values of the run, so that all of TensorFlow works on them."""

    def own(m):
        return tf.reduce_mean(m.discriminator_gen_outputs**2) + 3.0

    generator_loss, _, _, gen = fetched(run, generator_loss_fn=own)
    np.testing.assert_allclose(generator_loss, (gen**2).mean() + 3, rtol=1e-4)


@every_world
def test_own_loss_gets_the_reduction_where_its_signature_has_it(run):
    def own(m, reduction="mine"):
        assert reduction == Reduction.SUM
        return tf.reduce_sum(m.discriminator_gen_outputs)

    def other(m):
        return tf.reduce_sum(m.discriminator_real_outputs)

    generator_loss, discriminator_loss, real, gen = fetched(
        run, generator_loss_fn=own, discriminator_loss_fn=other, reduction=Reduction.SUM
    )
    np.testing.assert_allclose(generator_loss, gen.sum(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(discriminator_loss, real.sum(), rtol=1e-4)


def test_own_loss_that_takes_any_keyword_gets_all():
    seen = {}

    def own(m, **kwargs):
        seen.update(kwargs)
        return tf.reduce_mean(m.discriminator_gen_outputs)

    tfgan.gan_loss(model(), generator_loss_fn=own)
    assert seen == {"reduction": Reduction.SUM_BY_NONZERO_WEIGHTS, "add_summaries": False}


# What is evaluated


def test_generators_loss_neither_draws_real_data_nor_judges_them():
    critic, drawn = Critic(), []
    loss = tfgan.gan_loss(model(critic, drawn=drawn)).generator_loss
    critic.calls = 0
    loss()
    assert critic.calls == 1
    assert drawn == []
    assert [source.name for source in sources_of([loss])] == ["Generator/inputs"]


def test_discriminator_is_called_once_on_each_kind_of_data():
    critic = Critic()
    loss = tfgan.gan_loss(model(critic))
    critic.calls = 0
    sources = sources_of(loss)
    iterators = {s: iter(s.dataset) for s in sources if s.name == "dataset"}
    with Run(key=random_key(0, 0), iterators=iterators):
        loss.discriminator_loss()
        loss.generator_loss()
    assert critic.calls == 2


@every_world
def test_no_collection_is_written(run):
    def program():
        loss = tfgan.gan_loss(model(), gradient_penalty_weight=1.0)
        for key in (tf.compat.v1.GraphKeys.LOSSES, tf.compat.v1.GraphKeys.SUMMARIES):
            assert tf.compat.v1.get_collection(key) == []
        return list(loss)

    run(program)


@every_world
def test_loss_with_several_parts_names_them(run):
    def program():
        loss = tfgan.gan_loss(model(), gradient_penalty_weight=10.0)
        assert terms_of(loss.generator_loss) == {}
        terms = terms_of(loss.discriminator_loss)
        assert list(terms) == ["adversarial", "gradient_penalty"]
        return [*terms.values(), loss.discriminator_loss]

    adversarial, penalty, total = run(program)
    np.testing.assert_allclose(penalty, 10 * PENALTY, rtol=1e-4)
    np.testing.assert_allclose(total, adversarial + penalty, rtol=1e-5)


def test_parts_are_not_named_without_summaries():
    loss = tfgan.gan_loss(model(), gradient_penalty_weight=1.0, add_summaries=False)
    assert terms_of(loss.discriminator_loss) == {}


def test_model_put_together_of_functions_is_refused():
    functions = {"generator_fn": lambda z: z, "discriminator_fn": lambda x: x}
    with pytest.raises(TypeError, match="must be those that gan_model .* returned"):
        tfgan.gan_loss(model()._replace(**functions))
