"""Draws digits with a checkpoint of examples.mnist_gan.train.

python -m examples.mnist_gan.generate --logdir=runs/demo --output=digits.png
python -m examples.mnist_gan.generate --logdir=runs/demo --num_images=5000 --output=digits.npz

The second gives an array x_train, uint8 [N, 28, 28, 1]: what train and eval read as --dataset=npz.
"""

import io
import math
import pathlib

import numpy as np
from absl import app, flags

import tfgan_lite as tfgan
from examples.mnist_gan import pictures, runs

_FORMATS = (".png", ".npz")

_LOGDIR = flags.DEFINE_string("logdir", None, "The run; its newest checkpoint draws.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "The checkpoint, such as runs/demo/ckpt-100.")
_NUM_IMAGES = flags.DEFINE_integer("num_images", 100, "Images to draw.", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", "digits.png", "A .png for one picture of all, or an .npz.")
_SEED = flags.DEFINE_integer("seed", 0, "Equal seeds give equal images.", lower_bound=0)


@flags.validator("output", "--output must end in .png or .npz")
def _format_is_known(output: str) -> bool:
    return pathlib.Path(output).suffix in _FORMATS


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    output = pathlib.Path(_OUTPUT.value)
    with runs.user_errors():
        checkpoint, config = runs.find_checkpoint(_LOGDIR.value, _CHECKPOINT.value)
        model = runs.load_model(checkpoint, config["noise_dims"])
    images = tfgan.generate(model, _NUM_IMAGES.value, seed=_SEED.value).numpy()
    with runs.user_errors():
        runs.write_file(output, _encoded(images, output.suffix))
    print(f"{len(images)} digits of {checkpoint}: {output}")


def _encoded(images: np.ndarray, suffix: str) -> bytes:
    if suffix == ".npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, x_train=pictures.grey_levels(images))
        return buffer.getvalue()
    columns = max(10, math.isqrt(len(images)))
    return pictures.png(pictures.image_grid(images, min(columns, len(images))))


def run() -> None:
    """Runs the program, as the console script does."""
    app.run(main)


if __name__ == "__main__":
    run()
