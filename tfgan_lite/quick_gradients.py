"""Gradients of a network's operations that are equal to TensorFlow's own, and quicker on a CPU.

The gradient of `x w` for x is `g w^T`. TensorFlow's kernel for a CPU takes up to three times as
long for it as for `(w g^T)^T` where the weights are large and the batch is small, as behind a
DCGAN's convolutions. Both sum the same products.

The gradient of weights that are cast to 16 bits is a product in 16 bits, cast back. Where the batch
is small and the weights are large, going through the product once more takes longer than making it
of float32 at once, which also rounds less.

The gradient of a leaky ReLU asks for signs alone, which are the same before and after it.
TensorFlow's own keeps what is before, so that the activation cannot become a part of the kernel of
the convolution or product that it follows.
"""

from __future__ import annotations

import contextlib

import tensorflow as tf

__all__ = ["is_slow", "origin", "quick_gradients"]

_GRADIENTS = {name: f"TfganLite{name}" for name in ("Cast", "LeakyRelu", "MatMul")}
# Of weights [inputs, outputs] and batches, found by measuring both ways on a CPU.
_LEAST_WEIGHTS = 1 << 20
_LEAST_OUTPUTS = 512
_BATCHES = range(16, 65)


def quick_gradients() -> contextlib.AbstractContextManager:
    """Operations of these kinds made inside use these gradients under `tf.gradients`.

    They do in a graph or a function. A `tf.GradientTape` does not ask for them. On a GPU or
    TPU nothing changes.
    """
    # Physical devices: listing logical ones initialises them before a session's options can apply.
    if tf.executing_eagerly() or any(map(tf.config.list_physical_devices, ("GPU", "TPU"))):
        return contextlib.nullcontext()
    return tf.compat.v1.get_default_graph().gradient_override_map(_GRADIENTS)


@tf.RegisterGradient(_GRADIENTS["MatMul"])
def _product_gradient(op: tf.Operation, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    x, weights = map(tf.math.conj, op.inputs)
    x_is_transposed, weights_are = map(op.get_attr, ("transpose_a", "transpose_b"))
    if x_is_transposed:
        of_x = tf.matmul(weights, gradient, transpose_a=weights_are, transpose_b=True)
    elif not weights_are and is_slow(x.shape, weights.shape):
        of_x = tf.transpose(tf.matmul(weights, gradient, transpose_b=True))
    else:
        of_x = tf.matmul(gradient, weights, transpose_b=not weights_are)
    if weights_are:
        return of_x, tf.matmul(gradient, x, transpose_a=True, transpose_b=x_is_transposed)
    return of_x, tf.matmul(x, gradient, transpose_a=not x_is_transposed)


def is_slow(x: tf.TensorShape, weights: tf.TensorShape) -> bool:
    """Whether the usual gradient of `x weights` for x is by the slower product."""
    size = weights.num_elements() or 0
    return x[0] in _BATCHES and size >= _LEAST_WEIGHTS and weights[1] >= _LEAST_OUTPUTS


@tf.RegisterGradient(_GRADIENTS["Cast"])
def _cast_gradient(op: tf.Operation, gradient: tf.Tensor) -> tf.Tensor | None:
    dtypes = op.inputs[0].dtype, op.outputs[0].dtype
    if not all(dtype.is_floating or dtype.is_complex for dtype in dtypes):
        return None
    product = origin(gradient)
    if dtypes[0] == tf.float32 and product.type == "MatMul" and _is_of_large_weights(product):
        factors = [tf.cast(factor, tf.float32) for factor in product.inputs]
        transposed = {name: product.get_attr(name) for name in ("transpose_a", "transpose_b")}
        return tf.matmul(*factors, **transposed)
    return tf.cast(gradient, dtypes[0])


def origin(value: tf.Tensor | tf.IndexedSlices) -> tf.Operation:
    """What a graph computes a gradient by, behind the identities that optimizers gate it with."""
    operation = value.op
    while operation.type == "Identity":
        operation = operation.inputs[0].op
    return operation


def _is_of_large_weights(product: tf.Operation) -> bool:
    """Whether the product sums over a small batch, and is large."""
    batch = product.inputs[0].shape[0 if product.get_attr("transpose_a") else 1]
    size = product.outputs[0].shape.num_elements() or 0
    return batch is not None and batch < _BATCHES.stop and size >= _LEAST_WEIGHTS


@tf.RegisterGradient(_GRADIENTS["LeakyRelu"])
def _leaky_relu_gradient(op: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    slope = op.get_attr("alpha")
    signed = op.outputs[0] if slope >= 0.0 else op.inputs[0]
    return tf.raw_ops.LeakyReluGrad(gradients=gradient, features=signed, alpha=slope)
