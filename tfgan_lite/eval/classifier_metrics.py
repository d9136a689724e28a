"""Scores of samples through the eyes of a classifier: its activations and its logits.

Both functions take NumPy arrays or tensors and work eagerly, in a `tf.function` and in a
`tf.Graph`. They compute in float64, because both subtract large numbers that nearly cancel.
"""

import numpy as np
import tensorflow as tf

Array = np.ndarray | tf.Tensor


def frechet_classifier_distance_from_activations(
    activations1: Array, activations2: Array
) -> tf.Tensor:
    """Returns the Fréchet distance between Gaussians fitted to two sets of activations.

    The distance is `|m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2))` with the means `m` and the
    unbiased covariances `C`. It is zero for equal moments and has no upper end. Its bias falls
    with the number of samples: compare only values that were taken from equally many.

    Args:
      activations1: Real numbers of shape [N, D], N >= 2: one row per sample.
      activations2: Real numbers of shape [M, D], M >= 2. M may differ from N.

    Returns:
      A scalar >= 0: float64 if `activations1` is, float32 otherwise. It is NaN, or TensorFlow
      raises an error, if an activation is not finite.

    Raises:
      ValueError: If an argument is not a matrix, has fewer than two rows, or if the numbers of
        columns differ. Where a graph knows the rows only as it runs, too few of them are an
        `InvalidArgumentError` then.

    Paper: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", https://arxiv.org/abs/1706.08500.
    """
    first, dtype = _as_matrix(activations1, "activations1", min_rows=2)
    second, _ = _as_matrix(activations2, "activations2", min_rows=2)
    if not first.shape[1:].is_compatible_with(second.shape[1:]):
        raise ValueError(
            "activations1 and activations2 must have the same number of columns, but their "
            f"shapes are {first.shape} and {second.shape}. Take both from the same layer."
        )
    mean1, covariance1 = _moments(first)
    mean2, covariance2 = _moments(second)
    distance = (
        tf.reduce_sum(tf.math.squared_difference(mean1, mean2))
        + tf.linalg.trace(covariance1)
        + tf.linalg.trace(covariance2)
        - 2.0 * _trace_sqrt_product(covariance1, covariance2)
    )
    return tf.cast(tf.maximum(distance, 0.0), dtype)


def classifier_score_from_logits(logits: Array) -> tf.Tensor:
    """Returns the classifier score (Inception score) of samples from a classifier's logits.

    The score is `exp(mean KL(p(y|x) || p(y)))`: 1 if the classifier says the same of every
    sample, and K if it is certain of each and finds every class equally often.

    Args:
      logits: Real numbers of shape [N, K], N >= 1: one row per sample, one column per class.

    Returns:
      A scalar in [1, K]: float64 if `logits` is, float32 otherwise.

    Raises:
      ValueError: If `logits` is not a matrix or has no rows. Where a graph knows the rows only
        as it runs, having none is an `InvalidArgumentError` then.

    Paper: Salimans et al., "Improved Techniques for Training GANs",
    https://arxiv.org/abs/1606.03498.
    """
    matrix, dtype = _as_matrix(logits, "logits", min_rows=1)
    log_conditional = tf.nn.log_softmax(matrix)
    num_samples = tf.cast(tf.shape(matrix)[0], tf.float64)
    log_marginal = tf.reduce_logsumexp(log_conditional, axis=0) - tf.math.log(num_samples)
    divergence = tf.reduce_sum(tf.exp(log_conditional) * (log_conditional - log_marginal), axis=1)
    # Rounding can leave a mean just under zero, which the divergence itself never is.
    return tf.cast(tf.exp(tf.maximum(tf.reduce_mean(divergence), 0.0)), dtype)


def _as_matrix(values: Array, name: str, min_rows: int) -> tuple[tf.Tensor, tf.DType]:
    """Returns `values` as a checked float64 matrix, and the dtype for the caller's result."""
    values = tf.convert_to_tensor(values)
    if values.shape.rank != 2:
        raise ValueError(
            f"{name} must be a matrix with one row per sample, but its shape is {values.shape}. "
            "Flatten what comes after the first axis."
        )
    rows = values.shape[0]
    message = f"{name} must have at least {min_rows} row(s), one per sample"
    if rows is not None and rows < min_rows:
        raise ValueError(f"{message}, but its shape is {values.shape}. Give more samples.")
    # Half precision would overflow at 65,504, which a distance passes early in training.
    dtype = tf.float64 if values.dtype == tf.float64 else tf.float32
    matrix = tf.cast(values, tf.float64)
    if rows is None:
        check = tf.debugging.assert_greater_equal(tf.shape(matrix)[0], min_rows, message)
        with tf.control_dependencies([check]):
            matrix = tf.identity(matrix)
    return matrix, dtype


def _moments(samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the mean [D] and the unbiased covariance [D, D] of `samples` [N, D]."""
    mean = tf.reduce_mean(samples, axis=0)
    centred = samples - mean
    degrees = tf.cast(tf.shape(samples)[0] - 1, samples.dtype)
    return mean, tf.matmul(centred, centred, transpose_a=True) / degrees


def _trace_sqrt_product(covariance1: tf.Tensor, covariance2: tf.Tensor) -> tf.Tensor:
    """Returns `trace((C1 C2)^(1/2))` for two covariances [D, D].

    `C1 C2` has the eigenvalues of `C1^(1/2) C2 C1^(1/2)`, which is symmetric and so needs no
    complex numbers. In the eigenvectors of C1 its root is diagonal.
    """
    values, vectors = tf.linalg.eigh(covariance1)
    root = vectors * tf.sqrt(tf.maximum(values, 0.0))
    product = tf.matmul(root, tf.matmul(covariance2, root), transpose_a=True)
    # A covariance has no negative eigenvalues; those of a singular one come out as tiny ones.
    eigenvalues = tf.linalg.eigvalsh((product + tf.transpose(product)) / 2.0)
    return tf.reduce_sum(tf.sqrt(tf.maximum(eigenvalues, 0.0)))
