"""Accepts images of pydicom and Pillow, which it recognizes by their methods, without importing either library.

A Data Set of pydicom writes itself as a file, which this package then reads. `pillow` reads images of Pillow.
"""

import io
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dimse.data import File
from dimse.data.part10 import read_file
from dimse.errors import DimseError

from .errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ForeignDataset", "ForeignPicture", "file_of", "pillow_of"]


@runtime_checkable
class ForeignDataset(Protocol):
    """The methods that identify a Data Set of pydicom."""

    def save_as(self, filename: io.BytesIO, /) -> object: ...

    def group_dataset(self, group: int, /) -> object: ...


@runtime_checkable
class ForeignPicture(Protocol):
    """The methods that identify an image of Pillow."""

    @property
    def mode(self) -> str: ...

    def getbands(self) -> tuple[str, ...]: ...

    def tobytes(self) -> bytes: ...


def file_of(dataset: ForeignDataset) -> File:
    """Return a Data Set of pydicom as a file. Raises ImageError if pydicom cannot write it, or we cannot read it."""
    stream = io.BytesIO()
    meta = getattr(dataset, "file_meta", None)
    try:
        if getattr(meta, "TransferSyntaxUID", None) is None:
            dataset.save_as(stream, implicit_vr=False, little_endian=True)  # type: ignore[call-arg]  # pydicom 3
        else:
            dataset.save_as(stream)
        return read_file(stream.getvalue())
    except DimseError as exc:
        raise ImageError(f"a Data Set of {type(dataset).__module__}: {exc}") from exc
    except Exception as exc:  # the other library may raise anything
        words = " ".join(str(exc).split())
        raise ImageError(f"a Data Set of {type(dataset).__module__} cannot be written: {words}") from exc


def pillow_of(picture: object) -> "Image.Image":
    """Return ``picture`` if it is an image of Pillow. Raises ImageError for an object that only looks like one."""
    refusal = f"{type(picture).__name__} is not an image of Pillow: pass an array (numpy.asarray)"
    try:
        from PIL import Image
    except ImportError as exc:
        raise ImageError(refusal) from exc
    if not isinstance(picture, Image.Image):
        raise ImageError(refusal)
    return picture
