"""An annotated hex dump of one PDU: each byte with its field in the standard's words, PS3.8 §9.3 and PS3.7 Annex D.3.

One walk over a PDU lays the tables of `dimse.explain.fields` on its bytes and makes a `Line` of each field, so that the
lines joined are the PDU, whatever is wrong with it. What is wrong is not judged here: the codec's `DecodeError` is set
beside the line it speaks of.

Credentials are not shown: no passcode, ticket, assertion or token of the user identity, nor what may hold one where an
item that is too long or too short hides where the next begins.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from struct import Struct
from typing import NamedTuple

from ..errors import DecodeError, LimitExceeded, cut, escaped
from ..limits import Limits
from ..ul.pdu import HEADER, decode_pdu
from ..ul.stream import PDUStream
from ..ul.wire import Buffer
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
    Field,
    Layout,
)

__all__ = ["EXPLAINED", "FRAGMENT", "Line", "explain_pdu", "format_lines"]

_ITEM = Struct(">BBH")
_PER_ROW = 8
_MANY = 1 << 32
# A PDU is explained as it is: nothing bounds it but the fragments, for which there has to be memory
EXPLAINED = Limits(user_item=_MANY, fragments=1 << 17, contexts=_MANY, transfer_syntaxes=_MANY, user_items=_MANY)
_MOST_LINES = 1 << 14  # of a PDU: a hundred contexts with all their transfer syntaxes are a tenth
_WIDTH = 140  # the longest heading, nested as deep as it can be, fits


class Line(NamedTuple):
    """A field of a PDU: its bytes, and what they say.

    ``offset`` is of its first byte, ``depth`` how deep it is nested. A line without bytes says something of what
    stands before it. A line with ``error`` breaks a rule; one that is ``secret`` must not be shown.
    """

    offset: int
    data: memoryview
    depth: int
    field: str
    value: str = ""
    table: str = ""
    secret: bool = False
    error: str = ""


def explain_pdu(wire: Buffer, *, offset: int = 0, hidden: bool = False) -> Iterator[Line]:
    """The fields of the PDU whose bytes are ``wire``, in their order; it may be broken or cut off.

    ``offset`` is of its first byte in whatever it was taken from. Each byte is in one line. ``hidden``: it may be the
    rest of a credential, and no byte of it is to be shown.
    """
    view = memoryview(wire)
    fault = _fault(view)
    walk = _Walk(view, broken_identity=fault is not None and ".58H" in fault.path, hidden=hidden)
    walk.pdu()
    if fault is not None:
        _mark(walk.lines, fault)
    return (line._replace(offset=offset + line.offset) for line in walk.lines)


def format_lines(lines: Iterable[Line], *, rows: int | None = 4, width: int = _WIDTH) -> Iterator[str]:
    """``lines`` as text of at most ``width`` characters: offset, bytes in hexadecimal, field, [table], value.

    Of the bytes of a field at most ``rows`` rows of eight are shown; None shows all. An error stands under its
    field, which has a ``!`` before it.
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


# --- what is wrong, and where ---


def _fault(view: memoryview) -> DecodeError | None:
    """What the codec says against a PDU. It checks the header first, as for a stream."""
    try:
        list(PDUStream(max_associate=0).feed(view[: HEADER.size]))
        decode_pdu(view, EXPLAINED)
    except DecodeError as exc:
        return exc
    except LimitExceeded as exc:
        return DecodeError(str(exc), offset=0)
    return None


def _mark(lines: list[Line], fault: DecodeError) -> None:
    """Set the error beside the line that it speaks of."""
    at, name = fault.offset or 0, fault.path.rpartition(".")[2]
    is_item = re.fullmatch("[0-9A-F]{2}H", name) is not None  # the value is too short for the length before it

    def nearness(number: int) -> tuple[bool, bool, int]:
        line = lines[number]
        end = line.offset + len(line.data)
        named = line.field == name and at in (line.offset, end)
        return named, (end == at if is_item else line.offset <= at < end), number

    number = max(range(len(lines)), key=nearness)
    words = f"{fault.path}: {fault.what}" if fault.path else fault.what
    lines[number] = lines[number]._replace(error=words)


# --- the walk ---


