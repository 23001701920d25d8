"""Reading and writing the big-endian fields of PDUs, PS3.8 §9.3.1.

A `Reader` reads the PDUs other than P-DATA-TF, unless a faster decoder (such as `common_ac`) reads them. A `Reader`
never reads past the end of its PDU or item. Each read names the field in the standard's words, so that an error states
the field, the item and the offset.
"""

from struct import Struct
from typing import Any

from ..errors import DecodeError, EncodeError, LimitExceeded
from ..limits import Limits

__all__ = ["HEADER", "Buffer", "Reader", "ascii_bytes", "ascii_text", "framed"]

Buffer = bytes | bytearray | memoryview

HEADER = Struct(">BxI")  # PDU-type, reserved, PDU-length: octets 1-6 of every PDU

_TYPES = [f"{kind:02X}H" for kind in range(256)]  # item types in the standard's notation
_RULES = {  # the sections that define PDUs, items and sub-items
    "A-ASSOCIATE-RQ": "PS3.8 §9.3.2",
    "A-ASSOCIATE-AC": "PS3.8 §9.3.3",
    "A-ASSOCIATE-RJ": "PS3.8 §9.3.4",
    "A-RELEASE-RQ": "PS3.8 §9.3.6",
    "A-RELEASE-RP": "PS3.8 §9.3.7",
    "A-ABORT": "PS3.8 §9.3.8",
    "10H": "PS3.8 §9.3.2.1",
    "20H": "PS3.8 §9.3.2.2",
    "21H": "PS3.8 §9.3.3.2",
    "30H": "PS3.8 §9.3.2.2.1",
    "40H": "PS3.8 §9.3.2.2.2",
    "50H": "PS3.8 §9.3.2.3",
    "51H": "PS3.8 §D.1",
    "52H": "PS3.7 §D.3.3.2",
    "53H": "PS3.7 §D.3.3.3",
    "54H": "PS3.7 §D.3.3.4",
    "55H": "PS3.7 §D.3.3.2",
    "56H": "PS3.7 §D.3.3.5",
    "57H": "PS3.7 §D.3.3.6",
    "58H": "PS3.7 §D.3.3.7",
    "59H": "PS3.7 §D.3.3.7",
}
_ITEM = Struct(">BBH")  # type, reserved, length: the header of every item and sub-item


class Reader:
    """A cursor over the value ``data`` of a PDU, item or sub-item; ``limits`` bound its contents.

    Errors contain ``name`` and the names of the readers around this one, from ``parent`` up. Reading past the end
    raises `DecodeError`.
    """

    __slots__ = ("_name", "_offset", "_parent", "_position", "data", "limits")

    def __init__(
        self,
        data: Buffer,
        name: str,
        offset: int = 0,
        parent: "Reader | None" = None,
        limits: Limits | None = None,
    ) -> None:
        self.data = bytes(data)
        self._position = 0
        self._name = name
        self._offset = offset  # the offset of data[0] in the PDU
        self._parent = parent
        self.limits = limits

    def __bool__(self) -> bool:
        return self._position < len(self.data)

    def take(self, count: int, field: str) -> bytes:
        """Return the next ``count`` bytes; ``field`` is the name of their field."""
        start = self._position
        end = start + count
        if end > len(self.data):
            raise self._short(count, field)
        self._position = end
        return self.data[start:end]

    def fields(self, layout: Struct, field: str) -> tuple[Any, ...]:
        """Return the next fields, which have this layout; ``field`` is the name of the first field."""
        start = self._position
        end = start + layout.size
        if end > len(self.data):
            raise self._short(layout.size, field)
        self._position = end
        return layout.unpack_from(self.data, start)

    def text(self, field: str, count: int | None = None) -> str:
        """Return the next ``count`` bytes, or all remaining bytes, as `ascii_text`."""
        return ascii_text(self.rest() if count is None else self.take(count, field))

    def rest(self) -> bytes:
        """Return all remaining bytes."""
        start, self._position = self._position, len(self.data)
        return self.data[start:]

    def part(self, count: int, field: str) -> "Reader":
        """Return a cursor over the next ``count`` bytes, a field that contains further fields."""
        start = self._offset + self._position
        return Reader(self.take(count, field), field, start, self, self.limits)

    def item(self, field: str = "Item") -> "tuple[int, int, Reader]":
        """Return the next item: its type, its second byte, and a cursor over its value."""
        data, start = self.data, self._position + 4  # _ITEM.size
        if start > len(data):
            raise self._short(4, field)
        kind, second, length = _ITEM.unpack_from(data, start - 4)
        self._position = start
        name = _TYPES[kind]
        if start + length > len(data):
            raise self._short(length, name)
        self._position += length
        return kind, second, Reader(data[start : start + length], name, self._offset + start, self, self.limits)

    def bound(self, limit: str, count: int | None = None) -> None:
        """Raise `LimitExceeded` if ``count`` exceeds the field ``limit`` of `Limits`. Without limits, do nothing.

        The default of ``count`` is the length of the value.
        """
        if self.limits is None:
            return
        allowed: int = getattr(self.limits, limit)
        if count is None:
            count = len(self.data)
        if count > allowed:
            raise LimitExceeded(limit, str(count), allowed, path=self._path())

    def _short(self, wanted: int, field: str) -> DecodeError:
        return self.error(f"{wanted} bytes wanted, {len(self.data) - self._position} left", field)

    def error(self, what: str, field: str) -> DecodeError:
        """Return the error for ``field`` at the position of the cursor."""
        path = f"{self._path()}.{field}" if field else self._path()
        return DecodeError(what, path=path, offset=self._offset + self._position, rule=self._rule())

    def _rule(self) -> str:
        """Return the section that defines the innermost known item around the cursor."""
        reader: Reader | None = self
        while reader is not None and reader._name not in _RULES:
            reader = reader._parent
        return "PS3.8 §9.3" if reader is None else _RULES[reader._name]

    def _path(self) -> str:
        names = []
        reader: Reader | None = self
        while reader is not None:
            names.append(reader._name)
            reader = reader._parent
        return ".".join(reversed(names))


def framed(kind: int, value: bytes, second: int = 0) -> bytes:
    """Return an item or sub-item: type, second byte (reserved, except in 57H), 16-bit length, value."""
    if len(value) > 0xFFFF:
        raise EncodeError(f"{len(value)} bytes; an item holds at most 65535", path=f"{kind:02X}H")
    return _ITEM.pack(kind, second, len(value)) + value


def ascii_text(raw: bytes) -> str:
    """Return ISO 646 text without padding. A byte outside ISO 646 becomes a surrogate; `ascii_bytes` restores the byte.

    Text with such a byte does not fail here: it equals no known name, so negotiation rejects it. UIDs in PDUs have no
    padding, but a NUL or a space from a peer is tolerated.
    """
    return raw.decode("ascii", "surrogateescape").strip(" \0")


def ascii_bytes(text: str, field: str) -> bytes:
    """Return the bytes of text that `ascii_text` returned, or of any ISO 646 text. Raises `EncodeError` for others."""
    try:
        return text.encode("ascii", "surrogateescape")
    except UnicodeEncodeError as exc:
        raise EncodeError(f"{text!r} is not ISO 646 text", path=field) from exc
