"""What an image file declares in its first bytes, read without decoding a single pixel.

A file of a few kilobytes can declare a billion pixels: a decoder that believes it takes all of the
memory there is. So the declaration is read first, by these few lines that only ever look at a few
bytes at a time.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

__all__ = ["Header", "read_header"]

# By their first bytes: formats that TensorFlow decodes, and those that people try.
_UNSUPPORTED = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\1\0": "an icon",
    b"8BPS": "a Photoshop file",
    b"%PDF": "PDF",
    b"\x76\x2f\x31\x01": "OpenEXR",
}
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}


class Header(NamedTuple):
    """What a file declares.

    Attributes:
      format: "jpeg", "png", "gif" or "bmp".
      height: In pixels.
      width: In pixels.
      is_grey: Whether it has neither colour nor transparency.
      num_pixels: How many a decoder makes, which are more than height x width in an animation.
    """

    format: str
    height: int
    width: int
    is_grey: bool
    num_pixels: int


def read_header(file: BinaryIO) -> Header:
    """Returns what an image file declares.

    Args:
      file: Open for reading bytes, at the start of the image, and seekable.

    Raises:
      ValueError: The file is no image of a format that TensorFlow decodes, or is cut short.
    """
    start = file.read(12)
    if not start:
        raise ValueError("is empty")
    file.seek(0)
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(file)
    if start.startswith(b"\xff\xd8\xff"):
        return _jpeg(file)
    if start.startswith((b"GIF87a", b"GIF89a")):
        return _gif(file)
    if start.startswith(b"BM"):
        return _bmp(file)
    raise ValueError(
        f"is {_described(start)}, and not a JPEG, PNG, GIF or BMP image: convert it, for instance "
        "to PNG"
    )


def _described(start: bytes) -> str:
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[4:8] == b"ftyp":
        return "HEIF, AVIF or a film"
    return _UNSUPPORTED.get(start[:4], f"of an unknown kind (it starts with {start[:4]!r})")


def _png(file: BinaryIO) -> Header:
    _skip(file, 8)
    length, kind, width, height, _, colour = struct.unpack(">I4sIIBB", _exactly(file, 18))
    if kind != b"IHDR" or length != 13:
        raise ValueError("is damaged: a PNG starts with its header, and this does not")
    return _still("png", height, width, is_grey=colour == 0)


def _jpeg(file: BinaryIO) -> Header:
    _skip(file, 2)
    while True:
        if _exactly(file, 1) != b"\xff":
            raise ValueError("is damaged: no JPEG marker where one must be")
        marker = 0xFF
        while marker == 0xFF:  # Any number of these may fill up.
            marker = _exactly(file, 1)[0]
        if marker in _JPEG_WITHOUT_LENGTH:
            continue
        if marker in (0xD9, 0xDA):
            raise ValueError("is damaged: a JPEG without a size before its pixels")
        (length,) = struct.unpack(">H", _exactly(file, 2))
        if marker in _JPEG_FRAMES:
            _, height, width, components = struct.unpack(">BHHB", _exactly(file, 6))
            return _still("jpeg", height, width, is_grey=components == 1)
        _skip(file, length - 2)


def _bmp(file: BinaryIO) -> Header:
    _skip(file, 14)
    fields = struct.unpack("<IiiHHIIiiII", _exactly(file, 40))
    header_size, width, height, _, bits, packed, *_, num_colours, _ = fields
    if bits not in (8, 24, 32) or packed not in (0, 3):
        raise ValueError("is a BMP that is packed or of few colours: convert it to PNG")
    if bits == 8:  # TensorFlow takes numbers of colours for levels of grey.
        num_colours = num_colours or 256
        _skip(file, header_size - 40)
        colours = _exactly(file, 4 * min(num_colours, 256))
        if any(set(colours[4 * i : 4 * i + 3]) != {i} for i in range(len(colours) // 4)):
            raise ValueError("is a BMP with a palette: convert it to PNG")
    # A height below zero says that rows go from the top down.
    return _still("bmp", abs(height), width, is_grey=bits == 8)


def _gif(file: BinaryIO) -> Header:
    """Walks over all frames: the decoder reads them all, though it gives the first alone."""
    _skip(file, 6)
    width, height, flags, _, _ = struct.unpack("<HHBBB", _exactly(file, 7))
    _skip_colours(file, flags)
    num_pixels = 0
    while (block := file.read(1)) not in (b";", b""):
        if block == b"!":  # An extension: its kind, then sub-blocks.
            _skip(file, 1)
        elif block == b",":  # A frame: its place and size, maybe colours, the code size.
            frame = struct.unpack("<HHHHB", _exactly(file, 9))
            num_pixels += frame[2] * frame[3]
            _skip_colours(file, frame[4])
            _skip(file, 1)
        else:
            raise ValueError("is damaged: no GIF block where one must be")
        while (size := _exactly(file, 1)[0]) > 0:
            _skip(file, size)
    return _still("gif", height, width, is_grey=False)._replace(
        num_pixels=max(num_pixels, height * width)
    )


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        _skip(file, 3 << ((flags & 7) + 1))


def _still(kind: str, height: int, width: int, is_grey: bool) -> Header:
    if height < 1 or width < 1:
        raise ValueError(f"is damaged: it declares {height} x {width} pixels")
    return Header(kind, height, width, is_grey, height * width)


def _skip(file: BinaryIO, size: int) -> None:
    if size < 0:
        raise ValueError("is damaged: a part of less than no bytes")
    file.seek(size, 1)


def _exactly(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise ValueError("is cut short: it ends before it says how large the image is")
    return content
