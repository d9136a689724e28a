"""The command `tfgan-lite`."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from collections.abc import Sequence

__all__ = ["main", "run"]


def main(arguments: Sequence[str]) -> int:
    """Runs the command.

    Args:
      arguments: those after the program's name.

    Returns:
      The exit code: 0, or 1 where the folder holds no run or a file cannot be written.

    Raises:
      SystemExit: with code 2, where the arguments are wrong.
    """
    options = _parser().parse_args(arguments)
    output = options.output or str(pathlib.Path(options.logdir) / "report.html")
    if options.dry_run:
        choices = {"logdir": options.logdir, "output": output, "gif": options.gif}
        print(json.dumps(choices, indent=2))
        return 0
    import tensorflow as tf

    from tfgan_lite.report.page import write_report

    # Of its readers of event files TensorFlow has one that works in graphs, too, and deprecates it.
    tf.get_logger().setLevel("ERROR")
    try:
        print(write_report(options.logdir, output, options.gif))
    except (OSError, ValueError, tf.errors.OpError) as error:
        print(f"tfgan-lite report: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tfgan-lite", description="What to do with a run of tfgan_lite.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser(
        "report",
        help="write a run as one HTML page",
        description="Writes a run's curves, pictures, metrics and configuration as one HTML page.",
        allow_abbrev=False,
    )
    report.add_argument("logdir", help="the folder that gan_train wrote to")
    report.add_argument("--output", help="the HTML file; LOGDIR/report.html by default")
    report.add_argument(
        "--nogif", dest="gif", action="store_false", help="without a GIF of training's progress"
    )
    report.add_argument(
        "--dry_run", action="store_true", help="print what would be done, and do nothing"
    )
    return parser


def run() -> None:
    """Runs the program, as the console script does."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
