"""From numbers of images to batches: what is shuffled is numbers, so a checkpoint stays small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

__all__ = ["decoded", "in_order", "picked", "picker", "saved_by_position", "shuffled"]

_FLIPS = 1  # They have random numbers of their own.


def shuffled(num_images: int, batch_size: int, seed: int) -> tf.data.Dataset:
    """Returns an endless stream of indices int32 [batch_size] and of coins bool [batch_size].

    A pass's order and coins are pure functions of the seed and the number of the pass. What does
    not fill a batch at the end of a pass is left out of that pass.
    """
    batches = num_images // batch_size

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        pass_seed = tf.stack([tf.constant(seed, tf.int64), number])
        order = tf.random.experimental.stateless_shuffle(tf.range(num_images), pass_seed)
        coin_seed = tf.random.experimental.stateless_fold_in(pass_seed, _FLIPS)
        coins = tf.random.stateless_uniform([batches, batch_size], coin_seed) < 0.5
        rows = tf.reshape(order[: batches * batch_size], [batches, batch_size])
        return tf.data.Dataset.from_tensor_slices((rows, coins))

    return tf.data.Dataset.counter().flat_map(one_pass)


def in_order(num_images: int, batch_size: int) -> tf.data.Dataset:
    """Returns one pass over all indices, in order; the last batch may be smaller; no coin is up."""
    indices = tf.data.Dataset.range(num_images, output_type=tf.int32).batch(batch_size)
    return indices.map(lambda i: (i, tf.zeros_like(i, tf.bool)))


def picked(rows: tf.data.Dataset, pixels: np.ndarray) -> tf.data.Dataset:
    """Returns (images, indices, coins) of (indices, coins), from pixels uint8 [N, H, W, C]."""
    pick = picker(pixels)
    # Gathering a batch at once takes half the time of gathering and batching images.
    return rows.map(lambda indices, coins: (pick(indices), indices, coins))


def decoded(
    rows: tf.data.Dataset,
    read: Callable[[int], bytes],
    prepare: Callable[[tf.Tensor], tf.Tensor],
    batch_size: int,
    drop_remainder: bool,
) -> tf.data.Dataset:
    """Returns (images, indices, coins) of (indices, coins), decoding on all cores.

    Args:
      rows: From `shuffled` or `in_order`.
      read: From an index to an encoded image.
      prepare: From an encoded image to uint8 [H, W, C], in a graph.
      batch_size: Of `rows`.
      drop_remainder: Whether all batches are full.
    """

    def image(index: tf.Tensor, coin: tf.Tensor):
        content = tf.numpy_function(lambda i: read(int(i)), [index], tf.string, stateful=False)
        return prepare(tf.ensure_shape(content, [])), index, coin

    each = rows.flat_map(lambda *row: tf.data.Dataset.from_tensor_slices(row))
    each = each.map(image, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return each.batch(batch_size, drop_remainder=drop_remainder)


def picker(examples: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function from indices [B] to those examples."""
    if tf.executing_eagerly():
        with tf.device("cpu"):
            tensor = tf.constant(examples)
        return lambda indices: tf.gather(tensor, indices)

    # A graph would hold all examples as a constant, and write them into every checkpoint's .meta.
    def pick(indices: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(examples.__getitem__, [indices], examples.dtype, stateful=False)
        return tf.ensure_shape(found, [*indices.shape, *examples.shape[1:]])

    return pick


def saved_by_position(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns a dataset whose iterator's checkpoint says where it is, without images in flight."""
    options = tf.data.Options()
    options.experimental_symbolic_checkpoint = True
    return dataset.with_options(options)
