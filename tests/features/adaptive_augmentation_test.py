"""ADA's probability follows what the discriminator says of real data."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.strategies import on_two_replicas
from tests.train.linear_gan import in_world
from tfgan_lite.features import AdaptiveAugment

BATCH = 8
both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


class Always(tf.Module):
    """Says the same number of every image."""

    def __init__(self, logit):
        super().__init__(name="always")
        self.logit = tf.Variable(float(logit), name="logit")

    def __call__(self, data):
        return self.logit + 0.0 * tf.reduce_mean(data, axis=[1, 2, 3])


class Program:
    """A GAN with ADA whose networks never learn; the discriminator says `logit`."""

    def __init__(self, logit, wrap=None, batch=BATCH, **options):
        cheap = {"adjustment_images": 1000, "interval": 2, "operations": ["brightness"]}
        options = {**cheap, **options}
        discriminator = Always(logit)
        if wrap is not None:
            discriminator = wrap(discriminator)
        self.ada = AdaptiveAugment(discriminator, **options)
        level = tf.Variable(0.5, name="level")
        data = tf.data.Dataset.from_tensors(tf.ones([batch, 4, 4, 1])).repeat()
        self.model = tfgan.gan_model(lambda noise: level * noise, self.ada, data, data)
        self.loss = tfgan.gan_loss(
            self.model,
            tfgan.losses.modified_generator_loss,
            self.ada.observing(tfgan.losses.modified_discriminator_loss),
        )
        optimizers = [tf.keras.optimizers.SGD(0.0) for _ in range(2)]
        self.ops = tfgan.gan_train_ops(self.model, self.loss, *optimizers)

    def train(self, rounds, logdir=None, steps=(1, 1), **options):
        """The probability after so many rounds."""
        final = tfgan.FinalOpsHook(self.ada.probability)
        tfgan.gan_train(
            self.ops,
            logdir,
            tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(*steps)),
            hooks=[tfgan.StopAtStepHook(num_steps=rounds), final],
            **{
                "save_checkpoint_secs": None,
                "save_summaries_steps": None,
                "jit_compile": False,
                **options,
            },
        )
        return float(final.final_ops_values)


def probability(world, logit, rounds, steps=(1, 1), jit_compile=False, **options):
    with in_world(world):
        return Program(logit, **options).train(rounds, steps=steps, jit_compile=jit_compile)


@pytest.mark.slow
@both_worlds
@pytest.mark.parametrize(("logit", "direction"), [(5.0, 1), (-5.0, -1), (0.0, -1)])
def test_probability_moves_at_the_stated_speed(world, logit, direction):
    """In 5 updates there are 2 adjustments, by 2 batches of 8 in 1000 images each."""
    after = probability(world, logit, rounds=5, initial_probability=0.5)
    np.testing.assert_allclose(after, 0.5 + direction * 2 * (2 * BATCH / 1000), rtol=1e-6)


@pytest.mark.parametrize(("logit", "bound"), [(5.0, 1.0), (-5.0, 0.0)])
def test_probability_stays_between_0_and_1(logit, bound):
    assert probability("TF2", logit, 3, adjustment_images=10, initial_probability=0.5) == bound


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [True, "auto"])
def test_probability_moves_under_xla_and_not_by_measuring_xla(jit_compile):
    after = probability("TF2", 5.0, rounds=4, jit_compile=jit_compile)
    assert after == pytest.approx(4 * BATCH / 1000)


@pytest.mark.slow
@both_worlds
def test_only_the_discriminators_updates_count(world):
    after = probability(world, 5.0, rounds=2, steps=(5, 2))
    assert after == pytest.approx(2 * 2 * BATCH / 1000)
    assert probability(world, 5.0, rounds=4, steps=(1, 0)) == 0.0


def test_a_function_as_discriminator_has_the_controllers_state():
    """Its state is found by use, as a function's variables are."""

    def wrap(module):
        return lambda data: module(data)

    assert probability("TF2", 5.0, rounds=4, wrap=wrap) == pytest.approx(4 * BATCH / 1000)
    network = Program(5.0, wrap=wrap).model.discriminator_fn
    assert {v.name for v in network.variables} >= {"augment_probability:0", "augment_observed:0"}


def test_two_losses_that_observe_one_run_count_it_once():
    program = Program(5.0)
    observing = program.ada.observing(tfgan.losses.least_squares_discriminator_loss)
    other = tfgan.gan_loss(program.model, discriminator_loss_fn=observing).discriminator_loss
    session = tfgan.Session(program.ops.global_step_inc_op.counters)
    for _ in range(4):
        session.run([program.ops.discriminator_train_op, other])
    assert program.ada.probability.numpy() == pytest.approx(4 * BATCH / 1000)


