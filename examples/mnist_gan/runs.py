"""A run's folder: what training leaves there, and how the other programs read it."""

import contextlib
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

import tfgan_lite as tfgan
from examples import files
from examples.mnist_gan import kinds, presets

PROGRAM = "examples.mnist_gan.train"
CONFIG = "config.json"
# Flags that the first runs did not have, and what those did.
_LATER = {
    "gan_type": "unconditional",
    "preset": "default",
    "gamma": 0.0,
    "ema_half_life_images": 0.0,
}
# What a run cannot change when it is resumed: the checkpoint would not fit (with a gradient penalty
# the discriminator has no batch norm), or the scores not mean the same before and after.
FIXED = ("dataset", "noise_dims", "gradient_penalty_weight", "graph_mode", *_LATER)


def claim(
    logdir: pathlib.Path,
    config: Mapping[str, Any],
    fixed: Sequence[str] = FIXED,
    program: str = PROGRAM,
) -> int:
    """Makes a folder this run's own, to begin a run in it or to resume one.

    Args:
      logdir: The folder; it need not exist.
      config: The run's flags, which `config.json` keeps.
      fixed: Those of them that a run cannot change when it is resumed.
      program: The program that the run is of, for messages.

    Returns:
      The rounds that the run has behind it.

    Raises:
      ValueError: If the folder cannot be written to or holds another run.
    """
    try:
        logdir.mkdir(parents=True, exist_ok=True)
        checkpoint = tf.train.latest_checkpoint(str(logdir))
        if checkpoint is not None:
            _check_same_run(logdir, config, fixed, program)
        files.write_json(logdir / CONFIG, config)
    except OSError as error:
        raise ValueError(
            f"--logdir={logdir} cannot be written to ({error.strerror}): choose another folder."
        ) from error
    return 0 if checkpoint is None else step_of(checkpoint)


def _check_same_run(
    logdir: pathlib.Path, config: Mapping[str, Any], fixed: Sequence[str], program: str
) -> None:
    earlier = read_config(logdir, program)
    for name in fixed:
        if earlier.get(name) != config[name]:
            raise ValueError(
                f"--logdir={logdir} holds a run with {name}={earlier.get(name)}, which cannot go "
                f"on with {name}={config[name]}: choose another folder, or remove that one."
            )


def read_config(logdir: pathlib.Path, program: str = PROGRAM) -> dict[str, Any]:
    """Returns the flags of the run in a folder.

    Raises:
      ValueError: If the folder holds no run of the program.
    """
    path = logdir / CONFIG
    try:
        return {**_LATER, **json.loads(path.read_text())}
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{logdir} holds no run of {program}: {path} is missing or damaged."
        ) from error


SOURCE_RULE = "name a run with --logdir, or one checkpoint with --checkpoint"


def find_checkpoint(logdir: str | None, checkpoint: str | None) -> tuple[str, dict[str, Any]]:
    """Returns a checkpoint, the newest if none is named, and the flags of its run.

    Args:
      logdir: A run's folder; None for the checkpoint's own.
      checkpoint: What TensorFlow calls a checkpoint's prefix, such as "runs/demo/ckpt-100".

    Raises:
      ValueError: If there is no such checkpoint or run.
    """
    if checkpoint is None:
        if logdir is None:
            raise ValueError("Name a run with --logdir, or one checkpoint with --checkpoint.")
        checkpoint = tf.train.latest_checkpoint(logdir)
        if checkpoint is None:
            raise ValueError(f"--logdir={logdir} holds no checkpoint: train there first.")
    checkpoint = checkpoint.removesuffix(".index")
    if not tf.io.gfile.exists(f"{checkpoint}.index"):
        raise ValueError(f"There is no --checkpoint={checkpoint}: {checkpoint}.index is missing.")
    return checkpoint, read_config(pathlib.Path(logdir or pathlib.Path(checkpoint).parent))


def kind_of(config: Mapping[str, Any]) -> kinds.Unconditional:
    """Returns the kind of GAN that a run with these flags trains."""
    return kinds.KINDS[config["gan_type"]](config["noise_dims"])


