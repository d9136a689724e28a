"""Square roots of eigenvalues, which rounding makes negative."""

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.matrix_roots import sqrt_of_clipped


def test_roots_of_what_rounding_made_negative_are_zero():
    np.testing.assert_array_equal(sqrt_of_clipped(tf.constant([4.0, 0.0, -1e-9])), [2.0, 0.0, 0.0])


def test_gradient_is_finite_where_the_root_is_zero():
    values = tf.constant([4.0, 0.0, -1e-9])
    with tf.GradientTape() as tape:
        tape.watch(values)
        roots = sqrt_of_clipped(values)
    np.testing.assert_array_equal(tape.gradient(roots, values), [0.25, 0.0, 0.0])


def test_root_of_nan_is_nan_and_not_zero():
    """A zero would make a plausible distance of eigenvalues that could not be found."""
    assert np.isnan(sqrt_of_clipped(tf.constant([1.0, np.nan]))[1])
