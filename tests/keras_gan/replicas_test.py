"""`KerasGAN` under a strategy."""

import numpy as np
import pytest

from tests.keras_gan.small_gans import batches, data, gan
from tests.strategies import on_two_replicas


def train(strategy):
    """Weights after seven rounds in two fits, the history, samples, and weights from a file."""
    import os
    import tempfile

    import tensorflow as tf

    with strategy.scope():
        made = gan()
    dataset = batches(data())
    made.fit(dataset, rounds=3, verbose=0)
    history = made.fit(dataset, epochs=1, verbose=0).history
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gan.keras")
        made.save(path)
        loaded = tf.keras.models.load_model(path)
    return made.rounds, history, made.predict(3, seed=1), loaded.predict(3, seed=1)


@pytest.mark.slow
def test_two_replicas_train_together():
    rounds, history, samples, loaded = on_two_replicas(train)
    assert rounds == 7
    assert np.isfinite(history["generator_loss"]).all()
    assert samples.shape == (3, 3)
    np.testing.assert_allclose(loaded, samples, rtol=1e-5)
