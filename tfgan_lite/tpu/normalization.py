"""Batch normalisation by the moments of all replicas, as functions for a tf.Graph."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_lite.features.conditioning import of_equal_batch
from tfgan_lite.features.graph_variables import check_can_make_variables
from tfgan_lite.features.moments import moments
from tfgan_lite.tpu.cross_replica import cross_replica_moments

__all__ = ["batch_norm", "standardize_batch"]

_DECAY = 0.999
_KERAS = "a tf.keras.layers.BatchNormalization(synchronized=True)"
_CONDITIONAL = "a tfgan.features.ConditionalBatchNormalization(num_classes, synchronized=True)"


@tf.autograph.experimental.do_not_convert
def batch_norm(
    inputs: tf.Tensor,
    is_training: bool,
    conditional_class_labels: tf.Tensor | None = None,
    axis: int = -1,
    variance_epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = None,
    gamma_initializer: Any = None,
    batch_axis: int = 0,
    name: str = "batch_norm",
) -> tf.Tensor:
    """Batch normalisation, plain or with a scale and an offset for each class.

    In training the moments are those of all replicas of a tf.distribute strategy together;
    otherwise moving averages of them, see `standardize_batch`. In TF2 use Keras's
    `BatchNormalization(synchronized=True)`, or `tfgan.features.ConditionalBatchNormalization`.

    Papers: Ioffe and Szegedy, arXiv:1502.03167; Dumoulin et al., arXiv:1610.07629 (conditional).

    Args:
      inputs: a floating tensor of known rank >= 2 with a known number of channels.
      is_training: whether to normalise by the batch, and to move the averages.
      conditional_class_labels: one-hot labels [B, K] with a known K, or None.
      axis: the channels' axis; moments are taken over all others.
      variance_epsilon: added to the variance, > 0.
      center: whether to add a variable `beta`, of the rank of `inputs` with C at `axis`, K at
        `batch_axis` with labels, and 1 elsewhere.
      scale: whether to multiply by a variable `gamma`, of the same shape.
      beta_initializer: the initialiser of `beta`, by default zeros.
      gamma_initializer: the initialiser of `gamma`, by default ones.
      batch_axis: the examples' axis.
      name: the variable scope; all calls with one name in one scope share their variables.

    Returns:
      A tensor of the shape and dtype of `inputs`, computed in float32.

    Raises:
      ValueError: an argument is not as described, or there is no tf.Graph.

    Example:
      >>> with tf.Graph().as_default():
      ...     tfgan.tpu.batch_norm(tf.zeros([8, 3]), is_training=True).shape.as_list()
      [8, 3]
    """
    labels = conditional_class_labels
    check_can_make_variables("batch_norm", _KERAS if labels is None else _CONDITIONAL)
    inputs = _floating(inputs)
    axis = _axis(inputs, axis, "axis")
    batch_axis = _axis(inputs, batch_axis, "batch_axis")
    if axis == batch_axis:
        raise ValueError(f"axis and batch_axis must differ; both are axis {axis}.")
    # TF-GAN's shapes, for the sake of its checkpoints.
    shape = [1] * inputs.shape.rank
    shape[axis] = inputs.shape[axis]
    if labels is not None:
        labels = tf.convert_to_tensor(labels)
        _check_labels(labels, inputs.shape[batch_axis])
        labels = of_equal_batch(labels, inputs, batch_axis)
        shape[batch_axis] = labels.shape[1]

    def variable(name: str, initializer: Any) -> tf.Tensor:
        made = tf.compat.v1.get_variable(name, shape, tf.float32, initializer)
        if labels is None:
            return tf.convert_to_tensor(made)
        return tf.gather(made, tf.argmax(labels, axis=1), axis=batch_axis)

    with tf.compat.v1.variable_scope(name, reuse=tf.compat.v1.AUTO_REUSE):
        gamma = variable("gamma", gamma_initializer or tf.ones_initializer()) if scale else None
        beta = variable("beta", beta_initializer or tf.zeros_initializer()) if center else None
        return _standardized(
            inputs,
            is_training,
            axis,
            scale=gamma,
            offset=beta,
            epsilon=variance_epsilon,
        )


@tf.autograph.experimental.do_not_convert
def standardize_batch(
    inputs: tf.Tensor,
    is_training: bool,
    offset: tf.Tensor | None = None,
    scale: tf.Tensor | None = None,
    decay: float = _DECAY,
    epsilon: float = 1e-3,
    data_format: str = "NHWC",
    use_moving_averages: bool = True,
    use_cross_replica_mean: bool | None = None,
) -> tf.Tensor:
    """Subtracts the mean of each channel over the batch, and divides by its deviation.

    In training the moments are those of the batch, in the group of all replicas. The statistics
    used at inference are kept in variables of the current variable scope:

    - with `use_moving_averages` in `moving_mean` and `moving_variance`, which ops in the collection
      UPDATE_OPS move (`tfgan.gan_train_ops` runs them with the network's own updates);
    - without it in accumulators that training leaves alone. While the variable
      `accu/update_accus` is 1, each inference call adds the moments of its batch to
      `accu/accu_mean` and `accu/accu_variance`, and one to `accu/accu_counter`; inference
      normalises by the averages of what was added. Before anything was, the mean is 0 and the
      variance 1.

    In TF2 use Keras's `BatchNormalization(center=False, scale=False, synchronized=True)`, or
    `cross_replica_moments`.

    Args:
      inputs: a floating tensor [B, C], [B, H, W, C] or [B, C, H, W] with a known C.
      is_training: whether to normalise by the batch, and to move the averages.
      offset: added to the result, broadcastable to `inputs`; of rank 1 it is [C]; or None.
      scale: multiplied with the result; likewise.
      decay: what the moving averages keep in one step, 0 to 1.
      epsilon: added to the variance, > 0.
      data_format: "NHWC" if the channels are the last axis, "NCHW" if they are axis 1.
      use_moving_averages: see above.
      use_cross_replica_mean: whether the moments are those of all replicas together; None for
        wherever there are several.

    Returns:
      A tensor of the shape and dtype of `inputs`, computed in float32.

    Raises:
      ValueError: an argument is not as described, or there is no tf.Graph.

    Example:
      >>> with tf.Graph().as_default():
      ...     tfgan.tpu.standardize_batch(tf.zeros([8, 3]), is_training=True).shape.as_list()
      [8, 3]
    """
    check_can_make_variables("standardize_batch", _KERAS)
    inputs = _floating(inputs)
    if inputs.shape.rank not in (2, 4):
        raise ValueError(f"inputs must have rank 2 or 4; their shape is {inputs.shape}.")
    axes = {"NHWC": -1, "NCHW": 1}
    if data_format not in axes:
        raise ValueError(f'data_format must be "NHWC" or "NCHW", not {data_format!r}.')
    axis = _axis(inputs, axes[data_format], "data_format")

    def spread(parameter: Any) -> Any:
        if parameter is None:
            return None
        parameter = tf.cast(parameter, tf.float32)
        return _spread(parameter, inputs, axis) if parameter.shape.rank == 1 else parameter

    return _standardized(
        inputs,
        is_training,
        axis,
        scale=spread(scale),
        offset=spread(offset),
        epsilon=epsilon,
        decay=decay,
        use_moving_averages=use_moving_averages,
        use_cross_replica_mean=use_cross_replica_mean,
    )


def _standardized(
    inputs: tf.Tensor,
    is_training: bool,
    axis: int,
    *,
    scale: tf.Tensor | None,
    offset: tf.Tensor | None,
    epsilon: float,
    decay: float = _DECAY,
    use_moving_averages: bool = True,
    use_cross_replica_mean: bool | None = None,
) -> tf.Tensor:
    """What both functions do, with one source of the channels' axis."""
    if not isinstance(is_training, bool):
        raise ValueError(f"is_training must be True or False, not {is_training!r}.")
    if not epsilon > 0:
        raise ValueError(f"epsilon must be > 0, not {epsilon}: a variance may be zero.")
    if not 0 <= decay <= 1:
        raise ValueError(f"decay must be 0 to 1, not {decay}.")
    channels = inputs.shape[axis]
    if channels is None:
        raise ValueError(
            f"The number of channels, axis {axis} of inputs, must be known; the shape is"
            f" {inputs.shape}. Use tf.ensure_shape."
        )
    values = tf.cast(inputs, tf.float32)
    others = [i for i in range(inputs.shape.rank) if i != axis]

    def of_batch() -> tuple[tf.Tensor, tf.Tensor]:
        if use_cross_replica_mean is None or use_cross_replica_mean:
            return cross_replica_moments(values, others)
        return moments(values, others)

    kept = _moving_moments if use_moving_averages else _accumulated_moments
    mean, variance = kept(of_batch, is_training, channels, decay)
    mean, variance = _spread(mean, inputs, axis), _spread(variance, inputs, axis)
    outputs = (values - mean) * tf.math.rsqrt(variance + epsilon)
    if scale is not None:
        outputs *= scale
    if offset is not None:
        outputs += offset
    return tf.cast(outputs, inputs.dtype)


def _moving_moments(
    of_batch: Any, is_training: bool, channels: int, decay: float
) -> tuple[tf.Tensor, tf.Tensor]:
    moving_mean = _statistic("moving_mean", [channels], tf.zeros_initializer())
    moving_variance = _statistic("moving_variance", [channels], tf.ones_initializer())
    if not is_training:
        return tf.convert_to_tensor(moving_mean), tf.convert_to_tensor(moving_variance)
    mean, variance = of_batch()
    for moving, value in ((moving_mean, mean), (moving_variance, variance)):
        update = moving.assign_sub((1 - decay) * (moving - value))
        tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.UPDATE_OPS, update)
    return mean, variance


