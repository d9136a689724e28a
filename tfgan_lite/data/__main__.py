"""Checks images before anybody trains on them, and prints their card.

python -m tfgan_lite.data photos --image_size=64

The exit code is 0 if all are good, and 1 if some are bad, all of which are named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from absl import app, flags

from tfgan_lite.data.loading import KINDS, kind_of, load

_KIND = flags.DEFINE_enum("kind", None, KINDS, "What is there; by default what it looks like.")
_SPLIT = flags.DEFINE_string("split", "train", "The part to read.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", None, "The side to resize to.", lower_bound=1)
_CHANNELS = flags.DEFINE_enum("channels", None, ["1", "3", "4"], "Grey, colour, with opacity.")
_SKIP_BAD = flags.DEFINE_bool("skip_bad", False, "Whether bad files are left out, not refused.")
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print what would be read and how, and read nothing."
)


def main(argv: Sequence[str]) -> None:
    if len(argv) != 2:
        raise app.UsageError("Name one folder, archive or file of images.")
    try:
        choices = {
            "path": argv[1],
            "kind": _KIND.value or kind_of(argv[1]),
            "split": _SPLIT.value,
            "image_size": _IMAGE_SIZE.value,
            "channels": None if _CHANNELS.value is None else int(_CHANNELS.value),
            "skip_bad": _SKIP_BAD.value,
        }
        if _DRY_RUN.value:
            print(json.dumps(choices, indent=2))
            return
        images = load(**choices, memory_limit=0)  # Nobody trains on them here.
    except (OSError, ImportError, ValueError) as error:
        sys.exit(str(error))
    print(images.card)


if __name__ == "__main__":
    app.run(main)
