"""The tile-parts of a JPEG 2000 codestream, and whether they hold the whole image: ITU-T T.800 A.4.2, B.9 and B.10.

OpenJPEG takes a packet that is missing for an empty one, and gives the pixels of a missing tile the value 0, both
without a word. Three facts reveal an image that is not whole:

- Each tile has as many tile-parts as its headers say.
- Without data after the last packet, the decoder refuses a packet that is cut off.
- With a header of a packet that breaks the rules after the last packet of each tile, the decoder reads it in place of a
  missing packet, and fails. If no packet is missing, it is never read.

The third test is the normal decoding. It does not find a last packet that is cut off, because the decoder takes the
missing bytes from the false header. The second test does, but decodes the image again. So it is made only if the last
tile-part has no length (Psot 0) or a wrong one; otherwise, the lengths show that no byte is missing.

Then it is also tested whether the decoder needs the last byte, as data or as an empty packet: if data in the middle are
missing, it rarely does. That test fails before the last tile is decoded, unless the last packet is empty.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

__all__ = ["TileParts", "decode_whole", "read", "segments"]

_SOC, _EOC, _SOT_MARKER = b"\xff\x4f", b"\xff\xd9", b"\xff\x90"
_PPM, _PPT, _SOT, _SOD = 0x60, 0x61, 0x90, 0x93
_GRID = struct.Struct(">2x8L")  # Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz
_SOT_FIELDS = struct.Struct(">HLBB")  # Isot, Psot, TPsot, TNsot
_SIZ_AT, _PSOT_AT = 6, 6  # offsets from SOC to the content of SIZ, and from SOT to Psot
# A packet header whose bits are all 1: the length of its first code-block has more than 32 bits. Bit stuffing makes 7F
# of each second byte (B.10.1). A missing packet without code-blocks takes two bytes, so there are more than needed
_FALSE_HEADER = b"\xff\x7f" * 32
_MAX_ZPPT = 0xFF

_Pixels = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class _TilePart:
    """A tile-part: ``start`` is the offset of its SOT, ``body`` the offset after SOD.

    ``count`` is the number of tile-parts of the tile, or 0 if unknown. ``packed`` is the greatest index of the segments
    PPT, which hold packet headers; -1 if there are none.
    """

    tile: int
    count: int
    packed: int
    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class TileParts:
    """The tile-parts of a codestream.

    ``is_open``: the last tile-part has no length. ``is_wrong``: its length counts the end of image. ``is_packed``: all
    packet headers are in the main header (PPM).
    """

    data: bytes
    parts: tuple[_TilePart, ...]
    is_open: bool
    is_wrong: bool
    is_packed: bool

    @property
    def end(self) -> int:
        """The offset after the last tile-part."""
        return self.parts[-1].end

    @property
    def has_end(self) -> bool:
        """Whether an end of image follows the last tile-part."""
        return self.data.startswith(_EOC, self.end)

    def check(self) -> None:
        """Raise ImageError if a tile, a tile-part, or a byte of a tile-part is missing."""
        right, bottom, _, _, width, height, left, top = _GRID.unpack_from(self.data, _SIZ_AT)
        tiles = -(-(right - left) // width) * -(-(bottom - top) // height)
        found: dict[int, int] = {}
        for part in self.parts:
            found[part.tile] = found.get(part.tile, 0) + 1
        if len(found) < tiles:
            raise ImageError(f"JPEG 2000 data break off: they have {len(found)} of {tiles} tiles (T.800 B.3)")
        for part in self.parts:
            if found[part.tile] < part.count:
                parts = f"{found[part.tile]} of {part.count} tile-parts"
                raise ImageError(f"JPEG 2000 data break off: tile {part.tile} has {parts} (T.800 A.4.2)")
        if self.end > len(self.data):
            raise ImageError(f"JPEG 2000 data break off after {len(self.data)} of {self.end} bytes (T.800 A.4.2)")

    def closed(self) -> bytes:
        """Return the codestream with its end of image, and without further data."""
        return self._with_last(self.data[self.parts[-1].body : self.end])

    def without_last_byte(self, tail: bytes = b"") -> bytes:
        """Return the codestream with ``tail`` in place of the last byte of its data."""
        return self._with_last(self.data[self.parts[-1].body : max(self.end - 1, self.parts[-1].body)] + tail)

    def _with_last(self, body: bytes) -> bytes:
        """Return the codestream with other data of the last tile-part, which then has no length."""
        last = self.parts[-1]
        at = last.start + _PSOT_AT
        return b"".join((self.data[:at], bytes(4), self.data[at + 4 : last.body], body, _EOC))

    def with_false_packets(self) -> bytes:
        """Return the codestream with a false packet header after the last packet of each tile."""
        last = {part.tile: part for part in self.parts}
        packed: dict[int, int] = {}
        for part in self.parts:
            packed[part.tile] = max(part.packed, packed.get(part.tile, -1))
        pieces = [self.data[: self.parts[0].start]]
        for part in self.parts:
            header, body = self.data[part.start : part.body - 2], self.data[part.body - 2 : part.end]
            if part is last[part.tile]:
                index = packed[part.tile] + 1
                header, body = (header + _ppt(index), body) if index else (header, body + _FALSE_HEADER)
            pieces += header[:_PSOT_AT], struct.pack(">L", len(header) + len(body)), header[_PSOT_AT + 4 :], body
        return b"".join((*pieces, _EOC))


def _ppt(index: int) -> bytes:
    """Return a segment PPT with a false packet header; nothing if ``index`` is too large."""
    if index > _MAX_ZPPT:
        return b""
    return struct.pack(">BBHB", 0xFF, _PPT, len(_FALSE_HEADER) + 3, index) + _FALSE_HEADER


def decode_whole(parts: TileParts, decode: Callable[[bytes], _Pixels]) -> tuple[_Pixels, list[str]]:
    """Return the pixels that ``decode`` makes of a codestream, and the faults that are tolerated.

    ``decode`` may be called again, with a changed codestream. Raises ImageError if the data end before the image, and
    the errors of ``decode``.
    """
    parts.check()
    faults = []
    if parts.is_open or parts.is_wrong:
        decode(parts.closed())
        with suppress(ImageError):
            decode(parts.without_last_byte())
            decode(parts.without_last_byte(_FALSE_HEADER))  # the last packet may be empty: a byte 0 or 80
            faults.append("have bytes after the last packet: data before them may be missing (T.800 B.10)")
    pixels = decode(parts.with_false_packets())
    if parts.is_wrong:
        faults.append("have a tile-part of 2 bytes less than its length: data may be missing (T.800 A.4.2)")
    if parts.is_packed:
        faults.append("have all packet headers in front: packets may be missing (T.800 A.7.4)")
    return pixels, faults


def read(data: bytes) -> TileParts:
    """Return the tile-parts of a codestream. Raises ImageError if there are none, or a header is cut off."""
    parts: list[_TilePart] = []
    sot = tile = count = 0
    packed, is_open, is_packed = -1, False, False
    try:
        for code, start, end in segments(data):
            if code == _SOT:
                tile, length, _, count = _SOT_FIELDS.unpack_from(data, start)
                sot, packed = start - 4, -1
                is_open |= length == 0
            elif code == _SOD and sot:
                parts.append(_TilePart(tile, count, packed, sot, start, end))
                sot = 0
            elif code == _PPT:
                packed = max(packed, data[start])
            is_packed |= code == _PPM
    except (struct.error, IndexError) as exc:
        raise ImageError("the header of a JPEG 2000 image ends too early") from exc
    if not parts:
        raise ImageError("JPEG 2000 data break off: they have no tile-part (T.800 A.4.2)")
    end = parts[-1].end
    found = _first_marker(data, parts[-1].body, end)
    if found is not None:
        if found != end - len(_EOC):
            sizes = f"{found - parts[-1].start} of {end - parts[-1].start} bytes"
            raise ImageError(f"JPEG 2000 data break off: a tile-part ends after {sizes} (T.800 A.4.2)")
        parts[-1] = replace(parts[-1], end=found)
    return TileParts(data, tuple(parts), is_open=is_open, is_wrong=found is not None, is_packed=is_packed)


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield code, start and end of each segment of the main header and of all headers of tile-parts.

    The content of SOD is the data of the tile-part; they may end after the end of ``data``.
    """
    at, tile_part, length = len(_SOC), 0, 0
    while at + 4 <= len(data) and data[at] == 0xFF:
        code, content = data[at + 1], at + 4
        end = content - 2 + max(int.from_bytes(data[at + 2 : content], "big"), 2)
        if code == _SOT:
            tile_part, length = at, int.from_bytes(data[at + 6 : at + 10], "big")
        elif code == _SOD:
            content = at + 2
            end = tile_part + length if length else _end_of_last(data, content)
            if end < content:
                return
        yield code, content, end
        at = end


def _end_of_last(data: bytes, body: int) -> int:
    """Return the end of a tile-part without length: the end of image, or the padding."""
    end = data.find(_EOC, body)
    return max(len(data.rstrip(b"\0")), body) if end < 0 else end


def _first_marker(data: bytes, body: int, end: int) -> int | None:
    """Return where a marker begins that data never contain; None if there is none, or the end of image follows.

    A marker across the end counts, too: then a byte is missing.
    """
    if data.startswith(_EOC, end):  # no length is wrong; a search takes up to 10 % of the time of HTJ2K
        return None
    found = [at for marker in (_EOC, _SOT_MARKER) if (at := data.find(marker, body, end + 1)) >= 0]
    return min(found, default=None)