@both_worlds
def test_looking_at_the_loss_does_not_count(world):
    with in_world(world):
        program = Program(5.0)
        if world == "graph":
            session = tf.compat.v1.train.SingularMonitoredSession()
        else:
            session = tfgan.Session(program.ops.global_step_inc_op.counters)
        for _ in range(6):
            session.run(program.loss)
        assert session.run(program.ada.variables[-1]).tolist() == [0, 0, 0]


@pytest.mark.slow
@both_worlds
def test_the_target_divides_rising_from_falling(world):
    """Three of four logits are positive: r is 0.5."""

    class Mostly(tf.Module):
        def __init__(self, unused):
            super().__init__(name="mostly")
            self.scale = tf.Variable(1.0)

        def __call__(self, data):
            zero = 0.0 * tf.reduce_mean(data, axis=[1, 2, 3])
            return self.scale * tf.constant([1.0, 2.0, 3.0, -9.0]) + zero

    options = {"wrap": Mostly, "batch": 4, "initial_probability": 0.5}
    assert probability(world, 0.0, rounds=2, target=0.45, **options) > 0.5
    assert probability(world, 0.0, rounds=2, target=0.55, **options) < 0.5


@pytest.mark.slow
@both_worlds
def test_resumed_training_keeps_the_probability_and_what_was_observed(world, tmp_path):
    def train(rounds):
        with in_world(world):
            return Program(5.0, interval=4).train(rounds, str(tmp_path), save_checkpoint_secs=600)

    assert train(5) == pytest.approx(4 * BATCH / 1000)
    assert train(3) == pytest.approx(8 * BATCH / 1000)  # With the one observed before.


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_images_are_augmented_with_the_probability_as_it_is(value):
    ada = AdaptiveAugment(lambda images: images, operations=["brightness"])
    ada.probability.assign(value)
    seen = ada(tf.zeros([1000, 4, 4, 1]), training=True)
    np.testing.assert_array_equal(np.not_equal(seen, 0.0), value == 1.0)


def test_a_loss_that_is_observed_has_its_value_and_its_keywords():
    plain = tfgan.losses.modified_discriminator_loss
    program = Program(0.25)
    observed = program.ada.observing(plain)
    for options in ({}, {"label_smoothing": 0.0}):
        expected = plain(program.model, **options)().numpy()
        assert observed(program.model, **options)().numpy() == expected
    assert observed.__name__ == plain.__name__


def test_logits_that_are_not_numbers_leave_the_controller_whole():
    ada = AdaptiveAugment(Always(1.0), interval=1, adjustment_images=1000)

    @tf.function
    def step(logits):
        model = tfgan.GANModel(*[None] * 6, logits, *[None] * 4)
        return ada.observing(lambda m: 0.0)(model)

    step(tf.constant([np.nan, 1.0, 1.0, 1.0]))
    np.testing.assert_allclose(ada.probability, 4 / 1000)  # r is 3 / 4.


def test_two_replicas_observe_the_global_batch():
    for probability in on_two_replicas(probabilities_after_a_step):
        np.testing.assert_allclose(probability, 8 / 1000)  # r is 1 in one, 0 in the other: 0.5.


def probabilities_after_a_step(strategy):
    """Each replica's."""
    with strategy.scope():
        ada = AdaptiveAugment(Always(1.0), interval=1, adjustment_images=1000, target=0.45)

    @tf.function
    def step():
        def on_replica():
            first = tf.distribute.get_replica_context().replica_id_in_sync_group == 0
            logits = tf.where(first, [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, -1.0, -1.0])
            model = tfgan.GANModel(*[None] * 6, logits, *[None] * 4)
            return ada.observing(lambda m: tf.zeros([]))(model)

        strategy.run(on_replica)

    step()
    return [copy.numpy() for copy in strategy.experimental_local_results(ada.probability)]


# Bad input


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target", 1.0),
        ("adjustment_images", 0),
        ("interval", 0),
        ("interval", 1.5),
        ("interval", 4.0),
        ("interval", float("inf")),
        ("initial_probability", -0.1),
        ("initial_probability", True),
        ("operations", ["hue"]),
        ("operations", "flip"),
    ],
)
def test_a_bad_argument_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        AdaptiveAugment(Always(1.0), **{name: value})
