"""Peers that misbehave in every way that octets and connections allow, as an SCP and as an SCU.

A `Plan` describes such a peer; `plan_of` makes one from a random generator. Each octet that an honest peer would send
goes through the plan first: it may be damaged, dripped, repeated without end, held back, or replaced.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from fuzzing import damaged
from pair import EXAMPLE
from twin import Line, Twin
from twin import serving as twin_serving
from wrong_scus import ECHO, Scu, Stop, Wrong

from dimse.message import CEchoRQ, NEventReportRQ, encode_command, fragment
from dimse.uids import Printer, PrinterInstance, Verification
from dimse.ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    ReleaseRP,
    ReleaseRQ,
    UnknownItem,
    UpperLayer,
    decode_pdu,
    encode_pdu,
)
from dimse.verify.scu import PLAIN, Ended

__all__ = ["HOSTILE", "WAYS", "Plan", "echo_forever", "evil_printer", "evil_program", "plan_of"]

HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b]0;owned\x07\x1b[2J",
    "]]></system-out>&lt;",
    "{{7*7}}%s%n\\x00",
    "A" * 5000,
    "\ud800\udfff\u202e",
)
_GIB = b"\xff\xff\xff\xf0"
_SLOW = 2.9  # seconds between two signs of life: less than the timeout of one answer
_ALMOST = 40.0  # seconds: less than the patience with an SCU
_EVENT = NEventReportRQ(MessageID=1, AffectedSOPClassUID=Printer, AffectedSOPInstanceUID=PrinterInstance, EventTypeID=2)


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that an evil peer makes to the octets of an honest one.

    ``way`` is one of `WAYS`; ``after`` counts the honest PDUs before the peer turns evil; ``seed`` seeds
    its random choices.
    """

    way: str
    after: int
    seed: int


Evil = Callable[[Line, bytes, random.Random], bytes | None]  # returns octets to send, or None to send nothing


def _pdu(pdu: PDU) -> bytes:
    return b"".join(map(bytes, encode_pdu(pdu)))


def _messages(*messages: Any) -> bytes:
    return b"".join(_pdu(pdu) for each in messages for pdu in fragment(1, encode_command(each), None, 16384))


def _damage(_line: Line, octets: bytes, chance: random.Random) -> bytes:
    return damaged(octets, chance)


def _four_gib(_line: Line, octets: bytes, chance: random.Random) -> bytes:
    """Declare 4 GiB in one of the lengths: of the PDU, of an item or PDV, or of an element."""
    at = chance.choice((2, 6, 14, 20, 30, 78))
    return octets[:at] + _GIB + octets[at + 4 :] + bytes(chance.choice((0, 1, 70_000)))


def _out_of_order(_line: Line, octets: bytes, chance: random.Random) -> bytes:
    before = chance.choice((ReleaseRP(), ReleaseRQ(), Abort(1, 9), PDataTF(()), EXAMPLE[AssociateRQ]))
    pieces = [_pdu(before), octets, octets]
    chance.shuffle(pieces)
    return b"".join(pieces)


def _hostile(_line: Line, octets: bytes, chance: random.Random) -> bytes:
    """Put hostile text into the peer's messages."""
    text = chance.choice(HOSTILE).encode("utf-8", "surrogatepass")
    if octets[0] == 0x02:
        pdu = decode_pdu(octets)
        assert isinstance(pdu, AssociateAC)
        items = (MaximumLength(chance.choice((0, 1, 7, 2**32 - 1))), UnknownItem(0x52, text), UnknownItem(0x55, text))
        more = tuple(UnknownItem(0x21, text[:60000]) for _ in range(3))
        return _pdu(replace(pdu, user_information=items, unknown_items=more, title_octets=(text * 32)[:32]))
    at = chance.randrange(len(octets))
    return octets[:at] + text + octets[at + len(text) :]


def _contexts(_line: Line, octets: bytes, chance: random.Random) -> bytes:
    """Answer an A-ASSOCIATE-RQ with a context of each id, most of them never proposed."""
    if octets[0] != 0x02:
        return octets
    pdu = decode_pdu(octets)
    assert isinstance(pdu, AssociateAC)
    made = tuple(
        PresentationContextAC(number, chance.randrange(6), chance.choice(("", "1.2", "9" * 200, "x")))
        for number in range(256)
    )
    return _pdu(replace(pdu, presentation_contexts=made * chance.choice((1, 8))))


def _nothing(_line: Line, _octets: bytes, _chance: random.Random) -> None:
    return None