def _accumulated_moments(
    of_batch: Any, is_training: bool, channels: int, decay: float
) -> tuple[tf.Tensor, tf.Tensor]:
    del decay
    with tf.compat.v1.variable_scope("accu"):
        zeros = tf.zeros_initializer()
        sums = [_statistic(f"accu_{name}", [channels], zeros) for name in ("mean", "variance")]
        counter = _statistic("accu_counter", [], tf.constant_initializer(1e-12))
        switch = _statistic("update_accus", [], zeros, tf.int32)
    mean_and_variance = of_batch()
    if is_training:
        return mean_and_variance
    adds = tf.cast(tf.equal(switch, 1), tf.float32)
    # The averages that this call gives include its batch, so here the order matters.
    added = [total.assign_add(adds * value) for total, value in zip(sums, mean_and_variance)]
    with tf.control_dependencies([*added, counter.assign_add(adds)]):
        count = counter.read_value()
        mean, variance = (total.read_value() / count for total in sums)
        # Of nothing the variance is 0, and outputs would be 30 times the inputs, as TF-GAN's are.
        return mean, tf.where(count < 0.5, tf.ones_like(variance), variance)


def _statistic(name: str, shape: list[int], initializer: Any, dtype: tf.DType = tf.float32) -> Any:
    """A variable that no optimizer trains; replicas have the same."""
    return tf.compat.v1.get_variable(
        name,
        shape,
        dtype,
        initializer,
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.MEAN,
    )


