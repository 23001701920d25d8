"""UL-P-3, DIMSE-2 and ROB-2: the P-DATA-TFs, messages and robustness of an SCU, without the print cases."""

import asyncio
from dataclasses import replace
from typing import Any

from ....ul import AssociateAC, MaximumLength
from ....ul.forge import forge_pdu
from ...case import Case, CaseRun, Flags, Role, SubCase
from ...cases.material import TABLE_9_10, octets_of, random_octets
from ...observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    Aborted,
    Asked,
    Broken,
    Crashed,
    Deviated,
    Kept,
    Observation,
    ReleaseAsked,
)
from ...verdict import Close, Level
from ..outcomes import first_after, goes_on
from ..peer import ScuPeer
from ..reactions import (
    accepts,
    halves,
    held_back,
    in_pdvs,
    nothing,
    sends,
    slowly,
    with_empty_end,
    with_message_id,
)
from ..visit import Exchange, Reaction, Visit
from .material import NO_CONTEXT, on_associate, on_each, on_second_request, script

__all__ = ["DIMSE_2", "ROB_2", "UL_P_3"]

ASKED, CRASHED, RELEASE = Asked(), Crashed(), ReleaseAsked()
STOPS = (ABORT, CLOSED, RELEASE, SILENCE, CRASHED)  # the ways in which an SCU can fail to go on
_SMALL = (4096, 1024, 128)  # values of our Maximum Length
_HELD_BACK = 1.0  # seconds by which a response is delayed


def with_maximum(length: int) -> Reaction:
    """Return the reaction that accepts the association with this Maximum Length."""

    def change(pdu: AssociateAC, _: Exchange) -> AssociateAC:
        rest = tuple(item for item in pdu.user_information if not isinstance(item, MaximumLength))
        return replace(pdu, user_information=(MaximumLength(length), *rest))

    return accepts(change)


def _at_most(length: int) -> CaseRun:
    def observe(peer: ScuPeer, visit: Visit) -> Observation:
        found = goes_on(peer, visit)
        longest = max((wire.longest_p_data for wire in visit.wires), default=0)
        if longest > length:
            return (Broken(f"a P-DATA-TF of {longest} bytes; Maximum-length-received is {length}"),)
        return (Kept(f"the longest P-DATA-TF has {longest} bytes"),) if isinstance(found[0], Kept) else found

    return on_associate(with_maximum(length), observe)


async def _in_twos(exchange: Exchange) -> None:
    assert exchange.response is not None
    exchange.wire.say(exchange.response, exchange.context_id, piece_size=2)


async def _on_another_context(exchange: Exchange) -> None:
    assert exchange.response is not None
    number, contexts = exchange.context_id, exchange.wire.contexts
    others = ((number + step) % 256 for step in range(2, 256, 2))
    exchange.wire.say(exchange.response, next((each for each in others if each not in contexts), NO_CONTEXT))


def _case(number: str, title: str, section: str, run: CaseRun, **more: Any) -> Case:
    fields: dict[str, Any] = {"level": Level.MUST, "passes": (RULE_KEPT,), "fails": STOPS} | more
    return Case(id=number, title=title, section=section, role=Role.SCU, needs=Flags.SCU, run=run, **fields)


UL_P_3: tuple[Case, ...] = (
    _case(
        "UL-P-3.01",
        "The SCU keeps to our Maximum Length",
        "PS3.8 D.1.2",
        _at_most(_SMALL[0]),
        subcases=(
            SubCase(name="1024", run=_at_most(_SMALL[1])),
            SubCase(name="128", run=_at_most(_SMALL[2]), nonstrict=(ABORT, RELEASE)),
        ),
        fails=(RULE_BROKEN, SILENCE, CRASHED),
    ),
    _case("UL-P-3.02", "Our Maximum Length is 0", "PS3.8 D.1.2", on_associate(with_maximum(0), goes_on)),
    _case("UL-P-3.03", "Responses in fragments of two bytes", "PS3.8 E.1", on_each(_in_twos, goes_on)),
    _case(
        "UL-P-3.05",
        "Two PDVs of one kind in one P-DATA-TF",
        "PS3.8 E.1",
        on_each(in_pdvs(halves, together=True), goes_on),
        risky=True,
    ),
    _case(
        "UL-P-3.06",
        "Empty last fragments",
        "PS3.8 E.1 last note",
        on_each(in_pdvs(with_empty_end, together=False), goes_on),
        level=Level.SHOULD,
        nonstrict=(ABORT, CLOSED, RELEASE),
        fails=(SILENCE, CRASHED),
    ),
    _case(
        "UL-P-3.07",
        "A response on another context",
        "PS3.8 E.1",
        on_second_request(_on_another_context, first_after),
        level=Level.SHOULD,
        passes=(ABORT,),
        nonstrict=(CLOSED, RELEASE, ASKED),
        fails=(SILENCE, CRASHED),
        close=Close.EITHER,
    ),
)


