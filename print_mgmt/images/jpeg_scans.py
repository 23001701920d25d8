"""Where the entropy-coded data of a JPEG end, and whether all of the image is in them: ITU-T T.81 B.1.1.5 and B.2.

libjpeg fills what is missing with gray and only warns, and its warnings do not come through. So a broken stream is
found by what it has no effect on: whatever stands behind the last bit of a whole image changes no pixel. Data that
break off take it for the rest of the image.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import ImageError

__all__ = ["Scans", "scans_of"]

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # any marker but RSTm; re finds a literal first byte fast
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_EOI, _SOS, _DRI = 0xD9, 0xDA, 0xDD
_FRAMES = {0xC0: 8, 0xC1: 8, 0xC2: 8, 0xC3: 1}  # samples a side of a data unit, by SOF: lossless has single samples
_MOST_SCANS = 256  # progressive images have about ten; each costs the time of the whole image
# Bits that are of no use where the image is complete: no FF among them, and no pattern that decodes to nothing
_REST = bytes((17 + 73 * n + n * n) % 251 for n in range(96))


@dataclass(slots=True)
class Scans:
    """The scans of a JPEG: ``end`` is where its last entropy-coded data end, before the end of image."""

    data: bytes
    end: int = 0
    frame: bytes = b""
    unit: int = 8
    interval: int = 0
    scans: list[tuple[bytes, int, int, int]] = field(default_factory=list)  # header, start, end, restart interval

    def lengthened(self) -> bytes:
        """Return the image with more bits behind its last one."""
        return self.data[: self.end] + _REST + b"\xff\xd9"

    def check_restarts(self) -> None:
        """Raise ImageError where a scan has fewer restart intervals than it needs."""
        for header, start, end, interval in self.scans:
            expected = -(-self._units(header) // interval) - 1 if interval else 0
            found = sum(1 for _ in _RESTART.finditer(self.data, start, end)) if interval else 0
            if found < expected:
                raise ImageError(f"JPEG breaks off after {found + 1} of {expected + 1} restart intervals")

    def _units(self, header: bytes) -> int:
        """Return how many minimum coded units a scan has, T.81 A.2."""
        rows, columns, count = map(int, struct.unpack_from(">xHHB", self.frame))
        sizes = {self.frame[at]: divmod(self.frame[at + 1], 16) for at in range(6, 6 + 3 * count, 3)}
        across, down = (max(size[side] for size in sizes.values()) for side in (0, 1))
        one = sizes[header[1]] if header[0] == 1 else (across, down)
        if header[0] == 1:  # the units of one component are its own
            columns, rows = -(-columns * one[0] // across), -(-rows * one[1] // down)
            across = down = 1
        return -(-columns // (self.unit * across)) * -(-rows // (self.unit * down))


def scans_of(data: bytes) -> Scans:
    """Return the scans of a JPEG. Raises ImageError where it has no end of image, or more scans than any image."""
    scans = Scans(data)
    for code, at, length in _segments(data):
        if code in _FRAMES:
            scans.frame, scans.unit = data[at + 2 : at + length], _FRAMES[code]
        elif code == _DRI:
            (scans.interval,) = struct.unpack_from(">H", data, at + 2)
        elif code == _SOS:
            found = _MARKER.search(data, at + length)
            if found is None:
                break
            if len(scans.scans) == _MOST_SCANS:
                raise ImageError(f"JPEG has more than {_MOST_SCANS} scans")
            end = found.start()
            while data[end - 1] == 0xFF:  # any number of FF may stand before a marker
                end -= 1
            scans.scans.append((data[at + 2 : at + length], at + length, end, scans.interval))
        elif code == _EOI and scans.scans:
            scans.end = scans.scans[-1][2]
            return scans
    raise ImageError(f"JPEG data of {len(data)} bytes is cut off: no end of image behind its scans")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the code of each marker, where its segment begins, and how long that is."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        code, at = found[1][0], found.end()
        if code == _EOI:
            yield code, at, 0
        elif code != 0x01 and code != 0xD8 and at + 2 <= len(data):
            (length,) = struct.unpack_from(">H", data, at)
            yield code, at, length
            at += max(length, 2)
