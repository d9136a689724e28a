"""What is said of the targets, of sides whose speeds are told."""

import pytest

from benchmarks import report
from benchmarks.cases import Case
from benchmarks.machine import Rates
from benchmarks.measure import Measurement
from benchmarks.work import Work

CASE = Case("dcgan", 32)
# A round of 32 images takes a tenth of a second on this machine: 320 images/s are its roofline.
RATES = Rates(flops_per_second=1000.0, matrix_size=512, bytes_per_second=500.0)
WORK = Work(flops=60, bytes=20)


def verdict(text, **images_per_second):
    found = {name: Measurement("", 0.0, 1, [rate]) for name, rate in images_per_second.items()}
    works = {CASE: {"fused": WORK, "fused_joint": WORK}}
    (line,) = (line for line in report.targets({CASE: found}, works, RATES, {}) if text in line)
    return line


@pytest.mark.parametrize(("rate", "said"), [(140.0, "met"), (139.0, "MISSED")])
def test_bfloat16_is_judged_beside_tfgan(rate, said):
    line = verdict("1.4 times TF-GAN in bfloat16", lite_bfloat16=rate, tfgan=100.0)
    assert line.startswith(f"[{said}]")


@pytest.mark.parametrize(("rate", "said"), [(257.0, "met"), (255.0, "MISSED")])
@pytest.mark.parametrize("side", ["lite", "lite_joint"])
def test_dcgan_is_judged_by_the_roofline(side, rate, said):
    assert verdict("0.8 of the roofline", **{side: rate}).startswith(f"[{said}]")


def test_joint_training_is_judged_beside_peers():
    line = verdict("no case under Keras", lite=110.0, lite_joint=90.0, keras=100.0)
    assert line == "[MISSED] no case under Keras: tfgan_lite, joint dcgan/32/1:1 0.900"


def test_what_no_side_was_trained_for_is_not_judged():
    assert verdict("1.4 times TF-GAN in bfloat16", lite=140.0, tfgan=100.0).startswith(
        "[not measured]"
    )
