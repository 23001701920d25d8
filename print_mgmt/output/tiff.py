"""Writes one or more pages losslessly as TIFF 6.0: gray of 8 or 16 bits, or RGB of 8, with the resolution of the film.

Imaging libraries hold the GIL while they compress, so a server cannot respond meanwhile. This module releases the GIL.
Each strip of lines has the deflated differences between neighboring samples (TIFF Technical Note 2, 2002).
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from ..film.sheet import Page
from .deflate import deflate_bytes
from .page import OutputError, check_page, profile_of

__all__ = ["write_tiff"]

_HEADER = struct.Struct("<2sHL")  # byte order, version, offset of the first directory
_FIRST_LINK = 4  # position of the offset of the first directory
_ENTRY = struct.Struct("<HHL4s")  # tag, type, count, value or its offset
_COUNT, _OFFSET = struct.Struct("<H"), struct.Struct("<L")
_BLOCK = 1 << 20  # bytes of pixels in a strip, unless one line has more
_MAX_OFFSET = (1 << 32) - 1  # the largest offset in a file

_PAGE, _ADOBE_DEFLATE, _DIFFERENCING, _INCH = 2, 8, 2, 2
_DENOMINATOR = 100  # denominator of a resolution
_PHOTOMETRIC = {2: 1, 3: 2}  # by dimensions of the array: BlackIsZero, RGB


class _Field(NamedTuple):
    """A field of a directory (TIFF 6.0 section 8): its tag, type, number of values, and encoded values."""

    tag: int
    kind: int
    length: int
    value: bytes


def write_tiff(pages: Iterable[Page], file: BinaryIO, *, title: str = "") -> None:
    """Write films as the pages of one TIFF file, one page in memory at a time; ``file`` must be empty and seekable.

    Raises OutputError if there is no page, for an invalid page, and if the file would exceed 4 GiB.
    """
    file.write(_HEADER.pack(b"II", 42, 0))
    link = _FIRST_LINK
    for number, page in enumerate(pages):
        check_page(page)
        strips = [(file.tell(), file.write(strip)) for strip in _strips(page)]
        fields = _fields(page, number, strips, title)
        link = _write_directory(file, fields, link)
    if link == _FIRST_LINK:
        raise OutputError("a TIFF file needs at least one page")


def _strips(page: Page) -> Iterator[bytes]:
    """Yield strips of lines, each a zlib stream of the differences between neighboring samples."""
    step = _rows_per_strip(page)
    for top in range(0, len(page.pixels), step):
        block = page.pixels[top : top + step]
        differences = block.astype(block.dtype.newbyteorder("<"), order="C")
        differences[:, 1:] -= block[:, :-1]
        yield deflate_bytes(differences.data)


def _rows_per_strip(page: Page) -> int:
    return max(_BLOCK // (page.pixels.nbytes // len(page.pixels)), 1)


def _fields(page: Page, number: int, strips: Sequence[tuple[int, int]], title: str) -> list[_Field]:
    rows, columns = page.pixels.shape[:2]
    samples = 1 if page.pixels.ndim == 2 else 3
    resolution = struct.pack("<2L", round(page.dpi * _DENOMINATOR), _DENOMINATOR)
    fields = [
        _longs(254, _PAGE),
        _longs(256, columns),
        _longs(257, rows),
        _shorts(258, *[8 * page.pixels.itemsize] * samples),
        _shorts(259, _ADOBE_DEFLATE),
        _shorts(262, _PHOTOMETRIC[page.pixels.ndim]),
        _longs(273, *(offset for offset, _ in strips)),
        _shorts(277, samples),
        _longs(278, _rows_per_strip(page)),
        _longs(279, *(length for _, length in strips)),
        _Field(282, 5, 1, resolution),
        _Field(283, 5, 1, resolution),
        _shorts(296, _INCH),
        _shorts(297, number, 0),  # 0: the number of pages is unknown
        _shorts(317, _DIFFERENCING),
    ]
    if title:
        text = title.encode(errors="replace") + b"\0"
        fields.append(_Field(270, 2, len(text), text))
    profile = profile_of(page)
    fields.append(_Field(34675, 7, len(profile), profile))
    return sorted(fields)


def _shorts(tag: int, *values: int) -> _Field:
    return _Field(tag, 3, len(values), struct.pack(f"<{len(values)}H", *values))


def _longs(tag: int, *values: int) -> _Field:
    if max(values) > _MAX_OFFSET:
        raise OutputError(f"{max(values)} bytes: a TIFF file can have at most 4 GiB")
    return _Field(tag, 4, len(values), struct.pack(f"<{len(values)}L", *values))


def _write_directory(file: BinaryIO, fields: Sequence[_Field], link: int) -> int:
    """Write a directory with its values, and put its offset at the position ``link``.

    Return the position at which the offset of the next directory belongs.
    """
    entries = [_ENTRY.pack(field.tag, field.kind, field.length, _place(file, field.value)) for field in fields]
    start = _pad_to_word(file)
    directory = _COUNT.pack(len(entries)) + b"".join(entries)
    file.write(directory + _OFFSET.pack(0))
    file.seek(link)
    file.write(_longs(0, start).value)
    file.seek(0, 2)
    return start + len(directory)


def _place(file: BinaryIO, value: bytes) -> bytes:
    """Return the four bytes for an entry: the value if it fits, otherwise the offset at which it is written."""
    if len(value) <= _OFFSET.size:
        return value
    offset = _pad_to_word(file)
    file.write(value)
    return _longs(0, offset).value


def _pad_to_word(file: BinaryIO) -> int:
    """Pad the file to a word boundary (TIFF 6.0 section 2), and return the offset."""
    if file.tell() % 2:
        file.write(b"\0")
    return file.tell()
