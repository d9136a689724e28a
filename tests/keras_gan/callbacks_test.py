"""When Keras's callbacks are called, and what they can do."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.keras_gan.small_gans import batches, data, gan


class Recorder(tf.keras.callbacks.Callback):
    """Writes down what is called."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begin")

    def on_test_begin(self, logs=None):
        self.calls.append("test begin")

    def on_test_end(self, logs=None):
        self.calls.append("test end")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} end")

    def on_train_end(self, logs=None):
        self.calls.append("train end")


class BatchRecorder(Recorder):
    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch {batch} begin")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"batch {batch} end")


def test_the_order_is_keras_s():
    def calls(model, *args, **arguments):
        recorder = BatchRecorder()
        model.fit(*args, epochs=3, steps_per_epoch=2, callbacks=[recorder], verbose=0, **arguments)
        return [call for call in recorder.calls if not call.startswith("test")]

    keras_model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    keras_model.compile("sgd", "mse")
    numbers = batches(data()).map(lambda x: (x, x[:, :1])).repeat()
    assert calls(gan(), batches(data()), initial_epoch=1) == calls(
        keras_model, numbers, initial_epoch=1
    )


@pytest.mark.slow
def test_validation_comes_before_the_end_of_its_epoch():
    recorder = Recorder()
    gan().fit(
        batches(data()),
        callbacks=[recorder],
        verbose=0,
        validation_data=data(1),
        validation_metrics=[tfgan.eval.KernelDistance()],
    )
    expected = "train begin, epoch 0 begin, test begin, test end, epoch 0 end, train end"
    assert ", ".join(recorder.calls) == expected


def test_epochs_end_at_their_rounds_and_the_last_may_be_shorter():
    made, rounds = gan(), []
    look = tf.keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rounds.append(made.rounds)
    )
    made.fit(batches(data()), rounds=7, steps_per_epoch=3, callbacks=[look], verbose=0)
    assert rounds == [3, 6, 7]


def test_early_stopping_ends_training_and_restores_the_best_weights():
    made = gan()
    stopping = tf.keras.callbacks.EarlyStopping(
        "generator_loss", mode="max", min_delta=1e9, patience=2, restore_best_weights=True
    )
    seen = []
    remember = tf.keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(made.get_weights())
    )
    history = made.fit(batches(data()), epochs=9, callbacks=[remember, stopping], verbose=0)
    assert history.epoch == [0, 1, 2]  # Nothing is better by 1e9 than the first epoch.
    for mine, best in zip(made.get_weights(), seen[0], strict=True):
        np.testing.assert_array_equal(mine, best)


def test_stop_training_in_the_midst_of_an_epoch_ends_it():
    class Stop(BatchRecorder):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.model.stop_training = batch == 1

    stop, made = Stop(), gan()
    made.fit(batches(data()), epochs=2, callbacks=[stop], verbose=0)
    assert stop.calls[-3:] == ["batch 1 end", "epoch 0 end", "train end"]
    assert made.rounds == 2


@pytest.mark.parametrize("name", ["LearningRateScheduler", "ReduceLROnPlateau"])
def test_a_callback_that_needs_one_optimizer_is_refused_before_training(name):
    argument = {"LearningRateScheduler": lambda epoch: 0.1, "ReduceLROnPlateau": "generator_loss"}
    made, callback = gan(), getattr(tf.keras.callbacks, name)(argument[name])
    with pytest.raises(ValueError, match=f"{name} sets .* a GAN has two"):
        made.fit(batches(data()), callbacks=[callback], verbose=0)
    assert made.rounds == 0


@pytest.mark.slow
def test_logs_are_means_over_the_epoch_so_far():
    made, each, means = gan(), [], []
    take = tf.keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: means.append(logs["generator_loss"])
    )

    class Hear(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            each.append(batch)

    made.fit(batches(data()), epochs=1, callbacks=[take, Hear()], verbose=0)
    alone = gan()
    losses = [
        alone.fit(dataset, rounds=1, verbose=0).history["generator_loss"][0]
        for dataset in [batches(data())]
        for _ in range(4)
    ]
    expected = [np.mean(losses[: i + 1]) for i in range(4)]
    assert each == [0, 1, 2, 3]
    np.testing.assert_allclose(means, expected, rtol=1e-5)


@pytest.mark.parametrize("verbose", [1, 2])
def test_progress_is_printed(verbose, capsys):
    gan().fit(batches(data()), epochs=2, verbose=verbose)
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed
    assert "4/4" in printed
    assert "generator_loss" in printed


@pytest.mark.slow
def test_keras_s_own_callbacks_write_what_they_write(tmp_path):
    callbacks = [
        tf.keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        tf.keras.callbacks.TensorBoard(tmp_path / "board"),
        tf.keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        tf.keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
    ]
    made = gan()
    made.fit(batches(data()), epochs=2, callbacks=callbacks, verbose=0)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert list((tmp_path / "board").rglob("events*"))
    assert (tmp_path / "1.keras").exists()
    loaded = tf.keras.models.load_model(tmp_path / "2.keras")
    np.testing.assert_array_equal(loaded.get_weights()[0], made.get_weights()[0])
    other = gan()
    other.load_weights(tmp_path / "2.weights.h5")
    np.testing.assert_array_equal(other.get_weights()[0], made.get_weights()[0])


def test_fewer_rounds_than_an_epoch_has_are_told_to_callbacks():
    look = tf.keras.callbacks.Callback()
    gan().fit(batches(data()), rounds=2, steps_per_epoch=3, callbacks=[look], verbose=0)
    assert look.params["steps"] == 2
