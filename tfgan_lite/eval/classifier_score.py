"""The classifier score, known as the Inception score, of samples and of streams of them."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfgan_lite.eval.accumulator import Accumulator, local_variable
from tfgan_lite.eval.checks import Array, as_matrix, result_dtype
from tfgan_lite.eval.deferrable import deferrable
from tfgan_lite.integers import checked_integer

__all__ = [
    "ClassifierScoreStatistics",
    "classifier_score_and_std_from_logits",
    "classifier_score_from_logits",
]


class ClassifierScoreStatistics(Accumulator):
    """The classifier score of a stream of logits, in float64.

    Args:
      num_classes: K.
      name: of the module.

    Attributes:
      num_classes: K.
      count: int64 variable: examples so far.
      probabilities: float64 [K] variable: the sum of p(y|x) over examples.
      negative_entropy: float64 variable: the sum of p(y|x) log p(y|x) over examples and classes.

    Example:
      >>> statistics = tfgan.eval.ClassifierScoreStatistics(num_classes=4)
      >>> int(statistics.update_state(100.0 * np.eye(4)))  # Sure, and each class as often.
      4
      >>> round(float(statistics.result()), 3)
      4.0
    """

    def __init__(self, num_classes: int, name: str | None = None):
        super().__init__(name=name or "classifier_score_statistics")
        self.num_classes = checked_integer("num_classes", num_classes)
        with tf.name_scope(self.name):
            self.count = local_variable([], tf.int64, "count")
            self.probabilities = local_variable([self.num_classes], tf.float64, "probabilities")
            self.negative_entropy = local_variable([], tf.float64, "negative_entropy")

    def update_state(self, logits: Array) -> tf.Tensor:
        """Adds a batch.

        Args:
          logits: finite real numbers [N, K], one row per example. N may differ from batch to
            batch, and may be zero.

        Returns:
          The number of examples so far, an int64 scalar.

        Raises:
          ValueError: another shape, NaN or infinity.
        """
        self._check_replicas()
        matrix = as_matrix(logits, "logits", num_columns=self.num_classes)
        matrix = tf.ensure_shape(matrix, [None, self.num_classes])
        return self._assign(self._merged(self._state(), _sums(matrix)))

    def result(self) -> tf.Tensor:
        """The score of the examples so far, float64 in [1, K].

        Raises:
          ValueError: no examples. In a graph and in a `tf.function` that is an
            `InvalidArgumentError` as it runs.
        """
        state = self._state()
        message = "ClassifierScoreStatistics needs at least 1 example"
        if tf.executing_eagerly():
            if state[0] < 1:
                raise ValueError(f"{message}: update_state comes first.")
            return _score(*state)
        check = tf.debugging.assert_positive(state[0], message)
        with tf.control_dependencies([check]):
            return _score(*state)

    def _merged(self, first: Sequence[tf.Tensor], second: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return [a + b for a, b in zip(first, second)]

    def _variables(self) -> list[tf.Variable]:
        return [self.count, self.probabilities, self.negative_entropy]


@deferrable
def classifier_score_from_logits(logits: Array) -> tf.Tensor:
    """Returns the classifier score (Inception score) of samples from a classifier's logits.

    The score is `exp(mean KL(p(y|x) || p(y)))`: 1 if the classifier says the same of every
    sample, and K if it is certain of each and finds every class equally often.

    Args:
      logits: finite real numbers of shape [N, K], N >= 1: one row per sample, one column per class.

    Returns:
      A scalar in [1, K]: float64 if `logits` is, float32 otherwise.

    Raises:
      ValueError: `logits` is not a matrix, has no rows, or is not finite. What a graph knows only
        as it runs is an `InvalidArgumentError` then.

    Paper: Salimans et al., "Improved Techniques for Training GANs", arXiv:1606.03498.

    Example:
      >>> sure_of_each = 100.0 * tf.eye(5)
      >>> round(float(tfgan.eval.classifier_score_from_logits(sure_of_each)), 3)
      5.0
    """
    matrix = as_matrix(logits, "logits", min_rows=1)
    return tf.cast(_score(*_sums(matrix)), result_dtype(logits))


@deferrable
def classifier_score_and_std_from_logits(
    logits: Array, num_splits: int = 10
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the mean and the deviation of the scores of equal parts of the samples.

    That is how published Inception scores are taken: 50,000 samples in 10 parts, in the order in
    which they were drawn. Smaller parts score lower, so the number of parts belongs to the score.

    Args:
      logits: finite real numbers of shape [N, K].
      num_splits: parts, from 1 to N.

    Returns:
      Two scalars: the mean of the parts' scores, and their (population) standard deviation. Both
      are float64 if `logits` is, float32 otherwise.

    Raises:
      ValueError: as `classifier_score_from_logits`, or fewer samples than parts.

    Paper: Salimans et al., "Improved Techniques for Training GANs", arXiv:1606.03498.

    Example:
      >>> score, error = tfgan.eval.classifier_score_and_std_from_logits(tf.zeros([40, 5]))
      >>> float(score), float(error)
      (1.0, 0.0)
    """
    num_splits = checked_integer("num_splits", num_splits)
    matrix = as_matrix(logits, "logits", min_rows=num_splits)
    num_samples = tf.shape(matrix)[0]
    bounds = [num_samples * i // num_splits for i in range(num_splits + 1)]
    parts = [matrix[start:end] for start, end in zip(bounds, bounds[1:])]
    scores = tf.stack([_score(*_sums(part)) for part in parts])
    dtype = result_dtype(logits)
    return tf.cast(tf.reduce_mean(scores), dtype), tf.cast(tf.math.reduce_std(scores), dtype)


def _sums(logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The number of examples, and the sums of p and of p log p over them."""
    log_p = tf.nn.log_softmax(logits)
    p = tf.exp(log_p)
    count = tf.shape(logits, out_type=tf.int64)[0]
    return count, tf.reduce_sum(p, axis=0), tf.reduce_sum(p * log_p)


def _score(count: tf.Tensor, probabilities: tf.Tensor, negative_entropy: tf.Tensor) -> tf.Tensor:
    """exp(mean KL), where the mean KL is the entropy of the mean minus the mean entropy."""
    number = tf.cast(count, tf.float64)
    q = probabilities / number
    # 0 log 0 is 0: a class whose probability underflows in every example adds nothing.
    divergence = negative_entropy / number - tf.reduce_sum(tf.math.xlogy(q, q))
    # Rounding can leave a mean just under zero, which the divergence itself never is.
    return tf.exp(tf.maximum(divergence, 0.0))
