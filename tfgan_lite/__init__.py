"""tfgan_lite trains GANs on TensorFlow: the four calls of TF-GAN, for today's TensorFlow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tfgan_lite import features, losses, tpu, train
from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.losses import cyclegan_loss, gan_loss, stargan_loss
from tfgan_lite.models import acgan_model, gan_model, infogan_model
from tfgan_lite.noise import normal
from tfgan_lite.pooling import tensor_pool_adjusted_model
from tfgan_lite.sampling import generate
from tfgan_lite.sources import constant, from_callable, from_dataset, from_distribution
from tfgan_lite.structures import (
    ACGANModel,
    CycleGANLoss,
    CycleGANModel,
    GANLoss,
    GANModel,
    GANTrainOps,
    GANTrainSteps,
    InfoGANModel,
    StarGANModel,
)
from tfgan_lite.train import (
    FinalOpsHook,
    LossLoggingHook,
    NanGuardHook,
    NanLossError,
    Phase,
    ProfileHook,
    ProgressHook,
    RunTrainOpsHook,
    Session,
    StopAtStepHook,
    SummaryHook,
    TrainingHook,
    gan_train,
    gan_train_ops,
    get_joint_train_hooks,
    get_phased_train_hooks,
    get_sequential_train_hooks,
    get_sequential_train_steps,
)
from tfgan_lite.translation import (
    cyclegan_model,
    generate_stargan_random_domain_target,
    stargan_model,
)
from tfgan_lite.version import __version__

if TYPE_CHECKING:
    from tfgan_lite import data, eval
    from tfgan_lite.exporting import export
    from tfgan_lite.keras_gan import KerasGAN

# Imported at the first use, each from the module that has it: Keras is most of what an import takes
# and scores are half of the rest, of which data use a part.
_LAZY = {"KerasGAN": "keras_gan", "data": "", "eval": "", "export": "exporting"}

__all__ = [
    "ACGANModel",
    "CycleGANLoss",
    "CycleGANModel",
    "Deferred",
    "FinalOpsHook",
    "GANLoss",
    "GANModel",
    "GANTrainOps",
    "GANTrainSteps",
    "InfoGANModel",
    "KerasGAN",
    "LossLoggingHook",
    "NanGuardHook",
    "NanLossError",
    "Phase",
    "ProfileHook",
    "ProgressHook",
    "RunTrainOpsHook",
    "Session",
    "StarGANModel",
    "StopAtStepHook",
    "SummaryHook",
    "TrainingHook",
    "__version__",
    "acgan_model",
    "constant",
    "cyclegan_loss",
    "cyclegan_model",
    "data",
    "defer",
    "eval",
    "export",
    "features",
    "from_callable",
    "from_dataset",
    "from_distribution",
    "gan_loss",
    "gan_model",
    "gan_train",
    "gan_train_ops",
    "generate",
    "generate_stargan_random_domain_target",
    "get_joint_train_hooks",
    "get_phased_train_hooks",
    "get_sequential_train_hooks",
    "get_sequential_train_steps",
    "infogan_model",
    "losses",
    "normal",
    "stargan_loss",
    "stargan_model",
    "tensor_pool_adjusted_model",
    "tpu",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "estimator":
        raise AttributeError(
            "tfgan.estimator went with tf.estimator, which TensorFlow removed in 2.16:"
            " docs/migrating_from_tfgan.md shows gan_train, KerasGAN and evaluate in its place."
        )
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_LAZY[name] or name}")
    return getattr(module, name) if _LAZY[name] else module


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
