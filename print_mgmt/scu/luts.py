"""Presentation LUTs as an SCU sends them: PS3.3 C.11.4; from a shape, a table, or a file.

A file has one whole number a line, 256 or 4096 of them, for the values 0 and up: the P-Values, of as many bits as the
largest needs, 10 at least and 16 at most. Empty lines and what follows a ``#`` do not count.
"""

import os
from pathlib import Path

import numpy as np

from dimse.data import Dataset, Element, tag_of
from dimse.errors import EncodeError

from ..film import LUT_SHAPES, PresentationLUT

__all__ = ["read_lut", "to_dataset"]

_ENTRIES = (256, 4096)  # as many as values that 8 and 12 bits have
_LEAST_BITS, _MOST_BITS = 10, 16
_LONGEST = 1 << 20  # bytes of a file


def to_dataset(lut: PresentationLUT) -> Dataset:
    """What N-CREATE of a Presentation LUT sends, PS3.4 Table H.4-20. Raises `EncodeError`."""
    if lut.table is None:
        if lut.shape not in LUT_SHAPES:
            raise EncodeError(f"{lut.shape!r} is none of {', '.join(LUT_SHAPES)}", path="PresentationLUTShape")
        return Dataset(PresentationLUTShape=lut.shape)
    table = np.asarray(lut.table)
    if table.shape not in ((256,), (4096,)):
        raise EncodeError(f"has {table.size} entries, not 256 or 4096 (PS3.3 C.11.4)", path="LUTData")
    if not _LEAST_BITS <= lut.bits <= _MOST_BITS or table.min() < 0 or int(table.max()) >> lut.bits:
        raise EncodeError(f"has {table.max()} where there are {lut.bits} bits, 10 to 16 (PS3.3 C.11.4)", path="LUTData")
    item = Dataset(LUTDescriptor=[len(table), 0, lut.bits])
    item.add(Element(tag_of("LUTData"), "OW", table.astype("<u2").tobytes()))
    return Dataset(PresentationLUTSequence=[item])


def read_lut(path: str | os.PathLike[str]) -> PresentationLUT:
    """A table from a file. Raises `EncodeError` for a line that is no entry, OSError for a file that cannot be read."""
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        lines = file.read(_LONGEST).splitlines()
    entries = []
    for number, line in enumerate(lines, 1):
        written = line.partition("#")[0].strip()
        if not written:
            continue
        if not (written.isascii() and written.isdecimal()) or len(written) > 5 or int(written) > 0xFFFF:
            raise EncodeError(f"line {number}: {written[:20]!r} is no entry, 0 to 65535", path=os.fspath(path))
        entries.append(int(written))
    if len(entries) not in _ENTRIES:
        raise EncodeError(f"has {len(entries)} entries, not 256 or 4096 (PS3.3 C.11.4)", path=os.fspath(path))
    bits = max(_LEAST_BITS, max(entries).bit_length())
    return PresentationLUT(table=np.array(entries, np.uint16), bits=bits)
