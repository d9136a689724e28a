"""Scores a checkpoint of examples.mnist_gan.train.

python -m examples.mnist_gan.eval --logdir=runs/demo
python -m examples.mnist_gan.eval --checkpoint=runs/demo/ckpt-1000 --num_images=5000

Compare only scores of equally many images: the Frechet distance falls as there are more of them.
"""

import pathlib

from absl import app, flags

import tfgan_lite as tfgan
from examples import command_line, files
from examples.mnist_gan import data, kinds, runs, scores

_LOGDIR = flags.DEFINE_string("logdir", None, "The run; its newest checkpoint is scored.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "The checkpoint, such as runs/demo/ckpt-100.")
_DATASET = flags.DEFINE_enum(
    "dataset", None, data.DATASETS, "Real images to compare with; the run's own by default."
)
_DATA_PATH = flags.DEFINE_string("data_path", None, "As for train; the run's own by default.")
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images",
    None,
    "Images to generate; as many as there are real ones, and at most 10,000, by default.",
    lower_bound=2,
)
_SEED = flags.DEFINE_integer(
    "seed", None, "Equal seeds give equal images; the run's own by default.", lower_bound=0
)
_AVERAGED = flags.DEFINE_bool(
    "averaged", None, "Whether averaged weights draw; by default, if the run has them."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "The JSON file; eval-<round>.json beside the checkpoint by default."
)
_DRY_RUN = command_line.define_dry_run()


@flags.multi_flags_validator(["logdir", "checkpoint"], runs.SOURCE_RULE)
def _a_run_is_named(values) -> bool:
    return any(values.values())


@flags.multi_flags_validator(["dataset", "data_path"], data.PATH_RULE)
def _path_fits(values) -> bool:
    return values["dataset"] is None or data.path_fits(**values)


def main(argv: list[str]) -> None:
    command_line.refuse_arguments(argv)
    with command_line.user_errors():
        checkpoint, config = runs.find_checkpoint(_LOGDIR.value, _CHECKPOINT.value)
        step = runs.step_of(checkpoint)
        dataset, data_path = _DATASET.value, _DATA_PATH.value
        if dataset is None:
            dataset, data_path = config["dataset"], data_path or config["data_path"]
        seed = config["seed"] if _SEED.value is None else _SEED.value
        default_output = pathlib.Path(checkpoint).with_name(f"eval-{step}.json")
        output = pathlib.Path(_OUTPUT.value or default_output)
        if _DRY_RUN.value:
            command_line.print_configuration(
                {
                    **command_line.flag_values(__name__),
                    "checkpoint": checkpoint,
                    "dataset": dataset,
                    "data_path": data_path,
                    "seed": seed,
                    "averaged": runs.takes_average(checkpoint, config, _AVERAGED.value),
                    "output": str(output),
                }
            )
            return
        judge = scores.Judge.load(dataset, data_path, config.get("skip_bad", False))
        kind, generator, weights = runs.load_generator(checkpoint, config, _AVERAGED.value)
    num_images = _NUM_IMAGES.value or judge.num_images
    model = kinds.sampling_model(generator, kind.sampled_inputs())
    images = tfgan.generate(model, num_images, seed=seed).numpy()
    evaluation = judge.evaluate(images, seed, weights)
    report = {
        "dataset": dataset,
        "gan_type": config["gan_type"],
        "preset": config["preset"],
        "seed": seed,
        "number_of_steps": step,
        "checkpoint": checkpoint,
        "weights": weights,
        **judge.report(images, kind.scores, kinds.asked(num_images) if kind.needs_labels else None),
        **judge.path_length(kind.draw, lambda inputs: generator(inputs, training=False), seed),
        **evaluation.to_dict(),
    }
    with command_line.user_errors():
        files.write_json(output, report)
    print(f"{checkpoint}\n{scores.table(report)}\n{evaluation}\nMetrics: {output}")


def run() -> None:
    """Runs the program, as the console script does."""
    app.run(main)


if __name__ == "__main__":
    run()
