"""Deferred values: one computation in each run, shared within it and never between two."""

import collections
import hashlib
import operator
import threading
import warnings

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite import runs, tracing
from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.runs import Run, random_key

Pair = collections.namedtuple("Pair", ["first", "second"])


def counted(value, name="counted"):
    """A deferred value and the list that grows with every computation of it."""
    calls = []

    def compute():
        calls.append(name)
        return tf.convert_to_tensor(value)

    node = Deferred(compute, name)
    node.trace  # noqa: B018  Tracing computes once; the tests count what comes after it.
    calls.clear()
    return node, calls


def noise(shape=(3,)):
    return tfgan.from_callable(lambda: tf.random.normal(shape), name="noise")


def compiled_run(*fetches):
    return tfgan.Session(Counters()).run(fetches)


def empty_run(**arguments):
    return Run(**{"key": random_key(0, 0), **arguments})


# Runs


def test_value_is_computed_once_in_a_run():
    value, calls = counted(3.0)
    with empty_run():
        total = value() + value * 2 + defer(tf.square, value)
    assert total.numpy() == 3 + 6 + 9
    assert calls == ["counted"]


def test_value_is_computed_anew_in_another_run():
    value, calls = counted(3.0)
    for _ in range(2):
        with empty_run():
            value()
    assert len(calls) == 2


def test_every_call_outside_a_run_is_a_run_of_its_own():
    x = noise()
    assert not np.array_equal(x(), x())


def test_all_fetches_of_a_compiled_run_share_one_draw():
    x = noise()
    drawn, doubled, again = compiled_run(x, 2 * x, x)
    np.testing.assert_array_equal(doubled, 2 * drawn)
    np.testing.assert_array_equal(again, drawn)


def test_two_compiled_runs_never_share_a_draw():
    x, session = noise(), tfgan.Session(Counters())
    assert not np.array_equal(session.run(x), session.run(x))


def test_value_that_is_fed_is_not_computed():
    value, calls = counted(3.0)
    with empty_run(values={value: tf.constant(5.0)}):
        assert (value + 1).numpy() == 6.0
    assert calls == []


def test_run_belongs_to_its_thread():
    seen = []
    with empty_run() as run:
        thread = threading.Thread(target=lambda: seen.append(runs.current_run()))
        thread.start()
        thread.join()
        assert runs.current_run() is run
    assert seen == [None]
    assert runs.current_run() is None


def test_run_that_fails_is_no_longer_in_progress():
    failing = Deferred(lambda: 1 / 0, "failing")
    with pytest.raises(ZeroDivisionError), empty_run() as run:
        run.value(failing)
    assert runs.current_run() is None


def test_reported_scalars_are_noted_by_the_run():
    with empty_run() as run:
        runs.report("slope", tf.constant(2.0))
    assert {name: value.numpy() for name, value in run.reports.items()} == {"slope": 2.0}


def test_reporting_without_a_run_does_nothing():
    assert runs.report("slope", tf.constant(2.0)) is None


# Defer


def test_function_of_tensors_alone_is_called_at_once():
    assert defer(tf.add, tf.constant(1), tf.constant(2)).numpy() == 3


def test_function_of_a_deferred_value_is_deferred():
    value, calls = counted(2.0)
    total = defer(lambda parts: parts["a"] + parts["b"], {"a": value, "b": tf.constant(1.0)})
    assert isinstance(total, Deferred)
    assert calls == []
    assert total().numpy() == 3.0


def test_function_that_gives_a_structure_has_a_deferred_value_at_each_leaf():
    def halves(x):
        fresh = x + tf.random.normal([3])
        return {"plus": fresh, "minus": (-fresh,)}

    parts = defer(halves, noise())
    assert isinstance(parts["plus"], Deferred)
    plus, minus = compiled_run(parts["plus"], parts["minus"][0])
    np.testing.assert_array_equal(plus, -minus)


def test_inside_a_run_the_function_is_called_at_once():
    value, _ = counted(2.0)
    with empty_run():
        assert defer(tf.square, value).numpy() == 4.0


