"""What fresh values come from, in TF2 and, with the same program text, in a tf.Graph."""

import itertools
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred
from tfgan_lite.noise_keys import FIRST_LOOK
from tfgan_lite.runs import Run, random_key
from tfgan_lite.sources import as_values


def in_tf2(program, runs):
    values = program()
    session = tfgan.Session(Counters())
    return [session.run(values) for _ in range(runs)]


def in_tf_graph(program, runs):
    with tf.Graph().as_default():
        values = program()
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.tables_initializer())
            return [session.run(values) for _ in range(runs)]


WORLDS = {"TF2": in_tf2, "tf.Graph": in_tf_graph}
every_world = pytest.mark.parametrize("evaluated", WORLDS.values(), ids=WORLDS)


def numbers(batch_size=4, drop_remainder=True, count=12):
    """Batches of 0, 1, 2, ..., as a column."""
    dataset = tf.data.Dataset.range(count).map(lambda i: tf.cast(i, tf.float32)[None])
    return dataset.batch(batch_size, drop_remainder=drop_remainder)


def normal(width=2):
    return tfp.distributions.Normal(tf.zeros([width]), 1.0)


def all_different(arrays):
    return len({array.tobytes() for array in arrays}) == len(arrays)


# Datasets


@every_world
def test_every_run_draws_the_next_element(evaluated):
    batches = evaluated(lambda: tfgan.from_dataset(numbers()), 3)
    np.testing.assert_array_equal(np.concatenate(batches)[:, 0], np.arange(12))


@every_world
def test_parts_of_an_element_stay_together(evaluated):
    """Images and labels come from one draw, whichever of them are fetched, and how often."""

    def program():
        dataset = numbers().map(lambda x: {"image": x, "more": (10 * x, -x)})
        element = tfgan.from_dataset(dataset)
        return element["more"][0], element["image"], element["more"][1], element["image"]

    for tens, image, negative, again in evaluated(program, 3):
        np.testing.assert_array_equal(tens, 10 * image)
        np.testing.assert_array_equal(negative, -image)
        np.testing.assert_array_equal(again, image)


@every_world
def test_two_calls_on_one_dataset_are_two_iterators(evaluated):
    def program():
        dataset = numbers()
        return tfgan.from_dataset(dataset), tfgan.from_dataset(dataset)

    for first, second in evaluated(program, 2):
        np.testing.assert_array_equal(first, second)


@every_world
def test_end_of_the_data_is_an_error(evaluated):
    with pytest.raises(tf.errors.OutOfRangeError):
        evaluated(lambda: tfgan.from_dataset(numbers(count=8)), 3)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (lambda: tf.data.Dataset.range(3), r"no batch axis.*dataset\.batch\("),
        (lambda: tf.data.Dataset.from_tensors((tf.zeros([2]), 1)), "no batch axis"),
        (lambda: tf.data.Dataset.from_tensors(tf.zeros([0, 2])), "hold 0 examples"),
    ],
    ids=["unbatched", "unbatched label", "batch of 0"],
)
@every_world
def test_dataset_without_batches_is_an_error(evaluated, dataset, message):
    with pytest.raises(ValueError, match=message):
        evaluated(lambda: tfgan.from_dataset(dataset()), 1)


def test_dataset_smaller_than_a_batch_is_an_error():
    with pytest.raises(ValueError, match="dataset is empty. Fewer examples than one batch"):
        tfgan.from_dataset(numbers(batch_size=13))


def test_dataset_of_another_graph_is_an_error_that_says_where_to_make_it():
    dataset = numbers()
    with tf.Graph().as_default(), pytest.raises(ValueError, match="made outside this tf.Graph"):
        tfgan.from_dataset(dataset)


def test_dataset_inside_a_tf_function_is_an_error_that_says_what_to_pass():
    dataset = numbers()
    with pytest.raises(ValueError, match=r"pass the tensors of next\(iterator\)"):
        tf.function(lambda: tfgan.from_dataset(dataset), autograph=False)()


# Distributions


@every_world
@pytest.mark.parametrize("drop_remainder", [True, False], ids=["static", "dynamic"])
def test_distribution_draws_as_many_examples_as_the_real_batch_has(evaluated, drop_remainder):
    def program():
        real = tfgan.from_dataset(numbers(4, drop_remainder, count=10))
        return real, tfgan.from_distribution(normal(), like=real)

    runs = evaluated(program, 2 if drop_remainder else 3)
    assert [noise.shape for _, noise in runs] == [(4, 2), (4, 2), (2, 2)][: len(runs)]
    assert [real.shape for real, _ in runs] == [(4, 1), (4, 1), (2, 1)][: len(runs)]


