"""How `jit_compile="auto"` decides, and what XLA needs."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.convolutional_gan import train_convolutional_gan
from tests.train.linear_gan import LinearGAN, dataset, noise_of, real_of
from tfgan_lite.train import jit_choice
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.ops import update_of


def weights_of(gan):
    return {name: float(weight.numpy()) for name, weight in gan.weights.items()}


class Clock:
    """Trials are told how long they took, those of one comparison after those of another.

    Making a trial takes two measurements; then all are measured in turn, twice where they differ
    clearly, else five times. The first of a second comparison is the winner of the first, and made
    already.
    """

    def __init__(self, first, second=(), turns=2):
        self._measured = [*np.repeat(first, 2), *np.tile(first, turns)]
        self._measured += [*np.repeat(second[1:], 2), *np.tile(second, 2)]
        self._now, self._looks = 0.0, 0

    def __call__(self):
        measurement, is_end = divmod(self._looks, 2)
        self._looks += 1
        self._now += self._measured[measurement] if is_end else 0.0
        return self._now


def train(choice, rounds=1, gan=None, **arguments):
    """Trains in a session whose compilation is chosen by the test's own JitChoice."""
    gan = gan or LinearGAN()
    session = tfgan.Session(gan.train_ops.global_step_inc_op.counters, jit=choice)
    gan.train(rounds, session=session, jit_compile=choice.jit_compile, **arguments)
    return gan


@pytest.mark.parametrize("faster", [False, True])
def test_auto_chooses_xla_where_it_is_the_faster(faster):
    without_xla, with_it = 1.5, 1.0 if faster else 2.0
    choice = JitChoice("auto", clock=Clock([without_xla, with_it]))
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 0))
    train(choice, get_hooks_fn=steps)
    assert choice.decisions["generator"]["jit_compile"] is faster


def test_auto_takes_xla_for_small_networks_unless_it_is_clearly_the_slower():
    """A round gains by being one program, which a sub-step alone does not show."""
    choice = JitChoice("auto", clock=Clock([1.5, 1.6], turns=5))
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 0))
    train(choice, get_hooks_fn=steps)
    assert choice.decisions["generator"]["jit_compile"]


@pytest.mark.parametrize("faster", [False, True])
def test_auto_takes_several_rounds_in_a_program_where_that_is_faster(faster):
    # Of 1, 1 and 8 sub-steps, which is what a launch of the trials has.
    without_xla, a_round, eight_rounds = 0.3, 0.2, 8 * (0.1 if faster else 0.25)
    choice = JitChoice("auto", Clock([without_xla, eight_rounds], [eight_rounds, a_round]))
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 0))
    endless = {"real": dataset(real_of).repeat(), "noise": dataset(noise_of).repeat()}
    train(choice, gan=LinearGAN(**endless), get_hooks_fn=steps)
    assert choice.decisions["generator"]["many_rounds"] is faster


@pytest.mark.parametrize("faster", [False, True])
def test_auto_takes_one_pass_over_real_and_generated_data_where_that_is_faster(faster):
    two_passes = [2.0, 1.0] if faster else [1.0, 2.0]
    choice = JitChoice("auto", clock=Clock([1.0, 2.0], two_passes))
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(0, 1))
    train(choice, get_hooks_fn=steps)
    assert choice.decisions["discriminator"]["one_pass"] is faster


class ToldTrial:
    """A trial that is told how long it took: XLA takes twice the time."""

    made = []
    with_xla = 2.0
    warm_up = 0.0

    def __init__(self, step, clock, expected):
        self.best = self.with_xla if step.jit_compile else 1.0
        self.made.append((step.updates[0].name, step.jit_compile, step.one_pass))

    def seconds(self):
        return self.best


def test_convolutions_that_xla_made_slow_in_one_sub_step_are_not_compiled_in_another(monkeypatch):
    """Compiling takes seconds, and a sub-step of the like would lose, too."""
    monkeypatch.setattr(ToldTrial, "made", [])
    monkeypatch.setattr(jit_choice, "Trial", ToldTrial)
    train_convolutional_gan(1, jit_compile="auto")
    with_xla = [name for name, jit_compile, _ in ToldTrial.made if jit_compile]
    assert with_xla == ["generator"]


@pytest.mark.parametrize("soon", [False, True])
def test_what_takes_long_to_compile_is_compiled_in_one_way_only(soon, monkeypatch):
    """Recurrent networks take XLA tens of seconds, and another way gains a tenth at most."""
    monkeypatch.setattr(ToldTrial, "made", [])
    monkeypatch.setattr(ToldTrial, "with_xla", 0.5)
    monkeypatch.setattr(ToldTrial, "warm_up", 1.0 if soon else 20.0)
    monkeypatch.setattr(jit_choice, "Trial", ToldTrial)
    endless = {"real": dataset(real_of).repeat(), "noise": dataset(noise_of).repeat()}
    LinearGAN(**endless).train(1, jit_compile="auto")
    ways = [name for name, jit_compile, _ in ToldTrial.made if jit_compile]
    assert ways.count("generator") == (2 if soon else 1)