def test_lazy_named_tuple_computes_only_the_fields_that_are_read():
    """So a loss of the generator does not pay for a pass over the real data."""
    (first, first_calls), (second, second_calls) = counted(1.0), counted(2.0)
    loss = defer(lambda pair: pair.second * 10, Pair(first, second), lazily=True)
    assert loss().numpy() == 20.0
    assert first_calls == []
    assert len(second_calls) >= 1
    assert first not in loss.trace.needs


def test_lazy_named_tuple_is_still_of_its_type():
    first, _ = counted(1.0)
    kinds = []
    defer(lambda pair: kinds.append(type(pair)) or pair.first, Pair(first, 2.0), lazily=True)()
    assert kinds
    assert all(issubclass(kind, Pair) for kind in kinds)


# What is known without running


def test_shape_and_dtype_are_known_without_running():
    value, calls = counted(np.zeros([4, 2], np.float64))
    product = value @ tf.zeros([2, 7], tf.float64)
    assert (product.shape, product.dtype) == ([4, 7], tf.float64)
    assert calls == []


def test_repr_shows_name_shape_and_dtype():
    value, _ = counted(np.zeros([4, 2], np.float32), name="images")
    assert repr(value) == "<Deferred 'images' shape=(4, 2) dtype=float32>"


def test_repr_of_a_structure_shows_its_specs():
    pair = Deferred(lambda: (tf.zeros([2]), tf.zeros([3])), "pair")
    assert repr(pair).startswith("<Deferred 'pair' (TensorSpec(shape=(2,)")


def test_structure_has_no_shape():
    pair = Deferred(lambda: (tf.zeros([2]), tf.zeros([3])), "pair")
    with pytest.raises(AttributeError, match="pair is a structure of tensors"):
        pair.shape  # noqa: B018


def test_variables_are_those_that_are_read_in_order_of_first_use():
    a, _, c = (tf.Variable(1.0, name=name) for name in "abc")
    value = Deferred(lambda: c * a + c, "value")
    assert [v.name for v in value.trace.variables] == ["c:0", "a:0"]


def test_sources_are_found_through_other_values():
    x, y = noise(), noise()
    found = tracing.sources_of([tf.nest.map_structure(lambda v: v * 2 + 1, y)])
    assert found == y.trace.sources
    assert not set(found) & set(x.trace.sources)


def test_sources_behind_a_fed_value_are_not_needed():
    x = noise()
    assert tracing.sources_of([x * 2], known=[x]) == ()


# Operators


BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "other",
    [2.0, np.float32(2), np.full([3], 2, np.float32)],
    ids=["number", "numpy scalar", "array"],
)
def test_binary_operator_defers_on_either_side(name, other):
    value, _ = counted([1.0, 2.0, 5.0])
    function, plain = getattr(operator, name), np.array([1.0, 2.0, 5.0])
    left, right = function(value, other), function(other, value)
    assert isinstance(left, Deferred)
    assert isinstance(right, Deferred)
    np.testing.assert_allclose(left(), function(plain, other), rtol=1e-6)
    np.testing.assert_allclose(right(), function(other, plain), rtol=1e-6)


