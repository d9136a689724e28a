"""Sums of the kernel (x.y / D + 1)^3 over pairs of samples, tile by tile.

N times M values do not fit into memory, so nobody ever holds them all: a tile of products, which
the machine computes at its full rate, is cubed and added up in float64 before the next one is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.checks import Array
from tfgan_lite.eval.workspace import Workspace

__all__ = ["KernelSums"]

# Products of so many rows and columns outweigh all else.
_TILE = 2048
# Rows of products that stay in a core's cache while they are cubed and added up.
_STRIP = 32

_Pair = tuple[tf.Tensor, tf.Tensor]
_Sums = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]


class KernelSums:
    """Sums for each sample of two sets: over the others of its set, and over the other set.

    Args:
      arithmetic: of the products, float32 or float64.
    """

    def __init__(self, arithmetic: tf.DType):
        self._arithmetic = arithmetic
        self._workspace = Workspace()

    def __call__(self, x: Array, y: Array) -> _Sums:
        """Returns the sums.

        Args:
          x: real numbers [N, D].
          y: real numbers [M, D].

        Returns:
          Four vectors, float64: of x within x, [N], and of y within y, [M], without the pairs of a
          sample and itself; of x with y, [N], and of y with x, [M].
        """
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            return self._by_numpy(x, y)
        x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
        if not (tf.executing_eagerly() and "CPU" in x.device):
            return self._by_tensorflow(x, y)

        @tf.custom_gradient
        def by_numpy(x: tf.Tensor, y: tf.Tensor) -> tuple[_Sums, Any]:
            def gradient(*upstream: tf.Tensor) -> _Pair:
                with tf.GradientTape() as tape:
                    tape.watch((x, y))
                    sums = self._by_tensorflow(x, y)
                return tape.gradient(sums, (x, y), upstream)

            return self._by_numpy(np.asarray(x), np.asarray(y)), gradient

        return by_numpy(x, y)

    def _by_numpy(self, x: np.ndarray, y: np.ndarray) -> _Sums:
        if max(len(x), len(y)) <= _TILE:  # Then each is one tile, which all products share.
            x, y = self._converted("left", x), self._converted("right", y)
        xx, yx, xy, yy = (np.zeros(len(each)) for each in (x, y, x, y))
        for rows, others, within, of_rows, of_others in ((x, y, xx, xy, yx), (y, None, yy, yy, yy)):
            for start in range(0, len(rows), _TILE):
                stop = start + _TILE
                left = self._converted("left", rows[start:stop])
                # NumPy sees that both are the same, and computes half.
                products = self._products(left, left)
                np.fill_diagonal(products, -left.shape[1])  # Whose kernel is zero.
                self._add_kernel(products, left.shape[1], within[start:stop])
                self._add_others(left, rows[stop:], within[start:stop], within[stop:])
                if others is not None:
                    self._add_others(left, others, of_rows[start:stop], of_others)
        return tuple(map(tf.constant, (xx, yy, xy, yx)))

    def _add_others(
        self, left: np.ndarray, others: np.ndarray, of_left: np.ndarray, of_others: np.ndarray
    ) -> None:
        """Adds the kernel of a tile with other rows."""
        for start in range(0, len(others), _TILE):
            right = self._converted("right", others[start : start + _TILE])
            products = self._products(left, right)
            of_right = of_others[start : start + len(right)]
            self._add_kernel(products, left.shape[1], of_left, of_right)

    def _products(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        products = self._workspace.array("products", len(left), len(right), left.dtype)
        return np.matmul(left, right.T, out=products)

    def _add_kernel(
        self,
        products: np.ndarray,
        width: int,
        of_rows: np.ndarray,
        of_columns: np.ndarray | None = None,
    ) -> None:
        """Adds the kernel of products to the sums of their rows and columns."""
        for start in range(0, len(products), _STRIP):
            strip = products[start : start + _STRIP]
            base, cube = (self._workspace.array(n, *strip.shape) for n in ("base", "cube"))
            np.multiply(strip, 1.0 / width, out=base, dtype=np.float64)
            base += 1.0
            np.multiply(base, base, out=cube)
            cube *= base
            of_rows[start : start + _STRIP] += cube.sum(axis=1)
            if of_columns is not None:
                of_columns += cube.sum(axis=0)

    def _converted(self, name: str, rows: np.ndarray) -> np.ndarray:
        dtype = np.dtype(self._arithmetic.as_numpy_dtype)
        if rows.dtype == dtype:
            return rows
        converted = self._workspace.array(name, *rows.shape, dtype)
        np.copyto(converted, rows, casting="unsafe")  # From integers, too.
        return converted

    def _by_tensorflow(self, x: Array, y: Array) -> _Sums:
        """The same, as the ops of a graph."""
        xx, yy = (sum(_sums(each, each, self._arithmetic, symmetric=True)) for each in (x, y))
        xy, yx = _sums(x, y, self._arithmetic, symmetric=False)
        return xx, yy, xy, yx


def _sums(x: tf.Tensor, y: tf.Tensor, arithmetic: tf.DType, symmetric: bool) -> _Pair:
    """Sums of the kernel between all rows of x and y, for each row of x and for each row of y.

    If `symmetric`, x is y: the sums are over pairs of different rows, and each pair is in one of
    the two results.
    """
    n, m = _rows(x), _rows(y)
    width = tf.cast(tf.shape(x)[1], arithmetic)

    def kernel(rows: tf.Tensor, j: Any) -> tf.Tensor:
        product = tf.matmul(rows, tf.cast(y[j : j + _TILE], arithmetic), transpose_b=True)
        base = tf.cast(product, tf.float64) + 1.0
        return base * base * base

    def row_tile(i: Any, *sums: tf.Tensor) -> _Pair:
        rows = tf.cast(x[i : i + _TILE], arithmetic) / width
        start = 0
        if symmetric:
            values = kernel(rows, i)
            values = tf.linalg.set_diag(values, tf.zeros([tf.shape(values)[0]], tf.float64))
            sums = _added(sums[0], i, tf.reduce_sum(values, axis=1)), sums[1]
            start = i + _TILE

        def column_tile(j: Any, of_x: tf.Tensor, of_y: tf.Tensor) -> _Pair:
            values = kernel(rows, j)
            return (
                _added(of_x, i, tf.reduce_sum(values, axis=1)),
                _added(of_y, j, tf.reduce_sum(values, axis=0)),
            )

        return _loop(start, m, column_tile, sums)

    return _loop(0, n, row_tile, (tf.zeros([n], tf.float64), tf.zeros([m], tf.float64)))


def _added(sums: tf.Tensor, start: Any, values: tf.Tensor) -> tf.Tensor:
    """`sums` with `values` added from `start` on."""
    places = start + tf.range(tf.shape(values)[0])
    return tf.tensor_scatter_nd_add(sums, places[:, tf.newaxis], values)


def _loop(start: Any, stop: Any, body: Callable[..., _Pair], state: _Pair) -> _Pair:
    """Calls `body(i, *state)` for each tile, one at a time."""
    if isinstance(start, int) and isinstance(stop, int):
        if tf.executing_eagerly() or stop - start <= _TILE:
            for i in range(start, stop, _TILE):
                state = body(i, *state)
            return state
    _, *state = tf.while_loop(
        lambda i, *_: i < stop,
        lambda i, *sums: (i + _TILE, *body(i, *sums)),
        (tf.convert_to_tensor(start), *state),
        parallel_iterations=1,
    )
    return tuple(state)


def _rows(matrix: tf.Tensor) -> Any:
    return tf.shape(matrix)[0] if matrix.shape[0] is None else matrix.shape[0]