@every_world
def test_noise_alone_has_the_size_of_a_batch_that_is_not_drawn(evaluated):
    def program():
        return tfgan.from_distribution(
            normal(), like=tfgan.from_dataset(numbers(drop_remainder=False))
        )

    assert [noise.shape for noise in evaluated(program, 2)] == [(4, 2), (4, 2)]


def test_noise_of_a_single_call_has_the_size_of_a_batch_of_unknown_size():
    real = tfgan.from_dataset(numbers(drop_remainder=False))
    assert tfgan.from_distribution(normal(), like=real)().shape == [4, 2]


@every_world
def test_noise_is_fresh_in_every_run(evaluated):
    assert all_different(
        evaluated(lambda: tfgan.from_distribution(normal(), like=tf.zeros([4, 1])), 3)
    )


def sampled(noise, seed=1, key=(2, 3)):
    with Run(seed=seed, key=random_key(*key)):
        return noise().numpy()


def test_noise_is_a_pure_function_of_seed_and_key():
    first, second = (tfgan.from_distribution(normal(), tf.zeros([4, 1])) for _ in range(2))
    np.testing.assert_array_equal(sampled(first), sampled(second))


@pytest.mark.parametrize("other", [{"seed": 2}, {"key": (3, 3)}, {"key": (2, 4)}])
def test_noise_depends_on_seed_and_key(other):
    noise = tfgan.from_distribution(normal(), tf.zeros([4, 1]))
    assert all_different([sampled(noise), sampled(noise, **other)])


def test_two_distributions_of_one_run_draw_different_numbers():
    first, second = as_values([normal(), normal()], "noise", like=tf.zeros([4, 1]))
    assert all_different([sampled(first), sampled(second)])


def test_noise_of_compiled_runs_is_that_of_its_seed_and_key():
    noise = tfgan.from_distribution(normal(), tf.zeros([4, 1]))
    session = tfgan.Session(Counters(), seed=1)
    compiled = [session.run(noise) for _ in range(2)]
    for look, values in enumerate(compiled, FIRST_LOOK):
        np.testing.assert_array_equal(values, sampled(noise, seed=1, key=(0, look)))


def test_unknown_number_of_examples_is_an_error():
    noise = tfgan.from_distribution(normal())
    with pytest.raises(ValueError, match=r"How many examples of noise.*drop_remainder=True"):
        noise()


def test_a_source_that_was_not_told_how_many_to_draw_names_the_argument():
    draws = tfgan.from_callable(lambda size: tf.zeros([size, 2]), name="codes")
    with pytest.raises(ValueError, match=r"examples of codes .* made without like=.*pass like="):
        draws()


# Callables. Those of NumPy and Python must not be frozen into the first value.


def fresh_numpy():
    generator = np.random.default_rng(0)
    return lambda *shape: generator.normal(size=shape).astype(np.float32)


def fresh_python():
    counter = itertools.count()
    return lambda *shape: tf.fill(shape, float(next(counter)))


def eager_lookup():
    table, generator = tf.random.normal([50, 2]), np.random.default_rng(0)
    return lambda n, _: tf.gather(table, generator.integers(50, size=n))


def tf_generator():
    generator = tf.random.Generator.from_seed(0)
    return lambda *shape: generator.normal(shape)


