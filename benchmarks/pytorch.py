"""The same training in eager PyTorch."""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from torch import nn
from torch.nn.functional import softplus

from benchmarks.cases import ADAM, NOISE_DIMS, Case, images

__all__ = ["TorchLoop"]


class TorchLoop:
    """A plain training loop.

    Args:
      case: what to train.
      fused_adam: whether Adam runs as one kernel for each variable.
    """

    def __init__(self, case: Case, fused_adam: bool):
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        self.note = f"fused Adam {'on' if fused_adam else 'off'}"
        self._case = case
        self._generator, self._discriminator = _networks(case)

        def adam(network: nn.Module) -> torch.optim.Adam:
            return torch.optim.Adam(
                network.parameters(),
                lr=ADAM["learning_rate"],
                betas=(ADAM["beta_1"], ADAM["beta_2"]),
                eps=ADAM["epsilon"],
                fused=fused_adam,
            )

        self._g_optimizer = adam(self._generator)
        self._d_optimizer = adam(self._discriminator)
        self._batches = _batches(case.batch_size)

    def run(self, rounds: int) -> float:
        """Trains, and gives the seconds that it took."""
        g_steps, d_steps = self._case.steps
        start = time.perf_counter()
        for _ in range(rounds):
            for _ in range(g_steps):
                self._train_generator()
            for _ in range(d_steps):
                self._train_discriminator(next(self._batches))
        return time.perf_counter() - start

    def close(self) -> None:
        pass

    def _noise(self) -> torch.Tensor:
        return torch.randn(self._case.batch_size, NOISE_DIMS)

    def _train_generator(self) -> None:
        self._discriminator.requires_grad_(False)
        loss = softplus(-self._discriminator(self._generator(self._noise()))).mean()
        self._g_optimizer.zero_grad()
        loss.backward()
        self._g_optimizer.step()
        self._discriminator.requires_grad_(True)

    def _train_discriminator(self, batch: torch.Tensor) -> None:
        with torch.no_grad():
            fakes = self._generator(self._noise())
        loss = softplus(-self._discriminator(batch)).mean()
        loss = loss + softplus(self._discriminator(fakes)).mean()
        self._d_optimizer.zero_grad()
        loss.backward()
        self._d_optimizer.step()


def _networks(case: Case) -> tuple[nn.Module, nn.Module]:
    """The same layers as `benchmarks.cases.make_networks`, channels first."""
    if case.nets == "dense":
        generator = nn.Sequential(
            nn.Linear(NOISE_DIMS, 128),
            nn.ReLU(),
            nn.Linear(128, 784),
            nn.Tanh(),
            nn.Unflatten(1, (1, 28, 28)),
        )
        discriminator = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1)
        )
        return generator, discriminator
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


def _batches(batch_size: int) -> Any:
    data = torch.from_numpy(images()).permute(0, 3, 1, 2).contiguous()
    while True:
        for indices in torch.randperm(len(data)).split(batch_size):
            yield data[indices]
