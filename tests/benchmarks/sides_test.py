"""Every side trains what a case says, with what belongs together."""

import contextlib
import sys

import numpy as np
import pytest

from benchmarks.cases import Case, images, labels, make_dataset, make_networks
from benchmarks.handwritten import FusedLoop, PlainLoop
from benchmarks.keras_fit import KerasFit
from benchmarks.library import Library
from benchmarks.metrics_peers import Peers
from benchmarks.process import ROOT, ProcessSide
from benchmarks.tfgan import TFGANProcess
from benchmarks.updates import Draws

SIDES = {
    "lite": lambda case: Library(case, jit_compile=False),
    "lite_joint": lambda case: Library(case, jit_compile=False, joint=True),
    "lite_bfloat16": lambda case: Library(case, jit_compile=False, dtype_policy="mixed_bfloat16"),
    "lite_graph": lambda case: Library(case, in_graph=True),
    "fused": lambda case: FusedLoop(case, jit_compile=False),
    "fused_joint": lambda case: FusedLoop(case, jit_compile=False, joint=True),
    "plain": PlainLoop,
    "keras": lambda case: KerasFit(case, jit_compile=False),
}


@pytest.mark.parametrize("kind", ["conditional", "wgan-gp"])
@pytest.mark.parametrize("side", SIDES)
def test_it_trains(side, kind):
    made = SIDES[side](Case("dense", 4, (1, 2), kind))
    assert made.run(3) > 0.0
    made.close()


@pytest.mark.parametrize("sub_step", ["generator", "discriminator"])
def test_a_conditional_sub_step_draws_labels_of_a_batch(sub_step):
    case = Case("dense", 4, kind="conditional")
    batch = next(iter(make_dataset(case)))
    (_, told), *_ = getattr(Draws(case, lambda: batch), sub_step)()
    assert told is batch[1]


def test_labels_stay_with_their_images():
    batch, told = next(iter(make_dataset(Case("dense", 4, kind="conditional"))))
    places = [int(np.flatnonzero((images() == image).all((1, 2, 3)))[0]) for image in batch.numpy()]
    np.testing.assert_array_equal(told, labels()[places])


@pytest.mark.parametrize("nets", ["dense", "dcgan"])
def test_bfloat16_is_for_all_layers_with_weights_but_the_last(nets):
    for network in make_networks(Case(nets, 4), "mixed_bfloat16")[:2]:
        *others, last = (layer.compute_dtype for layer in network.layers if layer.weights)
        assert set(others) == {"bfloat16"}
        assert last == "float32"


def test_convolutions_have_no_conditional_case():
    with pytest.raises(ValueError, match="Only dense nets are conditional, not 'dcgan'"):
        Case("dcgan", 4, kind="conditional")


def test_a_side_with_nets_of_one_width_refuses_others():
    with pytest.raises(ValueError, match="width 1 alone, not 2"):
        TFGANProcess(Case("dense", 32, width=2))


@pytest.mark.parametrize(
    ("printed", "names"), [("", []), ("one,two", ["one", "two"]), ("$PWD", [str(ROOT)])]
)
def test_the_process_of_peers_runs_at_the_root_and_names_those_that_are_installed(
    printed, names, tmp_path
):
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\necho "{printed}"\n')
    interpreter.chmod(0o755)
    with contextlib.closing(Peers(str(interpreter), np.zeros([1, 1]), np.zeros([1, 1]))) as peers:
        assert peers.names == names


@pytest.mark.slow
@pytest.mark.parametrize("devices", ["1", "2"])
def test_a_process_trains_on_logical_devices(devices):
    command = [sys.executable, "-m", "benchmarks.scaling", "dense", "8", "1", devices]
    side = ProcessSide(command)
    assert side.run(2) > 0.0
    side.close()


def test_a_process_that_ends_tells_how_to_see_why():
    side = ProcessSide([sys.executable, "-c", ""])
    with pytest.raises(RuntimeError, match="To see why, give a number of rounds to: echo 10"):
        side.run(1)
