"""GANs for those who think in `compile` and `fit`: `KerasGAN`, over the four calls."""

from tfgan_lite.keras_gan.model import KerasGAN

__all__ = ["KerasGAN"]
