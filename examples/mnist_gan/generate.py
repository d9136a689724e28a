"""Draws digits with a checkpoint of examples.mnist_gan.train.

python -m examples.mnist_gan.generate --logdir=runs/demo --output=digits.png
python -m examples.mnist_gan.generate --logdir=runs/demo --num_images=5000 --output=digits.npz

The second gives an array x_train, uint8 [N, 28, 28, 1]: what train and eval read as --dataset=npz;
of a run that learned from labels y_train, too. Where a run can be asked for a class, the picture
has one row for each; with --label=7 it has only that one.
"""

import io
import math
import pathlib

import numpy as np
from absl import app, flags

import tfgan_lite as tfgan
from examples.mnist_gan import kinds, pictures, runs

_FORMATS = (".png", ".npz")

_LOGDIR = flags.DEFINE_string("logdir", None, "The run; its newest checkpoint draws.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "The checkpoint, such as runs/demo/ckpt-100.")
_NUM_IMAGES = flags.DEFINE_integer("num_images", 100, "Images to draw.", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", "digits.png", "A .png for one picture of all, or an .npz.")
_LABEL = flags.DEFINE_integer(
    "label",
    None,
    "The digit to draw or, of an infogan, the code; by default one row of each, where the run can "
    "be asked.",
    lower_bound=0,
    upper_bound=9,
)
_AVERAGED = flags.DEFINE_bool(
    "averaged", None, "Whether averaged weights draw; by default, if the run has them."
)
_SEED = flags.DEFINE_integer("seed", 0, "Equal seeds give equal images.", lower_bound=0)


@flags.validator("output", "--output must end in .png or .npz")
def _format_is_known(output: str) -> bool:
    return pathlib.Path(output).suffix in _FORMATS


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    output = pathlib.Path(_OUTPUT.value)
    label, num_images = _LABEL.value, _NUM_IMAGES.value
    with runs.user_errors():
        checkpoint, config = runs.find_checkpoint(_LOGDIR.value, _CHECKPOINT.value)
        kind, generator, _ = runs.load_generator(checkpoint, config, _AVERAGED.value)
        in_rows = kind.asks and label is None
        if label is not None and not kind.asks:
            raise ValueError(
                f"--label={label}: a run with --gan_type={config['gan_type']} cannot be asked for "
                "a class. Leave it out, or choose a run of another kind."
            )
        if in_rows and output.suffix == ".png" and num_images % 10:
            raise ValueError(
                f"--num_images={num_images} must be a multiple of 10, for a picture with one row "
                "for each class. Or choose one class with --label."
            )
    model = kinds.sampling_model(generator, kind.sampled_inputs(label))
    images = tfgan.generate(model, num_images, seed=_SEED.value).numpy()
    labels = kinds.asked(num_images, label)
    if in_rows:
        order = np.argsort(labels, kind="stable")
        images, labels = images[order], labels[order]
    with runs.user_errors():
        if output.suffix == ".npz":
            arrays = {"y_train": labels} if kind.needs_labels else {}
            content = _npz(x_train=pictures.grey_levels(images), **arrays)
        else:
            columns = num_images // 10 if in_rows else max(10, math.isqrt(num_images))
            content = pictures.png(pictures.image_grid(images, min(columns, num_images)))
        runs.write_file(output, content)
    print(f"{len(images)} digits of {checkpoint}: {output}")


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def run() -> None:
    """Runs the program, as the console script does."""
    app.run(main)


if __name__ == "__main__":
    run()
