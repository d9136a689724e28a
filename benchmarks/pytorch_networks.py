"""The layers of `benchmarks.cases` in PyTorch, channels first."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.cases import NOISE_DIMS, NUM_CLASSES, Case

__all__ = ["make_networks"]


def make_networks(case: Case) -> tuple[nn.Module, nn.Module]:
    """A generator and a discriminator; those of a conditional case take labels, too."""
    case.check_width()
    generator, discriminator = _dense_networks(case) if case.nets == "dense" else _dcgan_networks()
    return (
        (_Told(generator), _Told(discriminator))
        if case.conditional
        else (
            generator,
            discriminator,
        )
    )


class _Told(nn.Module):
    """Networks get what they take and labels as one vector."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self._network = network

    def forward(self, given: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self._network(torch.cat([given.flatten(1), labels], 1))


def _dense_networks(case: Case) -> tuple[nn.Module, nn.Module]:
    extra = NUM_CLASSES * case.conditional
    generator = nn.Sequential(
        nn.Linear(NOISE_DIMS + extra, 128),
        nn.ReLU(),
        nn.Linear(128, 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Linear(784 + extra, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1)
    )
    return generator, discriminator


def _dcgan_networks() -> tuple[nn.Module, nn.Module]:
    generator = nn.Sequential(
        nn.Linear(NOISE_DIMS, 1024),
        nn.ReLU(),
        nn.Linear(1024, 128 * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 4, 2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 1, 3, padding=1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(128 * 7 * 7, 1024),
        nn.LeakyReLU(0.2),
        nn.Linear(1024, 1),
    )
    return generator, discriminator
