"""Weight clipping: optimizers that keep weights in a box or a ball after each update.

The first Wasserstein GAN bounds its critic's slope in this way (Arjovsky et al., arXiv:1701.07875).
"""

from __future__ import annotations

import contextlib
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgan_lite.variables import unwrapped

__all__ = ["VariableClippingOptimizer", "clip_discriminator_weights", "clip_variables"]

_V1Optimizer = tf.compat.v1.train.Optimizer


def clip_variables(optimizer: Any, variables: Iterable[Any], weight_clip: float) -> Any:
    """An optimizer that clips each value to [-weight_clip, weight_clip] after an update.

    Args:
      optimizer: a Keras 3, tf_keras or v1 optimizer, which has not trained yet.
      variables: the variables to clip.
      weight_clip: the bound, > 0.

    Returns:
      A `VariableClippingOptimizer`, to be used in the optimizer's place.

    Raises:
      ValueError: `weight_clip` is not > 0; no variables.
      TypeError: `optimizer` is not an optimizer.

    Example:
      >>> sgd = tf.keras.optimizers.SGD
      >>> weights = discriminator.trainable_variables
      >>> clipped = tfgan.features.clip_variables(sgd(), weights, weight_clip=0.01)
      >>> train_ops = tfgan.gan_train_ops(model, loss, sgd(), clipped)
      >>> _ = train_ops.discriminator_train_op()
      >>> bool(np.abs(discriminator.get_weights()[0]).max() <= 0.01)
      True
    """
    variables = list(variables)
    if not variables:
        raise ValueError("variables is empty: there is nothing to clip.")
    _check_bound(weight_clip, "weight_clip")
    return VariableClippingOptimizer(optimizer, [(v, []) for v in variables], weight_clip)


def clip_discriminator_weights(optimizer: Any, model: Any, weight_clip: float) -> Any:
    """`clip_variables` on a model's `discriminator_variables` (arXiv:1701.07875).

    Args:
      optimizer: the discriminator's optimizer.
      model: a GANModel, or a kind of it.
      weight_clip: the bound, > 0; 0.01 in the paper.

    Returns:
      A `VariableClippingOptimizer`, to be passed as `discriminator_optimizer`.

    Raises:
      ValueError: `weight_clip` is not > 0.
      TypeError: `optimizer` is not an optimizer.

    Example:
      >>> sgd = tf.keras.optimizers.SGD
      >>> clipped = tfgan.features.clip_discriminator_weights(sgd(), model, weight_clip=0.01)
      >>> train_ops = tfgan.gan_train_ops(model, loss, sgd(), clipped)
    """
    return clip_variables(optimizer, model.discriminator_variables, weight_clip)


class VariableClippingOptimizer:
    """An optimizer that clips variables after each of its updates, whether it updates them or not.

    Otherwise it is the optimizer it was made with, and has its attributes. Made with a v1
    optimizer, it is one; made with a Keras optimizer, it is a `tf.Module`, and a checkpoint has the
    state under `optimizer`.

    Initial weights: in TF2, `build` clips them, and `gan_train_ops` calls that. In a `tf.Graph`
    they are clipped by the first update, or by running `clip()` once after initialisation.

    Args:
      opt: a Keras 3, tf_keras or v1 optimizer.
      vars_to_clip_dims: variables, each with the dimensions along which its norm is taken, as a
        mapping (in TF2 keyed by `variable.ref()`) or as (variable, dimensions) pairs; [] clips each
        value by itself.
      max_norm: the largest L2 norm, > 0.
      use_locking: as in v1 assignments; has no effect on resource variables.
      colocate_clip_ops_with_vars: in a graph, whether clipping is placed where the variable is.
      name: the optimizer's name.

    Raises:
      ValueError: `max_norm` is not > 0; dimensions that a variable does not have.
      TypeError: `opt` is not an optimizer.

    Example:
      >>> weights = tf.Variable([[3.0, 4.0]])  # Of length 5.
      >>> in_ball = tfgan.features.VariableClippingOptimizer(sgd(), [(weights, [1])], max_norm=1.0)
      >>> _ = in_ball.apply_gradients([(tf.zeros([1, 2]), weights)])
      >>> np.allclose(weights, [[0.6, 0.8]])
      True
    """

    def __new__(cls, opt: Any = None, *unused_args: Any, **unused_kwargs: Any):
        if cls is VariableClippingOptimizer:
            cls = _OfV1Optimizer if isinstance(opt, _V1Optimizer) else _OfKerasOptimizer
        return super().__new__(cls)

    def __init__(
        self,
        opt: Any,
        vars_to_clip_dims: Mapping[Any, Sequence[int]] | Iterable[tuple[Any, Sequence[int]]],
        max_norm: float,
        use_locking: bool = False,
        colocate_clip_ops_with_vars: bool = False,
        name: str = "VariableClipping",
    ):
        if isinstance(opt, type) or not hasattr(opt, "apply_gradients"):
            raise TypeError(f"opt must be a Keras or v1 optimizer, got {opt!r}.")
        _check_bound(max_norm, "max_norm")
        self._begin(name, use_locking)
        self.optimizer = opt
        self._max_norm = max_norm
        self._locking = use_locking
        self._colocate = colocate_clip_ops_with_vars
        # A closure, so that a checkpoint does not find the weights here once more.
        clipped = _pairs(vars_to_clip_dims)
        self._clipped = lambda: clipped

    def _begin(self, name: str, use_locking: bool) -> None:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "optimizer" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(self.optimizer, name)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], *args: Any, **kwargs: Any):
        """The optimizer's update, then the clipping; arguments are the optimizer's."""
        raise NotImplementedError

    @tf.autograph.experimental.do_not_convert
    def clip(self) -> Any:
        """Clips the variables now, or in a graph gives the op that does."""
        context = tf.distribute.get_replica_context()
        if context is None:
            return self._clip(tf.distribute.get_strategy())
        return context.merge_call(self._clip)

    def _clip(self, strategy: tf.distribute.Strategy) -> Any:
        updates = []
        for variable, dims in self._clipped():
            if isinstance(variable, tf.distribute.DistributedValues):
                updates.append(strategy.extended.update(variable, self._assign, args=(dims,)))
            else:
                updates.append(self._assign(variable, dims))
        return tf.group(*updates)

    def _assign(self, variable: tf.Variable, dims: Sequence[int]) -> Any:
        near = contextlib.nullcontext()
        if self._colocate and not tf.executing_eagerly():
            near = tf.compat.v1.colocate_with(variable)
        with near:
            value = tf.convert_to_tensor(variable)
            if dims:
                value = tf.clip_by_norm(value, self._max_norm, dims)
            else:  # Exactly within the bound: a norm would divide, and so round.
                value = tf.clip_by_value(value, -self._max_norm, self._max_norm)
            return variable.assign(value, use_locking=self._locking)


