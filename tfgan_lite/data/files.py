"""Images in a folder or in a zip archive, one folder for each class or all in one."""

from __future__ import annotations

import os
import pathlib
import re
import stat
import threading
import zipfile
import zlib

from tfgan_lite.data.bad_files import BadFile
from tfgan_lite.data.source import Source, existing, is_image, sort_files, source_of_files
from tfgan_lite.data.splits import SPLITS, chosen_part

__all__ = ["folder_source", "zip_source"]

_ENCRYPTED = 1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def folder_source(path: str, split: str) -> Source:
    """Returns the images below a folder.

    Args:
      path: The folder. Where it has a folder "train" and one of another split, those are its
        parts; else all of it is "train".
      split: The part to read.

    Raises:
      FileNotFoundError: There is nothing at the path.
      MissingSplitError: There is no such part.
      ValueError: It is no folder, or some images are in a class's folder and some in none.
    """
    root = existing(path).resolve()
    if not root.is_dir():
        raise ValueError(f"{root} is a file, but a folder of images was expected.")
    parts = {name for name in SPLITS if (root / name).is_dir()}
    root = root / (chosen_part(str(root), parts, split) or "")
    found, bad_files = [], []
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in [*folders, *files]:
            file = pathlib.Path(folder, name)
            relative = file.relative_to(root).as_posix()
            reason = _refused(root, file)
            if reason is None and name in files:
                found.append(relative)
            elif reason is not None and (name in folders or is_image(name)):
                bad_files.append(BadFile(relative, reason))

    def read(name: str, max_bytes: int) -> bytes:
        with open(root / name, "rb") as file:
            return _at_most(file.read(max_bytes + 1), max_bytes)

    images, ignored = sort_files(found)
    return source_of_files(str(root), "folder", images, read, bad_files, ignored)


def zip_source(path: str, split: str) -> Source:
    """Returns the images in a zip archive, which is read in place and never unpacked.

    Args:
      path: The archive. Its folders mean what those of `folder_source` mean.
      split: The part to read.

    Raises:
      FileNotFoundError: There is nothing at the path.
      MissingSplitError: There is no such part.
      ValueError: It is no zip archive, or some images are in a class's folder and some in none.
    """
    file = existing(path)
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, *_DAMAGED) as error:
        raise ValueError(f"{file} is no whole zip archive ({error}): fetch it again.") from error
    members = {m.filename: m for m in archive.infolist() if not m.is_dir()}
    images, ignored = sort_files(list(members))
    reasons = {name: _refused_member(members[name]) for name in images}
    bad_files = [BadFile(name, reason) for name, reason in reasons.items() if reason]
    images = [name for name in images if not reasons[name]]
    parts = {name.split("/")[0] for name in images} & set(SPLITS)
    part = chosen_part(str(file), parts, split)
    images = [name for name in images if part is None or name.startswith(f"{part}/")]
    one_at_a_time = threading.Lock()

    def read(name: str, max_bytes: int) -> bytes:
        try:
            with one_at_a_time, archive.open(members[name]) as member:
                return _at_most(member.read(max_bytes + 1), max_bytes)
        except _DAMAGED as error:
            raise ValueError(f"cannot be unpacked: {error}") from error

    return source_of_files(str(file), "zip", images, read, bad_files, ignored)


def _refused(root: pathlib.Path, file: pathlib.Path) -> str | None:
    """Why a file or folder is not read; None if it is."""
    try:
        if file.is_symlink():
            target = file.resolve()
            if not target.is_relative_to(root):
                return f"leads out of the folder, to {target}: copy it"
            if target.is_dir():
                return "is a link to a folder, which is read in its own place: remove the link"
        mode = os.stat(file).st_mode
    except (OSError, RuntimeError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    # Reading a pipe would wait for ever.
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "is not a file"


def _refused_member(member: zipfile.ZipInfo) -> str | None:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or re.match("[A-Za-z]:", name):
        return "leads out of the archive: pack it anew"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a symbolic link: pack the file itself"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted: pack it without a password"
    return None


def _at_most(content: bytes, max_bytes: int) -> bytes:
    if len(content) > max_bytes:
        raise ValueError(f"is longer than {max_bytes} bytes, the most that max_pixels allows")
    return content