def _half_close(line: Line, octets: bytes, _chance: random.Random) -> bytes | None:
    with suppress(OSError):
        line.writer.write(octets[: len(octets) // 2])
        line.writer.write_eof()
    return None


def _reset(line: Line, octets: bytes, chance: random.Random) -> bytes | None:
    line.send(octets[: chance.randrange(len(octets))])
    line.reset()
    return None


def _crash(line: Line, octets: bytes, chance: random.Random) -> bytes | None:
    line.send(octets[: chance.randrange(len(octets))])
    line.close()
    return None


# Ways to send octets in a task of their own: each yields octets, and the seconds to wait before the next ones
def _drip(octets: bytes, _chance: random.Random) -> list[tuple[bytes, float]]:
    return [(octets[at : at + 1], _SLOW) for at in range(len(octets))]


def _drip_events(octets: bytes, _chance: random.Random) -> list[tuple[bytes, float]]:
    return [(octets, _SLOW), *[(_messages(_EVENT), _SLOW)] * 5000]


def _flood_events(octets: bytes, _chance: random.Random) -> list[tuple[bytes, float]]:
    return [(octets, 0), *[(_messages(_EVENT) * 150, 0)] * 4]


def _flood_pdus(octets: bytes, chance: random.Random) -> list[tuple[bytes, float]]:
    one = chance.choice((_pdu(ReleaseRP()), _pdu(PDataTF(())), _pdu(ReleaseRQ()), b"\4\0\0\0\0\6\0\0\0\2\1\0"))
    return [(octets, 0), *[(one * 2000, 0)] * 4]


def _flood_zeros(octets: bytes, _chance: random.Random) -> list[tuple[bytes, float]]:
    return [(octets, 0), (b"\4\0\xff\xff\xff\xff", 0), *[(bytes(1 << 16), 0)] * 4]


INSTEAD: dict[str, Evil] = {
    "damage": _damage,
    "4 GiB": _four_gib,
    "out of order": _out_of_order,
    "hostile text": _hostile,
    "contexts": _contexts,
    "nothing": _nothing,
    "half close": _half_close,
    "reset": _reset,
    "crash": _crash,
}
SLOWLY: dict[str, Callable[[bytes, random.Random], list[tuple[bytes, float]]]] = {
    "drip": _drip,
    "drip events": _drip_events,
    "flood of events": _flood_events,
    "flood of PDUs": _flood_pdus,
    "flood of zeros": _flood_zeros,
}
WAYS = (*INSTEAD, *SLOWLY)


def plan_of(chance: random.Random) -> Plan:
    """Return a plan."""
    return Plan(chance.choice(WAYS), chance.choice((0, 0, 1, 1, 2, 3, 5)), chance.randrange(2**32))


async def _send_slowly(writer: asyncio.StreamWriter, steps: list[tuple[bytes, float]]) -> None:
    with suppress(OSError):
        for octets, seconds in steps:
            if writer.is_closing():
                break
            writer.write(octets)
            await writer.drain()
            await asyncio.sleep(seconds)


# --- an SCP ---


@asynccontextmanager
async def evil_printer(plan: Plan) -> AsyncIterator[int]:
    """Run an evil SCP; yield its port."""
    tasks: set[asyncio.Task[None]] = set()
    counts: dict[Line, int] = {}
    silenced: set[Line] = set()
    chance = random.Random(plan.seed)

    def says(line: Line, octets: bytes) -> bytes:
        counts[line] = counts.get(line, 0) + 1
        if line in silenced:
            return b""
        if counts[line] <= plan.after:
            return octets
        if plan.way in INSTEAD:
            instead = INSTEAD[plan.way](line, octets, chance)
            silenced.update(() if instead is not None else (line,))
            return instead or b""
        steps = SLOWLY[plan.way](octets, chance)
        task = asyncio.create_task(_send_slowly(line.writer, steps))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return b""

    async with twin_serving(Twin(says=says, keeps_open=plan.seed % 3 == 0)) as port:
        try:
            yield port
        finally:
            for task in tuple(tasks):
                task.cancel()


# --- an SCU ---


class _Deaf(BaseException):
    """The end of the honest part of an SCU."""


def evil_program(plan: Plan) -> Callable[[Mapping[str, str]], Any]:
    """Return a program that runs an evil SCU in each case; its plain scenario is honest."""

    async def run(values: Mapping[str, str]) -> Ended:
        reader, writer = await asyncio.open_connection(values["host"], int(values["port"]))
        try:
            if values["case"] == PLAIN:
                await _print(Wrong(timer=None), reader, writer, values)
            else:
                await _misbehave(plan, reader, writer, values)
        finally:
            writer.close()
        return Ended(exit=0)

    return run


async def _print(
    wrong: Wrong, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, values: Mapping[str, str]
) -> None:
    with suppress(Stop, OSError, asyncio.IncompleteReadError):
        await Scu(wrong, reader, writer).run(values["ae"])


async def _misbehave(
    plan: Plan, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, values: Mapping[str, str]
) -> None:
    chance = random.Random(plan.seed)
    line = Line(writer, UpperLayer.requestor())
    sent = 0
    last: list[tuple[bytes, float]] = []

    def octets(pdu: bytes) -> bytes:
        nonlocal sent
        sent += 1
        if sent <= plan.after:
            return pdu
        if plan.way in SLOWLY:
            last.extend(SLOWLY[plan.way](pdu, chance))
            raise _Deaf
        instead = INSTEAD[plan.way](line, pdu, chance)
        if instead is None:
            raise _Deaf
        return instead

    try:
        await _print(Wrong(octets=octets, timer=30.0), reader, writer, values)
    except _Deaf:
        await _send_slowly(writer, last)
        if plan.way in ("nothing", "half close"):
            await asyncio.Event().wait()


async def echo_forever(values: Mapping[str, str]) -> Ended:
    """Run an SCU that sends C-ECHO-RQs on one association, without end unless the scenario is plain."""

    async def step(scu: Scu) -> None:
        while True:
            await scu.ask(CEchoRQ, ECHO, AffectedSOPClassUID=Verification)
            if values["case"] == PLAIN:
                return
            await asyncio.sleep(_ALMOST)

    reader, writer = await asyncio.open_connection(values["host"], int(values["port"]))
    try:
        await _print(Wrong(step=step, timer=None), reader, writer, values)
    finally:
        writer.close()
    return Ended(exit=0)
