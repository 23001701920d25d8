"""An annotated hex dump of one PDU: each byte with its field in the standard's words, PS3.8 §9.3 and PS3.7 Annex D.3.

A walk over the PDU applies the tables of `dimse.explain.fields` to its bytes and makes a `Line` of each field. The
lines cover each byte of the PDU once, even if the PDU is broken. The walk itself checks only whether text is ISO 646;
any other error comes from the codec, and is added to the line of its field.

Credentials are not shown: no passcode, ticket, assertion or token of the user identity. After an item with a wrong
length, the beginning of the next item is unknown, so bytes that may belong to a credential are not shown either. The
value of an item is not shown if it may contain a user identity: an unknown item, or one with a wrong type.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from struct import Struct
from typing import NamedTuple

from ..errors import DecodeError, LimitExceeded, cut, escaped
from ..limits import Limits
from ..ul import PDU, UnknownItem
from ..ul.items import has_identity_form
from ..ul.pdu import decode_pdu
from ..ul.stream import PDUStream
from ..ul.wire import HEADER, Buffer
from .fields import (
    COUNTED,
    FRAGMENT,
    MISPLACED_IDENTITY,
    P_DATA,
    PDUS,
    PDV_FIELDS,
    REST,
    SECRET_IDENTITY,
    UNKNOWN,
    UNRECOGNIZED,
    USER_IDENTITY,
    USER_IDENTITY_ANSWER,
    Layout,
    Row,
)

__all__ = [
    "CONTEXT_ID",
    "FRAGMENT",
    "MAX_LINES",
    "PDV_HEADER",
    "PDV_TABLE",
    "Line",
    "decoded",
    "explain_pdu",
    "format_lines",
    "header_line",
    "pdu_lines",
    "secret_places",
]

PDV_TABLE, CONTEXT_ID = "PS3.8 Table 9-23", "Presentation-context-ID"

PDV_HEADER = 6  # bytes before a fragment: Item-length, Presentation-context-ID and Message Control Header

_ITEM = Struct(">BBH")  # type, reserved byte, length
_IDENTITIES = frozenset((USER_IDENTITY, USER_IDENTITY_ANSWER))
_PER_ROW = 8  # bytes in a row
_MANY = 1 << 32  # more than any PDU can contain
# A PDU of any size is explained; only the number of its fragments is bounded, because each takes memory
_LIMITS = Limits(user_item=_MANY, fragments=1 << 17, contexts=_MANY, transfer_syntaxes=_MANY, user_items=_MANY)
MAX_LINES = 1 << 14  # lines of a PDU; a hundred contexts with all their transfer syntaxes need a tenth of that
_WIDTH = 140  # characters; the longest heading fits at the deepest nesting


class Line(NamedTuple):
    """A field of a PDU: its bytes, and their meaning.

    ``offset`` is the place of the first byte, ``depth`` the depth of nesting. A line without bytes is a heading or a
    comment. A line with an ``error`` breaks a rule. The bytes of a ``secret`` line must not be shown. The bytes of a
    line that is not ``known`` may be anything: no field of the standard has their form.
    """

    offset: int
    data: memoryview
    depth: int
    field: str
    value: str = ""
    table: str = ""
    secret: bool = False
    error: str = ""
    known: bool = True


def explain_pdu(wire: Buffer, *, offset: int = 0, hidden: bool = False) -> Iterator[Line]:
    """Return the lines of the PDU ``wire``, which may be broken or cut off. Each byte is in exactly one line.

    ``offset`` is the place of the PDU in its stream. ``hidden`` makes all lines secret, for bytes that may belong to a
    credential.
    """
    return iter(pdu_lines(wire, decoded(wire)[1], offset=offset, hidden=hidden))


def pdu_lines(wire: Buffer, fault: DecodeError | None, *, offset: int, hidden: bool) -> list[Line]:
    """Return the lines of a PDU, as `explain_pdu` does; ``fault`` is its error from `decoded`."""
    broken_identity = fault is not None and ".58H" in fault.path
    walk = _Walk(memoryview(wire), offset, broken_identity=broken_identity, hidden=hidden)
    walk.add_pdu()
    if fault is not None:
        _mark(walk.lines, fault, offset)
    return walk.lines


def secret_places(wire: Buffer, *, only_known: bool = False) -> list[tuple[int, int]]:
    """Return the places (begin, end) of the bytes that may belong to a user identity.

    ``wire`` is a PDU, or the start of one. With ``only_known``, the result also has the places of bytes that may be
    anything (see `Line`), so that only known bytes are left. The last place ends beyond the PDU if bytes after the PDU
    may belong to a user identity, too.
    """
    view = memoryview(wire)
    pdu, fault = decoded(wire)
    is_cut_off = len(view) < HEADER.size or len(view) < HEADER.size + HEADER.unpack_from(view)[1]
    broken_identity = fault is not None and (is_cut_off or ".58H" in fault.path)
    walk = _Walk(view, 0, broken_identity=broken_identity, hidden=False, shows_names=False)
    walk.add_pdu()
    places = [
        (line.offset, line.offset + len(line.data))
        for line in walk.lines
        if line.secret or (only_known and not line.known)
    ]
    if pdu is None and not is_cut_off and walk.lines[-1].secret:
        places.append((len(view), _MANY))
    return places


def header_line(wire: Buffer, *, offset: int) -> Line:
    """Return the first line of a valid PDU, without a value."""
    return Line(offset, memoryview(wire)[: HEADER.size], 0, PDUS[wire[0]].name)


def decoded(wire: Buffer) -> tuple[PDU | None, DecodeError | None]:
    """Return the PDU in ``wire`` (None if it cannot be decoded), and its first error (None if it has none).

    The header is checked first, as in a stream. A PDU whose header breaks a rule may be returned with that error.
    """
    pdu = fault = None
    # Without a traceback: it refers to this frame, and the frame to the error
    try:
        list(PDUStream(max_associate=0).feed(memoryview(wire)[: HEADER.size]))
    except DecodeError as exc:
        fault = exc.with_traceback(None)
    try:
        pdu = decode_pdu(wire, _LIMITS)
    except DecodeError as exc:
        fault = fault or exc.with_traceback(None)
    except LimitExceeded as exc:
        fault = fault or DecodeError(str(exc), offset=0)
    return pdu, fault


def format_lines(lines: Iterable[Line], *, rows: int | None = 4, width: int = _WIDTH) -> Iterator[str]:
    """Yield ``lines`` as text of at most ``width`` characters: offset, bytes in hexadecimal, field, [table], value.

    A field has at most ``rows`` rows of eight bytes; None means all. An error is shown under its field, and both lines
    begin with ``!``.
    """
    table = ""
    for line in lines:
        words = "  " * line.depth + line.field
        if line.table not in ("", table):
            table = line.table
            words += f" [{table}]"
        if line.value:
            words += f": {line.value}"
        shown = len(line.data) if rows is None else rows * _PER_ROW
        for start in range(0, min(len(line.data), shown) or 1, _PER_ROW):
            row = line.data[start : start + _PER_ROW]
            octets = " ".join(["**"] * len(row)) if line.secret else row.hex(" ").upper()
            place = f"{line.offset + start:06X}" if row else ""
            mark = "!" if line.error and start == 0 else " "
            yield cut(f"{mark} {place:6}  {octets:23}  {words if start == 0 else ''}".rstrip(), width)
        if len(line.data) > shown:
            yield f"{'':10}... {len(line.data) - shown} more bytes"
        if line.error:
            yield cut(f"! {'':31}  {'  ' * line.depth}^ {escaped(line.error)}", width)


# --- errors ---


def _mark(lines: list[Line], fault: DecodeError, offset: int) -> None:
    """Add the error to the line of its field; ``offset`` is the place of the PDU in its stream."""
    at, name = offset + (fault.offset or 0), fault.path.rpartition(".")[2]
    is_item = re.fullmatch("[0-9A-F]{2}H", name) is not None  # an item with fewer bytes than its Item-length

    def nearness(number: int) -> tuple[bool, bool, int]:
        """Rate a line: by the name and the place of its field, then by its place only; the last such line wins."""
        line = lines[number]
        end = line.offset + len(line.data)
        named = line.field == name and at in (line.offset, end)
        return named, (end == at if is_item else line.offset <= at < end), number

    number = max(range(len(lines)), key=nearness)
    words = f"{fault.path}: {fault.what}" if fault.path else fault.what
    lines[number] = lines[number]._replace(error=words)


# --- the walk ---


class _Walk:
    """A walk over a PDU by the tables. It never fails: a field that is cut off gets a shorter line, or none."""

    def __init__(
        self, view: memoryview, offset: int, *, broken_identity: bool, hidden: bool, shows_names: bool = True
    ) -> None:
        self.view = view
        self.offset = offset  # of the PDU in its stream
        self.lines: list[Line] = []
        self.position = 0
        self.depth = 0
        self.table = ""
        self.hidden = hidden  # whether the following bytes may belong to a credential
        self.shows_names = shows_names  # whether a line may show the type, a user name or a length of a user identity
        self.broken_identity = broken_identity  # whether the error of the PDU is in a user identity
        self.last_identity = max(map(bytes(view).rfind, _IDENTITIES))  # the last place where a user identity may begin

    def add_pdu(self) -> None:
        if len(self.view) < HEADER.size:
            self.add(len(self.view), "PDU-header", "cut off")
            return
        kind, length = HEADER.unpack_from(self.view)
        layout = PDUS.get(kind, UNRECOGNIZED)
        end = min(HEADER.size + length, len(self.view))
        value = f"PDU-type {kind:02X}H, Reserved {self.view[1]:02X}H, PDU-length {length}"
        self.table = layout.table
        self.add(HEADER.size, layout.name, value)
        self.depth = 1
        self.add_fields(layout.fields, end)
        if kind == P_DATA:
            self.add_pdvs(end)
        elif layout.items:
            self.add_items(layout.items, end)
        self.add_rest(end, "Value", "")
        self.add_rest(len(self.view), "Rest", "beyond the PDU-length")

    def add(self, size: int, name: str, value: str = "", *, secret: bool = False, known: bool = True) -> None:
        """Make a line of the next ``size`` bytes."""
        data = self.view[self.position : self.position + size]
        secret = secret or self.hidden
        shown = "not shown" if secret and size else value
        self.lines.append(
            Line(self.offset + self.position, data, self.depth, name, shown, self.table, secret, known=known)
        )
        self.position += size

    def add_rest(self, end: int, name: str, value: str, *, secret: bool = False) -> None:
        """Make a line of the bytes up to ``end``, if there are any."""
        if self.position < end:
            self.add(end - self.position, name, value, secret=secret, known=False)

    def add_fields(self, rows: Iterable[Row], end: int) -> bool:
        """Make lines of the fields ``rows``, up to ``end``; return whether there were enough bytes."""
        previous = b""
        for row in rows:
            left = end - self.position
            size = row.size
            if size == REST:
                size = left
            elif size == COUNTED:
                size = int.from_bytes(previous, "big")
            if row.each and size <= left:
                self.add_list(row, self.position + size)
                continue
            raw = bytes(self.view[self.position : self.position + min(size, left)])
            shortage = f"cut off: {size} bytes wanted, {left} left" if left < size else ""
            known = row.known and (self.depth == 1 or (not shortage and row.allows(raw)))
            self.add(len(raw), row.name, shortage or row.show(raw, previous), secret=row.secret, known=known)
            if row.is_text and not raw.isascii():
                self.lines[-1] = self.lines[-1]._replace(error=f"{row.name}: not ISO 646 text [PS3.8 §9.3]")
            if shortage:
                return False
            previous = raw
        return True

    def add_list(self, row: Row, end: int) -> None:
        """Make lines of the elements of a list, which ends at ``end``."""
        self.add(0, row.name)
        self.depth += 1
        while self.position < end and self.has_room(end) and self.add_fields(row.each, end):
            pass
        self.depth -= 1

    def add_items(self, known: Mapping[int, Layout], end: int) -> None:
        """Make lines of the items up to ``end``, each with its sub-items."""
        while self.position < end and self.has_room(end):
            if end - self.position < _ITEM.size:
                self.lose_track(UNKNOWN)
                self.add_rest(end, "Item", "cut off")
                return
            kind, second, length = _ITEM.unpack_from(self.view, self.position)
            layout = self.next_layout(known, kind)
            self.table = layout.table
            value = f"Item-type {kind:02X}H, {layout.second} {second:02X}H, Item-length {length}"
            fits = self.position + _ITEM.size + length <= end
            self.add(_ITEM.size, layout.name, value, known=fits or kind in known)
            self.depth += 1
            self.add_body(layout, self.position + length, end)
            self.depth -= 1

    def next_layout(self, known: Mapping[int, Layout], kind: int) -> Layout:
        """Return the layout of the next item."""
        if kind in _IDENTITIES and not (self.shows_names and kind in known):
            return MISPLACED_IDENTITY
        if kind == USER_IDENTITY:
            identity_type = bytes(self.view[self.position + _ITEM.size :][:1])
            has_name = identity_type in (b"\1", b"\2")  # 1: a user name; 2: a user name and a passcode
            return known[kind] if has_name and not self.broken_identity else SECRET_IDENTITY
        return known.get(kind, UNKNOWN)

    def add_body(self, layout: Layout, wanted: int, limit: int) -> None:
        """Make lines of the value of an item. It should end at ``wanted``, and must not go beyond ``limit``."""
        end, value, first = min(wanted, limit), self.view[self.position : min(wanted, limit)], len(self.lines)
        if wanted > limit:
            self.lose_track(layout)
        is_complete = self.add_fields(layout.fields, end)
        if layout.items:
            self.add_items(layout.items, end)
        if not _IDENTITIES.isdisjoint(self.view[self.position : end]):  # the item may have swallowed a user identity
            self.lose_track(layout)
        self.add_rest(end, "Rest", "after the fields of this item", secret=layout.secret)
        if not is_complete or (layout.secret and self.broken_identity):
            self.lose_track(layout)
        if not layout.items:
            self.check_value(layout, bytes(value), first, fits=wanted <= limit)

    def check_value(self, layout: Layout, value: bytes, first: int, *, fits: bool) -> None:
        """Hide the value of an item, if its bytes may be anything, and may hold a user identity.

        ``first`` is the number of its first line. ``fits`` says whether the item ends before the end of the item
        around it.
        """
        lines = self.lines[first:]
        if not fits:
            lines = [line._replace(known=False) for line in lines]
        if not all(line.known for line in lines) and _may_hold_identity(layout, value):
            lines = [line._replace(secret=True, value="not shown") for line in lines]
        self.lines[first:] = lines

    def has_room(self, end: int) -> bool:
        """Return whether there is room for more lines; if not, make one line of all bytes up to ``end``."""
        if len(self.lines) < MAX_LINES:
            return True
        self.lose_track(UNKNOWN)
        self.add_rest(end, "Rest", f"the first {MAX_LINES} fields of this PDU are shown")
        return False

    def lose_track(self, layout: Layout) -> None:
        """Hide the following bytes, in which items can begin anywhere, if they may hold a user identity."""
        self.hidden = self.hidden or layout.secret or self.position <= self.last_identity

    def add_pdvs(self, end: int) -> None:
        while self.position < end and self.has_room(end):
            self.table = PDV_TABLE
            if end - self.position < 4:
                self.add_rest(end, "Presentation Data Value Item", "cut off")
                return
            length = int.from_bytes(self.view[self.position : self.position + 4], "big")
            self.add(4, "Presentation Data Value Item", f"Item-length {length}")
            self.depth += 1
            self.add_fields(PDV_FIELDS, min(self.position + length, end))
            self.depth -= 1
            if length < 2:  # the beginning of the next PDV is unknown
                self.add_rest(end, "Value", "")


def _may_hold_identity(layout: Layout, value: bytes) -> bool:
    """Return whether the value of an item, which may be damaged, may contain a user identity."""
    if layout is not UNKNOWN:
        return has_identity_form(value)
    return UnknownItem(0, value).may_hold_identity
