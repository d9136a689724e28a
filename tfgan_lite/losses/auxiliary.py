"""Losses beside the adversarial one: classes, codes, cycles and features, one formula each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.losses.formula import check_smoothing, formula, tags
from tfgan_lite.losses.reduction import Reduction, as_written, publish, weighted_loss
from tfgan_lite.losses.shapes import of_equal_shape


@formula
def acgan_generator_loss(
    discriminator_gen_classification_logits: tf.Tensor,
    one_hot_labels: tf.Tensor,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """The classifier's cross entropy on generated data (ACGAN, arXiv:1610.09585).

    Example:
      >>> right = tf.constant([[100.0, 0.0], [0.0, 100.0]])
      >>> float(tfgan.losses.wargs.acgan_generator_loss(right, tf.eye(2)))
      0.0
    """
    with tf.name_scope(scope or "acgan_generator_loss"):
        losses = _class_cross_entropy(
            discriminator_gen_classification_logits,
            one_hot_labels,
            "discriminator_gen_classification_logits",
        )
        loss = weighted_loss(losses, weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"generator_ac_loss": loss})


@formula(
    label_smoothing="In [0, 1]; with K classes the target 1 becomes 1 - label_smoothing +\n"
    "    label_smoothing / K, and each target 0 label_smoothing / K."
)
def acgan_discriminator_loss(
    discriminator_real_classification_logits: tf.Tensor,
    discriminator_gen_classification_logits: tf.Tensor,
    one_hot_labels: tf.Tensor,
    label_smoothing: float | tf.Tensor = 0.0,
    real_weights: float | tf.Tensor = 1.0,
    generated_weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """The classifier's cross entropy on real and generated data (ACGAN, arXiv:1610.09585).

    Only the labels of real data are smoothed, and as classes are (arXiv:1512.00567): the share
    `label_smoothing` of the probability is spread evenly over all classes.

    Example:
      >>> unsure = tf.zeros([2, 2])  # Log 2 for real data, and for generated.
      >>> round(float(tfgan.losses.wargs.acgan_discriminator_loss(unsure, unsure, tf.eye(2))), 4)
      1.3863
    """
    with tf.name_scope(scope or "acgan_discriminator_loss"):
        real = _class_cross_entropy(
            discriminator_real_classification_logits,
            one_hot_labels,
            "discriminator_real_classification_logits",
            label_smoothing,
        )
        generated = _class_cross_entropy(
            discriminator_gen_classification_logits,
            one_hot_labels,
            "discriminator_gen_classification_logits",
        )
        real_loss = weighted_loss(real, real_weights, reduction, "real_weights")
        fake_loss = weighted_loss(generated, generated_weights, reduction, "generated_weights")
        loss = real_loss + fake_loss
    return publish(loss, loss_collection, add_summaries, tags("ac", loss, real_loss, fake_loss))


@as_written
def mutual_information_penalty(
    structured_generator_inputs: Sequence[Any],
    predicted_distributions: Sequence[Any],
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """Minus the log-likelihood of the codes, a bound on their information (InfoGAN).

    Paper: Chen et al., InfoGAN, arXiv:1606.03657; its bound up to the codes' constant entropy.

    Args:
      structured_generator_inputs: The codes that the generator got, a list of tensors [B, ...].
      predicted_distributions: What the discriminator predicts of each, a list of objects with a
        method `log_prob`, such as TFP's distributions.
      weights: Factors >= 0, a scalar or one for each code.
      scope: Name scope of the operations, or None for "mutual_information".
      loss_collection: A collection of the tf.Graph that gets the returned value, or None.
      reduction: One of tf.compat.v1.losses.Reduction, over the codes; over the examples of a batch
        it is always the mean.
      add_summaries: Whether to summarise the value as `mutual_information_penalty`.

    Returns:
      A float32 scalar; when `reduction` is NONE, one number for each code.

    Raises:
      ValueError: If one of both is no list, their lengths differ or are 0, an object has no
        `log_prob`, a code and its distribution differ in shape, or weights are negative or do not
        fit.

    Example:
      >>> codes, told = [tf.zeros([2, 1])], [tfd.Normal(tf.zeros([2, 1]), 1.0)]
      >>> round(float(tfgan.losses.wargs.mutual_information_penalty(codes, told)), 4)
      0.9189
    """
    _check_codes(structured_generator_inputs, predicted_distributions)
    with tf.name_scope(scope or "mutual_information"):
        pairs = zip(structured_generator_inputs, predicted_distributions)
        log_likelihoods = [_mean_log_likelihood(*pair) for pair in pairs]
        loss = weighted_loss(-tf.stack(log_likelihoods), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"mutual_information_penalty": loss})


@as_written
def cycle_consistency_loss(
    data_x: tf.Tensor,
    reconstructed_data_x: tf.Tensor,
    data_y: tf.Tensor,
    reconstructed_data_y: tf.Tensor,
    scope: str | None = None,
    add_summaries: bool = False,
    halved: bool = True,
) -> tf.Tensor:
    """The mean absolute difference of data and their way there and back (CycleGAN).

    Paper: Zhu et al., arXiv:1703.10593, equation 2, which adds the terms of both domains. TF-GAN
    takes half of that, and so does this by default: its weight 20 is the paper's lambda of 10.

    Args:
      data_x: Data of the first domain, a tensor [B, ...].
      reconstructed_data_x: The reconstruction of `data_x`, of the same shape.
      data_y: Data of the second domain.
      reconstructed_data_y: The reconstruction of `data_y`, of the same shape.
      scope: Name scope of the operations, or None for "cycle_consistency".
      add_summaries: Whether to summarise the loss and its parts.
      halved: False for the paper's sum.

    Returns:
      A float32 scalar.

    Raises:
      ValueError: If data and reconstructed data differ in shape.
      tf.errors.InvalidArgumentError: If shapes that were unknown differ when the loss runs.

    Example:
      >>> x, y = tf.zeros([2, 3]), tf.ones([2, 3])
      >>> float(tfgan.losses.wargs.cycle_consistency_loss(x, x + 1.0, y, y))
      0.5
    """
    with tf.name_scope(scope or "cycle_consistency"):
        x_loss = _mean_absolute_difference(data_x, reconstructed_data_x, "data_x")
        y_loss = _mean_absolute_difference(data_y, reconstructed_data_y, "data_y")
        loss = x_loss + y_loss
        if halved:
            loss = loss / 2
    parts = {
        "cycle_consistency_loss_x": x_loss,
        "cycle_consistency_loss_y": y_loss,
        "cycle_consistency_loss": loss,
    }
    return publish(loss, None, add_summaries, parts)


@as_written
def feature_matching_loss(
    real_features: Any,
    generated_features: Any,
    weights: float | tf.Tensor = 1.0,
    scope: str | None = None,
    loss_collection: str | None = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    add_summaries: bool = False,
) -> tf.Tensor:
    """The squared distance of the mean features of real and generated data.

    Paper: Salimans et al., Improved Techniques for Training GANs, arXiv:1606.03498, section 3.1.

    Args:
      real_features: Features of real data, floating [B, ...], or a structure of them (of several
        layers).
      generated_features: The same for generated data; the batch sizes may differ.
      weights: Factors >= 0, a scalar or one for each layer.
      scope: Name scope of the operations, or None for "feature_matching".
      loss_collection: A collection of the tf.Graph that gets the returned value, or None.
      reduction: One of tf.compat.v1.losses.Reduction, over the layers.
      add_summaries: Whether to summarise the value as `feature_matching_loss`.

    Returns:
      A float32 scalar; when `reduction` is NONE, one number for each layer.

    Raises:
      ValueError: If the features differ in structure or in a shape other than the batch size, a
        rank is unknown, or weights are negative or do not fit.
      tf.errors.InvalidArgumentError: If shapes that were unknown differ when the loss runs.

    Example:
      >>> float(tfgan.losses.wargs.feature_matching_loss(tf.zeros([2, 3]), tf.zeros([5, 3])))
      0.0
    """
    try:
        tf.nest.assert_same_structure(real_features, generated_features)
    except (TypeError, ValueError) as error:
        message = f"real_features and generated_features differ in structure: {error}"
        raise ValueError(message) from error
    with tf.name_scope(scope or "feature_matching"):
        distances = []
        for leaves in zip(tf.nest.flatten(real_features), tf.nest.flatten(generated_features)):
            real, generated = (tf.reduce_mean(tf.cast(leaf, tf.float32), 0) for leaf in leaves)
            names = "real_features' mean", "generated_features' mean"
            real, generated = of_equal_shape(real, generated, *names)
            distances.append(tf.reduce_sum(tf.square(real - generated)))
        loss = weighted_loss(tf.stack(distances), weights, reduction)
    return publish(loss, loss_collection, add_summaries, {"feature_matching_loss": loss})


def _class_cross_entropy(
    logits: tf.Tensor, labels: tf.Tensor, name: str, label_smoothing: float | tf.Tensor = 0.0
) -> tf.Tensor:
    check_smoothing(label_smoothing)
    logits, labels = tf.cast(logits, tf.float32), tf.cast(labels, tf.float32)
    if labels.shape.rank not in (2, None):
        raise ValueError(
            f"one_hot_labels must have the shape [B, classes], not {labels.shape}: use tf.one_hot"
            " on class numbers."
        )
    logits, labels = of_equal_shape(logits, labels, name, "one_hot_labels")
    classes = tf.cast(tf.shape(labels)[1], tf.float32)
    labels = labels * (1 - label_smoothing) + label_smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(labels, logits)


def _mean_absolute_difference(data: tf.Tensor, reconstructed: tf.Tensor, name: str) -> tf.Tensor:
    data, reconstructed = tf.cast(data, tf.float32), tf.cast(reconstructed, tf.float32)
    data, reconstructed = of_equal_shape(data, reconstructed, name, f"reconstructed_{name}")
    return tf.reduce_mean(tf.abs(data - reconstructed))


def _check_codes(codes: Any, distributions: Any) -> None:
    names = {"structured_generator_inputs": codes, "predicted_distributions": distributions}
    for name, given in names.items():
        if not isinstance(given, (list, tuple)):
            raise ValueError(f"{name} must be a list, with one item for each code, not {given!r}.")
    if not codes or len(codes) != len(distributions):
        raise ValueError(
            f"structured_generator_inputs has {len(codes)} codes and predicted_distributions"
            f" {len(distributions)} distributions: there must be one for each code, and at least"
            " one code."
        )
    for distribution in distributions:
        if not callable(getattr(distribution, "log_prob", None)):
            raise ValueError(
                "predicted_distributions must be objects with a method log_prob, such as"
                f" tfp.distributions.Categorical(logits), not {distribution!r}."
            )


def _mean_log_likelihood(code: Any, distribution: Any) -> tf.Tensor:
    result = tf.convert_to_tensor(distribution.log_prob(code))
    shape = getattr(code, "shape", None)
    known = isinstance(shape, tf.TensorShape) and shape.rank is not None
    if known and result.shape.rank is not None:
        # A column of codes and a vector of distributions would broadcast to a square.
        if not shape[: result.shape.rank].is_compatible_with(result.shape):
            raise ValueError(
                f"A code of shape {shape} has log-likelihoods of shape {result.shape} under"
                f" {distribution!r}: give the distribution the code's shape."
            )
    return tf.reduce_mean(tf.cast(result, tf.float32))
