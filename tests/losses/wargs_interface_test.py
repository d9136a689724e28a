"""The adversarial losses' names, signatures, help, collections and errors."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.losses import penalties, wargs

Reduction = tf.compat.v1.losses.Reduction

# Arguments of TF-GAN's signatures between the logits and the four last ones, with their defaults.
GENERATOR_WEIGHTS = {"weights": 1.0}
DISCRIMINATOR_WEIGHTS = {"real_weights": 1.0, "generated_weights": 1.0}
ARGUMENTS = {
    "wasserstein_generator_loss": GENERATOR_WEIGHTS,
    "wasserstein_discriminator_loss": DISCRIMINATOR_WEIGHTS,
    "wasserstein_hinge_generator_loss": GENERATOR_WEIGHTS,
    "wasserstein_hinge_discriminator_loss": {
        **DISCRIMINATOR_WEIGHTS,
        "real_hinge": 1.0,
        "generated_hinge": 1.0,
    },
    "minimax_generator_loss": {"label_smoothing": 0.0, **GENERATOR_WEIGHTS},
    "minimax_discriminator_loss": {"label_smoothing": 0.25, **DISCRIMINATOR_WEIGHTS},
    "modified_generator_loss": {"label_smoothing": 0.0, **GENERATOR_WEIGHTS},
    "modified_discriminator_loss": {"label_smoothing": 0.25, **DISCRIMINATOR_WEIGHTS},
    "least_squares_generator_loss": {"real_label": 1, **GENERATOR_WEIGHTS},
    "least_squares_discriminator_loss": {"real_label": 1, "fake_label": 0, **DISCRIMINATOR_WEIGHTS},
}
LAST_ARGUMENTS = {
    "scope": None,
    "loss_collection": None,
    "reduction": Reduction.SUM_BY_NONZERO_WEIGHTS,
    "add_summaries": False,
}

LOSSES = list(ARGUMENTS)
GENERATOR_LOSSES = [name for name in LOSSES if name.endswith("generator_loss")]
DISCRIMINATOR_LOSSES = [name for name in LOSSES if name.endswith("discriminator_loss")]
every_loss = pytest.mark.parametrize("name", LOSSES)
every_discriminator_loss = pytest.mark.parametrize("name", DISCRIMINATOR_LOSSES)


def logits_for(name, shape=(5, 2), seed=0):
    """Random float64 logits, in the order in which the loss takes them."""
    count = 1 if name in GENERATOR_LOSSES else 2
    return list(np.random.default_rng(seed).normal(0, 2, (count, *shape)))


def weights_for(name, weights):
    """A pair of weights as the loss's keyword arguments."""
    names = ("weights",) if name in GENERATOR_LOSSES else ("real_weights", "generated_weights")
    return dict(zip(names, weights, strict=False))


def actual(name, logits, **arguments):
    return getattr(wargs, name)(*map(tf.constant, logits), **arguments)


# Names


@every_loss
def test_function_has_its_own_name(name):
    function = getattr(wargs, name)
    assert function.__name__ == name
    assert [other for other in LOSSES if getattr(wargs, other) is function] == [name]


@every_loss
def test_signature_is_tfgans_without_the_hidden_collection(name):
    parameters = inspect.signature(getattr(wargs, name)).parameters
    logits = ["discriminator_real_outputs", "discriminator_gen_outputs"]
    logits = logits[1:] if name in GENERATOR_LOSSES else logits
    options = {**ARGUMENTS[name], **LAST_ARGUMENTS}
    assert list(parameters) == [*logits, *options]
    assert {option: parameters[option].default for option in options} == options


@every_loss
def test_help_describes_every_argument_and_the_paper(name):
    text = inspect.getdoc(getattr(wargs, name))
    described = [
        f"\n  {argument}: " in text
        for argument in inspect.signature(getattr(wargs, name)).parameters
    ]
    assert all(described)
    assert all(word in text for word in ("arXiv:", "\nArgs:\n", "\nReturns:\n", "\nRaises:\n"))


def test_gradient_penalty_is_among_the_formulas():
    assert wargs.wasserstein_gradient_penalty is penalties.wasserstein_gradient_penalty


@every_loss
def test_scope_names_the_operations(name):
    with tf.Graph().as_default():
        loss = actual(name, logits_for(name), scope="my_scope")
        default = actual(name, logits_for(name))
    assert loss.name.startswith("my_scope/")
    assert default.name.startswith(f"{name}/")


# Collections


@every_loss
def test_no_collection_gets_the_loss_by_itself(name):
    with tf.Graph().as_default() as graph:
        actual(name, logits_for(name))
        assert graph.get_all_collection_keys() == []


@every_loss
def test_named_collection_gets_the_returned_loss(name):
    with tf.Graph().as_default() as graph:
        loss = actual(name, logits_for(name), loss_collection="mine")
        collected = graph.get_collection("mine")
    assert len(collected) == 1
    assert collected[0] is loss


@every_loss
@pytest.mark.parametrize(
    "call", [lambda f: f(), lambda f: tf.function(f)()], ids=["eager", "tf.function"]
)
def test_collection_outside_a_graph_is_an_error(name, call):
    with pytest.raises(ValueError, match="collections exist only in a tf.Graph"):
        call(lambda: actual(name, logits_for(name), loss_collection="mine"))


# Errors


@every_discriminator_loss
def test_unequal_shapes_are_an_error_that_names_both(name):
    with pytest.raises(ValueError, match=r"\(3, 1\).*\(2, 1\)"):
        getattr(wargs, name)(tf.zeros([3, 1]), tf.zeros([2, 1]))


@every_loss
def test_unknown_reduction_is_an_error(name):
    with pytest.raises(ValueError, match="[Rr]eduction.*weighted_sum_by_nonzero_weights"):
        actual(name, logits_for(name), reduction="average")


@pytest.mark.parametrize(
    ("name", "argument"),
    [(name, argument) for name in LOSSES for argument in ARGUMENTS[name] if "weights" in argument],
)
@pytest.mark.parametrize("weights", [-1, -0.5, np.array([[1.0], [-1.0]]), float("nan"), None])
def test_weight_that_is_not_at_least_zero_is_an_error_that_names_it(name, argument, weights):
    with pytest.raises(ValueError, match=rf"^{argument} "):
        actual(name, logits_for(name, (2, 1)), **{argument: weights})


@every_loss
def test_weight_of_another_rank_is_an_error(name):
    """A vector would broadcast a column of logits to a square."""
    with pytest.raises(ValueError, match=r"\(5, 1\).*\(5,\)"):
        actual(name, logits_for(name, (5, 1)), **weights_for(name, (np.ones(5), np.ones(5))))


@pytest.mark.parametrize("name", [name for name in LOSSES if "label_smoothing" in ARGUMENTS[name]])
@pytest.mark.parametrize("label_smoothing", [-0.1, 1.1, float("nan")])
def test_label_smoothing_outside_0_to_1_is_an_error_that_names_it(name, label_smoothing):
    with pytest.raises(ValueError, match="label_smoothing must be in"):
        actual(name, logits_for(name), label_smoothing=label_smoothing)