class _Walk:
    """Lays the tables on the bytes of a PDU. It never fails: what is cut off is a shorter line, or none."""

    def __init__(self, view: memoryview, *, broken_identity: bool, hidden: bool) -> None:
        self.view = view
        self.lines: list[Line] = []
        self.position = 0
        self.depth = 0
        self.table = ""
        self.hidden = hidden  # what follows may be a credential
        self.broken_identity = broken_identity
        self.last_identity = bytes(view).rfind(USER_IDENTITY)  # the last place where one could begin

    def pdu(self) -> None:
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
        self.fields(layout.fields, end)
        if kind == P_DATA:
            self.pdvs(end)
        elif layout.items:
            self.items(layout.items, end)
        self.rest(end, "Value", "")
        self.rest(len(self.view), "Rest", "beyond the PDU-length")

    def add(self, size: int, name: str, value: str = "", *, secret: bool = False) -> None:
        """The next ``size`` bytes are a line."""
        data = self.view[self.position : self.position + size]
        secret = secret or self.hidden
        shown = "not shown" if secret and size else value
        self.lines.append(Line(self.position, data, self.depth, name, shown, self.table, secret))
        self.position += size

    def rest(self, end: int, name: str, value: str, *, secret: bool = False) -> None:
        if self.position < end:
            self.add(end - self.position, name, value, secret=secret)

    def fields(self, rows: Iterable[Field], end: int) -> bool:
        """Lay ``rows`` on the bytes up to ``end``; whether there were enough of them."""
        previous = b""
        for row in rows:
            left = end - self.position
            size = row.size
            if size == REST:
                size = left
            elif size == COUNTED:
                size = int.from_bytes(previous, "big")
            if row.each and size <= left:
                self.repeated(row, self.position + size)
                continue
            raw = bytes(self.view[self.position : self.position + min(size, left)])
            cut = f"cut off: {size} bytes wanted, {left} left" if left < size else ""
            self.add(len(raw), row.name, cut or row.show(raw, previous), secret=row.secret)
            if row.is_text and not raw.isascii():
                self.lines[-1] = self.lines[-1]._replace(error=f"{row.name}: not ISO 646 text [PS3.8 §9.3]")
            if cut:
                return False
            previous = raw
        return True

    def repeated(self, row: Field, end: int) -> None:
        self.add(0, row.name)
        self.depth += 1
        while self.position < end and self.has_room(end) and self.fields(row.each, end):
            pass
        self.depth -= 1

    def items(self, known: Mapping[int, Layout], end: int) -> None:
        """Items up to ``end``, each with its sub-items."""
        while self.position < end and self.has_room(end):
            if end - self.position < _ITEM.size:
                self.lose(UNKNOWN)
                self.rest(end, "Item", "cut off")
                return
            kind, second, length = _ITEM.unpack_from(self.view, self.position)
            layout = self.layout(known, kind)
            self.table = layout.table
            value = f"Item-type {kind:02X}H, {layout.second} {second:02X}H, Item-length {length}"
            self.add(_ITEM.size, layout.name, value)
            self.depth += 1
            self.body(layout, self.position + length, end)
            self.depth -= 1

    def layout(self, known: Mapping[int, Layout], kind: int) -> Layout:
        """The layout of the item that comes next."""
        if kind in (USER_IDENTITY, USER_IDENTITY_ANSWER) and kind not in known:
            return MISPLACED_IDENTITY
        if kind == USER_IDENTITY:
            identity_type = bytes(self.view[self.position + _ITEM.size :][:1])
            has_name = identity_type in (b"\1", b"\2")  # without and with a passcode
            return known[kind] if has_name and not self.broken_identity else SECRET_IDENTITY
        return known.get(kind, UNKNOWN)

    def body(self, layout: Layout, wanted: int, limit: int) -> None:
        """The value of an item, which says that it ends at ``wanted``, inside one that ends at ``limit``."""
        end = min(wanted, limit)
        if wanted > limit:
            self.lose(layout)
        whole = self.fields(layout.fields, end)
        if layout.items:
            self.items(layout.items, end)
        self.rest(end, "Rest", "not of this item", secret=layout.secret)
        if not whole or (layout.secret and self.broken_identity):
            self.lose(layout)

    def has_room(self, end: int) -> bool:
        """Whether there is room for more lines; else what is left up to ``end`` is one."""
        if len(self.lines) < _MOST_LINES:
            return True
        self.lose(UNKNOWN)
        self.rest(end, "Rest", f"more than the {_MOST_LINES} fields that are shown")
        return False

    def lose(self, layout: Layout) -> None:
        """Nobody knows any more where an item begins: hide what follows if a user identity may be in it."""
        self.hidden = self.hidden or layout.secret or self.position <= self.last_identity

    def pdvs(self, end: int) -> None:
        while self.position < end and self.has_room(end):
            self.table = "PS3.8 Table 9-23"
            if end - self.position < 4:
                self.rest(end, "Presentation Data Value Item", "cut off")
                return
            length = int.from_bytes(self.view[self.position : self.position + 4], "big")
            self.add(4, "Presentation Data Value Item", f"Item-length {length}")
            self.depth += 1
            self.fields(PDV_FIELDS, min(self.position + length, end))
            self.depth -= 1
            if length < 2:  # nobody knows where the next one begins
                self.rest(end, "Value", "")
