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
    """Whatever happens to the variables inside, they are then as before."""
    # On disk, and large ones one by one, so that measuring does not raise the run's peak of memory.
    with tempfile.TemporaryDirectory() as folder:
        unique = list({id(v): v for v in variables}.values())
        large = [v for v in unique if v.shape.num_elements() * v.dtype.size > _LARGE]
        small = [v for v in unique if not any(v is each for each in large)]
        states = [tf.train.Checkpoint(variables=each) for each in (small, *([v] for v in large))]
        paths = [s.write(os.path.join(folder, str(i))) for i, s in enumerate(states)]
        try:
            yield
        finally:
            for state, path in zip(states, paths):
                state.read(path)
