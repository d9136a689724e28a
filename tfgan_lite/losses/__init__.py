"""Losses on a GANModel, and in `losses.wargs` the same formulas on plain arguments."""

from tfgan_lite.losses import wargs
from tfgan_lite.losses.composite import gan_loss
from tfgan_lite.losses.tuple_losses import (
    args_to_gan_model,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    minimax_discriminator_loss,
    minimax_generator_loss,
    modified_discriminator_loss,
    modified_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
    wasserstein_gradient_penalty,
    wasserstein_hinge_discriminator_loss,
    wasserstein_hinge_generator_loss,
)

__all__ = [
    "args_to_gan_model",
    "gan_loss",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "minimax_discriminator_loss",
    "minimax_generator_loss",
    "modified_discriminator_loss",
    "modified_generator_loss",
    "wargs",
    "wasserstein_discriminator_loss",
    "wasserstein_generator_loss",
    "wasserstein_gradient_penalty",
    "wasserstein_hinge_discriminator_loss",
    "wasserstein_hinge_generator_loss",
]
