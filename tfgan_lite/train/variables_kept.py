"""Variables that are as before, whatever was tried out with them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence

import tensorflow as tf

__all__ = ["variables_kept"]

_LARGE = 4 << 20  # Bytes of a variable.


@contextlib.contextmanager
def variables_kept(variables: Sequence[tf.Variable]) -> Iterator[None]:
    """Restores the variables on exit, whatever happened to them inside."""
    # On disk, and large ones one by one, so that measuring does not raise the run's peak of memory.
    with tempfile.TemporaryDirectory() as folder:
        unique = {id(v): v for v in variables}.values()
        small = [v for v in unique if not _is_large(v)]
        parts = [small, *([v] for v in unique if _is_large(v))]
        states = [tf.train.Checkpoint(variables=part) for part in parts]
        paths = [s.write(os.path.join(folder, str(i))) for i, s in enumerate(states)]
        try:
            yield
        finally:
            for state, path in zip(states, paths):
                state.read(path)


def _is_large(variable: tf.Variable) -> bool:
    return variable.shape.num_elements() * variable.dtype.size > _LARGE