def _one_at_a_time(peer: ScuPeer, visit: Visit) -> Observation:
    for wire, number in visit.early:
        if number < len(wire.events) and isinstance(wire.events[number], Asked):
            return (Broken("a request while another is outstanding"),)
    found = goes_on(peer, visit)
    if not isinstance(found[0], Kept):
        return found
    for wire in visit.wires:
        numbers = [each.request.MessageID for each in visit.exchanges if each.wire is wire and each.request is not None]
        if len(set(numbers)) < len(numbers):
            return (Deviated("a Message ID is used again after its response"),)
    return found


def _late(peer: ScuPeer) -> dict[tuple[str, int], Reaction]:
    return {("*", 0): held_back(min(_HELD_BACK, peer.patience / 10))}


DIMSE_2: tuple[Case, ...] = (
    _case(
        "DIMSE-2.01",
        "One request at a time, each with an id of its own",
        "PS3.7 §7.3, §10.1.2.1.1 ('No two identical values ... for outstanding operations')",
        script(_late, _one_at_a_time),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
    _case(
        "DIMSE-2.02",
        "A response to another Message ID",
        "PS3.7 §10.3 (0000,0120)",
        on_second_request(with_message_id(100), first_after),
        level=Level.SHOULD,
        passes=(ABORT,),
        nonstrict=(RELEASE, CLOSED, SILENCE),
        fails=(ASKED, CRASHED),
        close=Close.EITHER,
    ),
    _case(
        "DIMSE-2.08",
        "No release while an operation is outstanding",
        "PS3.7 A.5 ('shall not release the Association until all operations invoked have been confirmed')",
        on_second_request(nothing, first_after),
        passes=(ABORT,),
        nonstrict=(CLOSED, SILENCE),
        fails=(RELEASE,),
        close=Close.ABORT,
    ),
)


# --- robustness ---

_HTTP = b"HTTP/1.1 400 Bad Request\r\n\r\n"
_HUGE_LENGTH = 0xFFFFFFF0
_STEP, _PIECE = 0.05, 1 << 10  # seconds between pieces, octets of a piece
_OCTET_PAUSE = 0.02  # seconds between two octets


def _random(exchange: Exchange) -> bytes:
    return random_octets(exchange.visit.random)


async def _endless(exchange: Exchange) -> None:
    """Send an A-ASSOCIATE-AC that declares 4 GiB, and then zeros until the SCU reacts, or the patience ends."""
    assert exchange.pdu is not None
    wire = exchange.wire
    wire.send(forge_pdu(0x02, octets_of(exchange.pdu)[6:], length=_HUGE_LENGTH))
    loop = asyncio.get_running_loop()
    end = loop.time() + exchange.visit.patience
    while loop.time() < end and await wire.is_quiet(_STEP):
        await wire.send_all((bytes(_PIECE),), _STEP)


ROB_2: tuple[Case, ...] = (
    _case(
        "ROB-2.01",
        "The printer sends garbage instead of AC",
        f"{TABLE_9_10} Evt19 x Sta5 (AA-8)",
        on_associate(sends(lambda _: _HTTP), first_after),
        level=Level.SHOULD,
        subcases=(SubCase(name="64 KiB of random octets", run=on_associate(sends(_random), first_after)),),
        passes=(Aborted(2),),
        nonstrict=(Aborted(0), CLOSED),
        fails=(SILENCE, CRASHED),
        close=Close.EITHER,
        risky=True,
    ),
    _case(
        "ROB-2.02",
        "An AC that declares 4 GiB",
        f"{TABLE_9_10} Evt19 x Sta5 (AA-8)",
        on_associate(_endless, first_after),
        level=Level.SHOULD,
        passes=(ABORT,),
        nonstrict=(CLOSED,),
        fails=(SILENCE, CRASHED),
        close=Close.EITHER,
        risky=True,
    ),
    _case(
        "ROB-2.04",
        "A response in single octets",
        "PS3.8 §9.1 (TCP is a stream)",
        script(lambda _: {("*", 1): slowly(_OCTET_PAUSE)}, goes_on),
        level=Level.SHOULD,
        nonstrict=(ABORT,),
        fails=(CLOSED, RELEASE, SILENCE, CRASHED),
    ),
)
