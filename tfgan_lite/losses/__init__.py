"""Losses on a GANModel, and in `losses.wargs` the same formulas on plain arguments."""

from tfgan_lite.losses import wargs
from tfgan_lite.losses.adversarial_combination_model import combine_adversarial_loss
from tfgan_lite.losses.composite import gan_loss
from tfgan_lite.losses.discriminator_metrics import discriminator_accuracy
from tfgan_lite.losses.lecam import LeCam
from tfgan_lite.losses.path_length import PathLength
from tfgan_lite.losses.stargan import (
    stargan_discriminator_loss_wrapper,
    stargan_generator_loss_wrapper,
    stargan_gradient_penalty_wrapper,
)
from tfgan_lite.losses.translation import cyclegan_loss, stargan_loss
from tfgan_lite.losses.tuple_losses import (
    acgan_discriminator_loss,
    acgan_generator_loss,
    args_to_gan_model,
    cycle_consistency_loss,
    dragan_penalty,
    feature_matching_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    lecam_penalty,
    minimax_discriminator_loss,
    minimax_generator_loss,
    modified_discriminator_loss,
    modified_generator_loss,
    mutual_information_penalty,
    path_length_penalty,
    r1_penalty,
    r2_penalty,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
    relativistic_paired_discriminator_loss,
    relativistic_paired_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
    wasserstein_gradient_penalty,
    wasserstein_hinge_discriminator_loss,
    wasserstein_hinge_generator_loss,
)

__all__ = [
    "LeCam",
    "PathLength",
    "acgan_discriminator_loss",
    "acgan_generator_loss",
    "args_to_gan_model",
    "combine_adversarial_loss",
    "cycle_consistency_loss",
    "cyclegan_loss",
    "discriminator_accuracy",
    "dragan_penalty",
    "feature_matching_loss",
    "gan_loss",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "lecam_penalty",
    "minimax_discriminator_loss",
    "minimax_generator_loss",
    "modified_discriminator_loss",
    "modified_generator_loss",
    "mutual_information_penalty",
    "path_length_penalty",
    "r1_penalty",
    "r2_penalty",
    "relativistic_discriminator_loss",
    "relativistic_generator_loss",
    "relativistic_paired_discriminator_loss",
    "relativistic_paired_generator_loss",
    "stargan_discriminator_loss_wrapper",
    "stargan_generator_loss_wrapper",
    "stargan_gradient_penalty_wrapper",
    "stargan_loss",
    "wargs",
    "wasserstein_discriminator_loss",
    "wasserstein_generator_loss",
    "wasserstein_gradient_penalty",
    "wasserstein_hinge_discriminator_loss",
    "wasserstein_hinge_generator_loss",
]
