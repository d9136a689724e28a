"""Spectral normalisation as functions: a weight divided by its largest singular value.

The largest singular value comes from power iteration on a vector u that is kept from one training
step to the next (Miyato et al., arXiv:1802.05957, algorithm 1). For Keras layers there is
`SpectralNormalization`.
"""

from __future__ import annotations

import contextlib
import numbers
import re
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_lite.graph_notes import note, noted
from tfgan_lite.integers import checked_integer
from tfgan_lite.runs import current_run
from tfgan_lite.worlds import in_plain_graph

__all__ = [
    "compute_spectral_norm",
    "spectral_norm_regularizer",
    "spectral_normalization_custom_getter",
    "spectral_normalize",
]

U_NAME = "spectral_norm_u"
_KERNEL_NAME = re.compile(r"(^|/)((depthwise|pointwise)_)?(weights|kernel)$")


@tf.autograph.experimental.do_not_convert
def compute_spectral_norm(
    w_tensor: Any,
    power_iteration_rounds: int = 1,
    training: bool = True,
    name: str | None = None,
    *,
    u: tf.Variable | None = None,
) -> tf.Tensor:
    """The largest singular value of a weight, estimated by power iteration (arXiv:1802.05957).

    The weight counts as a matrix [R, C] with C its last axis, R the product of the others. In the
    gradient the singular vectors are constants, as in the paper.

    In a `tf.Graph`, u is a variable "spectral_norm_u" that is reused as other variables of the
    scope are. Its assignment is an op of `UPDATE_OPS`, which nothing here waits for: a network of
    `gan_model` runs it in its own updates and in no other's. All calls in a graph read u once.

    Args:
      w_tensor: float16, bfloat16, float32 or float64, of rank >= 2 and static shape.
      power_iteration_rounds: rounds >= 0 of this call; 0 takes u as it is.
      training: whether u is kept for the next call; a run that only evaluates keeps nothing.
      name: in a graph, the variable scope of u; by default one of this call's own.
      u: where u is kept, a variable float32 (float64 for a float64 weight) [R, 1] that is not
        trainable and not all zero. TF2 needs it; there, each call with `training` moves it.

    Returns:
      A scalar >= 0 of the weight's dtype.

    Raises:
      ValueError: a shape, dtype or number as above does not hold; TF2 without `u`.

    Example:
      >>> with tf.Graph().as_default():
      ...     tfgan.features.compute_spectral_norm(tf.eye(3)).shape.as_list()
      []
    """
    w, u = _checked(w_tensor, power_iteration_rounds, u)
    if u is None:
        with _scope(name, "spectral_norm"):
            u = tf.compat.v1.get_variable(**_u_arguments(w))
    return tf.cast(_sigma(w, u, power_iteration_rounds, training), w.dtype)


@tf.autograph.experimental.do_not_convert
def spectral_normalize(
    w: Any,
    power_iteration_rounds: int = 1,
    equality_constrained: bool = True,
    training: bool = True,
    name: str | None = None,
    *,
    u: tf.Variable | None = None,
) -> tf.Tensor:
    """A weight divided by its largest singular value (arXiv:1802.05957).

    Args:
      w: the weight, as `compute_spectral_norm` takes it.
      power_iteration_rounds: as there.
      equality_constrained: whether the result's largest singular value is 1; otherwise it is at
        most 1, and smaller weights stay as they are.
      training: as there.
      name: as there.
      u: as there.

    Returns:
      A tensor of the weight's shape and dtype; zeros for a weight of zeros.

    Raises:
      ValueError: as there.

    Example:
      >>> with tf.Graph().as_default():
      ...     tfgan.features.spectral_normalize(tf.eye(3)).shape.as_list()
      [3, 3]
    """
    w_tensor = tf.convert_to_tensor(w)
    makes_u = u is None and in_plain_graph()
    with _scope(name, "spectral_normalize") if makes_u else contextlib.nullcontext():
        sigma = compute_spectral_norm(_wide(w_tensor), power_iteration_rounds, training, u=u)
    return normalized(w_tensor, sigma, equality_constrained)


