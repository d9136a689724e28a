"""Features: what networks, losses and optimizers of GANs are made of besides Keras's own layers."""

from __future__ import annotations

import importlib
from typing import Any

from tfgan_lite.features.adaptive_augmentation import AdaptiveAugment
from tfgan_lite.features.augmented_discriminator import augmented
from tfgan_lite.features.averaging import WeightAverage
from tfgan_lite.features.clipping import (
    VariableClippingOptimizer,
    clip_discriminator_weights,
    clip_variables,
)
from tfgan_lite.features.conditioning import condition_tensor, condition_tensor_from_onehot
from tfgan_lite.features.consistency import consistency_regularization
from tfgan_lite.features.diff_augmentation import diff_augment
from tfgan_lite.features.normalization import group_norm, instance_norm, instance_normalization
from tfgan_lite.features.random_augmentation import ADA_OPERATIONS, random_augment
from tfgan_lite.features.spectral_norm import (
    compute_spectral_norm,
    spectral_norm_regularizer,
    spectral_normalization_custom_getter,
    spectral_normalize,
)
from tfgan_lite.features.tensor_pool import TensorPool, tensor_pool
from tfgan_lite.features.virtual_batch_norm import VBN

# Modules that define Keras layers are imported at the first use of a name, so that
# `import tfgan_lite` does not load Keras.
_LAZY: dict[str, str] = {  # Name: the module of this package that defines it.
    "ConditionTensor": "conditional_layers",
    "ConditionalBatchNormalization": "conditional_layers",
    "MinibatchStdDev": "minibatch_stddev",
    "ProjectionDiscriminator": "conditional_layers",
    "SpectralNormalization": "spectral_norm_layer",
}

__all__ = [
    "ADA_OPERATIONS",
    "AdaptiveAugment",
    "ConditionTensor",
    "ConditionalBatchNormalization",
    "MinibatchStdDev",
    "ProjectionDiscriminator",
    "SpectralNormalization",
    "TensorPool",
    "VBN",
    "VariableClippingOptimizer",
    "WeightAverage",
    "augmented",
    "clip_discriminator_weights",
    "clip_variables",
    "compute_spectral_norm",
    "condition_tensor",
    "condition_tensor_from_onehot",
    "consistency_regularization",
    "diff_augment",
    "group_norm",
    "instance_norm",
    "instance_normalization",
    "random_augment",
    "spectral_norm_regularizer",
    "spectral_normalization_custom_getter",
    "spectral_normalize",
    "tensor_pool",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