class _OfKerasOptimizer(VariableClippingOptimizer, tf.Module):
    """Around a Keras 3 or a tf_keras optimizer."""

    def _begin(self, name: str, use_locking: bool) -> None:
        del use_locking
        tf.Module.__init__(self, name=name)

    @property
    def variables(self) -> Any:
        """The optimizer's own variables: a list, or for some kinds a method that gives it."""
        return self.optimizer.variables

    @property
    def learning_rate(self) -> Any:
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.optimizer.learning_rate = value

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the optimizer's variables; in TF2 clips the weights for their first use."""
        if hasattr(self.optimizer, "build"):
            self.optimizer.build(variables)
        else:  # tf_keras.optimizers.legacy
            self.optimizer._create_all_weights(variables)
        if tf.executing_eagerly():
            self.clip()

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], *args: Any, **kwargs: Any):
        result = self.optimizer.apply_gradients(grads_and_vars, *args, **kwargs)
        self.clip()
        return result


class _OfV1Optimizer(VariableClippingOptimizer, _V1Optimizer):
    """Around a v1 optimizer."""

    def _begin(self, name: str, use_locking: bool) -> None:
        _V1Optimizer.__init__(self, use_locking, name)

    def variables(self) -> list[tf.Variable]:
        return self.optimizer.variables()

    def get_slot(self, var: tf.Variable, name: str) -> Any:
        return self.optimizer.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        return self.optimizer.get_slot_names()

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, tf.Variable]]:
        return self.optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], *args: Any, **kwargs: Any):
        applied = self.optimizer.apply_gradients(grads_and_vars, *args, **kwargs)
        with tf.control_dependencies([] if tf.executing_eagerly() else [applied]):
            return self.clip()


def _pairs(vars_to_clip_dims: Any) -> list[tuple[Any, list[int]]]:
    """(variable, dimensions) pairs, checked."""
    given = vars_to_clip_dims
    pairs = []
    for variable, dims in given.items() if isinstance(given, Mapping) else given:
        variable = variable.deref() if hasattr(variable, "deref") else variable
        variable = unwrapped(variable)
        if not hasattr(variable, "assign"):
            raise TypeError(f"vars_to_clip_dims must name variables, got {variable!r}.")
        rank = variable.shape.rank
        if rank is not None and any(not -rank <= d < rank for d in dims):
            raise ValueError(
                f"vars_to_clip_dims has dimensions {list(dims)} for {variable.name}, whose shape is"
                f" {variable.shape}."
            )
        pairs.append((variable, list(dims)))
    return pairs


def _check_bound(value: float, name: str) -> None:
    if not isinstance(value, numbers.Real) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a number > 0, got {value!r}.")
