"""Writes the generator of a run as files that need no tfgan_lite.

python -m examples.mnist_gan.export --logdir=runs/demo --export_dir=exports/digits

They are a SavedModel, a .keras file, an example to check them with and metadata.json, see
docs/export.md. examples.mnist_gan.generate also draws from them.
"""

import pathlib

from absl import app, flags, logging

import tfgan_lite as tfgan
from examples import command_line
from examples.mnist_gan import kinds, runs

_LOGDIR = flags.DEFINE_string("logdir", None, "The run; its newest checkpoint is exported.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "The checkpoint, such as runs/demo/ckpt-100.")
_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Where to.")
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Whether an earlier export there is replaced.")
_AVERAGED = flags.DEFINE_bool(
    "averaged", None, "Whether averaged weights are exported; by default, if the run has them."
)

_DRY_RUN = command_line.define_dry_run()


@flags.multi_flags_validator(["logdir", "checkpoint"], runs.SOURCE_RULE)
def _a_run_is_named(values) -> bool:
    return any(values.values())


@flags.validator("export_dir", "name a folder that is not there yet: --export_dir=exports/digits")
def _a_place_is_named(export_dir: str | None) -> bool:
    return bool(export_dir)


def main(argv: list[str]) -> None:
    command_line.refuse_arguments(argv)
    with command_line.user_errors():
        if pathlib.Path(_EXPORT_DIR.value).exists() and not _OVERWRITE.value:
            raise ValueError(
                f"--export_dir={_EXPORT_DIR.value} exists: choose another folder, or replace it "
                "with --overwrite."
            )
        checkpoint, config = runs.find_checkpoint(_LOGDIR.value, _CHECKPOINT.value)
        if _DRY_RUN.value:
            command_line.print_configuration(
                {
                    **command_line.flag_values(__name__),
                    "checkpoint": checkpoint,
                    "averaged": runs.takes_average(checkpoint, config, _AVERAGED.value),
                }
            )
            return
        kind, generator, weights = runs.load_generator(checkpoint, config, _AVERAGED.value)
        step = runs.step_of(checkpoint)
        path = tfgan.export(
            kinds.sampling_model(generator, kind.sampled_inputs()),
            _EXPORT_DIR.value,
            metadata={"config": config, "round": step, "weights": weights},
            overwrite=_OVERWRITE.value,
        )
    print(f"{checkpoint}, {weights} weights: {path}")


def run() -> None:
    """Runs the program, as the console script does."""
    logging.set_verbosity(logging.WARNING)  # Saving would say five things that nobody asked.
    app.run(main)


if __name__ == "__main__":
    run()
