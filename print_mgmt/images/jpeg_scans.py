"""The scans of a JPEG, and whether they hold the whole image: ITU-T T.81 B.1.1.5 and B.2.

libjpeg fills missing data with gray and only warns, and its Python bindings discard the warning. Two facts reveal a
broken image nevertheless:

- When the data of a scan run out, libjpeg makes all further units (T.81 A.2) mid-gray. So the image is decoded with one
  row of units more than it has. If that row is not mid-gray, the data have reached the end of the image.
- Bytes appended to the data of a whole image change no pixel; in a broken image, they take the place of missing data.

The first test is part of the normal decoding, and adds 5 to 15 % to its time. The second test decodes the image again,
and adds 100 to 160 %. So it is made only for images that fail the first test or that the first test cannot judge. The
latter are progressive images and images of several scans. Images with chrominances of half the height are decoded again
without the added row, because their last rows are interpolated with it.

If data in the middle are missing, the decoder takes other bits for the rest of the image, and may need fewer of them.
Then it makes further units of the bits that remain, and the added row has more than one unit that is not mid-gray.

Each restart interval (T.81 B.2.4.4) is decoded by itself. If one lacks data, its last unit is mid-gray.
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

__all__ = ["MAX_SCANS", "Scans", "decode_whole", "scans_of"]

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # any marker but RSTm; re finds a literal first byte fast
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_EOI, _SOS, _DRI = 0xD9, 0xDA, 0xDD
_PROGRESSIVE, _LOSSLESS = 0xC2, 0xC3
_FRAMES = {0xC0: 8, 0xC1: 8, _PROGRESSIVE: 8, _LOSSLESS: 1}  # samples on a side of a data unit, by SOF
MAX_SCANS = 256  # progressive images have about ten; each scan takes as long as a whole image
_MAX_ROWS = 65500  # the limit of libjpeg
# Bytes to append. They change pixels if data are missing: they contain neither FF, which begins a marker, nor a
# repeated pattern, which may decode to units without content
_EXTRA_BYTES = bytes((17 + 73 * n + n * n) % 251 for n in range(96))
# Other bytes, which begin with ones: libjpeg replaces missing bits by zeros, and the bytes above begin with zeros, too
_OTHER_BYTES = bytes(254 - value for value in _EXTRA_BYTES)
_MORE_BYTES = 16  # so many of them before each restart marker: a large image may have a million intervals
_ALL_BITS = 0xFF  # a coefficient without a scan lacks so many of its lowest bits
_BLEED = 2  # columns beside a unit that are interpolated with it if chrominances are subsampled


@dataclass(slots=True)
class Scans:
    """The scans of a JPEG: ``end`` is the end of the last entropy-coded data, before the end of image.

    ``frame`` is the content of the frame header, at ``frame_offset``; ``code`` is the marker before it. ``interval`` is
    the current restart interval. ``scans`` has header, start, end and restart interval of each scan.
    """

    data: bytes
    end: int = 0
    frame: bytes = b""
    frame_offset: int = 0
    code: int = 0
    interval: int = 0
    scans: list[tuple[bytes, int, int, int]] = field(default_factory=list)

    def with_extra_bytes(self, extra: bytes = _OTHER_BYTES) -> bytes:
        """Return the image with further bytes after the data of each scan and each restart interval."""
        pieces: list[bytes] = []
        at = 0
        for header, start, end, interval in self.scans:
            for marker in islice(_RESTART.finditer(self.data, start, end), self._restarts(header, interval)):
                pieces += self.data[at : marker.start()].rstrip(b"\xff"), extra[:_MORE_BYTES]
                at = marker.start()
            pieces += self.data[at:end], extra
            at = end
        return b"".join((*pieces, b"\xff\xd9"))

    def with_extra_row(self) -> tuple[bytes, int] | None:
        """Return the image with a further row of units, and the number of pixel rows before that row.

        The result is None if missing data do not always make that row mid-gray, or if libjpeg allows no further row.
        """
        _, rows, _, count = self._size()
        if not self.is_one_scan:
            return None
        height = _FRAMES[self.code] * (self._max_factor(1) if count > 1 else 1)
        before = -(-rows // height) * height
        if before + height > _MAX_ROWS:
            return None
        at = self.frame_offset + 1
        return self.data[:at] + struct.pack(">H", before + height) + self.data[at + 2 :], before

    @property
    def is_one_scan(self) -> bool:
        """Whether one scan holds the whole image."""
        return self.code != _PROGRESSIVE and len(self.scans) == 1 and self.scans[0][0][0] == self._size()[3]

    @property
    def rows(self) -> int:
        """The number of pixel rows."""
        return self._size()[1]

    @property
    def middle(self) -> int:
        """The value of mid-gray."""
        return 1 << self._size()[0] - 1

    @property
    def heights_differ(self) -> bool:
        """Whether the components differ in height."""
        return len({down for _, down in self._factors().values()}) > 1

    def check_headers(self) -> None:
        """Check that frame header and scan headers are complete and agree with each other.

        Raises ValueError, LookupError, ZeroDivisionError or struct.error otherwise.
        """
        for header, *_ in self.scans:
            self._units(header)
            if len(header) < 4 + 2 * header[0]:
                raise ValueError(header)

    def check_restarts(self) -> None:
        """Raise ImageError if a scan has fewer restart intervals than it needs."""
        for header, start, end, interval in self.scans:
            expected = self._restarts(header, interval)
            found = sum(1 for _ in _RESTART.finditer(self.data, start, end)) if expected else 0
            if found < expected:
                raise ImageError(f"JPEG breaks off after {found + 1} of {expected + 1} restart intervals")

    def check_coefficients(self) -> None:
        """Raise ImageError if the scans lack a component, or a bit of a coefficient (T.81 G.1.1.1).

        The first scan of a coefficient leaves out its lowest bits, and each further scan has the next one of them.
        """
        missing = {component: [_ALL_BITS] * 64 for component in self._factors()}
        for header, *_ in self.scans:
            ends = 1 + 2 * header[0]
            first, last, high, low = 0, 63, 0, 0
            if self.code == _PROGRESSIVE:
                first, last, (high, low) = header[ends], header[ends + 1], divmod(header[ends + 2], 16)
            for component in header[1:ends:2]:
                bits = missing.get(component, [])
                if self.code == _PROGRESSIVE and any(left != (high or _ALL_BITS) for left in bits[first : last + 1]):
                    raise ImageError("JPEG lacks a scan: bits of coefficients are missing (ISO 10918-1 G.1.1.1)")
                bits[first : last + 1] = [low] * len(bits[first : last + 1])
        if any(map(any, missing.values())):
            raise ImageError(
                "JPEG breaks off: it lacks scans of its components, or of their last bits (ISO 10918-1 B.2.1)"
            )

    def has_gray_interval(self, image: NDArray[np.generic]) -> bool:
        """Return whether the last unit of a restart interval may be mid-gray; the last interval does not count.

        A few pixels of each unit are compared, none of them at its edge, where chrominances are interpolated.
        """
        header, _, _, interval = self.scans[0]
        restarts = self._restarts(header, interval)
        if not (self.is_one_scan and restarts):
            return False
        across, down = self._unit(header)
        last = interval * (1 + np.arange(restarts)) - 1
        tops, lefts = np.divmod(last, -(-self._size()[2] // across))
        is_gray = np.ones(restarts, np.bool_)
        for row in (down // 4, down // 2):
            for column in range(across // 4, max(across - across // 4, 1), max(across // 8, 1)):
                rows, columns = tops * down + row, lefts * across + column
                is_inside = (rows < image.shape[0]) & (columns < image.shape[1])
                pixels = image[rows * is_inside, columns * is_inside].reshape(restarts, -1)
                is_gray &= ~is_inside | (pixels == self.middle).all(axis=1)
                if not is_gray.any():
                    return False
        return True

    def has_more(self, added: NDArray[np.generic]) -> bool:
        """Return whether the added row has more than one unit that is not mid-gray: data are left over.

        In lossless JPEG, the added row does not show it: the differences are 0, not the pixels.
        """
        across, _ = self._unit(self.scans[0][0])
        return self.code != _LOSSLESS and bool(np.any(added[:, across + _BLEED :] != self.middle))

    def check_same(self, image: NDArray[np.generic], longer: NDArray[np.generic]) -> None:
        """Raise ImageError if ``longer``, the pixels of `with_extra_bytes`, differ from the pixels of the image."""
        if not np.array_equal(image, longer):
            raise ImageError("JPEG data break off before the image ends (ISO 10918-1 B.1.1.5)")

    def _size(self) -> tuple[int, int, int, int]:
        """Return precision, rows, columns and number of components."""
        precision, rows, columns, count = map(int, struct.unpack_from(">BHHB", self.frame))
        return precision, rows, columns, count

    def _factors(self) -> dict[int, tuple[int, int]]:
        """Return the horizontal and the vertical sampling factor of each component."""
        ends = range(6, 6 + 3 * self._size()[3], 3)
        return {self.frame[at]: divmod(self.frame[at + 1], 16) for at in ends}

    def _max_factor(self, side: int) -> int:
        return max(factors[side] for factors in self._factors().values())

    def _unit(self, header: bytes) -> tuple[int, int]:
        """Return the columns and rows of a minimum coded unit in a scan of all components, T.81 A.2."""
        unit, is_one = _FRAMES[self.code], header[0] == 1
        return (unit, unit) if is_one else (unit * self._max_factor(0), unit * self._max_factor(1))

    def _restarts(self, header: bytes, interval: int) -> int:
        """Return how many restart markers a scan needs."""
        return -(-self._units(header) // interval) - 1 if interval else 0

    def _units(self, header: bytes) -> int:
        """Return the number of minimum coded units in a scan, T.81 A.2."""
        _, rows, columns, _ = self._size()
        unit, across, down = _FRAMES[self.code], self._max_factor(0), self._max_factor(1)
        if header[0] == 1:  # in a scan of one component, a unit is one data unit
            own = self._factors()[header[1]]
            columns, rows = -(-columns * own[0] // across), -(-rows * own[1] // down)
            across = down = 1
        return -(-columns // (unit * across)) * -(-rows // (unit * down))


def decode_whole(
    data: bytes,
    decode: Callable[[bytes], NDArray[np.generic]],
    *,
    had_end: bool = True,
    report: list[str] | None = None,
) -> NDArray[np.generic]:
    """Return the pixels that ``decode`` makes of a JPEG. ``decode`` may be called again, with a changed JPEG.

    Without ``had_end``, the end of image has been added to the data. Then all tests are made, and only one scan is
    allowed, because further scans may be missing. ``report`` receives a fault that is tolerated. Raises ImageError if
    the data end before the image, and the errors of `scans_of` and ``decode``.
    """
    scans = scans_of(data)
    scans.check_restarts()
    if not (had_end or scans.is_one_scan):
        raise ImageError("JPEG of several scans has no end of image: scans may be missing (ISO 10918-1 B.2.1)")
    scans.check_coefficients()
    extra = scans.with_extra_row()
    reaches_end = False
    if extra is not None:
        taller, before = extra
        image = decode(taller)
        added, image = image[before + scans.heights_differ :], image[: scans.rows]
        reaches_end = bool(np.any(added != scans.middle))
        if report is not None and scans.has_more(added):
            report.append("bytes follow the last unit of the JPEG: data before them may be missing (ISO 10918-1 A.2)")
    if extra is None or scans.heights_differ:
        image = decode(data)
    if reaches_end and had_end and not scans.has_gray_interval(image):
        return image
    scans.check_same(image, decode(scans.with_extra_bytes()))
    if not had_end:
        scans.check_same(image, decode(scans.with_extra_bytes(_EXTRA_BYTES)))
    return image


def scans_of(data: bytes) -> Scans:
    """Return the scans of a JPEG. Raises ImageError for a broken header, no end of image, or too many scans."""
    try:
        scans = _read_scans(data)
        scans.check_headers()
    except (ValueError, LookupError, ZeroDivisionError, struct.error) as exc:
        raise ImageError("a header in the JPEG is broken (ISO 10918-1 B.2)") from exc
    return scans


def _read_scans(data: bytes) -> Scans:
    scans = Scans(data)
    for code, at, length in _segments(data):
        if code in _FRAMES:
            scans.frame, scans.frame_offset, scans.code = data[at + 2 : at + length], at + 2, code
        elif code == _DRI:
            (scans.interval,) = struct.unpack_from(">H", data, at + 2)
        elif code == _SOS:
            found = _MARKER.search(data, at + length)
            if found is None:
                break
            if len(scans.scans) == MAX_SCANS:
                raise ImageError(f"JPEG has more than {MAX_SCANS} scans")
            end = found.start()
            while data[end - 1] == 0xFF:  # any number of FF may stand before a marker
                end -= 1
            scans.scans.append((data[at + 2 : at + length], at + length, end, scans.interval))
        elif code == _EOI and scans.scans:
            scans.end = scans.scans[-1][2]
            return scans
    raise ImageError(f"JPEG data of {len(data)} bytes are cut off: no end of image follows the scans")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the code of each marker with a segment, the offset of the segment, and its length. EOI has length 0."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        code, at = found[1][0], found.end()
        if code == _EOI:
            yield code, at, 0
        elif code != 0x01 and code != 0xD8 and at + 2 <= len(data):
            (length,) = struct.unpack_from(">H", data, at)
            yield code, at, length
            at += max(length, 2)
