"""DIMSE: the PS3.7 Command Sets and statuses of a peer, and its answers to valid and invalid C-ECHO requests."""

from collections.abc import Mapping
from struct import pack, unpack_from

from ...message import CCancelRQ, CEchoRQ, CEchoRSP
from ...uids import Verification
from ..case import Case, CaseRun, Flags, Role, SubCase
from ..observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    FAILURE,
    RESPONSE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    Answered,
    Broken,
    Deviated,
    Garbled,
    Seen,
    Silent,
    matches,
)
from ..peer import Peer
from ..verdict import Close, Level
from .material import UNKNOWN_CLASS, command_pdu

__all__ = ["DIMSE_ECHO"]

_CLASS, _FIELD, _ID, _DATA_SET_TYPE, _STATUS = 0x0002, 0x0100, 0x0110, 0x0800, 0x0900
_NO_DATA_SET = pack("<H", 0x0101)
_COMMAND_START = 12  # octets of a P-DATA-TF before the Command Set
_OTHER_REFUSAL = (FAILURE, ABORT, CLOSED)


def command_octets(elements: Mapping[int, bytes]) -> bytes:
    """Return the Command Set with these elements of group 0000, preceded by the group length."""
    listed = sorted(elements.items())
    body = b"".join(pack("<HHI", 0, element, len(value)) + value for element, value in listed)
    return pack("<HHII", 0, 0, 4, len(body)) + body


def echo_elements(**changes: bytes | None) -> dict[int, bytes]:
    """Return the elements of a C-ECHO-RQ. ``changes`` replaces elements by name; None leaves an element out."""
    uid = Verification.encode()
    found = {
        "sop_class": uid + b"\0" * (len(uid) % 2),
        "field": pack("<H", 0x0030),
        "message_id": pack("<H", 1),
        "data_set": _NO_DATA_SET,
    } | changes
    tags = {"sop_class": _CLASS, "field": _FIELD, "message_id": _ID, "data_set": _DATA_SET_TYPE}
    return {tags[name]: value for name, value in found.items() if value is not None}


def echoes(*message_ids: int) -> CaseRun:
    """Return the run that sends C-ECHO requests with these Message IDs, one after another."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.associate()
        seen: Seen = Silent()
        for message_id in message_ids:
            seen = await peer.echo(wire, 1, message_id)
            if not isinstance(seen, Answered):
                return seen
            fault = f"{type(seen.message).__name__} to a C-ECHO-RQ"
            peer.require(isinstance(seen.message, CEchoRSP), "C-ECHO-RQ is answered by C-ECHO-RSP", fault)
            number = getattr(seen.message, "MessageIDBeingRespondedTo", None)
            fault = f"Message ID Being Responded To is {number}"
            peer.require(number == message_id, f"Message ID Being Responded To is {message_id}", fault)
            data = getattr(seen.message, "Data", None)
            peer.require(data is None, "a C-ECHO-RSP has no Data Set", "a Data Set in a C-ECHO-RSP")
        return seen

    return run


async def retired_elements(peer: Peer) -> Seen:
    wire = await peer.associate()
    retired = {0x0001: pack("<I", 0), 0x0010: b"DICOM 3 "}
    wire.send(command_pdu(command_octets(echo_elements() | retired)))
    return await wire.response()


async def unknown_command_field(peer: Peer) -> Seen:
    wire = await peer.associate()
    wire.send(command_pdu(command_octets(echo_elements(field=pack("<H", 0x0200)))))
    seen = await wire.response()
    if isinstance(seen, Garbled):  # the response may contain the unknown Command Field; only its status is judged
        status = _status_in(wire.last_p_data[_COMMAND_START:])
        return seen if status is None else Answered(status)
    return seen


def _status_in(command: bytes) -> int | None:
    at = 0
    while at + 10 <= len(command):
        _, element, length = unpack_from("<HHI", command, at)
        if element == _STATUS and length == 2:
            return int.from_bytes(command[at + 8 : at + 10], "little")
        at += 8 + int(length)
    return None


async def cancel_of_nothing(peer: Peer) -> Seen:
    wire = await peer.associate()
    wire.say(CCancelRQ(MessageIDBeingRespondedTo=7))
    seen = await peer.echo(wire, 1, 8)
    responded = getattr(seen.message, "MessageIDBeingRespondedTo", 8) if isinstance(seen, Answered) else 8
    return Broken(f"a response to Message ID {responded}") if responded != 8 else seen


async def echo_of_another_class(peer: Peer) -> Seen:
    wire = await peer.associate()
    wire.say(CEchoRQ(MessageID=1, AffectedSOPClassUID=UNKNOWN_CLASS))
    return await wire.response()


def echo_without(name: str) -> CaseRun:
    """Return the run that sends a C-ECHO-RQ without this element."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.associate()
        wire.send(command_pdu(command_octets(echo_elements(**{name: None}))))
        seen = await wire.response()
        if isinstance(seen, Silent) and matches(SUCCESS, (await peer.echo(wire, 1, 9),)):
            return Deviated("the request is ignored; the next C-ECHO is answered")
        return seen

    return run