def _spread(values: tf.Tensor, inputs: tf.Tensor, axis: int) -> tf.Tensor:
    """Reshapes a value per channel to broadcast against `inputs`."""
    shape = [1] * inputs.shape.rank
    shape[axis] = inputs.shape[axis]
    return tf.reshape(values, shape)


def _floating(inputs: Any) -> tf.Tensor:
    inputs = tf.convert_to_tensor(inputs)
    if not inputs.dtype.is_floating:
        raise ValueError(f"inputs must be floating, not {inputs.dtype.name}.")
    if inputs.shape.rank is None or inputs.shape.rank < 2:
        raise ValueError(f"inputs must have a known rank >= 2; their shape is {inputs.shape}.")
    return inputs


def _axis(inputs: tf.Tensor, axis: int, argument: str) -> int:
    rank = inputs.shape.rank
    if not -rank <= axis < rank:
        raise ValueError(f"{argument} {axis} is out of range for inputs of shape {inputs.shape}.")
    return axis % rank


def _check_labels(labels: tf.Tensor, examples: int | None) -> None:
    if labels.shape.rank != 2 or labels.shape[1] is None:
        raise ValueError(
            "conditional_class_labels must be one-hot, [B, K] with a known K; their shape is"
            f" {labels.shape}. Make them of integers by tf.one_hot(labels, K)."
        )
    if None not in (labels.shape[0], examples) and labels.shape[0] != examples:
        raise ValueError(
            f"conditional_class_labels {labels.shape} must have one row for each of the {examples}"
            " examples of inputs."
        )
