"""Trains a GAN to draw handwritten digits.

python -m examples.mnist_gan.train --logdir=runs/demo
python -m examples.mnist_gan.train --logdir=runs/mnist --dataset=mnist --data_path=mnist.npz
python -m examples.mnist_gan.train --logdir=runs/own --dataset=folder --data_path=photos
python -m examples.mnist_gan.train --logdir=runs/conditional --gan_type=conditional
python -m examples.mnist_gan.train --logdir=runs/r3gan --preset=r3gan
python -m examples.mnist_gan.train --logdir=runs/half --mixed_precision=bfloat16
python -m examples.mnist_gan.train --logdir=runs/gpus --strategy=mirrored --batch_size=256

Without --dataset it needs no data: it learns from the 1,797 real digits that scikit-learn carries.
--gan_type says what the generator is told besides noise (see kinds.py), and --preset chooses the
recipe (see presets.py). --mixed_precision=bfloat16 computes in half as many bits, where
the machine is faster so. --strategy says on which devices and machines it trains (see devices.py;
--batch_size counts the examples of all of them). In the folder --logdir you find:

  samples.png    what the generator draws at the end, one row for each class where it can be asked
                 for one; real.png has real digits beside it
  number_*.png   of an infogan: what its two continuous codes change, from left to right
  interpolation.png  rows that go from one noise to another
  metrics.json   how good that is, and how good real digits are by the same measures
  metrics.jsonl  how good it was every 500 rounds, by 1,000 images
  pictures/      the same noise drawn again and again while the generator learns
  config.json    the flags; a second call with the same --logdir trains on from the checkpoint
  ckpt-*         checkpoints, which examples.mnist_gan.eval and .generate read
  events.out.*   curves and pictures, for `tensorboard --logdir=...`

`tfgan-lite report` makes one page of all of it, report.html.

The default recipe is DCGAN's (https://arxiv.org/abs/1511.06434: Adam with beta_1 = 0.5, batch norm,
the non-saturating loss), with its rate of 2e-4 raised to 1e-3 and falling: after 1000 rounds of
MNIST the Frechet distance was 66 so, and 82 at a constant 5e-4. It was 97 at a constant 1e-3
without batch norm in the discriminator and with one layer fewer in the generator.

`main` below is the program; what comes before it are its flags.
"""

import contextlib
import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
from absl import app, flags, logging

import tfgan_lite as tfgan
from examples import command_line, files
from examples.mnist_gan import data, devices, hooks, kinds, pictures, presets, runs, scores

# Rounds and batch size, chosen as the other defaults are: by trying. On MNIST, 6000 rounds of 64
# (384,000 images) bring the Frechet distance to 32 and the classifier score to 7.9. On digits, 4000
# rounds of 32 (128,000 images) bring them to 74 and 8.8, and 2500 of 64 to 83 and 8.6.
_STEPS = {"digits": 4000, "mnist": 6000, "npz": 6000, "folder": 6000}
_BATCH_SIZES = {"digits": 32, "mnist": 64, "npz": 64, "folder": 64}
# What labels tell need not be found out: 1500 rounds of MNIST bring an acgan's distance to 14.
_STEPS_WITH_LABELS = {"digits": 2000, "mnist": 3000, "npz": 3000, "folder": 3000}
_JIT_COMPILE = {"auto": "auto", "true": True, "false": False}

