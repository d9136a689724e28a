"""Packaging of tfgan_lite and of its examples."""

import pathlib
import runpy

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent

# The file is run by itself: importing the package would need TensorFlow, which is not there yet.
VERSION = runpy.run_path(str(ROOT / "tfgan_lite" / "version.py"))["__version__"]

EXAMPLES = ["scikit-learn", "Pillow"]
# The tutorial's notebook is run in a kernel, as a reader runs it.
NOTEBOOK = ["nbclient", "ipykernel"]
TEST = ["pytest>=7", "pytest-xdist>=3", *NOTEBOOK, *EXAMPLES]
# Releases of ruff differ in how they format, so everybody checks with the same one.
DOCS = ["mkdocs-material>=9.5"]
DEV = ["ruff==0.17.*", *DOCS, *TEST]
HUB = ["tensorflow-hub"]
TFDS = ["tensorflow-datasets", "importlib_resources"]  # The latter is needed, but not brought.
# What metrics are compared with. They bring PyTorch, so `make parity` has an environment for them.
PARITY = ["torch-fidelity==0.4.*", "clean-fid", "prdc", "scipy<1.18", "Pillow"]

setup(
    name="tfgan_lite",
    version=VERSION,
    description="GAN training toolkit on TensorFlow 2, the successor of TF-GAN",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(
        include=[
            "tfgan_lite",
            "tfgan_lite.*",
            "examples",
            "examples.mnist_gan",
            "examples.translation",
        ]
    ),
    package_data={"tfgan_lite": ["py.typed"], "examples.mnist_gan": ["weights/*.npz"]},
    zip_safe=False,
    # tf-keras requires TensorFlow of its own minor version, so pip keeps the two in step.
    install_requires=[
        "tensorflow>=2.16",
        "tf-keras>=2.16",
        "tensorflow-probability>=0.24",
        # tf.summary's functions are in it, and TensorFlow 2.21 no longer brings it.
        "tensorboard",
        "numpy",
        "absl-py",
    ],
    extras_require={
        "examples": EXAMPLES,
        "test": TEST,
        "dev": DEV,
        "docs": DOCS,
        "hub": HUB,
        "tfds": TFDS,
        "parity": PARITY,
    },
    entry_points={
        "console_scripts": [
            "tfgan-lite = tfgan_lite.report.command:run",
            "tfgan-lite-mnist-train = examples.mnist_gan.train:run",
            "tfgan-lite-mnist-eval = examples.mnist_gan.eval:run",
            "tfgan-lite-mnist-export = examples.mnist_gan.export:run",
            "tfgan-lite-mnist-generate = examples.mnist_gan.generate:run",
            "tfgan-lite-cyclegan = examples.translation.cyclegan:run",
            "tfgan-lite-stargan = examples.translation.stargan:run",
        ]
    },
)
