"""What the programs' command lines have in common."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from absl import app, flags


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
