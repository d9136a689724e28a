"""Your own images: checked, made of one size, and streamed to training."""

from tfgan_lite.data.bad_files import BadFile, BadFilesError, MissingSplitError
from tfgan_lite.data.card import DatasetCard
from tfgan_lite.data.images import Images
from tfgan_lite.data.loading import KINDS, from_arrays, load

__all__ = [
    "BadFile",
    "BadFilesError",
    "DatasetCard",
    "Images",
    "KINDS",
    "MissingSplitError",
    "from_arrays",
    "load",
]