@pytest.mark.parametrize("name", BINARY)
def test_operator_of_two_deferred_values_defers(name):
    a, _ = counted([1.0, 2.0])
    b, _ = counted([3.0, 5.0])
    function = getattr(operator, name)
    expected = function(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    np.testing.assert_allclose(function(a, b)(), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge"])
def test_comparison_defers(name):
    value, _ = counted([1.0, 2.0, 3.0])
    function = getattr(operator, name)
    result = function(value, 2.0)
    assert isinstance(result, Deferred)
    np.testing.assert_array_equal(result(), function(np.array([1.0, 2.0, 3.0]), 2.0))


@pytest.mark.parametrize("function", [operator.neg, abs])
def test_unary_operator_defers(function):
    value, _ = counted([1.0, -2.0])
    np.testing.assert_array_equal(function(value)(), function(np.array([1.0, -2.0])))


def test_matrix_product_defers_on_either_side():
    square, _ = counted([[1.0, 2.0], [3.0, 4.0]])
    other = np.array([[5.0, 6.0], [7.0, 8.0]], np.float32)
    plain = square.numpy()
    np.testing.assert_allclose((square @ other)(), plain @ other)
    np.testing.assert_allclose((other @ square)(), other @ plain)


def test_indexing_defers():
    value, _ = counted([[1.0, 2.0], [3.0, 4.0]])
    column = value[:, 1]
    assert isinstance(column, Deferred)
    np.testing.assert_array_equal(column(), [2.0, 4.0])


@pytest.mark.parametrize("use", [bool, iter, list], ids=["truth value", "iter", "list"])
def test_use_as_a_python_value_is_an_error_that_says_to_call_it(use):
    value, _ = counted([1.0])
    with pytest.raises(TypeError, match="call it first"):
        use(value)


# TensorFlow and NumPy


def test_tensorflow_function_takes_a_deferred_value():
    value, _ = counted([1.0, 2.0, 3.0])
    with pytest.warns(UserWarning, match="takes one draw of it.*tfgan_lite.defer"):
        assert tf.reduce_sum(value).numpy() == 6.0
    with Run(key=tf.zeros([2], tf.int32)), warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(tf.concat([value, value], 0), [1, 2, 3, 1, 2, 3])


def test_numpy_takes_a_deferred_value():
    value, _ = counted([1.0, 2.0, 3.0])
    assert np.mean(value) == 2.0
    np.testing.assert_array_equal(value.numpy(), [1, 2, 3])
    assert np.asarray(value, np.int64).dtype == np.int64


def test_tape_sees_through_a_deferred_value():
    """d(3 w^2 + w)/dw = 6 w + 1."""
    w = tf.Variable(2.0)
    value = defer(lambda x: x * w**2, tfgan.constant(3.0)) + Deferred(lambda: w + 0.0, "w")
    with tf.GradientTape() as tape:
        loss = value()
    assert tape.gradient(loss, w).numpy() == 13.0


# Places where there is no run


def test_use_inside_a_tf_function_is_an_error_that_says_what_to_do():
    value, _ = counted(1.0)
    uses = {"call": lambda: value(), "tensorflow": lambda: tf.square(value)}
    for use in uses.values():
        with pytest.raises(TypeError, match="frozen. Call gan_model inside the tf.function"):
            tf.function(use, autograph=False)()


def test_use_inside_a_graph_is_an_error():
    value, _ = counted(1.0)
    with tf.Graph().as_default(), pytest.raises(TypeError, match="frozen"):
        value()


@pytest.fixture
def functions_run_eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_functions_may_run_eagerly_for_debugging(functions_run_eagerly):
    x = noise()
    total = x * 2
    assert total.shape == [3]
    drawn, doubled = compiled_run(x, total)
    np.testing.assert_array_equal(doubled, 2 * drawn)
    assert not np.array_equal(x(), x())


# Seeds


def seed_of(salt="noise", seed=7, key=(3, 4)):
    return tuple(Run(seed=seed, key=random_key(*key)).random_seed(salt).numpy())


def test_seed_is_a_pure_function():
    assert seed_of() == seed_of()


@pytest.mark.parametrize(
    "other", [{"salt": "penalty"}, {"seed": 8}, {"key": (4, 4)}, {"key": (3, 5)}]
)
def test_seed_depends_on_program_round_sub_step_and_salt(other):
    assert seed_of() != seed_of(**other)


def test_seeds_of_neighbouring_sub_steps_are_all_different():
    keys = [(r, s) for r in range(20) for s in range(20)]
    assert len({seed_of(key=key) for key in keys}) == len(keys)


def test_seed_does_not_change_from_version_to_version():
    """A resumed run must draw what the run before it would have drawn."""
    digest = hashlib.blake2b(b"5/noise", digest_size=8).digest()
    first, second = np.frombuffer(digest, np.int32)
    assert seed_of("noise", seed=5, key=(10, 3)) == (first + 10, second + 3)


def test_seed_of_the_run_in_progress():
    assert runs.random_seed("noise") is None
    with Run(seed=7, key=random_key(3, 4)):
        assert tuple(runs.random_seed("noise").numpy()) == seed_of("noise")