def spectral_norm_regularizer(
    scale: float,
    power_iteration_rounds: int = 1,
    training: bool = True,
    scope: str | None = None,
    *,
    u: tf.Variable | None = None,
) -> Callable[[Any], tf.Tensor | None]:
    """A regulariser: `scale` times the largest singular value (Yoshida & Miyato, arXiv:1705.10941).

    This is TF-GAN's form, linear in the singular value; the paper's is half its square.

    Args:
      scale: factor >= 0, a float; 0.0 for none.
      power_iteration_rounds: as in `compute_spectral_norm`.
      training: as there.
      scope: as `name` there.
      u: as there; in TF2 a regulariser serves one weight.

    Returns:
      A function of a weight, which gives a scalar of its dtype; None where `scale` is 0.0.

    Raises:
      ValueError: `scale` is an integer or not >= 0.

    Example:
      >>> with tf.Graph().as_default():
      ...     tfgan.features.spectral_norm_regularizer(0.1)(tf.eye(3)).shape.as_list()
      []
    """
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"scale cannot be an integer, got {scale!r}: pass a float >= 0.")
    if isinstance(scale, numbers.Real) and not scale >= 0.0:
        raise ValueError(f"scale must be >= 0, got {scale}.")
    if isinstance(scale, numbers.Real) and scale == 0.0:
        return lambda unused_weights: None

    @tf.autograph.experimental.do_not_convert
    def regularize(weights: Any) -> tf.Tensor:
        sigma = compute_spectral_norm(weights, power_iteration_rounds, training, scope, u=u)
        return sigma * tf.cast(scale, sigma.dtype)

    return regularize


def keras_and_v1_kernels(name: str) -> bool:
    """Whether a variable is a layer's kernel by its name, as v1 layers give them."""
    return _KERNEL_NAME.search(name) is not None


def spectral_normalization_custom_getter(
    name_filter: Callable[[str], bool] = keras_and_v1_kernels,
    power_iteration_rounds: int = 1,
    equality_constrained: bool = True,
    training: bool = True,
) -> Callable[..., Any]:
    """A variable scope's custom getter that normalises kernels (arXiv:1802.05957).

    For a `tf.Graph` and `tf.compat.v1.get_variable`; Keras layers do not ask custom getters: wrap
    them in `SpectralNormalization`.

    Args:
      name_filter: whether a variable is to be normalised, a function of its full name. By default
        those whose name ends in "weights" or "kernel", "depthwise_" or "pointwise_" before it or
        not.
      power_iteration_rounds: as in `compute_spectral_norm`.
      equality_constrained: as in `spectral_normalize`.
      training: as in `compute_spectral_norm`.

    Returns:
      A function of a getter, a name and the getter's keywords.

    Raises:
      ValueError: `name_filter` is not a function; on use: it picks a variable of rank < 2, one that
        is not floating, or u itself.

    Example:
      >>> v1, getter = tf.compat.v1, tfgan.features.spectral_normalization_custom_getter()
      >>> with tf.Graph().as_default(), v1.variable_scope("critic", custom_getter=getter):
      ...     kernel = v1.get_variable("kernel", initializer=3.0 * tf.eye(2))
      ...     with v1.Session() as session:
      ...         session.run(v1.global_variables_initializer())
      ...         normalised = session.run(kernel)
      >>> np.allclose(normalised, np.eye(2))
      True
    """
    if not callable(name_filter):
        raise ValueError(f"name_filter must be a function of a name, got {name_filter!r}.")
    _check_rounds(power_iteration_rounds)

    @tf.autograph.experimental.do_not_convert
    def getter_of_normalized(getter: Callable[..., Any], name: str, *args: Any, **kwargs: Any):
        variable = getter(name, *args, **kwargs)
        if not name_filter(name):
            return variable
        if name.endswith(U_NAME):
            raise ValueError(
                f"name_filter picks {name!r}, in which spectral normalisation itself keeps its"
                " vector. Let it pick kernels only."
            )
        w, _ = _checked(variable, power_iteration_rounds, None, what=f"The variable {name!r}")
        u_arguments = _u_arguments(w)
        changes = {
            **u_arguments,
            "collections": None,
            "constraint": None,
            "partitioner": None,
            "regularizer": None,
        }
        kept = {k: v for k, v in kwargs.items() if k not in changes}
        # TF-GAN's name, for the sake of its checkpoints: the scope's, and then the kernel's own.
        scope = tf.compat.v1.get_variable_scope().name
        parts = [scope, name, "spectral_normalize", "spectral_norm", changes.pop("name")]
        u = getter("/".join(filter(None, parts)), **kept, **changes)
        sigma = _sigma(w, u, power_iteration_rounds, training)
        return normalized(w, sigma, equality_constrained)

    return getter_of_normalized