_GAN_TYPE = flags.DEFINE_enum(
    "gan_type",
    "unconditional",
    list(kinds.KINDS),
    "What the generator is told besides noise: nothing; the digit (conditional, acgan); or codes "
    "that it gives a meaning to by itself (infogan).",
)
_PRESET = flags.DEFINE_enum(
    "preset",
    "default",
    list(presets.PRESETS),
    "The recipe: DCGAN's or R3GAN's networks, loss and rates. Other flags change parts of it.",
)
_DATASET = flags.DEFINE_enum(
    "dataset", "digits", data.DATASETS, "Embedded digits, MNIST, or images of your own."
)
_DATA_PATH = flags.DEFINE_string(
    "data_path",
    None,
    "For mnist a folder with the idx files, a keras-style .npz, or nothing to download it; for npz "
    "the file, with images x_train, and x_test if you have them; for folder a folder or a zip "
    "archive of images, with a folder for each class if you have classes.",
)
_SKIP_BAD = flags.DEFINE_bool(
    "skip_bad", False, "Whether bad files of a folder are left out, instead of an error."
)
_LOGDIR = flags.DEFINE_string(
    "logdir", "runs/mnist_gan", "Output folder; a run already there is resumed."
)
_MAX_STEPS = flags.DEFINE_integer(
    "max_number_of_steps",
    None,
    f"Rounds to train in this call. By default {_STEPS['digits']} on digits and {_STEPS['mnist']} "
    "on others, and half as many with a --gan_type that learns from labels.",
    lower_bound=1,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    None,
    f"Images in a sub-step. By default {_BATCH_SIZES['digits']} on digits and "
    f"{_BATCH_SIZES['mnist']} on others.",
    lower_bound=1,
)
_NOISE_DIMS = flags.DEFINE_integer(
    "noise_dims", 64, "Random numbers that an image is made from.", lower_bound=1
)
_GENERATOR_STEPS = flags.DEFINE_integer(
    "generator_steps", 1, "Updates of the generator in a round.", lower_bound=0
)
_DISCRIMINATOR_STEPS = flags.DEFINE_integer(
    "discriminator_steps", 1, "Updates of the discriminator in a round.", lower_bound=0
)
_JOINT = flags.DEFINE_bool(
    "joint", False, "Whether both networks are updated at once, from one batch, instead of in turn."
)
_GENERATOR_LR = flags.DEFINE_float(
    "generator_lr",
    None,
    "Adam's learning rate for the generator; along a cosine it falls to 0 at the last round. By "
    "default the preset's, as are all that follow without a default.",
    lower_bound=0.0,
)
_DISCRIMINATOR_LR = flags.DEFINE_float(
    "discriminator_lr", None, "The same for the discriminator.", lower_bound=0.0
)
_LOSS = flags.DEFINE_enum(
    "loss", None, sorted(presets.LOSSES), "What the networks minimise; see tfgan_lite.losses."
)
_GAMMA = flags.DEFINE_float(
    "gamma", None, "Weight of both the R1 and the R2 penalty.", lower_bound=0.0
)
_EMA_HALF_LIFE_IMAGES = flags.DEFINE_float(
    "ema_half_life_images",
    None,
    "Images after which an old weight counts half in the averaged generator, which then draws; "
    "0 for no average.",
    lower_bound=0.0,
)
_GRADIENT_PENALTY_WEIGHT = flags.DEFINE_float(
    "gradient_penalty_weight",
    0.0,
    "Weight of the Wasserstein gradient penalty; 10 is usual with --loss=wasserstein.",
    lower_bound=0.0,
)
_METRIC_STEPS = flags.DEFINE_integer(
    "metric_steps",
    500,
    "Rounds between two scores of 1,000 images, for a curve; 0 for none.",
    lower_bound=0,
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Equal seeds give equal runs on one machine, where --jit_compile is not auto.",
    lower_bound=0,
    upper_bound=2**31 - 1,
)
_JIT = flags.DEFINE_enum(
    "jit_compile", "auto", list(_JIT_COMPILE), "Whether XLA compiles; auto measures what is faster."
)
_MIXED_PRECISION = flags.DEFINE_enum(
    "mixed_precision",
    "float32",
    presets.PRECISIONS,
    "What the networks compute in, where weights stay float32. float16 has a loss scale.",
)
_GRAPH_MODE = flags.DEFINE_bool(
    "graph_mode", False, "Whether the program runs in a tf.Graph, as TF1 did, instead of TF2."
)
_PROFILE = flags.DEFINE_bool(
    "profile",
    False,
    "Whether ten of the first rounds are traced, and the end says what their time was spent on.",
)
_DRY_RUN = command_line.define_dry_run()
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "auto",
    devices.STRATEGIES,
    "The devices that train: one; mirrored over this machine's GPUs; multiworker over the machines "
    "of TF_CONFIG; the cores of a tpu; or auto, what there is.",
)


