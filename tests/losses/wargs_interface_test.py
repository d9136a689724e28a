"""The names, signatures, help, collections and errors of the losses on logits."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.formulas import (
    FORMULAS,
    OF_PAIRS,
    ON_LOGITS,
    actual,
    inputs_for,
    weights_for,
)
from tests.losses.worlds import Reduction
from tfgan_lite.losses import gradient_penalties, wargs

LAST_ARGUMENTS = {
    "scope": None,
    "loss_collection": None,
    "reduction": Reduction.SUM_BY_NONZERO_WEIGHTS,
    "add_summaries": False,
}

every_loss = pytest.mark.parametrize("name", FORMULAS)
every_loss_of_pairs = pytest.mark.parametrize("name", OF_PAIRS)


# Names


@every_loss
def test_function_has_its_own_name(name):
    function = getattr(wargs, name)
    assert function.__name__ == name
    assert [other for other in FORMULAS if getattr(wargs, other) is function] == [name]


@every_loss
def test_signature_is_tfgans_without_the_hidden_collection(name):
    parameters = inspect.signature(getattr(wargs, name)).parameters
    row = FORMULAS[name]
    inputs = len(row.inputs)
    options = {**row.options, **dict.fromkeys(row.weights, 1.0), **LAST_ARGUMENTS}
    assert tuple(parameters)[:inputs] == row.inputs
    assert set(parameters) == {*row.inputs, *options}
    assert list(parameters)[-4:] == list(LAST_ARGUMENTS)
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


def test_help_says_what_smoothing_does_to_classes_and_to_two_labels():
    described = {
        name: inspect.getdoc(getattr(wargs, name)).partition("label_smoothing: ")[2]
        for name in ("acgan_discriminator_loss", "minimax_discriminator_loss")
    }
    classes, two = (text.split("weights: ")[0] for text in described.values())
    assert "label_smoothing / K" in classes and "label_smoothing / 2" not in classes
    assert "1 - label_smoothing / 2" in two


def test_penalties_are_among_the_formulas():
    assert wargs.wasserstein_gradient_penalty is gradient_penalties.wasserstein_gradient_penalty
    assert wargs.r1_penalty is gradient_penalties.r1_penalty


def test_public_names_are_sorted_and_have_help():
    assert wargs.__all__ == sorted(set(wargs.__all__))
    assert all(inspect.getdoc(getattr(wargs, name)) for name in wargs.__all__)


@every_loss
def test_scope_names_the_operations(name):
    with tf.Graph().as_default():
        loss = actual(name, inputs_for(name), scope="my_scope")
        default = actual(name, inputs_for(name))
    assert loss.name.startswith("my_scope/")
    assert default.name.startswith(f"{name}/")


# Collections


@every_loss
def test_no_collection_gets_the_loss_by_itself(name):
    with tf.Graph().as_default() as graph:
        actual(name, inputs_for(name))
        assert graph.get_all_collection_keys() == []


@every_loss
def test_named_collection_gets_the_returned_loss(name):
    with tf.Graph().as_default() as graph:
        loss = actual(name, inputs_for(name), loss_collection="mine")
        collected = graph.get_collection("mine")
    assert len(collected) == 1
    assert collected[0] is loss


@every_loss
@pytest.mark.parametrize(
    "call", [lambda f: f(), lambda f: tf.function(f)()], ids=["eager", "tf.function"]
)
def test_collection_outside_a_graph_is_an_error(name, call):
    with pytest.raises(ValueError, match="collections exist only in a tf.Graph"):
        call(lambda: actual(name, inputs_for(name), loss_collection="mine"))


# Errors


@every_loss_of_pairs
def test_unequal_shapes_are_an_error_that_names_both(name):
    inputs = [tf.zeros([3, 1]), *(tf.zeros([2, 1]) for _ in FORMULAS[name].inputs[1:])]
    with pytest.raises(ValueError, match=r"\(3, 1\).*\(2, 1\)"):
        getattr(wargs, name)(*inputs)


@every_loss
def test_unknown_reduction_is_an_error(name):
    with pytest.raises(ValueError, match="[Rr]eduction.*weighted_sum_by_nonzero_weights"):
        actual(name, inputs_for(name), reduction="average")


@pytest.mark.parametrize(
    ("name", "argument"),
    [(name, argument) for name, row in FORMULAS.items() for argument in row.weights],
)
@pytest.mark.parametrize("weights", [-1, -0.5, np.array([[1.0], [-1.0]]), float("nan"), None])
def test_weight_that_is_not_at_least_zero_is_an_error_that_names_it(name, argument, weights):
    with pytest.raises(ValueError, match=rf"^{argument} "):
        actual(name, inputs_for(name, (2, 1)), **{argument: weights})


@pytest.mark.parametrize("name", ON_LOGITS)
def test_weight_of_another_rank_is_an_error(name):
    """A vector would broadcast a column of logits to a square."""
    with pytest.raises(ValueError, match=r"\(5, 1\).*\(5,\)"):
        actual(name, inputs_for(name, (5, 1)), **weights_for(name, (np.ones(5), np.ones(5))))


@pytest.mark.parametrize(
    "name", [n for n, row in FORMULAS.items() if "label_smoothing" in row.options]
)
@pytest.mark.parametrize("label_smoothing", [-0.1, 1.1, float("nan")])
def test_label_smoothing_outside_0_to_1_is_an_error_that_names_it(name, label_smoothing):
    with pytest.raises(ValueError, match="label_smoothing must be in"):
        actual(name, inputs_for(name), label_smoothing=label_smoothing)
