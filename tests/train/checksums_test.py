"""Nothing that is not finite is lost in a checksum, also where the values are not read."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.train.checksums import checksum


def of_computed(compute, *given):
    """The checksum of what a function computes, and whether it reads the values."""
    computed = []

    def checksum_of_computed(*given):
        computed.append(compute(*given))
        return checksum(computed[0])

    program = tf.function(checksum_of_computed, autograph=False).get_concrete_function(*given)
    return float(program(*given)), bool(computed[0].consumers())


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("transpose_right", [False, True])
@pytest.mark.parametrize("transpose_left", [False, True])
def test_that_of_a_product_is_known_by_its_factors(transpose_left, transpose_right):
    left, right = normal(40, 3), normal(3, 50)
    found, reads = of_computed(
        lambda x, y: tf.matmul(x, y, transpose_left, transpose_right),
        tf.constant(left.T if transpose_left else left),
        tf.constant(right.T if transpose_right else right),
    )
    assert not reads
    assert found == pytest.approx((np.abs(left) @ np.abs(right)).sum(), rel=1e-5)


def test_so_is_that_of_a_product_that_an_optimizer_gates():
    """As those of `tf.compat.v1.train` do with gradients."""
    gated = lambda x, y: tf.identity(tf.identity(tf.matmul(x, y)))  # noqa: E731
    assert not of_computed(gated, *map(tf.constant, (normal(40, 3), normal(3, 50))))[1]


def test_that_of_a_sum_of_products_is_that_of_its_parts():
    left, right = normal(40, 3), normal(3, 50)
    found, _ = of_computed(
        lambda x, y: tf.add_n([tf.matmul(x, y), tf.matmul(2.0 * x, y)]),
        *map(tf.constant, (left, right)),
    )
    assert found == pytest.approx(3.0 * (np.abs(left) @ np.abs(right)).sum(), rel=1e-5)


def test_that_of_a_product_of_bfloat16_is_known_by_its_factors():
    left, right = (tf.cast(x, tf.bfloat16) for x in (normal(40, 3), normal(3, 50)))
    products = []

    def compute(x, y):
        products.append(tf.matmul(x, y))
        return tf.cast(products[0], tf.float32)

    found, reads = of_computed(compute, left, right)
    sizes = [np.abs(x.numpy().astype(np.float32)) for x in (left, right)]
    assert not reads and len(products[0].consumers()) == 1
    assert found == pytest.approx(2.0 * (sizes[0] @ sizes[1]).sum(), rel=1e-5)


def test_a_product_of_float16_is_read_since_it_may_overflow_before_its_bound_does():
    factors = [tf.fill(shape, tf.constant(300.0, tf.float16)) for shape in ([40, 3], [3, 50])]
    found, _ = of_computed(lambda x, y: tf.cast(tf.matmul(x, y), tf.float32), *factors)
    assert not np.isfinite(found)


def test_a_sum_that_overflows_is_seen_where_its_parts_cancel_out():
    values = np.array([2e38, -2e38], np.float32)
    found, _ = of_computed(lambda x: tf.add_n([x, tf.identity(x)]), tf.constant(values))
    assert not np.isfinite(found)


@pytest.mark.parametrize("shape", [[], [4], [3, 4], [2, 3, 4], [0, 4]])
def test_others_are_summed(shape):
    values = normal(*shape)
    assert float(checksum(tf.constant(values))) == pytest.approx(values.sum(), abs=1e-5)
    assert of_computed(tf.identity, tf.constant(values))[0] == pytest.approx(values.sum(), abs=1e-5)


def test_so_is_a_product_that_is_smaller_than_its_factors():
    left, right = normal(3, 40), normal(40, 3)
    found, reads = of_computed(tf.matmul, tf.constant(left), tf.constant(right))
    assert reads
    assert found == pytest.approx((left @ right).sum(), rel=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("factor", [0, 1])
def test_one_bad_value_of_a_factor_is_seen_where_all_else_is_zero(factor, bad):
    factors = [np.zeros([40, 3], np.float32), np.zeros([3, 50], np.float32)]
    factors[factor][1, 2] = bad
    assert not np.isfinite(of_computed(tf.matmul, *map(tf.constant, factors))[0])


def test_a_product_that_overflows_is_seen_where_its_factors_cancel_out():
    left = np.tile([[1e30], [-1e30]], [20, 1]).astype(np.float32)
    right = np.tile([[1e30, -1e30]], [1, 20]).astype(np.float32)
    assert left.sum() == right.sum() == 0.0
    assert not np.isfinite(of_computed(tf.matmul, *map(tf.constant, (left, right)))[0])
