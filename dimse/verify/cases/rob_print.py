"""ROB: the robustness of a print SCP against Data Sets that are deep, long, huge or cut off."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from struct import pack

from ...data import tag_of
from ...message import NGetRQ, NSetRQ, encode_command, fragment
from ...uids import BasicFilmSession, Printer, PrinterInstance
from ...ul import PDataTF
from ..case import Case, CaseRun, Flags, SubCase
from ..observation import (
    ABORT,
    ALIVE,
    CLOSED,
    DEAD,
    FAILURE,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Kept,
    Seen,
)
from ..peer import Peer
from ..print_session import CONTEXT_ID, PrintSession, print_session
from ..verdict import Close, Level
from .enc import Script
from .material import octets_of

__all__ = ["ROB_PRINT"]

_DEPTH, _ELEMENTS, _DIGITS, _TAGS = 3000, 50_000, 100_000, 5000  # of the Data Sets below
_PATIENCE_FACTOR = 4  # a peer has 4 times the time limit to read a large Data Set, and as long again to answer it
_UNDEFINED = 0xFFFFFFFF
_SEQUENCE, _COPIES, _STATUS = tag_of("ReferencedImageBoxSequence"), tag_of("NumberOfCopies"), tag_of("PrinterStatus")
_RESETS = 20  # associations that are reset, one after another


def element(tag: int, value: bytes, length: int | None = None) -> bytes:
    """Return an element in Implicit VR Little Endian, by default with its true length."""
    return pack("<HHI", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def on_print(script: Script) -> CaseRun:
    """Return a run that opens an association for print, and runs ``script`` on it."""

    async def run(peer: Peer) -> Seen:
        async with print_session(peer) as session:
            return await script(session)

    return run


async def _created(session: PrintSession, data: bytes) -> Seen:
    """Create a film session with ``data``, which may be long or deeply nested."""
    request = session.creation(BasicFilmSession)
    pdus = fragment(CONTEXT_ID, encode_command(replace(request, Data=data)), data, session.wire.max_length)
    await session.wire.send_all((octets_of(pdu) for pdu in pdus), session.wire.timeout * _PATIENCE_FACTOR)
    return await session.wire.response(session.wire.timeout * _PATIENCE_FACTOR)


async def deep(session: PrintSession) -> Seen:
    opening = element(_SEQUENCE, b"", _UNDEFINED) + element(0xFFFEE000, b"", _UNDEFINED)
    closing = element(0xFFFEE00D, b"") + element(0xFFFEE0DD, b"")
    return await _created(session, opening * _DEPTH + closing * _DEPTH)


async def wide(session: PrintSession) -> Seen:
    creators = b"".join(element(0x00090000 + number, b"VERIFIER") for number in range(0x10, 0x100))
    block = range(_ELEMENTS - 0xF0)
    private = b"".join(element(0x00091000 + number, b"TEST") for number in block)
    return await _created(session, creators + private)


async def many_digits(session: PrintSession) -> Seen:
    return await _created(session, element(_COPIES, b"1" * _DIGITS))


async def huge_layout(session: PrintSession) -> Seen:
    await session.prepare_session()
    return await session.create_film_box(session.film_box(r"STANDARD\9999,9999"))


def described_image(rows: int, columns: int) -> Script:
    """Return the script that sets an image with these Rows and Columns, but only two bytes of pixels."""

    async def script(session: PrintSession) -> Seen:
        await session.prepare_film_box()
        content = session.image_box(
            pixels=bytes(2), Rows=rows, Columns=columns, BitsAllocated=16, BitsStored=12, HighBit=11
        )
        return await session.set_image(content)

    return script


async def reset_midway(peer: Peer) -> Seen:
    for number in range(_RESETS):
        if number and (probed := await peer.probe()) != ALIVE:
            return probed
        async with print_session(peer) as session:
            await session.prepare_film_box()
            request = NSetRQ(
                MessageID=session.wire.next_message_id(),
                RequestedSOPClassUID=session.image_class,
                RequestedSOPInstanceUID=session.image_uids[0],
            )
            data = session.encoded(session.image_box(1 << 11, 1 << 11))
            command = encode_command(replace(request, Data=data))
            pdus = fragment(CONTEXT_ID, command, data, session.wire.max_length)
            await session.wire.send_all(half(pdus, len(data)), session.wire.timeout * _PATIENCE_FACTOR)
            session.wire.reset()
        peer.wires.clear()
    return await peer.probe()


def half(pdus: Iterable[PDataTF], length: int) -> Iterator[bytes]:
    """Yield the octets of PDUs, of which there may be millions, until half of ``length`` is reached."""
    sent = 0
    for pdu in pdus:
        if sent >= length // 2:
            return
        octets = octets_of(pdu)
        sent += len(octets)
        yield octets


async def many_tags(session: PrintSession) -> Seen:
    tags = (_STATUS, *(0x00090000 + number for number in range(_TAGS - 1)))
    request = NGetRQ(
        MessageID=session.wire.next_message_id(),
        RequestedSOPClassUID=Printer,
        RequestedSOPInstanceUID=PrinterInstance,
        AttributeIdentifierList=tags,
    )
    seen = await session.ask(request)
    has_status = isinstance(seen, Answered) and seen.data is not None and seen.data.get(_STATUS) is not None
    return Kept(f"{seen} with Printer Status") if has_status and seen == Answered(0x0107, CONTEXT_ID) else seen


_CONNECTION_ENDED = (ABORT, CLOSED)

ROB_PRINT: tuple[Case, ...] = (
    Case(
        id="ROB-1.07",
        title="Sequences 3000 deep; fifty thousand elements",
        section="PS3.5 §7.5",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(deep),
        passes=(FAILURE, SUCCESS, Answered(0x0107), ABORT),
        nonstrict=(CLOSED,),
        fails=(SILENCE,),
        subcases=(SubCase(name="50000 private elements", run=on_print(wide)),),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.08",
        title="A number of a hundred thousand digits",
        section="PS3.5 §6.2 IS (12 bytes)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(many_digits),
        passes=(FAILURE, ABORT),
        nonstrict=(Answered(frozenset({0x0000, 0x0107, 0x0116})), CLOSED),
        fails=(SILENCE,),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.09",
        title="A layout of a hundred million boxes",
        section="PS3.3 C.13.3.1; PS3.4 H.2.4 (0106)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(huge_layout),
        passes=(FAILURE,),
        nonstrict=_CONNECTION_ENDED,
        fails=(SUCCESS, WARNING, SILENCE),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.10",
        title="An image that is described, not sent",
        section="PS3.4 H.2.4; PS3.5 §8.1.1",
        level=Level.SHOULD,
        needs=Flags.GRAY_META,
        run=on_print(described_image(65535, 65535)),
        passes=(FAILURE,),
        nonstrict=(WARNING, SUCCESS, *_CONNECTION_ENDED),
        fails=(SILENCE,),
        subcases=(SubCase(name="Rows 0", run=on_print(described_image(0, 32))),),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.11",
        title="Reset in the middle of an N-SET",
        section="PS3.8 §9.2.3 Evt17 x Sta6 (AA-4); PS3.4 H.5",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=reset_midway,
        passes=(ALIVE,),
        fails=(DEAD,),
        close=Close.NONE,
        risky=True,
    ),
    Case(
        id="ROB-1.14",
        title="An N-GET of five thousand tags",
        section="PS3.7 §10.1.2.1.5",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(many_tags),
        passes=(RULE_KEPT, FAILURE),
        nonstrict=(SUCCESS, ABORT),
        fails=(CLOSED, SILENCE),
        risky=True,
    ),
)
