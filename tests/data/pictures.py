"""Small image files of known pixels."""

import io
import pathlib

import numpy as np
from PIL import Image


def noise(height=12, width=12, channels=3, seed=0):
    """Returns uint8 [height, width, channels], without the last axis if it is 1."""
    shape = (height, width, channels)[: 2 if channels == 1 else 3]
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def encoded(image, kind="png", mode=None):
    """Returns the file of an array or a Pillow image."""
    file = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    (image.convert(mode) if mode else image).save(file, kind)
    return file.getvalue()


def write(folder, **contents):
    """Writes files, in whose names "__" stands for "/" and "_" for "."."""
    for name, content in contents.items():
        path = pathlib.Path(folder, name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_numbered(folder, num_images, size=8):
    """Writes grey images that are as bright all over as their number says."""
    for number in range(num_images):
        image = np.full((size, size), number, np.uint8)
        write(folder, **{f"c{number % 3}__{number:03}_png": encoded(image)})
    return folder


def numbers_in(batch, low=-1.0, high=1.0):
    """Returns the numbers that a batch of such images in [low, high] has."""
    levels = (np.asarray(batch)[:, 0, 0, 0] - low) * 255.0 / (high - low)
    return np.rint(levels).astype(int).tolist()