DIMSE_ECHO: tuple[Case, ...] = (
    Case(
        id="DIMSE-1.01",
        title="C-ECHO",
        section="PS3.7 §9.1.5, §9.3.5; PS3.4 A.3",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=echoes(5),
        passes=(SUCCESS,),
        fails=(RULE_BROKEN, RESPONSE, SILENCE),
        subcases=(
            SubCase(name="65535", run=echoes(65535)),
            SubCase(name="0", run=echoes(0)),
            SubCase(name="5 again after its answer", run=echoes(5, 5)),
        ),
    ),
    Case(
        id="DIMSE-1.02",
        title="Command sets of the peer are well formed",
        section="PS3.7 §6.3.1, §9.3, §10.3, Annex E",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="DIMSE-1.03",
        title="UIDs in responses equal the UIDs of the request",
        section="PS3.7 §9.1.5.1.3, §10.1.1.1.3-4, §10.1.2.1.6-7, §10.1.3.1.7-8, §10.1.4.1.7-8, §10.1.5.1.3, "
        "§10.1.6.1.5-6",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="DIMSE-1.04",
        title="Status values belong to a class",
        section="PS3.7 Annex C ('shall not use Status Codes with values not listed')",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="DIMSE-1.05",
        title="Retired command elements",
        section="PS3.7 §6.3.1 note 1, E.2",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=retired_elements,
        passes=(SUCCESS,),
        nonstrict=_OTHER_REFUSAL,
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.06",
        title="A Command Field that does not exist",
        section="PS3.7 §9.1.5.1.4 e (0211), Annex E",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=unknown_command_field,
        passes=(ABORT, Answered(0x0211)),
        nonstrict=(CLOSED,),
        fails=(SILENCE, SUCCESS),
        close=Close.ABORT,
    ),
    Case(
        id="DIMSE-1.07",
        title="C-CANCEL with nothing to cancel",
        section="PS3.7 §9.3.2.3 (no response)",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=cancel_of_nothing,
        passes=(SUCCESS,),
        nonstrict=(ABORT, CLOSED),
        fails=(RULE_BROKEN, SILENCE),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.08",
        title="C-ECHO for another class than Verification",
        section="PS3.7 §9.1.5.1.4 b, e",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=echo_of_another_class,
        passes=(Answered(0x0122), Answered(0x0211), ABORT),
        nonstrict=(SUCCESS, FAILURE, CLOSED),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.09",
        title="A mandatory command element is missing",
        section="PS3.7 §9.3.5, §9.1.5.1.4 d (0212)",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=echo_without("sop_class"),
        passes=(Answered(0x0212), ABORT),
        nonstrict=(RESPONSE, CLOSED, DEVIATED, Garbled()),  # without a Message ID, a response cannot name its request
        fails=(SILENCE,),
        subcases=(SubCase(name="without Message ID", run=echo_without("message_id")),),
        close=Close.EITHER,
    ),
)