def step_of(checkpoint: str) -> int:
    """Returns the rounds that were trained before a checkpoint, which end its name."""
    _, dash, step = checkpoint.rpartition("-")
    if not (dash and step.isdecimal()):
        raise ValueError(f"{checkpoint} does not end with a number of rounds, as ckpt-100 does.")
    return int(step)


def takes_average(checkpoint: str, config: Mapping[str, Any], averaged: bool | None = None) -> bool:
    """Returns whether averaged weights are read: as asked for and by default, if there are any.

    Raises:
      ValueError: If they are asked for where there are none.
    """
    has_average = bool(config["ema_half_life_images"])
    if averaged and not has_average:
        raise ValueError(
            f"{checkpoint} has no averaged weights: its run had no --ema_half_life_images. Leave "
            "--averaged out, or train a run with it."
        )
    return has_average if averaged is None else averaged


def load_generator(
    checkpoint: str, config: Mapping[str, Any], averaged: bool | None = None
) -> tuple[kinds.Unconditional, tf.keras.Model, str]:
    """Returns a generator with a checkpoint's weights, in TF2.

    Args:
      checkpoint: A checkpoint of a TF2 run or of one with --graph_mode.
      config: The run's flags.
      averaged: Whether it gets the averaged weights; by default, if the run has them.

    Returns:
      The kind of GAN, its generator, and which weights it has: "averaged" or "training".

    Raises:
      ValueError: If the checkpoint is damaged or of another generator, or averaged weights are
        asked for where there are none.
    """
    averaged = takes_average(checkpoint, config, averaged)
    kind = kind_of(config)
    generator = kind.generator(presets.PRESETS[config["preset"]])
    try:
        names = dict(tf.train.list_variables(checkpoint))
        if "_CHECKPOINTABLE_OBJECT_GRAPH" in names:
            _read_objects(checkpoint, generator, averaged)
        else:  # A graph's checkpoint knows variables by names, which are Keras's paths.
            reader = tf.train.load_checkpoint(checkpoint)
            for variable in generator.variables:
                name = f"{variable.path}/average" if averaged else variable.path
                variable.assign(reader.get_tensor(name))
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise ValueError(
            f"{checkpoint} is damaged, or not a checkpoint of this example's generator with "
            f"noise_dims={config['noise_dims']}: {str(error).splitlines()[0]}"
        ) from error
    return kind, generator, "averaged" if averaged else "training"


def export_config(folder: str) -> dict[str, Any]:
    """Returns the flags of the run that examples.mnist_gan.export exported.

    Args:
      folder: What it was called with as --export_dir.

    Raises:
      ValueError: If the folder holds no such export.
    """
    with _needs_export(folder):
        config = json.loads((pathlib.Path(folder) / "metadata.json").read_text())["user"]["config"]
        kind_of(config)
        return config


def load_export(folder: str) -> tf.keras.Model:
    """Returns the generator of what examples.mnist_gan.export wrote.

    Args:
      folder: What it was called with as --export_dir.

    Raises:
      ValueError: If the folder holds no such export, or it is damaged.
    """
    with _needs_export(folder):
        return tf.keras.models.load_model(pathlib.Path(folder) / "generator.keras")


@contextlib.contextmanager
def _needs_export(folder: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"--export_dir={folder} holds no export of examples.mnist_gan.export: {reason}"
        ) from error


def _read_objects(checkpoint: str, generator: tf.keras.Model, averaged: bool) -> None:
    parts = {"generator": generator}
    if averaged:
        average = tfgan.features.WeightAverage()
        average.build([variable.value for variable in generator.variables])
        parts = {"generator_average": average}
    status = tf.train.Checkpoint(**parts).read(checkpoint)
    status.assert_existing_objects_matched().expect_partial()
    if averaged:
        for variable, value in zip(generator.variables, average.averages, strict=True):
            variable.assign(value)


def profile(last_step: int, steps: int) -> tfgan.ProfileHook:
    """Returns the hook that profiles rounds 10 to 20, or what there is, of a run's last `steps`."""
    first = min(10, steps - 1)
    start = last_step - steps
    return tfgan.ProfileHook(start + first, start + min(20, steps))
