"""The end of passes over datasets, which nobody waits for."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import tensorflow as tf

__all__ = ["end_passes"]

_SECONDS = 0.2  # To wait for the end, which mostly comes at once.


def end_passes(iterators: dict[Any, Any]) -> None:
    """Ends the passes of iterators that nobody needs any more.

    TensorFlow's thread that tunes a pipeline may miss that the pass has ended, and then looks again
    only up to a minute later. Whoever drops the last reference to the iterator waits for it; in
    Python, with the interpreter locked. So another thread does, in an operation of TensorFlow,
    where it holds no lock.

    Args:
      iterators: the iterators by anything; it is empty afterwards.
    """
    handles = tf.nest.flatten([*iterators.values()], expand_composites=True)
    if not handles:
        return
    with tf.device("CPU:0"):
        queue = tf.queue.FIFOQueue(len(handles), [tf.resource])
        for handle in handles:
            queue.enqueue([handle])
    left = [weakref.ref(iterator) for iterator in iterators.values()]
    iterators.clear()
    del handle, handles
    if any(iterator() is not None for iterator in left):
        gc.collect()  # A checkpoint, which refers to itself, has saved their positions.
    # At the end of a program nobody waits for it either.
    # The thread has Python's queue, too, with which TensorFlow's would end.
    count = queue.size()
    thread = threading.Thread(target=lambda: _forget(queue.queue_ref, count), daemon=True)
    thread.start()
    thread.join(_SECONDS)


@tf.function(autograph=False)
def _forget(queue: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Takes what is in a queue out of it, and lets go of it."""

    def forget_one(left: tf.Tensor) -> tf.Tensor:
        tf.raw_ops.QueueDequeueV2(handle=queue, component_types=[tf.resource])
        return left - 1

    return tf.while_loop(lambda left: left > 0, forget_one, [count])
