"""`KerasGAN.fit` trains as `gan_train` does, and goes on where it ended."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.keras_gan.small_gans import (
    BATCH,
    COUNT,
    KINDS,
    WIDTH,
    batches,
    data,
    every_kind,
    gan,
    labels,
    network,
)
from tfgan_lite.keras_gan.data import Batches


def weights(model):
    return [np.array(w) for w in model.get_weights()]


@pytest.fixture(scope="module")
def trained():
    """Fitted once, for tests that only look."""
    made = gan(schedule=tfgan.GANTrainSteps(1, 2), generator_average=tfgan.features.WeightAverage())
    made.history_of_two_epochs = made.fit(batches(data()), epochs=2, verbose=0).history
    return made


def test_fit_is_gan_train_on_the_same_networks():
    keras_gan = gan(seed=3)
    keras_gan.fit(batches(data()), rounds=5, verbose=0)

    generator, discriminator = network([2], WIDTH), network([WIDTH], 1, seed=1)
    noise = tfgan.normal([2])
    model = tfgan.gan_model(generator, discriminator, batches(data()).repeat(), noise)
    loss = tfgan.gan_loss(
        model, tfgan.losses.modified_generator_loss, tfgan.losses.modified_discriminator_loss
    )
    sgd = tf.keras.optimizers.SGD
    tfgan.gan_train(
        tfgan.gan_train_ops(model, loss, sgd(0.05, 0.9), sgd(0.05, 0.9)),
        None,
        hooks=[tfgan.StopAtStepHook(5)],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        seed=3,
        jit_compile=False,
    )
    expected = weights(generator) + weights(discriminator)
    for mine, theirs in zip(weights(keras_gan), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("given", "size"), [(batches(data()), None), (data(), BATCH)], ids=["dataset", "array"]
)
def test_two_fits_are_one_longer_fit(given, size):
    """Weights, momentum, noise and the place in the data go on, in the midst of a pass, too."""
    twice, once = gan(), gan()
    twice.fit(given, rounds=3, batch_size=size, verbose=0)
    twice.fit(given, rounds=4, batch_size=size, verbose=0)
    once.fit(given, rounds=7, batch_size=size, verbose=0)
    for mine, theirs in zip(weights(twice), weights(once), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert twice.rounds == once.rounds == 7


@pytest.mark.slow
def test_other_data_keep_optimizers_and_counters():
    made = gan()
    made.fit(batches(data()), rounds=3, verbose=0)
    made.fit(batches(data(1)), rounds=2, verbose=0)
    assert made.rounds == 5
    assert int(made.generator_optimizer.iterations) == 5


def test_an_epoch_shows_all_data_to_the_discriminator(trained):
    passes = 2 * COUNT // BATCH
    assert trained.rounds == passes // 2  # Two batches in a round.
    assert int(trained.discriminator_optimizer.iterations) == passes


def test_history_has_the_mean_loss_of_each_epoch(trained):
    history = trained.history_of_two_epochs
    assert {"generator_loss", "discriminator_loss"} <= set(history)
    assert all(len(values) == 2 and np.isfinite(values).all() for values in history.values())


def test_arrays_are_shuffled_and_batched():
    made = gan()
    made.fit(data(), batch_size=8, epochs=3, verbose=0)
    assert made.rounds == 3 * COUNT // 8


def test_a_pass_over_arrays_shows_each_example_once_in_an_order_of_its_own():
    images, numbers = np.arange(20.0).reshape([10, 2]), np.arange(10)
    dataset = Batches({"image": images, "number": numbers}, 5, seed=0).dataset
    passes = [list(dataset) for _ in range(2)]
    orders = [np.concatenate([batch["number"] for batch in one]) for one in passes]
    for order, one in zip(orders, passes):
        assert sorted(order) == list(numbers)
        np.testing.assert_array_equal(np.concatenate([b["image"] for b in one]), images[order])
    assert (orders[0] != orders[1]).any()


def test_an_iterator_over_arrays_holds_no_copy_of_them(tmp_path):
    examples = np.random.default_rng(0).normal(size=[1000, 1000])
    iterator = iter(Batches(examples, 10, seed=0).dataset)
    next(iterator)
    tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "state"))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < examples.nbytes / 4


def test_predict_draws_as_many_samples_as_asked_for_and_repeats_them(trained):
    first, again = trained.predict(5, seed=1), trained.predict(5, seed=1)
    assert first.shape == (5, WIDTH)
    np.testing.assert_array_equal(first, again)
    assert (trained.predict(5, seed=2) != first).any()


def test_predict_uses_the_averaged_weights(trained):
    average = trained._average()
    samples = tfgan.generate(trained.gan_model, 5, seed=1, average=average)
    np.testing.assert_allclose(trained.predict(5, seed=1), samples, rtol=1e-5)
    own = tfgan.generate(trained.gan_model, 5, seed=1)
    assert (np.abs(own - samples) > 1e-4).any()


@pytest.mark.slow
def test_validation_scores_are_in_the_history():
    made = gan()
    history = made.fit(
        batches(data()),
        epochs=2,
        verbose=0,
        validation_data=data(1),
        validation_metrics=[tfgan.eval.KernelDistance()],
        validation_freq=2,
    ).history
    score = made.evaluate(data(1), [tfgan.eval.KernelDistance()])["kernel_distance"]
    assert history["val_kernel_distance"] == [pytest.approx(score)]


def test_validation_data_are_read_once():
    passes = []

    def samples():
        passes.append(1)
        yield data(1)

    spec = tf.TensorSpec([COUNT, WIDTH], tf.float32)
    gan().fit(
        batches(data()),
        rounds=3,
        steps_per_epoch=1,
        verbose=0,
        validation_data=tf.data.Dataset.from_generator(samples, output_signature=spec),
        validation_metrics=[tfgan.eval.KernelDistance()],
    )
    assert len(passes) == 1


@every_kind
def test_every_kind_trains_and_samples(kind):
    made, dataset = KINDS[kind]()
    before = weights(made)
    made.fit(dataset, rounds=1, verbose=0)
    assert all((old != new).any() for old, new in zip(before, weights(made)) if old.ndim > 1)
    given = {
        "gan": 4,
        "infogan": 4,
        "cyclegan": data()[:4],
        "stargan": (data()[:4], np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]),
    }.get(kind, np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
    assert made.predict(given, seed=0).shape == (4, WIDTH)


@pytest.mark.slow
def test_an_infogans_heads_are_distributions_of_its_codes():
    made, dataset = KINDS["infogan"]()
    made.fit(dataset, rounds=1, verbose=0)
    kinds = [type(each()).__name__ for each in made.gan_model.predicted_distributions]
    assert kinds == ["OneHotCategorical", "Normal"]


class TestBadInput:
    def test_fit_before_compile(self):
        made = tfgan.KerasGAN(network([2], WIDTH), network([WIDTH], 1), noise=2)
        with pytest.raises(RuntimeError, match="Call compile"):
            made.fit(data())

    def test_an_unknown_kind(self):
        with pytest.raises(ValueError, match="kind must be one of gan, infogan"):
            tfgan.KerasGAN(network([2], WIDTH), network([WIDTH], 1), noise=2, kind="vae")

    def test_no_noise(self):
        with pytest.raises(ValueError, match="kind='gan' needs noise"):
            tfgan.KerasGAN(network([2], WIDTH), network([WIDTH], 1))

    def test_noise_that_is_none(self):
        with pytest.raises(ValueError, match="a number or a shape"):
            tfgan.KerasGAN(network([2], WIDTH), network([WIDTH], 1), noise="normal")

    def test_one_network_for_two(self):
        with pytest.raises(ValueError, match="needs a pair"):
            tfgan.KerasGAN(network([3], 3), network([3], 1), kind="cyclegan")

    def test_unknown_losses(self):
        with pytest.raises(ValueError, match="losses must be one of"):
            gan(losses="wassertein")

    def test_an_argument_that_the_loss_does_not_have(self):
        with pytest.raises(TypeError, match="no argument gradient_penalty"):
            gan(gradient_penalty=1.0)

    def test_a_schedule_that_is_a_number(self):
        with pytest.raises(TypeError, match=r"schedule must be GANTrainSteps.*got 3"):
            gan(schedule=3)

    def test_no_examples_in_a_batch(self):
        with pytest.raises(ValueError, match="batch_size must be a positive integer, got 0"):
            gan().fit(data(), batch_size=0)

    def test_no_samples_at_once(self):
        with pytest.raises(ValueError, match="batch_size must be a positive integer, got 0"):
            gan().predict(3, batch_size=0)

    def test_arrays_of_different_lengths(self):
        with pytest.raises(ValueError, match=r"different lengths: \[3, 4\]"):
            gan().fit((data()[:3], data()[:4]))

    def test_more_examples_in_a_batch_than_there_are(self):
        with pytest.raises(ValueError, match="has 5 examples, but there are only 4"):
            gan().fit(data()[:4], batch_size=5)

    def test_a_path_in_place_of_data(self):
        with pytest.raises(ValueError, match=r"data must be .*tfgan_lite\.data\.load\('photos'\)"):
            gan().fit("photos")

    @pytest.mark.parametrize("form", ["generator", "function", "NoneType"])
    def test_data_that_are_neither_arrays_nor_a_dataset(self, form):
        def function():
            yield data()

        given = {"generator": function(), "function": function, "NoneType": None}[form]
        with pytest.raises(ValueError, match=f"got a {form}.*Dataset.from_generator"):
            gan().fit(given, steps_per_epoch=1, verbose=0)

    def test_labels_as_an_argument_of_their_own(self):
        with pytest.raises(
            ValueError, match=r"epochs .*got a ndarray: .*fit\(\(images, labels\)\)"
        ):
            gan().fit(data(), labels())

    @pytest.mark.parametrize(
        ("method", "instead"),
        [
            ("train_on_batch", "fit\\(dataset, rounds=n\\)"),
            ("test_on_batch", "evaluate"),
            ("export", "tfgan_lite.export"),
        ],
    )
    def test_methods_of_keras_that_a_gan_has_not(self, method, instead):
        with pytest.raises(NotImplementedError, match=instead):
            getattr(gan(), method)(data())

    def test_data_without_an_end(self):
        with pytest.raises(ValueError, match="Pass steps_per_epoch, or rounds"):
            gan().fit(batches(data()).repeat(), epochs=2, verbose=0)

    def test_samples_of_a_number_where_labels_are_needed(self):
        made, _ = KINDS["acgan"]()
        with pytest.raises(ValueError, match="are made of labels"):
            made.predict(3)

    def test_data_without_labels(self):
        made, _ = KINDS["acgan"]()
        with pytest.raises(ValueError, match="are pairs"):
            made.fit(batches(data()), verbose=0)
