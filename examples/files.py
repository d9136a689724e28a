"""Files that the programs leave behind: whole, or not there at all."""

import io
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def write_file(path: pathlib.Path, content: bytes) -> None:
    """Writes a file, whole or not at all, over an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def write_json(path: pathlib.Path, values: Mapping[str, Any]) -> None:
    """Writes finite numbers and texts as JSON, whole or not at all."""
    text = json.dumps(values, indent=2, allow_nan=False)
    write_file(path, f"{text}\n".encode())


def npz(**arrays: np.ndarray | int) -> bytes:
    """Returns arrays as the content of a compressed .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