@flags.multi_flags_validator(["dataset", "data_path"], data.PATH_RULE)
def _path_fits(values) -> bool:
    return data.path_fits(**values)


@flags.multi_flags_validator(
    ["strategy", "graph_mode"], "--strategy works in TF2 only, not with --graph_mode"
)
def _no_strategy_in_graph(values) -> bool:
    return not (values["graph_mode"] and values["strategy"] != "auto")


@flags.multi_flags_validator(
    ["generator_steps", "discriminator_steps"], "a round must update a network at least once"
)
def _round_is_not_empty(values) -> bool:
    return any(values.values())


@flags.multi_flags_validator(
    ["jit_compile", "graph_mode"], "--jit_compile=true works in TF2 only, not with --graph_mode"
)
def _no_jit_in_graph(values) -> bool:
    return not (values["graph_mode"] and values["jit_compile"] == "true")


def main(argv: list[str]) -> None:
    command_line.refuse_arguments(argv)
    logdir = pathlib.Path(_LOGDIR.value)
    config = _config()
    if _DRY_RUN.value:
        command_line.print_configuration(config)
        return
    kind = kinds.KINDS[_GAN_TYPE.value](_NOISE_DIMS.value)

    # Whatever can be wrong with flags and files shows here, before any work that could be lost.
    with command_line.user_errors():
        strategy = None if _GRAPH_MODE.value else devices.make_strategy(_STRATEGY.value)
        digits = data.load(_DATASET.value, _DATA_PATH.value, skip_bad=_SKIP_BAD.value)
        data.check_batch_size(digits, config["batch_size"])
        devices.check_batch_size(strategy, config["batch_size"])
        if kind.needs_labels:
            data.check_labels(digits, f"--gan_type={_GAN_TYPE.value}")
        judge = scores.Judge.load(_DATASET.value, _DATA_PATH.value, _SKIP_BAD.value)
        start_step = runs.claim(logdir, config)
        pictures.save_png(logdir / "real.png", _grid(digits.images[:100] / 127.5 - 1.0))
    last_step = start_step + config["max_number_of_steps"]

    # The same program in either world: it is the one around the call that counts.
    world = contextlib.nullcontext if strategy is None else strategy.scope
    with tf.Graph().as_default() if _GRAPH_MODE.value else world():
        drawn = train(digits, kind, config, last_step, judge)
    if drawn is None:  # Another process draws, and writes files.
        return

    images = drawn.pop("images")
    for name, grid in drawn.items():
        pictures.save_png(logdir / f"{name}.png", _grid(grid))
    report = {
        "dataset": _DATASET.value,
        "gan_type": _GAN_TYPE.value,
        "preset": _PRESET.value,
        "seed": _SEED.value,
        "number_of_steps": last_step,
        "weights": "averaged" if config["ema_half_life_images"] else "training",
        **judge.report(images, kind.scores),
    }
    files.write_json(logdir / "metrics.json", report)
    print(scores.table(report))
    print(f"Pictures: {logdir / 'samples.png'}   Metrics: {logdir / 'metrics.json'}")


