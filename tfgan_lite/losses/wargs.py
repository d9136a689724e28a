"""The losses and penalties as functions of plain arguments: one name for all of them."""

from tfgan_lite.losses.adversarial import (
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    minimax_discriminator_loss,
    minimax_generator_loss,
    modified_discriminator_loss,
    modified_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
    wasserstein_hinge_discriminator_loss,
    wasserstein_hinge_generator_loss,
)
from tfgan_lite.losses.adversarial_combination import combine_adversarial_loss
from tfgan_lite.losses.auxiliary import (
    acgan_discriminator_loss,
    acgan_generator_loss,
    cycle_consistency_loss,
    feature_matching_loss,
    mutual_information_penalty,
)
from tfgan_lite.losses.gradient_penalties import (
    dragan_penalty,
    r1_penalty,
    r2_penalty,
    wasserstein_gradient_penalty,
)
from tfgan_lite.losses.lecam import lecam_penalty
from tfgan_lite.losses.path_length import path_length_penalty, path_lengths
from tfgan_lite.losses.relativistic import (
    relativistic_discriminator_loss,
    relativistic_generator_loss,
    relativistic_paired_discriminator_loss,
    relativistic_paired_generator_loss,
)
from tfgan_lite.losses.safe_math import numerically_stable_global_norm

__all__ = [
    "acgan_discriminator_loss",
    "acgan_generator_loss",
    "combine_adversarial_loss",
    "cycle_consistency_loss",
    "dragan_penalty",
    "feature_matching_loss",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "lecam_penalty",
    "minimax_discriminator_loss",
    "minimax_generator_loss",
    "modified_discriminator_loss",
    "modified_generator_loss",
    "mutual_information_penalty",
    "numerically_stable_global_norm",
    "path_length_penalty",
    "path_lengths",
    "r1_penalty",
    "r2_penalty",
    "relativistic_discriminator_loss",
    "relativistic_generator_loss",
    "relativistic_paired_discriminator_loss",
    "relativistic_paired_generator_loss",
    "wasserstein_discriminator_loss",
    "wasserstein_generator_loss",
    "wasserstein_gradient_penalty",
    "wasserstein_hinge_discriminator_loss",
    "wasserstein_hinge_generator_loss",
]