def power_iteration(matrix: tf.Tensor, u: tf.Tensor, rounds: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The largest singular value of a matrix, by power iteration from u.

    Args:
      matrix: float32 or float64 [R, C].
      u: [R, 1] of the same dtype, not all zero.
      rounds: >= 0.

    Returns:
      The singular value, a scalar whose gradient takes the singular vectors for constants, and the
      new u, which stays where the matrix is zero.
    """
    constant = tf.stop_gradient(matrix)
    u = _unit(tf.stop_gradient(u))
    v = _unit(tf.matmul(constant, u, transpose_a=True))
    for index in range(rounds):
        u = _unit(tf.matmul(constant, v), u)
        if index + 1 < rounds:
            v = _unit(tf.matmul(constant, u, transpose_a=True))
    return tf.reduce_sum(u * tf.matmul(matrix, v)), u


def normalized(w: tf.Tensor, sigma: tf.Tensor, equality_constrained: bool = True) -> tf.Tensor:
    """`w / sigma`, or `w / max(1, sigma)`; computed in sigma's dtype, given in w's."""
    divisor = sigma if equality_constrained else tf.maximum(sigma, tf.ones_like(sigma))
    # A weight of zeros has no direction: it stays zero, and learns as it would by itself.
    divisor = tf.where(divisor > 0, divisor, tf.ones_like(divisor))
    return tf.cast(tf.cast(w, sigma.dtype) / divisor, w.dtype)


def stored(u: Any) -> tf.Tensor:
    """The value that u had when the run began.

    In a graph, where nothing orders a read and an assignment, all calls share one read.
    """
    value = tf.convert_to_tensor(u)
    if not in_plain_graph():
        return value
    handle = value.op.inputs[0]
    if noted(handle, "spectral_norm_read") is None:
        with tf.control_dependencies(None):  # Outside of any loop that the first call may be in.
            note(handle, spectral_norm_read=tf.convert_to_tensor(u))
    return noted(handle, "spectral_norm_read")


def _sigma(w: tf.Tensor, u: tf.Variable, rounds: int, training: bool) -> tf.Tensor:
    matrix = tf.reshape(_wide(w), [-1, w.shape[-1]])
    sigma, new = power_iteration(matrix, tf.cast(stored(u), matrix.dtype), rounds)
    run = current_run()
    if not training or rounds == 0 or (run is not None and not run.training):
        return sigma
    new = tf.cast(new, u.dtype)
    if not in_plain_graph():
        u.assign(new)
    else:  # The calls of a graph assign the same.
        tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.UPDATE_OPS, u.assign(new).op)
    return sigma


def _scope(name: str | None, default: str) -> Any:
    """Where a call keeps u; a scope of the call's own takes its surroundings' reuse."""
    reuse = None if name is None else tf.compat.v1.AUTO_REUSE
    return tf.compat.v1.variable_scope(name, default, reuse=reuse)


def _unit(vector: tf.Tensor, otherwise: tf.Tensor | None = None) -> tf.Tensor:
    """The vector at length 1; where it is zero, `otherwise` or zero.

    Dividing by the largest entry first keeps the squares of tiny and of huge entries in range.
    """
    largest = tf.reduce_max(tf.abs(vector))
    some = largest > 0
    scaled = vector / tf.where(some, largest, tf.ones_like(largest))
    length = tf.sqrt(tf.reduce_sum(tf.square(scaled)))  # At least 1, or 0; no gradient passes.
    unit = scaled / tf.where(some, length, tf.ones_like(length))
    return unit if otherwise is None else tf.where(some, unit, otherwise)


def _wide(w: tf.Tensor) -> tf.Tensor:
    return w if w.dtype == tf.float64 else tf.cast(w, tf.float32)


def _rows(w: tf.Tensor) -> int:
    return w.shape.num_elements() // w.shape[-1]


def _u_arguments(w: tf.Tensor) -> dict[str, Any]:
    dtype = tf.float64 if w.dtype == tf.float64 else tf.float32
    return {
        "name": U_NAME,
        "shape": [_rows(w), 1],
        "dtype": dtype,
        "initializer": tf.compat.v1.random_normal_initializer(),
        "trainable": False,
        "use_resource": True,
        "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA,
    }


def _checked(
    w_tensor: Any, rounds: int, u: tf.Variable | None, what: str = "w_tensor"
) -> tuple[tf.Tensor, tf.Variable | None]:
    w = tf.convert_to_tensor(w_tensor)
    _check_rounds(rounds)
    if not w.dtype.is_floating:
        raise ValueError(f"{what} must be of a floating-point dtype, got {w.dtype.name}.")
    if w.shape.rank is None or w.shape.rank < 2 or not w.shape.is_fully_defined():
        raise ValueError(
            f"{what} must have rank >= 2 and a static shape, got {w.shape}: a spectral norm is that"
            " of a matrix. Do not normalise biases."
        )
    if 0 in w.shape.as_list():
        raise ValueError(f"{what} has no elements: its shape is {w.shape}.")
    if u is None:
        if not in_plain_graph():
            raise ValueError(
                "u is missing: outside a tf.Graph, power iteration has no variable to remember its"
                " vector in. Wrap the Keras layer in tfgan_lite.features.SpectralNormalization, or"
                f" pass u=tf.Variable(tf.random.normal([{_rows(w)}, 1]), trainable=False), made"
                " once."
            )
    elif not hasattr(u, "assign") or list(u.shape) != [_rows(w), 1]:
        raise ValueError(
            f"u must be a variable of shape [{_rows(w)}, 1] for {what} of shape {w.shape}, got"
            f" {u!r}."
        )
    return w, u


def _check_rounds(rounds: int) -> None:
    checked_integer("power_iteration_rounds", rounds, least=0)