@pytest.mark.parametrize("xla_is_faster", [False, True])
def test_one_pass_is_not_tried_in_a_round_that_is_one_program_of_xlas(xla_is_faster, monkeypatch):
    monkeypatch.setattr(ToldTrial, "made", [])
    monkeypatch.setattr(ToldTrial, "with_xla", 0.5 if xla_is_faster else 2.0)
    monkeypatch.setattr(jit_choice, "Trial", ToldTrial)
    LinearGAN().train(1, jit_compile="auto")
    in_one_pass = [name for name, _, one_pass in ToldTrial.made if one_pass]
    assert in_one_pass == ([] if xla_is_faster else ["discriminator"])


def test_a_second_call_on_the_same_train_ops_measures_nothing(monkeypatch):
    monkeypatch.setattr(ToldTrial, "made", [])
    monkeypatch.setattr(jit_choice, "Trial", ToldTrial)
    gan = LinearGAN()
    gan.train(1, jit_compile="auto")
    tried = len(ToldTrial.made)
    gan.train(1, jit_compile="auto")
    assert len(ToldTrial.made) == tried > 0


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("schedule", ["sequential", "joint"])
def test_one_pass_trains_as_two_do(jit_compile, schedule):
    names = ["generator", "discriminator", "generator + discriminator"]
    weights = []
    for one_pass in (False, True):
        choice = JitChoice("auto")
        how = {"jit_compile": jit_compile, "one_pass": one_pass}
        choice.decisions = dict.fromkeys(names, how)
        hooks = getattr(tfgan, f"get_{schedule}_train_hooks")(tfgan.GANTrainSteps(2, 3))
        weights.append(weights_of(train(choice, 3, get_hooks_fn=hooks)))
    assert weights[1] == pytest.approx(weights[0], rel=1e-5)


@pytest.mark.slow
def test_measuring_that_diverges_is_no_error():
    """So many updates on a made-up batch may, though training does not."""
    dense, made = tf.keras.layers.Dense, LinearGAN()
    networks = [tf.keras.Sequential([tf.keras.Input([1]), dense(2), dense(1)]) for _ in range(2)]
    model = tfgan.gan_model(*networks, made.model.real_data, made.model.generator_inputs)
    optimizers = [tf.keras.optimizers.SGD(1.0) for _ in range(2)]  # Products of weights explode.
    train_ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers)
    stop = [tfgan.StopAtStepHook(num_steps=1)]
    nowhere = {"logdir": None, "save_checkpoint_secs": None, "save_summaries_steps": None}
    assert tfgan.gan_train(train_ops, hooks=stop, **nowhere) == 1


@pytest.mark.slow
def test_auto_measures_networks_of_several_inputs():
    dense = tf.keras.layers.Dense(2)
    noise = (tfgan.normal([3]), tfgan.normal([4]))
    data = tf.data.Dataset.from_tensors(tf.ones([8, 2])).repeat()
    critic = tf.keras.Sequential([tf.keras.Input([2]), tf.keras.layers.Dense(1)])
    model = tfgan.gan_model(lambda given: dense(tf.concat(given, 1)), critic, data, noise)
    optimizers = [tf.keras.optimizers.SGD(0.1) for _ in range(2)]
    train_ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers)
    stop = [tfgan.StopAtStepHook(num_steps=1)]
    nowhere = {"logdir": None, "save_checkpoint_secs": None, "save_summaries_steps": None}
    assert tfgan.gan_train(train_ops, hooks=stop, jit_compile="auto", **nowhere) == 1


def test_auto_leaves_no_trace_in_the_run():
    """It measures on the networks themselves, and puts every variable back."""
    measured, told = JitChoice("auto"), JitChoice("auto")
    results = []
    for choice in (measured, told):
        gan = LinearGAN(optimizer=lambda: tf.keras.optimizers.Adam(0.1), transform_grads_fn=None)
        train(choice, 3, gan, get_hooks_fn=tfgan.get_joint_train_hooks())
        told.decisions = measured.decisions
        counters = update_of(gan.train_ops.generator_train_op).counters
        slots = [v for optimizer in gan.optimizers for v in optimizer.variables]
        results.append([v.numpy() for v in (*gan.weights.values(), *slots, *counters.variables)])
    tf.nest.map_structure(np.testing.assert_array_equal, *results)


def test_xla_needs_static_shapes():
    numbers = np.zeros([8, 1], np.float32)
    real = tf.data.Dataset.from_tensor_slices(numbers).batch(4)
    with pytest.raises(ValueError, match="jit_compile=True needs static shapes.*drop_remainder"):
        LinearGAN(real=real).train(1, jit_compile=True)


@pytest.mark.parametrize("jit_compile", ["yes", None, 2])
def test_jit_compile_is_one_of_three(jit_compile):
    with pytest.raises(ValueError, match="jit_compile must be True, False"):
        LinearGAN().train(1, jit_compile=jit_compile)
