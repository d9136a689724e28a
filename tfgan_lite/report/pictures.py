"""Pictures in a page, and as an animation of training."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["evenly", "inline_picture", "progress_gif"]

_MOST_FRAMES = 60


def inline_picture(content: bytes, caption: str, kind: str = "png") -> str:
    """A picture with its caption as HTML; the file's content is in the page."""
    encoded = base64.b64encode(content).decode("ascii")
    caption = html.escape(caption)
    return (
        f'<figure class="picture"><img alt="{caption}" src="data:image/{kind};base64,{encoded}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def evenly(values: Sequence, most: int) -> list:
    """At most `most` of some values, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(index)] for index in np.linspace(0, len(values) - 1, most)]


def progress_gif(pictures: Mapping[int, bytes], seconds: float = 6.0) -> bytes:
    """An animated GIF of pictures that were drawn while training went on.

    Args:
      pictures: step -> the content of a PNG file; all of the last one's size, others are left out.
      seconds: how long it takes; the last picture stays two seconds longer.

    Raises:
      ImportError: Pillow is not installed.
      ValueError: fewer than two pictures.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("A GIF needs Pillow: pip install Pillow") from error
    files = [Image.open(io.BytesIO(content)) for content in pictures.values()]  # Their headers.
    files = [file for file in files if file.size == files[-1].size]
    frames = [file.convert("RGB") for file in evenly(files, _MOST_FRAMES)]
    if len(frames) < 2:
        raise ValueError(f"A GIF needs at least two pictures of one size, got {len(frames)}.")
    each = max(40, round(1000 * seconds / len(frames)))
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[each] * (len(frames) - 1) + [each + 2000],
        loop=0,
    )
    return buffer.getvalue()
