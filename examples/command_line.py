"""What the programs' command lines have in common."""

import contextlib
import json
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from absl import app, flags

flags.disclaim_key_flags()  # What is defined here is the calling program's, in its --help too.


def define_dry_run() -> flags.FlagHolder:
    """Defines --dry_run: who has it prints its configuration, by `print_configuration`."""
    return flags.DEFINE_bool(
        "dry_run", False, "Print the resulting configuration and exit; touch no file."
    )


def refuse_arguments(argv: Sequence[str]) -> None:
    """Raises app.UsageError where there is more than flags, such as a flag without its dashes."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")


def flag_values(module: str) -> dict[str, Any]:
    """Returns a program's own flags by name, without --dry_run; `module` is its `__name__`."""
    own = flags.FLAGS.get_key_flags_for_module(sys.modules[module])
    return {flag.name: flag.value for flag in own if flag.name != "dry_run"}


def print_configuration(config: Mapping[str, Any]) -> None:
    """Prints what the flags come to, as JSON: what --dry_run is for."""
    print(json.dumps(config, indent=2))


@contextlib.contextmanager
def user_errors(
    errors: tuple[type[Exception], ...] = (OSError, ImportError, ValueError),
) -> Iterator[None]:
    """Turns errors that the user can mend into a sentence on stderr and the exit code 1.

    Args:
      errors: By default those of reading flags and files. Nothing else belongs inside then: a fault
        in a program shall keep its traceback.
    """
    try:
        yield
    except errors as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {error}")
