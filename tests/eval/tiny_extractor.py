"""An extractor so small that its features are known by heart, and images for it."""

import hashlib

import numpy as np

WIDTH = 6
CLASSES = 3
SHAPE = (12, 12, 1)


class TinyExtractor:
    """Means of six stripes of an image as features; sums of pairs of them as logits."""

    name = "stripes"
    feature_size = WIDTH
    value_range = (-1.0, 1.0)
    resize_mode = None

    def __init__(self, scale=1.0, logits=True):
        self.scale, self._logits = scale, logits
        self.calls: list[int] = []

    @property
    def hash(self):
        return hashlib.sha256(str(self.scale).encode()).hexdigest()

    def __call__(self, images):
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[-1] != 1:
            raise ValueError(f"images must be [N, H, W, 1], got {images.shape}")
        if not (images.min() >= -1.0 and images.max() <= 1.0):
            raise ValueError("images must be within (-1, 1)")
        self.calls.append(len(images))
        features = self.features(images)
        found = {"features": features}
        if self._logits:
            found["logits"] = features.reshape([-1, CLASSES, 2]).sum(-1) * 5.0
        return found

    def features(self, images):
        """The features alone, float32 [N, 6]."""
        stripes = images.reshape([len(images), WIDTH, -1])
        return (stripes.mean(-1) * self.scale).astype(np.float32)


def images(count, seed=0, spread=0.1):
    """Grey stripes of random heights, with a little noise."""
    random = np.random.default_rng(seed)
    stripes = random.uniform(-0.8, 0.8, [count, WIDTH, 1]) * np.ones([1, 1, 24])
    noise = random.uniform(-spread, spread, [count, WIDTH, 24])
    return (stripes + noise).reshape([count, *SHAPE]).astype(np.float32)


def labels(count):
    """Integers from 0 to 2."""
    return np.arange(count) % CLASSES
