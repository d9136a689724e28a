"""The counted work of a round, beside sums over the layers' shapes."""

import pytest

from benchmarks.cases import Case
from benchmarks.work import Work, work_of_round

# Multiplications of one example in each layer's product; a transposed convolution has one for each
# of its input's places, a convolution for each of its output's.
LAYERS = {
    "dense": ([64 * 128, 128 * 784], [784 * 128, 128]),
    "dcgan": (
        [
            64 * 1024,
            1024 * 6272,
            7 * 7 * 4 * 4 * 128 * 64,
            14 * 14 * 4 * 4 * 64 * 32,
            28 * 28 * 3 * 3 * 32,
        ],
        [14 * 14 * 4 * 4 * 64, 7 * 7 * 4 * 4 * 64 * 128, 6272 * 1024, 1024],
    ),
}


def flops(case, joint=False):
    """Forward passes, and backward ones: a product for each layer's weights and its inputs."""
    generator, discriminator = LAYERS[case.nets]
    g, d = sum(generator), sum(discriminator)
    # The generator's update stops at its noise, the discriminator's at its images.
    generators = (g + d) + d + (2 * g - generator[0])
    discriminators = (g + 2 * d) + 2 * (2 * d - discriminator[0])
    both = generators + discriminators - (g + d)  # Which one forward pass over fakes saves.
    total = both if joint else generators * case.steps[0] + discriminators * case.steps[1]
    return 2 * case.batch_size * total


@pytest.mark.parametrize(
    "nets", [pytest.param(n, marks=[pytest.mark.slow] if n == "dcgan" else []) for n in LAYERS]
)
@pytest.mark.parametrize("joint", [False, True])
def test_operations_are_those_of_the_products_that_are_needed(nets, joint):
    case = Case(nets, 4)
    assert work_of_round(case, joint).flops == flops(case, joint)


def test_every_sub_step_of_a_round_is_counted():
    assert work_of_round(Case("dense", 4, (1, 5))).flops == flops(Case("dense", 4, (1, 5)))


def test_bytes_are_those_of_products_and_of_adam():
    b = 4
    # Numbers in each matrix.
    noise, hidden, image, logit = b * 64, b * 128, b * 784, b
    weights = {"g1": 64 * 128, "g2": 128 * 784, "d1": 784 * 128, "d2": 128}
    g = [noise + weights["g1"] + hidden, hidden + weights["g2"] + image]
    d = [image + weights["d1"] + hidden, hidden + weights["d2"] + logit]
    # A gradient's product has the same three matrices as the layer's.
    generators = sum(g) + 2 * sum(d) + 2 * sum(g) - g[0]
    discriminators = sum(g) + 2 * (sum(d) + 2 * sum(d) - d[0])
    biases = 128 + 784 + 128 + 1
    adam = 7 * (sum(weights.values()) + biases)
    assert work_of_round(Case("dense", b)).bytes == 4 * (generators + discriminators + adam)


def test_the_roofline_is_arithmetic_and_then_traffic():
    assert Work(flops=600, bytes=80).seconds(200.0, 40.0) == 5.0


def test_a_wider_network_has_more_work():
    """Twice the units make twice the work of the layers that hold images or noise."""
    wide, narrow = (work_of_round(Case("dense", 4, width=width)).flops for width in (2, 1))
    assert wide == 2 * narrow
