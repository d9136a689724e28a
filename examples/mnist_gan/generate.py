"""Draws digits with a checkpoint of examples.mnist_gan.train, or with an export of it.

python -m examples.mnist_gan.generate --logdir=runs/demo --output=digits.png
python -m examples.mnist_gan.generate --logdir=runs/demo --num_images=5000 --output=digits.npz
python -m examples.mnist_gan.generate --logdir=runs/demo --interpolate=10 --output=strip.png
python -m examples.mnist_gan.generate --logdir=runs/demo --interpolate=60 --num_images=960 \
    --output=video.gif
python -m examples.mnist_gan.generate --export_dir=exports/digits --truncation=0.7

The second gives an array x_train, uint8 [N, 28, 28, 1]: what train and eval read as --dataset=npz,
and y_train where the run learned from labels. Where a run can be asked for a class, the picture has
one row for each; with --label=7 it has only that one.

With --interpolate=K images come in walks of K, each of which goes from one noise to another: rows
of a .png; a .gif has one grid of all walks for each of K frames, and ends where it begins.
"""

import math
import pathlib

import numpy as np
from absl import app, flags

import tfgan_lite as tfgan
from examples import command_line, files
from examples.mnist_gan import kinds, pictures, runs

_FORMATS = (".png", ".npz", ".gif")

_LOGDIR = flags.DEFINE_string("logdir", None, "The run; its newest checkpoint draws.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "The checkpoint, such as runs/demo/ckpt-100.")
_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "What examples.mnist_gan.export wrote.")
_NUM_IMAGES = flags.DEFINE_integer("num_images", 100, "Images to draw.", lower_bound=1)
_OUTPUT = flags.DEFINE_string(
    "output", "digits.png", "A .png for one picture of all, an .npz, or a .gif of --interpolate."
)
_LABEL = flags.DEFINE_integer(
    "label",
    None,
    "The digit to draw or, of an infogan, the code; by default one row of each, where the run can "
    "be asked.",
    lower_bound=0,
    upper_bound=9,
)
_INTERPOLATE = flags.DEFINE_integer(
    "interpolate", None, "Images on the way from one noise to another.", lower_bound=2
)
_TRUNCATION = flags.DEFINE_float(
    "truncation",
    None,
    "The largest number in the noise: the smaller, the more usual the digits and the less variety.",
    lower_bound=0.1,
)
_AVERAGED = flags.DEFINE_bool(
    "averaged", None, "Whether averaged weights draw; by default, if the run has them."
)
_SEED = flags.DEFINE_integer("seed", 0, "Equal seeds give equal images.", lower_bound=0)
_DRY_RUN = command_line.define_dry_run()


@flags.validator("output", "--output must end in .png, .npz or .gif")
def _format_is_known(output: str) -> bool:
    return pathlib.Path(output).suffix in _FORMATS


@flags.multi_flags_validator(["output", "interpolate"], "a .gif needs --interpolate")
def _gif_moves(values) -> bool:
    return values["interpolate"] or pathlib.Path(values["output"]).suffix != ".gif"


@flags.multi_flags_validator(
    ["num_images", "interpolate"], "--num_images must be a multiple of --interpolate"
)
def _walks_are_whole(values) -> bool:
    return not values["num_images"] % (values["interpolate"] or 1)


@flags.multi_flags_validator(
    ["export_dir", "logdir", "checkpoint", "averaged"],
    "--export_dir takes the place of --logdir, --checkpoint and --averaged",
)
def _one_source(values) -> bool:
    others = [value for name, value in values.items() if name != "export_dir"]
    return values["export_dir"] is None or all(value is None for value in others)


@flags.multi_flags_validator(
    ["export_dir", "logdir", "checkpoint"], f"{runs.SOURCE_RULE}, or an export with --export_dir"
)
def _a_source_is_named(values) -> bool:
    return any(values.values())


def main(argv: list[str]) -> None:
    command_line.refuse_arguments(argv)
    output = pathlib.Path(_OUTPUT.value)
    label, num_images, steps = _LABEL.value, _NUM_IMAGES.value, _INTERPOLATE.value
    with command_line.user_errors():
        if _EXPORT_DIR.value is not None:
            source = _EXPORT_DIR.value
            config = runs.export_config(source)
        else:
            source, config = runs.find_checkpoint(_LOGDIR.value, _CHECKPOINT.value)
            averaged = runs.takes_average(source, config, _AVERAGED.value)
        kind = runs.kind_of(config)
        in_rows = kind.asks and label is None and steps is None
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
        if _DRY_RUN.value:
            found = {} if _EXPORT_DIR.value else {"checkpoint": source, "averaged": averaged}
            command_line.print_configuration(command_line.flag_values(__name__) | found)
            return
        if _EXPORT_DIR.value is not None:
            generator = runs.load_export(source)
        else:
            kind, generator, _ = runs.load_generator(source, config, averaged)
    columns = max(10, math.isqrt(num_images))
    if steps is not None:
        images, labels = _walks(kind, generator, output.suffix == ".gif")
        columns = steps
    else:
        model = kinds.sampling_model(generator, kind.sampled_inputs(label, _TRUNCATION.value))
        images = tfgan.generate(model, num_images, seed=_SEED.value).numpy()
        labels = kinds.asked(num_images, label)
    if in_rows:
        order = np.argsort(labels, kind="stable")
        images, labels = images[order], labels[order]
        columns = num_images // 10
    with command_line.user_errors():
        if output.suffix == ".npz":
            arrays = {"y_train": labels} if kind.needs_labels else {}
            content = files.npz(x_train=pictures.grey_levels(images), **arrays)
        elif output.suffix == ".gif":
            frames = images.reshape([-1, steps, *images.shape[1:]]).swapaxes(0, 1)
            side = math.isqrt(len(frames[0]) - 1) + 1  # As wide as high, or wider.
            content = pictures.gif([pictures.image_grid(frame, side) for frame in frames])
        else:
            content = pictures.png(pictures.image_grid(images, min(columns, num_images)))
        files.write_file(output, content)
    print(f"{len(images)} digits of {source}: {output}")


def _walks(kind: kinds.Unconditional, generator, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns images on the way, one walk after the other, and the classes they are asked for."""
    steps = _INTERPOLATE.value
    walks = _NUM_IMAGES.value // steps
    noise = kinds.walked_noise(
        kind.noise_dims, walks, steps, _SEED.value, closed, _TRUNCATION.value
    )
    inputs = kind.walk(noise, _LABEL.value)
    # The generator's own inputs: in chunks, and in their order.
    images = generator.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    images = images.reshape([steps, walks, *images.shape[1:]]).swapaxes(0, 1)
    return images.reshape([-1, *images.shape[2:]]), np.repeat(
        kinds.asked(walks, _LABEL.value), steps
    )


def run() -> None:
    """Runs the program, as the console script does."""
    app.run(main)


if __name__ == "__main__":
    run()
