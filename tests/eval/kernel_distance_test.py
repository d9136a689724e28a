"""The kernel distance against its definition in plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.eval import (
    kernel_classifier_distance_and_std_from_activations,
    kernel_classifier_distance_from_activations,
    kernel_distance_of_subsets,
)

AND_STD = kernel_classifier_distance_and_std_from_activations


def kernel(x, y):
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def numpy_distance(x, y):
    """The unbiased squared MMD: no sample is compared with itself."""
    n, m = len(x), len(y)
    xx, yy = kernel(x, x), kernel(y, y)
    of_x = (xx.sum() - np.trace(xx)) / (n * (n - 1))
    of_y = (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return of_x + of_y - 2.0 * kernel(x, y).mean()


def samples(n, m, width=8, seed=0, spread=1.2):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, width)), 0.1 + spread * random.normal(size=(m, width))


def distance(*args, **kwargs):
    return float(kernel_classifier_distance_from_activations(*args, **kwargs))


def in_graph(function, *arrays, static_rows):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        feeds = {}
        for array in arrays:
            shape = array.shape if static_rows else (None, *array.shape[1:])
            feeds[tf.compat.v1.placeholder(array.dtype, shape)] = array
        return session.run(function(*feeds), feeds)


@pytest.mark.parametrize("n, m", [(2, 2), (30, 30), (100, 7), (1500, 1100), (1024, 2049)])
def test_one_block_agrees_with_numpy(n, m):
    """More than a tile of 1024 rows, and a part of one."""
    x, y = samples(n, m)
    assert distance(x, y, None) == pytest.approx(numpy_distance(x, y), rel=1e-10)


def test_blocks_are_averaged():
    x, y = samples(103, 92)
    # ceil(103 / 25) = 5 blocks, of 20 or 21 and of 18 or 19 rows; the larger ones come last.
    xs = np.split(x, np.cumsum([20, 20, 21, 21]))
    ys = np.split(y, np.cumsum([18, 18, 18, 19]))
    each = [numpy_distance(a, b) for a, b in zip(xs, ys)]
    value, error = AND_STD(x, y, max_block_size=25)
    assert float(value) == pytest.approx(np.mean(each), rel=1e-10)
    assert float(error) == pytest.approx(np.std(each, ddof=1) / np.sqrt(5), rel=1e-8)


def test_by_hand():
    # D = 1. k(0,2) = 1, k(1,1) = 8; k(0,1) = 1 and k(2,1) = 27, twice each: their mean is 14.
    assert distance(np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])) == 1.0 + 8.0 - 2.0 * 14.0


def test_of_equal_distributions_its_mean_is_zero_however_few_samples():
    x, y = samples(400, 800, spread=1.0)
    mean, error = AND_STD(x, y - 0.1, max_block_size=8)  # 100 blocks of 4 and 8.
    assert abs(mean) < 4.0 * error
    biased = np.mean(
        [
            kernel(a, a).mean() + kernel(b, b).mean() - 2 * kernel(a, b).mean()
            for a, b in zip(np.split(x, 100), np.split(y - 0.1, 100))
        ]
    )
    assert biased > 20.0 * error


def test_of_one_block_the_error_is_that_of_repeated_draws():
    found = [tuple(map(float, AND_STD(*samples(100, 70, seed=s), None))) for s in range(60)]
    values, errors = np.transpose(found)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.35)


@pytest.mark.parametrize("max_block_size", [None, 300, 30], ids=str)
@pytest.mark.parametrize("static_rows", [True, False])
def test_in_a_graph_equals_eager(max_block_size, static_rows):
    x, y = samples(100, 80)
    expected = [float(v) for v in AND_STD(x, y, max_block_size)]

    def function(a, b):
        return AND_STD(a, b, max_block_size)

    found = in_graph(function, x, y, static_rows=static_rows)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("static_rows", [True, False])
def test_in_a_graph_many_tiles_equal_eager(static_rows):
    x, y = samples(2100, 1030, width=4)

    def function(a, b):
        return AND_STD(a, b, None)

    found = in_graph(function, x, y, static_rows=static_rows)
    np.testing.assert_allclose(found, [float(v) for v in AND_STD(x, y, None)], rtol=1e-9)


def test_xla_gives_the_same():
    x, y = samples(100, 80)
    compiled = tf.function(lambda a, b: AND_STD(a, b, 30), jit_compile=True, autograph=False)
    np.testing.assert_allclose(
        [float(v) for v in compiled(tf.constant(x), tf.constant(y))],
        [float(v) for v in AND_STD(x, y, 30)],
        rtol=1e-9,
    )


def test_float32_activations_are_summed_in_float64():
    """Forbids B45: cubes of float32 products, added up in float32."""
    x, y = (each.astype(np.float32) for each in samples(1500, 1500, width=64))
    exact = numpy_distance(x.astype(np.float64), y.astype(np.float64))
    assert distance(x.astype(np.float64), y.astype(np.float64), None) == pytest.approx(
        exact, rel=1e-10
    )
    assert distance(x, y, None) == pytest.approx(exact, rel=1e-6)
    assert distance(x, y, None, dtype=tf.float32) == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("n, m, max_block_size", [(100, 3, 50), (9, 9, 1), (100, 3, 40)], ids=str)
@pytest.mark.parametrize("world", ["eager", "graph"])
def test_blocks_of_one_sample_are_an_error(n, m, max_block_size, world):
    """Forbids B45: a division by zero where a block has one sample of a set."""
    x, y = samples(n, m)
    if world == "eager":
        with pytest.raises(ValueError, match=f"max_block_size is {max_block_size}"):
            distance(x, y, max_block_size)
    else:
        with pytest.raises(tf.errors.InvalidArgumentError, match="two samples of each set"):
            in_graph(lambda a, b: AND_STD(a, b, max_block_size), x, y, static_rows=False)


def test_constant_and_identical_activations_give_numbers():
    same = np.ones((20, 4))
    assert distance(same, same) == 0.0
    assert distance(same, 3.0 * same) == pytest.approx(8.0 + 1000.0 - 2.0 * 64.0)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((1, 3)), np.zeros((9, 3)), "activations1 must have at least 2"),
        (np.zeros((9, 3)), np.zeros((9, 4)), r"\(9, 3\) and \(9, 4\)"),
        (np.zeros((9, 3)), np.zeros(9), "activations2 must be a matrix"),
        (np.zeros((9, 3)), np.full((9, 3), np.nan), "activations2 must be finite"),
    ],
    ids=["one sample", "widths", "rank", "NaN"],
)
def test_bad_activations_are_an_error(x, y, message):
    with pytest.raises(ValueError, match=message):
        distance(x, y)


def test_bad_options_are_an_error():
    x, y = samples(9, 9)
    with pytest.raises(ValueError, match="max_block_size must be a positive integer"):
        distance(x, y, 0)
    with pytest.raises(ValueError, match="dtype must be float32 or float64, but it is float16"):
        distance(x, y, dtype=tf.float16)


@pytest.mark.parametrize("given, returned", [(np.float64, tf.float64), (np.float16, tf.float32)])
def test_result_is_float64_for_float64_and_float32_for_the_rest(given, returned):
    values = np.arange(12).reshape(6, 2).astype(given)
    assert all(each.dtype == returned for each in AND_STD(values, values))


class TestSubsets:
    def test_are_those_of_a_seeded_numpy_generator(self):
        x, y = samples(40, 50)
        random = np.random.RandomState(2020)
        each = []
        for _ in range(7):
            a = x[random.choice(40, 30, replace=False)]
            b = y[random.choice(50, 30, replace=False)]
            each.append(numpy_distance(a, b))
        mean, std = kernel_distance_of_subsets(x, y, num_subsets=7, subset_size=30)
        assert float(mean) == pytest.approx(np.mean(each), rel=1e-10)
        assert float(std) == pytest.approx(np.std(each), rel=1e-8)

    def test_larger_than_the_samples_are_an_error(self):
        with pytest.raises(ValueError, match="activations2 must have at least 30"):
            kernel_distance_of_subsets(*samples(40, 20), subset_size=30)

    def test_of_one_sample_are_an_error(self):
        with pytest.raises(ValueError, match="subset_size must be an integer of at least 2"):
            kernel_distance_of_subsets(*samples(40, 20), subset_size=1)


@pytest.mark.parametrize("max_block_size", [None, 5])
def test_gradient_is_that_of_finite_differences(max_block_size):
    fixed, moved = samples(9, 11, width=3)

    def of_moved(y):
        return kernel_classifier_distance_from_activations(fixed, y, max_block_size)

    theoretical, numerical = tf.test.compute_gradient(of_moved, [tf.constant(moved)])
    np.testing.assert_allclose(theoretical[0], numerical[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.uint8, tf.int64])
def test_tensors_of_any_real_dtype_are_what_their_numbers_are(dtype):
    x, y = (tf.cast(abs(4.0 * each), dtype) for each in samples(30, 20))
    exact = numpy_distance(*(np.asarray(tf.cast(each, tf.float64)) for each in (x, y)))
    assert distance(x, y, None) == pytest.approx(exact, rel=1e-6)