KINDS = {
    "tf.random": lambda: lambda *shape: tf.random.normal(shape),
    "numpy": fresh_numpy,
    "numpy in a tensor": lambda: (lambda draw: lambda *shape: tf.constant(draw(*shape)))(
        fresh_numpy()
    ),
    "python counter": fresh_python,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_world
@every_kind
def test_callable_of_nothing_is_called_anew_in_every_run(evaluated, kind):
    draw = kind()
    batches = evaluated(lambda: tfgan.from_callable(lambda: draw(5, 2)), 3)
    assert {batch.shape for batch in batches} == {(5, 2)}
    assert all_different(batches)


@every_kind
def test_callable_is_called_anew_in_every_single_call(kind):
    draw = kind()
    noise = tfgan.from_callable(lambda n: draw(n, 2), like=tf.zeros([4, 1]))
    batches = [noise().numpy() for _ in range(3)]
    assert {batch.shape for batch in batches} == {(4, 2)}
    assert all_different(batches)


@every_world
@every_kind
def test_callable_of_the_batch_size_is_called_anew_in_every_run(evaluated, kind):
    draw = kind()
    batches = evaluated(lambda: tfgan.from_callable(lambda n: draw(n, 2), like=tf.zeros([4, 1])), 3)
    assert {batch.shape for batch in batches} == {(4, 2)}
    assert all_different(batches)


@every_world
@pytest.mark.parametrize("kind", ["tf.random", "numpy", "numpy in a tensor"])
def test_callable_is_given_the_size_of_a_batch_of_unknown_size(evaluated, kind):
    draw = KINDS[kind]()

    def program():
        real = tfgan.from_dataset(numbers(4, drop_remainder=False, count=10))
        return real, tfgan.from_callable(lambda n: draw(n, 2), like=real)

    runs = evaluated(program, 3)
    assert [batch.shape for _, batch in runs] == [(4, 2), (4, 2), (2, 2)]


def test_callable_that_reads_a_tensor_by_numpys_indices_is_not_frozen():
    draw = eager_lookup()
    assert all_different(
        in_tf2(lambda: tfgan.from_callable(lambda n: draw(n, 2), tf.zeros([4])), 3)
    )


def test_callable_may_use_a_tf_generator():
    draw = tf_generator()
    assert all_different(in_tf2(lambda: tfgan.from_callable(lambda: draw(3, 2)), 3))


@every_world
def test_callable_may_give_a_structure_of_which_all_parts_are_one_draw(evaluated):
    draw = fresh_numpy()

    def pair():
        noise = draw(4, 2)
        return {"noise": noise, "negative": -noise}

    def program():
        values = tfgan.from_callable(pair)
        return values["noise"], values["negative"]

    runs = evaluated(program, 2)
    assert all_different([noise for noise, _ in runs])
    for noise, negative in runs:
        np.testing.assert_array_equal(noise, -negative)


def test_part_from_numpy_beside_one_from_tensorflow_is_not_frozen():
    draw = fresh_numpy()
    runs = in_tf2(lambda: tfgan.from_callable(lambda: (tf.random.normal([3]), draw(3))), 3)
    for part in zip(*runs):
        assert all_different(part)


def test_shape_of_a_callables_values_is_known():
    noise = tfgan.from_callable(lambda n: np.ones([n, 2], np.float32), like=tf.zeros([4, 1]))
    assert (noise.shape, noise.dtype) == ([4, 2], tf.float32)


def test_callable_with_a_default_argument_is_called_without_it():
    value = tfgan.from_callable(lambda scale=3.0: scale * tf.ones([4]))
    np.testing.assert_array_equal(value(), np.full(4, 3.0))


def test_callable_with_two_parameters_is_an_error():
    with pytest.raises(ValueError, match="callable with 2 parameters; expected none, or one"):
        tfgan.from_callable(lambda batch_size, width: tf.zeros([batch_size, width]))


def test_error_of_the_callable_itself_is_raised():
    def broken():
        raise RuntimeError("no camera")

    with pytest.raises(RuntimeError, match="no camera"):
        tfgan.from_callable(broken)


# Constants


@every_world
def test_constant_is_the_same_in_every_run(evaluated):
    for values in evaluated(lambda: tfgan.constant({"a": np.arange(3.0), "b": tf.ones([2])}), 2):
        np.testing.assert_array_equal(values["a"], np.arange(3.0))
        np.testing.assert_array_equal(values["b"], np.ones(2))


@pytest.mark.parametrize("batch", [tf.ones([4, 2]), np.ones([4, 2])], ids=["tensor", "array"])
def test_eager_batch_brings_a_warning_that_it_is_frozen(batch):
    with pytest.warns(
        UserWarning, match=r"real_data is a constant: .*\(4, 2\).*tfgan_lite.constant"
    ):
        as_values(batch, "real_data")


def test_constant_said_on_purpose_brings_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_values(tfgan.constant(tf.ones([4, 2])), "real_data")


def test_graph_tensor_is_no_constant():
    with tf.Graph().as_default(), warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = tf.random.normal([4, 2])
        assert as_values(tensor, "real_data") is tensor


# Structures of sources


@every_world
def test_structure_may_mix_kinds_of_sources(evaluated):
    def program():
        real = tfgan.from_dataset(numbers())
        sources = {"labels": real, "noise": [normal(), lambda n: tf.random.normal([n, 3])]}
        return as_values(sources, "inputs", like=real)

    (values,) = evaluated(program, 1)
    assert values["labels"].shape == (4, 1)
    assert [noise.shape for noise in values["noise"]] == [(4, 2), (4, 3)]


def test_names_of_values_say_where_they_come_from():
    values = as_values({"a": normal(), "b": lambda: tf.zeros([2])}, "inputs", tf.zeros([4]))
    assert (values["a"].name, values["b"].name) == ("inputs/0", "inputs/1")
    assert all(isinstance(value, Deferred) for value in values.values())
