"""Where the file of the published Inception network is found, and how it gets there."""

from __future__ import annotations

import hashlib
import io
import os
import pathlib
import shutil
import tarfile
import tempfile
import urllib.parse
import urllib.request
import zlib

__all__ = ["ARCHIVE", "GRAPH", "INCEPTION_URL", "SAVED_MODEL", "find", "graph_in_archive"]

PathLike = str | os.PathLike[str]

ARCHIVE = "inception-2015-12-05.tgz"
GRAPH = "classify_image_graph_def.pb"
SAVED_MODEL = "tfgan_eval_inception_1"
INCEPTION_URL = (
    f"https://storage.googleapis.com/download.tensorflow.org/models/image/imagenet/{ARCHIVE}"
)
PATH_VARIABLE = "TFGAN_LITE_INCEPTION"
CACHE_VARIABLE = "TFGAN_LITE_CACHE"


def find(
    path: PathLike | None = None,
    *,
    cache_dir: PathLike | None = None,
    download: bool | str = False,
    sha256: str | None = None,
) -> pathlib.Path:
    """Returns the file or the folder of the network.

    Args:
      path: The file or folder itself.
      cache_dir: Where to look, and to download to.
      download: Whether to download if nothing is found, or the URL to do it from.
      sha256: What a downloaded file's must be.

    Raises:
      FileNotFoundError: It is not there.
      ValueError: It is not what was downloaded once, or a download is not what it must be.
    """
    named = path if path is not None else os.environ.get(PATH_VARIABLE)
    if named is not None:
        named = pathlib.Path(named).expanduser()
        if not named.exists():
            by = "" if path is not None else f" (of the variable {PATH_VARIABLE})"
            raise FileNotFoundError(f"There is no {named}{by}. {_instructions(named)}")
        return named
    cache = pathlib.Path(
        cache_dir or os.environ.get(CACHE_VARIABLE) or "~/.cache/tfgan_lite"
    ).expanduser()
    for name in (ARCHIVE, GRAPH, SAVED_MODEL):
        if (cache / name).exists():
            return _as_on_the_first_day(cache / name)
    if download:
        url = INCEPTION_URL if download is True else download
        return _download(url, cache / ARCHIVE, sha256)
    raise FileNotFoundError(f"There is no Inception network. {_instructions(cache / ARCHIVE)}")


def graph_in_archive(content: bytes, path: pathlib.Path) -> bytes:
    """Returns the graph in the published archive, without unpacking anything to disk."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
            for member in archive:
                if pathlib.PurePosixPath(member.name).name == GRAPH and member.isfile():
                    return archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{path} is no whole archive ({len(content):,} bytes, {error}): it may be truncated. "
            "Download it again."
        ) from error
    raise ValueError(f"{path} has no {GRAPH} in it: it is another archive.")


def _instructions(place: pathlib.Path) -> str:
    return (
        f"Published FIDs are made with {INCEPTION_URL} (about 89 MB): download it to {place}, or "
        f"to any place that `path` or the variable {PATH_VARIABLE} names; {GRAPH} of it is "
        "enough. Or pass download=True. The SavedModel tfgan/eval/inception/1 does as well."
    )


def _download(url: str, place: pathlib.Path, sha256: str | None) -> pathlib.Path:
    """Downloads a file, and writes down its hash."""
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme not in ("https", "file") and not (scheme == "http" and sha256):
        raise ValueError(f"download must be an https URL, or http with a sha256, not {url!r}.")
    place.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that what is there at last is whole.
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
        partial = pathlib.Path(file.name)
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                shutil.copyfileobj(response, file)
            file.flush()
            digest = _digest(partial)
            if sha256 is not None and sha256.lower() != digest:
                raise ValueError(f"{url} has the SHA-256 {digest}, but {sha256} was expected.")
            _note_of(place).write_text(f"{digest}  {place.name}\n", encoding="utf-8")
            os.replace(partial, place)
        finally:
            partial.unlink(missing_ok=True)
    return place


def _as_on_the_first_day(place: pathlib.Path) -> pathlib.Path:
    """Returns `place`; a ValueError if its hash is not the one that was written down."""
    note = _note_of(place)
    if place.is_file() and note.is_file():
        words = note.read_text(encoding="utf-8").split()
        digest = _digest(place)
        if not words or words[0].lower() != digest:
            raise ValueError(
                f"{place} has the SHA-256 {digest}, but {note.name} beside it says "
                f"{words[0] if words else 'nothing'}. Remove both and download again."
            )
    return place


def _note_of(place: pathlib.Path) -> pathlib.Path:
    return place.with_name(f"{place.name}.sha256")


def _digest(place: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with place.open("rb") as file:
        for block in iter(lambda: file.read(2**20), b""):
            digest.update(block)
    return digest.hexdigest()
