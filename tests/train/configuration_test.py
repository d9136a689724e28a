"""A program that is not the one that wrote the checkpoint says so, difference by difference."""

import json

import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, in_world

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


def sgd(rate=0.125, **settings):
    return lambda: tf.keras.optimizers.SGD(rate, **settings)


def scaled(rate=0.125, inner=tf.keras.optimizers.SGD):
    return lambda: tf.keras.optimizers.LossScaleOptimizer(inner(rate), initial_scale=4.0)


def train(logdir, world="TF2", rounds=1, gan=None, ratio=1, **arguments):
    steps = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, ratio))
    with in_world(world):
        made = LinearGAN(**{"optimizer": sgd(), **(gan or {})})
        made.train(rounds, logdir, get_hooks_fn=steps, save_checkpoint_secs=600, **arguments)
    return made


def penalty(weight, every=1):
    return {"penalties": lambda gan: [(tfgan.losses.r1_penalty, weight, every)]}


@both_worlds
def test_another_ratio_is_told(world, tmp_path):
    train(tmp_path, world, ratio=5)
    told = 'round was "1 generator, then 5 disc.*", is "1 generator, then 3 disc.*"'
    with pytest.raises(ValueError, match=told):
        train(tmp_path, world, ratio=3)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({}, {"optimizer": sgd(0.5)}, "generator: optimizer: learning_rate was 0.125, is 0.5"),
        ({}, {"optimizer": sgd(momentum=0.9)}, "optimizer: momentum was 0.0, is 0.9"),
        ({}, {"optimizer": lambda: tf.keras.optimizers.Adam(0.125)},
         'optimizer: class was "SGD", is "Adam"'),
        ({"optimizer": scaled()}, {"optimizer": scaled(0.5)},
         "generator: optimizer: learning_rate was 0.125, is 0.5"),
        ({}, {"optimizer": scaled()}, "optimizer: wrapper is new: .*LossScaleOptimizer"),
        ({}, penalty(10.0), "discriminator: loss: r1_penalty is new"),
        (penalty(10.0), {}, "discriminator: loss: r1_penalty was .*, and is gone"),
        (penalty(10.0), penalty(1.0), "r1_penalty: weight was 10.0, is 1.0"),
        (penalty(1.0), penalty(1.0, 4), "r1_penalty: every was 1, is 4"),
    ],
)  # fmt: skip
def test_another_optimizer_or_loss_is_told(first, second, told, tmp_path):
    train(tmp_path, gan=first)
    with pytest.raises(ValueError, match=told):
        train(tmp_path, gan=second)


def test_another_seed_is_told(tmp_path):
    train(tmp_path, seed=1)
    with pytest.raises(ValueError, match="seed was 1, is 2"):
        train(tmp_path, seed=2)


def test_other_shapes_are_told(tmp_path):
    def train_width(width):
        dense = tf.keras.layers.Dense
        networks = [
            tf.keras.Sequential([tf.keras.Input([1]), dense(units), dense(1)])
            for units in (width, 2)
        ]
        made = LinearGAN()
        model = tfgan.gan_model(*networks, made.model.real_data, made.model.generator_inputs)
        ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), sgd()(), sgd()())
        stop = [tfgan.StopAtStepHook(num_steps=1)]
        tfgan.gan_train(ops, str(tmp_path), hooks=stop, save_summaries_steps=None)

    train_width(3)
    told = r"generator: variables: 0 was \"float32 \[1, 3\]\", is \"float32 \[1, 4\]\""
    with pytest.raises(ValueError, match=told):
        train_width(4)


def test_every_difference_is_listed(tmp_path):
    train(tmp_path)
    with pytest.raises(ValueError) as raised:
        train(tmp_path, gan={"optimizer": sgd(0.5)}, ratio=2, seed=3)
    told = str(raised.value)
    for place in ("round", "seed", "generator: optimizer", "discriminator: optimizer"):
        assert f"\n  {place}" in told
    assert "allow_changes=True" in told


def test_an_error_changes_nothing_in_the_logdir(tmp_path):
    train(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError):
        train(tmp_path, ratio=2)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_changes_may_be_allowed_and_are_then_what_the_run_is_configured_with(tmp_path):
    train(tmp_path, rounds=3)
    gan = train(tmp_path, ratio=2, allow_changes=True)
    assert int(gan.train_ops.global_step_inc_op.counters.global_step.numpy()) == 4
    train(tmp_path, ratio=2)


@both_worlds
def test_a_run_that_ends_before_it_saves_leaves_the_configuration_of_the_checkpoint(
    world, tmp_path
):
    class Failing(tfgan.TrainingHook):
        def begin(self):
            raise RuntimeError("at the beginning")

    train(tmp_path, world)
    before = (tmp_path / "configuration.json").read_bytes()
    with pytest.raises(RuntimeError, match="at the beginning"):
        train(tmp_path, world, ratio=2, allow_changes=True, hooks=[Failing()])
    assert (tmp_path / "configuration.json").read_bytes() == before


@pytest.mark.parametrize("made_with", [sgd, scaled], ids=["plain", "behind a loss scale"])
def test_a_learning_rate_that_is_allowed_to_change_does_change(made_with, tmp_path):
    """The checkpoint holds the old one."""
    train(tmp_path, gan={"optimizer": made_with()})
    gan = train(tmp_path, gan={"optimizer": made_with(0.5)}, allow_changes=True)
    assert [float(each.learning_rate) for each in gan.optimizers] == [0.5, 0.5]


def adam():
    return tf.keras.optimizers.Adam(0.125)


@pytest.mark.parametrize(
    ("first", "second"),
    [(sgd(), adam), (scaled(), scaled(inner=tf.keras.optimizers.Adam)), (scaled(), sgd())],
    ids=["another class", "another class behind a loss scale", "no loss scale any more"],
)
def test_another_optimizer_that_is_allowed_starts_anew_and_the_networks_go_on(
    first, second, tmp_path
):
    before = train(tmp_path, rounds=3, gan={"optimizer": first})
    nothing = {"get_hooks_fn": lambda ops: []}
    gan = LinearGAN(optimizer=second)
    gan.train(1, tmp_path, save_checkpoint_secs=600, allow_changes=True, **nothing)
    for name, weight in gan.weights.items():
        assert weight.numpy() == before.weights[name].numpy()
    assert [int(each.iterations.numpy()) for each in gan.optimizers] == [0, 0]


@pytest.mark.parametrize("content", ["", "[1, 2]", "{" * 100, "[" * 100_000])
def test_a_file_that_is_no_configuration_is_told(content, tmp_path):
    train(tmp_path)
    (tmp_path / "configuration.json").write_text(content)
    with pytest.raises(ValueError, match="Cannot read .*configuration.json"):
        train(tmp_path)


def test_the_file_is_plain_json(tmp_path):
    train(tmp_path, gan=penalty(10.0))
    with open(tmp_path / "configuration.json", encoding="utf-8") as file:
        saved = json.load(file)
    assert saved["round"] == "1 generator, then 1 discriminator"
    assert saved["discriminator"]["loss"]["r1_penalty"]["weight"] == 10.0
    assert saved["generator"]["optimizer"]["learning_rate"] == 0.125
