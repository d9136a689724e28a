"""The hooks that docs/hooks.md shows act at the rounds that they promise."""

import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, real_of, same_batch, simulate

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "hooks.md"


def hook_of_the_page(name, **names):
    """The hook of this name, as a reader copies it into a program with these names."""
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (program,) = (program for program in programs if f"class {name}(" in program)
    definition, *_ = program.split("\n\n\n")
    names["tfgan"] = tfgan
    exec(definition, names)
    return names[name]()


@pytest.mark.parametrize(
    ("name", "rounds"), [("LossPrinter", range(100, 1101, 100)), ("Samples", (500, 1000))]
)
def test_a_hook_acts_at_multiples_of_its_period_whatever_else_is_due(name, rounds, capsys):
    gan = LinearGAN(
        real=same_batch(real_of),
        noise=tfgan.normal([1]),
        optimizer=lambda: tf.keras.optimizers.SGD(0.0),
    )
    others = [tfgan.LossLoggingHook(30, log=lambda line: None)]
    gan.train(1100, hooks=[hook_of_the_page(name, model=gan.model), *others])
    acted = re.findall(r"(?m)^(?:round )?(\d+)", capsys.readouterr().out)
    assert acted == [str(number) for number in rounds]


def test_the_hook_that_stops_by_a_loss_does_so_in_the_first_such_round():
    losses = np.array(simulate(["G", "D"] * 50).losses["discriminator_loss"])
    (sure,) = np.flatnonzero(losses < 0.05)[:1]
    assert LinearGAN().train(hooks=[hook_of_the_page("StopWhenSure")]) == sure + 1
