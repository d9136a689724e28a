"""The same training in PyTorch, eager and compiled."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.functional import softplus

from benchmarks.cases import ADAM, NOISE_DIMS, PENALTY_WEIGHT, Case, images, labels
from benchmarks.pytorch_networks import make_networks

__all__ = ["TorchLoop"]


class TorchLoop:
    """A plain training loop.

    Args:
      case: what to train.
      fused_adam: whether Adam runs as one kernel for each variable.
      compiled: whether `torch.compile` takes the losses with their gradients.
    """

    def __init__(self, case: Case, fused_adam: bool, compiled: bool = False):
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        self.note = f"fused Adam {'on' if fused_adam else 'off'}"
        self._case = case
        self._generator, self._discriminator = make_networks(case)

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
        self._batches = _batches(case)
        self._g_loss, self._d_loss = self._generator_loss, self._discriminator_loss
        if compiled:
            self._g_loss, self._d_loss = torch.compile(self._g_loss), torch.compile(self._d_loss)

    def run(self, rounds: int) -> float:
        """Trains, and gives the seconds that it took."""
        g_steps, d_steps = self._case.steps
        start = time.perf_counter()
        for _ in range(rounds):
            for _ in range(g_steps):
                told = next(self._batches)[1:] if self._case.conditional else ()
                self._train_generator(*told)
            for _ in range(d_steps):
                self._train_discriminator(*next(self._batches))
        return time.perf_counter() - start

    def close(self) -> None:
        pass

    def _train_generator(self, *told: torch.Tensor) -> None:
        self._discriminator.requires_grad_(False)
        loss = self._g_loss(self._noise(), *told)
        self._g_optimizer.zero_grad()
        loss.backward()
        self._g_optimizer.step()
        self._discriminator.requires_grad_(True)

    def _train_discriminator(self, batch: torch.Tensor, *told: torch.Tensor) -> None:
        loss = self._d_loss(self._noise(), batch, *told)
        if self._case.kind == "wgan-gp":
            loss, fakes = loss
            loss = loss + PENALTY_WEIGHT * self._gradient_penalty(batch, fakes)
        self._d_optimizer.zero_grad()
        loss.backward()
        self._d_optimizer.step()

    def _noise(self) -> torch.Tensor:
        return torch.randn(self._case.batch_size, NOISE_DIMS)

    def _generator_loss(self, noise: torch.Tensor, *told: torch.Tensor) -> torch.Tensor:
        logits = self._discriminator(self._generator(noise, *told), *told)
        return -logits.mean() if self._case.kind == "wgan-gp" else softplus(-logits).mean()

    def _discriminator_loss(self, noise: torch.Tensor, batch: torch.Tensor, *told: torch.Tensor):
        with torch.no_grad():
            fakes = self._generator(noise, *told)
        real_logits = self._discriminator(batch, *told)
        fake_logits = self._discriminator(fakes, *told)
        if self._case.kind == "wgan-gp":
            return fake_logits.mean() - real_logits.mean(), fakes
        return softplus(-real_logits).mean() + softplus(fake_logits).mean()

    def _gradient_penalty(self, batch: torch.Tensor, fakes: torch.Tensor) -> torch.Tensor:
        # Never compiled: torch.compile has no gradients of gradients.
        between = torch.lerp(batch, fakes, torch.rand(len(batch), 1, 1, 1)).requires_grad_()
        logits = self._discriminator(between)
        (gradients,) = torch.autograd.grad(logits.sum(), between, create_graph=True)
        return (((gradients**2).sum([1, 2, 3]) + 1e-10).sqrt() - 1).square().mean()


def _batches(case: Case) -> Iterator[tuple[torch.Tensor, ...]]:
    """Shuffled batches without end: (images,), or (images, labels) of a conditional case."""
    arrays = [torch.from_numpy(images()).permute(0, 3, 1, 2).contiguous()]
    if case.conditional:
        arrays.append(torch.from_numpy(labels()))
    while True:
        for indices in torch.randperm(len(arrays[0])).split(case.batch_size):
            yield tuple(array[indices] for array in arrays)