def train(
    digits: data.Digits,
    kind: kinds.Unconditional,
    config: dict[str, Any],
    last_step: int,
    judge: scores.Judge,
) -> dict[str, np.ndarray] | None:
    """Trains up to a round, from a checkpoint if --logdir has one.

    Args:
      digits: What to learn from.
      kind: What the generator is told, and what the discriminator tells.
      config: This program's flags.
      last_step: The round to stop after.
      judge: Scores images, now and then; as many as it has real ones are drawn in the end.

    Returns:
      What the trained generator draws, float32 [N, 28, 28, 1] in [-1, 1]: "images" are random ones,
      for the judge; the others are the kind's grids. None on all machines but one.
    """
    seed = config["seed"]
    tf.keras.utils.set_random_seed(seed)  # The initial weights ...
    tf.compat.v1.set_random_seed(seed)  # ... and in a graph all other random numbers.
    preset = presets.PRESETS[config["preset"]].computing_in(config["mixed_precision"])

    # 1. Two networks, connected to real images and to noise.
    generator = kind.generator(preset)
    batch_norm = not (config["gradient_penalty_weight"] or config["gamma"])
    dataset = data.as_dataset(digits, config["batch_size"], seed, kind.needs_labels)
    model = kind.model(generator, preset.features(batch_norm), dataset)

    # 2. What each of them minimises.
    generator_loss, discriminator_loss = presets.LOSSES[config["loss"]]
    loss = tfgan.gan_loss(
        model,
        generator_loss_fn=generator_loss,
        discriminator_loss_fn=discriminator_loss,
        gradient_penalty_weight=config["gradient_penalty_weight"],
        penalties=[
            (tfgan.losses.r1_penalty, config["gamma"], 1),
            (tfgan.losses.r2_penalty, config["gamma"], 1),
            *kind.penalties,
        ],
        **kind.loss_weights,
    )

    # 3. How each of them is updated. With falling rates the last rounds settle what was learned.
    train_steps = tfgan.GANTrainSteps(config["generator_steps"], config["discriminator_steps"])
    generator_rate, discriminator_rate = (
        tf.keras.optimizers.schedules.CosineDecay(rate, decay_steps=max(1, updates) * last_step)
        for rate, updates in zip((config["generator_lr"], config["discriminator_lr"]), train_steps)
    )
    average = None
    if config["ema_half_life_images"]:
        average = tfgan.features.WeightAverage(config["ema_half_life_images"])
    train_ops = tfgan.gan_train_ops(
        model,
        loss,
        generator_optimizer=preset.optimizer(generator_rate),
        discriminator_optimizer=preset.optimizer(discriminator_rate),
        generator_average=average,
        discriminator_metrics={"accuracy": tfgan.losses.discriminator_accuracy},
        summarize_gradients=True,
    )

    # 4. How many updates make a round, and what else happens between rounds.
    if config["joint"]:
        get_hooks_fn = tfgan.get_joint_train_hooks(train_steps)
    else:
        get_hooks_fn = tfgan.get_sequential_train_hooks(train_steps)
    drawn, chief_only_hooks = hooks.watching(
        kind, generator, average, config, last_step, judge.num_images
    )
    if config["metric_steps"]:
        sampled = kinds.sampling_model(generator, kind.sampled_inputs())
        chief_only_hooks.append(judge.hook(sampled, config["metric_steps"], average, seed))
    if config["profile"]:
        chief_only_hooks.append(runs.profile(last_step, config["max_number_of_steps"]))

    # 5. Rounds, until a hook stops them.
    with command_line.user_errors((tfgan.NanLossError,)):
        tfgan.gan_train(
            train_ops,
            config["logdir"],
            get_hooks_fn=get_hooks_fn,
            hooks=[tfgan.StopAtStepHook(last_step=last_step)],
            chief_only_hooks=chief_only_hooks,
            save_checkpoint_secs=60,
            save_summaries_steps=None,  # SummaryHook is among the hooks.
            seed=seed,
            # More rounds than at first stretch the decay of the learning rates.
            allow_changes=True,
            jit_compile=_JIT_COMPILE[config["jit_compile"]],
        )
    return drawn.final_ops_values


def _grid(images: np.ndarray) -> np.ndarray:
    return pictures.image_grid(images, columns=10)


def _config() -> dict[str, Any]:
    """Returns this program's flags by name, with the preset's values where none were given."""
    config = command_line.flag_values(__name__)
    for name, value in presets.PRESETS[_PRESET.value].defaults.items():
        config[name] = value if config[name] is None else config[name]
    steps = _STEPS_WITH_LABELS if kinds.KINDS[_GAN_TYPE.value].needs_labels else _STEPS
    config["max_number_of_steps"] = _MAX_STEPS.value or steps[_DATASET.value]
    config["batch_size"] = _BATCH_SIZE.value or _BATCH_SIZES[_DATASET.value]
    if _DATA_PATH.value is not None:  # So that it is right in every folder.
        config["data_path"] = os.path.abspath(os.path.expanduser(_DATA_PATH.value))
    return config


def run() -> None:
    """Runs the program, as the console script does."""
    logging.set_verbosity(logging.WARNING)  # ProgressHook says the rest; --verbosity=0 says more.
    app.run(main)


if __name__ == "__main__":
    run()
