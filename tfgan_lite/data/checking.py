"""Reading every image once, before training: what is wrong shows here, all of it, and by name."""

from __future__ import annotations

import concurrent.futures
import hashlib
import io
import os
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from tfgan_lite.data.bad_files import BadFile
from tfgan_lite.data.headers import Header, read_header
from tfgan_lite.data.preparation import Preparation
from tfgan_lite.data.source import Source

__all__ = ["Facts", "checked_content", "decode_all", "facts_of", "read_headers"]

# No encoding makes an image longer than its pixels are, with four channels of 16 bits, and some.
_BYTES_PER_PIXEL, _MORE_BYTES = 8, 2**20
_SECONDS_BETWEEN_WORDS = 10
# Lines of TensorFlow's errors that tell where in a graph, instead of what.
_NOT_A_REASON = ("Graph execution error", "Detected at node", "Node:", "[[", "<stack traces")


class Facts(NamedTuple):
    """What there is to say of a prepared image.

    Attributes:
      digest: A hash of its pixels: 16 bytes that, for all one knows, no other image has.
      low: The darkest level in it.
      high: The brightest one.
    """

    digest: bytes
    low: int
    high: int


def facts_of(image: np.ndarray) -> Facts:
    """Returns the facts of an image uint8 [H, W, C]."""
    digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
    return Facts(digest, int(image.min()), int(image.max()))


def checked_content(source: Source, index: int, max_pixels: int) -> tuple[bytes, Header]:
    """Returns an encoded image and what it declares.

    Args:
      source: Where it is.
      index: Which one.
      max_pixels: The most that it may declare.

    Raises:
      OSError, ValueError: It cannot be read, is no image, or declares more pixels.
    """
    content = source.read(index, max_pixels * _BYTES_PER_PIXEL + _MORE_BYTES)
    header = read_header(io.BytesIO(content))
    if header.num_pixels > max_pixels:
        raise ValueError(
            f"declares {header.num_pixels} pixels, more than max_pixels={max_pixels}: it was not "
            "decoded"
        )
    return content, header


def read_headers(source: Source, max_pixels: int) -> list[Header | BadFile]:
    """Returns what every image of a source declares, or what is wrong with it."""
    return _attempts(
        lambda index: checked_content(source, index, max_pixels)[1],
        source,
        range(len(source.names)),
    )


def decode_all(
    source: Source,
    indices: Sequence[int],
    preparation: Preparation,
    max_pixels: int,
    pixels: np.ndarray | None = None,
) -> list[Facts | BadFile]:
    """Prepares images, and returns the facts of each, or what is wrong with it.

    Args:
      source: Where they are.
      indices: Which.
      preparation: What is done to them.
      max_pixels: The most that one may declare.
      pixels: uint8 [number of indices, H, W, C], where the results go if they are to be kept.
    """
    rows = {index: row for row, index in enumerate(indices)}
    # A session, unlike eager code, works whatever world the caller is in.
    with tf.Graph().as_default(), tf.device("cpu"), tf.compat.v1.Session() as session:
        encoded = tf.compat.v1.placeholder(tf.string, [])
        prepare = session.make_callable(preparation.of_encoded(encoded), [encoded])

        def facts(index: int) -> Facts:
            content, _ = checked_content(source, index, max_pixels)
            image = prepare(content)
            if pixels is not None:
                pixels[rows[index]] = image
            return facts_of(image)

        return _attempts(facts, source, indices)


def _attempts(function: Callable[[int], Any], source: Source, indices: Sequence[int]) -> list:
    """Returns what a function gives for each index, in threads; what it raises is a bad file."""

    def attempt(index: int) -> Any:
        try:
            return function(index)
        except (OSError, ValueError, tf.errors.OpError) as error:
            return BadFile(source.names[index], _reason(error))

    found, told = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        for result in threads.map(attempt, indices):
            found.append(result)
            if time.monotonic() > told + _SECONDS_BETWEEN_WORDS:
                logging.info("Reading %s: %d of %d", source.path, len(found), len(indices))
                told = time.monotonic()
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, tf.errors.OpError):
        lines = [line.strip() for line in error.message.splitlines()]
        said = next((x for x in lines if x and not x.startswith(_NOT_A_REASON)), "no reason given")
        return f"cannot be decoded: {re.sub(r'{{.*?}}', '', said).strip()}"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return str(error)
