"""Instance and group normalisation: functions for a tf.Graph, Keras's own layer for TF2."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.features.graph_variables import check_can_make_variables
from tfgan_lite.features.moments import moments, wide_dtype
from tfgan_lite.integers import checked_integer

__all__ = ["group_norm", "instance_norm", "instance_normalization"]


def instance_normalization(axis: int = -1, epsilon: float = 1e-6, **kwargs: Any) -> Any:
    """A Keras layer that normalises each channel of each example, over all other axes.

    That is Keras's `GroupNormalization` with one channel per group, and the layer is one.

    Paper: Ulyanov et al., Instance Normalization, arXiv:1607.08022.

    Args:
      axis: the channels' axis.
      epsilon: added to the variance, > 0; as in `instance_norm`.
      **kwargs: more arguments of `tf.keras.layers.GroupNormalization`: `center`, `scale`, `name`.

    Returns:
      A `tf.keras.layers.GroupNormalization`.

    Example:
      >>> layer = tfgan.features.instance_normalization()
      >>> layer(tf.zeros([2, 8, 8, 3])).shape.as_list()
      [2, 8, 8, 3]
    """
    _check_epsilon(epsilon)
    return tf.keras.layers.GroupNormalization(groups=-1, axis=axis, epsilon=epsilon, **kwargs)


@tf.autograph.experimental.do_not_convert
def instance_norm(
    inputs: tf.Tensor,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Callable[[tf.Tensor], tf.Tensor] | None = None,
    param_initializers: Mapping[str, Any] | None = None,
    reuse: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> tf.Tensor:
    """Normalises each channel of each example over all other axes.

    In TF2 use `instance_normalization`; with neither `center` nor `scale` the function has no
    variables and works there as well.

    Paper: Ulyanov et al., Instance Normalization, arXiv:1607.08022.

    Args:
      inputs: a floating tensor [B, ..., C] or [B, C, ...] of known rank >= 2 and known C. Of rank 2
        each number is its own mean, and all become zero.
      center: whether to add a variable `beta`, one number per channel.
      scale: whether to multiply by a variable `gamma`, one number per channel.
      epsilon: added to the variance, > 0.
      activation_fn: applied to the result, or None.
      param_initializers: initialisers by the name of the variable, "beta" or "gamma".
      reuse: whether the variables exist already, as in `tf.compat.v1.variable_scope`.
      outputs_collections: collections of the tf.Graph that get the result, or None.
      trainable: whether the variables are trained.
      data_format: "NHWC" if the channels are the last axis, "NCHW" if they are axis 1.
      scope: the variable scope, `InstanceNorm` by default.

    Returns:
      A tensor of the shape and dtype of `inputs`; 16-bit inputs are normalised in float32.

    Raises:
      ValueError: an argument is out of its range; or variables are wanted outside a tf.Graph.

    Example:
      >>> with tf.Graph().as_default():
      ...     tfgan.features.instance_norm(tf.zeros([2, 8, 8, 3])).shape.as_list()
      [2, 8, 8, 3]
    """
    axes = {"NHWC": -1, "NCHW": 1}
    if data_format not in axes:
        raise ValueError(f'data_format must be "NHWC" or "NCHW", not {data_format!r}.')
    inputs = _floating(inputs)
    axis, channels = _channels(inputs, axes[data_format], "data_format")
    others = [i for i in range(1, inputs.shape.rank) if i != axis]
    return _normalized(
        inputs,
        channels,
        axis,
        others,
        functools.partial(
            _make_variables,
            "instance_norm",
            "the Keras layer tfgan.features.instance_normalization()",
            scope,
            "InstanceNorm",
            reuse,
        ),
        center=center,
        scale=scale,
        epsilon=epsilon,
        activation_fn=activation_fn,
        param_initializers=param_initializers,
        outputs_collections=outputs_collections,
        trainable=trainable,
    )


@tf.autograph.experimental.do_not_convert
def group_norm(
    inputs: tf.Tensor,
    groups: int = 32,
    channels_axis: int = -1,
    reduction_axes: Sequence[int] = (-3, -2),
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Callable[[tf.Tensor], tf.Tensor] | None = None,
    param_initializers: Mapping[str, Any] | None = None,
    reuse: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
    mean_close_to_zero: bool = False,
) -> tf.Tensor:
    """Normalises groups of channels of each example.

    In TF2 use `tf.keras.layers.GroupNormalization`; with neither `center` nor `scale` the function
    has no variables and works there as well.

    Paper: Wu and He, Group Normalization, arXiv:1803.08494.

    Args:
      inputs: a floating tensor [B, ...] of known rank >= 2 and known number of channels.
      groups: how many groups of neighbouring channels there are; divides the number of channels.
      channels_axis: the channels' axis.
      reduction_axes: the other axes to normalise over, without the batch axis 0: two for images,
        [] for inputs [B, C].
      center: whether to add a variable `beta`, one number per channel.
      scale: whether to multiply by a variable `gamma`, one number per channel.
      epsilon: added to the variance, > 0.
      activation_fn: applied to the result, or None.
      param_initializers: initialisers by the name of the variable, "beta" or "gamma".
      reuse: whether the variables exist already, as in `tf.compat.v1.variable_scope`.
      outputs_collections: collections of the tf.Graph that get the result, or None.
      trainable: whether the variables are trained.
      scope: the variable scope, `GroupNorm` by default.
      mean_close_to_zero: whether to find the variance as the mean square less the squared mean.
        That reads the inputs once instead of twice, and is exact only if the mean is no larger
        than the deviation.

    Returns:
      A tensor of the shape and dtype of `inputs`; 16-bit inputs are normalised in float32.

    Raises:
      ValueError: an argument is out of its range; or variables are wanted outside a tf.Graph.

    Example:
      >>> with tf.Graph().as_default():
      ...     tfgan.features.group_norm(tf.zeros([2, 8, 8, 4]), groups=2).shape.as_list()
      [2, 8, 8, 4]
    """
    inputs = _floating(inputs)
    axis, channels = _channels(inputs, channels_axis, "channels_axis")
    if checked_integer("groups", groups) > channels:
        raise ValueError(f"groups must be 1 to {channels}, the channels there are, not {groups}.")
    if channels % groups:
        raise ValueError(f"groups must divide the {channels} channels; {groups} does not.")
    return _normalized(
        inputs,
        groups,
        axis,
        _reduction_axes(inputs, reduction_axes, axis),
        functools.partial(
            _make_variables,
            "group_norm",
            "a tf.keras.layers.GroupNormalization",
            scope,
            "GroupNorm",
            reuse,
        ),
        center=center,
        scale=scale,
        epsilon=epsilon,
        activation_fn=activation_fn,
        param_initializers=param_initializers,
        outputs_collections=outputs_collections,
        trainable=trainable,
        one_pass=mean_close_to_zero,
    )


def _make_variables(
    function: str,
    layer: str,
    scope: Any,
    default_name: str,
    reuse: Any,
    names: Sequence[str],
    initializers: Mapping[str, Any],
    **kwargs: Any,
) -> dict[str, tf.Tensor]:
    """Variables by name, all of one kind, in a tf.Graph."""
    check_can_make_variables(function, layer)
    with tf.compat.v1.variable_scope(scope, default_name, reuse=reuse):
        return {
            name: tf.compat.v1.get_variable(name, initializer=initializers[name], **kwargs)
            for name in names
        }


def _normalized(
    inputs: tf.Tensor,
    groups: int,
    axis: int,
    reduction_axes: Sequence[int],
    make_variables: Callable[..., dict[str, tf.Tensor]],
    *,
    center: bool,
    scale: bool,
    epsilon: float,
    activation_fn: Callable[[tf.Tensor], tf.Tensor] | None,
    param_initializers: Mapping[str, Any] | None,
    outputs_collections: Any,
    trainable: bool,
    one_pass: bool = False,
) -> tf.Tensor:
    _check_epsilon(epsilon)
    initializers = _initializers(param_initializers)
    dtype, channels = wide_dtype(inputs.dtype), inputs.shape[axis]
    shape = [tf.shape(inputs)[i] if n is None else n for i, n in enumerate(inputs.shape)]
    grouped = [*shape[:axis], groups, channels // groups, *shape[axis + 1 :]]
    axes = [i if i < axis else i + 1 for i in reduction_axes] + [axis + 1]
    outputs = tf.reshape(tf.cast(inputs, dtype), grouped)
    if one_pass:
        mean = tf.reduce_mean(outputs, axes, keepdims=True)
        square = tf.reduce_mean(tf.square(outputs), axes, keepdims=True)
        variance = tf.nn.relu(square - tf.square(mean))  # Rounding can make it negative.
    else:
        mean, variance = moments(outputs, axes, keepdims=True)
    outputs = tf.reshape((outputs - mean) * tf.math.rsqrt(variance + epsilon), shape)

    names = [name for name, wanted in (("beta", center), ("gamma", scale)) if wanted]
    if names:
        made = make_variables(
            names, initializers, shape=[channels], dtype=dtype, trainable=trainable
        )
        per_channel = [channels if i == axis else 1 for i in range(inputs.shape.rank)]
        values = {name: tf.reshape(variable, per_channel) for name, variable in made.items()}
        outputs = outputs * values.get("gamma", 1.0) + values.get("beta", 0.0)
    outputs = tf.ensure_shape(tf.cast(outputs, inputs.dtype), inputs.shape)
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    if outputs_collections is not None:
        tf.compat.v1.add_to_collections(outputs_collections, outputs)
    return outputs


def _check_epsilon(epsilon: float) -> None:
    if not epsilon > 0:
        raise ValueError(f"epsilon must be > 0, not {epsilon}: a constant input has no variance.")


def _initializers(given: Mapping[str, Any] | None) -> dict[str, Any]:
    given = dict(given or {})
    unknown = sorted(set(given) - {"beta", "gamma"})
    if unknown:
        raise ValueError(f'param_initializers knows "beta" and "gamma", not {unknown}.')
    defaults = {
        "beta": tf.compat.v1.zeros_initializer(),
        "gamma": tf.compat.v1.ones_initializer(),
    }
    return {**defaults, **given}


def _floating(inputs: Any) -> tf.Tensor:
    inputs = tf.convert_to_tensor(inputs)
    if not inputs.dtype.is_floating:
        raise ValueError(f"inputs must be floating, not {inputs.dtype.name}.")
    if inputs.shape.rank is None or inputs.shape.rank < 2:
        raise ValueError(
            f"inputs must have a known rank of at least 2; their shape is {inputs.shape}."
        )
    return inputs


def _channels(inputs: tf.Tensor, axis: int, argument: str) -> tuple[int, int]:
    """The channels' axis, counted from the front, and how many there are."""
    rank = inputs.shape.rank
    if not -rank < axis < rank or axis == 0:
        raise ValueError(
            f"{argument}: axis {axis} does not hold the channels of inputs of shape"
            f" {inputs.shape}; axis 0 is the batch."
        )
    channels = inputs.shape[axis]
    if channels is None:
        raise ValueError(
            f"The number of channels, axis {axis} of inputs, must be known; the shape is"
            f" {inputs.shape}. Use tf.ensure_shape."
        )
    return axis % rank, channels


def _reduction_axes(inputs: tf.Tensor, given: Sequence[int], channels_axis: int) -> list[int]:
    rank = inputs.shape.rank
    hint = (
        f"inputs have shape {inputs.shape}: give the axes between batch and channels, for"
        " instance (-3, -2) for [B, H, W, C], (-2,) for [B, L, C] and [] for [B, C]."
    )
    if any(not -rank <= axis < rank for axis in given):
        raise ValueError(f"reduction_axes {tuple(given)} are out of range; {hint}")
    axes = [axis % rank for axis in given]
    if 0 in axes:
        raise ValueError(f"reduction_axes {tuple(given)} contain the batch axis; {hint}")
    if channels_axis in axes or len(set(axes)) < len(axes):
        raise ValueError(
            f"reduction_axes {tuple(given)} overlap, with the channels' axis {channels_axis} or"
            f" with each other; {hint}"
        )
    return axes
